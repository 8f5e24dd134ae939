# The program with allocations and OpenCL calls that fail on demand, and what makes them fail one by one.
add_executable(faulty ${CMAKE_CURRENT_LIST_DIR}/faulty.c $<TARGET_OBJECTS:clvgg>)
target_include_directories(faulty PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/host)
target_link_libraries(faulty PRIVATE clvgg_report)
clvgg_wrap_cl(faulty)

add_executable(sweep ${CMAKE_CURRENT_LIST_DIR}/sweep.c)
target_compile_definitions(sweep PRIVATE FAULTY="$<TARGET_FILE:faulty>")
target_link_libraries(sweep PRIVATE test_support)
foreach(scenarios help info convert quantize cache compare report devices run eval finetune bench tune verify "visualize filters" "visualize activations"
                  "visualize project" "visualize top" "visualize occlusion" "visualize invariance" "visualize gradcam" "visualize all")
  string(REPLACE " " "_" name "sweep_${scenarios}")
  add_test(NAME ${name} COMMAND sweep ${scenarios})
  set_tests_properties(${name} PROPERTIES LABELS e2e TIMEOUT 1200)
endforeach()

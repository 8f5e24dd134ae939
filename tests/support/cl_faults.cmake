# Routes a test's OpenCL calls through support/cl_faults.c, whose WRAP_ lines are the one list of them.
set(cl_faults_source ${CMAKE_CURRENT_LIST_DIR}/cl_faults.c)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${cl_faults_source})
file(STRINGS ${cl_faults_source} cl_faults_lines REGEX "^WRAP_")
set(cl_faults_options "")
foreach(line IN LISTS cl_faults_lines)
  string(REGEX MATCH "cl[A-Z][A-Za-z]+" function "${line}")
  list(APPEND cl_faults_options "LINKER:--wrap=${function}")
endforeach()

function(clvgg_wrap_cl target)
  target_sources(${target} PRIVATE ${cl_faults_source})
  target_link_options(${target} PRIVATE ${cl_faults_options})
endfunction()

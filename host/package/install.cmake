# What `cmake --install` puts where, in components: `program`, `data` (model and label files), `library`, `development`.
# Both package descriptions are relocatable.
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/clvgg)
set(pkgconfig_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(models_folder ${CMAKE_INSTALL_DATADIR}/clvgg)
set(bash_folder ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
set(zsh_folder ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
set(fish_folder ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# What is installed, to wherever, is noted for the target `uninstall`: CMake's own manifest forgets DESTDIR, folders
# and all installations but the last.
set(noted ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/installed.txt)
set(folders ${CMAKE_INSTALL_BINDIR} ${CMAKE_INSTALL_INCLUDEDIR}/clvgg ${CMAKE_INSTALL_MANDIR}/man1 ${CMAKE_INSTALL_DOCDIR}/examples
    ${package_folder} ${pkgconfig_folder} ${models_folder}/models ${bash_folder} ${zsh_folder} ${fish_folder})
install(CODE "set(noted \"${noted}\")\nset(folders \"${folders}\")" ALL_COMPONENTS)
install(SCRIPT host/package/note.cmake ALL_COMPONENTS)

install(TARGETS clvgg_shared clvgg_static EXPORT clvggTargets
        LIBRARY COMPONENT library NAMELINK_COMPONENT development
        ARCHIVE COMPONENT development
        FILE_SET HEADERS COMPONENT development)
# Package descriptions lie where neither find_package() nor pkg-config looks when the build folder is in PATH or
# CMAKE_PREFIX_PATH: there they are incomplete.
set(descriptions ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/package)
install(EXPORT clvggTargets NAMESPACE clvgg:: DESTINATION ${package_folder} COMPONENT development)
configure_package_config_file(host/package/clvggConfig.cmake.in ${descriptions}/clvggConfig.cmake
  INSTALL_DESTINATION ${package_folder} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${descriptions}/clvggConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${descriptions}/clvggConfig.cmake ${descriptions}/clvggConfigVersion.cmake
        DESTINATION ${package_folder} COMPONENT development)

file(RELATIVE_PATH up /${pkgconfig_folder} /)
list(JOIN clvgg_modules " " clvgg_requires)
configure_file(host/package/clvgg.pc.in ${descriptions}/clvgg.pc @ONLY)
install(FILES ${descriptions}/clvgg.pc DESTINATION ${pkgconfig_folder} COMPONENT development)
install(FILES host/examples/classify.c host/examples/interop.c
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT development)

# The checkout's README is about the checkout.
set(documents host/package/README.md CHANGELOG.md LICENSE)
if(TARGET clvgg)
  install(TARGETS clvgg RUNTIME COMPONENT program)
  install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
  install(FILES host/cli/clvgg.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
  set(completion ${CMAKE_CURRENT_SOURCE_DIR}/host/cli/completion)
  install(FILES ${completion}/clvgg.bash DESTINATION ${bash_folder} RENAME clvgg COMPONENT program)
  install(FILES ${completion}/_clvgg DESTINATION ${zsh_folder} COMPONENT program)
  install(FILES ${completion}/clvgg.fish DESTINATION ${fish_folder} COMPONENT program)
  if(CLVGG_INSTALL_MODEL)
    install(DIRECTORY models DESTINATION ${models_folder} COMPONENT data)
  endif()
else()
  install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)
endif()

install(SCRIPT host/package/note.cmake ALL_COMPONENTS)
if(PROJECT_IS_TOP_LEVEL)
  add_custom_target(uninstall VERBATIM
    COMMAND ${CMAKE_COMMAND} -Dnoted=${noted} -P ${CMAKE_CURRENT_SOURCE_DIR}/host/package/uninstall.cmake)
endif()

# What `cmake --install` puts where, in components: `program`, `data` (model and label files), `library`, `development`.
# Both package descriptions are relocatable.
include(CMakePackageConfigHelpers)

install(TARGETS clvgg_shared clvgg_static EXPORT clvggTargets
        LIBRARY COMPONENT library NAMELINK_COMPONENT development
        ARCHIVE COMPONENT development
        FILE_SET HEADERS COMPONENT development)
# Package descriptions lie where neither find_package() nor pkg-config looks when the build folder is in PATH or
# CMAKE_PREFIX_PATH: there they are incomplete.
set(descriptions ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/package)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/clvgg)
install(EXPORT clvggTargets NAMESPACE clvgg:: DESTINATION ${package_folder} COMPONENT development)
configure_package_config_file(host/package/clvggConfig.cmake.in ${descriptions}/clvggConfig.cmake
  INSTALL_DESTINATION ${package_folder} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${descriptions}/clvggConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${descriptions}/clvggConfig.cmake ${descriptions}/clvggConfigVersion.cmake
        DESTINATION ${package_folder} COMPONENT development)

set(pkgconfig_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
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
  set(completions ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${completion}/clvgg.bash DESTINATION ${completions} RENAME clvgg COMPONENT program)
  install(FILES ${completion}/_clvgg DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT program)
  install(FILES ${completion}/clvgg.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT program)
  if(CLVGG_INSTALL_MODEL)
    install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/clvgg COMPONENT data)
  endif()
else()
  install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)
endif()

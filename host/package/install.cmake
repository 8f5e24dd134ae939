# What `cmake --install` puts where. Both package descriptions are relocatable.
include(CMakePackageConfigHelpers)

install(TARGETS clvgg_shared clvgg_static EXPORT clvggTargets FILE_SET HEADERS)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/clvgg)
install(EXPORT clvggTargets NAMESPACE clvgg:: DESTINATION ${package_folder})
configure_package_config_file(host/package/clvggConfig.cmake.in clvggConfig.cmake
  INSTALL_DESTINATION ${package_folder} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(clvggConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/clvggConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/clvggConfigVersion.cmake
        DESTINATION ${package_folder})

set(pkgconfig_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH up /${pkgconfig_folder} /)
list(JOIN clvgg_modules " " clvgg_requires)
configure_file(host/package/clvgg.pc.in clvgg.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/clvgg.pc DESTINATION ${pkgconfig_folder})

# The checkout's README is about the checkout.
install(FILES host/package/README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES host/examples/classify.c host/examples/interop.c DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

if(TARGET clvgg)
  install(TARGETS clvgg)
  install(FILES host/cli/clvgg.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  set(completion ${CMAKE_CURRENT_SOURCE_DIR}/host/cli/completion)
  install(FILES ${completion}/clvgg.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME clvgg)
  install(FILES ${completion}/_clvgg DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${completion}/clvgg.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
  if(CLVGG_INSTALL_MODEL)
    install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/clvgg)
  endif()
endif()

# Read by CPack for each kind of package: which components, and the script that finishes what was staged.
if(CPACK_GENERATOR STREQUAL "TGZ")
  # Those who compile against the library have its Debian packages, or `cmake --install`.
  list(GET CPACK_INSTALL_CMAKE_PROJECTS 0 build)
  set(CPACK_INSTALL_CMAKE_PROJECTS ${build} clvgg program / ${build} clvgg data /)
  set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/carry.cmake)
elseif(CPACK_GENERATOR STREQUAL "DEB")
  if(NOT CPACK_DEBIAN_PACKAGE_SOURCE)
    message(FATAL_ERROR "Debian packages are of a build for /usr: cmake --workflow --preset package")
  endif()
  set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/debian_finish.cmake)
  set(CPACK_POST_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/debian_repack.cmake)
  set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # else it would be the first line of all
endif()

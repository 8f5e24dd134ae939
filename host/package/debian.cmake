# The Debian packages: clvgg, clvgg-data, libclvgg0, libclvgg-dev.
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program library development)
if(CLVGG_INSTALL_MODEL)
  list(APPEND CPACK_COMPONENTS_ALL data)
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SOURCE clvgg)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

# Packages of a newer release are newer: an upgraded system upgrades them.
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
cmake_host_system_information(RESULT release QUERY DISTRIB_INFO)
if(release_ID STREQUAL "debian" AND release_VERSION_ID)
  string(APPEND CPACK_DEBIAN_PACKAGE_RELEASE "~deb${release_VERSION_ID}")
endif()
set(this_version "(= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME clvgg)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "clvgg-data, pocl-opencl-icd | opencl-icd")
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "VGG-style convolutional networks on any OpenCL device
A photograph goes in, a label comes out, on any OpenCL 1.2 device: CPUs and
GPUs run the same code. The program also trains a network's head for classes
of your own, measures a network, shows what its layers learned, and tunes its
kernels for a device.")

set(CPACK_DEBIAN_DATA_PACKAGE_NAME clvgg-data)
set(CPACK_DEBIAN_DATA_PACKAGE_SECTION science)
set(CPACK_DEBIAN_DATA_PACKAGE_ARCHITECTURE all)
set(CPACK_MULTI_ARCH_clvgg-data foreign)
set(CPACK_DEBIAN_DATA_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DATA_DESCRIPTION "default model and label files of clvgg
VGG16 that tells cats from dogs, which clvgg takes when it is told no other
model, and names of ImageNet's 1000 classes for models that bring none.")

set(library libclvgg${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_MULTI_ARCH_${library} same)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS "pocl-opencl-icd | opencl-icd")
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "VGG-style convolutional networks on any OpenCL device - library
Runs and trains VGG-style networks on any OpenCL 1.2 device, also on OpenCL
objects of the calling program.")
# Before 1.0.0 a minor version may break the interface, under the same SONAME.
math(EXPR next_minor "${PROJECT_VERSION_MINOR} + 1")
set(series "${library} (>= ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}), ${library} (<< ${PROJECT_VERSION_MAJOR}.${next_minor}~)")
set(control ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/package)
file(WRITE ${control}/shlibs "libclvgg ${PROJECT_VERSION_MAJOR} ${series}\n")
file(WRITE ${control}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${control}/shlibs ${control}/triggers)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# What clvgg.pc and clvggConfig.cmake name is what the development package needs.
set(needed "${library} ${this_version}")
foreach(module IN LISTS clvgg_modules)
  pkg_get_variable(folder ${module} pcfiledir)
  execute_process(COMMAND dpkg-query --search ${folder}/${module}.pc OUTPUT_VARIABLE owner COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE ":.*" "" owner "${owner}")
  list(APPEND needed ${owner})
endforeach()
list(REMOVE_DUPLICATES needed)
list(JOIN needed ", " CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libclvgg-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_MULTI_ARCH_libclvgg-dev same)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "VGG-style convolutional networks on any OpenCL device - headers
Headers, the static library, descriptions for CMake and pkg-config, and
examples, to compile programs that use libclvgg.")

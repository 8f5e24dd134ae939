# Puts the libraries that the staged program needs into lib/, all but libc's own, with their licences. The system's
# library of the same name comes first: drivers that are loaded later bring code of the system's age, not of this one's.
find_program(PATCHELF patchelf)
if(NOT PATCHELF)
  message(FATAL_ERROR "patchelf, which tells the archive's program where its libraries are, isn't installed")
endif()
set(top ${CPACK_TEMPORARY_DIRECTORY})
set(licences ${top}/share/doc/clvgg/libraries)
file(MAKE_DIRECTORY ${top}/lib ${licences})
set(system /lib/${CPACK_LIBRARY_ARCHITECTURE}:/usr/lib/${CPACK_LIBRARY_ARCHITECTURE}:/lib64:/usr/lib64:/usr/lib)

function(look_in file own)
  execute_process(COMMAND ${PATCHELF} --set-rpath ${system}:${own} ${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${top}/bin/clvgg RESOLVED_DEPENDENCIES_VAR libraries
     PRE_EXCLUDE_REGEXES "^lib(c|m|dl|rt|pthread)\\.so" "^ld-linux")
look_in(${top}/bin/clvgg "$ORIGIN/../lib")
foreach(library IN LISTS libraries)
  cmake_path(GET library FILENAME name)
  file(REAL_PATH ${library} real)
  cmake_path(GET real FILENAME real_name)
  file(COPY_FILE ${real} ${top}/lib/${name})
  look_in(${top}/lib/${name} "$ORIGIN")

  # Which package it is of; a file of compilers for other machines may have the same name.
  execute_process(COMMAND dpkg-query --search "*/${CPACK_LIBRARY_ARCHITECTURE}/${real_name}"
                  OUTPUT_VARIABLE owner COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE ": .*" "" owner "${owner}")
  string(REGEX REPLACE ":.*" "" package "${owner}")
  execute_process(COMMAND dpkg-query --show --showformat "\${source:Package} \${source:Version}" ${owner}
                  OUTPUT_VARIABLE source COMMAND_ERROR_IS_FATAL ANY)
  file(COPY_FILE /usr/share/doc/${package}/copyright ${licences}/${package})
  file(STRINGS ${licences}/${package} lines REGEX "/usr/share/common-licenses/")
  string(REGEX MATCHALL "common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]" texts "${lines}")
  list(APPEND common ${texts})
  string(APPEND carried "${name}: Debian's ${package}, source ${source}\n")
endforeach()

list(REMOVE_DUPLICATES common)
foreach(text IN LISTS common)
  file(REAL_PATH /usr/share/${text} real)
  configure_file(${real} ${licences}/${text} COPYONLY)
endforeach()
file(WRITE ${licences}/README "The libraries in lib/, unchanged but for where they look for others, are Debian's; licences are beside this file.\n\n${carried}")

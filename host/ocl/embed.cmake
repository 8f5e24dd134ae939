# Writes a C file that holds every kernel source: cmake -DOUTPUT=… "-DKERNELS=a.cl;b.cl" -P embed.cmake
# Sources become byte arrays: string literals have a length limit in C11.
set(tables "")
set(rows "")
list(SORT KERNELS)
foreach(kernel ${KERNELS})
  get_filename_component(name ${kernel} NAME)
  string(MAKE_C_IDENTIFIER ${name} identifier)
  file(READ ${kernel} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND tables "static const unsigned char ${identifier}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", (const char *)${identifier}, sizeof ${identifier} - 1},\n")
endforeach()
file(WRITE ${OUTPUT} "/* Generated from cl/ by host/ocl/embed.cmake. */
#include \"ocl/program.h\"

${tables}
const vgg_kernel_source vgg_kernel_sources[] = {
${rows}    {0, 0, 0},
};
")

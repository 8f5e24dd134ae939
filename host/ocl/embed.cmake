# Writes a C file that holds every kernel source with its hash, and the tuning results that are shipped:
# cmake -DOUTPUT=… "-DKERNELS=a.cl;b.cl" -DTUNED=….json -P embed.cmake
# Sources become byte arrays: string literals have a length limit in C11.
set(tables "")
set(rows "")
list(SORT KERNELS)
foreach(kernel ${KERNELS})
  get_filename_component(name ${kernel} NAME)
  string(MAKE_C_IDENTIFIER ${name} identifier)
  file(READ ${kernel} bytes HEX)
  file(SHA256 ${kernel} hash)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND tables "static const unsigned char ${identifier}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", (const char *)${identifier}, sizeof ${identifier} - 1,\n     \"${hash}\"},\n")
endforeach()
file(READ ${TUNED} tuned HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," tuned "${tuned}")
file(WRITE ${OUTPUT} "/* Generated from cl/ and host/tune/tuned_defaults.json by host/ocl/embed.cmake. */
#include \"ocl/program.h\"
#include \"tune/tuning.h\"

${tables}
const vgg_kernel_source vgg_kernel_sources[] = {
${rows}    {0, 0, 0, 0},
};

static const unsigned char tuned[] = {${tuned}0};
const char *const vgg_tuned_defaults = (const char *)tuned;
const size_t vgg_tuned_defaults_length = sizeof tuned - 1;
")

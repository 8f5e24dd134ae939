# Writes a C file that holds every kernel source and the prelude that compilers read before each, with its hash, and the tuning results that
# are shipped: cmake -DOUTPUT=… -DPRELUDE=prelude.h "-DKERNELS=a.cl;b.cl" -DTUNED=….json -P embed.cmake
# Sources become byte arrays: string literals have a length limit in C11.

# The bytes of a file as the elements of a C array.
function(read_bytes file out)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  set(${out} "${bytes}" PARENT_SCOPE)
endfunction()

# The file's words with single spaces between: a comment that changes doesn't void what was measured with a kernel.
function(read_words file out)
  file(READ ${file} rest)
  set(words "")
  string(FIND "${rest}" "/*" comment)
  while(comment GREATER -1)
    string(SUBSTRING "${rest}" 0 ${comment} before)
    string(APPEND words "${before} ")
    string(SUBSTRING "${rest}" ${comment} -1 rest)
    string(FIND "${rest}" "*/" end)
    math(EXPR end "${end} + 2")
    string(SUBSTRING "${rest}" ${end} -1 rest)
    string(FIND "${rest}" "/*" comment)
  endwhile()
  string(REGEX REPLACE "[ \t\r\n]+" " " words "${words}${rest}")
  set(${out} "${words}" PARENT_SCOPE)
endfunction()

get_filename_component(prelude_name ${PRELUDE} NAME)
read_bytes(${PRELUDE} prelude)
read_words(${PRELUDE} prelude_words)
set(tables "")
set(rows "")
list(SORT KERNELS)
foreach(kernel ${KERNELS})
  get_filename_component(name ${kernel} NAME)
  string(MAKE_C_IDENTIFIER ${name} identifier)
  read_bytes(${kernel} bytes)
  read_words(${kernel} words)
  string(SHA256 hash "${prelude_words}${words}")
  string(APPEND tables "static const unsigned char ${identifier}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", (const char *)${identifier}, sizeof ${identifier} - 1,\n     \"${hash}\"},\n")
endforeach()
read_bytes(${TUNED} tuned)
file(WRITE ${OUTPUT} "/* Generated from cl/ and host/tune/tuned_defaults.json by host/ocl/embed.cmake. */
#include \"ocl/program.h\"
#include \"tune/tuning.h\"

${tables}
const vgg_kernel_source vgg_kernel_sources[] = {
${rows}    {0, 0, 0, 0},
};

static const unsigned char prelude[] = {${prelude}0};
const vgg_kernel_source vgg_kernel_prelude = {\"${prelude_name}\", (const char *)prelude, sizeof prelude - 1, 0};

static const unsigned char tuned[] = {${tuned}0};
const char *const vgg_tuned_defaults = (const char *)tuned;
const size_t vgg_tuned_defaults_length = sizeof tuned - 1;
")

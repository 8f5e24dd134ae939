# Writes a C file that holds bench/schema.json: cmake -DOUTPUT=… -DSCHEMA=… -P schema.cmake
# It becomes a byte array: string literals have a length limit in C11.
file(READ ${SCHEMA} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "/* Generated from bench/schema.json by host/report/schema.cmake. */
#include \"report/schema.h\"

static const unsigned char schema[] = {${bytes}0};
const char *const vgg_bench_schema = (const char *)schema;
")

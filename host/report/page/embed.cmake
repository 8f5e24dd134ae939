# Writes a C file that holds the report's stylesheet and script: cmake -DOUTPUT=… -DFOLDER=… -P embed.cmake
# They become byte arrays: string literals have a length limit in C11.
foreach(ending css js)
  file(READ ${FOLDER}/page.${ending} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," ${ending} "${bytes}")
endforeach()
file(WRITE ${OUTPUT} "/* Generated from host/report/page/ by its embed.cmake. */
#include \"report/page.h\"

static const unsigned char css[] = {${css}0}, js[] = {${js}0};
const char *const vgg_page_css = (const char *)css;
const char *const vgg_page_js = (const char *)js;
")

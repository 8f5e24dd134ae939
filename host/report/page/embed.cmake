# Writes a C file that holds the pages' stylesheets and scripts: cmake -DOUTPUT=… -DFOLDER=… -P embed.cmake
# They become byte arrays: string literals have a length limit in C11.
set(c "/* Generated from host/report/page/ by its embed.cmake. */\n#include \"report/page.h\"\n")
foreach(file page.css page.js bench.css bench.js)
  file(READ ${FOLDER}/${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(MAKE_C_IDENTIFIER ${file} name)
  string(APPEND c "\nstatic const unsigned char ${name}[] = {${bytes}0};\nconst char *const vgg_${name} = (const char *)${name};\n")
endforeach()
file(WRITE ${OUTPUT} "${c}")

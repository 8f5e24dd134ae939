/* base/json_parse.c — see json_parse.h. */
#include "base/json_parse.h"

#ifdef CLVGG_HAVE_CJSON
#include <errno.h>

clvgg_status vgg_json_parse(const char *text, size_t length, bool whole, const char **end,
                            cJSON **out)
{
    errno = 0; /* POSIX's malloc() sets it when it fails; nothing else in the parser sets ENOMEM */
    *out = cJSON_ParseWithLengthOpts(text, length, end, whole);
    return *out != NULL || errno != ENOMEM
               ? CLVGG_STATUS_OK
               : vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for %zu bytes of JSON",
                          length);
}
#endif

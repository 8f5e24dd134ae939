/* base/json_parse.h — cJSON's parser, which returns NULL for bad JSON and for no memory alike. */
#ifndef VGG_BASE_JSON_PARSE_H
#define VGG_BASE_JSON_PARSE_H

#ifdef CLVGG_HAVE_CJSON
#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/status.h"

/* Parses text[0…length); `end` (or NULL) gets where the value, or what is right of it, ends.
 * Returns OK with *out NULL for a text that isn't JSON, and with `whole` where more follows the
 * value: the caller has the words for it. *out is freed by cJSON_Delete(). Errors: OUT_OF_MEMORY.
 */
clvgg_status vgg_json_parse(const char *text, size_t length, bool whole, const char **end,
                            cJSON **out);
#endif

#endif

/* report/json.h — writing JSON piece by piece: commas, line breaks and nesting are kept here.
 *
 * Members of the outermost object, and elements of arrays directly in it, have a line each; what is
 * deeper stays on its line. `key` is NULL inside an array and for the outermost value.
 */
#ifndef VGG_REPORT_JSON_H
#define VGG_REPORT_JSON_H

#include <stdint.h>

#include "base/text.h"

enum { VGG_JSON_DEPTH = 8 };

typedef struct vgg_json {
    vgg_text *text;
    int depth;
    struct {
        char close;
        bool used, lines;
    } levels[VGG_JSON_DEPTH];
} vgg_json;

/* Begins the outermost object, of schema 1, which is written into `text`. */
void vgg_json_begin(vgg_json *json, vgg_text *text);
void vgg_json_begin_object(vgg_json *json, const char *key);
void vgg_json_begin_array(vgg_json *json, const char *key);
/* Closes the innermost object or array; the outermost ends with a newline. */
void vgg_json_end(vgg_json *json);

void vgg_json_string(vgg_json *json, const char *key, const char *value);
void vgg_json_number(vgg_json *json, const char *key, double value);
void vgg_json_integer(vgg_json *json, const char *key, int64_t value);
void vgg_json_bytes(vgg_json *json, const char *key, uint64_t value);
void vgg_json_integers(vgg_json *json, const char *key, const int64_t *values, size_t count);
void vgg_json_numbers(vgg_json *json, const char *key, const double *values, size_t count);
/* An element {"file": …, key: words}. */
void vgg_json_file(vgg_json *json, const char *file, const char *key, const char *words);
/* An object that was written by itself, from vgg_json_begin_object() to its end; empties `text`. */
void vgg_json_object(vgg_json *json, vgg_text *text);
/* A value that is JSON already. */
void vgg_json_raw(vgg_json *json, const char *key, const char *value);
void vgg_json_bool(vgg_json *json, const char *key, bool value);

#endif

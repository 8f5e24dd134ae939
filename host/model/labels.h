/* model/labels.h — class names: from a file's metadata, from a text file, or made up. A label is
 * any bytes but NUL, at most 1,024 of them; printing code must escape it.
 */
#ifndef VGG_MODEL_LABELS_H
#define VGG_MODEL_LABELS_H

#include <stddef.h>

#include "base/status.h"
#include "base/text.h"

#define VGG_MAX_LABEL_BYTES 1024
#define VGG_MAX_CLASSES ((size_t)1 << 20)

/* "class 0", "class 1", … */
clvgg_status vgg_labels_generate(size_t count, char ***out);
clvgg_status vgg_labels_copy(const char *const *labels, size_t count, char ***out);
/* Reads a file with one label a line, LF or CRLF; there must be `count` of them. Errors: NOT_FOUND,
 * IO, BAD_FILE. */
clvgg_status vgg_labels_read_file(const char *path, size_t count, char ***out);
/* A JSON array of `count` strings. */
clvgg_status vgg_labels_read_json(const char *json, size_t count, char ***out);
void vgg_labels_write_json(char *const *labels, size_t count, vgg_text *text);
void vgg_labels_free(char **labels, size_t count);

#endif

/* base/text.h — a growing string, and writing JSON into it. */
#ifndef VGG_BASE_TEXT_H
#define VGG_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Zero-initialise; free with vgg_text_free(). After a failed append `failed` stays set and further
 * appends do nothing, so that only the end needs a check. */
typedef struct vgg_text {
    char *bytes; /* NUL-terminated once anything was appended */
    size_t length, capacity;
    bool failed;
} vgg_text;

void vgg_text_append(vgg_text *text, const char *bytes, size_t length);
void vgg_text_puts(vgg_text *text, const char *string);
/* Appends what another text holds, or its failure. */
void vgg_text_join(vgg_text *text, const vgg_text *other);
void vgg_text_printf(vgg_text *text, const char *format, ...) VGG_PRINTF(2, 3);
/* A JSON string with its quotes; invalid UTF-8 becomes U+FFFD, so the output is always valid. */
void vgg_text_json_string(vgg_text *text, const char *string);
/* A JSON number as %.9g, whatever the locale; null when not finite. */
void vgg_text_json_number(vgg_text *text, double value);
void vgg_text_free(vgg_text *text);
/* The text, "" before anything was appended. */
static inline const char *vgg_text_string(const vgg_text *text)
{
    return text->bytes != NULL ? text->bytes : "";
}
/* OK where every append went well; else OUT_OF_MEMORY, with a message that says what the text was
 * to be: "out of memory for the title". */
clvgg_status vgg_text_check(const vgg_text *text, const char *what);
/* *out is what the text holds, to be freed by vgg_free(), and the text is empty. Errors: those of
 * vgg_text_check(). */
clvgg_status vgg_text_take(vgg_text *text, const char *what, char **out);
/* The word for so many: vgg_plural(1, "class", "classes") is "class". */
static inline const char *vgg_plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}
bool vgg_text_is_utf8(const char *string);

#endif

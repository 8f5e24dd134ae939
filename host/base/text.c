/* base/text.c — a growing string; JSON escapes and locale-proof numbers. */
#include "base/text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void vgg_text_append(vgg_text *text, const char *bytes, size_t length)
{
    if (text->failed)
        return;
    if (length >= SIZE_MAX / 4 - text->length) {
        text->failed = true;
        return;
    }
    if (text->length + length + 1 > text->capacity) {
        size_t capacity = text->capacity ? text->capacity : 128;
        while (capacity < text->length + length + 1)
            capacity *= 2;
        char *grown = vgg_realloc(text->bytes, capacity, 1);
        if (grown == NULL) {
            text->failed = true;
            return;
        }
        text->bytes = grown;
        text->capacity = capacity;
    }
    if (length > 0)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void vgg_text_puts(vgg_text *text, const char *string)
{
    vgg_text_append(text, string, strlen(string));
}

void vgg_text_join(vgg_text *text, const vgg_text *other)
{
    text->failed |= other->failed;
    vgg_text_append(text, other->bytes, other->length);
}

void vgg_text_printf(vgg_text *text, const char *format, ...)
{
    char small[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (length < 0) {
        text->failed = true;
    } else if ((size_t)length < sizeof small) {
        vgg_text_append(text, small, (size_t)length);
    } else {
        char *large = vgg_calloc((size_t)length + 1, 1);
        if (large == NULL) {
            text->failed = true;
            return;
        }
        va_start(arguments, format);
        vsnprintf(large, (size_t)length + 1, format, arguments);
        va_end(arguments);
        vgg_text_append(text, large, (size_t)length);
        vgg_free(large);
    }
}

/* Length of the valid UTF-8 sequence at `at` (1…4), or 0. */
static size_t utf8_length(const unsigned char *at)
{
    if (at[0] < 0x80)
        return 1;
    size_t length = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    if (at[0] < 0xC2 || at[0] > 0xF4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xED && at[1] >= 0xA0;
    bool beyond = at[0] == 0xF4 && at[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : length;
}

bool vgg_text_is_utf8(const char *string)
{
    const unsigned char *at = (const unsigned char *)string;
    for (size_t length; *at != '\0'; at += length) {
        length = utf8_length(at);
        if (length == 0)
            return false;
    }
    return true;
}

void vgg_text_json_string(vgg_text *text, const char *string)
{
    const unsigned char *at = (const unsigned char *)string;
    vgg_text_append(text, "\"", 1);
    while (*at != '\0') {
        size_t length = utf8_length(at);
        if (length == 0) {
            vgg_text_puts(text, "\xEF\xBF\xBD");
            at++;
        } else if (*at == '"' || *at == '\\') {
            vgg_text_printf(text, "\\%c", *at++);
        } else if (*at < 0x20 || *at == 0x7F) {
            vgg_text_printf(text, "\\u%04x", *at++);
        } else {
            vgg_text_append(text, (const char *)at, length);
            at += length;
        }
    }
    vgg_text_append(text, "\"", 1);
}

void vgg_text_json_number(vgg_text *text, double value)
{
    if (!isfinite(value)) {
        vgg_text_puts(text, "null");
        return;
    }
    char digits[64];
    snprintf(digits, sizeof digits, "%.9g", value);
    for (char *c = digits; *c != '\0'; c++)
        if (strchr("0123456789+-e", *c) == NULL) /* the locale's decimal separator */
            *c = '.';
    vgg_text_puts(text, digits);
}

clvgg_status vgg_text_check(const vgg_text *text, const char *what)
{
    return text->failed ? vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for %s", what)
                        : CLVGG_STATUS_OK;
}

void vgg_text_free(vgg_text *text)
{
    vgg_free(text->bytes);
    *text = (vgg_text){0};
}

clvgg_status vgg_text_take(vgg_text *text, const char *what, char **out)
{
    const clvgg_status status = vgg_text_check(text, what);
    if (status != CLVGG_STATUS_OK)
        vgg_text_free(text);
    *out = text->bytes;
    *text = (vgg_text){0};
    return status;
}

/* report/format.c — escaping for terminals and CSV, counts and sizes for people. */
#include "report/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Decodes one UTF-8 sequence at `at` into *code and returns its length; 0 when malformed. */
static size_t decode(const unsigned char *at, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    if (at[0] > 0xF4 || (at[0] >= 0x80 && at[0] < 0xC2))
        return 0;
    *code = length == 1 ? at[0] : at[0] & (0x7FU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
        *code = *code << 6 | (at[i] & 0x3FU);
    }
    bool surrogate = *code >= 0xD800 && *code <= 0xDFFF;
    return *code < least[length] || surrogate || *code > 0x10FFFF ? 0 : length;
}

/* Characters that move, hide or reorder what a terminal shows. */
static bool steers(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
}

static void terminal(vgg_text *text, const char *string, bool keep_lines)
{
    const unsigned char *at = (const unsigned char *)string;
    while (*at != '\0') {
        uint32_t code = 0;
        size_t length = decode(at, &code);
        if (length == 0) {
            vgg_text_printf(text, "\\x%02x", *at);
            length = 1;
        } else if (!steers(code) || (keep_lines && code == '\n')) {
            vgg_text_append(text, (const char *)at, length);
        } else if (code < 0x80) {
            vgg_text_printf(text, "\\x%02x", (unsigned)code);
        } else {
            vgg_text_printf(text, "\\u{%04x}", (unsigned)code);
        }
        at += length;
    }
}

void vgg_text_terminal(vgg_text *text, const char *string)
{
    terminal(text, string, false);
}

void vgg_text_terminal_lines(vgg_text *text, const char *string)
{
    terminal(text, string, true);
}

size_t vgg_text_columns(const char *string, size_t length)
{
    size_t columns = 0;
    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)string[i] & 0xC0) != 0x80;
    return columns;
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

void vgg_text_markdown(vgg_text *text, const char *string)
{
    for (const char *at = string; *at != '\0'; at++) {
        /* "_" begins or ends nothing within a word, so names like conv1_1 stay readable. */
        const bool in_word = *at == '_' && at > string && is_word(at[-1]) && is_word(at[1]);
        if (strchr("|<`*_~&[]\\", *at) != NULL && !in_word)
            vgg_text_puts(text, "\\");
        vgg_text_append(text, at, 1);
        if (*at ==
            '@') /* a backslash doesn't keep it from mentioning people, an empty space does */
            vgg_text_puts(text, "&#8203;");
    }
}

void vgg_text_csv(vgg_text *text, const char *string)
{
    bool quote = strpbrk(string, ",\"\r\n") != NULL;
    if (quote)
        vgg_text_puts(text, "\"");
    for (const char *at = string; *at != '\0'; at++) {
        if (*at == '"')
            vgg_text_puts(text, "\"\"");
        else
            vgg_text_append(text, *at == '\n' || *at == '\r' ? " " : at, 1);
    }
    if (quote)
        vgg_text_puts(text, "\"");
}

/* Digits in groups of three. */
static void group(const char *digits, char *words)
{
    for (size_t left = strlen(digits); left > 0; left--) {
        *words++ = *digits++;
        if (left > 1 && left % 3 == 1)
            *words++ = ',';
    }
    *words = '\0';
}

const char *vgg_count_words(uint64_t count, char words[VGG_NUMBER_WORDS])
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, count);
    group(digits, words);
    return words;
}

const char *vgg_measure_words(double value, int digits, char words[VGG_MEASURE_WORDS])
{
    words[0] = '\0';
    if (!(value > 0))
        return words;
    for (double shown = value * pow(10, digits); shown < 10 && digits < 9; shown *= 10)
        digits++;
    snprintf(words, VGG_MEASURE_WORDS, "%.*f", digits, value);
    return words;
}

const char *vgg_size_words(uint64_t bytes, char words[VGG_NUMBER_WORDS])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    snprintf(words, VGG_NUMBER_WORDS, unit > 0 && value < 100 ? "%.1f %s" : "%.0f %s", value,
             units[unit]);
    return words;
}

void vgg_text_name(vgg_text *text, const char *before, const char *name, const char *after)
{
    vgg_text_puts(text, before);
    vgg_text_terminal(text, name);
    vgg_text_puts(text, after);
}

const char *vgg_number_words(double value, int digits, char words[VGG_NUMBER_WORDS])
{
    snprintf(words, VGG_NUMBER_WORDS, "%.*g", digits, value);
    const double rounded = strtod(words, NULL), size = fabs(rounded);
    if (size >= 1000 && size < 1e15 && rounded == trunc(rounded)) {
        char plain[24], *out = words;
        snprintf(plain, sizeof plain, "%.0f", size);
        if (rounded < 0)
            *out++ = '-';
        group(plain, out);
    } else if (size > 1e-15 && size < 1) {
        snprintf(words, VGG_NUMBER_WORDS, "%.*f", digits - 1 - (int)floor(log10(size)), rounded);
        for (size_t end = strlen(words); words[end - 1] == '0'; end--)
            words[end - 1] = '\0';
    }
    return words;
}

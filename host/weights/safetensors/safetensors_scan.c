/* weights/safetensors/safetensors_scan.c — a first look at a safetensors header, before memory is
 * spent on it.
 *
 * The header is JSON of a narrow shape: {"name": {"dtype": "F32", "shape": [2, 3],
 * "data_offsets": [0, 24]}, …, "__metadata__": {"key": "value", …}}. Outside strings it consists of
 * punctuation and digits, at most three levels deep; whatever else comes is refused here, with its
 * place, and so is a header with more values than the largest file allowed can have.
 */
#include <string.h>

#include "base/text.h"
#include "weights/format.h"
#include "weights/safetensors/safetensors.h"

enum {
    DEEPEST = 3,
    /* An object, three fields, eight dimensions and two offsets each, and as many metadata keys. */
    MOST_VALUES = VGG_LARGEST_TENSOR_COUNT * 15,
};

/* Length of the string that begins at text[at], quotes included, or 0 when it is malformed. */
static size_t string_length(const char *text, size_t length, size_t at)
{
    for (size_t i = at + 1; i < length && (unsigned char)text[i] >= 0x20; i++) {
        if (text[i] == '"')
            return i + 1 - at;
        if (text[i] != '\\')
            continue;
        /* A NUL would end the name for C, and two names could become one. */
        if (length - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
            return 0;
        i++;
    }
    return 0;
}

clvgg_status vgg_safetensors_scan(const char *text, size_t length)
{
    size_t values = 0;
    int depth = 0;
    for (size_t at = 0; at < length; at++) {
        char c = text[at];
        if (c == '"') {
            size_t string = string_length(text, length, at);
            VGG_CHECK(string > 0, CLVGG_STATUS_BAD_FILE, "header: a malformed string at byte %zu",
                      at);
            at += string - 1;
        } else if (c == '{' || c == '[') {
            VGG_CHECK(++depth <= DEEPEST, CLVGG_STATUS_BAD_FILE,
                      "header: nested too deep at byte %zu", at);
            values++;
        } else if (c == '}' || c == ']') {
            VGG_CHECK(--depth >= 0, CLVGG_STATUS_BAD_FILE, "header: unbalanced at byte %zu", at);
        } else if (c == ',') {
            values++;
        } else {
            VGG_CHECK(c != '\0' && strchr(": \t\r\n0123456789", c) != NULL, CLVGG_STATUS_BAD_FILE,
                      "header: byte %zu (0x%02x) has no place in it: names, strings and "
                      "non-negative integers are expected",
                      at, (unsigned char)c);
        }
        VGG_CHECK(values <= MOST_VALUES, CLVGG_STATUS_BAD_FILE,
                  "header: has more values than %d tensors need", VGG_LARGEST_TENSOR_COUNT);
    }
    VGG_CHECK(depth == 0, CLVGG_STATUS_BAD_FILE, "header: ends in the middle");
    VGG_CHECK(vgg_text_is_utf8(text), CLVGG_STATUS_BAD_FILE, "header: isn't valid UTF-8");
    return CLVGG_STATUS_OK;
}

/* tensor/npy_header.c — the header of a .npy file: a Python dictionary with exactly three keys.
 *
 * Reads the subset of Python's syntax that NumPy writes, and nothing more: strings without escapes,
 * True and False, a tuple of integers. Format: numpy.lib.format, versions 1.0 to 3.0.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "tensor/npy.h"
#include "tensor/shape.h"

/* The part of the header that is left to read. */
typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && strchr(" \t\n", *c->at) != NULL && *c->at != '\0')
        c->at++;
}

/* Skips blanks, then `symbol`; false, standing before it, when something else comes. */
static bool accept(cursor *c, char symbol)
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != symbol)
        return false;
    c->at++;
    return true;
}

static bool accept_word(cursor *c, const char *word)
{
    skip_blanks(c);
    size_t length = strlen(word);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0)
        return false;
    c->at += length;
    return true;
}

static clvgg_status parse_string(cursor *c, char *text, size_t capacity)
{
    char quote = accept(c, '\'') ? '\'' : accept(c, '"') ? '"' : '\0';
    size_t length = 0;
    while (quote != '\0' && c->at < c->end && *c->at != quote && *c->at != '\\' && *c->at >= ' ' &&
           length + 1 < capacity)
        text[length++] = *c->at++;
    text[length] = '\0';
    if (quote == '\0' || c->at == c->end || *c->at != quote)
        return vgg_fail(CLVGG_STATUS_BAD_FILE, ".npy header: a short plain string was expected");
    c->at++;
    return CLVGG_STATUS_OK;
}

/* The fields of structured elements: a list, of which only the end matters. */
static clvgg_status skip_list(cursor *c)
{
    int depth = 0;
    char quote = '\0';
    for (; c->at < c->end; c->at++) {
        const char symbol = *c->at;
        if (quote != '\0' || symbol == '\'' || symbol == '"')
            quote = quote == '\0' ? symbol : symbol == quote ? '\0' : quote;
        else
            depth += (symbol == '[') - (symbol == ']');
        if (depth == 0) {
            c->at++;
            return CLVGG_STATUS_OK;
        }
    }
    return vgg_fail(CLVGG_STATUS_BAD_FILE, ".npy header: a list doesn't end");
}

static clvgg_status parse_descr(cursor *c, char descr[VGG_NPY_DESCR_CAPACITY])
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != '[')
        return parse_string(c, descr, VGG_NPY_DESCR_CAPACITY);
    strcpy(descr, VGG_NPY_STRUCTURED);
    return skip_list(c);
}

static clvgg_status parse_order(cursor *c, bool *fortran_order)
{
    *fortran_order = accept_word(c, "True");
    if (!*fortran_order && !accept_word(c, "False"))
        return vgg_fail(CLVGG_STATUS_BAD_FILE,
                        ".npy header: fortran_order is neither True nor False");
    return CLVGG_STATUS_OK;
}

static clvgg_status parse_extent(cursor *c, int64_t *extent)
{
    *extent = 0;
    const char *first = c->at;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        int digit = *c->at - '0';
        if (*extent > (INT64_MAX - digit) / 10)
            return vgg_fail(CLVGG_STATUS_BAD_FILE, ".npy header: a dimension is beyond 64 bits");
        *extent = *extent * 10 + digit;
    }
    if (c->at == first)
        return vgg_fail(CLVGG_STATUS_BAD_FILE,
                        ".npy header: a dimension isn't a non-negative integer");
    if (c->at < c->end && *c->at == 'L') /* a long of Python 2 */
        c->at++;
    return CLVGG_STATUS_OK;
}

/* "()", "(2,)", "(2, 3)", "(2, 3,)". */
static clvgg_status parse_shape(cursor *c, clvgg_shape *shape)
{
    bool comma = true; /* a dimension may follow; "(2)" would be an integer, not a tuple */
    VGG_CHECK(accept(c, '('), CLVGG_STATUS_BAD_FILE, ".npy header: shape isn't a tuple");
    while (!accept(c, ')')) {
        VGG_CHECK(comma, CLVGG_STATUS_BAD_FILE, ".npy header: shape isn't a tuple of integers");
        VGG_CHECK(shape->rank < CLVGG_MAX_RANK, CLVGG_STATUS_UNSUPPORTED,
                  "has more than %d dimensions", CLVGG_MAX_RANK);
        VGG_PASS(parse_extent(c, &shape->dims[shape->rank]));
        shape->rank++;
        comma = accept(c, ',');
    }
    VGG_CHECK(shape->rank != 1 || comma, CLVGG_STATUS_BAD_FILE, ".npy header: shape isn't a tuple");
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_npy_parse_prefix(const unsigned char *prefix, size_t bytes, uint64_t size,
                                  uint64_t *start, uint64_t *length)
{
    VGG_CHECK(bytes >= VGG_NPY_PREFIX_BYTES && memcmp(prefix, "\x93NUMPY", 6) == 0,
              CLVGG_STATUS_BAD_FILE, "not a .npy file");
    const int version = prefix[6];
    VGG_CHECK(version >= 1 && version <= 3 && prefix[7] == 0, CLVGG_STATUS_UNSUPPORTED,
              ".npy version %d.%d, this one reads 1.0 to 3.0", version, prefix[7]);
    *start = version == 1 ? 10 : 12;
    *length = (uint64_t)prefix[8] | (uint64_t)prefix[9] << 8;
    if (version > 1)
        *length |= (uint64_t)prefix[10] << 16 | (uint64_t)prefix[11] << 24;
    VGG_CHECK(*length <= VGG_NPY_LARGEST_HEADER && *start + *length <= size, CLVGG_STATUS_BAD_FILE,
              "claims a header of %" PRIu64
              " bytes; at most %d and no more than the file's %" PRIu64 " are possible",
              *length, VGG_NPY_LARGEST_HEADER, size);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_npy_parse_header(const char *text, size_t length, vgg_npy_header *header)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    enum { DESCR, ORDER, SHAPE, KEYS };
    bool seen[KEYS] = {false};
    cursor c = {text, text + length};
    *header = (vgg_npy_header){0};
    VGG_CHECK(accept(&c, '{'), CLVGG_STATUS_BAD_FILE, ".npy header: not a dictionary");
    bool comma = true;
    while (!accept(&c, '}')) {
        char key[32];
        VGG_CHECK(comma, CLVGG_STATUS_BAD_FILE, ".npy header: a comma is missing");
        VGG_PASS(parse_string(&c, key, sizeof key));
        int which = 0;
        while (which < KEYS && strcmp(key, keys[which]) != 0)
            which++;
        VGG_CHECK(which < KEYS && !seen[which], CLVGG_STATUS_BAD_FILE,
                  ".npy header: key '%s' is %s", key, which < KEYS ? "doubled" : "unknown");
        seen[which] = true;
        VGG_CHECK(accept(&c, ':'), CLVGG_STATUS_BAD_FILE, ".npy header: '%s' has no value", key);
        VGG_PASS(which == DESCR   ? parse_descr(&c, header->descr)
                 : which == ORDER ? parse_order(&c, &header->fortran_order)
                                  : parse_shape(&c, &header->shape));
        comma = accept(&c, ',');
    }
    for (int which = 0; which < KEYS; which++)
        VGG_CHECK(seen[which], CLVGG_STATUS_BAD_FILE, ".npy header: has no '%s'", keys[which]);
    skip_blanks(&c);
    VGG_CHECK(c.at == c.end, CLVGG_STATUS_BAD_FILE, ".npy header: something follows the '}'");
    uint64_t count;
    VGG_CHECK(vgg_shape_count(&header->shape, &count) && count <= INT64_MAX / sizeof(double),
              CLVGG_STATUS_BAD_FILE, ".npy header: the shape's size is beyond 64 bits");
    return CLVGG_STATUS_OK;
}

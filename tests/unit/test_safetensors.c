/* tests/unit/test_safetensors.c — the reader against truncated and hostile files, the writer
 * against the bytes it must produce. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "weights/weights.h"

static void assert_message_has(const char *part)
{
    if (strstr(vgg_message(), part) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", part, vgg_message());
}

/* A file whose header is text[0…length) and whose data are the bytes 0, 1, 2 … */
static const char *build_sized(const char *text, size_t length, size_t data_bytes)
{
    const char *path = temp_path("case.safetensors");
    size_t bytes = 8 + length + data_bytes;
    char *file = malloc(bytes);
    for (int i = 0; i < 8; i++)
        file[i] = (char)((uint64_t)length >> (8 * i) & 0xFF);
    memcpy(file + 8, text, length);
    for (size_t i = 0; i < data_bytes; i++)
        file[8 + length + i] = (char)i;
    file_write(path, file, bytes);
    free(file);
    return path;
}

static const char *build(const char *header, size_t data_bytes)
{
    return build_sized(header, strlen(header), data_bytes);
}

/* Opens `path`, expects `status` and, in its message, the file and `says`. */
static void assert_refused(const char *path, clvgg_status expected, const char *says)
{
    vgg_weights *weights;
    clvgg_status status = vgg_weights_open(path, &weights);
    if (status != expected)
        fail_msg("%s instead of %s (%s): %s", vgg_status_name(status), vgg_status_name(expected),
                 says, vgg_message());
    assert_null(weights);
    assert_message_has(says);
    assert_message_has(path);
}

#define GOOD                                                                                       \
    "{\"__metadata__\":{\"k\":\"v\\u00e9\",\"a\":\"\"},"                                           \
    "\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[12,14]},"                            \
    "\"a.weight\":{\"dtype\":\"F32\",\"shape\":[3,1],\"data_offsets\":[0,12]},"                    \
    "\"steps\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[16,24]},"                        \
    "\"h\":{\"data_offsets\":[14,16],\"shape\":[1,1],\"dtype\":\"F16\"}} \n"
enum { GOOD_DATA_BYTES = 24 };

static void reads_a_good_file(void **state)
{
    (void)state;
    vgg_weights *weights;
    const char *path = build(GOOD, GOOD_DATA_BYTES);
    assert_int_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
    assert_string_equal(vgg_weights_path(weights), path);
    assert_int_equal(vgg_weights_count(weights), 3); /* in file order */
    assert_string_equal(vgg_weights_entry(weights, 0)->name, "a.weight");
    assert_string_equal(vgg_weights_entry(weights, 1)->name, "b");
    assert_string_equal(vgg_weights_entry(weights, 2)->name, "h");
    assert_int_equal(vgg_weights_entry(weights, 1)->dtype, CLVGG_DTYPE_BF16);
    assert_int_equal(vgg_weights_entry(weights, 1)->count, 1);
    const vgg_tensor_entry *a = vgg_weights_find(weights, "a.weight");
    assert_ptr_equal(a, vgg_weights_entry(weights, 0));
    assert_int_equal(a->dtype, CLVGG_DTYPE_F32);
    assert_int_equal(a->shape.rank, 2);
    assert_int_equal(a->shape.dims[0], 3);
    assert_int_equal(a->count, 3);
    assert_null(vgg_weights_find(weights, "a"));
    assert_null(vgg_weights_find(weights, "__metadata__"));
    assert_null(vgg_weights_find(weights, "steps")); /* an integer: known, not readable */
    assert_string_equal(vgg_weights_foreign_dtype(weights, "steps"), "I64");
    assert_null(vgg_weights_foreign_dtype(weights, "h"));
    assert_null(vgg_weights_foreign_dtype(weights, "absent"));
    assert_int_equal(vgg_weights_metadata_count(weights), 2);
    assert_string_equal(vgg_weights_metadata(weights, "k"), "v\xC3\xA9");
    assert_string_equal(vgg_weights_metadata(weights, "a"), "");
    assert_null(vgg_weights_metadata(weights, "format"));

    unsigned char bytes[8], expected[8] = {4, 5, 6, 7, 8, 9, 10, 11};
    assert_int_equal(vgg_weights_read(weights, a, 1, 2, bytes), CLVGG_STATUS_OK);
    assert_memory_equal(bytes, expected, 8);
    assert_int_equal(vgg_weights_read(weights, a, 2, 2, bytes), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(vgg_weights_read(weights, a, UINT64_MAX, 2, bytes),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(truncate(path, 8 + sizeof GOOD - 1 + 6), 0); /* shrinks while open */
    assert_int_equal(vgg_weights_read(weights, a, 0, 1, bytes), CLVGG_STATUS_OK);
    assert_int_equal(vgg_weights_read(weights, a, 1, 1, bytes), CLVGG_STATUS_BAD_FILE);
    assert_message_has("tensor a.weight: ");
    assert_message_has(path);
    vgg_weights_close(weights);
}

/* Doubles come rounded to float32, piece by piece; what float32 can't hold is infinite. */
static void doubles_are_rounded(void **state)
{
    (void)state;
    enum { COUNT = 2500 };
    static const char header[] = "{\"w\":{\"dtype\":\"F64\",\"shape\":[2500],"
                                 "\"data_offsets\":[0,20000]}}";
    static double doubles[COUNT];
    static float values[COUNT];
    static char file[8 + sizeof header - 1 + sizeof doubles];
    vgg_weights *weights;
    for (int i = 0; i < COUNT; i++)
        doubles[i] = (i - 1000) / 3.0;
    doubles[COUNT - 1] = 1e300;
    file[0] = (char)(sizeof header - 1);
    memcpy(file + 8, header, sizeof header - 1);
    memcpy(file + 8 + sizeof header - 1, doubles, sizeof doubles);
    const char *path = temp_path("doubles.safetensors");
    file_write(path, file, sizeof file);
    assert_int_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
    const vgg_tensor_entry *w = vgg_weights_find(weights, "w");
    assert_int_equal(w->dtype, CLVGG_DTYPE_F32);
    assert_int_equal(vgg_weights_read(weights, w, 3, COUNT - 3, values), CLVGG_STATUS_OK);
    for (int i = 3; i < COUNT - 1; i++)
        assert_true(values[i - 3] == (float)doubles[i]);
    assert_true(values[COUNT - 4] > 3.4e38f);
    assert_int_equal(vgg_weights_read(weights, w, 1, COUNT, values), CLVGG_STATUS_INVALID_ARGUMENT);
    vgg_weights_close(weights);
}

/* The length in front of the header is a pickle's first two bytes. */
static void headers_as_long_as_a_pickle_begins_are_read(void **state)
{
    (void)state;
    for (size_t version = 2; version <= 5; version++) {
        const size_t length = version << 8 | 0x80;
        char header[2048];
        vgg_weights *weights;
        memset(header, ' ', sizeof header);
        memcpy(header, GOOD, sizeof GOOD - 1);
        header[length] = '\0';
        assert_int_equal(vgg_weights_open(build(header, GOOD_DATA_BYTES), &weights),
                         CLVGG_STATUS_OK);
        assert_int_equal(vgg_weights_count(weights), 3);
        vgg_weights_close(weights);
    }
}

static void truncation_at_every_byte_is_refused(void **state)
{
    (void)state;
    size_t whole;
    char *file = file_read(build(GOOD, GOOD_DATA_BYTES), &whole);
    const char *path = temp_path("cut.safetensors");
    for (size_t bytes = 0; bytes < whole; bytes++) {
        file_write(path, file, bytes);
        assert_refused(path, CLVGG_STATUS_BAD_FILE, "");
    }
    free(file);
}

/* Any single byte changed: refused or read, but never outside of the file. */
static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char replacements[] = {'\0', '"', '\\', '[', ']', '{', '}',  ',',       ':',
                                        '0',  '9', '-',  'e', 'u', ' ', 0x7F, (char)0xFF};
    size_t whole, opened = 0;
    char *file = file_read(build(GOOD, GOOD_DATA_BYTES), &whole);
    const char *path = temp_path("changed.safetensors");
    for (size_t at = 0; at < whole - GOOD_DATA_BYTES; at++) {
        for (size_t r = 0; r < sizeof replacements; r++) {
            char kept = file[at];
            file[at] = replacements[r];
            file_write(path, file, whole);
            file[at] = kept;
            vgg_weights *weights;
            if (vgg_weights_open(path, &weights) != CLVGG_STATUS_OK)
                continue;
            opened++;
            for (size_t i = 0; i < vgg_weights_count(weights); i++) {
                const vgg_tensor_entry *entry = vgg_weights_entry(weights, i);
                char data[GOOD_DATA_BYTES];
                assert_int_equal(vgg_weights_read(weights, entry, 0, entry->count, data),
                                 CLVGG_STATUS_OK);
            }
            vgg_weights_close(weights);
        }
    }
    free(file);
    assert_in_range(opened, 1, whole * sizeof replacements / 2);
}

#define TENSOR(name, dtype, shape, offsets)                                                        \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define ONE(dtype, shape, offsets) "{" TENSOR("t", dtype, shape, offsets) "}"

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data_bytes;
        const char *says;
    } cases[] = {
        /* sizes and places */
        {ONE("F32", "[2]", "[0,8]"), 7, "don't lie in the 7 bytes"},
        {ONE("F32", "[2]", "[0,8]"), 9, "tensors end at byte 8 of the data, but the file has 9"},
        {"{}", 1, "tensors end at byte 0"},
        {ONE("F32", "[2]", "[0,4]"), 4, "4 bytes can't be F32 [2]"},
        {ONE("F16", "[2]", "[0,8]"), 8, "8 bytes can't be F16 [2]"},
        {ONE("I64", "[2]", "[0,8]"), 8, "8 bytes can't be I64 [2]"},
        {ONE("F4", "[3]", "[0,1]"), 1, "can't be F4 [3]"},
        {ONE("F32", "[1]", "[4,8]"), 8, "leaving a hole behind byte 0"},
        {ONE("F32", "[1]", "[8,4]"), 8, "[8, 4] don't lie in"},
        {ONE("F32", "[4294967296,4294967296]", "[0,0]"), 0, "overflows"},
        {ONE("F32", "[4294967296,2147483648,2]", "[0,0]"), 0, "overflows"},
        {ONE("F32", "[4611686018427387904]", "[0,0]"), 0, "dimension 0 isn't an integer below"},
        {ONE("F32", "[4503599627370496,1024]", "[0,0]"), 0, "0 bytes can't be F32"},
        {ONE("F32", "[9007199254740993]", "[0,4]"), 4, "dimension 0 isn't an integer below"},
        {ONE("F32", "[1]", "[0,18446744073709551620]"), 4, "aren't two integers"},
        {ONE("F32", "[1]",
             "[0,1"
             "0000000000000000000000000000000000000000]"),
         4, "aren't two integers"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("b", "F32", "[1]", "[0,4]") "}", 4,
         "tensor \"b\": begins at byte 0 of the data, overlapping byte 4"},
        {"{" TENSOR("a", "F32", "[2]", "[0,8]") "," TENSOR("b", "F32", "[2]", "[4,12]") "}", 12,
         "overlapping"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("b", "F32", "[1]", "[8,12]") "}", 12,
         "hole"},
        /* numbers of another kind */
        {ONE("F32", "[-1]", "[0,4]"), 4, "(0x2d) has no place"},
        {ONE("F32", "[1.0]", "[0,4]"), 4, "(0x2e) has no place"},
        {ONE("F32", "[1]", "[0,4e0]"), 4, "(0x65) has no place"},
        {ONE("F32", "[null]", "[0,4]"), 4, "has no place"},
        {ONE("F32", "[\"1\"]", "[0,4]"), 4, "isn't an integer"},
        {ONE("F32", "[1]", "[0]"), 4, "aren't two integers"},
        {ONE("F32", "[1]", "[0,4,4]"), 4, "aren't two integers"},
        {ONE("F32", "[1]", "4"), 4, "aren't two integers"},
        {ONE("F32", "1", "[0,4]"), 4, "shape isn't an array"},
        {ONE("F32", "{\"x\":1}", "[0,4]"), 4, "shape isn't an array"},
        {"{\"t\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype isn't a string"},
        /* structure */
        {"{" TENSOR("a", "F32", "[0]", "[0,0]") "," TENSOR("a", "F32", "[0]", "[0,0]") "}", 0,
         "two tensors named \"a\""},
        {"{" TENSOR("a", "F32", "[0]", "[0,0]") "," TENSOR("\\u0061", "I8", "[0]", "[0,0]") "}", 0,
         "two tensors named \"a\""},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "isn't one object"},
        {"{\"__metadata__\":[]}", 0, "isn't one object"},
        {"{\"__metadata__\":{\"k\":1}}", 0, "\"k\" isn't a string"},
        {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "has \"k\" twice"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[0]}}", 0, "needs dtype, shape and data_offsets"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[0],\"shape\":[0]}}", 0, "needs dtype, shape"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0],\"dtype\":\"F32\"}}", 0,
         "once each"},
        {"{\"t\":[\"dtype\",\"shape\",\"data_offsets\"]}", 0, "needs dtype, shape"},
        {"{\"t\":1}", 0, "needs dtype, shape"},
        {"{} x", 0, "has no place"},
        {"{} {}", 0, "something follows its end at byte 2"},
        {"{\"t\":}", 0, "isn't valid JSON"},
        {"{\"t\" {}}", 0, "isn't valid JSON"},
        {"{", 0, "ends in the middle"},
        {"{}}", 0, "unbalanced at byte 2"},
        {"{]", 0, "isn't valid JSON"},
        {"{\"t\":[[[[]]]]}", 0, "nested too deep at byte 7"},
        /* strings */
        {"{\"t", 0, "malformed string at byte 1"},
        {"{\"t\\", 0, "malformed string"},
        {"{\"a\nb\":1}", 0, "malformed string"},
        {"{\"a\\u0000b\":1}", 0, "malformed string"},
        {"{\"\\ud800\":1}", 0, "isn't valid JSON"},
        {"{\"\xFF\":1}", 0, "isn't valid UTF-8"},
        {"{\"\xC0\xA2\":1}", 0, "isn't valid UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(build(cases[i].header, cases[i].data_bytes), CLVGG_STATUS_BAD_FILE,
                       cases[i].says);
    assert_refused(build_sized("{\"a\0b\":1}", 9, 0), CLVGG_STATUS_BAD_FILE, "malformed string");
    assert_refused(build_sized("{}\0", 3, 0), CLVGG_STATUS_BAD_FILE, "has no place");
    assert_refused(build(ONE("F7", "[1]", "[0,4]"), 4), CLVGG_STATUS_UNSUPPORTED,
                   "unknown dtype \"F7\"");
    assert_refused(build(ONE("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4), CLVGG_STATUS_UNSUPPORTED,
                   "more than 8 dimensions");
}

static void odd_but_good_headers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data_bytes, count;
    } cases[] = {
        {"{}", 0, 0},
        {"{\"__metadata__\":{}}", 0, 0},
        {ONE("F32", "[0,4]", "[0,0]"), 0, 1},
        {"{ \"t\" : { \"dtype\" : \"F32\", \"shape\" : [ 1 ] ,\t\"data_offsets\" : [0, 4]}}\r\n  ",
         4, 1},
        {"{" TENSOR("e", "F16", "[0]", "[4,4]") "," TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR(
             "f", "F16", "[0]", "[4,4]") "," TENSOR("b", "F16", "[1]", "[4,6]") "}",
         6, 4},
        {"{" TENSOR("\\\"\\\\\\u00fc\\ud83d\\ude00", "BF16", "[1]", "[0,2]") "}", 2, 1},
        {ONE("F4", "[4]", "[0,2]"), 2, 0},
        {ONE("BOOL", "[3]", "[0,3]"), 3, 0},
        {"{" TENSOR("", "F32", "[1]", "[0,4]") "}", 4, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vgg_weights *weights;
        clvgg_status status =
            vgg_weights_open(build(cases[i].header, cases[i].data_bytes), &weights);
        if (status != CLVGG_STATUS_OK)
            fail_msg("%s", vgg_message());
        assert_int_equal(vgg_weights_count(weights), cases[i].count);
        vgg_weights_close(weights);
    }
}

/* ---- large claims, small files ---- */

static void claims_beyond_the_file_cost_nothing(void **state)
{
    (void)state;
    const char *path = temp_path("claim.safetensors");
    static const struct {
        unsigned char length[9];
        const char *says;
    } cases[] = {
        {{0, 0xE1, 0xF5, 5, 0, 0, 0, 0, '{'}, "header of 100000000 bytes, but the file has 9"},
        {{1, 0xE1, 0xF5, 5, 0, 0, 0, 0, '{'}, "header of 100000001 bytes, more than"},
        {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, '{'}, "header of 18446744073709551615"},
        {{2, 0, 0, 0, 0, 0, 0, 0, '{'}, "header of 2 bytes, but the file has 9"},
        {{0, 0, 0, 0, 0, 0, 0, 0, '{'}, "isn't valid JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file_write(path, cases[i].length, 9);
        assert_refused(path, CLVGG_STATUS_BAD_FILE, cases[i].says);
    }
}

/* `count` times `item`, comma between, within `before` and `after`. */
static void repeat(vgg_text *text, const char *before, const char *item, int count,
                   const char *after)
{
    vgg_text_puts(text, before);
    for (int i = 0; i < count; i++)
        vgg_text_printf(text, item, i > 0 ? "," : "", i);
    vgg_text_puts(text, after);
}

static void counts_are_capped(void **state)
{
    (void)state;
    static const char tensor[] =
        "%s\"t%d\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}";
    const struct {
        const char *before, *item, *after;
        int count;
        const char *says; /* NULL: good */
    } cases[] = {
        {"{", tensor, "}", 65536, NULL},
        {"{", tensor, "}", 65537, "65537 tensors, more than 65536"},
        {"{\"t\":[", "%s%d", "]}", 1000000, "more values than"},
        {"{\"__metadata__\":{", "%s\"%d\":\"\"", "}}", 1000000, "more values than"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vgg_text text = {0};
        vgg_weights *weights;
        repeat(&text, cases[i].before, cases[i].item, cases[i].count, cases[i].after);
        const char *path = build_sized(text.bytes, text.length, 0);
        vgg_text_free(&text);
        if (cases[i].says != NULL) {
            assert_refused(path, CLVGG_STATUS_BAD_FILE, cases[i].says);
            continue;
        }
        assert_int_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
        assert_int_equal(vgg_weights_count(weights), cases[i].count);
        assert_non_null(vgg_weights_find(weights, "t65535"));
        vgg_weights_close(weights);
    }
}

static void other_content_is_refused(void **state)
{
    (void)state;
    static const char text[] = "just some text that is not a file of weights at all, really";
    const char *path = temp_path("other");
    file_write(path, text, sizeof text - 1);
    assert_refused(path, CLVGG_STATUS_BAD_FILE, "isn't a weight file of a known format");
    file_write(path, "", 0);
    assert_refused(path, CLVGG_STATUS_BAD_FILE, "is empty");
    assert_refused(temp_path("absent"), CLVGG_STATUS_NOT_FOUND, "absent");
}

static clvgg_status open_and_close(void *path)
{
    vgg_weights *weights = NULL;
    clvgg_status status = vgg_weights_open(path, &weights);
    vgg_weights_close(weights);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s", build(GOOD, GOOD_DATA_BYTES));
    assert_true(failing_allocator_sweep(open_and_close, path) >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_good_file),
        cmocka_unit_test(doubles_are_rounded),
        cmocka_unit_test(headers_as_long_as_a_pickle_begins_are_read),
        cmocka_unit_test(truncation_at_every_byte_is_refused),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(odd_but_good_headers_are_read),
        cmocka_unit_test(claims_beyond_the_file_cost_nothing),
        cmocka_unit_test(counts_are_capped),
        cmocka_unit_test(other_content_is_refused),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

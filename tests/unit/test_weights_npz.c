/* tests/unit/test_weights_npz.c — NumPy's archives and folders of arrays: what NumPy wrote, cut at
 * every byte, changed, and claiming more than there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/failing_allocator.h"
#include "support/files.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "weights/weights.h"

#define FORMATS TEST_DATA "/formats/vgg16/"

static vgg_weights *must_open(const char *path)
{
    vgg_weights *weights;
    if (vgg_weights_open(path, &weights) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    return weights;
}

static float *read_all(const vgg_weights *weights, const vgg_tensor_entry *entry)
{
    float *values = malloc((size_t)entry->count * sizeof *values);
    if (entry->dtype != CLVGG_DTYPE_F32 ||
        vgg_weights_read(weights, entry, 0, entry->count, values) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    return values;
}

/* Every tensor of `path` is the one of that name in the safetensors file, to the bit. */
static void assert_same_tensors(const char *path)
{
    vgg_weights *expected = must_open(FORMATS "network.safetensors"), *got = must_open(path);
    assert_int_equal(vgg_weights_count(got), vgg_weights_count(expected));
    for (size_t i = 0; i < vgg_weights_count(expected); i++) {
        const vgg_tensor_entry *wanted = vgg_weights_entry(expected, i);
        const vgg_tensor_entry *entry = vgg_weights_find(got, wanted->name);
        if (entry == NULL)
            fail_msg("%s: has no %s", path, wanted->name);
        assert_true(vgg_shape_equal(&entry->shape, &wanted->shape));
        float *values = read_all(got, entry), *right = read_all(expected, wanted);
        assert_memory_equal(values, right, (size_t)entry->count * sizeof *right);
        if (entry->count > 3) {
            float piece[2];
            assert_int_equal(vgg_weights_read(got, entry, entry->count - 3, 2, piece),
                             CLVGG_STATUS_OK);
            assert_memory_equal(piece, right + entry->count - 3, sizeof piece);
        }
        free(values);
        free(right);
    }
    vgg_weights_close(got);
    vgg_weights_close(expected);
}

static void what_numpy_wrote_is_read(void **state)
{
    (void)state;
    assert_same_tensors(FORMATS "compressed.npz");
    assert_same_tensors(FORMATS "arrays");
    assert_same_tensors(FORMATS "tensorflow.npz");
    vgg_weights *weights = must_open(FORMATS "network.npz");
    assert_string_equal(vgg_weights_format_name(weights), "a NumPy archive (.npz)");
    assert_non_null(vgg_weights_find(weights, "classifier.6.bias"));
    vgg_weights_close(weights);
}

/* ---- folders of arrays made here ---- */

static size_t build_npy(char *file, const char *header, const void *data, size_t bytes)
{
    const size_t length = strlen(header);
    memcpy(file, "\x93NUMPY\x01\0", 8);
    file[8] = (char)(length & 0xFF);
    file[9] = (char)(length >> 8);
    memcpy(file + 10, header, length);
    memcpy(file + 10 + length, data, bytes);
    return 10 + length + bytes;
}

static const char *folder_with(const char *name, const char *header, const void *data, size_t bytes)
{
    char file[1024], path[512];
    const char *folder = temp_path("folder");
    if (file_exists(folder))
        remove_tree(folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file_write(path, file, build_npy(file, header, data, bytes));
    return folder;
}

#define HEADER(descr, order, shape)                                                                \
    "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }\n"

static void elements_and_orders_are_read(void **state)
{
    (void)state;
    const double doubles[] = {0, 1, 2, 3, 4, 1e300};
    const float floats[] = {0, 1, 2, 3, 4, 5};
    const uint16_t halves[] = {0x3C00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600};
    float values[6];
    uint16_t bits[6];
    vgg_weights *weights =
        must_open(folder_with("conv2_1_W.npy", HEADER("'<f8'", "True", "(2, 3)"), doubles, 48));
    const vgg_tensor_entry *entry = vgg_weights_find(weights, "conv2_1.weight");
    assert_int_equal(vgg_weights_read(weights, entry, 0, 5, values), CLVGG_STATUS_OK);
    assert_true(values[1] == 2 && values[2] == 4 && values[3] == 1 && values[4] == 3);
    vgg_weights_close(weights);
    weights = must_open(folder_with("any.npy", HEADER("'<f2'", "True", "(3, 2)"), halves, 12));
    entry = vgg_weights_find(weights, "any");
    assert_int_equal(entry->dtype, CLVGG_DTYPE_F16);
    assert_int_equal(vgg_weights_read(weights, entry, 0, 6, bits), CLVGG_STATUS_OK);
    assert_true(bits[1] == 0x4400 && bits[2] == 0x4000);
    vgg_weights_close(weights);
    weights = must_open(folder_with("fc6_b.npy", HEADER("'<f4'", "False", "()"), floats, 4));
    assert_int_equal(vgg_weights_find(weights, "fc6.bias")->shape.rank, 0);
    vgg_weights_close(weights);
}

static void other_elements_are_foreign(void **state)
{
    (void)state;
    static const char *const types[] = {"'>f4'", "'<i8'", "'|O'", "'<U8'", "[('x', '<f4')]"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char header[128];
        snprintf(header, sizeof header, "{'descr': %s, 'fortran_order': False, 'shape': (1,)}",
                 types[i]);
        vgg_weights *weights = must_open(folder_with("fc6_b.npy", header, "abcdefgh", 8));
        assert_int_equal(vgg_weights_count(weights), 0);
        const char *name = vgg_weights_foreign_dtype(weights, "fc6.bias");
        assert_non_null(name);
        assert_true(types[i][0] == '[' || strncmp(name, types[i] + 1, strlen(name)) == 0);
        vgg_weights_close(weights);
    }
}

static void assert_refused(const char *path, const char *says)
{
    vgg_weights *weights;
    assert_int_not_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
    assert_null(weights);
    if (strstr(vgg_message(), says) == NULL || strstr(vgg_message(), path) == NULL)
        fail_msg("\"%s\" and \"%s\" were expected: %s", path, says, vgg_message());
}

static void claims_beyond_the_file_are_refused(void **state)
{
    (void)state;
    assert_refused(folder_with("a.npy", HEADER("'<f4'", "False", "(3,)"), "abcdefgh", 8),
                   "shape [3] of '<f4' needs 12 bytes behind the header, there are 8");
    assert_refused(folder_with("a.npy", HEADER("'<f4'", "False", "(1,)"), "abcdefgh", 8),
                   "needs 4 bytes");
    assert_refused(
        folder_with("a.npy", HEADER("'<f4'", "False", "(1152921504606846976,)"), "abcdefgh", 8),
        "beyond 64 bits");
    assert_refused(folder_with("a.npy", HEADER("[('x', '<f4'", "False", "(1,)"), "abcd", 4),
                   "a list doesn't end");
    assert_refused(TEST_DATA "/weights/bomb.npz", "unpack to more than");
    const char *folder = temp_path("folder");
    if (file_exists(folder))
        remove_tree(folder);
    mkdir(folder, 0700);
    assert_refused(folder, "is a folder without weights of a known format");
}

/* ---- damage ---- */

static void read_what_opens(const char *path)
{
    vgg_weights *weights;
    if (vgg_weights_open(path, &weights) != CLVGG_STATUS_OK)
        return;
    for (size_t i = 0; i < vgg_weights_count(weights); i++) {
        const vgg_tensor_entry *entry = vgg_weights_entry(weights, i);
        assert_true(entry->count < 1 << 20);
        void *values = malloc((size_t)entry->count * vgg_dtype_bytes(entry->dtype) + 1);
        (void)vgg_weights_read(weights, entry, 0, entry->count, values);
        free(values);
    }
    vgg_weights_close(weights);
}

static void truncation_at_every_byte_is_refused(void **state)
{
    (void)state;
    size_t whole;
    char *file = file_read(TEST_DATA "/weights/small.npz", &whole);
    const char *path = temp_path("cut.npz");
    for (size_t bytes = 0; bytes < whole; bytes++) {
        vgg_weights *weights;
        file_write(path, file, bytes);
        assert_int_not_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
    }
    free(file);
}

static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    size_t whole;
    char *file = file_read(TEST_DATA "/weights/small.npz", &whole);
    const char *path = temp_path("changed.npz");
    for (size_t at = 0; at < whole; at++) {
        static const char changes[] = {0, 1, 0x7F, (char)0xFF, '9'};
        const char kept = file[at];
        for (size_t i = 0; i < sizeof changes; i++) {
            file[at] = changes[i];
            file_write(path, file, whole);
            read_what_opens(path);
        }
        file[at] = kept;
    }
    free(file);
}

static clvgg_status open_and_read(void *path)
{
    vgg_weights *weights = NULL;
    clvgg_status status = vgg_weights_open(path, &weights);
    float values[16];
    for (size_t i = 0; status == CLVGG_STATUS_OK && i < vgg_weights_count(weights); i++)
        status = vgg_weights_read(weights, vgg_weights_entry(weights, i), 0, 4, values);
    vgg_weights_close(weights);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    assert_true(failing_allocator_sweep(open_and_read, FORMATS "compressed.npz") >= 8);
    assert_true(failing_allocator_sweep(open_and_read, FORMATS "arrays") >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_numpy_wrote_is_read),
        cmocka_unit_test(elements_and_orders_are_read),
        cmocka_unit_test(other_elements_are_foreign),
        cmocka_unit_test(claims_beyond_the_file_are_refused),
        cmocka_unit_test(truncation_at_every_byte_is_refused),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

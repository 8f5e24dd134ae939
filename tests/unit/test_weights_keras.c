/* tests/unit/test_weights_keras.c — Keras's files: what Keras wrote, cut at every byte, changed,
 * with links and layers that aren't followed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/failing_allocator.h"
#include "support/files.h"
#include "tensor/dtype.h"
#include "weights/weights.h"

#define FORMATS TEST_DATA "/formats/"
static const char *const files[] = {
    "keras.keras",          "keras_sequential.keras", "keras.weights.h5",
    "keras_nested.h5",      "keras_old.h5",           "keras_double.keras",
    "keras_deflated.keras", "snapshot.caffemodel.h5", "keras_parts.weights.json"};
enum { FILE_COUNT = sizeof files / sizeof *files };

static bool is_read;

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

/* Pieces of all lengths and places are what the whole is. */
static void assert_pieces(const vgg_weights *weights, const vgg_tensor_entry *entry,
                          const float *right)
{
    float piece[37];
    for (uint64_t first = 0; first < entry->count; first += 13) {
        const uint64_t left = entry->count - first, count = left < 37 ? left : 37;
        assert_int_equal(vgg_weights_read(weights, entry, first, count, piece), CLVGG_STATUS_OK);
        assert_memory_equal(piece, right + first, (size_t)count * sizeof *piece);
    }
}

/* Every tensor of `path` is the one of that name in the network's safetensors file, to the bit. */
static void assert_same_tensors(const char *network, const char *name)
{
    char path[4096], reference[4096];
    snprintf(path, sizeof path, FORMATS "%s/%s", network, name);
    snprintf(reference, sizeof reference, FORMATS "%s/network.safetensors", network);
    vgg_weights *expected = must_open(reference), *got = must_open(path);
    assert_int_equal(vgg_weights_count(got), vgg_weights_count(expected));
    for (size_t i = 0; i < vgg_weights_count(expected); i++) {
        const vgg_tensor_entry *wanted = vgg_weights_entry(expected, i);
        const vgg_tensor_entry *entry = vgg_weights_find(got, wanted->name);
        if (entry == NULL)
            fail_msg("%s: has no %s", path, wanted->name);
        assert_memory_equal(&entry->shape, &wanted->shape, sizeof entry->shape);
        float *values = read_all(got, entry), *right = read_all(expected, wanted);
        assert_memory_equal(values, right, (size_t)entry->count * sizeof *right);
        assert_pieces(got, entry, right);
        free(values);
        free(right);
    }
    vgg_weights_close(got);
    vgg_weights_close(expected);
}

static void files_of_keras_hold_the_network(void **state)
{
    (void)state;
    for (int i = 0; i < FILE_COUNT; i++)
        assert_same_tensors("vgg16", files[i]);
    assert_same_tensors("vgg16", "keras_folder");
    assert_same_tensors("vgg11_bn", "keras.keras");
    assert_same_tensors("vgg11_bn", "keras_sequential.keras");
    assert_same_tensors("vgg11_bn", "keras_nested.h5");
}

static void preprocessing_is_stated(void **state)
{
    (void)state;
    vgg_weights *weights = must_open(FORMATS "vgg16/keras.weights.h5");
    assert_string_equal(vgg_weights_metadata(weights, "clvgg.preprocess"),
                        "{\"channels\": \"BGR\", \"scale\": 1, \"mean\": [103.939, 116.779, "
                        "123.68], \"std\": [1, 1, 1], \"crop\": [64, 64], \"mode\": \"squash\"}");
    assert_string_equal(vgg_weights_preprocess_origin(weights),
                        "Keras's VGG16, from the file's format");
    assert_string_equal(vgg_weights_metadata(weights, "clvgg.arch"), "vgg16");
    vgg_weights_close(weights);
}

/* ---- bad files ---- */

/* Opens what may be damaged and reads all of it; whatever comes must be a status. */
static clvgg_status open_and_read(const char *path)
{
    vgg_weights *weights;
    clvgg_status status = vgg_weights_open(path, &weights);
    if (status != CLVGG_STATUS_OK)
        return status;
    for (size_t i = 0; status == CLVGG_STATUS_OK && i < vgg_weights_count(weights); i++) {
        const vgg_tensor_entry *entry = vgg_weights_entry(weights, i);
        void *values = malloc((size_t)entry->count * vgg_dtype_bytes(entry->dtype));
        status = vgg_weights_read(weights, entry, 0, entry->count, values);
        free(values);
    }
    vgg_weights_close(weights);
    return status;
}

/* A copy of a network's file, to be damaged; returns its length. */
static size_t copy_file(const char *name, const char *copy)
{
    char path[4096];
    size_t bytes;
    snprintf(path, sizeof path, FORMATS "vgg16/%s", name);
    char *file = file_read(path, &bytes);
    file_write(copy, file, bytes);
    free(file);
    return bytes;
}

/* An HDF5 file knows its length, a zip's directory is at its end: what is cut is refused. Steps are
 * primes, so that the places vary; a step of 1 takes minutes and finds no more. */
static void cut_files_are_refused(void **state)
{
    (void)state;
    const size_t step = getenv("CLVGG_TEST_ALL") != NULL ? 1 : 1999;
    for (int i = 0; i < FILE_COUNT; i++) {
        const char *copy = temp_path("cut");
        size_t cut = copy_file(files[i], copy);
        while (cut > 0) {
            const size_t less = cut <= 600 ? 7 : step;
            cut -= less < cut ? less : cut;
            assert_int_equal(truncate(copy, (off_t)cut), 0);
            if (open_and_read(copy) == CLVGG_STATUS_OK)
                fail_msg("%s, cut at %zu, was read", files[i], cut);
        }
    }
}

static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    const size_t step = getenv("CLVGG_TEST_ALL") != NULL ? 1 : 499;
    static const char *const changed[] = {"keras.keras", "keras_old.h5", "keras_deflated.keras",
                                          "snapshot.caffemodel.h5"};
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        const char *copy = temp_path("changed");
        const size_t bytes = copy_file(changed[i], copy);
        FILE *file = fopen(copy, "r+b");
        assert_non_null(file);
        for (size_t at = 8; at < bytes; at += step) {
            unsigned char before, after;
            assert_int_equal(pread(fileno(file), &before, 1, (off_t)at), 1);
            after = before ^ 0xFF;
            assert_int_equal(pwrite(fileno(file), &after, 1, (off_t)at), 1);
            open_and_read(copy);
            assert_int_equal(pwrite(fileno(file), &before, 1, (off_t)at), 1);
        }
        fclose(file);
    }
}

static void what_is_not_followed_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
    } cases[] = {
        {"soft_link.h5", "\"b\" is a link to another place, which isn't followed"},
        {"external_link.h5", "is of a newer layout of HDF5"},
        {"external_values.h5", "data set \"a\": its values lie in another file"},
        {"loop.h5", "group \"a/b/c\" contains itself"},
        {"latest.h5", "is of a newer layout of HDF5"},
        {"int8.keras", "is of type int8: quantised"},
        {"chunked.h5", "/dense/kernel\" is stored in chunks, perhaps packed, which isn't read: "
                       "\"h5repack -l CONTI -f NONE OLD.h5 NEW.h5\""},
        {"packed.h5", "/dense/kernel\" is stored in chunks, perhaps packed, which isn't read"},
        {"norm.caffemodel.h5", "layer 'bn1_1' has more than weight and bias, as batch norm has"},
        {"pickled.keras", "model.weights.npz as pickled objects, which Keras itself doesn't read"},
        {"bomb.keras", "\"model.weights.h5\" unpacks to 35651584 bytes, more than the"},
        {"separable.keras", "(SeparableConv2D): layers of this class aren't supported"},
        {"sum.keras", "layer 'add' (Add) has 2 inputs; chains of layers"},
        {"twice.keras", "layer 'relu' (ReLU) is used in 2 places; chains of layers"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[4096];
        snprintf(path, sizeof path, TEST_DATA "/keras_refused/%s", cases[i].name);
        assert_int_not_equal(open_and_read(path), CLVGG_STATUS_OK);
        if (strstr(vgg_message(), cases[i].says) == NULL || strstr(vgg_message(), path) == NULL)
            fail_msg("%s: %s", cases[i].name, vgg_message());
    }
}

/* What is deflated needs room for a temporary file; without any the message says what to do. */
static void deflated_files_need_room(void **state)
{
    (void)state;
    static const char path[] = FORMATS "vgg16/keras_deflated.keras";
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const clvgg_status status = open_and_read(path);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, CLVGG_STATUS_IO);
    assert_non_null(strstr(vgg_message(), "tmp: File too large. Unzip the file and pack it by"));
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
    for (int i = 0; i < FILE_COUNT; i++) {
        char path[4096];
        snprintf(path, sizeof path, FORMATS "vgg16/%s", files[i]);
        assert_true(failing_allocator_sweep(open_and_close, path) >= 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_keras_hold_the_network),
        cmocka_unit_test(preprocessing_is_stated),
        cmocka_unit_test(cut_files_are_refused),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(what_is_not_followed_is_refused_by_name),
        cmocka_unit_test(deflated_files_need_room),
        cmocka_unit_test(survives_failing_allocations),
    };
    vgg_weights *weights = NULL;
    is_read = vgg_weights_open(FORMATS "vgg16/keras.keras", &weights) != CLVGG_STATUS_UNSUPPORTED;
    vgg_weights_close(weights);
    if (!is_read) {
        printf("SKIPPED: %s\n", vgg_message());
        return 0;
    }
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

/* unit/test_turned.c — weights whose rows lie across their file, in files of the libraries that
 * write them so: read as they lie they are what they are in order, and what isn't finite is told
 * by its place in order.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/model.h"
#include "model/model.h"
#include "support/files.h"
#include "weights/weights.h"

#define FORMATS TEST_DATA "/formats/"

/* NULL: this build doesn't read such files. */
static vgg_weights *open_file(const char *path)
{
    vgg_weights *weights;
    if (vgg_weights_open(path, &weights) == CLVGG_STATUS_OK)
        return weights;
    if (strstr(vgg_message(), "built without") == NULL)
        fail_msg("%s", vgg_message());
    return NULL;
}

/* Where element `at` of the file is in order. */
static uint64_t in_order(const vgg_tensor_entry *entry, uint64_t inner, uint64_t at)
{
    const uint64_t rows = (uint64_t)entry->shape.dims[0], columns = entry->count / rows;
    const uint64_t lies_at = at / rows;
    return at % rows * columns + lies_at % inner * (columns / inner) + lies_at / inner;
}

/* Says whether the tensor lies turned, and checks it piece by piece. */
static bool check_tensor(const vgg_weights *weights, const vgg_tensor_entry *entry)
{
    const uint64_t inner = vgg_weights_inner(weights, entry);
    if (inner == 0)
        return false;
    float *values = malloc((size_t)entry->count * sizeof *values), piece[1000];
    assert_int_equal(entry->dtype, CLVGG_DTYPE_F32);
    assert_int_equal(vgg_weights_read(weights, entry, 0, entry->count, values), CLVGG_STATUS_OK);
    for (uint64_t first = 0; first < entry->count; first += 1000) {
        const uint64_t left = entry->count - first, some = left < 1000 ? left : 1000;
        assert_int_equal(vgg_weights_read_turned(weights, entry, first, some, piece),
                         CLVGG_STATUS_OK);
        for (uint64_t i = 0; i < some; i++)
            if (piece[i] != values[in_order(entry, inner, first + i)])
                fail_msg("%s: element %llu", entry->name, (unsigned long long)(first + i));
    }
    assert_int_equal(vgg_weights_read_turned(weights, entry, entry->count - 1, 2, piece),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    free(values);
    return true;
}

static void files_are_read_as_they_lie(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int turned;
    } files[] = {
        {"vgg16/keras.keras", 16},       {"vgg16/keras.weights.h5", 16},
        {"vgg16/keras_old.h5", 16},      {"vgg16/keras_nested.h5", 16},
        {"vgg16/keras_double.keras", 16}, {"vgg16/tensorflow.npz", 16},
        {"vgg16/keras.onnx", 3},         {"vgg16/network.safetensors", 0},
        {"vgg11_bn/keras.keras", 11},    {"vgg16/keras_parts.weights.json", 16},
    };
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        char path[4096];
        snprintf(path, sizeof path, FORMATS "%s", files[f].path);
        vgg_weights *weights = open_file(path);
        int turned = 0;
        if (weights == NULL)
            continue;
        for (size_t i = 0; i < vgg_weights_count(weights); i++)
            turned += check_tensor(weights, vgg_weights_entry(weights, i));
        if (turned != files[f].turned)
            fail_msg("%s: %d tensors lie turned", files[f].path, turned);
        vgg_weights_close(weights);
    }
}

/* Element `at` of the file of a tensor, found by the bytes from there on, becomes NaN. */
static void spoil(const char *path, const float *bytes_there)
{
    size_t size, found = 0, at = 0;
    char *content = file_read(path, &size);
    const float nan = NAN;
    for (size_t i = 0; i + 64 <= size; i++)
        if (memcmp(content + i, bytes_there, 64) == 0) {
            at = i;
            found++;
        }
    assert_int_equal(found, 1);
    memcpy(content + at, &nan, sizeof nan);
    file_write(temp_path("spoilt.weights.h5"), content, size);
    free(content);
}

static void what_is_not_finite_is_told_in_order(void **state)
{
    (void)state;
    const char *path = FORMATS "vgg16/keras.weights.h5";
    enum { AT = 101 };
    char expected[128];
    float there[16];
    clvgg_runtime *runtime;
    clvgg_model *model;
    vgg_weights *weights = open_file(path);
    if (weights == NULL)
        skip();
    const vgg_tensor_entry *entry = vgg_weights_find(weights, "fc6.weight");
    const uint64_t inner = vgg_weights_inner(weights, entry);
    assert_true(inner != 0 && AT + 16 < entry->count);
    assert_int_equal(vgg_weights_read_turned(weights, entry, AT, 16, there), CLVGG_STATUS_OK);
    const uint64_t place = in_order(entry, inner, AT), count = entry->count;
    vgg_weights_close(weights);
    spoil(path, there);

    clvgg_runtime_options options;
    clvgg_model_options model_options;
    clvgg_runtime_options_defaults(&options);
    clvgg_model_options_defaults(&model_options);
    assert_int_equal(clvgg_runtime_create(&options, &runtime), CLVGG_STATUS_OK);
    assert_int_equal(
        vgg_model_load(runtime, temp_path("spoilt.weights.h5"), &model_options, &model),
        CLVGG_STATUS_OK);
    const int node = vgg_graph_find(model->graph, "fc6");
    const vgg_parameter *parameter = vgg_model_parameter(model, node, VGG_WEIGHT);
    float *values = malloc((size_t)count * sizeof *values);
    assert_int_equal(vgg_model_inner(model, parameter), inner);
    assert_int_equal(vgg_model_read_turned(model, parameter, 0, AT, values), CLVGG_STATUS_OK);
    snprintf(expected, sizeof expected, "has a value that is not finite, element %llu",
             (unsigned long long)place);
    assert_int_equal(vgg_model_read_turned(model, parameter, 100, 50, values),
                     CLVGG_STATUS_NON_FINITE);
    assert_non_null(strstr(vgg_message(), expected));
    assert_int_equal(vgg_model_read_parameter(model, parameter, 0, count, values),
                     CLVGG_STATUS_NON_FINITE);
    assert_non_null(strstr(vgg_message(), expected));
    free(values);
    vgg_model_free(model);
    clvgg_runtime_free(runtime);
}

/* What took a batch normalisation in is computed in order. */
static void folded_weights_come_in_order(void **state)
{
    (void)state;
    clvgg_runtime_options options;
    clvgg_model_options model_options;
    clvgg_runtime *runtime;
    clvgg_model *model;
    int turned = 0;
    vgg_weights *weights = open_file(FORMATS "vgg11_bn/keras.keras");
    if (weights == NULL)
        skip();
    vgg_weights_close(weights);
    clvgg_runtime_options_defaults(&options);
    clvgg_model_options_defaults(&model_options);
    assert_int_equal(clvgg_runtime_create(&options, &runtime), CLVGG_STATUS_OK);
    assert_int_equal(
        vgg_model_load(runtime, FORMATS "vgg11_bn/keras.keras", &model_options, &model),
        CLVGG_STATUS_OK);
    for (size_t i = 0; i < model->parameter_count; i++) {
        const vgg_parameter *parameter = &model->parameters[i];
        const uint64_t inner = vgg_model_inner(model, parameter);
        assert_true(inner == 0 || parameter->fold == NULL);
        turned += inner != 0;
    }
    assert_int_equal(turned, 3); /* dense layers */
    vgg_model_free(model);
    clvgg_runtime_free(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_as_they_lie),
        cmocka_unit_test(what_is_not_finite_is_told_in_order),
        cmocka_unit_test(folded_weights_come_in_order),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

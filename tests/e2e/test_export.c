/* e2e/test_export.c — clvgg_model_export() of networks that have every layer in every position:
 * what it writes is read again and gives the same logits, or is refused in words; and a file that
 * is wrong is noticed, and replaces nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/convert.h"
#include "model/model.h"
#include "support/files.h"
#include "support/networks.h"
#include "support/small_model.h"
#include "support/text.h"
#include "weights/write.h"

static clvgg_runtime *runtime;
static clvgg_device *device;

/* What can't be written, and the words for it; what isn't listed can be. */
static const struct {
    network_kind kind;
    clvgg_export_format format;
    const char *words;
} refused[] = {
    {NETWORK_BRANCHES, CLVGG_EXPORT_TORCHVISION, "doesn't read the one before it"},
    {NETWORK_BRANCHES, CLVGG_EXPORT_ONNX, "ONNX has no pooling to 4 x 3 of 9 x 8"},
    {NETWORK_ZF, CLVGG_EXPORT_ONNX, "ONNX's LRN over 4 channels, an even number, isn't this one"},
    /* PyTorch would take these tensors, but those of such names are a VGG's. */
    {NETWORK_VGG, CLVGG_EXPORT_TORCHVISION,
     "layer 'pool3' (max_pool 2x2 stride 2) stands where torchvision's VGG has a layer conv2d 3x3"},
    {NETWORK_ODD, CLVGG_EXPORT_TORCHVISION,
     "layer 'conv1' (conv2d 3x3 stride 2 pad 2) stands where torchvision's VGG has a layer conv2d"},
    {NETWORK_ZF, CLVGG_EXPORT_TORCHVISION,
     "layer 'conv1' (conv2d 7x7 stride 2 pad 1) stands where torchvision's VGG has a layer conv2d"},
    {NETWORK_NORMS, CLVGG_EXPORT_TORCHVISION,
     "layer 'norm0' (batch_norm epsilon 1e-05) stands where torchvision's VGG has a layer conv2d"},
    {NETWORK_INTEGERS, CLVGG_EXPORT_TORCHVISION,
     "layer 'pool3' (max_pool 3x3 stride 2) stands where torchvision's VGG has a layer conv2d 3x3"},
    {NETWORK_QUANTIZED, CLVGG_EXPORT_TORCHVISION, "doesn't read the one before it"},
    {NETWORK_QUANTIZED, CLVGG_EXPORT_ONNX, "a quantised model isn't written as ONNX"},
};

static const char *words_for(network_kind kind, clvgg_export_format format)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (refused[i].kind == kind && refused[i].format == format)
            return refused[i].words;
    return NULL;
}

static void try_export(const clvgg_model *model, network_kind kind, clvgg_export_format format)
{
    clvgg_export_report report = {.struct_size = sizeof report};
    clvgg_export_options options;
    clvgg_export_options_defaults(&options);
    const size_t before = temp_file_count();
    options.format = format;
    options.check_device = device;
    const clvgg_status status = clvgg_model_export(model, temp_path("out"), &options, &report);
    printf("%-10s %-12s %s\n", network_names[kind], clvgg_export_format_name(format),
           status == CLVGG_STATUS_OK ? report.unchecked : clvgg_status_message());
    if (words_for(kind, format) != NULL) {
        assert_true(status == CLVGG_STATUS_UNSUPPORTED || status == CLVGG_STATUS_BAD_FILE);
        assert_contains(clvgg_status_message(), words_for(kind, format));
        assert_int_equal(temp_file_count(), before);
        return;
    }
    assert_int_equal(status, CLVGG_STATUS_OK);
    assert_true(!report.checked || report.error <= 1e-6);
}

static void every_network_is_written_and_read(void **state)
{
    (void)state;
    for (int kind = 0; kind < NETWORK_COUNT; kind++) {
        clvgg_model *model = network_make(runtime, (network_kind)kind);
        for (int format = 0; clvgg_export_format_name((clvgg_export_format)format) != NULL;
             format++)
            try_export(model, (network_kind)kind, (clvgg_export_format)format);
        clvgg_model_free(model);
    }
}

/* What stands behind the small network's `last` layer. */
static const struct {
    const char *last;
    vgg_layer_type layers[4]; /* INPUT: none */
    const char *words;        /* NULL: torchvision's VGG is such a row */
} heads[] = {
    {"fc6", {VGG_LAYER_RELU, VGG_LAYER_DENSE}, NULL},
    {"fc6", {VGG_LAYER_DROPOUT, VGG_LAYER_RELU, VGG_LAYER_DENSE, VGG_LAYER_SOFTMAX}, NULL},
    {"pool5", {VGG_LAYER_INPUT}, NULL},
    {"fc6",
     {VGG_LAYER_BATCH_NORM, VGG_LAYER_RELU, VGG_LAYER_DENSE},
     "layer 'new0' (batch_norm epsilon 1e-05) stands where torchvision's VGG has a layer relu"},
    {"fc6",
     {VGG_LAYER_TANH, VGG_LAYER_DENSE},
     "layer 'new0' (tanh) stands where torchvision's VGG has a layer relu"},
    {"relu7",
     {VGG_LAYER_DENSE, VGG_LAYER_RELU, VGG_LAYER_DENSE},
     "layer 'new1' (relu) stands behind all that torchvision's VGG has"},
    {"fc8", {VGG_LAYER_RELU}, "layer 'new0' (relu) stands behind all that torchvision's VGG has"},
    {"relu5_2",
     {VGG_LAYER_INPUT},
     "ends where torchvision's VGG goes on with a layer max_pool 2x2"},
};

/* The second dense layer is torchvision's third and fourth layer of `classifier` further on, ReLU
 * and dropout, whether the network has dropout or not. */
static void assert_dense_names(bool two)
{
    size_t bytes = 0;
    char *file = file_read(temp_path("row"), &bytes);
    const uint64_t header = *(const uint64_t *)(const void *)file;
    file[8 + header] = '\0';
    assert_int_equal(strstr(file + 8, "\"classifier.0.weight\"") != NULL, two);
    assert_int_equal(strstr(file + 8, "\"classifier.3.weight\"") != NULL, two);
    assert_null(strstr(file + 8, "classifier.2."));
    free(file);
}

/* Before anything is written, with a check and without. */
static void other_rows_have_no_names_in_torchvision(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        vgg_graph *graph = NULL;
        clvgg_model *whole = small_model_make(runtime, 1), *model = NULL;
        const vgg_graph_copy_options options = {
            .count = vgg_graph_find(whole->graph, heads[i].last) + 1};
        must(vgg_graph_copy(whole->graph, &options, &graph));
        for (int k = 0; k < 4 && heads[i].layers[k] != VGG_LAYER_INPUT; k++) {
            const vgg_layer_type type = heads[i].layers[k];
            const vgg_attributes attributes =
                type == VGG_LAYER_DENSE        ? (vgg_attributes){.dense = {4, true}}
                : type == VGG_LAYER_BATCH_NORM ? (vgg_attributes){.batch_norm = {1e-5f, true}}
                                               : (vgg_attributes){.dropout_rate = 0};
            char name[16];
            snprintf(name, sizeof name, "new%d", k);
            must(vgg_graph_add(graph, name, type, &attributes, graph->count - 1, NULL));
        }
        must(
            vgg_model_from_graph(runtime, graph, small_model_source, (void *)(uintptr_t)1, &model));
        for (int checked = 0; checked < 2; checked++) {
            clvgg_export_options request;
            clvgg_export_options_defaults(&request);
            request.format = CLVGG_EXPORT_TORCHVISION;
            request.check_device = checked ? device : NULL;
            const clvgg_status status = clvgg_model_export(model, temp_path("row"), &request, NULL);
            if (heads[i].words == NULL && status != CLVGG_STATUS_OK)
                fail_msg("%zu: %s", i, clvgg_status_message());
            if (heads[i].words == NULL) {
                assert_dense_names(heads[i].layers[0] != VGG_LAYER_INPUT);
                continue;
            }
            assert_int_equal(status, CLVGG_STATUS_UNSUPPORTED);
            assert_contains(clvgg_status_message(), heads[i].words);
        }
        clvgg_model_free(model);
        clvgg_model_free(whole);
    }
}

/* ---- failures ---- */

/* Where an export is to be stopped, and where it is. */
typedef struct stop {
    clvgg_export_phase at, phase;
    int calls; /* in the phase */
} stop;

/* Stops in the middle of a phase that has one. */
static clvgg_status stop_midway(void *user, clvgg_export_phase phase, uint64_t done, uint64_t total)
{
    stop *seen = user;
    assert_true(done <= total);
    assert_true(phase >= seen->phase); /* they come in order */
    seen->calls = phase == seen->phase ? seen->calls + 1 : 1;
    seen->phase = phase;
    assert_int_equal(done == 0, seen->calls == 1);
    return phase == seen->at && (seen->calls == 5 || phase == CLVGG_EXPORT_STORING)
               ? CLVGG_STATUS_CANCELLED
               : CLVGG_STATUS_OK;
}

static void progress_may_stop_it(void **state)
{
    (void)state;
    stop seen;
    clvgg_model *model = small_model_make(runtime, 1);
    clvgg_export_options options;
    clvgg_export_options_defaults(&options);
    options.progress = stop_midway;
    options.progress_user = &seen;
    options.check_device = device;
    file_write(temp_path("kept"), "before", 6);
    const size_t before = temp_file_count();
    for (int i = 0; clvgg_export_format_name((clvgg_export_format)(i / 3)) != NULL; i++) {
        seen = (stop){.at = (clvgg_export_phase)(i % 3)};
        options.format = (clvgg_export_format)(i / 3);
        if (seen.at == CLVGG_EXPORT_CHECKING &&
            !vgg_weights_writer_is_read(vgg_weights_writer_at((size_t)options.format)))
            continue;
        assert_int_equal(clvgg_model_export(model, temp_path("kept"), &options, NULL),
                         CLVGG_STATUS_CANCELLED);
        assert_int_equal(seen.phase, seen.at);
        assert_int_equal(temp_file_count(), before);
        char *content = file_read(temp_path("kept"), &(size_t){0});
        assert_string_equal(content, "before");
        free(content);
    }
    clvgg_model_free(model);
}

/* A source whose values are others each time that they are read: what was written isn't what the
 * model gives. */
static clvgg_status change(void *user, const char *tensor, const clvgg_shape *shape, uint64_t first,
                           uint64_t count, float *values)
{
    int *calls = user;
    must(small_model_source((void *)(uintptr_t)1, tensor, shape, first, count, values));
    for (uint64_t i = 0; i < count; i++)
        values[i] *= 1 + 1e-3f * (float)*calls;
    ++*calls;
    return CLVGG_STATUS_OK;
}

static void notice(clvgg_model *model, const char *words, const char *compared)
{
    int calls = 0;
    model->source = change;
    model->source_user = &calls;
    clvgg_export_report report = {.struct_size = sizeof report};
    clvgg_export_options options;
    clvgg_export_options_defaults(&options);
    options.check_device = device;
    const size_t before = temp_file_count();
    assert_int_equal(clvgg_model_export(model, temp_path("other"), &options, &report),
                     CLVGG_STATUS_BAD_FILE);
    assert_contains(clvgg_status_message(), words);
    assert_true(report.checked && report.error > report.error_limit);
    assert_string_equal(report.compared, compared);
    assert_int_equal(temp_file_count(), before);
    clvgg_model_free(model);
}

static void other_values_are_noticed(void **state)
{
    (void)state;
    vgg_graph *graph = NULL;
    clvgg_model *model = small_model_make(runtime, 1), *front = NULL;
    const vgg_graph_copy_options options = {.count = vgg_graph_find(model->graph, "pool5") + 1};
    must(vgg_graph_copy(model->graph, &options, &graph));
    must(vgg_model_from_graph(runtime, graph, small_model_source, (void *)(uintptr_t)1, &front));
    notice(model, "not written: read again, its logits differ", "logits");
    notice(front, "not written: read again, its last layer's values, 'pool5', differ", "pool5");
}

static void wrong_arguments(void **state)
{
    (void)state;
    clvgg_model *model = small_model_make(runtime, 1);
    clvgg_export_options options;
    clvgg_export_options_defaults(&options);
    const char *path = temp_path("wrong");
    assert_int_equal(clvgg_model_export(NULL, path, NULL, NULL), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_model_export(model, NULL, NULL, NULL), CLVGG_STATUS_INVALID_ARGUMENT);
    options.format = (clvgg_export_format)99;
    assert_int_equal(clvgg_model_export(model, path, &options, NULL),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_export_options_defaults(&options);
    options.struct_size = 1;
    assert_int_equal(clvgg_model_export(model, path, &options, NULL),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_preprocess preprocess;
    clvgg_preprocess_defaults(&preprocess);
    preprocess.height = preprocess.width = 7;
    clvgg_export_options_defaults(&options);
    options.preprocess = &preprocess;
    assert_int_equal(clvgg_model_export(model, path, &options, NULL),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_contains(clvgg_status_message(), "preprocessing crops to 7 x 7");
    clvgg_weight_format format = {.struct_size = sizeof format};
    assert_int_equal(clvgg_weight_format_at(clvgg_weight_format_count(), &format),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_false(file_exists(path));
    clvgg_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_network_is_written_and_read),
                                       cmocka_unit_test(other_rows_have_no_names_in_torchvision),
                                       cmocka_unit_test(progress_may_stop_it),
                                       cmocka_unit_test(other_values_are_noticed),
                                       cmocka_unit_test(wrong_arguments)};
    must(clvgg_runtime_create(NULL, &runtime));
    must(clvgg_device_open(runtime, getenv("CLVGG_DEVICE"), NULL, &device));
    const int failed = cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
    clvgg_device_free(device);
    clvgg_runtime_free(runtime);
    return failed;
}

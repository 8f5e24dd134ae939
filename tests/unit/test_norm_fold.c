/* unit/test_norm_fold.c — batch normalisation in files: which layers take it in, with which
 * weights, what is saved, and statistics that can't be.
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
#include "graph/fold.h"
#include "model/model.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/networks.h"
#include "support/tensor_file.h"
#include "tensor/dtype.h"

static clvgg_runtime *runtime;

static int setup(void **state)
{
    return temp_folder_setup(state) != 0 || clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK;
}

static int teardown(void **state)
{
    clvgg_runtime_free(runtime);
    return temp_folder_teardown(state);
}

/* torchvision's vgg11_bn, its classifier as ever. */
static void make_vgg11_bn(tensor_file *file)
{
    static const char *const convolutions[] = {"features.0",  "features.4",  "features.8",
                                               "features.11", "features.15", "features.18",
                                               "features.22", "features.25"};
    static const int norms[] = {1, 5, 9, 12, 16, 19, 23, 26};
    static const char *const head[] = {"classifier.0", "classifier.3", "classifier.6"};
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    tensor_file_vgg(file, convolutions, 8, head);
    for (size_t i = 0; i < 4 * (sizeof norms / sizeof *norms); i++) {
        char name[64];
        snprintf(name, sizeof name, "features.%d.%s", norms[i / 4], parts[i % 4]);
        tensor_file_add(file, name, &(clvgg_shape){1, {SMALL_CHANNELS}});
    }
}

static clvgg_status load(tensor_file *file, bool keep, clvgg_model **out)
{
    const char *path = temp_path("bn.safetensors");
    clvgg_model_options options;
    clvgg_model_options_defaults(&options);
    options.keep_batch_norm = keep;
    tensor_file_write(file, path);
    return clvgg_model_load(runtime, path, &options, out);
}

static clvgg_model *load_good(tensor_file *file, bool keep)
{
    clvgg_model *model;
    must(load(file, keep, &model));
    return model;
}

static void read_all(const clvgg_model *model, const char *layer, int position, float *values,
                     uint64_t count)
{
    const vgg_parameter *parameter =
        vgg_model_parameter(model, vgg_graph_find(model->graph, layer), position);
    float raw[4 * 4 * 9];
    assert_non_null(parameter);
    must(vgg_model_read_parameter(model, parameter, 0, count, raw));
    vgg_to_f32(parameter->dtype, raw, count, values);
}

/* Value i of each tensor of such a file. */
static double stored(uint64_t i)
{
    return (double)(i % 7) / 8;
}

static void weights_are_folded_in_double(void **state)
{
    (void)state;
    enum { COUNT = 4 * 4 * 9 };
    tensor_file file;
    make_vgg11_bn(&file);
    tensor_file_get(&file, "features.4.weight")->dtype = CLVGG_DTYPE_F16;
    tensor_file_get(&file, "features.5.running_mean")->dtype = CLVGG_DTYPE_BF16;
    clvgg_model *model = load_good(&file, false);
    float weight[COUNT], bias[4], piece[50];
    assert_string_equal(clvgg_model_architecture(model), "vgg11_bn");
    assert_int_equal(vgg_graph_find(model->graph, "bn2_1"), -1);
    read_all(model, "conv2_1", VGG_WEIGHT, weight, COUNT);
    read_all(model, "conv2_1", VGG_BIAS, bias, 4);
    for (uint64_t i = 0; i < COUNT; i++) {
        const uint64_t r = i / 36;
        const double scale = stored(r) / sqrt(stored(r) + (double)1e-5f);
        assert_true(weight[i] == (float)(stored(i) * scale));
        assert_true(bias[r] == (float)(stored(r) * scale + (stored(r) - stored(r) * scale)));
    }
    /* any part of it, through the middle of rows */
    const vgg_parameter *parameter =
        vgg_model_parameter(model, vgg_graph_find(model->graph, "conv2_1"), VGG_WEIGHT);
    must(vgg_model_read_parameter(model, parameter, 31, 50, piece));
    assert_memory_equal(piece, weight + 31, sizeof piece);
    clvgg_model_free(model);
}

static void they_stay_layers_where_asked(void **state)
{
    (void)state;
    tensor_file file;
    clvgg_layer_info info = {.struct_size = sizeof info};
    make_vgg11_bn(&file);
    clvgg_model *model = load_good(&file, true);
    const int norm = vgg_graph_find(model->graph, "bn3_2");
    assert_true(norm > 0);
    assert_string_equal(vgg_model_parameter(model, norm, VGG_VARIANCE)->entry->name,
                        "features.12.running_var");
    assert_true(model->graph->nodes[norm].attributes.batch_norm.epsilon == 1e-5f);
    must(clvgg_model_layer(model, (size_t)norm, &info));
    assert_int_equal(info.folds_into, norm - 1);
    must(clvgg_model_layer(model, (size_t)norm - 1, &info));
    assert_int_equal(info.folds_into, -1);
    clvgg_model_free(model);
}

/* Convolutions without a bias get one, normalisations without weights have none to use. */
static void what_is_absent_is_zero_or_one(void **state)
{
    (void)state;
    tensor_file file;
    float bias[4];
    make_vgg11_bn(&file);
    for (size_t i = file.count; i-- > 0;) {
        const char *name = file.names[i];
        const vgg_tensor_entry *entry = &file.tensors[i];
        const bool norm = strncmp(name, "features.", 9) == 0 && strstr(name, "running") == NULL &&
                          entry->shape.rank == 1;
        if (norm)
            tensor_file_remove(&file, name);
    }
    clvgg_model *model = load_good(&file, false);
    read_all(model, "conv1_1", VGG_BIAS, bias, 4);
    for (uint64_t r = 0; r < 4; r++)
        assert_true(bias[r] == (float)(0 - stored(r) / sqrt(stored(r) + (double)1e-5f)));
    clvgg_model_free(model);
    model = load_good(&file, true);
    assert_null(vgg_model_parameter(model, vgg_graph_find(model->graph, "conv1_1"), VGG_BIAS));
    assert_null(vgg_model_parameter(model, vgg_graph_find(model->graph, "bn1_1"), VGG_BIAS));
    clvgg_model_free(model);
}

static void saving_writes_what_is_loaded(void **state)
{
    (void)state;
    tensor_file file;
    float before[144], after[144];
    char path[512];
    make_vgg11_bn(&file);
    tensor_file_get(&file, "features.4.weight")->dtype = CLVGG_DTYPE_F16;
    for (int keep = 0; keep < 2; keep++) {
        clvgg_model *model = load_good(&file, keep), *again = NULL;
        snprintf(path, sizeof path, "%s", temp_path("saved.safetensors"));
        must(clvgg_model_save(model, path, CLVGG_DTYPE_BF16));
        must(clvgg_model_load(runtime, path, NULL, &again));
        assert_string_equal(clvgg_model_architecture(again), "vgg11_bn");
        assert_int_equal(vgg_graph_find(again->graph, "bn1_1"), -1);
        const vgg_parameter *weight =
            vgg_model_parameter(again, vgg_graph_find(again->graph, "conv2_1"), VGG_WEIGHT);
        assert_int_equal(weight->entry->dtype, keep ? CLVGG_DTYPE_F16 : CLVGG_DTYPE_F32);
        assert_int_equal(weight->fold != NULL, keep);
        clvgg_model *folded = load_good(&file, false);
        read_all(folded, "conv2_1", VGG_WEIGHT, before, 144);
        read_all(again, "conv2_1", VGG_WEIGHT, after, 144);
        assert_memory_equal(before, after, sizeof before);
        clvgg_model_free(folded);
        clvgg_model_free(again);
        clvgg_model_free(model);
    }
}

static void refuses(tensor_file *file, clvgg_status expected, const char *words)
{
    clvgg_model *model = NULL;
    assert_int_equal(load(file, false, &model), expected);
    if (strstr(clvgg_status_message(), words) == NULL)
        fail_msg("'%s' lacks '%s'", clvgg_status_message(), words);
}

static void what_can_not_be_is_named(void **state)
{
    (void)state;
    tensor_file file;
    clvgg_model *model;
    float bias[4];
    make_vgg11_bn(&file);
    for (size_t i = 0; i < file.count; i++)
        if (strcmp(file.names[i], "features.1.running_var") == 0)
            file.nan_tensor = (long)i;
    file.nan_element = 2;
    model = load_good(&file, false);
    const vgg_parameter *parameter =
        vgg_model_parameter(model, vgg_graph_find(model->graph, "conv1_1"), VGG_BIAS);
    assert_int_equal(vgg_model_read_parameter(model, parameter, 0, 4, bias),
                     CLVGG_STATUS_NON_FINITE);
    assert_non_null(strstr(clvgg_status_message(),
                           "tensor 'features.1.running_var' has a value that is not finite"));
    clvgg_model_free(model);
    make_vgg11_bn(&file);
    tensor_file_remove(&file, "features.12.running_mean");
    refuses(&file, CLVGG_STATUS_NOT_FOUND, "tensor 'features.12.running_mean' is missing");
    make_vgg11_bn(&file);
    tensor_file_get(&file, "features.12.running_mean")->shape.dims[0] = 5;
    refuses(&file, CLVGG_STATUS_SHAPE_MISMATCH,
            "tensor 'features.12.running_mean' has shape [5], bn3_2.running_mean needs [4]");
    make_vgg11_bn(&file);
    tensor_file_add(&file, "classifier.1.running_var", &(clvgg_shape){1, {SMALL_FC6}});
    refuses(&file, CLVGG_STATUS_UNSUPPORTED,
            "'classifier.1.running_var' normalises what isn't a convolution of a VGG");
}

/* Behind a ReLU or a pooling, and where the convolution's value has another reader, they stay. */
static void folds_only_what_directly_follows(void **state)
{
    (void)state;
    const vgg_attributes conv = {.conv = {4, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}};
    const vgg_attributes norm = {.batch_norm = {1e-5f, true}};
    vgg_graph *graph;
    vgg_folded folded;
    int branch, at;
    must(vgg_graph_create(3, 8, 8, &graph));
    must(vgg_graph_add(graph, "bn0", VGG_LAYER_BATCH_NORM, &norm, 0, &at));
    must(vgg_graph_add(graph, "conv1", VGG_LAYER_CONV2D, &conv, at, &at));
    must(vgg_graph_add(graph, "bn1", VGG_LAYER_BATCH_NORM, &norm, at, &at));
    must(vgg_graph_add(graph, "relu1", VGG_LAYER_RELU, NULL, at, &at));
    must(vgg_graph_add(graph, "bn2", VGG_LAYER_BATCH_NORM, &norm, at, &at));
    must(vgg_graph_add(graph, "conv2", VGG_LAYER_CONV2D, &conv, at, &branch));
    must(vgg_graph_add(graph, "bn3", VGG_LAYER_BATCH_NORM, &norm, branch, &at));
    must(vgg_graph_add(graph, "relu2", VGG_LAYER_RELU, NULL, branch, NULL));
    must(vgg_graph_fold(graph, &folded));
    assert_int_equal(folded.count, 1);
    assert_int_equal(folded.graph->count, graph->count - 1);
    assert_int_equal(vgg_graph_find(folded.graph, "bn1"), -1);
    const int conv1 = vgg_graph_find(folded.graph, "conv1");
    assert_true(folded.graph->nodes[conv1].attributes.conv.bias);
    assert_int_equal(folded.norm[conv1], vgg_graph_find(graph, "bn1"));
    assert_int_equal(folded.norm[vgg_graph_find(folded.graph, "conv2")], -1);
    assert_int_equal(folded.origin[vgg_graph_find(folded.graph, "relu2")], graph->count - 1);
    vgg_folded_free(&folded);
    vgg_graph_free(graph);
}

static clvgg_status load_and_free(void *user)
{
    clvgg_model *model = NULL;
    clvgg_model_options options;
    clvgg_model_options_defaults(&options);
    const clvgg_status status = vgg_model_load(runtime, user, &options, &model);
    vgg_model_free(model);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    tensor_file file;
    char path[256];
    make_vgg11_bn(&file);
    snprintf(path, sizeof path, "%s", temp_path("sweep.safetensors"));
    tensor_file_write(&file, path);
    assert_true(failing_allocator_sweep(load_and_free, path) > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_folded_in_double),
        cmocka_unit_test(they_stay_layers_where_asked),
        cmocka_unit_test(what_is_absent_is_zero_or_one),
        cmocka_unit_test(saving_writes_what_is_loaded),
        cmocka_unit_test(what_can_not_be_is_named),
        cmocka_unit_test(folds_only_what_directly_follows),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

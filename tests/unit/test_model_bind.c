/* unit/test_model_bind.c — networks recognised by tensor names; what is missing, extra or unfit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clvgg/model.h"
#include "model/model.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/tensor_file.h"

/* Names of the convolutions in torchvision's and timm's `features`. */
static const char *const vgg11_features[] = {"features.0",  "features.3",  "features.6",
                                             "features.8",  "features.11", "features.13",
                                             "features.16", "features.18"};
static const char *const vgg13_features[] = {
    "features.0",  "features.2",  "features.5",  "features.7",  "features.10",
    "features.12", "features.15", "features.17", "features.20", "features.22"};
static const char *const vgg16_features[] = {
    "features.0",  "features.2",  "features.5",  "features.7",  "features.10",
    "features.12", "features.14", "features.17", "features.19", "features.21",
    "features.24", "features.26", "features.28"};
static const char *const vgg19_features[] = {
    "features.0",  "features.2",  "features.5",  "features.7",  "features.10", "features.12",
    "features.14", "features.16", "features.19", "features.21", "features.23", "features.25",
    "features.28", "features.30", "features.32", "features.34"};
static const char *const vgg16_canonical[] = {"conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1",
                                              "conv3_2", "conv3_3", "conv4_1", "conv4_2", "conv4_3",
                                              "conv5_1", "conv5_2", "conv5_3"};

static const char *const torchvision_head[] = {"classifier.0", "classifier.3", "classifier.6"};
static const char *const timm_head[] = {"pre_logits.fc1", "pre_logits.fc2", "head.fc"};
static const char *const canonical_head[] = {"fc6", "fc7", "fc8"};

static clvgg_runtime *runtime;
static char last_log[512];
static int log_count;

static void keep_log(void *user, clvgg_log_level level, const char *line)
{
    (void)user;
    (void)level;
    snprintf(last_log, sizeof last_log, "%s", line);
    log_count++;
}

static int setup(void **state)
{
    clvgg_runtime_options options;
    clvgg_runtime_options_defaults(&options);
    options.log = keep_log;
    return temp_folder_setup(state) != 0 ||
           clvgg_runtime_create(&options, &runtime) != CLVGG_STATUS_OK;
}

static int teardown(void **state)
{
    clvgg_runtime_free(runtime);
    return temp_folder_teardown(state);
}

static void assert_message_has(const char *part)
{
    if (strstr(clvgg_status_message(), part) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", part, clvgg_status_message());
}

static clvgg_status load(tensor_file *file, const clvgg_model_options *options, clvgg_model **out)
{
    const char *path = temp_path("model.safetensors");
    tensor_file_write(file, path);
    log_count = 0;
    last_log[0] = '\0';
    return clvgg_model_load(runtime, path, options, out);
}

static clvgg_model *load_good(tensor_file *file)
{
    clvgg_model *model;
    if (load(file, NULL, &model) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    return model;
}

static void refuses(tensor_file *file, clvgg_status expected, const char *message)
{
    clvgg_model *model;
    assert_int_equal(load(file, NULL, &model), expected);
    assert_null(model);
    assert_message_has(message);
    assert_message_has("model.safetensors: ");
}

static void make_torchvision(tensor_file *file)
{
    tensor_file_vgg(file, vgg11_features, 8, torchvision_head);
}

static void recognises_each_architecture(void **state)
{
    (void)state;
    static const struct {
        const char *architecture;
        const char *const *features;
        size_t count;
    } cases[] = {{"vgg11", vgg11_features, 8},
                 {"vgg13", vgg13_features, 10},
                 {"vgg16", vgg16_features, 13},
                 {"vgg19", vgg19_features, 16}};
    for (size_t i = 0; i < 4; i++) {
        tensor_file file;
        tensor_file_vgg(&file, cases[i].features, cases[i].count, torchvision_head);
        clvgg_model *model = load_good(&file);
        assert_string_equal(clvgg_model_architecture(model), cases[i].architecture);
        assert_int_equal(clvgg_model_class_count(model), SMALL_CLASSES);
        assert_string_equal(clvgg_model_label(model, 2), "class 2");
        assert_null(clvgg_model_label(model, 3));
        assert_int_equal(model->parameter_count, 2 * (cases[i].count + 3));
        /* parameters are in the graph's order, and so are the tensors of the file */
        for (size_t p = 0; p < model->parameter_count; p++)
            assert_string_equal(model->parameters[p].entry->name, file.names[p]);
        assert_string_equal(model->parameters[0].name, "conv1_1.weight");
        assert_string_equal(model->parameters[model->parameter_count - 1].name, "fc8.bias");
        assert_string_equal(clvgg_model_preprocess_origin(model),
                            "torchvision's, from tensor names");
        assert_int_equal(log_count, 0);
        clvgg_model_free(model);
    }
}

static void recognises_canonical_names(void **state)
{
    (void)state;
    tensor_file file;
    tensor_file_vgg(&file, vgg16_canonical, 13, canonical_head);
    clvgg_model *model = load_good(&file);
    clvgg_preprocess preprocess;
    clvgg_model_preprocess(model, &preprocess);
    assert_string_equal(clvgg_model_architecture(model), "vgg16");
    assert_string_equal(clvgg_model_preprocess_origin(model),
                        "assumed: Caffe's, from tensor names");
    assert_non_null(strstr(last_log, "doesn't say how images are prepared; assumed: Caffe's"));
    assert_int_equal(preprocess.order, CLVGG_BGR);
    assert_true(preprocess.mean[0] == 103.939f && preprocess.scale == 1.0f);
    assert_int_equal(preprocess.height, 32);
    assert_int_equal(preprocess.width, 32);
    clvgg_model_free(model);
}

/* timm keeps the first dense layers as convolutions. */
static void recognises_timm_names(void **state)
{
    (void)state;
    tensor_file file;
    tensor_file_vgg(&file, vgg16_features, 13, timm_head);
    tensor_file_get(&file, "pre_logits.fc1.weight")->shape =
        (clvgg_shape){4, {SMALL_FC6, SMALL_CHANNELS, 2, 3}};
    tensor_file_get(&file, "pre_logits.fc2.weight")->shape =
        (clvgg_shape){4, {SMALL_FC7, SMALL_FC6, 1, 1}};
    clvgg_model *model = load_good(&file);
    assert_string_equal(clvgg_model_preprocess_origin(model),
                        "torchvision's, from timm's tensor names");
    assert_int_equal(model->graph->nodes[0].output.dims[1], 64);
    assert_int_equal(model->graph->nodes[0].output.dims[2], 96);
    const vgg_parameter *fc6 =
        vgg_model_parameter(model, vgg_graph_find(model->graph, "fc6"), false);
    assert_int_equal(fc6->shape.rank, 2);
    assert_int_equal(fc6->shape.dims[1], SMALL_CHANNELS * 2 * 3);
    clvgg_model_free(model);
}

static void strips_prefixes(void **state)
{
    (void)state;
    static const char *const prefixes[] = {
        "module.",     "model.",
        "state_dict.", "state_dict.model.module.",
        "backbone.",   "encoder.",
        "net.",        "_orig_mod.",
        "0.",          "network.",
        "vgg.",        "base_model.",
        "what_ever.",  "module.module.module.module.module.module.module.module.module."};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        tensor_file file;
        char note[128];
        make_torchvision(&file);
        tensor_file_prefix(&file, prefixes[i]);
        clvgg_model *model = load_good(&file);
        assert_string_equal(clvgg_model_architecture(model), "vgg11");
        assert_string_equal(clvgg_model_preprocess_origin(model),
                            "torchvision's, from tensor names");
        snprintf(note, sizeof note, "'%s' before its tensors' names doesn't count", prefixes[i]);
        assert_string_equal(clvgg_model_notes(model), note);
        clvgg_model_free(model);
    }
}

/* A prefix that is too long to be one, numbers that count other layers too, names of no scheme,
 * convolutions in another order: what is left is shapes and order. */
static void binds_by_shape_and_order(void **state)
{
    (void)state;
    static const char *const numbered[] = {"trunk.9",  "trunk.10", "trunk.22", "trunk.23",
                                           "trunk.31", "trunk.33", "trunk.40", "trunk.100"};
    static const char *const dense[] = {"z.dense", "a.first", "m.second"};
    tensor_file file;
    make_torchvision(&file);
    tensor_file_prefix(&file,
                       "module.module.module.module.module.module.module.module.module.module.");
    clvgg_model_free(load_good(&file));
    tensor_file_vgg(&file, numbered, 8, dense);
    tensor_file_get(&file, "trunk.100.weight")->shape.dims[0] = 4;
    clvgg_model *model = load_good(&file);
    assert_string_equal(clvgg_model_architecture(model), "vgg11");
    for (size_t p = 0; p < model->parameter_count; p++)
        assert_string_equal(model->parameters[p].entry->name, file.names[p]);
    assert_non_null(strstr(clvgg_model_notes(model),
                           "bound by shape and order: its names are of no known scheme; "
                           "'trunk.9.weight' is conv1_1's weight, 'trunk.100.weight' the last"));
    assert_non_null(strstr(clvgg_model_notes(model), "'z.dense.weight' is the first"));
    assert_string_equal(clvgg_model_preprocess_origin(model), "assumed: torchvision's");
    clvgg_model_free(model);
}

/* Numbers tell the order where the file's isn't one. */
static void binds_by_the_order_of_numbers(void **state)
{
    (void)state;
    static const char *const scattered[] = {"t.21", "t.3", "t.10", "t.4",
                                            "t.5",  "t.6", "t.7",  "t.8"};
    static const char *const order[] = {"t.3", "t.4", "t.5", "t.6", "t.7", "t.8", "t.10", "t.21"};
    tensor_file file;
    tensor_file_vgg(&file, scattered, 8, torchvision_head);
    tensor_file_get(&file, "t.21.weight")->shape.dims[1] = SMALL_CHANNELS;
    tensor_file_get(&file, "t.3.weight")->shape.dims[1] = 3;
    clvgg_model *model = load_good(&file);
    for (size_t i = 0; i < 8; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s.bias", order[i]);
        assert_string_equal(model->parameters[2 * i + 1].entry->name, name);
    }
    clvgg_model_free(model);
    /* widths that change inside a block are no VGG's */
    tensor_file_get(&file, "t.10.weight")->shape.dims[0] = 5;
    tensor_file_get(&file, "t.10.bias")->shape.dims[0] = 5;
    tensor_file_get(&file, "t.21.weight")->shape.dims[1] = 5;
    refuses(&file, CLVGG_STATUS_UNSUPPORTED,
            "nor the convolutions of a VGG in order; others are read from files that hold the "
            "layers too, as ONNX");
}

static void knows_data_parallel_features(void **state)
{
    (void)state;
    static const char *const features[] = {
        "features.module.0",  "features.module.3",  "features.module.6",  "features.module.8",
        "features.module.11", "features.module.13", "features.module.16", "features.module.18"};
    tensor_file file;
    tensor_file_vgg(&file, features, 8, torchvision_head);
    clvgg_model *model = load_good(&file);
    assert_string_equal(clvgg_model_preprocess_origin(model), "torchvision's, from tensor names");
    clvgg_model_free(model);
}

/* Dropout first, one or two dense layers of any name, a head beside the prefix. */
static void knows_other_heads(void **state)
{
    (void)state;
    static const char *const dropout_first[] = {"classifier.1", "classifier.4", "classifier.6"};
    tensor_file file;
    tensor_file_vgg(&file, vgg11_features, 8, dropout_first);
    clvgg_model *model = load_good(&file);
    assert_int_equal(clvgg_model_class_count(model), SMALL_CLASSES);
    assert_string_equal(clvgg_model_notes(model), "");
    clvgg_model_free(model);
    for (int count = 1; count <= 2; count++) {
        static const char *const names[] = {"fc.weight", "fc.bias", "head.weight", "head.bias"};
        tensor_file_vgg(&file, vgg11_features, 8, torchvision_head);
        tensor_file_prefix(&file, "backbone.");
        file.count -= 6;
        for (int i = 0; i < 2 * count; i++) {
            const int64_t inputs = i < 2 ? SMALL_CHANNELS : 5, outputs = i < 2 ? 5 : 6;
            tensor_file_add(&file, names[i],
                            i % 2 == 0 ? &(clvgg_shape){2, {outputs, inputs}}
                                       : &(clvgg_shape){1, {outputs}});
        }
        model = load_good(&file);
        assert_int_equal(clvgg_model_class_count(model), count + 4);
        assert_int_equal(vgg_graph_find(model->graph, "fc6") > 0, count == 2);
        assert_int_equal(vgg_graph_find(model->graph, "fc7"), -1);
        assert_non_null(strstr(clvgg_model_notes(model), "by shape: 'fc.weight' is the first"));
        clvgg_model_free(model);
    }
    /* no head: outside of the prefix it may be anything, else it is another network's */
    tensor_file_get(&file, "head.weight")->shape.dims[1] = 7;
    model = load_good(&file);
    assert_int_equal(clvgg_model_class_count(model), 0);
    assert_non_null(strstr(last_log, "tensors that no layer uses: 4, the first is 'fc.weight'"));
    clvgg_model_free(model);
    tensor_file_vgg(&file, vgg11_features, 8, canonical_head);
    tensor_file_get(&file, "fc7.weight")->shape.dims[1] = 7;
    refuses(&file, CLVGG_STATUS_UNSUPPORTED, "'fc6.weight' and the dense layers beside it are no");
}

/* No dense layer, or dense layers whose values aren't there. */
static void knows_networks_without_a_head(void **state)
{
    (void)state;
    tensor_file file;
    make_torchvision(&file);
    file.count -= 6;
    clvgg_model *model = load_good(&file);
    assert_int_equal(clvgg_model_class_count(model), 0);
    assert_int_equal(model->graph->nodes[0].output.dims[1], 224);
    assert_string_equal(model->graph->nodes[model->graph->count - 1].name, "pool5");
    assert_non_null(strstr(clvgg_model_notes(model), "has no classifier: no dense layer"));
    clvgg_model_free(model);
    /* what stands beside an encoder isn't its head */
    tensor_file_prefix(&file, "encoder.");
    tensor_file_add(&file, "decoder.weight", &(clvgg_shape){4, {9, 9, 1, 1}});
    model = load_good(&file);
    assert_int_equal(clvgg_model_class_count(model), 0);
    clvgg_model_free(model);
}

static clvgg_status give_nan(void *user, size_t tensor, uint64_t first, uint64_t count, void *data)
{
    const tensor_file *file = user;
    float *values = data;
    (void)first;
    for (uint64_t i = 0; i < count; i++)
        values[i] = strncmp(file->names[tensor], "classifier", 10) == 0 ? NAN : 0.25f;
    return CLVGG_STATUS_OK;
}

/* torchvision's weights of features alone: the classifier's values are NaN. */
static void leaves_a_classifier_of_nan_out(void **state)
{
    (void)state;
    tensor_file file;
    clvgg_model *model = NULL;
    clvgg_preprocess preprocess;
    char path[256];
    make_torchvision(&file);
    snprintf(path, sizeof path, "%s", temp_path("nan.safetensors"));
    for (size_t i = 0; i < file.count; i++)
        file.tensors[i].name = file.names[i];
    assert_int_equal(vgg_weights_write(path, file.tensors, file.count, NULL, 0, give_nan, &file),
                     CLVGG_STATUS_OK);
    log_count = 0;
    assert_int_equal(clvgg_model_load(runtime, path, NULL, &model), CLVGG_STATUS_OK);
    assert_int_equal(log_count, 0);
    assert_int_equal(clvgg_model_class_count(model), 0);
    assert_int_equal(model->graph->nodes[0].output.dims[1], 32);
    assert_non_null(strstr(clvgg_model_notes(model), "'classifier.0.weight' the first, are NaN"));
    clvgg_model_preprocess(model, &preprocess);
    assert_true(preprocess.mean[0] == 0.48235f && preprocess.std[2] == 1.0f / 255.0f);
    clvgg_model_free(model);
}

static void names_what_is_missing(void **state)
{
    (void)state;
    static const char *const names[] = {"features.16.weight", "features.16.bias",
                                        "classifier.0.weight", "classifier.6.bias"};
    for (size_t i = 0; i < 4; i++) {
        tensor_file file;
        char message[64];
        make_torchvision(&file);
        tensor_file_remove(&file, names[i]);
        snprintf(message, sizeof message, "tensor '%s' is missing", names[i]);
        refuses(&file, CLVGG_STATUS_NOT_FOUND, message);
    }
}

static void refuses_other_networks(void **state)
{
    (void)state;
    static const char *const alexnet[] = {"features.0", "features.3", "features.6", "features.8",
                                          "features.10"};
    tensor_file file;
    tensor_file_vgg(&file, alexnet, 5, torchvision_head);
    refuses(&file, CLVGG_STATUS_UNSUPPORTED,
            "another network: its 5 convolutions 'features.…' are not those of VGG-11");
    make_torchvision(&file);
    tensor_file_add(&file, "features.1.running_mean", &(clvgg_shape){1, {SMALL_CHANNELS}});
    refuses(&file, CLVGG_STATUS_UNSUPPORTED,
            "tensor 'features.1.running_mean' normalises what isn't a convolution of a VGG");
}

static void warns_of_unused_tensors(void **state)
{
    (void)state;
    tensor_file file;
    make_torchvision(&file);
    tensor_file_add(&file, "optimizer.step", &(clvgg_shape){1, {1}});
    tensor_file_add(&file, "optimizer.rate", &(clvgg_shape){1, {1}});
    clvgg_model_free(load_good(&file));
    assert_int_equal(log_count, 1);
    assert_non_null(
        strstr(last_log, "tensors that no layer uses: 2, the first is 'optimizer.step'"));
}

static void names_unfit_shapes(void **state)
{
    (void)state;
    tensor_file file;
    make_torchvision(&file);
    tensor_file_get(&file, "features.8.weight")->shape = (clvgg_shape){4, {4, 4, 5, 5}};
    refuses(&file, CLVGG_STATUS_SHAPE_MISMATCH,
            "tensor 'features.8.weight' has shape [4, 4, 5, 5], conv3_2.weight needs [4, 4, 3, 3]");
    make_torchvision(&file);
    tensor_file_get(&file, "classifier.3.bias")->shape = (clvgg_shape){1, {11}};
    refuses(&file, CLVGG_STATUS_SHAPE_MISMATCH,
            "tensor 'classifier.3.bias' has shape [11], fc7.bias needs [10]");
    make_torchvision(&file);
    tensor_file_get(&file, "classifier.3.weight")->shape = (clvgg_shape){2, {10, 13}};
    refuses(&file, CLVGG_STATUS_SHAPE_MISMATCH,
            "leaves 12 features for fc7, its tensor 'classifier.3.weight' takes 13");
    make_torchvision(&file);
    tensor_file_get(&file, "features.3.weight")->shape = (clvgg_shape){1, {4}};
    refuses(&file, CLVGG_STATUS_SHAPE_MISMATCH, "tensor 'features.3.weight' has shape [4], a");
    make_torchvision(&file);
    tensor_file_get(&file, "classifier.0.weight")->shape = (clvgg_shape){2, {12, 4 * 6}};
    refuses(&file, CLVGG_STATUS_SHAPE_MISMATCH,
            "tensor 'classifier.0.weight' takes 24 features, which no square input gives");
}

static void takes_input_sizes_that_fit(void **state)
{
    (void)state;
    tensor_file file;
    clvgg_model *model;
    clvgg_model_options options;
    clvgg_model_options_defaults(&options);
    make_torchvision(&file);
    options.input_height = 63;
    assert_int_equal(load(&file, &options, &model), CLVGG_STATUS_OK);
    assert_int_equal(model->graph->nodes[0].output.dims[1], 63);
    assert_int_equal(model->graph->nodes[0].output.dims[2], 32);
    assert_int_equal(model->preprocess.height, 63);
    clvgg_model_free(model);
    options.input_height = 64;
    assert_int_equal(load(&file, &options, &model), CLVGG_STATUS_SHAPE_MISMATCH);
    assert_message_has("an input of 64 x 32 leaves 8 features for fc6, its tensor "
                       "'classifier.0.weight' takes 4");
    options.input_height = 31;
    assert_int_equal(load(&file, &options, &model), CLVGG_STATUS_INVALID_ARGUMENT);
    options.input_height = -1;
    assert_int_equal(load(&file, &options, &model), CLVGG_STATUS_INVALID_ARGUMENT);
    /* 24 features are no square, but the caller knows better */
    tensor_file_get(&file, "classifier.0.weight")->shape = (clvgg_shape){2, {12, 4 * 6}};
    options.input_height = 64;
    options.input_width = 96;
    assert_int_equal(load(&file, &options, &model), CLVGG_STATUS_OK);
    clvgg_model_free(model);
}

static void finds_values_that_are_not_finite(void **state)
{
    (void)state;
    static const clvgg_dtype dtypes[] = {CLVGG_DTYPE_F32, CLVGG_DTYPE_F16, CLVGG_DTYPE_BF16};
    for (int i = 0; i < 3; i++) {
        tensor_file file;
        unsigned char values[4 * 4 * 9 * sizeof(float)];
        make_torchvision(&file);
        file.nan_tensor = 2;
        file.nan_element = 77;
        tensor_file_get(&file, "features.3.weight")->dtype = dtypes[i];
        clvgg_model *model = load_good(&file);
        const vgg_parameter *parameter = &model->parameters[2];
        assert_int_equal(parameter->dtype, dtypes[i]);
        assert_int_equal(vgg_model_read_parameter(model, parameter, 0, 77, values),
                         CLVGG_STATUS_OK);
        assert_int_equal(vgg_model_read_parameter(model, parameter, 10, 100, values),
                         CLVGG_STATUS_NON_FINITE);
        assert_message_has("tensor 'features.3.weight' has a value that is not finite, element 77");
        clvgg_model_free(model);
    }
}

static clvgg_status load_and_free(void *user)
{
    clvgg_model *model = NULL;
    clvgg_model_options options;
    clvgg_model_options_defaults(&options);
    clvgg_status status = vgg_model_load(runtime, user, &options, &model);
    vgg_model_free(model);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    tensor_file file;
    char path[256];
    make_torchvision(&file);
    tensor_file_state(&file, "clvgg.classes", "[\"a\", \"b\", \"c\"]");
    snprintf(path, sizeof path, "%s", temp_path("sweep.safetensors"));
    tensor_file_write(&file, path);
    assert_true(failing_allocator_sweep(load_and_free, path) > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recognises_each_architecture),
        cmocka_unit_test(recognises_canonical_names),
        cmocka_unit_test(recognises_timm_names),
        cmocka_unit_test(strips_prefixes),
        cmocka_unit_test(binds_by_shape_and_order),
        cmocka_unit_test(binds_by_the_order_of_numbers),
        cmocka_unit_test(knows_data_parallel_features),
        cmocka_unit_test(knows_other_heads),
        cmocka_unit_test(knows_networks_without_a_head),
        cmocka_unit_test(leaves_a_classifier_of_nan_out),
        cmocka_unit_test(names_what_is_missing),
        cmocka_unit_test(refuses_other_networks),
        cmocka_unit_test(warns_of_unused_tensors),
        cmocka_unit_test(names_unfit_shapes),
        cmocka_unit_test(takes_input_sizes_that_fit),
        cmocka_unit_test(finds_values_that_are_not_finite),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

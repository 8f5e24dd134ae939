/* unit/test_model_save.c — models built without a file, saved and loaded again; the public calls
 * that describe a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clvgg/model.h"
#include "model/model.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/runtime.h"
#include "support/small_model.h"
#include "support/tensor_file.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

static clvgg_model *load(const char *path)
{
    clvgg_model *model;
    if (clvgg_model_load(runtime, path, NULL, &model) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    return model;
}

/* A parameter's bytes, in its own type; freed by the caller. */
static void *read_whole(const clvgg_model *model, size_t index, size_t *bytes)
{
    const vgg_parameter *parameter = &model->parameters[index];
    uint64_t count = vgg_shape_elements(&parameter->shape);
    *bytes = (size_t)count * vgg_dtype_bytes(parameter->dtype);
    void *data = malloc(*bytes);
    assert_non_null(data);
    assert_int_equal(vgg_model_read_parameter(model, parameter, 0, count, data), CLVGG_STATUS_OK);
    return data;
}

static void assert_same_model(const clvgg_model *a, const clvgg_model *b)
{
    vgg_text graphs[2] = {{0}};
    vgg_graph_write_json(a->graph, &graphs[0]);
    vgg_graph_write_json(b->graph, &graphs[1]);
    assert_string_equal(graphs[0].bytes, graphs[1].bytes);
    vgg_text_free(&graphs[0]);
    vgg_text_free(&graphs[1]);
    assert_memory_equal(&a->preprocess, &b->preprocess, sizeof a->preprocess);
    assert_string_equal(a->architecture, b->architecture);
    assert_int_equal(a->class_count, b->class_count);
    assert_int_equal(a->parameter_count, b->parameter_count);
    for (size_t i = 0; i < a->parameter_count; i++) {
        size_t bytes[2];
        void *x = read_whole(a, i, &bytes[0]), *y = read_whole(b, i, &bytes[1]);
        assert_string_equal(a->parameters[i].name, b->parameters[i].name);
        assert_true(vgg_shape_equal(&a->parameters[i].shape, &b->parameters[i].shape));
        assert_int_equal(a->parameters[i].dtype, b->parameters[i].dtype);
        assert_int_equal(bytes[0], bytes[1]);
        assert_memory_equal(x, y, bytes[0]);
        free(x);
        free(y);
    }
}

/* A parameter of any type is read as float32, with its shape. */
static void parameters_can_be_read(void **state)
{
    (void)state;
    clvgg_model *model = small_model_make(runtime, 4);
    assert_int_equal(clvgg_model_save(model, temp_path("half.safetensors"), CLVGG_DTYPE_F16),
                     CLVGG_STATUS_OK);
    clvgg_model_free(model);
    model = load(temp_path("half.safetensors"));
    for (size_t i = 0; i < model->parameter_count; i++) {
        const vgg_parameter *parameter = &model->parameters[i];
        const size_t count = (size_t)vgg_shape_elements(&parameter->shape);
        clvgg_shape shape;
        size_t bytes;
        float *values = calloc(count, sizeof *values), *expected = calloc(count, sizeof *values);
        void *raw = read_whole(model, i, &bytes);
        vgg_to_f32(parameter->dtype, raw, count, expected);
        assert_int_equal(clvgg_model_parameter(model, (size_t)parameter->node, parameter->position,
                                               &shape, NULL),
                         CLVGG_STATUS_OK);
        assert_true(vgg_shape_equal(&shape, &parameter->shape));
        assert_int_equal(clvgg_model_parameter(model, (size_t)parameter->node, parameter->position,
                                               &shape, values),
                         CLVGG_STATUS_OK);
        assert_memory_equal(values, expected, count * sizeof *values);
        free(values);
        free(expected);
        free(raw);
    }
    clvgg_shape shape;
    assert_int_equal(clvgg_model_parameter(model, 0, 0, &shape, NULL), CLVGG_STATUS_NOT_FOUND);
    assert_string_equal(clvgg_status_message(), "layer 'input' has no weight");
    assert_int_equal(clvgg_model_parameter(model, 1000, 0, &shape, NULL),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_model_free(model);
}

static void saved_model_is_the_same(void **state)
{
    (void)state;
    const char *path = temp_path("saved.safetensors");
    clvgg_model *model = small_model_make(runtime, 7);
    assert_int_equal(clvgg_model_save(model, path, CLVGG_DTYPE_F32), CLVGG_STATUS_OK);
    clvgg_model *loaded = load(path);
    assert_same_model(model, loaded);
    assert_string_equal(clvgg_model_metadata(loaded, "clvgg.format"), "1");
    assert_null(clvgg_model_metadata(loaded, "nothing"));
    assert_null(clvgg_model_metadata(model, "clvgg.format"));
    assert_string_equal(clvgg_model_name(loaded), path);
    assert_true(model->id != loaded->id);
    clvgg_model_free(model);
    clvgg_model_free(loaded);
}

/* Foreign names and shapes, three types, foreign metadata: saved under canonical names, the values
 * bit for bit; saving what was saved gives the same file. */
static void tensors_of_a_file_are_copied(void **state)
{
    (void)state;
    static const char *const names[] = {"features.0",  "features.3",  "features.6",  "features.8",
                                        "features.11", "features.13", "features.16", "features.18"};
    static const char *const head[] = {"pre_logits.fc1", "pre_logits.fc2", "head.fc"};
    char paths[3][256];
    for (int i = 0; i < 3; i++)
        snprintf(paths[i], sizeof paths[i], "%s%d", temp_path("copy"), i);
    tensor_file file;
    tensor_file_vgg(&file, names, 8, head);
    tensor_file_get(&file, "pre_logits.fc2.weight")->shape = (clvgg_shape){4, {10, 12, 1, 1}};
    tensor_file_get(&file, "features.3.weight")->dtype = CLVGG_DTYPE_F16;
    tensor_file_get(&file, "features.6.weight")->dtype = CLVGG_DTYPE_BF16;
    tensor_file_state(&file, "license", "CC BY 4.0 \"\xC3\xA9\"");
    tensor_file_state(&file, "clvgg.classes", "[\"a\\u0007\", \"b\", \"c\"]");
    tensor_file_write(&file, paths[0]);
    clvgg_model *model = load(paths[0]);
    assert_int_equal(clvgg_model_save(model, paths[1], CLVGG_DTYPE_F32), CLVGG_STATUS_OK);
    clvgg_model *copy = load(paths[1]);
    assert_same_model(model, copy);
    assert_string_equal(clvgg_model_architecture(copy), "vgg11");
    assert_string_equal(clvgg_model_preprocess_origin(copy), "stated in the file");
    assert_string_equal(clvgg_model_metadata(copy, "license"), "CC BY 4.0 \"\xC3\xA9\"");
    assert_string_equal(clvgg_model_label(copy, 0), "a\a");
    assert_string_equal(copy->parameters[2].entry->name, "conv2_1.weight");
    assert_int_equal(copy->parameters[2].entry->dtype, CLVGG_DTYPE_F16);
    assert_int_equal(clvgg_model_save(copy, paths[2], CLVGG_DTYPE_F16), CLVGG_STATUS_OK);
    size_t bytes[2];
    char *first = file_read(paths[1], &bytes[0]), *second = file_read(paths[2], &bytes[1]);
    assert_int_equal(bytes[0], bytes[1]);
    assert_memory_equal(first, second, bytes[0]);
    free(first);
    free(second);
    clvgg_model_free(model);
    clvgg_model_free(copy);
}

static clvgg_status give_large(void *user, const char *tensor, const clvgg_shape *shape,
                               uint64_t first, uint64_t count, float *values)
{
    const float *largest = user;
    (void)shape;
    for (uint64_t i = 0; i < count; i++)
        values[i] = first + i == 70000 && strcmp(tensor, "fc6.weight") == 0 ? *largest : 1.0f;
    return CLVGG_STATUS_OK;
}

static clvgg_model *build_wide(float *largest)
{
    clvgg_model *model;
    clvgg_model_description description;
    clvgg_model_description_defaults(&description);
    description.architecture = "vgg11";
    description.input_height = description.input_width = 32;
    description.head[0] = 200; /* fc6.weight: 102,400 values, more than one piece */
    description.head[1] = 5;
    description.class_count = 2;
    description.source = give_large;
    description.source_user = largest;
    if (clvgg_model_build(runtime, &description, &model) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    return model;
}

static void values_of_a_source_are_converted(void **state)
{
    (void)state;
    const char *path = temp_path("converted.safetensors");
    float largest = 65504.0f, value;
    clvgg_model *model = build_wide(&largest);
    assert_string_equal(clvgg_model_preprocess_origin(model), "given by the caller");
    assert_int_equal(model->preprocess.height, 32);
    assert_int_equal(clvgg_model_save(model, path, CLVGG_DTYPE_F16), CLVGG_STATUS_OK);
    clvgg_model *loaded = load(path);
    const vgg_parameter *fc6 =
        vgg_model_parameter(loaded, vgg_graph_find(loaded->graph, "fc6"), false);
    uint16_t half;
    assert_int_equal(fc6->dtype, CLVGG_DTYPE_F16);
    assert_int_equal(vgg_model_read_parameter(loaded, fc6, 70000, 1, &half), CLVGG_STATUS_OK);
    vgg_to_f32(CLVGG_DTYPE_F16, &half, 1, &value);
    assert_true(value == largest);
    clvgg_model_free(loaded);
    largest = 1e6f;
    size_t files = temp_file_count();
    assert_int_equal(clvgg_model_save(model, temp_path("none"), CLVGG_DTYPE_F16),
                     CLVGG_STATUS_NON_FINITE);
    assert_string_equal(clvgg_status_message(),
                        "tensor 'fc6.weight': element 70000 is 1e+06, too large for F16");
    assert_int_equal(temp_file_count(), files);
    largest = 1.0f / 0.0f;
    assert_int_equal(clvgg_model_save(model, temp_path("none"), CLVGG_DTYPE_F32),
                     CLVGG_STATUS_NON_FINITE);
    assert_string_equal(clvgg_status_message(),
                        "vgg11: tensor 'fc6.weight' has a value that is not "
                        "finite, element 70000");
    clvgg_model_free(model);
}

static clvgg_status give_nothing(void *user, const char *tensor, const clvgg_shape *shape,
                                 uint64_t first, uint64_t count, float *values)
{
    (void)user, (void)tensor, (void)shape, (void)first, (void)count, (void)values;
    return CLVGG_STATUS_CANCELLED;
}

static void building_checks_its_arguments(void **state)
{
    (void)state;
    clvgg_model *model;
    clvgg_model_description description;
    clvgg_model_description_defaults(&description);
    assert_int_equal(clvgg_model_build(runtime, &description, &model),
                     CLVGG_STATUS_INVALID_ARGUMENT); /* no source */
    description.source = give_nothing;
    assert_int_equal(clvgg_model_build(runtime, &description, &model), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_model_parameter_count(model), 138357544);
    assert_int_equal(clvgg_model_flops(model), UINT64_C(30693261312) + 2 * UINT64_C(123633664));
    assert_string_equal(clvgg_model_label(model, 999), "class 999");
    assert_int_equal(clvgg_model_save(model, temp_path("none"), CLVGG_DTYPE_F32),
                     CLVGG_STATUS_CANCELLED);
    assert_string_equal(clvgg_status_message(),
                        "the source of tensor 'conv1_1.weight' failed: CANCELLED");
    clvgg_model_free(model);
    const char *const labels[] = {"x", NULL};
    description.labels = labels;
    description.class_count = 2;
    assert_int_equal(clvgg_model_build(runtime, &description, &model),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    description.labels = NULL;
    description.class_count = 0;
    assert_int_equal(clvgg_model_build(runtime, &description, &model),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(clvgg_status_message(), "dense 'fc8': out_features is 0"));
    description.class_count = 2;
    description.preprocess.std[1] = 0.0f;
    assert_int_equal(clvgg_model_build(runtime, &description, &model),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_null(model);
}

static void layers_are_listed(void **state)
{
    (void)state;
    clvgg_model *model = small_model_make(runtime, 1);
    clvgg_layer_info info = {.struct_size = sizeof info};
    uint64_t parameters = 0, flops = 0;
    for (size_t i = 0; i < clvgg_model_layer_count(model); i++) {
        assert_int_equal(clvgg_model_layer(model, i, &info), CLVGG_STATUS_OK);
        assert_int_equal(info.input, (int)i - 1);
        parameters += info.parameter_count;
        flops += info.flops;
    }
    assert_int_equal(parameters, clvgg_model_parameter_count(model));
    assert_int_equal(flops, clvgg_model_flops(model));
    assert_int_equal(clvgg_model_layer(model, 1, &info), CLVGG_STATUS_OK);
    assert_string_equal(info.name, "conv1_1");
    assert_string_equal(info.type, "conv2d");
    assert_string_equal(info.attributes, "3x3 stride 1 pad 1");
    assert_int_equal(info.output.dims[0], 4);
    assert_int_equal(clvgg_model_layer(model, 1000, &info), CLVGG_STATUS_INVALID_ARGUMENT);
    info.struct_size = 1;
    assert_int_equal(clvgg_model_layer(model, 1, &info), CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_model_free(model);
}

static void graph_is_printed_in_pieces(void **state)
{
    (void)state;
    clvgg_model *model = small_model_make(runtime, 1);
    size_t length, again;
    char small[16];
    for (int format = 0; format <= 1; format++) {
        clvgg_graph_format f = (clvgg_graph_format)format;
        assert_int_equal(clvgg_model_print_graph(model, f, NULL, 0, &length), CLVGG_STATUS_OK);
        char *text = malloc(length + 1);
        assert_int_equal(clvgg_model_print_graph(model, f, text, length + 1, &again),
                         CLVGG_STATUS_OK);
        assert_int_equal(again, length);
        assert_int_equal(strlen(text), length);
        assert_int_equal(clvgg_model_print_graph(model, f, small, sizeof small, &again),
                         CLVGG_STATUS_OK);
        assert_int_equal(again, length);
        assert_int_equal(strlen(small), sizeof small - 1);
        assert_memory_equal(small, text, sizeof small - 1);
        free(text);
    }
    assert_int_equal(clvgg_model_print_graph(model, CLVGG_GRAPH_DOT, NULL, 5, &length),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_model_free(model);
}

static void references_are_counted(void **state)
{
    (void)state;
    clvgg_model *model = small_model_make(runtime, 1);
    assert_ptr_equal(clvgg_model_retain(model), model);
    clvgg_model_free(model);
    assert_int_equal(clvgg_model_class_count(model), 3);
    clvgg_model_free(model);
    assert_null(clvgg_model_retain(NULL));
    clvgg_model_free(NULL);
}

static clvgg_status save_and_load(void *path)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_model *model = NULL, *loaded = NULL;
    clvgg_model_description description;
    clvgg_model_options options;
    clvgg_model_options_defaults(&options);
    clvgg_model_description_defaults(&description);
    description.architecture = "vgg11";
    description.input_height = description.input_width = 32;
    description.head[0] = description.head[1] = 4;
    description.class_count = 3;
    description.source = small_model_source;
    VGG_TRY(vgg_model_build(runtime, &description, &model));
    VGG_TRY(vgg_model_load(runtime, path, &options, &loaded));
    VGG_TRY(vgg_model_save(loaded, temp_path("again.safetensors"), CLVGG_DTYPE_F32));
cleanup:
    vgg_model_free(model);
    vgg_model_free(loaded);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s", temp_path("sweep.safetensors"));
    clvgg_model *model = small_model_make(runtime, 3);
    assert_int_equal(clvgg_model_save(model, path, CLVGG_DTYPE_BF16), CLVGG_STATUS_OK);
    clvgg_model_free(model);
    size_t files = temp_file_count();
    assert_true(failing_allocator_sweep(save_and_load, path) > 100);
    assert_int_equal(temp_file_count(), files + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_can_be_read),
        cmocka_unit_test(saved_model_is_the_same),
        cmocka_unit_test(tensors_of_a_file_are_copied),
        cmocka_unit_test(values_of_a_source_are_converted),
        cmocka_unit_test(building_checks_its_arguments),
        cmocka_unit_test(layers_are_listed),
        cmocka_unit_test(graph_is_printed_in_pieces),
        cmocka_unit_test(references_are_counted),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}

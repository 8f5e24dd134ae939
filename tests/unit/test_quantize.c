/* unit/test_quantize.c — rounding to int8, ranges from counts, and the quantised model that a model
 * in floats becomes, in memory and in its file.
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

#include "clvgg/convert.h"
#include "clvgg/quantize.h"
#include "model/int8_weights.h"
#include "model/quantize.h"
#include "quantize/histogram.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/networks.h"
#include "support/runtime.h"
#include "support/tensor_file.h"
#include "tensor/int8_row.h"
#include "tensor/shape.h"

/* ---- rounding ---- */

static int significant_bits(float value)
{
    int exponent;
    for (int bits = 1;; bits++) {
        const float scaled = ldexpf(frexpf(value, &exponent), bits);
        if (scaled == rintf(scaled))
            return bits;
    }
}

/* A row rounded once comes out the same again; its largest magnitude is level 127. */
static void a_rounded_row_stays_as_it_is(void **state)
{
    (void)state;
    enum { COUNT = 97, ROWS = 2000 };
    srand(1);
    for (int r = 0; r < ROWS; r++) {
        float row[COUNT], again[COUNT], largest = 0;
        for (int i = 0; i < COUNT; i++) {
            row[i] = ldexpf((float)rand() / (float)RAND_MAX - 0.5f, r % 120 - 60);
            largest = fmaxf(largest, fabsf(row[i]));
        }
        memcpy(again, row, sizeof row);
        const float scale = vgg_int8_row_round(row, COUNT);
        assert_true(significant_bits(scale) <= 16);
        assert_true((double)scale * 127 >= (double)largest * (1 - 0x1p-20));
        assert_true((double)scale * 127 <= (double)largest * (1 + 0x1p-15) + 0x1p-93);
        float highest = 0;
        for (int i = 0; i < COUNT; i++) {
            const float q = row[i] / scale;
            assert_true(q == rintf(q) && fabsf(q) <= 127);
            assert_true(fabs((double)again[i] - (double)row[i]) <= 0.5001 * (double)scale);
            highest = fmaxf(highest, fabsf(q));
        }
        if (scale > 0x1p-100f)
            assert_true(highest == 127);
        memcpy(again, row, sizeof row);
        assert_true(vgg_int8_row_round(again, COUNT) == scale);
        assert_memory_equal(again, row, sizeof row);
    }
    float zeros[3] = {0};
    assert_true(vgg_int8_row_round(zeros, 3) == 0x1p-100f);
    assert_true(zeros[0] == 0 && zeros[2] == 0);
}

/* ---- ranges ---- */

static void counts_give_ranges(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    static float values[COUNT];
    vgg_histogram h;
    for (int i = 0; i < COUNT; i++)
        values[i] = (float)(i + 1) / 100 * (i % 2 ? 1 : -1);
    must(vgg_histogram_create(&h));
    assert_true(vgg_histogram_add(&h, values, COUNT / 2));
    assert_true(vgg_histogram_add(&h, values + COUNT / 2, COUNT / 2));
    assert_int_equal(h.count, COUNT);
    assert_true(h.largest == 100);
    static const double shares[] = {0.5, 0.9, 0.99, 0.999, 1};
    for (size_t i = 0; i < 5; i++) {
        const float range = vgg_histogram_percentile(&h, shares[i]);
        assert_true((double)range >= 100 * shares[i] && (double)range <= 100.5 * shares[i]);
    }
    assert_true(vgg_histogram_percentile(&h, 1) == 100);
    /* Values spread evenly: steps s = 100/127 apart the error is s/√12 of 100/√3. */
    assert_true(fabs(vgg_histogram_error(&h, 100.0 / 127, 127) - 0.5 / 127) <= 0.02 / 127);
    assert_true(vgg_histogram_best_range(&h, 127) > 95);
    /* Those above half of the range become half: √(∫(x−50)²/∫x²) = √(1/8). */
    assert_true(fabs(vgg_histogram_error(&h, 50.0 / 127, 127) - sqrt(0.125)) <= 0.01);
    vgg_histogram_free(&h);
}

/* One value far from all others isn't worth the steps of the rest; several are. */
static void the_best_range_leaves_out_what_is_rare(void **state)
{
    (void)state;
    enum { COUNT = 1000000 };
    float *values = calloc(COUNT, sizeof *values);
    for (int i = 0; i < COUNT; i++)
        values[i] = (float)(i % 1000) / 1000;
    for (int many = 0; many < 2; many++) {
        const int outliers = many ? 100000 : 1;
        vgg_histogram h;
        must(vgg_histogram_create(&h));
        for (int i = 0; i < outliers; i++)
            values[i] = 20;
        assert_true(vgg_histogram_add(&h, values, COUNT));
        const float range = vgg_histogram_best_range(&h, 254);
        assert_true(many ? range > 19 : range < 15);
        const double best = vgg_histogram_error(&h, (double)range / 254, 254);
        assert_true(best <= vgg_histogram_error(&h, 20.0 / 254, 254));
        assert_true(best <= vgg_histogram_error(&h, 1.0 / 254, 254));
        vgg_histogram_free(&h);
    }
    free(values);
}

static void what_isnt_finite_is_not_counted(void **state)
{
    (void)state;
    const float values[] = {1, NAN, -INFINITY, INFINITY, 3.4e38f, -0.0f, 1e-45f};
    vgg_histogram h;
    must(vgg_histogram_create(&h));
    for (int i = 0; i < 7; i++)
        assert_int_equal(vgg_histogram_add(&h, values + i, 1), i == 0 || i > 3);
    assert_int_equal(h.count, 4);
    vgg_histogram_free(&h);
}

/* ---- the model ---- */

/* conv2 and fc4 quantised. */
static clvgg_model *quantize(clvgg_model *base)
{
    clvgg_model *model;
    vgg_quantized_input *inputs = calloc((size_t)base->graph->count, sizeof *inputs);
    inputs[vgg_graph_find(base->graph, "conv2")] =
        (vgg_quantized_input){true, {.scale = 0.125f, .low = 0, .high = 254}};
    inputs[vgg_graph_find(base->graph, "fc4")] =
        (vgg_quantized_input){true, {.scale = 0.25f, .low = -127, .high = 127}};
    must(vgg_model_quantize(base, inputs, "{\"images\": 3}", &model));
    free(inputs);
    return model;
}

static const vgg_parameter *parameter_of(const clvgg_model *model, const char *layer, int position)
{
    const vgg_parameter *found =
        vgg_model_parameter(model, vgg_graph_find(model->graph, layer), position);
    assert_non_null(found);
    return found;
}

static float *read_all(const clvgg_model *model, const char *layer, int position, uint64_t *count)
{
    const vgg_parameter *parameter = parameter_of(model, layer, position);
    assert_int_equal(parameter->dtype, CLVGG_DTYPE_F32);
    *count = vgg_shape_elements(&parameter->shape);
    float *values = malloc(*count * sizeof *values);
    must(vgg_model_read_parameter(model, parameter, 0, *count, values));
    return values;
}

static void layers_take_quantised_values(void **state)
{
    (void)state;
    clvgg_model *base = network_make(runtime, NETWORK_VGG), *model = quantize(base);
    const vgg_graph *graph = model->graph;
    assert_int_equal(graph->count, base->graph->count + 2);
    assert_int_equal(clvgg_model_quantized_layers(model), 2);
    assert_int_equal(clvgg_model_quantized_layers(base), 0);
    const vgg_node *conv2 = &graph->nodes[vgg_graph_find(graph, "conv2")];
    const vgg_node *before = &graph->nodes[conv2->inputs[0]];
    assert_string_equal(before->name, "conv2_input");
    assert_string_equal(graph->nodes[before->inputs[0]].name, "relu1");
    assert_true(before->attributes.quantize.scale == 0.125f);
    clvgg_model_free(model);
    clvgg_model_free(base);
}

static void quantised_weights_are_rounded_rows(void **state)
{
    (void)state;
    static const char *const layers[] = {"conv1", "conv2", "conv3", "fc4"};
    clvgg_model *base = network_make(runtime, NETWORK_VGG), *model = quantize(base);
    for (size_t l = 0; l < 4; l++) {
        uint64_t count;
        const bool int8 = l == 1 || l == 3;
        const vgg_parameter *parameter = parameter_of(model, layers[l], VGG_WEIGHT);
        assert_int_equal(parameter->int8, int8);
        float *was = read_all(base, layers[l], VGG_WEIGHT, &count);
        float *is = read_all(model, layers[l], VGG_WEIGHT, &count);
        const size_t each = (size_t)count / (size_t)parameter->shape.dims[0];
        for (size_t at = 0; at < count && int8; at += each)
            vgg_int8_row_round(was + at, each);
        for (size_t i = 0; i < count && int8; i++)
            was[i] += 0.0f; /* int8 has no −0 */
        assert_memory_equal(is, was, count * sizeof *is);
        for (uint64_t first = 0; first < count; first += count / 7 + 1) { /* parts of rows */
            float part[1000];
            const uint64_t some = count - first < 1000 ? count - first : 1000;
            must(vgg_model_read_parameter(model, parameter, first, some, part));
            assert_memory_equal(part, is + first, some * sizeof *part);
            for (uint64_t i = 0; i < some && int8; i++) {
                signed char level;
                float scale;
                must(vgg_int8_read_levels(model, parameter, first + i, 1, &level));
                must(vgg_int8_read_scales(model, parameter, (first + i) / each, 1, &scale));
                assert_true((float)level * scale == part[i]);
                i += some / 5;
            }
        }
        free(was);
        free(is);
    }
    clvgg_model_free(model);
    clvgg_model_free(base);
}

/* Its file has int8 weights, is read as the same bits, and so are files made of that. */
static void files_keep_the_bits(void **state)
{
    (void)state;
    static const char *const layers[] = {"conv1", "conv2", "conv3", "fc4", "fc5"};
    clvgg_model *base = network_make(runtime, NETWORK_VGG), *model = quantize(base);
    clvgg_model *loaded[3] = {NULL};
    const char *paths[3];
    clvgg_export_report report = {.struct_size = sizeof report};
    clvgg_export_options options;
    for (int i = 0; i < 3; i++)
        paths[i] = temp_path(i == 0   ? "first.safetensors"
                             : i == 1 ? "second.safetensors"
                                      : "floats.safetensors");
    must(clvgg_model_export(model, paths[0], NULL, &report));
    assert_int_equal(report.tensor_count, 12);
    must(clvgg_model_load(runtime, paths[0], NULL, &loaded[0]));
    assert_string_equal(clvgg_model_notes(loaded[0]), "int8 weights, 2 quantised layers");
    assert_string_equal(clvgg_model_metadata(loaded[0], "clvgg.quantized"), "{\"images\": 3}");
    must(clvgg_model_export(loaded[0], paths[1], NULL, NULL));
    must(clvgg_model_load(runtime, paths[1], NULL, &loaded[1]));
    assert_string_equal(clvgg_model_metadata(loaded[1], "clvgg.quantized"), "{\"images\": 3}");
    clvgg_export_options_defaults(&options);
    options.keep_dtype = 0; /* all in float32: the layers stay */
    must(clvgg_model_export(loaded[0], paths[2], &options, NULL));
    must(clvgg_model_load(runtime, paths[2], NULL, &loaded[2]));
    assert_string_equal(clvgg_model_notes(loaded[2]), "2 quantised layers");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(clvgg_model_quantized_layers(loaded[i]), 2);
        for (size_t l = 0; l < 5; l++) {
            uint64_t count;
            float *was = read_all(model, layers[l], VGG_WEIGHT, &count);
            float *is = read_all(loaded[i], layers[l], VGG_WEIGHT, &count);
            assert_memory_equal(is, was, count * sizeof *is);
            assert_int_equal(parameter_of(loaded[i], layers[l], VGG_WEIGHT)->int8,
                             i < 2 && (l == 1 || l == 3));
            free(was);
            free(is);
        }
        clvgg_model_free(loaded[i]);
    }
    clvgg_model_free(model);
    clvgg_model_free(base);
}

/* What the base's file says of its head and its layers is true of these weights too; how right it
 * is isn't. */
static void metadata_goes_along(void **state)
{
    (void)state;
    static const char *const names[] = {"conv1_1", "conv2_1", "conv3_1", "conv3_2",
                                        "conv4_1", "conv4_2", "conv5_1", "conv5_2"};
    static const char *const head[] = {"fc6", "fc7", "fc8"};
    static const char *const said[][3] = {{"license", "MIT", "license"},
                                          {"accuracy", "0.9", "base.accuracy"},
                                          {"clvgg.training", "{}", "clvgg.training"},
                                          {"clvgg.head.license", "CC0", "clvgg.head.license"},
                                          {"clvgg.quantized", "old", NULL}};
    tensor_file file;
    clvgg_model *base, *model, *loaded;
    vgg_quantized_input inputs[64] = {{0}};
    tensor_file_vgg(&file, names, 8, head);
    for (size_t i = 0; i < 5; i++)
        tensor_file_state(&file, said[i][0], said[i][1]);
    tensor_file_write(&file, temp_path("said.safetensors"));
    must(clvgg_model_load(runtime, temp_path("said.safetensors"), NULL, &base));
    inputs[vgg_graph_find(base->graph, "conv2_1")] =
        (vgg_quantized_input){true, {.scale = 0.125f, .low = 0, .high = 254}};
    must(vgg_model_quantize(base, inputs, "{\"images\": 1}", &model));
    must(clvgg_model_export(model, temp_path("goes.safetensors"), NULL, NULL));
    must(clvgg_model_load(runtime, temp_path("goes.safetensors"), NULL, &loaded));
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(clvgg_model_metadata(loaded, said[i][2]), said[i][1]);
    assert_null(clvgg_model_metadata(loaded, "accuracy"));
    assert_string_equal(clvgg_model_metadata(loaded, "clvgg.quantized"), "{\"images\": 1}");
    clvgg_model_free(loaded);
    clvgg_model_free(model);
    clvgg_model_free(base);
}

static clvgg_status quantize_and_write(void *given)
{
    clvgg_model *base = given, *model = NULL;
    vgg_quantized_input inputs[64] = {{0}};
    inputs[vgg_graph_find(base->graph, "conv2")] =
        (vgg_quantized_input){true, {.scale = 0.125f, .low = 0, .high = 254}};
    VGG_PASS(vgg_model_quantize(base, inputs, "{}", &model));
    const clvgg_status status = clvgg_model_save(model, temp_path("swept"), CLVGG_DTYPE_F16);
    clvgg_model_free(model);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    clvgg_model *base = network_make(runtime, NETWORK_VGG);
    assert_true(failing_allocator_sweep(quantize_and_write, base) >= 20);
    clvgg_model_free(base);
}

static void other_formats_refuse_or_hold_floats(void **state)
{
    (void)state;
    clvgg_model *base = network_make(runtime, NETWORK_VGG), *model = quantize(base);
    clvgg_export_options options;
    clvgg_export_options_defaults(&options);
    options.format = CLVGG_EXPORT_ONNX;
    assert_int_equal(clvgg_model_export(model, temp_path("q.onnx"), &options, NULL),
                     CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "quantize 'conv2_input': a quantised model "));
    options.format = CLVGG_EXPORT_TORCHVISION;
    assert_int_equal(clvgg_model_export(model, temp_path("q.pth"), &options, NULL),
                     CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "quantize"));
    options.format = CLVGG_EXPORT_NPZ;
    must(clvgg_model_export(model, temp_path("q.npz"), &options, NULL));
    clvgg_model_free(model);
    clvgg_model_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rounded_row_stays_as_it_is),
        cmocka_unit_test(counts_give_ranges),
        cmocka_unit_test(the_best_range_leaves_out_what_is_rare),
        cmocka_unit_test(what_isnt_finite_is_not_counted),
        cmocka_unit_test(layers_take_quantised_values),
        cmocka_unit_test(quantised_weights_are_rounded_rows),
        cmocka_unit_test(files_keep_the_bits),
        cmocka_unit_test(metadata_goes_along),
        cmocka_unit_test(survives_failing_allocations),
        cmocka_unit_test(other_formats_refuse_or_hold_floats),
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}

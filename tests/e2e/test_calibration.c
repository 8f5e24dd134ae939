/* e2e/test_calibration.c — calibration on a device: ranges that follow from what layers take, models
 * that give nearly what their floats do, and what can't be quantised. The public calls alone.
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

#include "clvgg/finetune.h"
#include "clvgg/quantize.h"
#include "ref/ref_graph.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "tensor/shape.h"

enum { IMAGES = 5 };

static clvgg_calibration *calibrate(clvgg_model *model, network_kind kind)
{
    clvgg_calibration *calibration;
    clvgg_calibration_options options;
    clvgg_calibration_options_defaults(&options);
    options.max_batch = 2;
    must(clvgg_calibration_create(device.device, model, &options, &calibration));
    float *images = network_input(model, kind, IMAGES);
    must(clvgg_calibration_add(calibration, IMAGES, images));
    assert_int_equal(clvgg_calibration_image_count(calibration), IMAGES);
    free(images);
    return calibration;
}

static clvgg_model *quantize(clvgg_calibration *calibration, const clvgg_quantize_options *options)
{
    clvgg_model *model;
    must(clvgg_calibration_quantize(calibration, options, &model));
    return model;
}

static float *logits_of(clvgg_model *model, network_kind kind, size_t *count)
{
    clvgg_session *session = session_make(device.device, model, &(session_request){.max_batch = 5});
    float *images = network_input(model, kind, IMAGES);
    *count = IMAGES * session_output_elements(session, 0);
    float *logits = session_run_one(session, IMAGES, images);
    free(images);
    clvgg_session_free(session);
    return logits;
}

/* What a layer takes by the definition: the largest magnitude, and whether any is below 0. */
static float largest_input(const clvgg_model *model, network_kind kind, const char *layer,
                           bool *negative)
{
    float *images = network_input(model, kind, IMAGES);
    const vgg_graph *graph = model->graph;
    float **values = ref_graph_values(graph, network_source(kind), NULL, IMAGES, images);
    const int input = graph->nodes[vgg_graph_find(graph, layer)].inputs[0];
    const size_t count = IMAGES * (size_t)vgg_shape_elements(&graph->nodes[input].output);
    float largest = 0;
    *negative = false;
    for (size_t i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(values[input][i]));
        *negative = *negative || values[input][i] < 0;
    }
    ref_graph_free(graph, values);
    free(images);
    return largest;
}

static void layers_get_ranges_of_what_they_take(void **state)
{
    (void)state;
    static const network_kind kinds[] = {NETWORK_VGG, NETWORK_BRANCHES, NETWORK_ZF, NETWORK_NORMS};
    clvgg_quantize_options options;
    clvgg_quantize_options_defaults(&options);
    options.method = CLVGG_RANGE_MAX;
    options.quantize_ends = 1;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        clvgg_model *base = network_make(device.runtime, kinds[k]);
        clvgg_calibration *calibration = calibrate(base, kinds[k]);
        clvgg_model *model = quantize(calibration, &options);
        assert_int_equal(clvgg_model_quantized_layers(model),
                         clvgg_calibration_layer_count(calibration));
        for (size_t i = 0; i < clvgg_calibration_layer_count(calibration); i++) {
            clvgg_quantized_layer layer = {.struct_size = sizeof layer};
            must(clvgg_calibration_layer(calibration, i, &layer));
            bool negative;
            const float largest = largest_input(base, kinds[k], layer.name, &negative);
            assert_true(layer.quantized && layer.kept == NULL);
            assert_true(fabsf(layer.largest - largest) <= 1e-4f * largest);
            assert_true(layer.range == layer.largest);
            assert_int_equal(layer.high, layer.low < 0 ? 127 : 254);
            assert_true(!negative || layer.low == -127);
            const float steps = layer.range / (float)layer.high;
            assert_true(layer.scale >= steps && layer.scale <= steps * (1 + 0x1p-15f));
            assert_true(layer.input_error > 0 && layer.input_error < 0.05);
            assert_true(layer.weight_error > 0 && layer.weight_error < 0.02);
        }
        clvgg_model_free(model);
        clvgg_calibration_free(calibration);
        clvgg_model_free(base);
    }
}

/* relu1's values are signed to conv1 and not to conv2. */
static void levels_are_signed_where_values_are(void **state)
{
    (void)state;
    static const char *const names[] = {"conv1", "conv2", "conv3", "fc4", "fc5"};
    static const int lows[] = {-127, 0, 0, 0, 0};
    clvgg_model *base = network_make(device.runtime, NETWORK_VGG);
    clvgg_calibration *calibration = calibrate(base, NETWORK_VGG);
    clvgg_model *model = quantize(calibration, NULL);
    assert_int_equal(clvgg_calibration_layer_count(calibration), 5);
    for (size_t i = 0; i < 5; i++) {
        clvgg_quantized_layer layer = {.struct_size = sizeof layer};
        must(clvgg_calibration_layer(calibration, i, &layer));
        assert_string_equal(layer.name, names[i]);
        assert_int_equal(layer.low, lows[i]);
        assert_int_equal(layer.quantized, i > 0 && i < 4); /* the ends stay */
        if (i == 0)
            assert_string_equal(layer.kept, "the first convolution");
        if (i == 4)
            assert_string_equal(layer.kept, "the last dense layer");
    }
    clvgg_model_free(model);
    clvgg_calibration_free(calibration);
    clvgg_model_free(base);
}

static void quantised_models_give_nearly_the_same(void **state)
{
    (void)state;
    static const network_kind kinds[] = {NETWORK_VGG, NETWORK_ZF, NETWORK_NORMS};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int method = CLVGG_RANGE_MSE; method <= CLVGG_RANGE_PERCENTILE; method++) {
            clvgg_quantize_options options;
            clvgg_quantize_options_defaults(&options);
            options.method = (clvgg_range_method)method;
            size_t count;
            clvgg_model *base = network_make(device.runtime, kinds[k]);
            clvgg_calibration *calibration = calibrate(base, kinds[k]);
            clvgg_model *model = quantize(calibration, &options);
            float *should = logits_of(base, kinds[k], &count);
            float *is = logits_of(model, kinds[k], &count);
            const double error = relative_l2(is, should, count);
            if (!(error > 1e-4 && error < 0.05))
                fail_msg("%s, method %d: %g", network_names[kinds[k]], method, error);
            free(should);
            free(is);
            clvgg_model_free(model);
            clvgg_calibration_free(calibration);
            clvgg_model_free(base);
        }
}

/* Counts don't depend on batches. */
static void batches_make_no_difference(void **state)
{
    (void)state;
    clvgg_model *base = network_make(device.runtime, NETWORK_VGG), *models[2];
    clvgg_calibration *calibrations[2];
    float *images = network_input(base, NETWORK_VGG, IMAGES);
    for (int i = 0; i < 2; i++) {
        clvgg_calibration_options options;
        clvgg_calibration_options_defaults(&options);
        options.max_batch = 1;
        options.memory_limit_bytes = 1;
        must(clvgg_calibration_create(device.device, base, &options, &calibrations[i]));
        for (size_t at = 0, some; at < IMAGES; at += some) {
            some = i == 0 ? IMAGES : 1;
            must(clvgg_calibration_add(calibrations[i], some, images + at * 3 * 32 * 32));
        }
        models[i] = quantize(calibrations[i], NULL);
    }
    for (size_t i = 0; i < clvgg_calibration_layer_count(calibrations[0]); i++) {
        clvgg_quantized_layer a = {.struct_size = sizeof a}, b = {.struct_size = sizeof b};
        must(clvgg_calibration_layer(calibrations[0], i, &a));
        must(clvgg_calibration_layer(calibrations[1], i, &b));
        assert_true(a.scale == b.scale && a.error == b.error);
    }
    for (int i = 0; i < 2; i++) {
        clvgg_model_free(models[i]);
        clvgg_calibration_free(calibrations[i]);
    }
    free(images);
    clvgg_model_free(base);
}

/* ---- what can't be quantised ---- */

static void assert_says(const char *part)
{
    if (strstr(clvgg_status_message(), part) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", part, clvgg_status_message());
}

static void what_isnt_finite_is_named(void **state)
{
    (void)state;
    clvgg_model *base = network_make(device.runtime, NETWORK_VGG);
    clvgg_calibration *calibration;
    must(clvgg_calibration_create(device.device, base, NULL, &calibration));
    float *images = network_input(base, NETWORK_VGG, IMAGES);
    images[3 * 3 * 32 * 32 + 7] = NAN;
    assert_int_equal(clvgg_calibration_add(calibration, IMAGES, images), CLVGG_STATUS_NON_FINITE);
    assert_says("image 3: what layer 'conv1' takes isn't finite");
    clvgg_calibration_free(calibration);
    free(images);
    clvgg_model_free(base);
}

/* A black image of a network without biases: nothing but 0 comes to any layer. */
static clvgg_status without_biases(void *user, const char *tensor, const clvgg_shape *shape,
                                   uint64_t first, uint64_t count, float *values)
{
    if (strstr(tensor, ".weight") != NULL)
        return network_source(NETWORK_VGG)(user, tensor, shape, first, count, values);
    for (uint64_t i = 0; i < count; i++)
        values[i] = strcmp(tensor, "conv2.bias") == 0 ? 0.5f : 0.0f;
    return CLVGG_STATUS_OK;
}

static void layers_that_take_nothing_stay(void **state)
{
    (void)state;
    clvgg_model *vgg = network_make(device.runtime, NETWORK_VGG), *base, *model;
    vgg_graph *graph;
    clvgg_calibration *calibration;
    must(vgg_graph_copy(vgg->graph, NULL, &graph));
    must(vgg_model_from_graph(device.runtime, graph, without_biases, NULL, &base));
    must(clvgg_calibration_create(device.device, base, NULL, &calibration));
    float *images = calloc(3 * 32 * 32, sizeof *images);
    assert_int_equal(clvgg_calibration_quantize(calibration, NULL, &model),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_says("no image was counted");
    must(clvgg_calibration_add(calibration, 1, images));
    model = quantize(calibration, NULL);
    clvgg_quantized_layer layer = {.struct_size = sizeof layer};
    must(clvgg_calibration_layer(calibration, 1, &layer)); /* conv2 takes 0, conv3 0.5 alone */
    assert_string_equal(layer.kept, "takes nothing but 0");
    must(clvgg_calibration_layer(calibration, 2, &layer));
    assert_true(layer.quantized);
    assert_true(layer.largest == 0.5f);
    free(images);
    clvgg_model_free(model);
    clvgg_calibration_free(calibration);
    clvgg_model_free(base);
    clvgg_model_free(vgg);
}

static void refusals(void **state)
{
    (void)state;
    clvgg_model *base = network_make(device.runtime, NETWORK_VGG), *model, *none;
    clvgg_calibration *calibration = calibrate(base, NETWORK_VGG), *again;
    clvgg_quantize_options options;
    clvgg_quantize_options_defaults(&options);
    options.keep_count = 1;
    options.keep = &(const char *){"conv9"};
    assert_int_equal(clvgg_calibration_quantize(calibration, &options, &none),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_says("conv9");
    options.keep = &(const char *){"pool2"};
    assert_int_equal(clvgg_calibration_quantize(calibration, &options, &none),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_says("layer 'pool2' is neither a convolution nor a dense layer");
    options.keep_count = 3;
    options.keep = (const char *const[]){"conv2", "conv3", "fc4"};
    assert_int_equal(clvgg_calibration_quantize(calibration, &options, &none),
                     CLVGG_STATUS_UNSUPPORTED);
    assert_says("no layer is left to quantise");
    model = quantize(calibration, NULL);
    assert_int_equal(clvgg_calibration_create(device.device, model, NULL, &again),
                     CLVGG_STATUS_UNSUPPORTED);
    assert_says("is quantised, and only a model in floats can be quantised");
    clvgg_model_free(model);
    clvgg_calibration_free(calibration);
    clvgg_model_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_get_ranges_of_what_they_take),
        cmocka_unit_test(levels_are_signed_where_values_are),
        cmocka_unit_test(quantised_models_give_nearly_the_same),
        cmocka_unit_test(batches_make_no_difference),
        cmocka_unit_test(what_isnt_finite_is_named),
        cmocka_unit_test(layers_that_take_nothing_stay),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}

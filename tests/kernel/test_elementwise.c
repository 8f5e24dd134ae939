/* kernel/test_elementwise.c — activations, softmax and layout conversions. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exec/chain.h"
#include "ref/reference.h"
#include "support/device_fixture.h"
#include "support/guarded.h"
#include "support/networks.h"
#include "support/op_run.h"
#include "tensor/shape.h"

static void run_unary(const vgg_variant *variant, vgg_layer_type type, clvgg_shape shape, int block,
                      int batch, const float *x, float *y)
{
    vgg_node node = {.name = "unary", .type = type, .output = shape};
    const op_case c = {.variant = variant,
                       .problem = {.node = &node,
                                   .input = shape,
                                   .output = shape,
                                   .input_block = block,
                                   .result = shape,
                                   .max_batch = batch},
                       .count = batch,
                       .x = x,
                       .traits = test_traits(&device)};
    assert_int_equal(op_run(&device, &c, y, NULL), CLVGG_STATUS_OK);
}

static void activations_follow_their_definition(void **state)
{
    (void)state;
    static const vgg_layer_type types[] = {VGG_LAYER_RELU, VGG_LAYER_SIGMOID, VGG_LAYER_TANH};
    enum { COUNT = 2 * 5 * 7 * 3 };
    float x[COUNT], y[COUNT];
    fill_normal(x, COUNT, 3.0, 7);
    x[0] = -0.0f, x[1] = NAN, x[2] = INFINITY, x[3] = -INFINITY, x[4] = -100.0f, x[5] = FLT_MIN / 4;
    for (int t = 0; t < 3; t++)
        for (int block = 1; block <= 16; block *= 4) {
            run_unary(&vgg_variant_activation, types[t], (clvgg_shape){3, {5, 7, 3}}, block, 2, x,
                      y);
            for (int i = 0; i < COUNT; i++) {
                const double expected = ref_activation(types[t], x[i]);
                const double tolerance = types[t] == VGG_LAYER_RELU ? 0.0 : 1e-5 * fabs(expected);
                if (isnan(expected) ? !isnan(y[i])
                                    : !((double)y[i] == expected ||
                                        fabs((double)y[i] - expected) <= tolerance + 1e-37))
                    fail_msg("%s(%g): %g expected, got %g", vgg_layer_type_name(types[t]), x[i],
                             expected, y[i]);
            }
        }
}

/* Ties go to the even level, levels end where they are said to, in every layout. */
static void quantising_follows_its_definition(void **state)
{
    (void)state;
    static const vgg_quantize_attributes cases[] = {
        {1.0f, 0, 255}, {0.1f, -127, 127}, {0.037f, 0, 254}, {3.0f, -255, 0}, {1e-3f, -100, 155}};
    enum { COUNT = 2 * 5 * 7 * 3 };
    const clvgg_shape shape = {3, {5, 7, 3}};
    float x[COUNT], y[COUNT];
    double expected[COUNT];
    fill_normal(x, COUNT, 3.0, 7);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int block = 1; block <= 16; block *= 4) {
            const float scale = cases[i].scale;
            vgg_node node = {.name = "quantize",
                             .type = VGG_LAYER_QUANTIZE,
                             .attributes = {.quantize = cases[i]},
                             .output = shape};
            const op_case c = {.variant = &vgg_variant_quantize,
                               .problem = {.node = &node,
                                           .input = shape,
                                           .output = shape,
                                           .input_block = block,
                                           .result = shape,
                                           .max_batch = 2},
                               .count = 2,
                               .x = x,
                               .traits = test_traits(&device)};
            x[0] = NAN, x[1] = INFINITY, x[2] = -INFINITY, x[3] = 2.5f * scale;
            x[4] = 3.5f * scale, x[5] = -0.5f * scale, x[6] = 1e4f * scale, x[7] = -1e4f * scale;
            assert_int_equal(op_run(&device, &c, y, NULL), CLVGG_STATUS_OK);
            ref_quantize(&cases[i], COUNT, x, expected);
            for (int e = 0; e < COUNT; e++)
                if (isnan(expected[e]) ? !isnan(y[e]) : !(y[e] == (float)expected[e]))
                    fail_msg("case %zu, block %d: %g of %g, expected %g", i, block, (double)y[e],
                             (double)x[e], expected[e]);
        }
}

/* Odd and even windows, wider than the channels too. */
static void normalisation_follows_its_definition(void **state)
{
    (void)state;
    static const vgg_lrn_attributes cases[] = {
        {5, 1e-4f, 0.75f, 1}, {5, 3, 0.75f, 2}, {4, 2, 1.5f, 0.5f}, {1, 1, 1, 1}, {99, 9, 0.5f, 1}};
    enum { COUNT = 2 * 21 * 3 * 5 };
    const clvgg_shape shape = {3, {21, 3, 5}};
    float x[COUNT], y[COUNT];
    double expected[COUNT];
    fill_normal(x, COUNT, 2.0, 11);
    x[17] = NAN;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int block = 1; block <= 16; block *= 4) {
            vgg_node node = {.name = "norm",
                             .type = VGG_LAYER_LOCAL_RESPONSE_NORM,
                             .attributes = {.lrn = cases[i]},
                             .output = shape};
            const op_case c = {.variant = &vgg_variant_lrn,
                               .problem = {.node = &node,
                                           .input = shape,
                                           .output = shape,
                                           .input_block = block,
                                           .result = shape,
                                           .max_batch = 2},
                               .count = 2,
                               .x = x,
                               .traits = test_traits(&device)};
            assert_int_equal(op_run(&device, &c, y, NULL), CLVGG_STATUS_OK);
            ref_lrn(&cases[i], &shape, 2, x, expected);
            for (int e = 0; e < COUNT; e++)
                if (isnan(expected[e])
                        ? !isnan(y[e])
                        : !(fabs((double)y[e] - expected[e]) <= 1e-5 * fabs(expected[e]) + 1e-37))
                    fail_msg("case %zu, block %d, element %d: %g expected, got %g", i, block, e,
                             expected[e], y[e]);
        }
}

/* Of images and of features, in every layout: what the op is given are scales and shifts. */
static void batch_normalisation_scales_and_shifts(void **state)
{
    (void)state;
    static const clvgg_shape shapes[] = {{3, {21, 3, 5}}, {1, {315}}, {3, {1, 15, 21}}};
    enum { COUNT = 2 * 315 };
    float x[COUNT], y[COUNT], scale[315], shift[315];
    fill_normal(x, COUNT, 2.0, 11);
    fill_normal(scale, 315, 1.0, 12);
    fill_normal(shift, 315, 1.0, 13);
    x[17] = NAN, x[18] = INFINITY;
    for (int i = 0; i < 3 * 3; i++) {
        const clvgg_shape *shape = &shapes[i / 3];
        const int block = shape->rank == 1 ? 1 : 1 << 2 * (i % 3);
        const int64_t pixels = 315 / shape->dims[0];
        vgg_node node = {.name = "norm",
                         .type = VGG_LAYER_BATCH_NORM,
                         .attributes.batch_norm = {1e-5f, true},
                         .output = *shape};
        const op_case c = {.variant = &vgg_variant_batch_norm,
                           .problem = {.node = &node,
                                       .input = *shape,
                                       .output = *shape,
                                       .input_block = block,
                                       .result = *shape,
                                       .max_batch = 2,
                                       .storage = CLVGG_STORAGE_BF16}, /* which must not matter */
                           .count = 2,
                           .x = x,
                           .weights = scale,
                           .bias = shift,
                           .traits = test_traits(&device)};
        assert_int_equal(op_run(&device, &c, y, NULL), CLVGG_STATUS_OK);
        for (int64_t e = 0; e < COUNT; e++) {
            const int64_t channel = e / pixels % shape->dims[0];
            const double product = (double)x[e] * (double)scale[channel];
            const double expected = product + (double)shift[channel];
            if (isfinite(expected) ? !(fabs((double)y[e] - expected) <= 1e-6 * fabs(product) + 1e-7)
                                   : isfinite(y[e]) || isnan(y[e]) != isnan(expected))
                fail_msg("case %d, element %d: %g expected, got %g", i, (int)e, expected, y[e]);
        }
    }
}

static void softmax_is_a_distribution(void **state)
{
    (void)state;
    static const int features[] = {1, 2, 63, 64, 65, 1000};
    static float x[3 * 1000], y[3 * 1000];
    static double expected[3 * 1000];
    for (size_t f = 0; f < sizeof features / sizeof *features; f++) {
        const int count = features[f];
        fill_normal(x, 3 * (size_t)count, 20.0, (uint32_t)f);
        run_unary(&vgg_variant_softmax, VGG_LAYER_SOFTMAX, (clvgg_shape){1, {count}}, 1, 3, x, y);
        ref_softmax(count, 3, x, expected);
        for (int image = 0; image < 3; image++) {
            double sum = 0.0;
            for (int i = image * count; i < (image + 1) * count; i++) {
                sum += (double)y[i];
                assert_true(fabs((double)y[i] - expected[i]) <= 1e-5 * expected[i] + 1e-37);
            }
            assert_true(fabs(sum - 1.0) <= 1e-6);
        }
    }
}

/* A NaN in one row makes that row NaN and no other. */
static void softmax_keeps_nan_in_its_row(void **state)
{
    (void)state;
    float x[3 * 70], y[3 * 70];
    fill_normal(x, 3 * 70, 1.0, 5);
    x[70 + 69] = NAN;
    run_unary(&vgg_variant_softmax, VGG_LAYER_SOFTMAX, (clvgg_shape){1, {70}}, 1, 3, x, y);
    for (int i = 0; i < 3 * 70; i++)
        assert_true(isnan(y[i]) == (i / 70 == 1));
}

static void layouts_convert_there_and_back(void **state)
{
    (void)state;
    static const int blocks[] = {1, 4, 8, 16};
    const clvgg_shape shape = {3, {21, 3, 5}};
    enum { COUNT = 2 * 21 * 3 * 5 };
    float x[COUNT], blocked[2 * 32 * 15], y[2 * 32 * 15];
    fill_normal(x, COUNT, 1.0, 9);
    for (int from = 0; from < 4; from++)
        for (int to = 0; to < 4; to++) {
            vgg_chain chain = {.device = device.device};
            vgg_stage *stage = NULL;
            double ms = 0;
            const size_t in = 2 * vgg_layout_elements(&shape, blocks[from]);
            const size_t out = 2 * vgg_layout_elements(&shape, blocks[to]);
            must(vgg_chain_add(&chain, &stage));
            must(vgg_op_configure_layout(&stage->op, &shape, blocks[from], blocks[to], 2));
            to_blocked(x, blocked, 2, 21, 15, blocks[from]);
            stage->io.input = guarded(&device, blocked, in);
            stage->io.output = guarded(&device, NULL, out);
            must(vgg_chain_prepare(&chain));
            must(vgg_chain_run(&chain, device.queue, 2, &ms));
            read_guarded(&device, stage->io.output, y, out);
            to_blocked(x, blocked, 2, 21, 15, blocks[to]);
            assert_memory_equal(y, blocked, out * sizeof(float));
            clReleaseMemObject(stage->io.input.memory);
            clReleaseMemObject(stage->io.output.memory);
            vgg_chain_release(&chain);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_follow_their_definition),
        cmocka_unit_test(quantising_follows_its_definition),
        cmocka_unit_test(normalisation_follows_its_definition),
        cmocka_unit_test(batch_normalisation_scales_and_shifts),
        cmocka_unit_test(softmax_is_a_distribution),
        cmocka_unit_test(softmax_keeps_nan_in_its_row),
        cmocka_unit_test(layouts_convert_there_and_back),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}

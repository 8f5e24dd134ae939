/* kernel/test_int8.c — kernels of int8 weights against plain loops over integers: equal, to the
 * bit, with the instruction for products of bytes and without it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ocl/byte_products.h"
#include "ref/ref_graph.h"
#include "support/conv_check.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "support/op_run.h"
#include "support/skip.h"
#include "tensor/int8_row.h"
#include "tensor/shape.h"

static const conv_shape shapes[] = {
    SAME3(3, 6, 5, 4, 1, true, false),
    SAME3(5, 8, 8, 33, 2, true, true),
    SAME3(20, 1, 1, 16, 3, false, false),
    CONV(6, 11, 9, 5, 3, 3, 1, 1, 2, 3, 2, 3, 2, 3, 1, 1, true, false),
    CONV(4, 9, 7, 6, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, false, false),
    SAME3(17, 15, 16, 40, 5, true, true),
    SAME3(64, 14, 14, 64, 2, true, true),
    SAME3(32, 13, 29, 31, 2, true, true),
    CONV(3, 23, 21, 24, 7, 7, 2, 2, 1, 1, 1, 1, 1, 1, 1, 2, true, false),
    CONV(18, 10, 40, 16, 2, 4, 1, 2, 3, 1, 0, 2, 1, 3, 1, 1, false, false),
    CONV(7, 16, 18, 9, 4, 1, 3, 1, 1, 2, 3, 0, 0, 0, 1, 1, true, false),
    SAME3(259, 7, 6, 261, 2, true, false),
    CONV(6, 9, 8, 8, 3, 2, 2, 3, 1, 1, 1, 0, 2, 1, 2, 2, true, false),
};
enum { SHAPE_COUNT = sizeof shapes / sizeof *shapes, SMALL_COUNT = 4, TINY_COUNT = 2 };

static const vgg_quantize_attributes levels[] = {
    {0.037f, 0, 254}, {0.0127f, -127, 127}, {0.02f, -128, 127}, {0.05f, -9, 246}, {1e-3f, 0, 255}};
enum { LEVEL_COUNT = sizeof levels / sizeof *levels };

/* 2, with and without the instruction, where there is one. */
static int way_count(void)
{
    return test_traits(&device).byte_products ? 2 : 1;
}

/* A layer with its values. */
typedef struct values {
    size_t inputs, outputs, weights; /* of all images, of all images, of all rows */
    float *x, *w, *b, *y;
} values;

static values make_values(const vgg_problem *problem, int64_t rows, size_t row, uint32_t seed)
{
    values v = {.inputs = (size_t)problem->max_batch * vgg_shape_elements(&problem->input),
                .outputs = (size_t)problem->max_batch * vgg_shape_elements(&problem->result),
                .weights = (size_t)rows * row};
    v.x = malloc(v.inputs * sizeof *v.x);
    v.w = malloc(v.weights * sizeof *v.w);
    v.b = malloc((size_t)rows * sizeof *v.b);
    v.y = malloc(v.outputs * sizeof *v.y);
    fill_normal(v.x, v.inputs, 2.0, seed);
    fill_normal(v.w, v.weights, 0.1, seed + 1);
    fill_normal(v.b, (size_t)rows, 1.0, seed + 2);
    for (size_t i = 0; i < row; i++) /* a row of zeros, and one of values of very different size */
        v.w[i] = 0.0f;
    if (rows > 1)
        v.w[row] = 1e4f;
    return v;
}

static void free_values(values *v)
{
    free(v->x);
    free(v->w);
    free(v->b);
    free(v->y);
}

static int level_of(const vgg_quantize_attributes *q, float x)
{
    const float level = rintf(x * (1.0f / q->scale));
    return level < (float)q->low ? (int)q->low : level > (float)q->high ? (int)q->high : (int)level;
}

/* Output (k, oy, ox) of the convolution of image x, by integers; NaN where a NaN is in the window.
 */
static float element(const vgg_problem *problem, const values *v, const float *x, int64_t k,
                     int64_t oy, int64_t ox)
{
    const vgg_conv_attributes conv = vgg_problem_conv(problem);
    const clvgg_shape in = vgg_shape_as_image(&problem->input);
    const int64_t channels = in.dims[0] / conv.groups;
    const size_t row = (size_t)(channels * conv.kernel[0] * conv.kernel[1]);
    const float *w = v->w + (size_t)k * row;
    const float scale = vgg_int8_row_scale(w, row);
    int32_t sum = 0;
    x += k / (conv.out_channels / conv.groups) * channels * in.dims[1] * in.dims[2];
    for (int64_t c = 0; c < channels; c++)
        for (int64_t ky = 0; ky < conv.kernel[0]; ky++)
            for (int64_t kx = 0; kx < conv.kernel[1]; kx++, w++) {
                const int64_t iy = oy * conv.stride[0] - conv.pad[VGG_TOP] + ky * conv.dilation[0];
                const int64_t ix = ox * conv.stride[1] - conv.pad[VGG_LEFT] + kx * conv.dilation[1];
                if (iy < 0 || iy >= in.dims[1] || ix < 0 || ix >= in.dims[2])
                    continue;
                const float value = x[(c * in.dims[1] + iy) * in.dims[2] + ix];
                if (isnan(value))
                    return NAN;
                sum += level_of(problem->quantized, value) * (int)rintf(*w * (1.0f / scale));
            }
    const float y = fmaf((float)sum, scale * problem->quantized->scale, v->b[k]);
    return problem->relu && y < 0.0f ? 0.0f : y;
}

/* A NaN wins, as in max pooling. */
static float larger(float a, float b)
{
    return a > b || isnan(a) ? a : b;
}

static void assert_equal_to_loops(const vgg_problem *problem, const values *v, const char *what)
{
    const clvgg_shape out = vgg_shape_as_image(&problem->result);
    const size_t input = vgg_shape_elements(&problem->input);
    size_t at = 0;
    for (int n = 0; n < problem->max_batch; n++)
        for (int64_t k = 0; k < out.dims[0]; k++)
            for (int64_t y = 0; y < out.dims[1]; y++)
                for (int64_t x = 0; x < out.dims[2]; x++, at++) {
                    const float *image = v->x + (size_t)n * input;
                    float expected = -INFINITY;
                    if (problem->pool == NULL)
                        expected = element(problem, v, image, k, y, x);
                    for (int i = 0; i < 4 && problem->pool != NULL; i++)
                        expected = larger(
                            expected, element(problem, v, image, k, y * 2 + i / 2, x * 2 + i % 2));
                    if (isnan(expected) ? !isnan(v->y[at]) : v->y[at] != expected)
                        fail_msg("%s, image %d, channel %d, row %d, column %d: %.9g, expected %.9g",
                                 what, n, (int)k, (int)y, (int)x, (double)v->y[at],
                                 (double)expected);
                }
}

static op_case case_of(const vgg_variant *variant, const vgg_problem *problem, const values *v,
                       bool byte_products)
{
    op_case c = {.variant = variant,
                 .problem = *problem,
                 .count = problem->max_batch,
                 .x = v->x,
                 .weights = v->w,
                 .bias = v->b,
                 .traits = test_traits(&device)};
    c.traits.byte_products = c.traits.byte_products && byte_products;
    return c;
}

static void check_conv(const vgg_variant *variant, const conv_shape *s, int index,
                       const vgg_choice *choice, bool products, bool nans)
{
    vgg_graph *graph = NULL;
    int conv = 0, pool = 0;
    char what[200];
    const vgg_attributes attributes = {.conv = s->conv};
    const vgg_attributes halves = {.pool = {.kernel = {2, 2}, .stride = {2, 2}}};
    assert_int_equal(vgg_graph_create(s->in[0], s->in[1], s->in[2], &graph), 0);
    assert_int_equal(vgg_graph_add(graph, "conv", VGG_LAYER_CONV2D, &attributes, 0, &conv), 0);
    if (s->pool)
        assert_int_equal(vgg_graph_add(graph, "pool", VGG_LAYER_MAX_POOL, &halves, conv, &pool), 0);
    const vgg_problem problem = {.node = &graph->nodes[conv],
                                 .input = graph->nodes[0].output,
                                 .output = graph->nodes[conv].output,
                                 .input_block = 1,
                                 .relu = s->relu,
                                 .pool = s->pool ? &graph->nodes[pool] : NULL,
                                 .result = graph->nodes[s->pool ? pool : conv].output,
                                 .max_batch = s->batch,
                                 .storage = CLVGG_STORAGE_INT8,
                                 .quantized = &levels[index % LEVEL_COUNT]};
    values v =
        make_values(&problem, s->conv.out_channels,
                    (size_t)(s->in[0] / s->conv.groups * s->conv.kernel[0] * s->conv.kernel[1]), 7);
    if (nans)
        v.x[v.inputs / 2] = v.x[v.inputs - 1] = NAN;
    op_case c = case_of(variant, &problem, &v, products);
    c.choice = *choice;
    c.dtype = CLVGG_DTYPE_F32;
    const clvgg_status status = op_run(&device, &c, v.y, NULL);
    snprintf(what, sizeof what, "shape %d%s, %s products of bytes, %s", index,
             nans ? " with NaNs" : "", products ? "with" : "without",
             choice_text(c.variant, choice));
    if (status == CLVGG_STATUS_OK)
        assert_equal_to_loops(&problem, &v, what);
    else /* the definition takes all but poolings */
        assert_true(status == CLVGG_STATUS_UNSUPPORTED &&
                    (variant->definition ? s->pool
                                         : test_traits(&device).type != CLVGG_DEVICE_CPU ||
                                               s->conv.groups > 1 || choice->values[0] > 0));
    free_values(&v);
    vgg_graph_free(graph);
}

static int shape_count(void)
{
    return getenv("CLVGG_TEST_OCLGRIND") != NULL ? TINY_COUNT
           : getenv("CLVGG_TEST_SMALL") != NULL  ? SMALL_COUNT
                                                 : SHAPE_COUNT;
}

static void convolutions_are_exact(void **state)
{
    (void)state;
    static const vgg_choice defaults = {{0}};
    for (int i = 0; i < shape_count(); i++)
        for (int products = 0; products < way_count(); products++)
            check_conv(&vgg_variant_conv_int8, &shapes[i], i, &defaults, products != 0, false);
    for (int i = 0; i < shape_count(); i++)
        check_conv(&vgg_variant_conv_direct_int8, &shapes[i], i, &defaults, false, false);
}

static void values_of_tunables_change_no_bit(void **state)
{
    (void)state;
    vgg_choice choice;
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__);
    for (int step = 0; tuning_step(&vgg_variant_conv_int8, step, &choice); step++)
        for (int i = 1; i < 6 && i < shape_count(); i += 4)
            check_conv(&vgg_variant_conv_int8, &shapes[i], i, &choice, true, false);
}

static void nans_come_through(void **state)
{
    (void)state;
    static const vgg_choice defaults = {{0}};
    for (int i = 0; i < shape_count(); i++)
        for (int direct = 0; direct < 2; direct++)
            check_conv(direct ? &vgg_variant_conv_direct_int8 : &vgg_variant_conv_int8, &shapes[i],
                       i, &defaults, true, true);
}

static void check_dense(const vgg_variant *variant, const int64_t sizes[3], int index,
                        const vgg_choice *choice, bool products, bool nans)
{
    const int64_t inputs = sizes[0], outputs = sizes[1];
    const int batch = (int)sizes[2];
    const clvgg_shape in = {1, {inputs}}, out = {1, {outputs}};
    vgg_node node = {
        .name = "fc", .type = VGG_LAYER_DENSE, .attributes.dense = {outputs, true}, .output = out};
    const vgg_problem problem = {.node = &node,
                                 .input = in,
                                 .output = out,
                                 .input_block = 1,
                                 .relu = index % 2 == 0,
                                 .result = out,
                                 .max_batch = batch,
                                 .storage = CLVGG_STORAGE_INT8,
                                 .quantized = &levels[index % LEVEL_COUNT]};
    values v = make_values(&problem, outputs, (size_t)inputs, 11);
    char what[200];
    if (nans)
        v.x[v.inputs - 1] = NAN;
    op_case c = case_of(variant, &problem, &v, products);
    c.choice = *choice;
    if (index % 3 == 1) /* two pieces, where a panel fits */
        c.traits.max_allocation_bytes = (uint64_t)(inputs + 32) * 128;
    const clvgg_status status = op_run(&device, &c, v.y, NULL);
    snprintf(what, sizeof what, "%d to %d, batch %d%s, %s products of bytes, %s", (int)inputs,
             (int)outputs, batch, nans ? " with a NaN" : "", products ? "with" : "without",
             choice_text(c.variant, choice));
    if (status == CLVGG_STATUS_OK)
        assert_equal_to_loops(&problem, &v, what);
    else
        assert_true(status == CLVGG_STATUS_UNSUPPORTED &&
                    (test_traits(&device).type != CLVGG_DEVICE_CPU || choice->values[0] > 0));
    free_values(&v);
}

static void dense_layers_are_exact(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{1, 1, 1},    {7, 5, 2},    {16, 64, 3},   {100, 130, 1},
                                       {63, 200, 5}, {1025, 3, 7}, {2048, 70, 13}};
    static const vgg_choice defaults = {{0}};
    vgg_choice choice;
    const int count = getenv("CLVGG_TEST_OCLGRIND") != NULL ? 5 : 7;
    for (int i = 0; i < count; i++)
        for (int products = 0; products < way_count(); products++) {
            check_dense(&vgg_variant_dense_int8, sizes[i], i, &defaults, products != 0, false);
            check_dense(&vgg_variant_dense_int8, sizes[i], i, &defaults, products != 0, true);
            check_dense(&vgg_variant_dense_direct_int8, sizes[i], i, &defaults, false, products);
        }
    for (int step = 0; count == 7 && tuning_step(&vgg_variant_dense_int8, step, &choice); step++)
        check_dense(&vgg_variant_dense_int8, (int64_t[3]){100, 130, 5}, step, &choice, true, false);
}

static void says_what_it_runs_on(void **state)
{
    (void)state;
    bool has_them = false;
    assert_int_equal(vgg_byte_products_check(device.device, &has_them), CLVGG_STATUS_OK);
    print_message("products of bytes: %s\n", has_them ? "AVX512-VNNI" : "none");
}

/* Every layer by itself, and the last with all before it fused: the quantised network's definition,
 * and in int8 by the kernels that are for it. */
static void networks_are_exact(void **state)
{
    (void)state;
    enum { BATCH = 3 };
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__);
    clvgg_model *model = network_make(device.runtime, NETWORK_QUANTIZED);
    const vgg_graph *graph = model->graph;
    float *input = network_input(model, NETWORK_QUANTIZED, BATCH);
    float **expected =
        ref_graph_values(graph, network_source(NETWORK_QUANTIZED), NULL, BATCH, input);
    for (int i = 1; i < graph->count; i++) {
        const char *names[] = {graph->nodes[i].name, NULL};
        const session_request request = {
            .outputs = names, .max_batch = BATCH, .storage = CLVGG_STORAGE_INT8};
        clvgg_session *session = session_make(device.device, model, &request);
        float *output = session_run_one(session, BATCH, input);
        const size_t count = BATCH * session_output_elements(session, 0);
        for (size_t v = 0; v < count; v++)
            if (output[v] != expected[i][v])
                fail_msg("%s, value %zu: %.9g, expected %.9g", names[0], v, (double)output[v],
                         (double)expected[i][v]);
        free(output);
        clvgg_session_free(session);
    }
    ref_graph_free(graph, expected);
    clvgg_model_free(model);
    free(input);
}

/* Says which variant computes a layer. */
static const char *variant_of(const clvgg_session *session, const char *layers)
{
    for (size_t i = 0; i < clvgg_session_step_count(session); i++) {
        clvgg_step_info info = {.struct_size = sizeof info};
        must(clvgg_session_step(session, i, &info));
        if (strcmp(info.layers, layers) == 0)
            return info.variant;
    }
    return "none";
}

static void layers_quantise_for_themselves(void **state)
{
    (void)state;
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__);
    clvgg_model *model = network_make(device.runtime, NETWORK_QUANTIZED);
    const session_request request = {.storage = CLVGG_STORAGE_INT8};
    clvgg_session *session = session_make(device.device, model, &request);
    const vgg_traits traits = test_traits(&device);
    if (traits.type == CLVGG_DEVICE_CPU) {
        assert_string_equal(variant_of(session, "quantize5"), "none");
        assert_string_equal(variant_of(session, "fc5"), "dense_int8");
    }
    if (traits.byte_products) {
        assert_string_equal(variant_of(session, "conv2+relu2+pool2"), "conv_int8");
        assert_string_equal(variant_of(session, "quantize2"), "none");
    }
    assert_string_not_equal(variant_of(session, "conv1"), "conv_int8");
    clvgg_session_free(session);
    clvgg_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_it_runs_on),
        cmocka_unit_test(convolutions_are_exact),
        cmocka_unit_test(values_of_tunables_change_no_bit),
        cmocka_unit_test(nans_come_through),
        cmocka_unit_test(dense_layers_are_exact),
        cmocka_unit_test(networks_are_exact),
        cmocka_unit_test(layers_quantise_for_themselves),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}

/* kernel/test_reverse.c — the kernels that walks back have of their own, in every layout, against
 * plain loops: exact, but for averages and curved slopes. Whole walks are test_projector's.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ref/reference.h"
#include "support/device_fixture.h"
#include "support/op_run.h"
#include "tensor/shape.h"

enum { ROOM = 1 << 14, BATCH = 2 };

static const int blocks[] = {1, 4, 8, 16};
enum { BLOCK_COUNT = sizeof blocks / sizeof *blocks };

/* Runs a layer that files don't have; y is plain [BATCH][output]. */
static void run_layer(const vgg_variant *variant, const vgg_node *node, clvgg_shape input,
                      int block, const float *x, const clvgg_shape *second, const void *values,
                      float *y)
{
    const op_case c = {.variant = variant,
                       .problem = {.node = node,
                                   .input = input,
                                   .output = node->output,
                                   .input_block = block,
                                   .second = second != NULL ? *second : (clvgg_shape){0},
                                   .result = node->output,
                                   .max_batch = BATCH},
                       .count = BATCH,
                       .x = x,
                       .second = values,
                       .traits = test_traits(&device)};
    assert_int_equal(op_run(&device, &c, y, NULL), CLVGG_STATUS_OK);
}

static void a_seed_keeps_what_it_says(void **state)
{
    (void)state;
    static const clvgg_shape two = {1, {2}};
    static const int32_t units[][2 * BATCH] = {{-1, -1, 4, 3}, {2, -1, -1, 5}};
    enum { MAPS = 5, PIXELS = 6, COUNT = BATCH * MAPS * PIXELS };
    const clvgg_shape shape = {3, {MAPS, 2, 3}};
    float x[COUNT], y[COUNT];
    fill_normal(x, COUNT, 1.0, 3);
    for (int b = 0; b < BLOCK_COUNT; b++)
        for (int u = 0; u < 2; u++)
            for (int ones = 0; ones < 2; ones++) {
                const vgg_node node = {.name = "seed",
                                       .type = VGG_LAYER_SEED,
                                       .attributes = {.seed_ones = ones != 0},
                                       .output = shape};
                run_layer(&vgg_variant_seed, &node, shape, blocks[b], x, &two, units[u], y);
                for (int i = 0; i < COUNT; i++) {
                    const int32_t *unit = &units[u][2 * (i / PIXELS / MAPS)];
                    const bool kept = (unit[0] < 0 || unit[0] == i / PIXELS % MAPS) &&
                                      (unit[1] < 0 || unit[1] == i % PIXELS);
                    assert_true(y[i] == (!kept ? 0.0f : ones ? 1.0f : x[i]));
                }
            }
}

typedef struct pool_shape {
    int64_t in[3];
    vgg_pool_attributes pool;
} pool_shape;

static const pool_shape pools[] = {
    {{3, 8, 6}, {.kernel = {2, 2}, .stride = {2, 2}}},
    {{17, 9, 7}, {.kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = true}},
    {{5, 7, 9}, {.kernel = {3, 2}, .stride = {1, 3}, .pad = {1, 0, 1, 1}}},
    {{4, 9, 8}, {.adaptive = {4, 3}}},
    {{2, 5, 6}, {.adaptive = {7, 7}}},
};

/* A pooling of the graph's own inference, and the layer that undoes it. */
static vgg_graph *unpool_graph(const pool_shape *s, bool average)
{
    vgg_graph *graph = NULL;
    const vgg_attributes pool = {.pool = s->pool};
    const vgg_attributes unpool = {.unpool = {s->pool, {s->in[1], s->in[2]}}};
    const vgg_layer_type type = average ? VGG_LAYER_AVG_POOL : VGG_LAYER_MAX_POOL;
    assert_int_equal(vgg_graph_create(s->in[0], s->in[1], s->in[2], &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "pool", type, &pool, 0, NULL), CLVGG_STATUS_OK);
    assert_int_equal(
        average ? vgg_graph_add(graph, "unpool", VGG_LAYER_AVG_UNPOOL, &unpool, 1, NULL)
                : vgg_graph_add_pair(graph, "unpool", VGG_LAYER_UNPOOL, &unpool, 1, 1, NULL),
        CLVGG_STATUS_OK);
    return graph;
}

static void maxima_come_back_to_where_they_were(void **state)
{
    (void)state;
    static float x[ROOM], dy[ROOM], dx[ROOM];
    static double pooled[ROOM], expected[ROOM];
    static int32_t switches[ROOM];
    for (size_t s = 0; s < sizeof pools / sizeof *pools; s++) {
        vgg_graph *graph = unpool_graph(&pools[s], false);
        const clvgg_shape in = graph->nodes[0].output, out = graph->nodes[1].output;
        const int64_t pixels = in.dims[1] * in.dims[2], windows = out.dims[1] * out.dims[2];
        fill_integers(x, ROOM, 3, 1);
        fill_integers(dy, ROOM, 50, 2);
        ref_pool(&pools[s].pool, false, &in, &out, BATCH, x, pooled, switches);
        memset(expected, 0, sizeof expected);
        for (int64_t i = 0; i < BATCH * in.dims[0] * windows; i++)
            expected[i / windows * pixels + switches[i]] += (double)dy[i];
        for (int b = 0; b < BLOCK_COUNT; b++) {
            run_layer(&vgg_variant_unpool, &graph->nodes[2], out, blocks[b], dy, &out, switches,
                      dx);
            for (int64_t i = 0; i < BATCH * in.dims[0] * pixels; i++)
                if ((double)dx[i] != expected[i])
                    fail_msg("shape %zu, block %d, value %lld: %g, not %g", s, blocks[b],
                             (long long)i, (double)dx[i], expected[i]);
        }
        vgg_graph_free(graph);
    }
}

/* ⟨average(x), dy⟩ = ⟨x, dx⟩ for each single pixel x. */
static void averages_come_back_in_equal_parts(void **state)
{
    (void)state;
    static float x[ROOM], dy[ROOM], dx[ROOM];
    static double pooled[ROOM];
    for (size_t s = 0; s < sizeof pools / sizeof *pools; s++)
        for (int b = 0; b < BLOCK_COUNT; b++) {
            vgg_graph *graph = unpool_graph(&pools[s], true);
            const clvgg_shape in = graph->nodes[0].output, out = graph->nodes[1].output;
            const int64_t pixels = in.dims[1] * in.dims[2], windows = out.dims[1] * out.dims[2];
            const int64_t planes = BATCH * in.dims[0];
            const clvgg_shape one_in = {3, {1, in.dims[1], in.dims[2]}};
            const clvgg_shape one_out = {3, {1, out.dims[1], out.dims[2]}};
            fill_normal(dy, (size_t)(planes * windows), 1.0, 4);
            run_layer(&vgg_variant_unpool, &graph->nodes[2], out, blocks[b], dy, NULL, NULL, dx);
            memset(x, 0, sizeof x);
            for (int64_t p = 0; p < pixels; p++) {
                x[p] = 1.0f;
                ref_pool(&pools[s].pool, true, &one_in, &one_out, 1, x, pooled, NULL);
                x[p] = 0.0f;
                for (int64_t plane = 0; plane < planes; plane++) {
                    double expected = 0.0;
                    for (int64_t w = 0; w < windows; w++)
                        expected += pooled[w] * (double)dy[plane * windows + w];
                    assert_true(fabs((double)dx[plane * pixels + p] - expected) <= 1e-5);
                }
            }
            vgg_graph_free(graph);
        }
}

typedef struct window_shape {
    int64_t in[3];
    vgg_conv_attributes conv;
} window_shape;

static const window_shape window_shapes[] = {
    {{3, 11, 9}, {1, {7, 7}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {{5, 9, 8}, {1, {3, 2}, {2, 3}, {2, 1}, {1, 0, 2, 1}, 1, false}},
    {{2, 6, 7}, {1, {1, 1}, {2, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
};

static void windows_add_up(void **state)
{
    (void)state;
    static float x[ROOM], y[ROOM];
    static double expected[ROOM];
    for (size_t s = 0; s < sizeof window_shapes / sizeof *window_shapes; s++) {
        const int64_t C = window_shapes[s].in[0], H = window_shapes[s].in[1];
        const int64_t W = window_shapes[s].in[2];
        const vgg_conv_attributes *conv = &window_shapes[s].conv;
        const int64_t KH = conv->kernel[0], KW = conv->kernel[1];
        vgg_graph *graph = NULL;
        const vgg_attributes forward = {.conv = *conv};
        assert_int_equal(vgg_graph_create(C, H, W, &graph), CLVGG_STATUS_OK);
        assert_int_equal(vgg_graph_add(graph, "conv", VGG_LAYER_CONV2D, &forward, 0, NULL), 0);
        const int64_t OH = graph->nodes[1].output.dims[1], OW = graph->nodes[1].output.dims[2];
        const clvgg_shape in = {3, {C * KH * KW, OH, OW}};
        const vgg_node node = {.name = "windows",
                               .type = VGG_LAYER_COL2IM,
                               .attributes = {.col2im = {*conv, C, {H, W}}},
                               .output = {3, {C, H, W}}};
        const int64_t values = BATCH * C * KH * KW * OH * OW;
        fill_integers(x, (size_t)values, 20, 6);
        memset(expected, 0, sizeof expected);
        for (int64_t i = 0; i < values; i++) {
            const int64_t ox = i % OW, oy = i / OW % OH, window = i / OW / OH % (KH * KW);
            const int64_t plane = i / OW / OH / KH / KW;
            const int64_t iy =
                oy * conv->stride[0] - conv->pad[VGG_TOP] + window / KW * conv->dilation[0];
            const int64_t ix =
                ox * conv->stride[1] - conv->pad[VGG_LEFT] + window % KW * conv->dilation[1];
            if (iy >= 0 && iy < H && ix >= 0 && ix < W)
                expected[(plane * H + iy) * W + ix] += (double)x[i];
        }
        for (int b = 0; b < BLOCK_COUNT; b++) {
            run_layer(&vgg_variant_col2im, &node, in, blocks[b], x, NULL, NULL, y);
            for (int64_t i = 0; i < BATCH * C * H * W; i++)
                assert_true((double)y[i] == expected[i]);
        }
        vgg_graph_free(graph);
    }
}

static void slopes_follow_their_definition(void **state)
{
    (void)state;
    enum { COUNT = BATCH * 5 * 3 * 2 };
    const clvgg_shape shape = {3, {5, 3, 2}};
    float dy[COUNT], y[COUNT], dx[COUNT];
    fill_normal(dy, COUNT, 1.0, 7);
    fill_normal(y, COUNT, 0.4, 8);
    y[0] = 0.0f, y[1] = -0.0f, y[2] = NAN;
    for (int slope = VGG_SLOPE_RELU; slope <= VGG_SLOPE_TANH; slope++)
        for (int b = 0; b < BLOCK_COUNT; b++) {
            const vgg_node node = {.name = "slope",
                                   .type = VGG_LAYER_ACTIVATION_GRAD,
                                   .attributes = {.slope = (vgg_slope)slope},
                                   .output = shape};
            run_layer(&vgg_variant_activation_grad, &node, shape, blocks[b], dy, &shape, y, dx);
            for (int i = 0; i < COUNT; i++) {
                const double v = (double)y[i], signal = (double)dy[i];
                const double expected = slope == VGG_SLOPE_RELU ? v > 0.0 ? signal : 0.0
                                        : slope == VGG_SLOPE_GUIDED
                                            ? v > 0.0 && signal > 0.0 ? signal : 0.0
                                        : slope == VGG_SLOPE_SIGMOID ? signal * v * (1.0 - v)
                                                                     : signal * (1.0 - v * v);
                const double tolerance = slope <= VGG_SLOPE_GUIDED ? 0.0 : 1e-6;
                if (isnan(v) ? !isnan(dx[i]) : !(fabs((double)dx[i] - expected) <= tolerance))
                    fail_msg("slope %d of %g and %g: %g, not %g", slope, v, signal, (double)dx[i],
                             expected);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_keeps_what_it_says),
        cmocka_unit_test(maxima_come_back_to_where_they_were),
        cmocka_unit_test(averages_come_back_in_equal_parts),
        cmocka_unit_test(windows_add_up),
        cmocka_unit_test(slopes_follow_their_definition),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}

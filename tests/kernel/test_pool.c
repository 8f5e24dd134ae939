/* kernel/test_pool.c — pooling in every layout: maxima, switches and NaN bit for bit, averages
 * close; odd windows, padding, ceil_mode, adaptive extents.
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

typedef struct pool_shape {
    int64_t in[3];
    vgg_pool_attributes pool;
    int batch;
} pool_shape;

#define POOL(c, h, w, kh, kw, sh, sw, t, l, b, r, ceil, include, n)                                \
    {                                                                                              \
        {c, h, w},                                                                                 \
            {.kernel = {kh, kw},                                                                   \
             .stride = {sh, sw},                                                                   \
             .pad = {t, l, b, r},                                                                  \
             .ceil_mode = ceil,                                                                    \
             .count_include_pad = include},                                                        \
            n                                                                                      \
    }
static const pool_shape shapes[] = {
    POOL(3, 8, 6, 2, 2, 2, 2, 0, 0, 0, 0, false, false, 2),
    POOL(17, 9, 7, 2, 2, 2, 2, 0, 0, 0, 0, true, false, 1),
    POOL(5, 13, 13, 3, 3, 2, 2, 0, 0, 0, 0, false, true, 3),
    POOL(5, 11, 10, 3, 3, 2, 2, 1, 1, 1, 1, true, true, 1),
    POOL(2, 7, 17, 3, 2, 1, 3, 1, 0, 1, 1, false, false, 2),
    POOL(1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, false, true, 17),
    {{6, 10, 7}, {.adaptive = {3, 4}}, 2},
    {{4, 5, 6}, {.adaptive = {7, 7}}, 1},
};
enum { SHAPE_COUNT = sizeof shapes / sizeof *shapes };

static void run_pool(const pool_shape *s, vgg_layer_type type, int block, const float *x, float *y,
                     int32_t *switches, double *expected, int32_t *expected_switches, size_t *count)
{
    vgg_graph *graph = NULL;
    vgg_attributes attributes = {.pool = s->pool};
    attributes.pool.switches = switches != NULL;
    attributes.pool.count_include_pad &= type == VGG_LAYER_AVG_POOL;
    assert_int_equal(vgg_graph_create(s->in[0], s->in[1], s->in[2], &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "pool", type, &attributes, 0, NULL), CLVGG_STATUS_OK);
    const vgg_node *node = &graph->nodes[1];
    const op_case c = {.variant = &vgg_variant_pool,
                       .problem = {.node = node,
                                   .input = graph->nodes[0].output,
                                   .output = node->output,
                                   .input_block = block,
                                   .result = node->output,
                                   .max_batch = s->batch},
                       .count = s->batch,
                       .x = x,
                       .traits = test_traits(&device)};
    assert_int_equal(op_run(&device, &c, y, switches), CLVGG_STATUS_OK);
    ref_pool(&s->pool, type == VGG_LAYER_AVG_POOL, &c.problem.input, &c.problem.output, s->batch, x,
             expected, expected_switches);
    *count = (size_t)s->batch * vgg_shape_elements(&node->output);
    vgg_graph_free(graph);
}

enum { ROOM = 1 << 14 };

/* Equal bits but for NaN, whose payload is free. */
static bool same_float(float a, double b)
{
    return isnan(b) ? isnan(a) : (double)a == b;
}

static void maxima_and_switches_are_exact(void **state)
{
    (void)state;
    static const int blocks[] = {1, 4, 8, 16};
    static float x[ROOM], y[ROOM];
    static double expected[ROOM];
    static int32_t switches[ROOM], expected_switches[ROOM];
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++)
        for (int i = 0; i < SHAPE_COUNT; i++) {
            size_t count = 0;
            fill_integers(x, ROOM, 3, (uint32_t)i); /* few values: many ties */
            x[5] = -INFINITY;
            x[11] = NAN;
            run_pool(&shapes[i], VGG_LAYER_MAX_POOL, blocks[b], x, y, switches, expected,
                     expected_switches, &count);
            for (size_t k = 0; k < count; k++) {
                if (!same_float(y[k], expected[k]))
                    fail_msg("block %d, shape %d, value %zu: %g expected, got %g", blocks[b], i, k,
                             expected[k], y[k]);
                assert_int_equal(switches[k], expected_switches[k]);
            }
        }
}

static void averages_are_close(void **state)
{
    (void)state;
    static float x[ROOM], y[ROOM];
    static double expected[ROOM];
    for (int block = 1; block <= 16; block *= 4)
        for (int i = 0; i < SHAPE_COUNT; i++) {
            size_t count = 0;
            fill_normal(x, ROOM, 1.0, (uint32_t)i);
            run_pool(&shapes[i], VGG_LAYER_AVG_POOL, block, x, y, NULL, expected, NULL, &count);
            for (size_t k = 0; k < count; k++)
                assert_true(fabs((double)y[k] - expected[k]) <= 1e-5);
        }
}

/* A plain sum of equal values is off by 5e-4: each is rounded to what the sum has grown to. */
static void averages_of_large_windows_are_exact(void **state)
{
    (void)state;
    enum { SIDE = 222 };
    static const pool_shape large[] = {
        {{1, SIDE, SIDE}, {.adaptive = {1, 1}}, 1},
        POOL(1, SIDE, SIDE, SIDE, SIDE, 1, 1, 0, 0, 0, 0, false, true, 1),
    };
    static float x[SIDE * SIDE];
    for (int block = 1; block <= 16; block *= 4)
        for (int i = 0; i < 4; i++) {
            float y;
            double expected;
            for (int k = 0; k < SIDE * SIDE; k++)
                x[k] = i < 2 ? 0.1f : (float)((k * 7919) % 1000) / 1000;
            run_pool(&large[i % 2], VGG_LAYER_AVG_POOL, block, x, &y, NULL, &expected, NULL,
                     &(size_t){0});
            if (!(fabs((double)y - expected) <= 1e-6 * expected))
                fail_msg("block %d: %.9g expected, got %.9g", block, expected, (double)y);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maxima_and_switches_are_exact),
        cmocka_unit_test(averages_are_close),
        cmocka_unit_test(averages_of_large_windows_are_exact),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}

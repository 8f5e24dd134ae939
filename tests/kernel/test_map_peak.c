/* kernel/test_map_peak.c — each map's largest value and where it is: every variant, every layout,
 * bit for bit; ties, NaN, negative maps, maps of one value, batches smaller than the plan's.
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
#include "support/must_run.h"
#include "support/op_run.h"
#include "tensor/shape.h"

enum { ROOM = 3 * 21 * 61 * 53 };

typedef struct peak_case {
    clvgg_shape in;
    int batch, count, compute_units; /* more units: more slabs */
} peak_case;

static const peak_case cases[] = {
    {{3, {5, 1, 1}}, 2, 2, 2},     {{3, {1, 1, 3}}, 1, 1, 64},   {{3, {17, 7, 7}}, 3, 2, 2},
    {{3, {16, 8, 8}}, 2, 2, 2},    {{3, {4, 31, 33}}, 1, 1, 16}, {{3, {21, 61, 53}}, 3, 3, 2},
    {{3, {21, 61, 53}}, 3, 1, 64}, {{1, {70}}, 3, 3, 2},
};

/* False where the variant says no. */
static bool run(const vgg_variant *variant, const peak_case *p, int block, const float *x, float *y)
{
    vgg_node node = {
        .name = "peaks", .type = VGG_LAYER_MAP_PEAK, .output = {3, {p->in.dims[0], 1, 2}}};
    op_case c = {.variant = variant,
                 .problem = {.node = &node,
                             .input = p->in,
                             .output = node.output,
                             .input_block = block,
                             .result = node.output,
                             .max_batch = p->batch},
                 .count = p->count,
                 .x = x,
                 .traits = test_traits(&device)};
    c.traits.compute_units = p->compute_units;
    return op_run(&device, &c, y, NULL) == CLVGG_STATUS_OK;
}

/* Compares bits, but for a NaN's, whose payload is free. False where the variant says no. */
static bool compare(const vgg_variant *variant, const peak_case *p, int block, const float *x)
{
    static float y[3 * 70 * 2];
    static double expected[3 * 70 * 2];
    char text[64];
    if (!run(variant, p, block, x, y))
        return false;
    ref_map_peak(&p->in, p->count, x, expected);
    for (int64_t i = 0; i < p->count * p->in.dims[0] * 2; i++)
        if (!(isnan(expected[i]) ? isnan(y[i]) : (double)y[i] == expected[i]))
            fail_msg("%s, block %d, %s, %s of map %lld: %g expected, got %g", variant->name, block,
                     vgg_shape_text(&p->in, text, sizeof text), i % 2 ? "position" : "value",
                     (long long)(i / 2), expected[i], (double)y[i]);
    return true;
}

static void every_variant_is_exact(void **state)
{
    (void)state;
    static const int blocks[] = {1, 4, 8, 16};
    static float x[ROOM];
    size_t variants = 0;
    for (size_t v = 0; v < vgg_variant_count; v++) {
        if ((vgg_variants[v]->layers & VGG_LAYER_BIT(VGG_LAYER_MAP_PEAK)) == 0)
            continue;
        variants++;
        for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
            int ran = 0;
            for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                if (cases[i].in.rank == 1 && blocks[b] > 1)
                    continue; /* features have no blocks */
                fill_normal(x, ROOM, 1.0, (uint32_t)i);
                ran += compare(vgg_variants[v], &cases[i], blocks[b], x);
                fill_integers(x, ROOM, 3, (uint32_t)i); /* few values: many ties */
                ran += compare(vgg_variants[v], &cases[i], blocks[b], x);
            }
            must_run(&device, vgg_variants[v]->name, CLVGG_STORAGE_F32, ran);
        }
    }
    assert_true(variants >= 2);
}

/* Special values, a map for each: NaN first, last, among others twice; infinities; nothing above
 * zero; zeros of both signs; a tie between neighbours that four accumulators share out. */
static void special_values_keep_their_place(void **state)
{
    (void)state;
    enum { MAPS = 8, PIXELS = 31 * 33 };
    static const peak_case p = {{3, {MAPS, 31, 33}}, 1, 1, 16};
    static float x[MAPS * PIXELS];
    fill_normal(x, MAPS * PIXELS, 1.0, 3);
    float *map = x;
    map[0] = NAN;
    map += PIXELS, map[PIXELS - 1] = NAN;
    map += PIXELS, map[700] = map[703] = NAN, map[5] = INFINITY;
    map += PIXELS, map[2] = map[900] = INFINITY;
    map += PIXELS;
    for (int i = 0; i < PIXELS; i++)
        map[i] = -1.0f - (float)(i % 7);
    map += PIXELS;
    for (int i = 0; i < PIXELS; i++)
        map[i] = i < 9 ? -0.0f : 0.0f;
    map += PIXELS, map[402] = map[401] = map[403] = map[404] = 9.0f;
    map += PIXELS;
    for (int i = 0; i < PIXELS; i++)
        map[i] = -INFINITY;
    static const vgg_variant *const variants[] = {&vgg_variant_map_peak,
                                                  &vgg_variant_map_peak_group};
    for (int block = 1; block <= 16; block *= 4)
        for (int v = 0; v < 2; v++)
            must_run(&device, variants[v]->name, CLVGG_STORAGE_F32,
                     compare(variants[v], &p, block, x));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_is_exact),
        cmocka_unit_test(special_values_keep_their_place),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}

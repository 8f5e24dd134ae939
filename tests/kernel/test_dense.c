/* kernel/test_dense.c — every dense variant against double-precision loops: exact on integers, and
 * within 8·√K·2⁻²⁴·Σ|aᵢbᵢ| on random floats.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ref/reference.h"
#include "support/device_fixture.h"
#include "support/must_run.h"
#include "support/op_run.h"
#include "support/skip.h"
#include "tensor/dtype.h"
#include "tensor/storage.h"

typedef struct dense_shape {
    int64_t inputs, outputs;
    int batch; /* of the plan */
    int count; /* of the run */
    bool relu;
} dense_shape;

enum { SMALL_COUNT = 7 };
static const dense_shape shapes[] = {
    {1, 1, 1, 1, false},      {7, 5, 1, 1, true},       {64, 32, 2, 2, true},
    {65, 33, 3, 2, false},    {130, 31, 17, 17, true},  {100, 2, 8, 5, false},
    {33, 70, 1, 1, false},    {257, 100, 40, 33, true}, {512, 128, 16, 16, true},
    {1000, 10, 9, 1, false},  {25, 1000, 4, 3, true},   {3136, 64, 2, 2, true},
    {9001, 40, 33, 33, true}, {70, 20, 9, 9, true},
};
enum { SHAPE_COUNT = sizeof shapes / sizeof *shapes };

static vgg_choice choice; /* of run_shape(): zeros, but where a tuning space is walked */

static bool serves_dense(const vgg_variant *variant)
{
    return (variant->layers & VGG_LAYER_BIT(VGG_LAYER_DENSE)) != 0 && !variant->quantizes;
}

/* Input, weights, bias, and what should come of them. */
typedef struct dense_values {
    float *x, *w, *b, *y;
    double *expected;
} dense_values;

static dense_values make_values(const dense_shape *s, bool integers)
{
    const size_t inputs = (size_t)(s->count * s->inputs), outputs = (size_t)(s->count * s->outputs);
    const size_t weights = (size_t)(s->inputs * s->outputs);
    dense_values v = {malloc(inputs * sizeof *v.x), malloc(weights * sizeof *v.w),
                      malloc((size_t)s->outputs * sizeof *v.b), malloc(outputs * sizeof *v.y),
                      malloc(outputs * sizeof *v.expected)};
    if (integers) {
        fill_integers(v.x, inputs, 4, 1);
        fill_integers(v.w, weights, 3, 2);
        fill_integers(v.b, (size_t)s->outputs, 9, 3);
    } else {
        fill_normal(v.x, inputs, 1.0, 1);
        fill_normal(v.w, weights, 0.1, 2);
        fill_normal(v.b, (size_t)s->outputs, 0.1, 3);
    }
    ref_dense(s->inputs, s->outputs, s->count, v.x, v.w, v.b, v.expected);
    for (size_t i = 0; i < outputs; i++)
        v.expected[i] = s->relu ? ref_activation(VGG_LAYER_RELU, v.expected[i]) : v.expected[i];
    return v;
}

static void free_values(dense_values *v)
{
    free(v->x);
    free(v->w);
    free(v->b);
    free(v->y);
    free(v->expected);
}

static clvgg_status run_shape(const vgg_variant *variant, const dense_shape *s, dense_values *v,
                              clvgg_dtype dtype, clvgg_storage storage,
                              uint64_t max_allocation_bytes)
{
    vgg_node node = {.name = "fc",
                     .type = VGG_LAYER_DENSE,
                     .attributes.dense = {.out_features = s->outputs, .bias = true},
                     .output = {1, {s->outputs}}};
    op_case c = {.variant = variant,
                 .choice = choice,
                 .problem = {.node = &node,
                             .input = {1, {s->inputs}},
                             .output = node.output,
                             .input_block = 1,
                             .relu = s->relu,
                             .result = node.output,
                             .max_batch = s->batch,
                             .storage = storage},
                 .count = s->count,
                 .x = v->x,
                 .weights = v->w,
                 .bias = v->b,
                 .dtype = dtype,
                 .traits = test_traits(&device)};
    if (max_allocation_bytes > 0)
        c.traits.max_allocation_bytes = max_allocation_bytes;
    return op_run(&device, &c, v->y, NULL);
}

static bool check_exact(const vgg_variant *variant, int index, clvgg_storage storage,
                        uint64_t max_allocation_bytes)
{
    const dense_shape *s = &shapes[index];
    dense_values v = make_values(s, true);
    const bool ran = run_shape(variant, s, &v, (clvgg_dtype)(index % 3), storage,
                               max_allocation_bytes) == CLVGG_STATUS_OK;
    for (int64_t i = 0; ran && i < s->count * s->outputs; i++)
        if ((double)v.y[i] != v.expected[i])
            fail_msg("%s %s, %s, shape %d, value %lld: %g expected, got %g", variant->name,
                     choice_text(variant, &choice), vgg_storage_name(storage), index, (long long)i,
                     v.expected[i], (double)v.y[i]);
    free_values(&v);
    return ran;
}

static void every_variant_is_exact(void **state)
{
    (void)state;
    const int count = getenv("CLVGG_TEST_SMALL") != NULL ? SMALL_COUNT : SHAPE_COUNT;
    for (size_t v = 0; v < vgg_variant_count; v++)
        for (clvgg_storage storage = CLVGG_STORAGE_F32; storage <= CLVGG_STORAGE_BF16; storage++) {
            int ran = 0;
            if (!serves_dense(vgg_variants[v]))
                continue;
            for (int i = 0; i < count; i++)
                ran += check_exact(vgg_variants[v], i, storage, 0);
            print_message("%s, %s: %d shapes exact%s\n", vgg_variants[v]->name,
                          vgg_storage_name(storage), ran,
                          ran == 0 ? " (the device can't run it)" : "");
            must_run(&device, vgg_variants[v]->name, storage, ran);
        }
}

/* Every value of every tunable, on a batch that fills tiles and one that doesn't. */
static void every_tuning_value_is_exact(void **state)
{
    (void)state;
    const bool brief = getenv("CLVGG_TEST_OCLGRIND") != NULL;
    const int cases[] = {brief ? SHAPE_COUNT - 1 : 7, 4}; /* 9 or 40 images, 17 images */
    for (size_t v = 0; v < vgg_variant_count; v++) {
        int ran = 0, refused = 0;
        if (!serves_dense(vgg_variants[v]) || vgg_variants[v]->tunables == NULL)
            continue;
        for (int step = 0; tuning_step(vgg_variants[v], step, &choice); step++)
            for (int i = 0; i < (brief ? 1 : 2); i++)
                *(check_exact(vgg_variants[v], cases[i], CLVGG_STORAGE_F32, 0) ? &ran : &refused) +=
                    1;
        print_message("%s: %d tuned cases exact, %d refused\n", vgg_variants[v]->name, ran,
                      refused);
        must_run(&device, vgg_variants[v]->name, CLVGG_STORAGE_F32, ran);
        if (vgg_variants[v] == &vgg_variant_dense_rows)
            assert_true(ran > refused);
        choice = (vgg_choice){{0}};
    }
}

/* Element by element within the bound of a float32 sum of K products, the weights being those that
 * are stored. */
static void check_bounds(const vgg_variant *variant, clvgg_storage storage)
{
    const dense_shape s = {getenv("CLVGG_TEST_SMALL") != NULL ? 300 : 4096, 40, 12, 3, false};
    dense_values v = make_values(&s, false);
    const bool ran = run_shape(variant, &s, &v, CLVGG_DTYPE_F32, storage, 0) == CLVGG_STATUS_OK;
    must_run(&device, variant->name, storage, ran);
    if (ran) {
        for (int64_t i = 0; i < s.inputs * s.outputs; i++) {
            float stored;
            vgg_from_f32(vgg_storage_element(storage), &v.w[i], 1, &stored);
            vgg_to_f32(vgg_storage_element(storage), &stored, 1, &v.w[i]);
        }
        ref_dense(s.inputs, s.outputs, s.count, v.x, v.w, v.b, v.expected);
        double worst = 0.0;
        for (int64_t i = 0; i < s.count * s.outputs; i++) {
            double magnitude = fabs((double)v.b[i % s.outputs]);
            for (int64_t f = 0; f < s.inputs; f++)
                magnitude += fabs((double)v.x[i / s.outputs * s.inputs + f] *
                                  (double)v.w[i % s.outputs * s.inputs + f]);
            const double bound = 8.0 * sqrt((double)s.inputs) * ldexp(1.0, -24) * magnitude;
            worst = fmax(worst, fabs((double)v.y[i] - v.expected[i]) / bound);
        }
        print_message("%s, %s: worst error %.4f of the bound\n", variant->name,
                      vgg_storage_name(storage), worst);
        assert_true(worst <= 1.0);
    }
    free_values(&v);
}

static void random_floats_are_close(void **state)
{
    (void)state;
    for (size_t v = 0; v < vgg_variant_count; v++)
        for (clvgg_storage storage = CLVGG_STORAGE_F32; storage <= CLVGG_STORAGE_BF16; storage++)
            if (serves_dense(vgg_variants[v]))
                check_bounds(vgg_variants[v], storage);
}

/* A largest allocation below the weights' size: pieces of whole rows or panels, same values. */
static void weights_are_split(void **state)
{
    (void)state;
    const int index = 4; /* 130 features, 31 outputs */
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__);
    assert_true(check_exact(&vgg_variant_dense_direct, index, CLVGG_STORAGE_F32, 130 * 4 * 5));
    if (test_traits(&device).vector_width >= 4)
        assert_true(
            check_exact(&vgg_variant_dense_blocked, 7, CLVGG_STORAGE_F32, 257 * 32 * 4 + 64));
    assert_true(check_exact(&vgg_variant_dense_rows, index, CLVGG_STORAGE_F32, 130 * 4 * 7));
    assert_true(check_exact(&vgg_variant_dense_rows, index, CLVGG_STORAGE_BF16, 130 * 2 * 7));
    assert_true(check_exact(&vgg_variant_dense_tiled, 7, CLVGG_STORAGE_F32, 257 * 64 * 4 + 64));
    assert_true(check_exact(&vgg_variant_dense_tiled, 7, CLVGG_STORAGE_F16, 257 * 64 * 2 + 64));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_is_exact),
        cmocka_unit_test(every_tuning_value_is_exact),
        cmocka_unit_test(random_floats_are_close),
        cmocka_unit_test(weights_are_split),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}

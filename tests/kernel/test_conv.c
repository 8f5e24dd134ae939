/* kernel/test_conv.c — every convolution variant against double-precision loops.
 *
 * Small integers, every partial sum below 2²⁴: results must be equal, not close. Variants that
 * compute something else than sums of products (Winograd) say how far they may be off, and are held
 * to it on normal values behind a ReLU with He weights. Walks the variant table, so that a new
 * variant is covered the day it is added.
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
#include "support/cl_faults.h"
#include "support/op_run.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

/* {c, h, w}, k, kernel, stride, dilation, pad top left bottom right, groups, batch */
typedef struct conv_shape {
    int64_t in[3];
    vgg_conv_attributes conv;
    int batch;
    bool relu, pool;
} conv_shape;

#define CONV(c, h, w, k, kh, kw, sh, sw, dh, dw, t, l, b, r, g, n, relu, pool)                     \
    {                                                                                              \
        {c, h, w}, {k, {kh, kw}, {sh, sw}, {dh, dw}, {t, l, b, r}, g, true}, n, relu, pool         \
    }
#define SAME3(c, h, w, k, n, relu, pool)                                                           \
    CONV(c, h, w, k, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, n, relu, pool)

/* The first SMALL_COUNT are what slow devices run, the first TINY_COUNT what Oclgrind does. */
enum { SMALL_COUNT = 9, TINY_COUNT = 2 };
static const conv_shape shapes[] = {
    SAME3(3, 6, 5, 4, 1, true, false),
    SAME3(5, 4, 6, 7, 2, true, true),
    SAME3(16, 7, 9, 18, 2, true, false),
    SAME3(5, 8, 8, 33, 1, true, true),
    SAME3(20, 1, 1, 16, 3, false, false),
    CONV(4, 9, 7, 6, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, false, false),
    CONV(6, 9, 8, 8, 3, 2, 2, 3, 1, 1, 1, 0, 2, 1, 1, 2, true, false),
    CONV(8, 7, 6, 12, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, true, false),
    CONV(6, 11, 9, 5, 3, 3, 1, 1, 2, 3, 2, 3, 2, 3, 1, 1, true, false),
    SAME3(3, 17, 17, 64, 3, true, true),
    SAME3(17, 15, 16, 40, 17, true, true),
    SAME3(64, 14, 14, 64, 2, true, true),
    SAME3(32, 13, 29, 31, 2, true, true),
    SAME3(1, 2, 3, 1, 1, false, false),
    SAME3(2, 4, 4, 70, 1, true, true),
    CONV(3, 23, 21, 24, 7, 7, 2, 2, 1, 1, 1, 1, 1, 1, 1, 2, true, false),
    CONV(12, 14, 13, 20, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, true, true),
    CONV(30, 12, 12, 32, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0, 1, 3, true, false),
    CONV(18, 10, 40, 16, 2, 4, 1, 2, 3, 1, 0, 2, 1, 3, 1, 1, false, false),
    CONV(12, 9, 9, 12, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 12, 2, true, false),
    CONV(4, 3, 3, 8, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0, 1, 5, false, false),
    CONV(7, 16, 18, 9, 4, 1, 3, 1, 1, 2, 3, 0, 0, 0, 1, 1, true, false),
    SAME3(259, 7, 6, 261, 2, true, false),
};
enum { SHAPE_COUNT = sizeof shapes / sizeof *shapes };

static test_device device;
static double worst_error; /* relative L2, of the variant in work */
static uint64_t max_launch_flops;
static bool normal_values; /* for exact variants too, where they round what they multiply */
static vgg_choice choice;  /* of check_shape(): zeros, but where a tuning space is walked */

/* Whether the variant is to be fed integers, and to be equal. */
static bool exact(const vgg_variant *variant)
{
    return variant->error_bound == 0.0 && !normal_values;
}

/* The graph's own inference gives the shapes, so that they can't drift apart. */
static vgg_graph *graph_of(const conv_shape *s)
{
    vgg_graph *graph = NULL;
    const vgg_attributes conv = {.conv = s->conv};
    const vgg_attributes pool = {.pool = {.kernel = {2, 2}, .stride = {2, 2}}};
    int index = 0;
    assert_int_equal(vgg_graph_create(s->in[0], s->in[1], s->in[2], &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "conv", VGG_LAYER_CONV2D, &conv, 0, &index), 0);
    if (s->pool)
        assert_int_equal(vgg_graph_add(graph, "pool", VGG_LAYER_MAX_POOL, &pool, index, NULL), 0);
    return graph;
}

/* What the variant should give: double [n][result]. */
static double *expected_values(const conv_shape *s, const vgg_problem *problem, const float *x,
                               const float *w, const float *b)
{
    const clvgg_shape *out = &problem->output;
    const size_t count = (size_t)s->batch * vgg_shape_elements(out);
    double *y = malloc(count * sizeof *y);
    size_t zeros = 0;
    ref_conv(&s->conv, &problem->input, out, s->batch, x, w, b, y);
    for (size_t i = 0; i < count; i++) {
        zeros += y[i] == 0.0;
        if (s->relu && y[i] < 0.0)
            y[i] = 0.0;
    }
    assert_true(count < 4 || zeros < count / 2); /* the reference must say something */
    if (problem->pool == NULL)
        return y;
    double *halved = malloc(count * sizeof *halved);
    ref_halve(s->batch * out->dims[0], out->dims[1], out->dims[2], y, halved);
    free(y);
    return halved;
}

/* Integers for variants that must be exact; else a ReLU's output and He weights, which are values
 * of the type they are handed over in. */
static void fill_values(const vgg_variant *variant, const conv_shape *s, clvgg_dtype dtype,
                        float *x, size_t inputs, float *w, size_t weights, float *b)
{
    const size_t biases = (size_t)s->conv.out_channels;
    if (exact(variant)) {
        fill_integers(x, inputs, 4, 1);
        fill_integers(w, weights, 3, 2);
        fill_integers(b, biases, 9, 3);
        return;
    }
    fill_normal(x, inputs, 1.0, 1);
    for (size_t i = 0; i < inputs; i++)
        x[i] = x[i] < 0.0f ? 0.0f : x[i];
    fill_normal(w, weights, sqrt(2.0 / (double)(9 * s->in[0])), 2);
    for (size_t i = 0; i < weights; i++) {
        float raw;
        vgg_from_f32(dtype, &w[i], 1, &raw);
        vgg_to_f32(dtype, &raw, 1, &w[i]);
    }
    fill_normal(b, biases, 0.1, 3);
}

static void check_equal(const vgg_variant *variant, int case_index, const float *y,
                        const double *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((double)y[i] != expected[i])
            fail_msg("%s %s, shape %d, value %zu: %g expected, got %g", variant->name,
                     choice_text(variant, &choice), case_index, i, expected[i], y[i]);
}

/* Relative L2 within the variant's bound. */
static void check_close(const op_case *c, int case_index, const float *y, const double *expected,
                        size_t count)
{
    vgg_op op;
    assert_int_equal(vgg_op_configure_chosen(&op, c->variant, &c->problem, &c->traits, &c->choice),
                     CLVGG_STATUS_OK);
    const double bound = vgg_op_error_bound(&op);
    double error = 0.0, norm = 0.0;
    for (size_t i = 0; i < count; i++) {
        error += ((double)y[i] - expected[i]) * ((double)y[i] - expected[i]);
        norm += expected[i] * expected[i];
    }
    if (!(sqrt(error) <= bound * sqrt(norm)))
        fail_msg("%s %s, %s, shape %d: relative L2 error %.3g, at most %.3g", c->variant->name,
                 choice_text(c->variant, &choice), vgg_storage_name(op.pack.storage), case_index,
                 sqrt(error / norm), bound);
    worst_error = fmax(worst_error, norm > 0.0 ? sqrt(error / norm) : 0.0);
}

/* Runs one variant on one shape; false where the variant says it can't. */
static bool check_shape(const vgg_variant *variant, const conv_shape *s, clvgg_dtype storage,
                        int case_index, uint64_t max_allocation_bytes)
{
    vgg_graph *graph = graph_of(s);
    const vgg_node *conv = &graph->nodes[1], *pool = s->pool ? &graph->nodes[2] : NULL;
    op_case c = {.variant = variant,
                 .choice = choice,
                 .problem = {.node = conv,
                             .input = graph->nodes[0].output,
                             .output = conv->output,
                             .input_block = 1,
                             .relu = s->relu,
                             .pool = pool,
                             .result = pool != NULL ? pool->output : conv->output,
                             .max_batch = s->batch,
                             .storage = storage},
                 .count = s->batch,
                 .dtype = (clvgg_dtype)(case_index % 3),
                 .traits = test_traits(&device)};
    if (max_allocation_bytes > 0)
        c.traits.max_allocation_bytes = max_allocation_bytes;
    c.traits.max_launch_flops = max_launch_flops;
    const clvgg_shape weight_shape = vgg_graph_weight_shape(graph, 1);
    const size_t weights = vgg_shape_elements(&weight_shape);
    const size_t inputs = (size_t)s->batch * vgg_shape_elements(&c.problem.input);
    const size_t results = (size_t)s->batch * vgg_shape_elements(&c.problem.result);
    float *x = malloc(inputs * sizeof *x), *w = malloc(weights * sizeof *w);
    float *b = malloc((size_t)s->conv.out_channels * sizeof *b), *y = malloc(results * sizeof *y);
    fill_values(variant, s, c.dtype, x, inputs, w, weights, b);
    c.x = x;
    c.weights = w;
    c.bias = b;
    const bool ran = op_run(&device, &c, y, NULL) == CLVGG_STATUS_OK;
    if (ran) {
        double *expected = expected_values(s, &c.problem, x, w, b);
        if (exact(variant))
            check_equal(variant, case_index, y, expected, results);
        else
            check_close(&c, case_index, y, expected, results);
        free(expected);
    }
    free(x);
    free(w);
    free(b);
    free(y);
    vgg_graph_free(graph);
    return ran;
}

static bool asked(const char *variable)
{
    return getenv(variable) != NULL;
}

static bool serves_conv(const vgg_variant *variant)
{
    return (variant->layers & VGG_LAYER_BIT(VGG_LAYER_CONV2D)) != 0;
}

static void check_shapes(const vgg_variant *variant, clvgg_dtype storage, int count)
{
    int ran = 0;
    worst_error = 0.0;
    for (int i = 0; i < count; i++)
        ran += check_shape(variant, &shapes[i], storage, i, 0);
    if (ran > 0 && variant->error_bound == 0.0)
        print_message("%s, %s: %d shapes exact\n", variant->name, vgg_storage_name(storage), ran);
    else if (ran > 0)
        print_message("%s, %s: %d shapes, relative L2 at most %.2g\n", variant->name,
                      vgg_storage_name(storage), ran, worst_error);
    else
        print_message("%s: %s\n", variant->name, clvgg_status_message());
}

static void every_variant_is_right(void **state)
{
    (void)state;
    const int count = asked("CLVGG_TEST_OCLGRIND") ? TINY_COUNT
                      : asked("CLVGG_TEST_SMALL")  ? SMALL_COUNT
                                                   : SHAPE_COUNT;
    for (size_t v = 0; v < vgg_variant_count; v++)
        for (clvgg_dtype storage = CLVGG_DTYPE_F32; storage <= CLVGG_DTYPE_BF16; storage++)
            if (serves_conv(vgg_variants[v]))
                check_shapes(vgg_variants[v], storage, count);
}

/* Height and width 1…17 on both sides of every tile width. */
static void every_small_extent_is_right(void **state)
{
    (void)state;
    if (asked("CLVGG_TEST_OCLGRIND"))
        skip();
    const int64_t last = asked("CLVGG_TEST_SMALL") ? 3 : 17;
    for (size_t v = 0; v < vgg_variant_count; v++) {
        if (!serves_conv(vgg_variants[v]) || vgg_variants[v]->uses_clblast)
            continue;
        for (int64_t extent = 1; extent <= last; extent++) {
            const conv_shape s = SAME3(19, 18 - extent, extent, 21, 2, true, false);
            if (!check_shape(vgg_variants[v], &s, (clvgg_dtype)(extent / 3 % 3), (int)extent, 0))
                check_shape(vgg_variants[v], &s, CLVGG_DTYPE_BF16, (int)extent, 0);
        }
    }
}

/* What a variant reads first of all. */
static clvgg_dtype tuned_storage(const vgg_variant *variant)
{
    return variant == &vgg_variant_conv_amx ? CLVGG_DTYPE_BF16 : CLVGG_DTYPE_F32;
}

/* Variants that are exact on integers and round others stay within what they say of themselves. */
static void rounded_values_stay_close(void **state)
{
    (void)state;
    int ran = 0;
    if (asked("CLVGG_TEST_OCLGRIND"))
        skip();
    normal_values = true;
    worst_error = 0.0;
    for (int i = 0; i < (asked("CLVGG_TEST_SMALL") ? SMALL_COUNT : SHAPE_COUNT); i++)
        ran += check_shape(&vgg_variant_conv_amx, &shapes[i], CLVGG_DTYPE_BF16, i, 0);
    normal_values = false;
    if (ran > 0)
        print_message("conv_amx, bf16: %d shapes, relative L2 at most %.2g\n", ran, worst_error);
    else
        print_message("SKIPPED: %s\n", clvgg_status_message());
    assert_true(ran == 0 || worst_error > 0.0);
}

/* Every value of every tunable, on shapes off the tiles' sizes, with and without pooling. */
static void every_tuning_value_is_right(void **state)
{
    (void)state;
    static const conv_shape tuned[] = {SAME3(17, 15, 16, 40, 3, true, true),
                                       SAME3(33, 13, 11, 67, 2, true, false)};
    if (asked("CLVGG_TEST_OCLGRIND"))
        skip();
    for (size_t v = 0; v < vgg_variant_count; v++) {
        const vgg_variant *variant = vgg_variants[v];
        int ran = 0, refused = 0;
        worst_error = 0.0;
        for (int step = 0; serves_conv(variant) && tuning_step(variant, step, &choice); step++)
            for (int i = 0; i < (asked("CLVGG_TEST_SMALL") ? 1 : 2); i++)
                *(check_shape(variant, &tuned[i], tuned_storage(variant), i, 0) ? &ran
                                                                                : &refused) += 1;
        if (ran + refused > 0)
            print_message("%s: %d tuned cases right, %d refused, relative L2 at most %.2g\n",
                          variant->name, ran, refused, worst_error);
        if (variant == &vgg_variant_conv_blocked && test_traits(&device).vector_width >= 4)
            assert_true(ran > 0);
        choice = (vgg_choice){{0}};
    }
}

/* What isn't in the space, or doesn't fit the device, is refused in words. */
static void wrong_tuning_values_are_refused(void **state)
{
    (void)state;
    const conv_shape s = SAME3(16, 6, 6, 64, 1, true, false);
    choice.values[2] = 5; /* of conv_tiled: TR */
    assert_false(check_shape(&vgg_variant_conv_tiled, &s, CLVGG_DTYPE_F32, 0, 0));
    assert_non_null(strstr(clvgg_status_message(), "conv_tiled: TR can't be 5"));
    choice = (vgg_choice){{28, 4}};
    assert_false(check_shape(&vgg_variant_conv_blocked, &s, CLVGG_DTYPE_F32, 0, 0));
    if (test_traits(&device).vector_width >= 4)
        assert_non_null(strstr(clvgg_status_message(), "don't fit the registers"));
    choice = (vgg_choice){{128, 128, 32, 1, 1}};
    assert_false(check_shape(&vgg_variant_conv_tiled, &s, CLVGG_DTYPE_F32, 0, 0));
    assert_non_null(strstr(clvgg_status_message(), "conv_tiled needs"));
    choice = (vgg_choice){{0}};
}

/* Weights larger than the largest allocation: split where the kernel can, refused in words else. */
static void weights_are_split(void **state)
{
    (void)state;
    if (asked("CLVGG_TEST_OCLGRIND"))
        skip();
    const conv_shape s = SAME3(16, 6, 6, 64, 2, true, false);
    assert_true(check_shape(&vgg_variant_conv_direct, &s, CLVGG_DTYPE_F32, 0, 16 * 9 * 4 * 7));
    assert_false(check_shape(&vgg_variant_conv_tiled, &s, CLVGG_DTYPE_F32, 0, 16 * 9 * 4 * 7));
    assert_non_null(strstr(clvgg_status_message(), "largest allocation"));
    /* Half the bytes: fits where float32 doesn't, and rows in other pieces. */
    assert_false(check_shape(&vgg_variant_conv_tiled, &s, CLVGG_DTYPE_F32, 0, 16 * 9 * 64 * 2));
    assert_true(check_shape(&vgg_variant_conv_tiled, &s, CLVGG_DTYPE_F16, 0, 16 * 9 * 64 * 2));
    assert_true(check_shape(&vgg_variant_conv_direct, &s, CLVGG_DTYPE_BF16, 0, 16 * 9 * 2 * 7));
}

/* Rounding what was transformed for F(4x4) to bfloat16 would lose more than a network may. */
static void too_coarse_storage_is_refused(void **state)
{
    (void)state;
    if (asked("CLVGG_TEST_OCLGRIND"))
        skip();
    const conv_shape few = SAME3(256, 2, 2, 256, 1, true, false);
    const conv_shape many = SAME3(257, 2, 2, 256, 1, true, false);
    static const vgg_variant *const variants[] = {&vgg_variant_winograd_f4_fused,
                                                  &vgg_variant_winograd_f4_staged,
                                                  &vgg_variant_winograd_f4_batched};
    for (int i = 0; i < 3; i++) {
        if (!check_shape(variants[i], &few, CLVGG_DTYPE_F32, 0, 0))
            skip(); /* not for this device */
        assert_true(check_shape(variants[i], &few, CLVGG_DTYPE_BF16, 0, 0)); /* stays float32 */
        assert_true(check_shape(variants[i], &many, CLVGG_DTYPE_F16, 0, 0));
        assert_false(check_shape(variants[i], &many, CLVGG_DTYPE_BF16, 0, 0));
        assert_non_null(strstr(clvgg_status_message(), "transformed weights of bf16"));
    }
}

/* Runs a shape with launches of at most so many FLOPs; the kernels that took, or -1. */
static int count_kernels(const vgg_variant *variant, const conv_shape *s, uint64_t flops)
{
    const size_t before = cl_faults_calls("clEnqueueNDRangeKernel");
    max_launch_flops = flops;
    const bool ran = check_shape(variant, s, CLVGG_DTYPE_F32, 1, 0);
    max_launch_flops = 0;
    return ran ? (int)(cl_faults_calls("clEnqueueNDRangeKernel") - before) : -1;
}

/* Launches that would take too long hold some of the images; of one image that is too much, one. */
static void long_launches_are_parted(void **state)
{
    (void)state;
    if (asked("CLVGG_TEST_OCLGRIND"))
        skip();
    const conv_shape s = SAME3(20, 8, 7, 33, 7, true, false);
    const uint64_t image = 2 * 33 * 8 * 7 * 20 * 9;
    for (size_t v = 0; v < vgg_variant_count; v++) {
        const vgg_variant *variant = vgg_variants[v];
        if (!serves_conv(variant) || variant->uses_clblast ||
            variant == &vgg_variant_winograd_f4_staged || /* these part batches themselves */
            variant == &vgg_variant_winograd_f2_staged)
            continue;
        const int once = count_kernels(variant, &s, 0);
        if (once < 0)
            continue;
        const bool staged = variant == &vgg_variant_winograd_f4_batched ||
                            variant == &vgg_variant_winograd_f4_subgroup;
        const int kernels = staged ? 3 : 1;
        assert_int_equal(count_kernels(variant, &s, 7 * image), once);
        assert_int_equal(count_kernels(variant, &s, 7 * image - 1), once + kernels);
        assert_int_equal(count_kernels(variant, &s, 3 * image), once + 2 * kernels);
        assert_int_equal(count_kernels(variant, &s, image - 1), once + 6 * kernels);
    }
}

static int open_device(void **state)
{
    (void)state;
    test_device_open(&device, NULL);
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    test_device_close(&device);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_is_right),
        cmocka_unit_test(every_small_extent_is_right),
        cmocka_unit_test(rounded_values_stay_close),
        cmocka_unit_test(every_tuning_value_is_right),
        cmocka_unit_test(wrong_tuning_values_are_refused),
        cmocka_unit_test(weights_are_split),
        cmocka_unit_test(too_coarse_storage_is_refused),
        cmocka_unit_test(long_launches_are_parted),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}

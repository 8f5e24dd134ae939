/* support/conv_check.c — one convolution variant on one shape, against double-precision loops. */
#include "support/conv_check.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ref/reference.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "tensor/storage.h"
#include "verify/rounded.h"

/* Says whether the variant is fed integers and must be equal to the definition. */
static bool exact(const conv_check *check, const vgg_variant *variant)
{
    return variant->error_bound == 0.0 && !check->normal_values;
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

/* The values that the variant should give, double [n][result]. */
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
static void fill_values(bool integers, const conv_shape *s, clvgg_dtype dtype, float *x,
                        size_t inputs, float *w, size_t weights, float *b)
{
    const size_t biases = (size_t)s->conv.out_channels;
    if (integers) {
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

static void check_equal(const op_case *c, int index, const float *y, const double *expected,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((double)y[i] != expected[i])
            fail_msg("%s %s, shape %d, value %zu: %g expected, got %g", c->variant->name,
                     choice_text(c->variant, &c->choice), index, i, expected[i], y[i]);
}

/* The weights as the variant multiplies them, but for what rounding transformed ones costs. */
static void round_weights(const op_case *c, float *w, size_t weights)
{
    vgg_op op;
    assert_int_equal(vgg_op_configure_chosen(&op, c->variant, &c->problem, &c->traits, &c->choice),
                     CLVGG_STATUS_OK);
    const size_t rows = (size_t)op.pack.rows;
    for (size_t row = 0; row < rows; row++)
        vgg_round_as_packed(&op, VGG_WEIGHT, weights / rows, w + row * (weights / rows));
}

/* Relative L2 within the variant's bound. */
static void check_close(conv_check *check, const op_case *c, int index, const float *y,
                        const double *expected, size_t count)
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
                 choice_text(c->variant, &c->choice), vgg_storage_name(op.pack.storage), index,
                 sqrt(error / norm), bound);
    check->worst_error = fmax(check->worst_error, norm > 0.0 ? sqrt(error / norm) : 0.0);
}

bool conv_check_shape(conv_check *check, const vgg_variant *variant, const conv_shape *s,
                      clvgg_storage storage, int index)
{
    vgg_graph *graph = graph_of(s);
    const vgg_node *conv = &graph->nodes[1], *pool = s->pool ? &graph->nodes[2] : NULL;
    op_case c = {.variant = variant,
                 .choice = check->choice,
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
                 .dtype = (clvgg_dtype)(index % 3),
                 .traits = test_traits(&check->device)};
    if (check->max_allocation_bytes > 0)
        c.traits.max_allocation_bytes = check->max_allocation_bytes;
    c.traits.max_launch_flops = check->max_launch_flops;
    const clvgg_shape weight_shape = vgg_graph_parameter_shape(graph, 1, VGG_WEIGHT);
    const size_t weights = vgg_shape_elements(&weight_shape);
    const size_t inputs = (size_t)s->batch * vgg_shape_elements(&c.problem.input);
    const size_t results = (size_t)s->batch * vgg_shape_elements(&c.problem.result);
    float *x = malloc(inputs * sizeof *x), *w = malloc(weights * sizeof *w);
    float *b = malloc((size_t)s->conv.out_channels * sizeof *b), *y = malloc(results * sizeof *y);
    fill_values(exact(check, variant), s, c.dtype, x, inputs, w, weights, b);
    c.x = x;
    c.weights = w;
    c.bias = b;
    const bool ran = op_run(&check->device, &c, y, NULL) == CLVGG_STATUS_OK;
    if (ran) {
        round_weights(&c, w, weights);
        double *expected = expected_values(s, &c.problem, x, w, b);
        if (exact(check, variant))
            check_equal(&c, index, y, expected, results);
        else
            check_close(check, &c, index, y, expected, results);
        free(expected);
    }
    free(x);
    free(w);
    free(b);
    free(y);
    vgg_graph_free(graph);
    return ran;
}

bool serves_conv(const vgg_variant *variant)
{
    return (variant->layers & VGG_LAYER_BIT(VGG_LAYER_CONV2D)) != 0 && !variant->quantizes;
}

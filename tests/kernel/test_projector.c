/* kernel/test_projector.c — walks back against their definition in double precision, and adjoint
 * identities of all they are made of.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/visualize.h"
#include "ref/ref_graph.h"
#include "ref/ref_project.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "support/op_run.h"
#include "tensor/shape.h"

enum { IMAGES = 3 };

static clvgg_projector *projector_make(clvgg_model *model, const char *layer, const char *to,
                                       clvgg_projection mode, int max_batch)
{
    clvgg_projector *projector = NULL;
    clvgg_projector_options options;
    clvgg_projector_options_defaults(&options);
    options.max_batch = max_batch;
    options.mode = mode;
    options.to = to;
    must(clvgg_projector_create(device.device, model, layer, &options, &projector));
    return projector;
}

static size_t elements_of(const clvgg_projector *projector, size_t *layer)
{
    clvgg_shape values, projection;
    clvgg_projector_shapes(projector, &values, &projection);
    *layer = vgg_shape_elements(&values);
    return vgg_shape_elements(&projection);
}

typedef struct walk_case {
    network_kind network;
    const char *layer, *relu; /* relu: the one behind the layer, NULL where there is none */
    const char *to, *to_relu;
    clvgg_seed seeds[IMAGES];
} walk_case;

static const walk_case walks[] = {
    {NETWORK_VGG, "conv3", "relu3", NULL, NULL, {{4, -1}, {34, 9}, {0, 63}}},
    {NETWORK_VGG, "pool3", NULL, NULL, NULL, {{7, 5}, {-1, -1}, {-1, 2}}},
    {NETWORK_VGG, "fc4", "relu4", NULL, NULL, {{-1, -1}, {69, 0}, {3, -1}}},
    {NETWORK_VGG, "logits", NULL, "conv3", "relu3", {{0, -1}, {4, 0}, {-1, -1}}},
    {NETWORK_ODD, "fc5", NULL, NULL, NULL, {{0, -1}, {10, 0}, {-1, -1}}},
    {NETWORK_ODD, "pool4", NULL, "conv1", NULL, {{2, -1}, {17, 1}, {-1, 0}}},
    {NETWORK_ODD, "overlap", NULL, NULL, NULL, {{2, -1}, {32, 1}, {-1, -1}}},
    {NETWORK_BRANCHES, "fc3", NULL, NULL, NULL, {{0, -1}, {5, 0}, {-1, -1}}},
    {NETWORK_BRANCHES, "adaptive", NULL, NULL, NULL, {{18, 4}, {1, -1}, {-1, -1}}},
    {NETWORK_ZF, "conv4", "relu4", NULL, NULL, {{3, -1}, {18, 5}, {-1, -1}}},
    {NETWORK_ZF, "norm2", NULL, "conv1", "relu1", {{20, 3}, {0, -1}, {-1, 5}}},
    {NETWORK_ZF, "logits", NULL, NULL, NULL, {{2, -1}, {-1, -1}, {4, 0}}},
    {NETWORK_NORMS, "logits", NULL, NULL, NULL, {{2, -1}, {-1, -1}, {4, 0}}},
    {NETWORK_NORMS, "norm2", NULL, "norm1", "relu1", {{20, 3}, {0, -1}, {-1, 5}}},
    {NETWORK_NORMS, "norm1", "relu1", NULL, NULL, {{17, 3}, {0, -1}, {-1, 5}}},
    {NETWORK_NORMS, "norm3", "relu3", "conv1", NULL, {{2, 0}, {32, 0}, {-1, -1}}},
    {NETWORK_INTEGERS, "conv2", "relu2", NULL, NULL, {{9, -1}, {0, 7}, {-1, 119}}},
    {NETWORK_INTEGERS, "pool3", NULL, NULL, NULL, {{9, 3}, {0, -1}, {-1, -1}}},
    {NETWORK_QUANTIZED, "conv3", "relu3", NULL, NULL, {{9, 3}, {0, -1}, {-1, -1}}},
    {NETWORK_QUANTIZED, "fc4", "relu4", "conv2", "relu2", {{9, 0}, {0, -1}, {-1, 0}}},
};

/* The signal that a walk begins with, of the layer's values float32 [IMAGES][maps][positions]. */
static double *seed_signal(const walk_case *w, const clvgg_shape *shape, clvgg_projection mode,
                           const float *values)
{
    const int64_t maps = shape->dims[0];
    const int64_t positions = shape->rank == 3 ? shape->dims[1] * shape->dims[2] : 1;
    double *signal = calloc((size_t)(IMAGES * maps * positions), sizeof *signal);
    for (int64_t i = 0; i < IMAGES * maps * positions; i++) {
        const clvgg_seed *seed = &w->seeds[i / positions / maps];
        if ((seed->map < 0 || seed->map == i / positions % maps) &&
            (seed->position < 0 || seed->position == i % positions))
            signal[i] = mode == CLVGG_PROJECTION_DECONV ? values[i] : 1.0;
    }
    return signal;
}

static void check_walk(const walk_case *w, clvgg_projection mode)
{
    clvgg_model *model = network_make(device.runtime, w->network);
    const vgg_graph *graph = model->graph;
    float *x = network_input(model, w->network, IMAGES);
    float **values = ref_graph_values(graph, network_source(w->network), NULL, IMAGES, x);
    const int layer = vgg_graph_find(graph, w->layer);
    const int value = w->relu != NULL ? vgg_graph_find(graph, w->relu) : layer;
    const char *to = w->to_relu != NULL ? w->to_relu : w->to;
    const int end = to != NULL ? vgg_graph_find(graph, to) : 0;
    double *signal = seed_signal(w, &graph->nodes[layer].output, mode, values[value]);
    double *expected = ref_project(graph, network_source(w->network), NULL, IMAGES, values, layer,
                                   end, mode, signal);
    clvgg_projector *projector = projector_make(model, w->layer, w->to, mode, 2);
    size_t layer_count = 0;
    const size_t count = elements_of(projector, &layer_count);
    float *projections = malloc(IMAGES * count * sizeof *projections);
    float *activations = malloc(IMAGES * layer_count * sizeof *activations);
    float *ends = malloc(IMAGES * count * sizeof *ends);
    must(clvgg_projector_run(projector, IMAGES, x, w->seeds, projections, activations, ends));
    assert_true(relative_l2(activations, values[value], IMAGES * layer_count) <= 1e-5);
    assert_true(relative_l2(ends, values[end], IMAGES * count) <= 1e-5);
    double difference = 0.0, norm = 0.0;
    for (size_t i = 0; i < IMAGES * count; i++) {
        difference += pow((double)projections[i] - expected[i], 2.0);
        norm += pow(expected[i], 2.0);
    }
    assert_true(norm > 0.0); /* the reference must say something */
    const double error = sqrt(difference / norm);
    const bool exact = w->network == NETWORK_INTEGERS;
    if (!(error <= (exact ? 0.0 : 1e-4)))
        fail_msg("%s of %s, mode %d: relative error %g", w->layer, network_names[w->network],
                 (int)mode, error);
    clvgg_projector_free(projector);
    free(ends);
    free(activations);
    free(projections);
    free(expected);
    free(signal);
    ref_graph_free(graph, values);
    free(x);
    clvgg_model_free(model);
}

static void walks_follow_their_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++)
        for (int mode = CLVGG_PROJECTION_DECONV; mode <= CLVGG_PROJECTION_GRADIENT; mode++)
            check_walk(&walks[i], (clvgg_projection)mode);
}

/* A single layer of which A(x) is linear in x, or where it was when x went through it. */
typedef struct adjoint_case {
    int64_t in[3];
    vgg_layer_type type;
    vgg_attributes attributes;
} adjoint_case;

#define CONV(c, h, w, k, kh, kw, sh, sw, dh, dw, t, l, b, r, g)                                    \
    {                                                                                              \
        {c, h, w}, VGG_LAYER_CONV2D,                                                               \
        {                                                                                          \
            .conv = { k, {kh, kw}, {sh, sw}, {dh, dw}, {t, l, b, r}, g, false }                    \
        }                                                                                          \
    }
#define POOL(c, h, w, kind, ...)                                                                   \
    {                                                                                              \
        {c, h, w}, VGG_LAYER_##kind##_POOL,                                                        \
        {                                                                                          \
            .pool = { __VA_ARGS__ }                                                                \
        }                                                                                          \
    }
static const adjoint_case adjoints[] = {
    CONV(3, 9, 11, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1),
    CONV(17, 6, 5, 35, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1),
    CONV(64, 16, 16, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1),
    CONV(3, 23, 21, 24, 7, 7, 2, 2, 1, 1, 1, 1, 1, 1, 1),
    CONV(3, 35, 27, 24, 11, 11, 4, 4, 1, 1, 2, 2, 2, 2, 1),
    CONV(12, 14, 13, 20, 5, 5, 2, 2, 1, 1, 0, 0, 0, 0, 1),
    CONV(5, 9, 8, 7, 3, 2, 2, 3, 2, 1, 1, 0, 2, 1, 1),
    CONV(6, 9, 8, 4, 3, 3, 1, 1, 2, 3, 2, 3, 1, 0, 1),
    CONV(8, 7, 6, 12, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 4),
    CONV(4, 5, 6, 9, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1),
    CONV(4, 5, 6, 9, 1, 1, 2, 1, 1, 1, 2, 1, 0, 0, 1),
    POOL(5, 8, 10, MAX, {2, 2}, {2, 2}),
    POOL(17, 13, 13, MAX, {3, 3}, {2, 2}),
    POOL(3, 12, 11, MAX, {3, 3}, {2, 2}, {1, 1, 1, 1}, .ceil_mode = true),
    POOL(4, 9, 8, MAX, .adaptive = {4, 3}),
    POOL(5, 8, 10, AVG, {2, 2}, {2, 2}),
    POOL(18, 13, 12, AVG, {3, 3}, {2, 1}, {1, 1, 1, 1}, .ceil_mode = true),
    POOL(3, 12, 11, AVG, {3, 3}, {2, 2}, {1, 1, 1, 1}, .count_include_pad = true),
    POOL(4, 9, 8, AVG, .adaptive = {4, 3}),
    {{2, 5, 7}, VGG_LAYER_DENSE, {.dense = {33, false}}},
};

static clvgg_model *one_layer(const adjoint_case *c)
{
    vgg_graph *graph = NULL;
    clvgg_model *model = NULL;
    int input = 0;
    must(vgg_graph_create(c->in[0], c->in[1], c->in[2], &graph));
    if (c->type == VGG_LAYER_DENSE)
        must(vgg_graph_add(graph, "flatten", VGG_LAYER_FLATTEN, NULL, 0, &input));
    must(vgg_graph_add(graph, "layer", c->type, &c->attributes, input, NULL));
    must(vgg_model_from_graph(device.runtime, graph, network_source(NETWORK_VGG), NULL, &model));
    return model;
}

/* ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ with y = Ax, which is what a deconv walk from all units begins with. */
static void transposed_layers_are_adjoint(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof adjoints / sizeof *adjoints; i++) {
        clvgg_model *model = one_layer(&adjoints[i]);
        clvgg_projector *projector =
            projector_make(model, "layer", NULL, CLVGG_PROJECTION_DECONV, 2);
        size_t layer_count = 0;
        const size_t count = elements_of(projector, &layer_count);
        float *x = network_input(model, NETWORK_VGG, 2);
        float *y = malloc(2 * layer_count * sizeof *y), *back = malloc(2 * count * sizeof *back);
        const clvgg_seed all[2] = {{-1, -1}, {-1, -1}};
        must(clvgg_projector_run(projector, 2, x, all, back, y, NULL));
        double forward = 0.0, backward = 0.0;
        for (size_t k = 0; k < 2 * layer_count; k++)
            forward += (double)y[k] * (double)y[k];
        for (size_t k = 0; k < 2 * count; k++)
            backward += (double)x[k] * (double)back[k];
        assert_true(forward > 0.0);
        if (!(fabs(forward - backward) <= 1e-5 * forward))
            fail_msg("case %zu: %.9g forward, %.9g back", i, forward, backward);
        clvgg_projector_free(projector);
        free(back);
        free(y);
        free(x);
        clvgg_model_free(model);
    }
}

static void bits_are_the_images_own(void **state)
{
    (void)state;
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    float *x = network_input(model, NETWORK_VGG, IMAGES);
    clvgg_projector *projector =
        projector_make(model, "fc5", NULL, CLVGG_PROJECTION_GUIDED, IMAGES);
    size_t layer_count = 0;
    const size_t count = elements_of(projector, &layer_count);
    const clvgg_seed seeds[IMAGES] = {{1, -1}, {4, 0}, {-1, 0}};
    float *together = malloc(IMAGES * count * sizeof *together);
    float *alone = malloc(count * sizeof *alone);
    must(clvgg_projector_run(projector, IMAGES, x, seeds, together, NULL, NULL));
    for (int i = IMAGES - 1; i >= 0; i--) {
        must(
            clvgg_projector_run(projector, 1, x + (size_t)i * count, &seeds[i], alone, NULL, NULL));
        assert_memory_equal(alone, together + (size_t)i * count, count * sizeof *alone);
    }
    free(alone);
    free(together);
    clvgg_projector_free(projector);
    free(x);
    clvgg_model_free(model);
}

/* The words are the caller's only help. */
static void must_fail(clvgg_status status, clvgg_status expected, const char *words)
{
    assert_int_equal(status, expected);
    if (strstr(clvgg_status_message(), words) == NULL)
        fail_msg("'%s' lacks '%s'", clvgg_status_message(), words);
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    clvgg_projector *projector = NULL;
    clvgg_projector_options options;
    clvgg_projector_options_defaults(&options);
    const clvgg_seed no_map = {8, -1}, no_position = {0, 32 * 32};
    float *x = network_input(model, NETWORK_VGG, 1), projection[3 * 32 * 32];
    must_fail(clvgg_projector_create(device.device, model, "conv9", NULL, &projector),
              CLVGG_STATUS_INVALID_ARGUMENT, "there is no layer 'conv9'; there are conv1 relu1");
    must_fail(clvgg_projector_create(device.device, model, "prob", NULL, &projector),
              CLVGG_STATUS_UNSUPPORTED, "softmax");
    options.to = "relu3";
    must_fail(clvgg_projector_create(device.device, model, "conv2", &options, &projector),
              CLVGG_STATUS_INVALID_ARGUMENT, "'relu3' doesn't lead to layer 'conv2'");
    options.to = "conv8";
    must_fail(clvgg_projector_create(device.device, model, "conv2", &options, &projector),
              CLVGG_STATUS_INVALID_ARGUMENT, "'conv8'");
    assert_null(projector);
    projector = projector_make(model, "conv1", NULL, CLVGG_PROJECTION_DECONV, 1);
    must_fail(clvgg_projector_run(projector, 1, x, &no_map, projection, NULL, NULL),
              CLVGG_STATUS_INVALID_ARGUMENT, "no map 8; 'relu1' has maps 0 to 7");
    must_fail(clvgg_projector_run(projector, 1, x, &no_position, projection, NULL, NULL),
              CLVGG_STATUS_INVALID_ARGUMENT, "positions 0 to 1023");
    clvgg_projector_free(projector);
    free(x);
    clvgg_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_follow_their_definition),
        cmocka_unit_test(transposed_layers_are_adjoint),
        cmocka_unit_test(bits_are_the_images_own),
        cmocka_unit_test(what_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}

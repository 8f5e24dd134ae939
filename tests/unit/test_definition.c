/* unit/test_definition.c — elements by layers' rows against whole layers by plain loops: two
 * definitions that were written apart.
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

#include "graph/layer.h"
#include "ops/op.h"
#include "ref/ref_graph.h"
#include "ref/ref_project.h"
#include "support/networks.h"
#include "support/runtime.h"
#include "tensor/shape.h"
#include "verify/samples.h"
#include "vis/transposed_weights.h"

/* The parameters of a node's output channel. */
static void read_rows(const clvgg_model *model, network_kind kind, int index, int64_t k,
                      float *rows[VGG_VARIANCE + 1])
{
    const vgg_node *node = &model->graph->nodes[index];
    for (int p = 0; p <= VGG_VARIANCE; p++) {
        rows[p] = NULL;
        if (!vgg_node_has_parameter(node, p))
            continue;
        const clvgg_shape shape = vgg_graph_parameter_shape(model->graph, index, p);
        const uint64_t count = vgg_shape_elements(&shape) / (uint64_t)shape.dims[0];
        char name[300];
        snprintf(name, sizeof name, "%s.%s", node->name,
                 vgg_layer_of(node->type)->parameters[p].name);
        rows[p] = malloc(count * sizeof(float));
        must(network_source(kind)(NULL, name, &shape, (uint64_t)k * count, count, rows[p]));
    }
}

/* Every element of a node, given the reference's values of the node before. */
static void compare_node(const clvgg_model *model, network_kind kind, int index, float **values)
{
    const vgg_node *node = &model->graph->nodes[index];
    const clvgg_shape *input = &model->graph->nodes[node->inputs[0]].output;
    const clvgg_shape out = vgg_shape_as_image(&node->output);
    const int64_t pixels = out.dims[1] * out.dims[2];
    float *rows[VGG_VARIANCE + 1];
    for (int64_t i = 0; i < out.dims[0] * pixels; i++) {
        if (i % pixels == 0)
            read_rows(model, kind, index, i / pixels, rows);
        vgg_element element = {.node = node,
                               .input = input,
                               .x = values[node->inputs[0]],
                               .at = {i / pixels, i % pixels / out.dims[2], i % out.dims[2]}};
        for (int p = 0; p <= VGG_VARIANCE; p++)
            element.rows[p] = rows[p];
        const double value = vgg_layer_of(node->type)->element(&element);
        const double expected = (double)values[index][i];
        if (!(fabs(value - expected) <= 1e-6 * fabs(expected) + 1e-9))
            fail_msg("%s, %s, element %lld: %.9g, expected %.9g", network_names[kind], node->name,
                     (long long)i, value, expected);
        for (int p = 0; i % pixels == pixels - 1 && p <= VGG_VARIANCE; p++)
            free(rows[p]);
    }
}

static void rows_agree_with_plain_loops(void **state)
{
    (void)state;
    int compared[VGG_LAYER_TYPE_COUNT] = {0};
    for (int kind = 0; kind < NETWORK_COUNT; kind++) {
        clvgg_model *model = network_make(runtime, (network_kind)kind);
        float *x = network_input(model, (network_kind)kind, 1);
        float **values =
            ref_graph_values(model->graph, network_source((network_kind)kind), NULL, 1, x);
        for (int i = 1; i < model->graph->count; i++)
            if (vgg_layer_of(model->graph->nodes[i].type)->element != NULL) {
                compare_node(model, (network_kind)kind, i, values);
                compared[model->graph->nodes[i].type]++;
            }
        ref_graph_free(model->graph, values);
        free(x);
        clvgg_model_free(model);
    }
    /* Every layer type that files may have and that computes something was among them. */
    for (int type = 0; type < VGG_LAYER_TYPE_COUNT; type++) {
        const vgg_layer *layer = vgg_layer_of((vgg_layer_type)type);
        if (!layer->internal && !layer->alias && type != VGG_LAYER_INPUT && compared[type] == 0)
            fail_msg("no %s was compared", layer->name);
    }
}

/* ---- walks back ---- */

/* Values of a node on the way back, or its switches, of what `values` holds of those before. */
static void *compute_node(vgg_transposed_weights *weights, int index, void *const *values)
{
    const vgg_parameter_source source = vgg_transposed_weights_source(weights);
    const vgg_graph *graph = weights->reverse->graph;
    const vgg_node *node = &graph->nodes[index];
    const vgg_node *of = &graph->nodes[node->inputs[0]];
    const bool side = vgg_layer_of(node->type)->side_output;
    if (side) /* of the pooling that it reads */
        node = of, of = &graph->nodes[node->inputs[0]];
    const vgg_layer *layer = vgg_layer_of(node->type);
    const clvgg_shape out = vgg_shape_as_image(&node->output);
    const int64_t pixels = out.dims[1] * out.dims[2];
    float *result = malloc(vgg_shape_elements(&out) * sizeof *result);
    vgg_element element = {.node = node,
                           .input = &of->output,
                           .x = values[node->inputs[0]],
                           .second = node->input_count > 1 ? values[node->inputs[1]] : NULL};
    for (int64_t i = 0; i < out.dims[0] * pixels; i++) {
        float *rows[VGG_VARIANCE + 1] = {NULL};
        memcpy(element.at, (int64_t[]){i / pixels, i % pixels / out.dims[2], i % out.dims[2]},
               sizeof element.at);
        for (int p = 0; p <= VGG_VARIANCE; p++) {
            if (!vgg_node_has_parameter(node, p))
                continue;
            const clvgg_shape shape = layer->parameters[p].shape(node, &of->output);
            const uint64_t count = vgg_shape_elements(&shape) / (uint64_t)shape.dims[0];
            element.rows[p] = rows[p] = malloc(count * sizeof(float));
            must(source.read(source.user, index, p, (uint64_t)element.at[0] * count, count,
                             rows[p]));
        }
        if (side)
            ((int32_t *)(void *)result)[i] = layer->side_element(&element);
        else
            result[i] = (float)layer->element(&element);
        for (int p = 0; p <= VGG_VARIANCE; p++)
            free(rows[p]);
    }
    return result;
}

/* From a signal at a layer to the image, element by element. */
static void walk_back(const clvgg_model *model, network_kind kind, int layer, clvgg_projection mode,
                      int compared[VGG_LAYER_TYPE_COUNT])
{
    const vgg_graph *network = model->graph;
    vgg_reverse_graph reverse;
    vgg_transposed_weights weights;
    int32_t unit[2] = {-1, -1};
    must(vgg_reverse_graph_make(network, layer, 0, mode, &reverse));
    vgg_transposed_weights_init(&weights, model, &reverse);
    const int count = reverse.graph->count, seed = reverse.forward_count + 1;
    float *x = network_input(model, kind, 1);
    float **forward = ref_graph_values(network, network_source(kind), NULL, 1, x);
    void **values = calloc((size_t)count, sizeof *values);
    for (int i = 0; i < reverse.forward_count; i++)
        values[i] = forward[i];
    values[reverse.forward_count] = unit;
    for (int i = seed; i < count; i++) {
        values[i] = compute_node(&weights, i, values);
        compared[reverse.graph->nodes[i].type]++;
    }
    const size_t signals = (size_t)vgg_shape_elements(&network->nodes[layer].output);
    double *signal = malloc(signals * sizeof *signal), largest = 0;
    for (size_t i = 0; i < signals; i++)
        signal[i] = mode == CLVGG_PROJECTION_DECONV ? (double)forward[reverse.value][i] : 1;
    double *expected =
        ref_project(network, network_source(kind), NULL, 1, forward, layer, 0, mode, signal);
    const size_t pixels = (size_t)vgg_shape_elements(&network->nodes[0].output);
    const float *projection = values[reverse.projection];
    for (size_t i = 0; i < pixels; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < pixels; i++)
        if (!(fabs((double)projection[i] - expected[i]) <= 1e-5 * largest))
            fail_msg("%s, mode %d, pixel %zu: %.9g, expected %.9g", network_names[kind], (int)mode,
                     i, (double)projection[i], expected[i]);
    for (int i = seed; i < count; i++)
        free(values[i]);
    free(values);
    free(expected);
    free(signal);
    ref_graph_free(network, forward);
    free(x);
    vgg_transposed_weights_free(&weights);
    vgg_reverse_graph_free(&reverse);
}

static void walks_agree_with_plain_loops(void **state)
{
    (void)state;
    int compared[VGG_LAYER_TYPE_COUNT] = {0};
    for (int kind = 0; kind < NETWORK_COUNT; kind++) {
        clvgg_model *model = network_make(runtime, (network_kind)kind);
        const int logits = vgg_graph_find(model->graph, "logits");
        for (int mode = 0; mode <= CLVGG_PROJECTION_GRADIENT; mode++)
            if (logits > 0)
                walk_back(model, (network_kind)kind, logits, (clvgg_projection)mode, compared);
        clvgg_model_free(model);
    }
    for (int type = 0; type < VGG_LAYER_TYPE_COUNT; type++) {
        const vgg_layer *layer = vgg_layer_of((vgg_layer_type)type);
        if (layer->internal && type != VGG_LAYER_MAP_PEAK && compared[type] == 0)
            fail_msg("no %s was compared", layer->name);
    }
}

static void peaks_are_the_first_largest(void **state)
{
    (void)state;
    const float x[] = {1, 3, 3, -5, -2, NAN, 9, NAN};
    const clvgg_shape input = {3, {2, 2, 2}};
    const double expected[] = {3, 1, NAN, 1};
    for (int i = 0; i < 4; i++) {
        const vgg_element element = {.input = &input, .x = x, .at = {i / 2, 0, i % 2}};
        const double value = vgg_layer_map_peak.element(&element);
        assert_true(value == expected[i] || (isnan(value) && isnan(expected[i])));
    }
}

/* ---- samples ---- */

static void samples_reach_edges_and_channels(void **state)
{
    (void)state;
    const clvgg_shape shape = {3, {300, 40, 50}};
    vgg_samples samples;
    must(vgg_samples_choose(&shape, 2, 300, 600, 1, &samples));
    assert_true(samples.count >= 600);
    bool channels[300] = {false}, rows[40] = {false}, columns[50] = {false}, images[2] = {false};
    for (int i = 0; i < samples.count; i++) {
        const vgg_sample *sample = &samples.items[i];
        assert_in_range(sample->at[0], 0, 299);
        assert_in_range(sample->at[1], 0, 39);
        assert_in_range(sample->at[2], 0, 49);
        assert_in_range(sample->image, 0, 1);
        assert_true(i == 0 || samples.items[i - 1].at[0] <= sample->at[0]);
        channels[sample->at[0]] = rows[sample->at[1]] = columns[sample->at[2]] = true;
        images[sample->image] = true;
    }
    for (int i = 0; i < 300; i++)
        assert_true(channels[i]);
    assert_true(rows[0] && rows[1] && rows[38] && rows[39]);
    assert_true(columns[0] && columns[1] && columns[48] && columns[49]);
    assert_true(images[0] && images[1]);
    vgg_samples_free(&samples);
}

/* Of many channels: the ends, and each position of a vector of up to 64. */
static void samples_of_many_channels(void **state)
{
    (void)state;
    const clvgg_shape shape = {1, {4099}};
    vgg_samples samples;
    must(vgg_samples_choose(&shape, 1, 0, 10, 1, &samples));
    bool lanes[64] = {false}, first = false, last = false;
    for (int i = 0; i < samples.count; i++) {
        first = first || samples.items[i].at[0] == 0;
        last = last || samples.items[i].at[0] == 4098;
        lanes[samples.items[i].at[0] % 64] = true;
    }
    assert_true(first && last && samples.count < 200);
    for (int i = 0; i < 64; i++)
        assert_true(lanes[i]);
    vgg_samples_free(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_agree_with_plain_loops),
        cmocka_unit_test(walks_agree_with_plain_loops),
        cmocka_unit_test(peaks_are_the_first_largest),
        cmocka_unit_test(samples_reach_edges_and_channels),
        cmocka_unit_test(samples_of_many_channels),
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}

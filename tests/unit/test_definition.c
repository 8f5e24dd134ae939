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

#include <cmocka.h>

#include "graph/layer.h"
#include "ops/op.h"
#include "ref/ref_graph.h"
#include "support/networks.h"
#include "support/runtime.h"
#include "tensor/shape.h"
#include "verify/samples.h"

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
        cmocka_unit_test(samples_reach_edges_and_channels),
        cmocka_unit_test(samples_of_many_channels),
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}

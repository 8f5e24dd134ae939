/* unit/test_layers.c — rows of layer types, and copies of graphs whose nodes have any number of
 * inputs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph/layer.h"
#include "tensor/shape.h"

/* Pooling, its switches, another input, a seed and what undoes the pooling: nodes with none, one
 * and two inputs. */
static vgg_graph *make_walk(void)
{
    static const clvgg_shape unit = {1, {2}};
    const vgg_attributes halve = {.pool = {.kernel = {2, 2}, .stride = {2, 2}, .switches = true}};
    const vgg_attributes back = {.unpool = {halve.pool, {8, 6}}};
    const vgg_attributes ones = {.seed_ones = true};
    vgg_graph *graph;
    int pool, switches, other, seed;
    assert_int_equal(vgg_graph_create(3, 8, 6, &graph), 0);
    assert_int_equal(vgg_graph_add(graph, "pool", VGG_LAYER_MAX_POOL, &halve, 0, &pool), 0);
    assert_int_equal(vgg_graph_add(graph, "argmax", VGG_LAYER_SWITCHES, NULL, pool, &switches), 0);
    assert_int_equal(vgg_graph_add_input(graph, "unit", &unit, &other), 0);
    assert_int_equal(vgg_graph_add_pair(graph, "seed", VGG_LAYER_SEED, &ones, pool, other, &seed),
                     0);
    assert_int_equal(
        vgg_graph_add_pair(graph, "back", VGG_LAYER_UNPOOL, &back, seed, switches, NULL), 0);
    return graph;
}

static void copies_keep_all_inputs(void **state)
{
    (void)state;
    vgg_graph *graph = make_walk(), *copy, *first;
    assert_int_equal(vgg_graph_copy(graph, NULL, &copy), CLVGG_STATUS_OK);
    assert_int_equal(copy->count, graph->count);
    for (int i = 0; i < graph->count; i++) {
        const vgg_node *was = &graph->nodes[i], *is = &copy->nodes[i];
        assert_string_equal(is->name, was->name);
        assert_int_equal(is->type, was->type);
        assert_int_equal(is->input_count, was->input_count);
        for (int k = 0; k < was->input_count; k++)
            assert_int_equal(is->inputs[k], was->inputs[k]);
        assert_true(vgg_shape_equal(&is->output, &was->output));
        assert_memory_equal(&is->attributes, &was->attributes, sizeof is->attributes);
    }
    assert_int_equal(copy->nodes[5].input_count, 2);
    const vgg_graph_copy_options some = {.count = 4};
    assert_int_equal(vgg_graph_copy(graph, &some, &first), CLVGG_STATUS_OK);
    assert_int_equal(first->count, 4);
    assert_int_equal(first->nodes[3].input_count, 0);
    vgg_graph_free(first);
    vgg_graph_free(copy);
    vgg_graph_free(graph);
}

/* For walks, poolings keep their switches, and nothing else changes. */
static void copies_for_walks_keep_switches(void **state)
{
    (void)state;
    vgg_graph *graph, *copy;
    const int64_t head[3] = {4, 4, 2};
    const vgg_graph_copy_options forward = {.count = 6, .for_walks = true};
    assert_int_equal(vgg_graph_build_vgg("vgg11", 3, 32, 32, head, &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_copy(graph, &forward, &copy), CLVGG_STATUS_OK);
    assert_int_equal(copy->nodes[3].type, VGG_LAYER_MAX_POOL);
    assert_false(graph->nodes[3].attributes.pool.switches);
    assert_true(copy->nodes[3].attributes.pool.switches);
    assert_memory_equal(&graph->nodes[4].attributes, &copy->nodes[4].attributes,
                        sizeof copy->nodes[4].attributes);
    vgg_graph_free(copy);
    vgg_graph_free(graph);
}

/* What is told of a layer in one field of its row goes with what is told in others. */
static void rows_of_layers_agree(void **state)
{
    (void)state;
    vgg_layer_type type;
    for (int i = 0; i < VGG_LAYER_TYPE_COUNT; i++) {
        const vgg_layer *layer = vgg_layer_of((vgg_layer_type)i);
        if (layer->internal) {
            assert_false(vgg_layer_type_from_name(layer->name, &type));
        } else {
            assert_true(vgg_layer_type_from_name(layer->name, &type));
            assert_int_equal(type, i);
        }
        assert_int_equal(layer->infer == NULL, i == VGG_LAYER_INPUT);
        assert_int_equal(layer->further_inputs > 0, layer->takes_further != NULL);
        assert_true(layer->further_inputs < VGG_MOST_INPUTS);
        assert_true(layer->as_convolution == NULL || layer->parameter_count > VGG_WEIGHT);
        assert_true(layer->fuses == 0 || layer->as_convolution != NULL);
        assert_true(layer->window == NULL || !layer->reads_all);
        assert_true(!layer->alias || layer->step_back != NULL);
    }
    for (int a = CLVGG_ACTIVATION_RELU; a <= CLVGG_ACTIVATION_SIGMOID; a++) {
        assert_true(vgg_layer_type_of_activation((clvgg_activation)a, &type));
        assert_int_equal(vgg_layer_of(type)->activation->head, a);
        assert_true(vgg_layer_of(type)->activation->function > 0);
    }
    assert_false(vgg_layer_type_of_activation((clvgg_activation)99, &type));
}

/* They are in fingerprints and cached results of older versions. */
static void layer_types_keep_their_numbers(void **state)
{
    (void)state;
    static const char *const names[] = {
        "input",     "conv2d",   "max_pool", "avg_pool",   "dense",          "flatten",
        "relu",      "sigmoid",  "tanh",     "softmax",    "dropout",        "local_response_norm",
        "switches",  "seed",     "unpool",   "avg_unpool", "col2im",         "activation_grad",
        "unflatten", "lrn_grad", "map_peak", "batch_norm", "batch_norm_grad",
        "quantize"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(vgg_layer_type_name((vgg_layer_type)i), names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_keep_all_inputs),
        cmocka_unit_test(copies_for_walks_keep_switches),
        cmocka_unit_test(rows_of_layers_agree),
        cmocka_unit_test(layer_types_keep_their_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* graph/graph.c — the list of nodes: adding with validation, finding, counting.
 *
 * Everything that depends on the layer type is asked of its row in layer_table.c.
 */
#include "graph/graph.h"

#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "tensor/shape.h"

/* Extents and element count within the caps; so every later product of them fits 64 bits. */
static clvgg_status check_size(const vgg_node *node, const char *what, const clvgg_shape *shape)
{
    char text[128];
    uint64_t count = 0;
    bool fits = vgg_shape_count(shape, &count) && count <= VGG_MAX_ELEMENTS;
    for (int i = 0; i < shape->rank; i++)
        fits = fits && shape->dims[i] >= 1 && shape->dims[i] <= VGG_MAX_DIM;
    if (!fits)
        return vgg_layer_fail(node, CLVGG_STATUS_INVALID_ARGUMENT,
                              "%s %s is too large: at most %lld a dimension and 2^40 elements",
                              what, vgg_shape_text(shape, text, sizeof text),
                              (long long)VGG_MAX_DIM);
    return CLVGG_STATUS_OK;
}

static clvgg_status check_name(const vgg_graph *graph, const char *name)
{
    size_t length = strlen(name);
    VGG_CHECK(length >= 1 && length <= VGG_MAX_NAME_LENGTH, CLVGG_STATUS_INVALID_ARGUMENT,
              "a layer's name has %zu bytes, must have 1 to %d", length, VGG_MAX_NAME_LENGTH);
    for (size_t i = 0; i < length; i++)
        VGG_CHECK((unsigned char)name[i] >= 0x20 && name[i] != 0x7F, CLVGG_STATUS_INVALID_ARGUMENT,
                  "layer %d: its name has a control character at byte %zu", graph->count, i);
    for (int i = 0; i < graph->count; i++)
        VGG_CHECK(strcmp(graph->nodes[i].name, name) != 0, CLVGG_STATUS_INVALID_ARGUMENT,
                  "two layers have the name '%s'", name);
    return CLVGG_STATUS_OK;
}

static clvgg_status reserve_node(vgg_graph *graph)
{
    VGG_GROW_PASS(graph->nodes, graph->count, graph->capacity, 64);
    return CLVGG_STATUS_OK;
}

/* Shape, parameters and work of a node whose input is known. */
static clvgg_status infer_node(vgg_node *node, const clvgg_shape *input)
{
    const vgg_layer *layer = vgg_layer_of(node->type);
    VGG_PASS(layer->infer(node, input, &node->output));
    VGG_PASS(check_size(node, "output", &node->output));
    for (int p = 0; p < layer->parameter_count; p++) {
        const clvgg_shape parameter = layer->parameters[p].shape(node, input);
        VGG_PASS(check_size(node, layer->parameters[p].name, &parameter));
    }
    if (layer->as_convolution != NULL) {
        const clvgg_shape weight = layer->parameters[VGG_WEIGHT].shape(node, input);
        const uint64_t each = vgg_shape_elements(&weight) / (uint64_t)weight.dims[0];
        if (each > VGG_MAX_LAYER_FLOPS / 2 / vgg_shape_elements(&node->output))
            return vgg_layer_fail(node, CLVGG_STATUS_INVALID_ARGUMENT,
                                  "more than 2^49 floating-point operations an image");
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_graph_create(int64_t channels, int64_t height, int64_t width, vgg_graph **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *graph = NULL;
    *out = NULL;
    vgg_node input = {.name = "input",
                      .type = VGG_LAYER_INPUT,
                      .inputs = {-1, -1},
                      .output = {3, {channels, height, width}}};
    char text[128];
    VGG_REQUIRE(channels >= 1 && height >= 1 && width >= 1, CLVGG_STATUS_INVALID_ARGUMENT,
                "input %s: every dimension must be at least 1",
                vgg_shape_text(&input.output, text, sizeof text));
    VGG_TRY(check_size(&input, "shape", &input.output));
    VGG_NEW(graph, 1);
    VGG_TRY(reserve_node(graph));
    VGG_DUP(input.name, "input");
    graph->nodes[graph->count++] = input;
    VGG_GIVE(out, graph);
cleanup:
    vgg_graph_free(graph);
    return status;
}

void vgg_graph_free(vgg_graph *graph)
{
    if (graph == NULL)
        return;
    for (int i = 0; i < graph->count; i++)
        vgg_free(graph->nodes[i].name);
    vgg_free(graph->nodes);
    vgg_free(graph);
}

clvgg_status vgg_graph_add(vgg_graph *graph, const char *name, vgg_layer_type type,
                           const vgg_attributes *attributes, int input, int *index)
{
    return vgg_graph_add_pair(graph, name, type, attributes, input, -1, index);
}

/* All inputs are nodes before it, and there are as many as the type has. */
static clvgg_status check_inputs(const vgg_graph *graph, const vgg_node *node)
{
    const vgg_layer *layer = vgg_layer_of(node->type);
    char first[64], further[64];
    VGG_CHECK(node->input_count == 1 + layer->further_inputs, CLVGG_STATUS_INVALID_ARGUMENT,
              "layer '%s': %d inputs, a %s has %d", node->name, node->input_count, layer->name,
              1 + layer->further_inputs);
    for (int i = 0; i < node->input_count; i++)
        VGG_CHECK(node->inputs[i] >= 0 && node->inputs[i] < graph->count,
                  CLVGG_STATUS_INVALID_ARGUMENT,
                  "layer '%s': input %d is none of the %d layers before it", node->name,
                  node->inputs[i], graph->count);
    const clvgg_shape *in = &graph->nodes[node->inputs[0]].output;
    for (int i = 1; i < node->input_count; i++) {
        const clvgg_shape *other = &graph->nodes[node->inputs[i]].output;
        VGG_CHECK(layer->takes_further(in, other), CLVGG_STATUS_SHAPE_MISMATCH,
                  "layer '%s': a further input of %s doesn't go with %s", node->name,
                  vgg_shape_text(other, further, sizeof further),
                  vgg_shape_text(in, first, sizeof first));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_graph_add_pair(vgg_graph *graph, const char *name, vgg_layer_type type,
                                const vgg_attributes *attributes, int input, int second, int *index)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_node node = {.type = type, .inputs = {input, second}, .input_count = second == -1 ? 1 : 2};
    VGG_TRY(check_name(graph, name));
    VGG_REQUIRE(type > VGG_LAYER_INPUT && type < VGG_LAYER_TYPE_COUNT,
                CLVGG_STATUS_INVALID_ARGUMENT, "layer '%s': type %d can't be added", name,
                (int)type);
    VGG_REQUIRE(graph->count < VGG_MAX_NODES, CLVGG_STATUS_INVALID_ARGUMENT,
                "layer '%s': a network has at most %d layers", name, VGG_MAX_NODES);
    VGG_REQUIRE(attributes != NULL || vgg_layer_of(type)->field_count == 0,
                CLVGG_STATUS_INVALID_ARGUMENT, "layer '%s': a %s needs attributes", name,
                vgg_layer_type_name(type));
    VGG_DUP(node.name, name);
    VGG_TRY(check_inputs(graph, &node));
    VGG_TRY(reserve_node(graph));
    if (attributes != NULL)
        node.attributes = *attributes;
    VGG_TRY(infer_node(&node, &graph->nodes[input].output));
    if (index != NULL)
        *index = graph->count;
    graph->nodes[graph->count++] = node;
    node.name = NULL;
cleanup:
    vgg_free(node.name);
    return status;
}

clvgg_status vgg_graph_add_input(vgg_graph *graph, const char *name, const clvgg_shape *shape,
                                 int *index)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_node node = {.type = VGG_LAYER_INPUT, .inputs = {-1, -1}, .output = *shape};
    VGG_TRY(check_name(graph, name));
    VGG_DUP(node.name, name);
    VGG_TRY(check_size(&node, "shape", shape));
    VGG_TRY(reserve_node(graph));
    *index = graph->count;
    graph->nodes[graph->count++] = node;
    node.name = NULL;
cleanup:
    vgg_free(node.name);
    return status;
}

static clvgg_status copy_node(const vgg_node *node, bool for_walks, vgg_graph *to)
{
    const vgg_layer *layer = vgg_layer_of(node->type);
    vgg_attributes attributes = node->attributes;
    int index;
    if (node->input_count == 0)
        return vgg_graph_add_input(to, node->name, &node->output, &index);
    if (for_walks && layer->keep_for_walks != NULL)
        layer->keep_for_walks(&attributes);
    return vgg_graph_add_pair(to, node->name, node->type, &attributes, node->inputs[0],
                              node->inputs[1], NULL);
}

clvgg_status vgg_graph_copy(const vgg_graph *graph, const vgg_graph_copy_options *options,
                            vgg_graph **out)
{
    static const vgg_graph_copy_options whole = {0};
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *copy = NULL;
    const vgg_graph_copy_options *o = options != NULL ? options : &whole;
    const int count = o->count > 0 ? o->count : graph->count;
    const int64_t *dims = graph->nodes[0].output.dims;
    const int64_t *extent = o->extent[0] != 0 || o->extent[1] != 0 ? o->extent : dims + 1;
    *out = NULL;
    VGG_TRY(vgg_graph_create(dims[0], extent[0], extent[1], &copy));
    for (int i = 1; i < count; i++)
        VGG_TRY(copy_node(&graph->nodes[i], o->for_walks, copy));
    VGG_GIVE(out, copy);
cleanup:
    vgg_graph_free(copy);
    return status;
}

static bool gives_probabilities(const vgg_node *node)
{
    return vgg_layer_of(node->type)->probabilities;
}

int vgg_graph_find(const vgg_graph *graph, const char *name)
{
    for (int i = graph->count - 1; i >= 0; i--)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return i;
    const int softmax = vgg_graph_last(graph, gives_probabilities);
    if (strcmp(name, "prob") == 0)
        return softmax > 0 ? softmax : -1;
    if (strcmp(name, "logits") != 0)
        return -1;
    const int dense = vgg_graph_last(graph, vgg_node_is_dense);
    if (dense > 0)
        return dense;
    return softmax > 0 ? graph->nodes[softmax].inputs[0] : -1;
}

bool vgg_node_has_parameter(const vgg_node *node, int parameter)
{
    const vgg_layer *layer = vgg_layer_of(node->type);
    if (parameter < 0 || parameter >= layer->parameter_count)
        return false;
    return layer->parameters[parameter].is_there == NULL ||
           layer->parameters[parameter].is_there(node);
}

clvgg_shape vgg_graph_parameter_shape(const vgg_graph *graph, int index, int parameter)
{
    const vgg_node *node = &graph->nodes[index];
    if (!vgg_node_has_parameter(node, parameter))
        return (clvgg_shape){0};
    return vgg_layer_of(node->type)
        ->parameters[parameter]
        .shape(node, &graph->nodes[node->inputs[0]].output);
}

uint64_t vgg_graph_node_parameters(const vgg_graph *graph, int index)
{
    const vgg_node *node = &graph->nodes[index];
    uint64_t count = 0;
    for (int p = 0; p < vgg_layer_of(node->type)->parameter_count; p++) {
        const clvgg_shape shape = vgg_graph_parameter_shape(graph, index, p);
        count += vgg_node_has_parameter(node, p) ? vgg_shape_elements(&shape) : 0;
    }
    return count;
}

uint64_t vgg_graph_node_flops(const vgg_graph *graph, int index)
{
    const vgg_node *node = &graph->nodes[index];
    if (vgg_layer_of(node->type)->as_convolution == NULL)
        return 0;
    const clvgg_shape weight = vgg_graph_parameter_shape(graph, index, VGG_WEIGHT);
    const uint64_t each = vgg_shape_elements(&weight) / (uint64_t)weight.dims[0];
    return 2 * each * vgg_shape_elements(&node->output);
}

void vgg_node_describe(const vgg_node *node, char *text, size_t capacity)
{
    const vgg_layer *layer = vgg_layer_of(node->type);
    if (capacity == 0)
        return;
    text[0] = '\0';
    if (layer->describe != NULL)
        layer->describe(node, text, capacity);
}

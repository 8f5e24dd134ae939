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
    clvgg_status status = CLVGG_STATUS_OK;
    size_t length = strlen(name);
    VGG_REQUIRE(length >= 1 && length <= VGG_MAX_NAME_LENGTH, CLVGG_STATUS_INVALID_ARGUMENT,
                "a layer's name has %zu bytes, must have 1 to %d", length, VGG_MAX_NAME_LENGTH);
    for (size_t i = 0; i < length; i++)
        VGG_REQUIRE((unsigned char)name[i] >= 0x20 && name[i] != 0x7F,
                    CLVGG_STATUS_INVALID_ARGUMENT,
                    "layer %d: its name has a control character at byte %zu", graph->count, i);
    for (int i = 0; i < graph->count; i++)
        VGG_REQUIRE(strcmp(graph->nodes[i].name, name) != 0, CLVGG_STATUS_INVALID_ARGUMENT,
                    "two layers have the name '%s'", name);
cleanup:
    return status;
}

static clvgg_status reserve_node(vgg_graph *graph)
{
    if (graph->count < graph->capacity)
        return CLVGG_STATUS_OK;
    int capacity = graph->capacity > 0 ? 2 * graph->capacity : 64;
    vgg_node *nodes = vgg_realloc(graph->nodes, (size_t)capacity, sizeof *nodes);
    if (nodes == NULL)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    graph->nodes = nodes;
    graph->capacity = capacity;
    return CLVGG_STATUS_OK;
}

/* Shape, parameters and work of a node whose input is known. */
static clvgg_status infer_node(vgg_node *node, const clvgg_shape *input)
{
    const vgg_layer *layer = vgg_layer_of(node->type);
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_TRY(layer->infer(node, input, &node->output));
    VGG_TRY(check_size(node, "output", &node->output));
    if (layer->weight_shape != NULL) {
        clvgg_shape weight = layer->weight_shape(node, input);
        VGG_TRY(check_size(node, "weight", &weight));
        uint64_t each = vgg_shape_elements(&weight) / (uint64_t)weight.dims[0];
        if (each > VGG_MAX_LAYER_FLOPS / 2 / vgg_shape_elements(&node->output))
            return vgg_layer_fail(node, CLVGG_STATUS_INVALID_ARGUMENT,
                                  "more than 2^49 floating-point operations an image");
    }
cleanup:
    return status;
}

clvgg_status vgg_graph_create(int64_t channels, int64_t height, int64_t width, vgg_graph **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *graph = NULL;
    *out = NULL;
    vgg_node input = {.name = "input",
                      .type = VGG_LAYER_INPUT,
                      .input = -1,
                      .second = -1,
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
    *out = graph;
    graph = NULL;
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

/* Both inputs are nodes before it, and there are as many as the type has. */
static clvgg_status check_inputs(const vgg_graph *graph, const vgg_node *node)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_layer *layer = vgg_layer_of(node->type);
    char first[64], second[64];
    VGG_REQUIRE(node->input >= 0 && node->input < graph->count, CLVGG_STATUS_INVALID_ARGUMENT,
                "layer '%s': input %d is none of the %d layers before it", node->name, node->input,
                graph->count);
    VGG_REQUIRE((layer->takes_second != NULL) == (node->second >= 0) && node->second < graph->count,
                CLVGG_STATUS_INVALID_ARGUMENT, "layer '%s': second input %d of %d layers before it",
                node->name, node->second, graph->count);
    if (node->second < 0)
        goto cleanup;
    const clvgg_shape *in = &graph->nodes[node->input].output;
    const clvgg_shape *other = &graph->nodes[node->second].output;
    VGG_REQUIRE(layer->takes_second(in, other), CLVGG_STATUS_SHAPE_MISMATCH,
                "layer '%s': a second input of %s doesn't go with %s", node->name,
                vgg_shape_text(other, second, sizeof second),
                vgg_shape_text(in, first, sizeof first));
cleanup:
    return status;
}

clvgg_status vgg_graph_add_pair(vgg_graph *graph, const char *name, vgg_layer_type type,
                                const vgg_attributes *attributes, int input, int second, int *index)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_node node = {.type = type, .input = input, .second = second};
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
    vgg_node node = {.type = VGG_LAYER_INPUT, .input = -1, .second = -1, .output = *shape};
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

clvgg_status vgg_graph_resize(const vgg_graph *graph, int64_t height, int64_t width,
                              vgg_graph **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *resized = NULL;
    *out = NULL;
    VGG_TRY(vgg_graph_create(graph->nodes[0].output.dims[0], height, width, &resized));
    for (int i = 1; i < graph->count; i++) {
        const vgg_node *node = &graph->nodes[i];
        VGG_TRY(
            vgg_graph_add(resized, node->name, node->type, &node->attributes, node->input, NULL));
    }
    *out = resized;
    resized = NULL;
cleanup:
    vgg_graph_free(resized);
    return status;
}

static int last_of_type(const vgg_graph *graph, vgg_layer_type type)
{
    int i = graph->count - 1;
    while (i >= 0 && graph->nodes[i].type != type)
        i--;
    return i;
}

int vgg_graph_find(const vgg_graph *graph, const char *name)
{
    for (int i = graph->count - 1; i >= 0; i--)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return i;
    int softmax = last_of_type(graph, VGG_LAYER_SOFTMAX);
    if (strcmp(name, "prob") == 0)
        return softmax;
    if (strcmp(name, "logits") != 0)
        return -1;
    int dense = last_of_type(graph, VGG_LAYER_DENSE);
    if (dense >= 0)
        return dense;
    return softmax >= 0 ? graph->nodes[softmax].input : -1;
}

bool vgg_node_has_weight(const vgg_node *node)
{
    return vgg_layer_of(node->type)->weight_shape != NULL;
}

bool vgg_node_has_bias(const vgg_node *node)
{
    const vgg_layer *layer = vgg_layer_of(node->type);
    return layer->has_bias != NULL && layer->has_bias(node);
}

clvgg_shape vgg_graph_weight_shape(const vgg_graph *graph, int index)
{
    const vgg_node *node = &graph->nodes[index];
    if (!vgg_node_has_weight(node))
        return (clvgg_shape){0};
    return vgg_layer_of(node->type)->weight_shape(node, &graph->nodes[node->input].output);
}

clvgg_shape vgg_graph_bias_shape(const vgg_graph *graph, int index)
{
    const vgg_node *node = &graph->nodes[index];
    if (!vgg_node_has_bias(node))
        return (clvgg_shape){0};
    return (clvgg_shape){1, {node->output.dims[0]}};
}

uint64_t vgg_graph_node_parameters(const vgg_graph *graph, int index)
{
    const vgg_node *node = &graph->nodes[index];
    clvgg_shape weight = vgg_graph_weight_shape(graph, index);
    uint64_t count = vgg_node_has_weight(node) ? vgg_shape_elements(&weight) : 0;
    return count + (vgg_node_has_bias(node) ? (uint64_t)node->output.dims[0] : 0);
}

uint64_t vgg_graph_node_flops(const vgg_graph *graph, int index)
{
    const vgg_node *node = &graph->nodes[index];
    if (!vgg_node_has_weight(node))
        return 0;
    clvgg_shape weight = vgg_graph_weight_shape(graph, index);
    uint64_t each = vgg_shape_elements(&weight) / (uint64_t)weight.dims[0];
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

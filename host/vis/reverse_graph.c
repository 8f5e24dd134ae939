/* vis/reverse_graph.c — forward nodes, the seed, then one step back a layer. */
#include "vis/reverse_graph.h"

#include <stdio.h>

#include "base/alloc.h"
#include "tensor/shape.h"

enum { NAME_CAPACITY = 300 };

typedef struct walk {
    vgg_reverse_graph *reverse;
    vgg_graph *graph;
    clvgg_projection mode;
    int signal; /* node whose value is what came back so far */
} walk;

static const char *name_of(const char *prefix, const vgg_node *node, char name[NAME_CAPACITY])
{
    snprintf(name, NAME_CAPACITY, "%s %s", prefix, node->name);
    return name;
}

static clvgg_status add(walk *w, const char *prefix, int at, vgg_layer_type type,
                        const vgg_attributes *attributes, int second)
{
    char name[NAME_CAPACITY];
    return vgg_graph_add_pair(w->graph, name_of(prefix, &w->graph->nodes[at], name), type,
                              attributes, w->signal, second, &w->signal);
}

/* The ReLU that reads a node, or the node itself. */
static int behind_relu(const vgg_graph *graph, int node)
{
    for (int i = node + 1; i < graph->count; i++)
        if (graph->nodes[i].input == node && graph->nodes[i].type == VGG_LAYER_RELU)
            return i;
    return node;
}

static bool is_on_the_way(const vgg_graph *graph, int from, int node)
{
    while (from > node)
        from = graph->nodes[from].input;
    return from == node;
}

static clvgg_status copy_forward(const vgg_graph *network, int count, vgg_graph **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int64_t *dims = network->nodes[0].output.dims;
    VGG_TRY(vgg_graph_create(dims[0], dims[1], dims[2], out));
    for (int i = 1; i < count; i++) {
        const vgg_node *node = &network->nodes[i];
        vgg_attributes attributes = node->attributes;
        if (node->type == VGG_LAYER_MAX_POOL)
            attributes.pool.switches = true;
        VGG_TRY(vgg_graph_add(*out, node->name, node->type, &attributes, node->input, NULL));
    }
cleanup:
    return status;
}

/* A stride of 1 makes the transposed convolution one with the window turned round. */
static bool turns_round(const vgg_conv_attributes *conv)
{
    bool turns = conv->groups == 1;
    for (int axis = 0; axis < 2; axis++) {
        const int64_t reach = conv->dilation[axis] * (conv->kernel[axis] - 1);
        turns = turns && conv->stride[axis] == 1 && conv->pad[axis] <= reach &&
                conv->pad[axis + 2] <= reach;
    }
    return turns;
}

/* Goes back through a convolution: as a convolution where the window can be turned round, else by
 * spreading each value over its window (a 1×1 convolution makes the windows, col2im adds them). */
static clvgg_status conv_back(walk *w, int at)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_node *node = &w->graph->nodes[at];
    const clvgg_shape in = w->graph->nodes[node->input].output;
    const vgg_conv_attributes conv = node->attributes.conv;
    vgg_attributes attributes = {.conv = conv};
    attributes.conv.bias = false;
    attributes.conv.out_channels = in.dims[0];
    if (turns_round(&conv)) {
        for (int side = 0; side < 4; side++)
            attributes.conv.pad[side] =
                conv.dilation[side % 2] * (conv.kernel[side % 2] - 1) - conv.pad[side];
        VGG_TRY(add(w, "transposed", at, VGG_LAYER_CONV2D, &attributes, -1));
        w->reverse->origin[w->signal] = at;
        goto cleanup;
    }
    attributes.conv = (vgg_conv_attributes){
        .out_channels = in.dims[0] * conv.kernel[0] * conv.kernel[1],
        .kernel = {1, 1},
        .stride = {1, 1},
        .dilation = {1, 1},
        .groups = 1,
    };
    VGG_TRY(add(w, "transposed", at, VGG_LAYER_CONV2D, &attributes, -1));
    w->reverse->origin[w->signal] = at;
    attributes.col2im = (vgg_col2im_attributes){conv, in.dims[0], {in.dims[1], in.dims[2]}};
    VGG_TRY(add(w, "windows of", at, VGG_LAYER_COL2IM, &attributes, -1));
cleanup:
    return status;
}

static clvgg_status dense_back(walk *w, int at)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_shape *in = &w->graph->nodes[w->graph->nodes[at].input].output;
    const vgg_attributes attributes = {.dense = {(int64_t)vgg_shape_elements(in), false}};
    VGG_TRY(add(w, "transposed", at, VGG_LAYER_DENSE, &attributes, -1));
    w->reverse->origin[w->signal] = at;
cleanup:
    return status;
}

static clvgg_status pool_back(walk *w, int at)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_node *node = &w->graph->nodes[at];
    const int64_t *in = w->graph->nodes[node->input].output.dims;
    const vgg_attributes attributes = {.unpool = {node->attributes.pool, {in[1], in[2]}}};
    int switches = -1;
    char name[NAME_CAPACITY];
    if (node->type == VGG_LAYER_AVG_POOL)
        return add(w, "unpooled", at, VGG_LAYER_AVG_UNPOOL, &attributes, -1);
    VGG_TRY(vgg_graph_add(w->graph, name_of("switches of", node, name), VGG_LAYER_SWITCHES, NULL,
                          at, &switches));
    VGG_TRY(add(w, "unpooled", at, VGG_LAYER_UNPOOL, &attributes, switches));
cleanup:
    return status;
}

static clvgg_status activation_back(walk *w, int at)
{
    const vgg_layer_type type = w->graph->nodes[at].type;
    if (type == VGG_LAYER_RELU && w->mode == CLVGG_PROJECTION_DECONV)
        return add(w, "rectified", at, VGG_LAYER_RELU, NULL, -1);
    const vgg_attributes attributes = {.slope = type == VGG_LAYER_SIGMOID ? VGG_SLOPE_SIGMOID
                                                : type == VGG_LAYER_TANH  ? VGG_SLOPE_TANH
                                                : w->mode == CLVGG_PROJECTION_GUIDED
                                                    ? VGG_SLOPE_GUIDED
                                                    : VGG_SLOPE_RELU};
    return add(w, "slope of", at, VGG_LAYER_ACTIVATION_GRAD, &attributes, at);
}

/* Zeiler & Fergus leave the signal as it is. */
static clvgg_status norm_back(walk *w, int at)
{
    const vgg_attributes attributes = w->graph->nodes[at].attributes;
    if (w->mode == CLVGG_PROJECTION_DECONV)
        return CLVGG_STATUS_OK;
    return add(w, "through", at, VGG_LAYER_LRN_GRAD, &attributes, w->graph->nodes[at].input);
}

static clvgg_status flatten_back(walk *w, int at)
{
    const clvgg_shape *in = &w->graph->nodes[w->graph->nodes[at].input].output;
    if (in->rank != 3)
        return CLVGG_STATUS_OK;
    const vgg_attributes attributes = {.unflatten = {in->dims[0], in->dims[1], in->dims[2]}};
    return add(w, "image of", at, VGG_LAYER_UNFLATTEN, &attributes, -1);
}

/* Adds the nodes that lead from a node's output back to its input. */
static clvgg_status step_back(walk *w, int at)
{
    switch (w->graph->nodes[at].type) {
    case VGG_LAYER_CONV2D:
        return conv_back(w, at);
    case VGG_LAYER_DENSE:
        return dense_back(w, at);
    case VGG_LAYER_MAX_POOL:
    case VGG_LAYER_AVG_POOL:
        return pool_back(w, at);
    case VGG_LAYER_RELU:
    case VGG_LAYER_SIGMOID:
    case VGG_LAYER_TANH:
        return activation_back(w, at);
    case VGG_LAYER_FLATTEN:
        return flatten_back(w, at);
    case VGG_LAYER_LOCAL_RESPONSE_NORM:
        return norm_back(w, at);
    case VGG_LAYER_DROPOUT:
        return CLVGG_STATUS_OK;
    default:
        return vgg_fail(
            CLVGG_STATUS_UNSUPPORTED, "layer '%s': projections can't go back through %s%s",
            w->graph->nodes[at].name, vgg_layer_type_name(w->graph->nodes[at].type),
            w->graph->nodes[at].type == VGG_LAYER_SOFTMAX ? "; begin at the layer before it" : "");
    }
}

static clvgg_status add_seed(walk *w, int value)
{
    clvgg_status status = CLVGG_STATUS_OK;
    static const clvgg_shape unit = {1, {2}};
    const vgg_attributes attributes = {.seed_ones = w->mode != CLVGG_PROJECTION_DECONV};
    int unit_node = -1;
    VGG_TRY(vgg_graph_add_input(w->graph, "unit to project", &unit, &unit_node));
    w->signal = value;
    VGG_TRY(add(w, "seed in", value, VGG_LAYER_SEED, &attributes, unit_node));
cleanup:
    return status;
}

clvgg_status vgg_reverse_graph_make(const vgg_graph *network, int layer, int end,
                                    clvgg_projection mode, vgg_reverse_graph *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    *out = (vgg_reverse_graph){.value = behind_relu(network, layer)};
    walk w = {.reverse = out, .mode = mode};
    const int relu = behind_relu(network, end);
    if (end > 0 && relu < layer && is_on_the_way(network, layer, relu))
        end = relu;
    VGG_REQUIRE(end < layer && is_on_the_way(network, layer, end), CLVGG_STATUS_INVALID_ARGUMENT,
                "layer '%s' doesn't lead to layer '%s'", network->nodes[end].name,
                network->nodes[layer].name);
    out->end_value = end;
    out->forward_count = out->value + 1;
    VGG_TRY(copy_forward(network, out->forward_count, &out->graph));
    w.graph = out->graph;
    const size_t most = (size_t)out->forward_count * 3 + 2; /* three nodes a step, the seed's two */
    VGG_NEW(out->origin, most);
    for (size_t i = 0; i < most; i++)
        out->origin[i] = -1;
    VGG_TRY(add_seed(&w, out->value));
    for (int at = layer; at != end; at = w.graph->nodes[at].input)
        VGG_TRY(step_back(&w, at));
    out->projection = w.signal;
cleanup:
    if (status != CLVGG_STATUS_OK)
        vgg_reverse_graph_free(out);
    return status;
}

void vgg_reverse_graph_free(vgg_reverse_graph *reverse)
{
    vgg_graph_free(reverse->graph);
    vgg_free(reverse->origin);
    *reverse = (vgg_reverse_graph){0};
}

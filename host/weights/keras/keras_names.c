/* weights/keras/keras_names.c — canonical names for the layers of a VGG: conv1_1 relu1_1 … pool5
 * flatten fc6 relu6 drop6 … fc8 prob, with bn1_1 where it has batch norm.
 */
#include "weights/keras/keras.h"

#ifdef VGG_KERAS_IS_READ
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

typedef char layer_name[24];

static bool is_block_convolution(const vgg_node *node)
{
    static const int64_t three[2] = {3, 3}, one[2] = {1, 1}, pad[4] = {1, 1, 1, 1};
    const vgg_conv_attributes *conv = &node->attributes.conv;
    return node->type == VGG_LAYER_CONV2D && conv->groups == 1 &&
           memcmp(conv->kernel, three, sizeof three) == 0 &&
           memcmp(conv->stride, one, sizeof one) == 0 &&
           memcmp(conv->dilation, one, sizeof one) == 0 && memcmp(conv->pad, pad, sizeof pad) == 0;
}

static bool is_halving(const vgg_node *node)
{
    const vgg_pool_attributes *pool = &node->attributes.pool;
    return node->type == VGG_LAYER_MAX_POOL && pool->kernel[0] == 2 && pool->kernel[1] == 2 &&
           pool->stride[0] == 2 && pool->stride[1] == 2 && pool->adaptive[0] == 0;
}

/* Names one convolution with what belongs to it; returns the node behind, or 0. */
static int name_convolution(const vgg_graph *graph, int at, int block, int part, layer_name *names)
{
    bool rectified = false, normalised = false;
    if (at >= graph->count || !is_block_convolution(&graph->nodes[at]))
        return 0;
    snprintf(names[at++], sizeof *names, "conv%d_%d", block, part);
    for (; at < graph->count; at++) {
        const vgg_layer_type type = graph->nodes[at].type;
        if (type == VGG_LAYER_RELU && !rectified)
            rectified = true;
        else if (type == VGG_LAYER_BATCH_NORM && !normalised)
            normalised = true;
        else
            break;
        snprintf(names[at], sizeof *names, "%s%d_%d", type == VGG_LAYER_RELU ? "relu" : "bn", block,
                 part);
    }
    return rectified ? at : 0;
}

/* Names the five blocks of an architecture; returns the node behind, or 0. */
static int name_blocks(const vgg_graph *graph, const int *blocks, layer_name *names)
{
    int at = 1;
    for (int block = 1; block <= 5; block++) {
        for (int part = 1; part <= blocks[block - 1]; part++) {
            at = name_convolution(graph, at, block, part, names);
            if (at == 0)
                return 0;
        }
        while (at < graph->count && graph->nodes[at].type == VGG_LAYER_DROPOUT)
            at++; /* keeps its name */
        if (at >= graph->count || !is_halving(&graph->nodes[at]))
            return 0;
        snprintf(names[at++], sizeof *names, "pool%d", block);
    }
    return at;
}

/* Up to three dense layers: those in front are fc6 and fc7, the last is fc8. */
static void name_head(const vgg_graph *graph, int at, layer_name *names)
{
    int dense = 0, number = 0;
    for (int i = at; i < graph->count; i++)
        dense += graph->nodes[i].type == VGG_LAYER_DENSE;
    for (int i = at, seen = 0; dense <= 3 && i < graph->count; i++) {
        const vgg_layer_type type = graph->nodes[i].type;
        if (type == VGG_LAYER_DENSE) {
            number = ++seen == dense ? 8 : 5 + seen;
            snprintf(names[i], sizeof *names, "fc%d", number);
        } else if (type == VGG_LAYER_FLATTEN && seen == 0) {
            snprintf(names[i], sizeof *names, "flatten");
        } else if (type == VGG_LAYER_SOFTMAX && i == graph->count - 1) {
            snprintf(names[i], sizeof *names, "prob");
        } else if (seen > 0 && type == VGG_LAYER_RELU) {
            snprintf(names[i], sizeof *names, "relu%d", number);
        } else if (seen > 0 && type == VGG_LAYER_DROPOUT) {
            snprintf(names[i], sizeof *names, "drop%d", number);
        }
    }
}

static const char *name_at(const vgg_graph *graph, const layer_name *names, int node)
{
    return names[node][0] != '\0' ? names[node] : graph->nodes[node].name;
}

static bool are_different(const vgg_graph *graph, const layer_name *names)
{
    for (int i = 0; i < graph->count; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(name_at(graph, names, i), name_at(graph, names, j)) == 0)
                return false;
    return true;
}

static clvgg_status rename_nodes(vgg_graph *graph, const layer_name *names)
{
    for (int i = 0; i < graph->count; i++) {
        if (names[i][0] == '\0')
            continue;
        char *name = vgg_strdup(names[i]);
        VGG_PASS(VGG_MADE(name));
        vgg_free(graph->nodes[i].name);
        graph->nodes[i].name = name;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_keras_name_layers(vgg_graph *graph, const char **architecture)
{
    static const char *const family[] = {"vgg11", "vgg13", "vgg16", "vgg19"};
    clvgg_status status = CLVGG_STATUS_OK;
    layer_name *names = NULL;
    int at = 0;
    VGG_NEW(names, (size_t)graph->count);
    *architecture = NULL;
    for (size_t i = 0; at == 0 && i < sizeof family / sizeof *family; i++) {
        memset(names, 0, (size_t)graph->count * sizeof *names);
        at = name_blocks(graph, vgg_architecture_blocks(family[i]), names);
        *architecture = at > 0 ? family[i] : NULL;
    }
    if (at > 0) {
        name_head(graph, at, names);
        if (are_different(graph, names))
            VGG_TRY(rename_nodes(graph, names));
    }
cleanup:
    vgg_free(names);
    return status;
}
#endif

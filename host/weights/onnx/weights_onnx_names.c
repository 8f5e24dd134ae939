/* weights/onnx/weights_onnx_names.c — names for the layers of a network from an ONNX file, whose
 * own are the exporter's: "/features/features.0/Conv", "StatefulPartitionedCall/…".
 *
 * Where convolutions and poolings stand as in a VGG, they get its names; else a kind and a number.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "graph/vgg_family.h"
#include "weights/onnx/weights_onnx.h"

static const char *kind_of(vgg_layer_type type)
{
    switch (type) {
    case VGG_LAYER_CONV2D:
        return "conv";
    case VGG_LAYER_MAX_POOL:
        return "pool";
    case VGG_LAYER_AVG_POOL:
        return "avgpool";
    case VGG_LAYER_BATCH_NORM:
        return "bn";
    case VGG_LAYER_DENSE:
        return "fc";
    case VGG_LAYER_DROPOUT:
        return "drop";
    case VGG_LAYER_LOCAL_RESPONSE_NORM:
        return "norm";
    case VGG_LAYER_SOFTMAX:
        return "prob";
    default:
        return vgg_layer_type_name(type);
    }
}

/* The member of the family whose convolutions stand in blocks like these, or NULL. */
static const char *find_architecture(const vgg_graph *graph)
{
    static const char *const names[] = {"vgg11", "vgg13", "vgg16", "vgg19"};
    int blocks[VGG_FAMILY_BLOCKS] = {0}, block = 0;
    for (int i = 1; i < graph->count; i++) {
        const vgg_node *node = &graph->nodes[i];
        const bool is_window = node->attributes.pool.adaptive[0] == 0;
        if (node->type == VGG_LAYER_CONV2D) {
            if (block == VGG_FAMILY_BLOCKS || node->attributes.conv.kernel[0] != 3)
                return NULL;
            blocks[block]++;
        } else if (node->type == VGG_LAYER_MAX_POOL && is_window) {
            if (++block > VGG_FAMILY_BLOCKS)
                return NULL;
        }
    }
    for (size_t i = 0; i < sizeof names / sizeof *names && block == VGG_FAMILY_BLOCKS; i++)
        if (memcmp(blocks, vgg_architecture_blocks(names[i]), sizeof blocks) == 0)
            return names[i];
    return NULL;
}

/* Gives a node a name that no node before it has: `name`, or with a number behind. */
static clvgg_status rename_node(vgg_graph *graph, int index, const char *name)
{
    char unique[48];
    snprintf(unique, sizeof unique, "%s", name);
    for (int number = 2, i = 0; i < index; i++) {
        if (strcmp(graph->nodes[i].name, unique) != 0)
            continue;
        snprintf(unique, sizeof unique, "%.30s_%d", name, number++);
        i = -1;
    }
    char *copy = NULL;
    VGG_DUP_PASS(copy, unique);
    vgg_free(graph->nodes[index].name);
    graph->nodes[index].name = copy;
    return CLVGG_STATUS_OK;
}

/* conv2_1, bn2_1, relu2_1, pool2 … fc6, relu6, drop6. */
static void name_as_vgg(const vgg_node *node, int *block, int *part, int *dense, char name[32])
{
    const char *kind = kind_of(node->type);
    const bool counts =
        node->type == VGG_LAYER_MAX_POOL && node->attributes.pool.adaptive[0] == 0 && *dense == 0;
    if (node->type == VGG_LAYER_DENSE)
        *dense = *dense == 0 ? VGG_FAMILY_BLOCKS + 1 : *dense + 1;
    *part += node->type == VGG_LAYER_CONV2D;
    if (counts)
        snprintf(name, 32, "pool%d", (*block)++);
    else if (*dense > 0)
        snprintf(name, 32, "%s%d", kind, *dense);
    else if (*block > VGG_FAMILY_BLOCKS)
        snprintf(name, 32, "%s", kind);
    else
        snprintf(name, 32, "%s%d_%d", kind, *block, *part);
    *part = counts ? 0 : *part;
}

clvgg_status vgg_onnx_name_layers(vgg_onnx_walk *walk)
{
    vgg_graph *graph = walk->graph;
    const char *architecture = find_architecture(graph);
    int numbers[VGG_LAYER_TYPE_COUNT] = {0}, block = 1, part = 0, dense = 0;
    bool has_norm = false;
    char name[32];
    for (int i = 1; i < graph->count; i++) {
        const vgg_layer_type type = graph->nodes[i].type;
        has_norm = has_norm || (type == VGG_LAYER_BATCH_NORM && dense == 0);
        if (type == VGG_LAYER_SOFTMAX || type == VGG_LAYER_FLATTEN)
            snprintf(name, sizeof name, "%s", kind_of(type));
        else if (architecture != NULL)
            name_as_vgg(&graph->nodes[i], &block, &part, &dense, name);
        else
            snprintf(name, sizeof name, "%s%d", kind_of(type), ++numbers[type]);
        VGG_PASS(rename_node(graph, i, name));
    }
    if (architecture == NULL)
        return CLVGG_STATUS_OK;
    snprintf(name, sizeof name, "%s%s", architecture, has_norm ? "_bn" : "");
    return vgg_weights_state(walk->onnx->weights, "clvgg.arch", name);
}

#else
typedef int vgg_onnx_names_is_absent; /* C wants something in every file */
#endif

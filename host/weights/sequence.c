/* weights/sequence.c — see sequence.h. */
#include "weights/sequence.h"

#include <stdio.h>
#include <string.h>

enum { NAME_CAPACITY = 64 };

const vgg_node *vgg_sequence_last(const vgg_sequence *sequence)
{
    return &sequence->graph->nodes[sequence->graph->count - 1];
}

/* What names of layers begin with that are numbered as the layer with weights before them. */
static const char *follower(vgg_layer_type type)
{
    switch (type) {
    case VGG_LAYER_RELU:
        return "relu";
    case VGG_LAYER_DROPOUT:
        return "drop";
    case VGG_LAYER_BATCH_NORM:
        return "bn";
    case VGG_LAYER_LOCAL_RESPONSE_NORM:
        return "norm";
    default:
        return vgg_layer_type_name(type);
    }
}

static void name_layer(vgg_sequence *s, vgg_layer_type type, char name[NAME_CAPACITY])
{
    switch (type) {
    case VGG_LAYER_CONV2D:
        snprintf(s->latest, sizeof s->latest, "%d_%d", s->block + 1, ++s->convolution);
        snprintf(name, NAME_CAPACITY, "conv%s", s->latest);
        break;
    case VGG_LAYER_DENSE:
        snprintf(s->latest, sizeof s->latest, "%d", 6 + s->dense++);
        snprintf(name, NAME_CAPACITY, "fc%s", s->latest);
        break;
    case VGG_LAYER_MAX_POOL:
    case VGG_LAYER_AVG_POOL:
        snprintf(name, NAME_CAPACITY, "pool%d", ++s->block);
        s->convolution = 0;
        break;
    case VGG_LAYER_FLATTEN:
    case VGG_LAYER_SOFTMAX:
        snprintf(name, NAME_CAPACITY, "%s", type == VGG_LAYER_FLATTEN ? "flatten" : "prob");
        break;
    default:
        snprintf(name, NAME_CAPACITY, "%s%s", follower(type), s->latest);
        break;
    }
}

/* A second layer of the same name, two ReLUs behind one convolution say, gets its place in the
 * network. */
static void make_unique(const vgg_graph *graph, char name[NAME_CAPACITY])
{
    const size_t length = strlen(name);
    for (int i = 0; i < graph->count; i++)
        if (strcmp(graph->nodes[i].name, name) == 0) {
            snprintf(name + length, NAME_CAPACITY - length, ".%d", graph->count);
            return;
        }
}

clvgg_status vgg_sequence_add(vgg_sequence *sequence, vgg_layer_type type,
                              const vgg_attributes *attributes)
{
    char name[NAME_CAPACITY];
    name_layer(sequence, type, name);
    make_unique(sequence->graph, name);
    return vgg_graph_add(sequence->graph, name, type, attributes, sequence->graph->count - 1, NULL);
}

clvgg_status vgg_sequence_flatten(vgg_sequence *sequence)
{
    return vgg_sequence_last(sequence)->output.rank == 1
               ? CLVGG_STATUS_OK
               : vgg_sequence_add(sequence, VGG_LAYER_FLATTEN, NULL);
}

clvgg_status vgg_sequence_add_dense(vgg_sequence *sequence, int64_t out_features, bool bias)
{
    const vgg_attributes dense = {.dense = {.out_features = out_features, .bias = bias}};
    VGG_PASS(vgg_sequence_flatten(sequence));
    return vgg_sequence_add(sequence, VGG_LAYER_DENSE, &dense);
}

clvgg_status vgg_sequence_end(vgg_sequence *sequence)
{
    if (vgg_sequence_last(sequence)->type != VGG_LAYER_DENSE)
        return CLVGG_STATUS_OK;
    return vgg_sequence_add(sequence, VGG_LAYER_SOFTMAX, NULL);
}

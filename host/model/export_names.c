/* model/export_names.c — torchvision's names: a network is two sequences, `features` up to the
 * flatten and `classifier` behind it, in which every layer has its position.
 *
 * torchvision's own VGG files have these names: features.0, .2 …, classifier.0, .3, .6. Adaptive
 * pooling in front of the flatten is `avgpool` there, and a softmax at the end isn't in the
 * network.
 */
#include <stdio.h>

#include "graph/layer.h"
#include "model/export.h"

static int find_flatten(const vgg_graph *graph)
{
    for (int i = 1; i < graph->count; i++)
        if (vgg_layer_of(graph->nodes[i].type)->flattens)
            return i;
    return graph->count;
}

clvgg_status vgg_export_torch_name(const vgg_graph *graph, int node, char name[32])
{
    const int flatten = find_flatten(graph);
    for (int i = 1; i <= node; i++)
        if (graph->nodes[i].input_count != 1 || graph->nodes[i].inputs[0] != i - 1)
            return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                            "layer '%s' doesn't read the one before it: torchvision's names are "
                            "for layers in a row",
                            graph->nodes[i].name);
    if (node < flatten)
        snprintf(name, 32, "features.%d", node - 1);
    else
        snprintf(name, 32, "classifier.%d", node - flatten - 1);
    return CLVGG_STATUS_OK;
}

/* graph/walk.c — adding the nodes of a walk back. */
#include "graph/walk.h"

#include <stdio.h>

#include "graph/layer.h"

enum { NAME_CAPACITY = 300 };

static const char *name_of(const vgg_walk *walk, const char *prefix, int at,
                           char name[NAME_CAPACITY])
{
    snprintf(name, NAME_CAPACITY, "%s %s", prefix, walk->graph->nodes[at].name);
    return name;
}

clvgg_status vgg_walk_add(vgg_walk *walk, const char *prefix, int at, vgg_layer_type type,
                          const vgg_attributes *attributes, int second)
{
    char name[NAME_CAPACITY];
    return vgg_graph_add_pair(walk->graph, name_of(walk, prefix, at, name), type, attributes,
                              walk->signal, second, &walk->signal);
}

clvgg_status vgg_walk_add_transposed(vgg_walk *walk, int at, vgg_layer_type type,
                                     const vgg_attributes *attributes)
{
    VGG_PASS(vgg_walk_add(walk, "transposed", at, type, attributes, -1));
    walk->origin[walk->signal] = at;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_walk_add_beside(vgg_walk *walk, const char *prefix, int at, vgg_layer_type type,
                                 int *index)
{
    char name[NAME_CAPACITY];
    return vgg_graph_add(walk->graph, name_of(walk, prefix, at, name), type, NULL, at, index);
}

clvgg_status vgg_walk_pass(vgg_walk *walk, int at)
{
    (void)walk, (void)at;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_walk_back(vgg_walk *walk, int at)
{
    const vgg_node *node = vgg_walk_node(walk, at);
    const vgg_layer *layer = vgg_layer_of(node->type);
    if (layer->step_back != NULL)
        return layer->step_back(walk, at);
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "layer '%s': projections can't go back through %s%s",
                    node->name, layer->name,
                    layer->probabilities ? "; begin at the layer before it" : "");
}

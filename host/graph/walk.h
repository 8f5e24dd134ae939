/* graph/walk.h — the way back through a network, node by node. A walk (vis/reverse_graph.h) goes
 * from a layer towards the image; at each node the row of its layer type adds, to the graph that
 * holds the network, the nodes that undo it.
 */
#ifndef VGG_GRAPH_WALK_H
#define VGG_GRAPH_WALK_H

#include "clvgg/visualize.h"
#include "graph/graph.h"

typedef struct vgg_walk {
    vgg_graph *graph;
    clvgg_projection mode;
    int signal;  /* node whose value is what has come back so far */
    int *origin; /* [nodes] the network's node whose weights a node has, transposed; −1: none */
} vgg_walk;

/* Adds a node "PREFIX NAME" that takes the signal on, NAME being that of the network's node `at`;
 * `second` is its second input or −1. Errors: those of vgg_graph_add(). */
clvgg_status vgg_walk_add(vgg_walk *walk, const char *prefix, int at, vgg_layer_type type,
                          const vgg_attributes *attributes, int second);
/* The same for "transposed NAME", a layer that has the weights of `at`, transposed. */
clvgg_status vgg_walk_add_transposed(vgg_walk *walk, int at, vgg_layer_type type,
                                     const vgg_attributes *attributes);
/* Adds a node behind the network's node `at`, beside the signal's way; *index receives its index.
 */
clvgg_status vgg_walk_add_beside(vgg_walk *walk, const char *prefix, int at, vgg_layer_type type,
                                 int *index);

/* A step back for layers that the signal passes as it is. */
clvgg_status vgg_walk_pass(vgg_walk *walk, int at);
/* The step back of node `at`'s layer. Errors: UNSUPPORTED (there is none), those of
 * vgg_graph_add(). */
clvgg_status vgg_walk_back(vgg_walk *walk, int at);

static inline const vgg_node *vgg_walk_node(const vgg_walk *walk, int at)
{
    return &walk->graph->nodes[at];
}
/* Shape of what node `at` reads. */
static inline clvgg_shape vgg_walk_input(const vgg_walk *walk, int at)
{
    return walk->graph->nodes[walk->graph->nodes[at].inputs[0]].output;
}

#endif

/* vis/reverse_graph.h — a network and a walk back through it as one graph.
 *
 * The network's nodes up to a layer keep their indices; behind them come a seed, which keeps some
 * of the layer's units, and for each layer on the way back the one that undoes it: transposed
 * convolution (a conv2d with other weights, so that every variant serves it), unpooling at the
 * forward pass' switches, what the mode makes of activations. A plan of it computes forward and
 * back in one pass. A layer type that walks pass has a step
 * back in its row (graph/layer.h).
 */
#ifndef VGG_VIS_REVERSE_GRAPH_H
#define VGG_VIS_REVERSE_GRAPH_H

#include "clvgg/visualize.h"
#include "graph/graph.h"

typedef struct vgg_reverse_graph {
    vgg_graph *graph;  /* its second input, "unit" {1, {2}}, says what the seed keeps */
    int forward_count; /* nodes that are the network's */
    int *origin;    /* of each node: the network's node whose weights it has transposed; or −1 */
    int value;      /* forward value of the layer, after its ReLU */
    int end_value;  /* the same where the walk ends */
    int projection; /* what comes out there */
} vgg_reverse_graph;

/* Walks from node `layer` back to node `end` (0: the image), or to the ReLU behind it. Errors:
 * UNSUPPORTED (a layer that walks don't pass), INVALID_ARGUMENT (`end` isn't on the way). */
clvgg_status vgg_reverse_graph_make(const vgg_graph *network, int layer, int end,
                                    clvgg_projection mode, vgg_reverse_graph *out);
void vgg_reverse_graph_free(vgg_reverse_graph *reverse);

#endif

/* graph/fold.h — a network without the layers that scale and shift each channel (batch
 * normalisation) where they directly follow a layer of sums of products: the two are one such layer
 * with other weights.
 */
#ifndef VGG_GRAPH_FOLD_H
#define VGG_GRAPH_FOLD_H

#include "graph/graph.h"

/* What became of a network's nodes. */
typedef struct vgg_folded {
    vgg_graph *graph; /* layers keep their names; one that took another in has a bias */
    int *origin;      /* [graph->count] the network's node that each was */
    int *norm;        /* [graph->count] the network's node that it took in, or −1 */
    int count;        /* of nodes that were taken in */
} vgg_folded;

/* The node that takes `node` in when the network is folded, or −1: it stays a layer of its own. */
int vgg_graph_folds_into(const vgg_graph *network, int node);
/* Errors: those of vgg_graph_add(). */
clvgg_status vgg_graph_fold(const vgg_graph *network, vgg_folded *out);
void vgg_folded_free(vgg_folded *folded);

#endif

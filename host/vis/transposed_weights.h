/* vis/transposed_weights.h — a model's weights for a reverse graph: a node of the network has its
 * own weights, a node on the way back has those of the node that it undoes, transposed.
 */
#ifndef VGG_VIS_TRANSPOSED_WEIGHTS_H
#define VGG_VIS_TRANSPOSED_WEIGHTS_H

#include "model/model.h"
#include "plan/weight_store.h"
#include "vis/reverse_graph.h"

typedef struct vgg_transposed_weights {
    const clvgg_model *model; /* borrowed, as the graph is */
    const vgg_reverse_graph *reverse;
    int held_node; /* the node whose whole weight `held` is; −1: none */
    void *held;    /* kept while its transpose is read in pieces */
    char *strip;   /* rows of a dense layer's transpose, of the node `strip_node`; NULL: none */
    int strip_node;
    uint64_t strip_first, strip_rows;
} vgg_transposed_weights;

void vgg_transposed_weights_init(vgg_transposed_weights *weights, const clvgg_model *model,
                                 const vgg_reverse_graph *reverse);
/* A source of the transposed weights, for one thread at a time; `weights` must outlive it. Plans of
 * one model share weights with it. */
vgg_parameter_source vgg_transposed_weights_source(vgg_transposed_weights *weights);
/* Frees what is held; the source can be read from again. */
void vgg_transposed_weights_free(vgg_transposed_weights *weights);

#endif

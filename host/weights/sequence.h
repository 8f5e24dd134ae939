/* weights/sequence.h — a network whose layers stand one behind another, named as VGG's are: conv1_1
 * relu1_1 … pool1 … flatten fc6 relu6 drop6 … prob. Poolings end blocks, and the first dense layer
 * is fc6 whatever the number of blocks.
 */
#ifndef VGG_WEIGHTS_SEQUENCE_H
#define VGG_WEIGHTS_SEQUENCE_H

#include "graph/graph.h"

/* Most layers that a file may have: networks are built some twenty times to find their input, and
 * each layer's name is compared with all before it. */
enum { VGG_SEQUENCE_LONGEST = 1000 };

typedef struct vgg_sequence {
    vgg_graph *graph; /* the caller's */
    int block, convolution, dense;
    char latest[32]; /* number of the latest layer with weights: "1_2" or "6" */
} vgg_sequence;

/* Adds a layer behind the last one. Errors: those of vgg_graph_add(). */
clvgg_status vgg_sequence_add(vgg_sequence *sequence, vgg_layer_type type,
                              const vgg_attributes *attributes);
/* Adds a flattening where what comes before isn't flat. */
clvgg_status vgg_sequence_flatten(vgg_sequence *sequence);
/* Adds a dense layer and, where what comes before isn't flat, a flattening. */
clvgg_status vgg_sequence_add_dense(vgg_sequence *sequence, int64_t out_features, bool bias);
/* Adds the softmax to a network that ends with a dense layer. */
clvgg_status vgg_sequence_end(vgg_sequence *sequence);
/* Builds a network for a square input. */
typedef clvgg_status (*vgg_network_builder)(void *user, int64_t side, vgg_graph **out);
/* The side of the input with which the first dense layer reads so many features: 224 if that is
 * one, else the smallest multiple of 32, else the smallest at all. No features, because there is no
 * dense layer: 224. Errors: UNSUPPORTED (there is no such side). */
clvgg_status vgg_sequence_find_side(vgg_network_builder build, void *user, int64_t features,
                                    int64_t *side);
const vgg_node *vgg_sequence_last(const vgg_sequence *sequence);

#endif

/* measure/dense_tail.h — the dense layers at a network's end, computed on the host with weights
 * that are read in pieces: nine tenths of a VGG's weights, which so take no memory.
 */
#ifndef VGG_MEASURE_DENSE_TAIL_H
#define VGG_MEASURE_DENSE_TAIL_H

#include "plan/weight_store.h"

/* The node behind which there are only dense layers, activations and dropout in a row up to `last`:
 * `last` itself where there is no such end. */
int vgg_dense_tail_start(const vgg_graph *graph, int last);
/* Computes node `last` from the value of node `start`, which vgg_dense_tail_start() gave. The
 * result is freed by vgg_free(). Errors: those of reading the weights. */
clvgg_status vgg_dense_tail_run(const vgg_graph *graph, const vgg_parameter_source *source,
                                int start, int last, const float *value, float **out);

#endif

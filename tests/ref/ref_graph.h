/* ref/ref_graph.h — a whole graph, layer by layer, from the definitions in reference.h.
 *
 * Each layer sums in double; its values are rounded to float32 for the next one, as every device
 * has to.
 */
#ifndef TEST_REF_REF_GRAPH_H
#define TEST_REF_REF_GRAPH_H

#include "clvgg/model.h"
#include "graph/graph.h"

/* Values of every node, float32 [node][n][shape], of n images x. Weights come from `source`. Free
 * with ref_graph_free(). */
float **ref_graph_values(const vgg_graph *graph, clvgg_tensor_source source, void *source_user,
                         int64_t n, const float *x);
void ref_graph_free(const vgg_graph *graph, float **values);

#endif

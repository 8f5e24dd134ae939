/* ref/ref_project.h — projections from their definitions: each layer's adjoint as plain loops that
 * scatter, in double precision.
 */
#ifndef TEST_REF_REF_PROJECT_H
#define TEST_REF_REF_PROJECT_H

#include "clvgg/model.h"
#include "clvgg/visualize.h"
#include "graph/graph.h"

/* Projects the signal from node `layer` back to node `end`; returns double [n][shape of end], where
 * the signal at `layer`'s output is `signal`, double [n][shape of layer]. `values` as
 * ref_graph_values() has them. Free the result. */
double *ref_project(const vgg_graph *graph, clvgg_tensor_source source, void *source_user,
                    int64_t n, float *const *values, int layer, int end, clvgg_projection mode,
                    const double *signal);

#endif

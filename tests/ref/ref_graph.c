/* ref/ref_graph.c — one case a layer type; a new layer is added to compute(). */
#include "ref/ref_graph.h"

#include <stdio.h>
#include <stdlib.h>

#include "graph/layer.h"
#include "ref/reference.h"
#include "tensor/shape.h"

typedef struct walk {
    const vgg_graph *graph;
    clvgg_tensor_source source;
    void *source_user;
    int64_t n;
} walk;

/* A parameter's values, or NULL where the node has none. */
static float *read_parameter(const walk *w, int index, int position)
{
    const vgg_node *node = &w->graph->nodes[index];
    if (!vgg_node_has_parameter(node, position))
        return NULL;
    const clvgg_shape shape = vgg_graph_parameter_shape(w->graph, index, position);
    const uint64_t count = vgg_shape_elements(&shape);
    float *values = malloc(count * sizeof *values);
    char name[300];
    snprintf(name, sizeof name, "%s.%s", node->name,
             vgg_layer_of(node->type)->parameters[position].name);
    if (w->source(w->source_user, name, &shape, 0, count, values) != CLVGG_STATUS_OK)
        abort();
    return values;
}

/* y [n][shape] of node `index` from x. */
static void compute(const walk *w, int index, const float *x, double *y)
{
    const vgg_node *node = &w->graph->nodes[index];
    const clvgg_shape *in = &w->graph->nodes[node->inputs[0]].output, *out = &node->output;
    const int64_t inputs = (int64_t)vgg_shape_elements(in);
    float *weight = read_parameter(w, index, VGG_WEIGHT),
          *bias = read_parameter(w, index, VGG_BIAS), *mean = read_parameter(w, index, VGG_MEAN),
          *variance = read_parameter(w, index, VGG_VARIANCE);
    const ref_norm norm = {weight, bias, mean, variance};
    switch (node->type) {
    case VGG_LAYER_CONV2D:
        ref_conv(&node->attributes.conv, in, out, w->n, x, weight, bias, y);
        break;
    case VGG_LAYER_DENSE:
        ref_dense(inputs, node->attributes.dense.out_features, w->n, x, weight, bias, y);
        break;
    case VGG_LAYER_MAX_POOL:
    case VGG_LAYER_AVG_POOL:
        ref_pool(&node->attributes.pool, node->type == VGG_LAYER_AVG_POOL, in, out, w->n, x, y,
                 NULL);
        break;
    case VGG_LAYER_SOFTMAX:
        ref_softmax(inputs, w->n, x, y);
        break;
    case VGG_LAYER_LOCAL_RESPONSE_NORM:
        ref_lrn(&node->attributes.lrn, in, w->n, x, y);
        break;
    case VGG_LAYER_BATCH_NORM:
        ref_batch_norm((double)node->attributes.batch_norm.epsilon, &norm, in, w->n, x, y);
        break;
    case VGG_LAYER_QUANTIZE:
        ref_quantize(&node->attributes.quantize, w->n * inputs, x, y);
        break;
    case VGG_LAYER_MAP_PEAK:
        ref_map_peak(in, w->n, x, y);
        break;
    default: /* dropout and flatten are the identity */
        for (int64_t i = 0; i < w->n * inputs; i++)
            y[i] = ref_activation(node->type, x[i]);
    }
    free(weight);
    free(bias);
    free(mean);
    free(variance);
}

float **ref_graph_values(const vgg_graph *graph, clvgg_tensor_source source, void *source_user,
                         int64_t n, const float *x)
{
    const walk w = {graph, source, source_user, n};
    float **values = calloc((size_t)graph->count, sizeof *values);
    for (int i = 0; i < graph->count; i++) {
        const size_t count = (size_t)n * vgg_shape_elements(&graph->nodes[i].output);
        double *y = malloc(count * sizeof *y);
        values[i] = malloc(count * sizeof **values);
        if (i > 0)
            compute(&w, i, values[graph->nodes[i].inputs[0]], y);
        for (size_t v = 0; v < count; v++)
            values[i][v] = i > 0 ? (float)y[v] : x[v];
        free(y);
    }
    return values;
}

void ref_graph_free(const vgg_graph *graph, float **values)
{
    for (int i = 0; i < graph->count; i++)
        free(values[i]);
    free(values);
}

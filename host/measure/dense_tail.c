/* measure/dense_tail.c — see dense_tail.h. */
#include "measure/dense_tail.h"

#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

enum { PIECE_ELEMENTS = 1 << 18 };

/* Says whether a layer can be computed here. */
static bool is_known(const vgg_node *node)
{
    const vgg_layer *layer = vgg_layer_of(node->type);
    return node->output.rank == 1 && !layer->flattens &&
           (vgg_node_is_dense(node) || layer->activation != NULL || layer->dropout_rate != NULL);
}

int vgg_dense_tail_start(const vgg_graph *graph, int last)
{
    int start = last;
    while (start > 1 && is_known(&graph->nodes[start]) &&
           graph->nodes[start].inputs[0] == start - 1)
        start--;
    return start;
}

/* Elements of a node's parameter from `first` on, as float32. */
static clvgg_status read_piece(const vgg_parameter_source *source, int node, int parameter,
                               uint64_t first, size_t count, float *raw, float *values)
{
    VGG_PASS(source->read(source->user, node, parameter, first, count, raw));
    vgg_to_f32(source->dtype(source->user, node, parameter), raw, count, values);
    return CLVGG_STATUS_OK;
}

/* Adds the products of a piece of the weights, which lie row by row, to their rows' sums. */
static void add_products(uint64_t first, size_t count, const float *weights, size_t inputs,
                         const float *x, double *sums)
{
    for (size_t i = 0; i < count;) {
        const size_t row = (size_t)((first + i) / inputs), at = (size_t)((first + i) % inputs);
        const size_t now = inputs - at < count - i ? inputs - at : count - i;
        double sum = 0;
        for (size_t k = 0; k < now; k++)
            sum += (double)weights[i + k] * (double)x[at + k];
        sums[row] += sum;
        i += now;
    }
}

static clvgg_status run_dense(const vgg_parameter_source *source, int node, bool has_bias,
                              const float *x, size_t inputs, float *y, size_t outputs)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const uint64_t total = (uint64_t)inputs * outputs;
    float *raw = NULL, *values = NULL;
    double *sums = NULL;
    VGG_NEW(raw, PIECE_ELEMENTS);
    VGG_NEW(values, PIECE_ELEMENTS);
    VGG_NEW(sums, outputs);
    for (uint64_t first = 0; first < total; first += PIECE_ELEMENTS) {
        const size_t now =
            total - first < PIECE_ELEMENTS ? (size_t)(total - first) : PIECE_ELEMENTS;
        VGG_TRY(read_piece(source, node, VGG_WEIGHT, first, now, raw, values));
        add_products(first, now, values, inputs, x, sums);
    }
    for (size_t i = 0; i < outputs; i++) {
        float shift = 0;
        if (has_bias)
            VGG_TRY(read_piece(source, node, VGG_BIAS, i, 1, raw, &shift));
        y[i] = (float)(sums[i] + (double)shift);
    }
cleanup:
    vgg_free(sums);
    vgg_free(values);
    vgg_free(raw);
    return status;
}

clvgg_status vgg_dense_tail_run(const vgg_graph *graph, const vgg_parameter_source *source,
                                int start, int last, const float *value, float **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float *x = NULL, *y = NULL;
    size_t count = (size_t)vgg_shape_elements(&graph->nodes[start].output);
    *out = NULL;
    VGG_NEW(x, count);
    memcpy(x, value, count * sizeof *x);
    for (int node = start + 1; node <= last; node++) {
        const vgg_node *layer = &graph->nodes[node];
        const vgg_activation *activation = vgg_layer_of(layer->type)->activation;
        for (size_t i = 0; activation != NULL && i < count; i++)
            x[i] = (float)activation->value((double)x[i]);
        if (!vgg_node_is_dense(layer))
            continue;
        const size_t outputs = (size_t)layer->output.dims[0];
        VGG_NEW(y, outputs);
        VGG_TRY(
            run_dense(source, node, vgg_node_has_parameter(layer, VGG_BIAS), x, count, y, outputs));
        vgg_free(x);
        x = y;
        y = NULL;
        count = outputs;
    }
    VGG_GIVE(out, x);
cleanup:
    vgg_free(x);
    vgg_free(y);
    return status;
}

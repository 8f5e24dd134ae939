/* model/export_fold.c — batch norm folded into the convolution or dense layer before it.
 *
 * y = (Wx + b − mean) / √(variance + epsilon) · weight + bias is a layer of the same kind, with
 * W · scale and b · scale + shift.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "model/export.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

static int count_readers(const vgg_graph *graph, int node)
{
    int count = 0;
    for (int i = 1; i < graph->count; i++)
        for (int k = 0; k < graph->nodes[i].input_count; k++)
            count += graph->nodes[i].inputs[k] == node;
    return count;
}

static bool is_norm(const vgg_node *node)
{
    return vgg_layer_of(node->type)->parameter_count > VGG_VARIANCE;
}

/* A whole parameter of a node as float32; NULL where the node doesn't have it. */
static clvgg_status read_values(const clvgg_model *model, int node, int position, float **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_parameter *parameter = vgg_model_parameter(model, node, position);
    void *raw = NULL;
    float *values = NULL;
    *out = NULL;
    if (parameter == NULL)
        return CLVGG_STATUS_OK;
    const size_t count = (size_t)vgg_shape_elements(&parameter->shape);
    VGG_TRY(VGG_MADE(raw = vgg_calloc(count, vgg_dtype_bytes(parameter->dtype))));
    VGG_NEW(values, count);
    VGG_TRY(vgg_model_read_parameter(model, parameter, 0, count, raw));
    vgg_to_f32(parameter->dtype, raw, count, values);
    VGG_GIVE(out, values);
cleanup:
    vgg_free(values);
    vgg_free(raw);
    return status;
}

static clvgg_status compute(const clvgg_model *model, vgg_fold *fold)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_node *norm = &model->graph->nodes[fold->norm];
    const size_t count = (size_t)norm->output.dims[0];
    float *parts[VGG_VARIANCE + 1] = {NULL};
    VGG_NEW(fold->scale, count);
    VGG_NEW(fold->shift, count);
    for (int i = 0; i <= VGG_VARIANCE; i++)
        VGG_TRY(read_values(model, fold->norm, i, &parts[i]));
    for (size_t i = 0; i < count; i++) {
        const double epsilon = (double)norm->attributes.batch_norm.epsilon;
        const double spread = sqrt((double)parts[VGG_VARIANCE][i] + epsilon);
        const double weight = parts[VGG_WEIGHT] != NULL ? (double)parts[VGG_WEIGHT][i] : 1;
        const double bias = parts[VGG_BIAS] != NULL ? (double)parts[VGG_BIAS][i] : 0;
        VGG_REQUIRE(spread > 0, CLVGG_STATUS_NON_FINITE,
                    "layer '%s': channel %zu has a variance of %g", norm->name, i,
                    (double)parts[VGG_VARIANCE][i]);
        fold->scale[i] = weight / spread;
        fold->shift[i] = bias - (double)parts[VGG_MEAN][i] * fold->scale[i];
    }
cleanup:
    for (int i = 0; i <= VGG_VARIANCE; i++)
        vgg_free(parts[i]);
    return status;
}

clvgg_status vgg_export_find_folds(vgg_export *made)
{
    const vgg_graph *graph = made->model->graph;
    VGG_NEW_PASS(made->folds, (size_t)graph->count);
    for (int i = 1; i < graph->count; i++) {
        const int before = graph->nodes[i].inputs[0];
        const vgg_node *layer = &graph->nodes[before];
        if (!is_norm(&graph->nodes[i]) || count_readers(graph, before) != 1 ||
            !(vgg_node_is_convolution(layer) || vgg_node_is_dense(layer)))
            continue;
        vgg_fold *fold = &made->folds[made->fold_count++];
        fold->layer = before;
        fold->norm = i;
        VGG_PASS(compute(made->model, fold));
    }
    return CLVGG_STATUS_OK;
}

const vgg_fold *vgg_export_fold_of(const vgg_export *made, int node)
{
    for (size_t i = 0; i < made->fold_count; i++)
        if (made->folds[i].layer == node || made->folds[i].norm == node)
            return &made->folds[i];
    return NULL;
}

clvgg_status vgg_export_fold_graph(const vgg_export *made, vgg_graph **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_graph *from = made->model->graph;
    const int64_t *input = from->nodes[0].output.dims;
    vgg_graph *graph = NULL;
    int *places = NULL;
    *out = NULL;
    VGG_NEW(places, (size_t)from->count);
    VGG_TRY(vgg_graph_create(input[0], input[1], input[2], &graph));
    for (int i = 1; i < from->count; i++) {
        const vgg_node *node = &from->nodes[i];
        const vgg_fold *fold = vgg_export_fold_of(made, i);
        vgg_attributes attributes = node->attributes;
        if (fold != NULL && fold->norm == i) {
            places[i] = places[node->inputs[0]];
            continue;
        }
        if (fold != NULL && vgg_node_is_dense(node))
            attributes.dense.bias = true;
        else if (fold != NULL)
            attributes.conv.bias = true;
        VGG_TRY(vgg_graph_add(graph, node->name, node->type, &attributes, places[node->inputs[0]],
                              &places[i]));
    }
    VGG_GIVE(out, graph);
cleanup:
    vgg_free(places);
    vgg_graph_free(graph);
    return status;
}

void vgg_export_apply_fold(const vgg_export_tensor *tensor, uint64_t first, size_t count,
                           float *values)
{
    const uint64_t row = vgg_shape_elements(&tensor->shape) / (uint64_t)tensor->shape.dims[0];
    for (size_t i = 0; i < count; i++) {
        const uint64_t channel = (first + i) / row;
        const double shift = tensor->is_bias ? tensor->folded->shift[channel] : 0;
        values[i] = (float)((double)values[i] * tensor->folded->scale[channel] + shift);
    }
}

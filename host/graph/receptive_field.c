/* graph/receptive_field.c — window by window from the input on: a kernel of k, dilated by d, widens
 * the field by (k − 1)·d steps, a stride makes steps longer.
 */
#include "graph/graph.h"

/* Passes one axis of a receptive field through a window. */
static void widen(clvgg_receptive_field *field, int axis, int64_t kernel, int64_t stride,
                  int64_t dilation, int64_t pad)
{
    field->start[axis] -= pad * field->stride[axis];
    field->size[axis] += (kernel - 1) * dilation * field->stride[axis];
    field->stride[axis] *= stride;
}

static clvgg_receptive_field whole_image(const vgg_graph *graph)
{
    const int64_t *dims = graph->nodes[0].output.dims;
    return (clvgg_receptive_field){.size = {dims[1], dims[2]}};
}

/* Behind a node, from its input's; the whole image where units' windows differ. */
static clvgg_receptive_field behind(const vgg_graph *graph, const vgg_node *node,
                                    clvgg_receptive_field field)
{
    const clvgg_shape *in = &graph->nodes[node->input].output;
    const vgg_conv_attributes *conv = &node->attributes.conv;
    const vgg_pool_attributes *pool = &node->attributes.pool;
    for (int axis = 0; axis < 2; axis++) {
        if (node->type == VGG_LAYER_CONV2D) {
            widen(&field, axis, conv->kernel[axis], conv->stride[axis], conv->dilation[axis],
                  conv->pad[axis]);
        } else if (node->type == VGG_LAYER_MAX_POOL || node->type == VGG_LAYER_AVG_POOL) {
            int64_t kernel = pool->kernel[axis], stride = pool->stride[axis];
            if (pool->adaptive[0] != 0) {
                if (in->dims[1 + axis] % pool->adaptive[axis] != 0)
                    return whole_image(graph);
                kernel = stride = in->dims[1 + axis] / pool->adaptive[axis];
            }
            widen(&field, axis, kernel, stride, 1, pool->pad[axis]);
        } else if (node->type == VGG_LAYER_DENSE || node->type == VGG_LAYER_FLATTEN ||
                   node->type == VGG_LAYER_SOFTMAX) {
            return whole_image(graph);
        }
    }
    return field;
}

clvgg_receptive_field vgg_graph_receptive_field(const vgg_graph *graph, int index)
{
    const vgg_node *node = &graph->nodes[index];
    if (node->input < 0)
        return (clvgg_receptive_field){.size = {1, 1}, .stride = {1, 1}};
    const clvgg_receptive_field before = vgg_graph_receptive_field(graph, node->input);
    return before.stride[0] == 0 ? before : behind(graph, node, before);
}

/* graph/receptive_field.c — window by window from the input on: a kernel of k, dilated by d, widens
 * the field by (k − 1)·d steps, a stride makes steps longer.
 */
#include "graph/layer.h"

/* Passes one axis of a receptive field through a window. */
static void widen(clvgg_receptive_field *field, int axis, const vgg_window *window)
{
    field->start[axis] -= window->pad * field->stride[axis];
    field->size[axis] += (window->kernel - 1) * window->dilation * field->stride[axis];
    field->stride[axis] *= window->stride;
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
    const vgg_layer *layer = vgg_layer_of(node->type);
    if (layer->reads_all)
        return whole_image(graph);
    for (int axis = 0; axis < 2 && layer->window != NULL; axis++) {
        vgg_window window;
        if (!layer->window(node, &graph->nodes[node->inputs[0]].output, axis, &window))
            return whole_image(graph);
        widen(&field, axis, &window);
    }
    return field;
}

clvgg_receptive_field vgg_graph_receptive_field(const vgg_graph *graph, int index)
{
    const vgg_node *node = &graph->nodes[index];
    if (node->input_count == 0)
        return (clvgg_receptive_field){.size = {1, 1}, .stride = {1, 1}};
    const clvgg_receptive_field before = vgg_graph_receptive_field(graph, node->inputs[0]);
    return before.stride[0] == 0 ? before : behind(graph, node, before);
}

/* vis/layer_choice.c — see layer_choice.h. */
#include "vis/layer_choice.h"

#include "graph/layer.h"

static bool is_activation(const vgg_node *node)
{
    return vgg_layer_of(node->type)->activation != NULL;
}

static bool is_pooling(const vgg_node *node)
{
    const vgg_layer *layer = vgg_layer_of(node->type);
    return layer->window != NULL && layer->as_convolution == NULL;
}

/* The node that alone reads another's output, or −1. */
static int sole_reader(const vgg_graph *graph, int node)
{
    int reader = -1;
    for (int i = node + 1; i < graph->count; i++)
        if (graph->nodes[i].inputs[0] == node) {
            if (reader >= 0)
                return -1;
            reader = i;
        }
    return reader;
}

/* The activation that alone reads a convolution's or dense layer's output, which may be normalised
 * in between; else the node itself. */
static int activation_of(const vgg_graph *graph, int node)
{
    if (vgg_layer_of(graph->nodes[node].type)->as_convolution == NULL)
        return node;
    int reader = sole_reader(graph, node);
    if (reader >= 0 && vgg_layer_of(graph->nodes[reader].type)->scale_and_shift != NULL)
        reader = sole_reader(graph, reader);
    return reader >= 0 && is_activation(&graph->nodes[reader]) ? reader : node;
}

clvgg_status vgg_layer_choose(const vgg_graph *graph, const char *name, int *node)
{
    char names[2048];
    int found = vgg_graph_last(graph, vgg_node_is_convolution);
    if (name != NULL)
        VGG_PASS(vgg_graph_require(graph, name, "", &found));
    vgg_graph_list_layers(graph, names, sizeof names);
    VGG_CHECK(found > 0, CLVGG_STATUS_UNSUPPORTED,
              "the model has no convolution; name one of its layers:%s", names);
    *node = activation_of(graph, found);
    return CLVGG_STATUS_OK;
}

int vgg_layer_first_stage(const vgg_graph *graph)
{
    int activation = 0;
    for (int i = 1; i < graph->count; i++) {
        const vgg_node *node = &graph->nodes[i];
        if (is_pooling(node))
            return i;
        if (activation == 0 && is_activation(node))
            activation = i;
    }
    return activation > 0 ? activation : 1;
}

int vgg_layer_last_features(const vgg_graph *graph)
{
    const int last = vgg_graph_last(graph, vgg_node_is_dense);
    if (last == 0)
        return graph->count - 1;
    int node = graph->nodes[last].inputs[0];
    while (node > 0 && vgg_layer_of(graph->nodes[node].type)->dropout_rate != NULL)
        node = graph->nodes[node].inputs[0];
    return node > 0 ? node : last;
}

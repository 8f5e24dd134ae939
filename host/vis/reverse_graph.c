/* vis/reverse_graph.c — forward nodes, the seed, then one step back a layer. */
#include "vis/reverse_graph.h"

#include "base/alloc.h"
#include "graph/layer.h"

static bool is_rectifier(const vgg_node *node)
{
    const vgg_activation *activation = vgg_layer_of(node->type)->activation;
    return activation != NULL && activation->rectifies;
}

/* The ReLU that reads a node, or the node itself. */
static int behind_relu(const vgg_graph *graph, int node)
{
    for (int i = node + 1; i < graph->count; i++)
        if (graph->nodes[i].inputs[0] == node && is_rectifier(&graph->nodes[i]))
            return i;
    return node;
}

static bool is_on_the_way(const vgg_graph *graph, int from, int node)
{
    while (from > node)
        from = graph->nodes[from].inputs[0];
    return from == node;
}

static clvgg_status add_seed(vgg_walk *w, int value)
{
    static const clvgg_shape unit = {1, {2}};
    const vgg_attributes attributes = {.seed_ones = w->mode != CLVGG_PROJECTION_DECONV};
    int unit_node = -1;
    VGG_PASS(vgg_graph_add_input(w->graph, "unit to project", &unit, &unit_node));
    w->signal = value;
    return vgg_walk_add(w, "seed in", value, VGG_LAYER_SEED, &attributes, unit_node);
}

clvgg_status vgg_reverse_graph_make(const vgg_graph *network, int layer, int end,
                                    clvgg_projection mode, vgg_reverse_graph *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    *out = (vgg_reverse_graph){.value = behind_relu(network, layer)};
    const int relu = behind_relu(network, end);
    if (end > 0 && relu < layer && is_on_the_way(network, layer, relu))
        end = relu;
    VGG_REQUIRE(end < layer && is_on_the_way(network, layer, end), CLVGG_STATUS_INVALID_ARGUMENT,
                "layer '%s' doesn't lead to layer '%s'", network->nodes[end].name,
                network->nodes[layer].name);
    out->end_value = end;
    out->forward_count = out->value + 1;
    const vgg_graph_copy_options forward = {.count = out->forward_count, .for_walks = true};
    VGG_TRY(vgg_graph_copy(network, &forward, &out->graph));
    const size_t most = (size_t)out->forward_count * 3 + 2; /* three nodes a step, the seed's two */
    VGG_NEW(out->origin, most);
    for (size_t i = 0; i < most; i++)
        out->origin[i] = -1;
    vgg_walk w = {.graph = out->graph, .mode = mode, .origin = out->origin};
    VGG_TRY(add_seed(&w, out->value));
    for (int at = layer; at != end; at = vgg_walk_node(&w, at)->inputs[0])
        VGG_TRY(vgg_walk_back(&w, at));
    out->projection = w.signal;
cleanup:
    if (status != CLVGG_STATUS_OK)
        vgg_reverse_graph_free(out);
    return status;
}

void vgg_reverse_graph_free(vgg_reverse_graph *reverse)
{
    vgg_graph_free(reverse->graph);
    vgg_free(reverse->origin);
    *reverse = (vgg_reverse_graph){0};
}

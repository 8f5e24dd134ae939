/* vis/layer_choice.c — see layer_choice.h. */
#include "vis/layer_choice.h"

#include "plan/plan.h"

static bool is_activation(const vgg_node *node)
{
    return node->type == VGG_LAYER_RELU || node->type == VGG_LAYER_SIGMOID ||
           node->type == VGG_LAYER_TANH;
}

int vgg_layer_activation_of(const vgg_graph *graph, int node)
{
    int reader = -1;
    if (!vgg_node_has_weight(&graph->nodes[node]))
        return node;
    for (int i = node + 1; i < graph->count; i++)
        if (graph->nodes[i].input == node) {
            if (reader >= 0)
                return node;
            reader = i;
        }
    return reader >= 0 && is_activation(&graph->nodes[reader]) ? reader : node;
}

static int last_of(const vgg_graph *graph, vgg_layer_type type)
{
    int node = graph->count - 1;
    while (node > 0 && graph->nodes[node].type != type)
        node--;
    return node;
}

clvgg_status vgg_layer_choose(const vgg_graph *graph, const char *name, int *node)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char names[2048] = "";
    int found = name != NULL ? vgg_graph_find(graph, name) : last_of(graph, VGG_LAYER_CONV2D);
    if (found <= 0)
        vgg_plan_list_layers(graph, names, sizeof names);
    VGG_REQUIRE(found > 0 || name == NULL, CLVGG_STATUS_INVALID_ARGUMENT,
                "there is no layer '%s'; there are%s", name, names);
    VGG_REQUIRE(found > 0, CLVGG_STATUS_UNSUPPORTED,
                "the model has no convolution; name one of its layers:%s", names);
    *node = vgg_layer_activation_of(graph, found);
cleanup:
    return status;
}

int vgg_layer_first_stage(const vgg_graph *graph)
{
    int activation = 0;
    for (int i = 1; i < graph->count; i++) {
        const vgg_node *node = &graph->nodes[i];
        if (node->type == VGG_LAYER_MAX_POOL || node->type == VGG_LAYER_AVG_POOL)
            return i;
        if (activation == 0 && is_activation(node))
            activation = i;
    }
    return activation > 0 ? activation : 1;
}

int vgg_layer_last_features(const vgg_graph *graph)
{
    const int last = last_of(graph, VGG_LAYER_DENSE);
    if (last == 0)
        return graph->count - 1;
    int node = graph->nodes[last].input;
    while (node > 0 && graph->nodes[node].type == VGG_LAYER_DROPOUT)
        node = graph->nodes[node].input;
    return node > 0 ? node : last;
}

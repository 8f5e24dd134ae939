/* vis/top_graph.c — what a search for the strongest activations reads of a network. */
#include <stdio.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "tensor/shape.h"
#include "vis/layer_choice.h"
#include "vis/top_search.h"

/* Says whether values can't be below 0, as they come from a ReLU, perhaps through layers that keep
 * the sign. */
static bool is_rectified(const vgg_graph *graph, int node)
{
    while (node > 0 && vgg_layer_of(graph->nodes[node].type)->keeps_sign)
        node = graph->nodes[node].inputs[0];
    const vgg_activation *activation = vgg_layer_of(graph->nodes[node].type)->activation;
    return activation != NULL && activation->rectifies;
}

/* Sets which maps of a layer are searched, and makes room for what is found. */
static clvgg_status choose_maps(vgg_top_layer *layer, const clvgg_top_layer *wanted, int count)
{
    int32_t lists = 0;
    VGG_NEW_PASS(layer->list_of_map, (size_t)layer->maps);
    for (int64_t m = 0; m < layer->maps; m++)
        layer->list_of_map[m] = wanted->maps == NULL ? lists++ : -1;
    for (size_t i = 0; wanted->maps != NULL && i < wanted->map_count; i++) {
        const int64_t map = wanted->maps[i];
        VGG_CHECK(map >= 0 && map < layer->maps, CLVGG_STATUS_INVALID_ARGUMENT,
                  "layer '%s' has maps 0 to %lld, there is no map %lld", layer->name,
                  (long long)layer->maps - 1, (long long)map);
        if (layer->list_of_map[map] < 0)
            layer->list_of_map[map] = lists++;
    }
    VGG_CHECK(lists > 0, CLVGG_STATUS_INVALID_ARGUMENT, "no map of layer '%s' is chosen",
              layer->name);
    return vgg_top_lists_create((size_t)lists, count, &layer->lists);
}

static clvgg_status find_layer(const vgg_graph *graph, const clvgg_top_layer *wanted, int count,
                               vgg_top_layer *layer)
{
    VGG_CHECK(wanted->name != NULL, CLVGG_STATUS_INVALID_ARGUMENT, "a layer has no name");
    VGG_PASS(vgg_layer_choose(graph, wanted->name, &layer->node));
    VGG_DUP_PASS(layer->name, wanted->name);
    layer->rectified = is_rectified(graph, layer->node);
    const clvgg_shape shape = vgg_shape_as_image(&graph->nodes[layer->node].output);
    layer->maps = shape.dims[0];
    layer->height = shape.dims[1];
    layer->width = shape.dims[2];
    return choose_maps(layer, wanted, count);
}

clvgg_status vgg_top_find_layers(clvgg_top_search *search, const clvgg_top_options *options)
{
    VGG_NEW_PASS(search->layers, options->layer_count);
    for (size_t i = 0; i < options->layer_count; i++) {
        search->layer_count = i + 1;
        VGG_PASS(find_layer(search->model->graph, &options->layers[i], options->count,
                            &search->layers[i]));
    }
    return CLVGG_STATUS_OK;
}

/* The first unused name of its kind: a model may call its layers anything. */
static clvgg_status add_peak(vgg_graph *graph, int node, int *next_name, int *index)
{
    char name[32];
    do
        snprintf(name, sizeof name, "peak%d", (*next_name)++);
    while (vgg_graph_find(graph, name) >= 0);
    return vgg_graph_add(graph, name, VGG_LAYER_MAP_PEAK, NULL, node, index);
}

/* Nodes keep their indices: weights are found, and shared with other plans, by them. */
clvgg_status vgg_top_build_graph(clvgg_top_search *search)
{
    const vgg_graph *model = search->model->graph;
    int deepest = 0, next_name = 1;
    for (size_t i = 0; i < search->layer_count; i++)
        if (search->layers[i].node > deepest)
            deepest = search->layers[i].node;
    const vgg_graph_copy_options searched = {.count = deepest + 1};
    VGG_PASS(vgg_graph_copy(model, &searched, &search->graph));
    VGG_NEW_PASS(search->peak_nodes, search->layer_count);
    for (size_t i = 0; i < search->layer_count; i++)
        VGG_PASS(
            add_peak(search->graph, search->layers[i].node, &next_name, &search->peak_nodes[i]));
    return CLVGG_STATUS_OK;
}

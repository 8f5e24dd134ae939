/* vis/vis_networks.c — see vis_networks.h. */
#include "vis/vis_networks.h"

#include <stdio.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "pipeline/model_source.h"

static void add_network(vgg_vis_networks *out, const vgg_graph *graph, const int *outputs,
                        int output_count, vgg_parameter_source source, const char *name)
{
    out->sources[out->count] = source;
    out->networks[out->count] =
        (vgg_sweep_network){graph, outputs, output_count, &out->sources[out->count], name};
    out->count++;
}

/* From the logits to the image. */
static clvgg_status add_walk(const clvgg_model *model, int mode, vgg_vis_networks *out)
{
    static const char *const names[VGG_WALKS] = {
        [CLVGG_PROJECTION_DECONV] = "the walk back by deconv",
        [CLVGG_PROJECTION_GUIDED] = "the walk back by guided",
        [CLVGG_PROJECTION_GRADIENT] = "the walk back by gradient"};
    vgg_reverse_graph *walk = &out->walks[mode];
    const int logits = vgg_graph_find(model->graph, "logits");
    if (logits <= 0)
        return CLVGG_STATUS_OK;
    const clvgg_status status =
        vgg_reverse_graph_make(model->graph, logits, 0, (clvgg_projection)mode, walk);
    if (status == CLVGG_STATUS_UNSUPPORTED)
        return CLVGG_STATUS_OK;
    VGG_PASS(status);
    vgg_transposed_weights_init(&out->weights[mode], model, walk);
    add_network(out, walk->graph, &walk->projection, 1,
                vgg_transposed_weights_source(&out->weights[mode]), names[mode]);
    return CLVGG_STATUS_OK;
}

/* Says whether a layer's value is searched: not where an activation behind it is. */
static bool is_searched(const vgg_graph *graph, int node)
{
    const vgg_layer *layer = vgg_layer_of(graph->nodes[node].type);
    for (int i = node + 1; i < graph->count; i++)
        if (graph->nodes[i].inputs[0] == node &&
            vgg_layer_of(graph->nodes[i].type)->activation != NULL)
            return false;
    return layer->element != NULL && !layer->probabilities;
}

static clvgg_status add_peaks(const clvgg_model *model, vgg_vis_networks *out)
{
    const int count = model->graph->count;
    int peaks = 0;
    VGG_NEW_PASS(out->peak_outputs, (size_t)count);
    VGG_PASS(vgg_graph_copy(model->graph, NULL, &out->peaks));
    for (int i = 1; i < count; i++) {
        char name[VGG_MAX_NAME_LENGTH + 16];
        if (!is_searched(out->peaks, i))
            continue;
        snprintf(name, sizeof name, "peaks of %s", out->peaks->nodes[i].name);
        const clvgg_status status =
            vgg_graph_add(out->peaks, name, VGG_LAYER_MAP_PEAK, NULL, i, &out->peak_outputs[peaks]);
        VGG_CHECK(status != CLVGG_STATUS_OUT_OF_MEMORY, status, "no memory for a graph");
        peaks += status == CLVGG_STATUS_OK; /* maps may be too large, or names too long */
    }
    if (peaks > 0)
        add_network(out, out->peaks, out->peak_outputs, peaks, vgg_model_parameter_source(model),
                    "the search for the strongest activations");
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_vis_networks_make(const clvgg_model *model, vgg_vis_networks *out)
{
    *out = (vgg_vis_networks){.count = 0};
    for (int mode = 0; mode < VGG_WALKS; mode++)
        VGG_PASS(add_walk(model, mode, out));
    return add_peaks(model, out);
}

void vgg_vis_networks_free(vgg_vis_networks *networks)
{
    for (int mode = 0; mode < VGG_WALKS; mode++) {
        vgg_transposed_weights_free(&networks->weights[mode]);
        vgg_reverse_graph_free(&networks->walks[mode]);
    }
    vgg_graph_free(networks->peaks);
    vgg_free(networks->peak_outputs);
}

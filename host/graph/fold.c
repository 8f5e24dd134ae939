/* graph/fold.c — see fold.h. */
#include "graph/fold.h"

#include "base/alloc.h"
#include "graph/layer.h"

static int count_readers(const vgg_graph *network, int node)
{
    int readers = 0;
    for (int i = node + 1; i < network->count; i++)
        for (int input = 0; input < network->nodes[i].input_count; input++)
            readers += network->nodes[i].inputs[input] == node;
    return readers;
}

int vgg_graph_folds_into(const vgg_graph *network, int node)
{
    const vgg_node *at = &network->nodes[node];
    if (vgg_layer_of(at->type)->scale_and_shift == NULL || at->input_count != 1)
        return -1;
    const vgg_layer *before = vgg_layer_of(network->nodes[at->inputs[0]].type);
    return before->give_bias != NULL && count_readers(network, at->inputs[0]) == 1 ? at->inputs[0]
                                                                                   : -1;
}

/* The node that `node` takes in, or −1. */
static int taken_in_by(const vgg_graph *network, int node)
{
    for (int i = node + 1; i < network->count; i++)
        if (vgg_graph_folds_into(network, i) == node)
            return i;
    return -1;
}

/* `moved` [network->count]: where each node is in the new graph. */
static clvgg_status copy_node(const vgg_graph *network, int node, int *moved, vgg_folded *out)
{
    const vgg_node *from = &network->nodes[node];
    vgg_attributes attributes = from->attributes;
    const int into = vgg_graph_folds_into(network, node);
    if (into >= 0) {
        moved[node] = moved[into];
        out->count++;
        return CLVGG_STATUS_OK;
    }
    const int norm = taken_in_by(network, node);
    if (norm >= 0)
        vgg_layer_of(from->type)->give_bias(&attributes);
    if (node > 0)
        VGG_PASS(vgg_graph_add(out->graph, from->name, from->type, &attributes,
                               moved[from->inputs[0]], NULL));
    moved[node] = out->graph->count - 1;
    out->origin[moved[node]] = node;
    out->norm[moved[node]] = norm;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_graph_fold(const vgg_graph *network, vgg_folded *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int64_t *input = network->nodes[0].output.dims;
    int *moved = NULL;
    *out = (vgg_folded){0};
    VGG_TRY(vgg_graph_create(input[0], input[1], input[2], &out->graph));
    VGG_NEW(out->origin, (size_t)network->count);
    VGG_NEW(out->norm, (size_t)network->count);
    VGG_NEW(moved, (size_t)network->count);
    for (int i = 0; i < network->count; i++)
        VGG_TRY(copy_node(network, i, moved, out));
cleanup:
    vgg_free(moved);
    if (status != CLVGG_STATUS_OK)
        vgg_folded_free(out);
    return status;
}

void vgg_folded_free(vgg_folded *folded)
{
    vgg_graph_free(folded->graph);
    vgg_free(folded->origin);
    vgg_free(folded->norm);
    *folded = (vgg_folded){0};
}

/* weights/ncnn/ncnn_graph.c — ncnn's layers as a network, and its input where the file doesn't say.
 *
 * What each parameter's number means: ncnn's docs/developer-guide/operators.md.
 */
#include "base/alloc.h"
#include "graph/layer.h"
#include "weights/ncnn/ncnn.h"

static clvgg_status build(const vgg_ncnn_network *network, const int64_t input[3], vgg_graph **out,
                          int *nodes)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_sequence s = {0};
    *out = NULL;
    VGG_TRY(vgg_graph_create(input[0], input[1], input[2], &s.graph));
    for (size_t i = 0; i < network->count; i++) {
        nodes[i] = -1;
        const int first = s.graph->count;
        VGG_TRY(vgg_ncnn_add(&s, &network->layers[i]));
        for (int node = first; node < s.graph->count; node++)
            if (vgg_layer_of(s.graph->nodes[node].type)->parameter_count > 0)
                nodes[i] = node;
    }
    VGG_TRY(vgg_sequence_end(&s));
    VGG_GIVE(out, s.graph);
cleanup:
    vgg_graph_free(s.graph);
    return status;
}

/* Channels that the first convolution reads; 3, where that can't be told. */
static int64_t find_channels(const vgg_ncnn_network *network)
{
    for (size_t i = 0; i < network->count; i++) {
        const vgg_ncnn_layer *layer = &network->layers[i];
        if (!vgg_ncnn_is_convolution(layer))
            continue;
        const double width = (double)vgg_ncnn_integer(layer, 1, 0);
        const double each = (double)vgg_ncnn_integer(layer, 0, 0) * width *
                            (double)vgg_ncnn_integer(layer, 11, (int64_t)width);
        const double groups =
            vgg_ncnn_is(layer, "Convolution") ? 1 : (double)vgg_ncnn_integer(layer, 7, 1);
        const double channels = (double)vgg_ncnn_integer(layer, 6, 0) * groups / each;
        return each > 0 && channels >= 1 && channels <= 65536 ? (int64_t)channels : 3;
    }
    return 3;
}

/* Features that the first dense layer reads; 0: there is none. */
static int64_t find_features(const vgg_ncnn_network *network)
{
    for (size_t i = 0; i < network->count; i++)
        if (vgg_ncnn_is(&network->layers[i], "InnerProduct")) {
            const int64_t out = vgg_ncnn_integer(&network->layers[i], 0, 0);
            return out > 0 ? vgg_ncnn_integer(&network->layers[i], 2, 0) / out : 0;
        }
    return 0;
}

typedef struct square {
    const vgg_ncnn_network *network;
    int64_t channels;
    int *nodes;
} square;

static clvgg_status build_square(void *user, int64_t side, vgg_graph **out)
{
    const square *s = user;
    return build(s->network, (const int64_t[]){s->channels, side, side}, out, s->nodes);
}

clvgg_status vgg_ncnn_graph(const vgg_ncnn_network *network, vgg_graph **out, int **nodes)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_ncnn_layer *first = &network->layers[0];
    int64_t input[3] = {vgg_ncnn_integer(first, 2, 0), vgg_ncnn_integer(first, 1, 0),
                        vgg_ncnn_integer(first, 0, 0)};
    int *found = NULL;
    VGG_NEW(found, network->count);
    if (input[0] == 0)
        input[0] = find_channels(network);
    if (input[1] == 0 || input[2] == 0) {
        square s = {network, input[0], found};
        VGG_TRY(vgg_sequence_find_side(build_square, &s, find_features(network), &input[1]));
        input[2] = input[1];
    }
    VGG_TRY(build(network, input, out, found));
    VGG_GIVE(nodes, found);
cleanup:
    vgg_free(found);
    return status;
}

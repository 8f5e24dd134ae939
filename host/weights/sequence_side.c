/* weights/sequence_side.c — the input that a network was made for, where its file doesn't say it.
 */
#include "base/alloc.h"
#include "graph/layer.h"
#include "weights/sequence.h"

/* How the features of the first dense layer compare with those that an input gives: −1, 0 or 1. An
 * input too small for the network gives too few. */
static clvgg_status compare(vgg_network_builder build, void *user, int64_t side, int64_t features,
                            int *order)
{
    vgg_graph *graph = NULL;
    const clvgg_status status = build(user, side, &graph);
    *order = -1;
    if (status == CLVGG_STATUS_OUT_OF_MEMORY || status == CLVGG_STATUS_UNSUPPORTED)
        return status;
    for (int i = 0; graph != NULL && i < graph->count; i++)
        if (vgg_node_is_dense(&graph->nodes[i])) {
            const int64_t given = vgg_graph_parameter_shape(graph, i, VGG_WEIGHT).dims[1];
            *order = (given > features) - (given < features);
            break;
        }
    vgg_graph_free(graph);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_sequence_find_side(vgg_network_builder build, void *user, int64_t features,
                                    int64_t *side)
{
    int64_t low = 1, high = 4096;
    int order;
    *side = 224;
    if (features == 0)
        return CLVGG_STATUS_OK;
    VGG_PASS(compare(build, user, 224, features, &order));
    if (order == 0)
        return CLVGG_STATUS_OK;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        VGG_PASS(compare(build, user, middle, features, &order));
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *side = (low + 31) / 32 * 32;
    VGG_PASS(compare(build, user, *side, features, &order));
    if (order != 0)
        *side = low;
    VGG_PASS(compare(build, user, *side, features, &order));
    VGG_CHECK(order == 0, CLVGG_STATUS_UNSUPPORTED,
              "no square input gives the %lld features that its first dense layer reads, and the "
              "file doesn't state the input's size",
              (long long)features);
    return CLVGG_STATUS_OK;
}

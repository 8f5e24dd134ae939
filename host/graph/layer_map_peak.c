/* graph/layer_map_peak.c — the largest value of each channel and where it is, as two floats: what a
 * search for the strongest activations reads of a layer (vis/top_search.h).
 */
#include "graph/layer.h"
#include "tensor/shape.h"

/* Whole numbers below this are floats. */
#define MOST_POSITIONS (INT64_C(1) << 24)

static clvgg_status infer(const vgg_node *node, const clvgg_shape *input, clvgg_shape *output)
{
    const int64_t positions =
        input->rank == 1 ? 1 : (int64_t)(vgg_shape_elements(input) / (uint64_t)input->dims[0]);
    if (positions > MOST_POSITIONS)
        return vgg_layer_fail(node, CLVGG_STATUS_SHAPE_MISMATCH,
                              "a map has %lld values, float32 numbers at most %lld exactly",
                              (long long)positions, (long long)MOST_POSITIONS);
    *output = (clvgg_shape){3, {input->dims[0], 1, 2}};
    return CLVGG_STATUS_OK;
}

const vgg_layer vgg_layer_map_peak = {
    .name = "map_peak", .color = "#cab2d6", .infer = infer, .internal = true};

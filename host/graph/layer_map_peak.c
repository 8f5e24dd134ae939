/* graph/layer_map_peak.c — the largest value of each channel and where it is, as two floats: what a
 * search for the strongest activations reads of a layer (vis/top_search.h).
 */
#include <math.h>

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

/* The value at column 0, its position at column 1; of equal values the first, and a NaN is above
 * all numbers. */
static double element_of(const vgg_element *e)
{
    const int64_t pixels = (int64_t)vgg_shape_elements(e->input) / e->input->dims[0];
    const float *map = e->x + e->at[0] * pixels;
    int64_t best = 0;
    for (int64_t i = 1; i < pixels; i++)
        if (map[i] > map[best] || (isnan(map[i]) && !isnan(map[best])))
            best = i;
    return e->at[2] == 0 ? (double)map[best] : (double)best;
}

const vgg_layer vgg_layer_map_peak = {.name = "map_peak",
                                      .color = "#cab2d6",
                                      .infer = infer,
                                      .element = element_of,
                                      .internal = true};

/* image/resample.h — one axis of a resize: which pixels make an output pixel, and their weights. */
#ifndef VGG_IMAGE_RESAMPLE_H
#define VGG_IMAGE_RESAMPLE_H

#include <stdint.h>

#include "base/status.h"

/* Weights are fixed-point with this many fraction bits: 8 bits of pixel and 2 of headroom remain.
 */
#define VGG_RESAMPLE_FRACTION_BITS 22

/* Outputs [0, count) of an axis. Output i is the sum over t in [0, taps[i]) of
 * weights[i × stride + t] × input[starts[i] + t]. starts ascend. */
typedef struct vgg_resample_axis {
    int count, stride;
    int *starts;      /* [count] */
    int *taps;        /* [count] */
    int32_t *weights; /* [count][stride] */
} vgg_resample_axis;

/* The axis that takes `in_size` pixels to `out_size`, of which outputs first … first + count − 1
 * are wanted. Free with vgg_resample_axis_free(), on failure too; zero-initialise. */
clvgg_status vgg_resample_axis_init(vgg_resample_axis *axis, int in_size, int64_t out_size,
                                    int64_t first, int count);
void vgg_resample_axis_free(vgg_resample_axis *axis);

/* The input pixels that the axis reads: [*begin, *end). */
void vgg_resample_axis_reach(const vgg_resample_axis *axis, int *begin, int *end);

/* One row of RGB pixels through the horizontal axis: input [..][3] to output [count][3]. */
void vgg_resample_row(const vgg_resample_axis *axis, const uint8_t *input, uint8_t *output);

/* Output row i of the vertical axis: input rows lie `row_bytes` apart, `rows` is input row 0 of
 * the axis less `first_row` rows. `sums` is scratch, int32 [row_bytes]. */
void vgg_resample_column(const vgg_resample_axis *axis, int i, const uint8_t *rows, int first_row,
                         int row_bytes, int32_t *sums, uint8_t *output);

#endif

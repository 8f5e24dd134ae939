/* image/resample.h — resizes a rectangle of a picture, row by row, and only what is wanted of it.
 */
#ifndef VGG_IMAGE_RESAMPLE_H
#define VGG_IMAGE_RESAMPLE_H

#include <stdbool.h>

#include "image/prepare.h"

/* One axis: output i is the sum over t in [0, taps[i]) of
 * weights[i × stride + t] × input[starts[i] + t]. starts ascend. */
typedef struct vgg_resample_axis {
    int count, stride;
    int *starts;      /* [count] */
    int *taps;        /* [count] */
    int32_t *weights; /* [count][stride], fixed-point */
    int begin, end;   /* the input pixels that are read: [begin, end) */
} vgg_resample_axis;

/* A picture that loses many more rows than columns is shortened before it is narrowed. */
typedef struct vgg_resampler {
    vgg_image_part part;
    vgg_resample_axis across, down;
    bool columns_first;
    int row_length;  /* of a row between the axes, in bytes */
    uint8_t *pixels; /* between the axes: one row if columns_first, else all that are reached */
    int32_t *sums;   /* [row_length] */
} vgg_resampler;

/* Takes the rectangle, whose pixels must outlive the resampler, to across->resized ×
 * down->resized, of which the spans say what is wanted; their `pad` is ignored. Zero-initialise;
 * free on failure too. */
clvgg_status vgg_resampler_init(vgg_resampler *r, const vgg_image_part *part,
                                const vgg_image_span *across, const vgg_image_span *down);
/* Row y of [0, down->count) of what is wanted: RGB [across->count][3]. One thread at a time. */
void vgg_resampler_row(const vgg_resampler *r, int y, uint8_t *output);
void vgg_resampler_free(vgg_resampler *r);

#endif

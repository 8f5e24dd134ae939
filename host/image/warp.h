/* image/warp.h — a photograph moved, enlarged or turned before the network's window is cut out.
 *
 * The picture is resized as for classification, `scale` times larger (antialiased, resample.h),
 * then looked up by cubic interpolation where a pixel of the window comes from. Lengths are pixels
 * of the network's input.
 */
#ifndef VGG_IMAGE_WARP_H
#define VGG_IMAGE_WARP_H

#include "image/image.h"

#define VGG_WARP_SCALE_LEAST 0.05
#define VGG_WARP_SCALE_MOST 20.0
#define VGG_WARP_SHIFT_MOST 10000.0

typedef struct vgg_warp {
    double down, right; /* shift of what is seen */
    double scale;       /* about the window's centre; 1: as it is, 2: twice as large */
    double turn;        /* about the centre, degrees counter-clockwise */
    bool edge;          /* beyond the picture lies its nearest pixel; else the mean colour, which
                           is 0 in the network's input. Where preparation pads with black, black */
} vgg_warp;

/* Prepares the warped picture as clvgg_image_prepare() does an image; without a shift, scale or
 * turn the result is bit for bit the same. Shifts by whole pixels and quarter turns of a square
 * window only move pixels. Errors: INVALID_ARGUMENT (a number out of range), OUT_OF_MEMORY. Source
 * of the interpolation: Keys, Cubic Convolution Interpolation (1981), a = -1/2. */
clvgg_status vgg_image_prepare_warped(const clvgg_image *image, const clvgg_preprocess *preprocess,
                                      const vgg_warp *warp, float *data);

#endif

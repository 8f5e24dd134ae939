/* image/view.h — views of a photograph: mirrored, cropped elsewhere, in other colours.
 *
 * View 0 is the image as it is prepared for classification. Others are drawn by a counter-based
 * generator from (seed, the image's digest, view): the same for any thread and in any order.
 */
#ifndef VGG_IMAGE_VIEW_H
#define VGG_IMAGE_VIEW_H

#include <stdbool.h>

#include "clvgg/image.h"

enum { VGG_VIEW_FLIP = 1, VGG_VIEW_CROP = 2, VGG_VIEW_COLOR = 4 }; /* as CLVGG_AUGMENT_… */

/* Applied in this order, as written. */
typedef struct vgg_view {
    bool crop;                       /* else the picture as it is prepared for classification */
    double top, left, height, width; /* shares of the picture, which is squashed to the input */
    bool flip;                       /* left and right, of the network's input */
    bool color;                      /* on 0...255, before normalisation, clamped after each: */
    float brightness;                /* a factor */
    float contrast;                  /* 0: all pixels are the mean of the grey picture; 1: as is */
    float saturation;                /* 0: each pixel is its grey; 1: as is */
} vgg_view;

/* Crops are 35 to 100 % of the area, sides 3:4 to 4:3 of each other, whole pixels (torchvision's
 * RandomResizedCrop, gentler; the largest centred one where ten draws don't fit); colour factors
 * 0.8 to 1.2; half of the views are mirrored. What is drawn for one transformation doesn't depend
 * on which others there are. */
vgg_view vgg_view_draw(unsigned augment, uint64_t seed, const uint8_t digest[32], uint32_t view,
                       int picture_width, int picture_height);
/* Prepares a view as clvgg_image_prepare() does an image; colours change as in torchvision's
 * ColorJitter. */
clvgg_status vgg_image_prepare_view(const clvgg_image *image, const clvgg_preprocess *preprocess,
                                    const vgg_view *view, float *data);

#endif

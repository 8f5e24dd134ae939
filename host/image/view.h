/* image/view.h — views of a photograph: mirrored, cropped elsewhere, in other colours.
 *
 * View 0 is the image as it is prepared for classification. Others are drawn by a counter-based
 * generator from (seed, the image's digest, view): the same whoever asks, in any order.
 */
#ifndef VGG_IMAGE_VIEW_H
#define VGG_IMAGE_VIEW_H

#include <stdbool.h>

#include "clvgg/image.h"

enum { VGG_VIEW_FLIP = 1, VGG_VIEW_CROP = 2, VGG_VIEW_COLOR = 4 }; /* as CLVGG_AUGMENT_… */

typedef struct vgg_view {
    bool flip;
    bool crop;                                       /* else the whole picture, centred */
    double top, left, height, width;                 /* of the crop, shares of the picture */
    bool color;
    float brightness, contrast, saturation;          /* factors */
} vgg_view;

/* Crops are 35 to 100 % of the area, sides 3:4 to 4:3 of each other (as torchvision's
 * RandomResizedCrop, gentler); colour factors 0.8 to 1.2; half of the views are mirrored. */
vgg_view vgg_view_draw(unsigned augment, uint64_t seed, const uint8_t digest[32], uint32_t view,
                       int picture_width, int picture_height);
/* As clvgg_image_prepare(), of a view. */
clvgg_status vgg_image_prepare_view(const clvgg_image *image, const clvgg_preprocess *preprocess,
                                    const vgg_view *view, float *data);

#endif

/* image/prepare.h — from a rectangle of a picture to rows of the network's input. Private to this
 * folder: prepare.c takes the whole picture, view.c others, warp.c moves and turns it.
 */
#ifndef VGG_IMAGE_PREPARE_H
#define VGG_IMAGE_PREPARE_H

#include "image/image.h"

/* A rectangle of a picture, RGB. */
typedef struct vgg_image_part {
    const uint8_t *pixels;
    int width, height;
    size_t row_bytes; /* from one row to the next */
} vgg_image_part;

/* One axis of the geometry: the picture becomes `resized` pixels long; `count` of them from `first`
 * on are kept and lie in the output behind `pad` zero pixels. */
typedef struct vgg_image_span {
    int64_t resized, first;
    int count, pad;
} vgg_image_span;

/* The spans by which `mode`, not preprocess->mode, resizes and crops the rectangle. */
void vgg_image_choose_spans(const vgg_image_part *part, const clvgg_preprocess *preprocess,
                            clvgg_resize_mode mode, vgg_image_span *across, vgg_image_span *down);

/* Resizes the rectangle as `mode` says, not preprocess->mode, crops, mirrors the result where
 * `flip`, and writes values[c][byte] for channel c in preprocess->order. */
clvgg_status vgg_image_render(const vgg_image_part *part, const clvgg_preprocess *preprocess,
                              clvgg_resize_mode mode, bool flip, float values[3][256], float *data);

/* Fills the table from a pixel's byte to the input's value, for each channel. */
void vgg_image_fill_values(const clvgg_preprocess *preprocess, float values[3][256]);

#endif

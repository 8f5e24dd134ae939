/* image/decoders.h — what decode.c knows of each format. Private to this folder. */
#ifndef VGG_IMAGE_DECODERS_H
#define VGG_IMAGE_DECODERS_H

#include "image/image.h"

/* Fill width, height, pixels and warning_count of a zeroed image; the caller frees it, on failure
 * too. None is there where the build lacks the library. */
clvgg_status vgg_png_decode(const uint8_t *bytes, size_t byte_count, clvgg_image *image);
clvgg_status vgg_jpeg_decode(const uint8_t *bytes, size_t byte_count, clvgg_image *image);
clvgg_status vgg_webp_decode(const uint8_t *bytes, size_t byte_count, clvgg_image *image);

/* Cost of the calls above, from the file's header. */
clvgg_status vgg_png_measure(const uint8_t *bytes, size_t byte_count, vgg_image_cost *cost);
clvgg_status vgg_jpeg_measure(const uint8_t *bytes, size_t byte_count, vgg_image_cost *cost);
clvgg_status vgg_webp_measure(const uint8_t *bytes, size_t byte_count, vgg_image_cost *cost);

/* RGBA to RGB on white, in place. */
void vgg_image_composite_on_white(uint8_t *pixels, size_t pixel_count);

#endif

/* image/grey.h — a picture in grey, for networks of one channel. Private to this folder. */
#ifndef VGG_IMAGE_GREY_H
#define VGG_IMAGE_GREY_H

#include "image/prepare.h"

/* A copy of the rectangle whose three bytes a pixel are its luma, so that whatever reads RGB reads
 * it. out->pixels is *pixels, to be freed. */
clvgg_status vgg_image_grey(const vgg_image_part *part, uint8_t **pixels, vgg_image_part *out);

#endif

/* image/exif.h — the orientation a camera notes in EXIF, and turning the picture upright. */
#ifndef VGG_IMAGE_EXIF_H
#define VGG_IMAGE_EXIF_H

#include "image/image.h"

/* Orientation 1…8 of a TIFF structure (what follows "Exif\0\0" in a JPEG's APP1 segment); 1, which
 * is upright, when there is none or it is malformed. */
int vgg_exif_orientation(const uint8_t *tiff, size_t byte_count);

/* Turns the image upright; 5…8 swap width and height. */
clvgg_status vgg_image_orient(clvgg_image *image, int orientation);

#endif

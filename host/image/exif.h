/* image/exif.h — the orientation a camera notes in EXIF, and turning the picture upright. */
#ifndef VGG_IMAGE_EXIF_H
#define VGG_IMAGE_EXIF_H

#include "image/image.h"

/* Stands before the TIFF structure in a JPEG's APP1 segment, and in some files of other formats. */
#define VGG_EXIF_SIGNATURE "Exif\0"
enum { VGG_EXIF_SIGNATURE_BYTES = 6 };

/* Orientation 1…8 of a TIFF structure, with or without the signature; 0 when there is none or it is
 * malformed. */
int vgg_exif_orientation(const uint8_t *exif, size_t byte_count);

/* Turns the image upright; 0 and 1 mean that it is, 5…8 swap width and height. */
clvgg_status vgg_image_orient(clvgg_image *image, int orientation);

#endif

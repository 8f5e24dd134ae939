/* report/thumbnail.h — small versions of pictures, as JPEG inside of text. */
#ifndef VGG_REPORT_THUMBNAIL_H
#define VGG_REPORT_THUMBNAIL_H

#include "base/text.h"
#include "clvgg/image.h"

/* The whole picture in width x height, 8-bit RGB. Errors: OUT_OF_MEMORY. */
clvgg_status vgg_thumbnail_pixels(const clvgg_image *image, int width, int height, uint8_t *rgb);
/* Appends "data:image/jpeg;base64,…" of the picture at `path`, its longer side at most `side`
 * pixels and its shape kept; width and height receive its size. Errors: those of reading,
 * UNSUPPORTED (built without libjpeg), OUT_OF_MEMORY. */
clvgg_status vgg_thumbnail_append(vgg_text *text, clvgg_runtime *runtime, const char *path,
                                  int side, int *width, int *height);

#endif

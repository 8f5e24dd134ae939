/* pipeline/budget_decode.h — decodes a file within a budget of bytes shared among threads. */
#ifndef VGG_PIPELINE_BUDGET_DECODE_H
#define VGG_PIPELINE_BUDGET_DECODE_H

#include "image/image.h"
#include "pipeline/budget.h"

/* Waits until the budget covers the file's content, its decoding and its preparation. *held (0
 * before) bytes of the budget are the caller's to give back once it has freed the image, on failure
 * too. Errors: as vgg_image_read(). */
clvgg_status vgg_budget_decode(vgg_budget *budget, const char *path,
                               const clvgg_preprocess *preprocess, clvgg_image **image,
                               uint64_t *held);

#endif

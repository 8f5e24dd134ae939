/* train/feature_compute.h — images through the frozen part: decoded ahead, computed in batches,
 * rounded to float16 whether or not they will be kept, so that bits don't depend on it.
 */
#ifndef VGG_TRAIN_FEATURE_COMPUTE_H
#define VGG_TRAIN_FEATURE_COMPUTE_H

#include "train/features_inside.h"

typedef struct vgg_feature_compute vgg_feature_compute;

/* Starts computing features of items[which[0…count − 1]], or of items[0…count − 1] where `which` is
 * NULL. */
clvgg_status vgg_feature_compute_open(const vgg_features *features, const vgg_feature_item *items,
                                      const size_t *which, size_t count, vgg_feature_compute **out);
/* The next features, float16 [*count][feature_count], at most device_batch of them; *count is 0 at
 * the end. rows[i], where `rows` isn't NULL, says which of the items row i is of: some may have
 * been left out (vgg_features_unreadable). Images before one that fails come first, then, at the
 * next call, its error: BAD_FILE and others of images; NON_FINITE, also beyond float16; those of
 * the source. Where `values` is NULL images are read, and nothing is computed. */
clvgg_status vgg_feature_compute_next(vgg_feature_compute *compute, uint16_t *values, size_t *rows,
                                      size_t *count);
/* Accepts NULL. */
void vgg_feature_compute_close(vgg_feature_compute *compute);

#endif

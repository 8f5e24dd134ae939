/* verify/samples.h — places of an output at which a wrong kernel shows: every channel where these
 * aren't too many, edges and corners, the last rows and columns, and places at random.
 */
#ifndef VGG_VERIFY_SAMPLES_H
#define VGG_VERIFY_SAMPLES_H

#include <stdint.h>

#include "base/status.h"
#include "clvgg/tensor.h"

/* An element of one image of a batch. */
typedef struct vgg_sample {
    int image;
    int64_t at[3]; /* {k, row, column} */
} vgg_sample;

typedef struct vgg_samples {
    vgg_sample *items; /* by channel, ascending */
    int count;
} vgg_samples;

/* Chooses about `wanted` elements of `images` outputs of `shape`, at least one of each of
 * `channels` channels (all, if there are no more; else the first, the last and a run between, so
 * that every position in a vector is among them); the same for the same seed. Errors:
 * OUT_OF_MEMORY. */
clvgg_status vgg_samples_choose(const clvgg_shape *shape, int images, int64_t channels, int wanted,
                                uint64_t seed, vgg_samples *samples);
void vgg_samples_free(vgg_samples *samples);

#endif

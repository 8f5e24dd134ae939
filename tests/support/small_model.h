/* support/small_model.h — a VGG that is small enough for any test: vgg11's layers and names, 3 × 32
 * × 32 input, 4 to 8 channels, three classes, weights made from a seed.
 */
#ifndef TEST_SUPPORT_SMALL_MODEL_H
#define TEST_SUPPORT_SMALL_MODEL_H

#include "model/model.h"

/* Same seed, same weights. Fails the running test when it can't be made; free the result with
 * vgg_model_free(). To have it in a file: vgg_model_save(). */
clvgg_model *small_model_make(clvgg_runtime *runtime, unsigned seed);
/* Makes a small model whose input has so many channels. */
clvgg_model *small_model_of_channels(clvgg_runtime *runtime, unsigned seed, int channels);

/* The source of its weights, for other graphs: value i of a tensor depends on seed, name and i
 * alone; uniform, scaled by the fan-in (He), so that activations neither vanish nor explode; biases
 * are small. `user` is the seed: (void *)(uintptr_t)seed. */
clvgg_status small_model_source(void *user, const char *tensor, const clvgg_shape *shape,
                                uint64_t first, uint64_t count, float *values);

#endif

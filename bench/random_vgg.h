/* random_vgg.h — a full-size VGG with seeded random weights, for timings and memory figures. */
#ifndef RANDOM_VGG_H
#define RANDOM_VGG_H

#include <stdint.h>

#include <clvgg/model.h>

/* `architecture` as in clvgg_model_description; 1000 classes. `*seed` must outlive the model. */
clvgg_status random_vgg_build(clvgg_runtime *runtime, const char *architecture,
                              const uint64_t *seed, clvgg_model **out);

#endif

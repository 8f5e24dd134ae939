/* train/frozen.h — the layers that don't train, on the device while features are computed. */
#ifndef VGG_TRAIN_FROZEN_H
#define VGG_TRAIN_FROZEN_H

#include "model/model.h"
#include "pipeline/runner.h"

typedef struct vgg_frozen {
    clvgg_device *device; /* borrowed, as the model is */
    const clvgg_model *model;
    int node; /* whose value the features are */
    int batch;
    clvgg_execution execution;         /* its strings are the caller's */
    vgg_runner *runner;                /* while it is started */
    size_t input_count, feature_count; /* of one image */
    uint64_t device_bytes;             /* weights and activations */
    uint64_t fingerprint;              /* of the plan */
} vgg_frozen;

/* Plans for batches of `batch`, fewer where the device's memory is short, and puts nothing on the
 * device yet. */
clvgg_status vgg_frozen_init(vgg_frozen *frozen, clvgg_device *device, const clvgg_model *model,
                             int node, int batch, const clvgg_execution *execution);
/* Hash of every value that features depend on: frozen parameters, preprocessing, the plan's
 * fingerprint. Reads all frozen weights once. */
clvgg_status vgg_frozen_digest(const vgg_frozen *frozen, uint8_t digest[32]);
/* Features float32 [count][feature_count] of prepared images, any count; starts the plan when it
 * isn't. A vgg_feature_source's compute; `user` is the vgg_frozen. */
clvgg_status vgg_frozen_compute(void *user, int count, const float *images, float *features);
/* Gives the device's memory back. */
void vgg_frozen_stop(vgg_frozen *frozen);

#endif

/* train/head.h — dense layers that learn: forward, backward, update, on the device.
 *
 * A head is a chain of dense layers with an activation and dropout behind each but the last, and
 * softmax with cross-entropy behind that one. Weights are kept once, packed as the forward variant
 * (ops/op_dense_*.c) reads them, optimiser state in the same order; a weight's gradient never
 * exists: the update is the epilogue of its product (grad/dense_grad.h). No atomics, every sum in a
 * fixed order: same device, same seed, same bits.
 */
#ifndef VGG_TRAIN_HEAD_H
#define VGG_TRAIN_HEAD_H

#include "clvgg/finetune.h"
#include "plan/plan.h"

enum {
    VGG_HEAD_MOST_LAYERS = 8,
    VGG_HEAD_MOST_STAGES = 3 * VGG_HEAD_MOST_LAYERS + 2 /* of a step, see vgg_head_stage */
};

typedef struct vgg_head_layer {
    const char *name; /* for messages; borrowed */
    int64_t inputs, outputs;
    clvgg_activation activation; /* of all but the last */
    float dropout;               /* behind the activation; 0: none */
} vgg_head_layer;

typedef struct vgg_head_options {
    const vgg_head_layer *layers; /* [layer_count], the last gives the logits */
    int layer_count;
    int max_batch;
    clvgg_optimizer optimizer;
    bool nesterov;
    float label_smoothing;
    uint64_t seed; /* of dropout */
} vgg_head_options;

/* A parameter, or a part of the optimiser's state beside it. */
typedef enum vgg_head_part {
    VGG_HEAD_VALUE,
    VGG_HEAD_MOMENT1, /* momentum; Adam's m */
    VGG_HEAD_MOMENT2  /* Adam's v; not with SGD */
} vgg_head_part;

/* Hyperparameters of one step. */
typedef struct vgg_head_step {
    uint64_t step; /* from 1 on: Adam's t, and the position of dropout's generator */
    double lr, momentum, beta2, epsilon, weight_decay;
    double clip_norm; /* 0: none */
} vgg_head_step;

typedef struct vgg_head vgg_head;

/* Initial values: elements [first, first + count) of a layer's weight, canonical [out][in], or of
 * its bias, float32. */
typedef clvgg_status (*vgg_head_source)(void *user, int layer, bool bias, uint64_t first,
                                        uint64_t count, float *values);

/* Bytes on the device that a head takes: parameters, state, activations, workspaces. */
clvgg_status vgg_head_measure(clvgg_device *device, const vgg_head_options *options,
                              uint64_t *bytes);
/* Builds every kernel; state begins at 0. Retains the device. Errors: OUT_OF_DEVICE_MEMORY with the
 * sizes, BUILD_FAILED, those of `source`. */
clvgg_status vgg_head_create(clvgg_device *device, const vgg_head_options *options,
                             vgg_head_source source, void *user, vgg_head **out);
void vgg_head_free(vgg_head *head);
/* Hash of all that decides bits: device, driver, programs, shapes. */
uint64_t vgg_head_fingerprint(const vgg_head *head);
/* Bytes on the device, as vgg_head_measure() predicts them. */
uint64_t vgg_head_bytes(const vgg_head *head);

/* Trains one step on `count` (1…max_batch) images: features float32 [count][inputs], labels
 * [count]. losses [count] are of before the update, with label smoothing and dropout; *correct (may
 * be NULL) counts images whose largest logit is their label's. The gradient is of the mean over
 * `count`. Blocks. Errors: NON_FINITE (a loss; the update is made already), OPENCL, DEVICE_LOST. */
clvgg_status vgg_head_train(vgg_head *head, int count, const float *features, const int32_t *labels,
                            const vgg_head_step *step, float *losses, int *correct);
/* The parts of a step by which values come to the device and go back, alone; losses are those of
 * the latest step. `count` as there. Block. Errors: OPENCL, DEVICE_LOST. */
clvgg_status vgg_head_upload(vgg_head *head, int count, const float *features,
                             const int32_t *labels);
clvgg_status vgg_head_download(vgg_head *head, int count, float *losses);

/* A part of a step: a layer forward, the loss, a layer's data gradient, clipping, an update. */
typedef struct vgg_head_stage {
    char name[96];         /* "fc6 update" */
    const char *variant;   /* the head's */
    uint64_t flops;        /* of one image */
    uint64_t weight_bytes; /* of weights and state, read or written */
    double ms;             /* of the latest step (ocl/clock.h) */
} vgg_head_stage;

/* Switches the timing of stages on or off for later steps. */
clvgg_status vgg_head_set_profile(vgg_head *head, bool profile);
/* Stages of the latest step, if it was timed, in their order. */
int vgg_head_stage_count(const vgg_head *head);
vgg_head_stage vgg_head_stage_at(const vgg_head *head, int index);

/* Logits float32 [count][outputs of the last], without dropout. Blocks. */
clvgg_status vgg_head_infer(vgg_head *head, int count, const float *features, float *logits);

/* Elements of a layer's parameter in canonical order, for checkpoints and the model's file. Blocks.
 * A pass over a whole weight in pieces reads it from the device once for each piece: take pieces of
 * whole rows and some MiB. */
clvgg_status vgg_head_read(vgg_head *head, int layer, bool bias, vgg_head_part part, uint64_t first,
                           uint64_t count, float *values);
/* Puts a whole parameter, or its state, back: `source` gives it piece by piece. */
clvgg_status vgg_head_write(vgg_head *head, int layer, bool bias, vgg_head_part part,
                            vgg_head_source source, void *user);

#endif

/* train/checkpoint.h — where training stands, in a file: weights, optimiser's state, position.
 *
 * A safetensors file: tensors "fc6.weight", "fc6.bias" and, beside each, "….moment1" and
 * "….moment2", float32; the run's settings and its state as metadata; a last tensor "sha256" of all
 * that. It appears whole or not at all, and a damaged one is refused.
 */
#ifndef VGG_TRAIN_CHECKPOINT_H
#define VGG_TRAIN_CHECKPOINT_H

#include "train/head.h"
#include "weights/weights.h"

/* The state, beside weights, that a resumed training goes on from to the same bits. */
typedef struct vgg_train_state {
    int epoch;         /* in work, from 1 on */
    uint64_t position; /* images of it that are trained */
    uint64_t step;     /* steps made in all */
    double loss_sum;   /* over those images */
    uint64_t correct;  /* of them */
    double seconds;    /* that the epoch took so far */
    int best_epoch;
    clvgg_finetune_epoch *epochs; /* [epoch_count], vgg_free() */
    size_t epoch_count;
} vgg_train_state;

/* A head's layers by name, and what is written of each. */
typedef struct vgg_checkpoint_layers {
    vgg_head *head;
    const vgg_head_layer *layers;
    int layer_count;
    int parts; /* 1: values alone; 2 or 3 with the optimiser's state */
} vgg_checkpoint_layers;

/* `settings` are lines "name=value\n". Errors: IO (also a full disk: what was there stays). */
clvgg_status vgg_checkpoint_write(const char *path, const char *settings,
                                  const vgg_train_state *state,
                                  const vgg_checkpoint_layers *layers);

typedef struct vgg_checkpoint vgg_checkpoint;
/* Reads all of it once, for its hash. Errors: NOT_FOUND, IO, BAD_FILE (damaged, no checkpoint). */
clvgg_status vgg_checkpoint_open(const char *path, vgg_checkpoint **out);
void vgg_checkpoint_close(vgg_checkpoint *checkpoint);
const char *vgg_checkpoint_settings(const vgg_checkpoint *checkpoint);
/* state->epochs becomes the caller's. */
clvgg_status vgg_checkpoint_state(const vgg_checkpoint *checkpoint, vgg_train_state *state);
/* Elements of a parameter's value, float32. Errors: BAD_FILE (no such tensor, another shape). */
clvgg_status vgg_checkpoint_read(const vgg_checkpoint *checkpoint, const vgg_head_layer *layer,
                                 bool bias, vgg_head_part part, uint64_t first, uint64_t count,
                                 float *values);
/* Puts everything of `layers` on the device. */
clvgg_status vgg_checkpoint_restore(const vgg_checkpoint *checkpoint,
                                    const vgg_checkpoint_layers *layers);

/* Compares the checkpoint's settings with these. Errors: UNSUPPORTED, with the first line that
 * differs. Only with `whole` do further lines at the end of one of the two count. */
clvgg_status vgg_checkpoint_compare(const vgg_checkpoint *checkpoint, const char *settings,
                                    bool whole);

#endif

/* clvgg/finetune.h — a pretrained VGG's dense head replaced and trained for one's own classes.
 *
 * The convolutional base is frozen, as are dense layers before the first that trains; what they
 * give for an image (its features) is computed once, kept on disk, and streamed from there in
 * bounded memory. The dense layers behind are trained on the device by backpropagation.
 *
 * clvgg_finetune_create() decides and says what would be done; clvgg_finetune_run() does it.
 */
#ifndef CLVGG_FINETUNE_H
#define CLVGG_FINETUNE_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/dataset.h"
#include "clvgg/device.h"
#include "clvgg/execution.h"
#include "clvgg/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clvgg_finetune clvgg_finetune;

typedef enum clvgg_train_from { /* the first dense layer that trains; those behind it do too */
    CLVGG_TRAIN_AUTO = 0,       /* FC8, if the base's classes are the data set's; else FC6 */
    CLVGG_TRAIN_FC6 = 6,
    CLVGG_TRAIN_FC7 = 7,
    CLVGG_TRAIN_FC8 = 8
} clvgg_train_from;

typedef enum clvgg_head_init {
    CLVGG_HEAD_AUTO = 0, /* KEEP if the base's classes are the data set's or `train` is given */
    CLVGG_HEAD_KEEP = 1, /* a layer that trains begins with the base's weights where they fit: same
                            input, same shape, all before it kept, and of the last one same classes
                            in the same order */
    CLVGG_HEAD_FRESH = 2 /* layers that train begin with random weights (He et al. 2015 before a
                            ReLU, Glorot & Bengio 2010 before anything else), biases 0 */
} clvgg_head_init;

typedef enum clvgg_activation {
    CLVGG_ACTIVATION_RELU = 0,
    CLVGG_ACTIVATION_TANH = 1,
    CLVGG_ACTIVATION_SIGMOID = 2
} clvgg_activation;

typedef enum clvgg_optimizer {
    CLVGG_OPTIMIZER_SGD = 0, /* v = momentum v + g; w −= lr v, or lr (g + momentum v): Nesterov */
    CLVGG_OPTIMIZER_ADAM = 1, /* Kingma & Ba 2015; decay is part of the gradient */
    CLVGG_OPTIMIZER_ADAMW = 2 /* Loshchilov & Hutter 2019; decay beside it */
} clvgg_optimizer;

typedef enum clvgg_lr_schedule {
    CLVGG_LR_CONSTANT = 0,
    CLVGG_LR_STEP = 1,  /* a tenth after each third of the epochs */
    CLVGG_LR_COSINE = 2 /* down to 0 along half a cosine */
} clvgg_lr_schedule;

typedef enum clvgg_keep { /* which epoch's weights the new model has */
    CLVGG_KEEP_BEST = 0,  /* of the lowest val_loss; epoch 0 is one of them */
    CLVGG_KEEP_LAST = 1   /* the last one's: validation measures, and chooses nothing */
} clvgg_keep;

enum { CLVGG_AUGMENT_FLIP = 1, CLVGG_AUGMENT_CROP = 2, CLVGG_AUGMENT_COLOR = 4 }; /* bits */

/* Events, in their order: FEATURES while features are computed (CHECK without a cache, while
 * photographs are read before the first epoch), LEFT_OUT for each photograph that can't be read,
 * STEP after each step, EPOCH after each epoch's evaluation, SAVED after a checkpoint. */
typedef enum clvgg_finetune_event_type {
    CLVGG_FINETUNE_FEATURES = 0,
    CLVGG_FINETUNE_STEP = 1,
    CLVGG_FINETUNE_EPOCH = 2,
    CLVGG_FINETUNE_SAVED = 3,
    CLVGG_FINETUNE_CHECK = 4,
    CLVGG_FINETUNE_LEFT_OUT = 5
} clvgg_finetune_event_type;

/* One epoch's figures. Epoch 0 is the evaluation before the first step: its train_loss and
 * train_accuracy are NaN. */
typedef struct clvgg_finetune_epoch {
    size_t struct_size;
    int epoch;
    uint64_t step; /* steps made so far */
    double lr;     /* of the last step */
    double train_loss, train_accuracy; /* mean over the epoch's steps, dropout and all */
    double val_loss, val_accuracy, val_auc;
    double seconds; /* of this epoch */
    int best;       /* 1: the lowest val_loss so far */
} clvgg_finetune_epoch;

typedef struct clvgg_finetune_event {
    size_t struct_size;
    clvgg_finetune_event_type type;
    uint64_t done, total; /* images (FEATURES, CHECK: views not on disk; STEP: of this epoch) */
    int epoch, epochs;
    uint64_t step, steps;
    double loss, accuracy, lr;                /* STEP: of the epoch so far */
    const clvgg_finetune_epoch *epoch_figures; /* EPOCH; valid during the call */
    const char *path;                          /* SAVED, LEFT_OUT */
    double seconds;                            /* since run or check began */
    const char *reason;                        /* LEFT_OUT: why it can't be read */
} clvgg_finetune_event;

/* Returns 0 to go on. Anything else stops: the step in work is finished, a checkpoint saved, and
 * clvgg_finetune_run() returns CANCELLED. May ask for names, figures and epochs, not start work. */
typedef int (*clvgg_finetune_progress_fn)(void *user, const clvgg_finetune_event *event);

typedef struct clvgg_finetune_options {
    size_t struct_size;
    clvgg_train_from train;
    clvgg_head_init head_init;
    int head_given;  /* 0: the base's widths */
    int head_layers; /* 0 (the last layer alone, on the pooled features: fc8) or 2 */
    int head[2];     /* widths of fc6 and fc7 */
    int activation_given; /* 0: the base's where a layer is kept, else ReLU */
    clvgg_activation activation; /* of layers that train */
    int epochs;               /* default 12 */
    int batch;                /* default 32 */
    clvgg_optimizer optimizer; /* default SGD */
    int nesterov;             /* default 0 */
    double lr;                /* of features of about unit size: they are scaled so, by a power of
                                 two; 0: 0.001 with SGD, 0.0001 with the others */
    clvgg_lr_schedule lr_schedule; /* default COSINE */
    double warmup_epochs;     /* lr rises along a line; default 0.5 */
    double momentum;          /* default 0.9 (Adam: beta1) */
    double weight_decay;      /* default 5e-4 */
    double clip_norm;         /* of all gradients together; 0 (default): none */
    double dropout;           /* behind fc6 and fc7; default 0.5 */
    double label_smoothing;   /* default 0 */
    unsigned augment;         /* CLVGG_AUGMENT_… bits; default 0 */
    int views;                /* of an image, the first as it is; 0: 1 without augment, else 4 */
    uint64_t seed;            /* default 1 */
    clvgg_keep keep;          /* default BEST */
    int patience;             /* epochs without a lower val_loss before it ends; 0: never, which
                                 KEEP_LAST needs */
    clvgg_execution execution; /* of the frozen layers alone */
    const char *cache_dir;    /* folder of feature files; NULL: computed anew in each epoch */
    uint64_t cache_limit_bytes;  /* of that folder; default 20 GiB */
    uint64_t memory_limit_bytes; /* of cache and streaming buffers; default 1 GiB */
    const char *run_dir;      /* last.ckpt and, to KEEP_BEST, best.ckpt go there; NULL: no
                                 checkpoints */
    const char *resume;       /* a checkpoint, or NULL */
    double checkpoint_seconds; /* between checkpoints inside an epoch; default 300; 0: only at ends */
    clvgg_finetune_progress_fn progress;
    void *user;
    /* The number of photographs of both data sets that may be left out because they can't be read;
     * more are an error before the first epoch. */
    double max_bad_share;      /* from 0 to 1, one is always allowed; default 0.01 */
    int64_t max_bad_images;    /* so many, in place of a share; default −1: by the share */
} clvgg_finetune_options;

CLVGG_API void clvgg_finetune_options_defaults(clvgg_finetune_options *options);

/* Decides what is kept, replaced and frozen, checks that it can work, opens the feature cache.
 * Nothing is computed yet. Retains device, model and data sets; strings are copied.
 * Errors: INVALID_ARGUMENT (options that contradict each other, in words; one class; classes that
 * differ), NOT_FOUND, BAD_FILE (a checkpoint; no validation photograph at all, or a class without a
 * training photograph), SHAPE_MISMATCH, UNSUPPORTED (a checkpoint of another plan, model or data:
 * says what differs), IO (no room on the disk, with both numbers), OUT_OF_DEVICE_MEMORY. */
CLVGG_API clvgg_status clvgg_finetune_create(clvgg_device *device, clvgg_model *base,
                                             const clvgg_dataset *train, const clvgg_dataset *val,
                                             const clvgg_finetune_options *options,
                                             clvgg_finetune **out);
CLVGG_API void clvgg_finetune_free(clvgg_finetune *finetune);

/* One dense layer of the new model. */
typedef struct clvgg_finetune_layer {
    size_t struct_size;
    const char *name; /* "fc6"; owned by the finetune */
    int inputs, outputs;
    int kept;   /* 1: begins with the base's weights; 0: with random ones */
    int frozen; /* 1: doesn't train */
    const char *why; /* it isn't kept, in words; "" */
} clvgg_finetune_layer;
CLVGG_API size_t clvgg_finetune_layer_count(const clvgg_finetune *finetune);
CLVGG_API void clvgg_finetune_layer_at(const clvgg_finetune *finetune, size_t index,
                                       clvgg_finetune_layer *layer);

/* The amounts that the training needs: images, disk space, memory, steps. */
typedef struct clvgg_finetune_plan {
    size_t struct_size;
    const char *features; /* layer whose values are cached: "pool5", "relu6" …; owned */
    uint64_t feature_count;            /* values of an image */
    uint64_t train_images, val_images; /* of the data sets */
    int views;                         /* of a training image */
    uint64_t feature_images;           /* features to be had in all: train × views + val … */
    uint64_t cached_images;            /* … of them on disk already */
    uint64_t cache_bytes, free_disk_bytes; /* the rest needs; what the disk has */
    uint64_t trained_parameters;
    uint64_t frozen_device_bytes; /* base's weights and activations, freed before training begins */
    uint64_t head_device_bytes;   /* trained weights, optimiser's state, activations */
    uint64_t host_buffer_bytes;   /* cache and streaming buffers */
    uint64_t steps_an_epoch;
    int epochs;
    int first_epoch; /* 1, or where a checkpoint left */
    int trained_classes; /* of the data set */
    uint64_t fingerprint; /* same fingerprint and device, same bits */
} clvgg_finetune_plan;
CLVGG_API void clvgg_finetune_get_plan(const clvgg_finetune *finetune, clvgg_finetune_plan *plan);

/* Reads every photograph whose features aren't on disk, and computes nothing; then the plan counts
 * without those that can't be read. Blocks. Errors: BAD_FILE (more than may be left out, or a part
 * is empty without them), CANCELLED, OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_finetune_check(clvgg_finetune *finetune);
/* The data sets that are trained and validated on: those given, without the images left out. Owned
 * by the finetune, valid until the next check or run. */
CLVGG_API const clvgg_dataset *clvgg_finetune_train(const clvgg_finetune *finetune);
CLVGG_API const clvgg_dataset *clvgg_finetune_val(const clvgg_finetune *finetune);
/* Photographs that can't be read, as far as check or run has met them, and why, in words; strings
 * are owned by the finetune. */
CLVGG_API size_t clvgg_finetune_left_out_count(const clvgg_finetune *finetune);
CLVGG_API void clvgg_finetune_left_out(const clvgg_finetune *finetune, size_t index,
                                       const char **path, const char **reason);

/* Measures how long an image's features and a training step take, on a few of either, and projects:
 * *features_seconds for what isn't cached, *epoch_seconds for an epoch with its evaluation. Blocks.
 * Errors: those of clvgg_finetune_run(). */
CLVGG_API clvgg_status clvgg_finetune_project(clvgg_finetune *finetune, double *features_seconds,
                                              double *epoch_seconds);

/* Computes features that are missing, trains, evaluates after each epoch. What remains is the epoch
 * that options.keep says. Same device, options and data: same bits, also when it was
 * interrupted and resumed. Photographs that can't be read are left out, and everything is as though
 * they weren't in the data sets. Blocks. Errors: CANCELLED, NON_FINITE (the loss: names step and
 * learning rate; checkpoints stay), IO (disk full …), BAD_FILE (as clvgg_finetune_check()),
 * OUT_OF_DEVICE_MEMORY, DEVICE_LOST, OPENCL. */
CLVGG_API clvgg_status clvgg_finetune_run(clvgg_finetune *finetune);

/* All epochs so far, first the evaluation before training. */
CLVGG_API size_t clvgg_finetune_epoch_count(const clvgg_finetune *finetune);
CLVGG_API void clvgg_finetune_epoch_at(const clvgg_finetune *finetune, size_t index,
                                       clvgg_finetune_epoch *epoch);
/* Number of validation images of class `truth` that the kept epoch takes for `predicted`. */
CLVGG_API uint64_t clvgg_finetune_confusion(const clvgg_finetune *finetune, size_t truth,
                                            size_t predicted);

/* Writes the model of the epoch kept, atomically: frozen tensors bit for bit as the base's file has
 * them, trained ones as `dtype`; the data set's classes as labels. Errors: IO, OUT_OF_MEMORY, and
 * those of reading the base's weights. */
CLVGG_API clvgg_status clvgg_finetune_save(const clvgg_finetune *finetune, const char *path,
                                           clvgg_dtype dtype);

#ifdef __cplusplus
}
#endif
#endif

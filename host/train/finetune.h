/* train/finetune.h — what clvgg_finetune is inside: the parts that fine-tuning goes through.
 *
 *     finetune.c            decides (head_choice.c), plans, opens the feature file
 *     finetune_data.c       photographs, and those that can't be read
 *     finetune_resume.c     the folder of a run, and a checkpoint to go on from
 *     finetune_settings.c   writes down what decides the result
 *     finetune_story.c      what the model's file says about its training
 *     finetune_scale.c      features of about unit size
 *     finetune_weights.c    where parameters come from: random, the base's, the kept epoch's
 *     finetune_run.c        features, epochs, evaluation, checkpoints
 *     finetune_project.c    measures and projects
 */
#ifndef VGG_TRAIN_FINETUNE_H
#define VGG_TRAIN_FINETUNE_H

#include "base/text.h"
#include "train/checkpoint.h"
#include "train/dataset.h"
#include "train/features.h"
#include "train/frozen.h"
#include "train/head.h"
#include "train/head_choice.h"
#include "train/schedule.h"

/* A photograph that can't be read. */
typedef struct vgg_left_out {
    const char *path; /* the data set's */
    char *reason;
} vgg_left_out;

struct clvgg_finetune {
    const vgg_scope *scope;
    clvgg_device *device; /* retained, as base and data sets are */
    clvgg_model *base;
    clvgg_dataset *train, *val; /* without what was left out, once that is settled */
    size_t given_count;         /* photographs of both, before anything was left out */
    uint8_t *used[2];           /* of train and val: [image_count of the files], 0: left out */
    vgg_left_out *left_out;     /* [left_out_count] */
    size_t left_out_count;
    bool checking;                  /* photographs are read, and nothing is computed */
    clvgg_finetune_options options; /* strings are owned */
    vgg_head_choice choice;
    const char **classes; /* [class count], the data set's own strings */
    clvgg_model *model;   /* the new one; its source is this struct */
    vgg_frozen frozen;
    vgg_features *features;
    vgg_feature_item *items; /* [item_count]: what is to be computed, train then val */
    size_t item_count;
    vgg_head_layer layers[3]; /* that train */
    vgg_head_options head_options;
    uint64_t head_bytes;
    vgg_head *head; /* while it trains, and behind that with the weights that are kept */
    vgg_schedule schedule;
    int scale_exponent; /* features are divided by 2 to this, weights behind them multiplied */
    vgg_text settings;
    size_t settings_length; /* before what is known only when photographs have been read */
    uint64_t fingerprint;
    char *best_path, *last_path; /* NULL without a folder */
    vgg_train_state state;       /* where training stands */
    vgg_checkpoint *resumed;     /* until the head has it */
    vgg_checkpoint *best;        /* to keep the best: it, once training has ended … */
    float *best_values[3][2];    /* … or, without a folder, in memory: weights and biases */
    uint64_t *confusion;         /* [classes][classes] of the epoch kept, or NULL before the end */
    double start_ms;
    bool stopping; /* the caller's progress function has asked for it */
};

clvgg_status vgg_finetune_create(clvgg_device *device, clvgg_model *base,
                                 const clvgg_dataset *train, const clvgg_dataset *val,
                                 const clvgg_finetune_options *options, clvgg_finetune **out);
void vgg_finetune_free(clvgg_finetune *finetune);
clvgg_status vgg_finetune_run(clvgg_finetune *finetune);
clvgg_status vgg_finetune_check(clvgg_finetune *finetune);
clvgg_status vgg_finetune_project(clvgg_finetune *finetune, double *features_seconds,
                                  double *epoch_seconds);
void vgg_finetune_get_plan(const clvgg_finetune *finetune, clvgg_finetune_plan *plan);
clvgg_status vgg_finetune_save(const clvgg_finetune *finetune, const char *path, clvgg_dtype dtype);

/* ---- between the files ---- */

/* Checks that both data sets have the same classes and that no needed part is empty. */
clvgg_status vgg_finetune_check_data(const clvgg_dataset *train, const clvgg_dataset *val);
/* Prepares for photographs that can't be read. */
clvgg_status vgg_finetune_watch_data(clvgg_finetune *finetune);
/* All that is to be computed, in the order in which an epoch reads it. */
clvgg_status vgg_finetune_list_items(clvgg_finetune *finetune);
/* A vgg_features_unreadable's leave_out; `user` is the finetune. */
clvgg_status vgg_finetune_leave_out(void *user, const vgg_feature_item *item, const char *message);
/* Goes on without what was left out, unless that is too much. */
clvgg_status vgg_finetune_settle_data(clvgg_finetune *finetune);
void vgg_finetune_forget_data(clvgg_finetune *finetune);
/* Brings all that depends on the data up to date: the schedule, the settings, the model's
 * description. */
clvgg_status vgg_finetune_settle(clvgg_finetune *finetune);
/* Writes the model's description, how it was made, into its metadata. */
clvgg_status vgg_finetune_describe(clvgg_finetune *finetune);
/* Reports to the caller; false when the caller wants to stop. */
bool vgg_finetune_tell(clvgg_finetune *finetune, clvgg_finetune_event *event);
/* Lines "name=value" of everything that decides the result, but what was left out, and the head's
 * programs. */
clvgg_status vgg_finetune_write_settings(clvgg_finetune *finetune, const uint8_t frozen[32]);
/* Adds what was left out. */
clvgg_status vgg_finetune_settle_settings(clvgg_finetune *finetune);
/* Paths in the run's folder; the checkpoint to go on from, if any, and whether it can be, as far as
 * that is known before photographs have been read. */
clvgg_status vgg_finetune_read_checkpoint(clvgg_finetune *finetune);
/* Checks that training as set up passes the step at which the checkpoint was written. */
clvgg_status vgg_finetune_check_position(const clvgg_finetune *finetune);
/* Makes the run's folder where it isn't. */
clvgg_status vgg_finetune_make_folder(const clvgg_finetune *finetune);
/* Opens best.ckpt, which must be the best epoch's of this run. */
clvgg_status vgg_finetune_open_best(const clvgg_finetune *finetune, vgg_checkpoint **best);
uint64_t vgg_finetune_steps_an_epoch(const clvgg_finetune *finetune);
/* Finds the scale of the features, once they can be had. */
clvgg_status vgg_finetune_find_scale(clvgg_finetune *finetune);
/* Multiplies by 2 to `exponent`: exact, but where values leave float32's range. */
void vgg_scale_by_power(float *values, size_t count, int exponent);
/* The next features of a stream, scaled. */
clvgg_status vgg_finetune_next(const clvgg_finetune *finetune, vgg_feature_stream *stream,
                               float *features, int *count);
/* A vgg_head_source of the first values of a layer that trains; `user` is the finetune. */
clvgg_status vgg_finetune_initial(void *user, int layer, bool bias, uint64_t first, uint64_t count,
                                  float *values);
/* A clvgg_tensor_source of the new model: frozen layers' random values, trained layers' kept. */
clvgg_status vgg_finetune_tensor(void *user, const char *tensor, const clvgg_shape *shape,
                                 uint64_t first, uint64_t count, float *values);
/* Keeps the head's weights as the best so far: in best.ckpt, or in memory. */
clvgg_status vgg_finetune_keep_best(clvgg_finetune *finetune);
/* Puts the best weights on the device. */
clvgg_status vgg_finetune_restore_best(clvgg_finetune *finetune);
/* The head's layers for a checkpoint. */
vgg_checkpoint_layers vgg_finetune_layers(const clvgg_finetune *finetune, bool with_state);

#endif

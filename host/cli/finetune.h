/* cli/finetune.h — what the files of `clvgg finetune` share.
 *
 *     cmd_finetune.c       options, setting up, running
 *     finetune_data.c      data sets, and what is worth saying about them
 *     finetune_plan.c      what will be done: --dry-run, and the lines before training
 *     finetune_resume.c    going on with a run that was stopped
 *     finetune_report.c    progress, epochs as they come, the end, files of the run
 */
#ifndef VGG_CLI_FINETUNE_H
#define VGG_CLI_FINETUNE_H

#include "cli/options.h"
#include "clvgg/finetune.h"
#include "report/json.h"
#include "report/progress.h"

typedef struct vgg_finetune_arguments {
    const char *device, *model, *data, *val, *output, *head, *cache, *run_dir, *resume;
    int compute_units, train, head_init, activation; /* -1: not given */
    int epochs, batch, optimizer, lr_schedule, views, seed, keep, patience, dtype;
    bool nesterov, dry_run, json, quiet, no_cache;
    double val_split, lr, warmup, momentum, weight_decay, clip_norm, dropout, label_smoothing;
    unsigned augment;
    uint64_t cache_limit_bytes, memory_limit_bytes;
    float checkpoint_seconds;
    vgg_allowance max_bad;
} vgg_finetune_arguments;

typedef struct vgg_finetuning {
    vgg_cli *cli;
    const vgg_finetune_arguments *arguments;
    clvgg_runtime *runtime;
    clvgg_device *device;
    clvgg_device_info device_info;
    clvgg_model *base;
    clvgg_dataset *whole, *train, *val; /* whole: that --val-split parts; or NULL */
    size_t common;                      /* files in both */
    clvgg_finetune *finetune;
    vgg_text run_dir, cache_dir;  /* cache_dir empty: none */
    clvgg_finetune_epoch *epochs; /* [epoch_count], vgg_calloc()'s */
    size_t epoch_count;
    vgg_progress progress;
    clvgg_finetune_event_type shown; /* what the progress line shows */
    uint64_t first_step;             /* made before the progress line of steps began */
    bool started, headed, written;   /* a line was drawn; the table's head; the model is there */
    size_t left_out;                 /* photographs that can't be read: the first are named … */
    bool counted;                    /* … and how many there are has been said */
} vgg_finetuning;

/* Opens --data and --val, or parts --data. Returns an exit code; failures have been reported. */
int vgg_finetune_open_data(vgg_finetuning *run);
/* Names a photograph that can't be read; behind them all, says how many are left. */
void vgg_finetune_say_left_out(vgg_finetuning *run, const char *path, const char *reason);
void vgg_finetune_say_left(const vgg_finetuning *run);

/* The checkpoint to go on from, or NULL: the run's own, which isn't there yet, is none. */
const char *vgg_finetune_checkpoint(const vgg_finetuning *run);
/* Behind a run that was stopped, or failed. */
void vgg_finetune_say_what_goes_on(const vgg_finetuning *run, clvgg_status status);

void vgg_finetune_announce(const vgg_finetuning *run);
/* Measures, and prints what would be done. */
int vgg_finetune_dry_run(vgg_finetuning *run);
/* The photographs that can't be read, as an array "left_out". */
void vgg_finetune_put_left_out(const vgg_finetuning *run, vgg_json *json);
/* The members that a dry run and a run have in common, into an object that is begun. */
void vgg_finetune_put_plan(const vgg_finetuning *run, vgg_json *json);

/* A clvgg_finetune_progress_fn; `user` is the run. */
int vgg_finetune_note(void *user, const clvgg_finetune_event *event);
/* Takes over epochs of a checkpoint. */
bool vgg_finetune_take_epochs(vgg_finetuning *run);
/* metrics.csv, metrics.json, curves.svg and curves.png, as far as it has come. */
clvgg_status vgg_finetune_write_files(vgg_finetuning *run);
/* Reports how the training ended; `error` is NULL, or what went wrong. */
void vgg_finetune_report(vgg_finetuning *run, const char *error);

#endif

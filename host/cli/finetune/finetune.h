/* cli/finetune/finetune.h — what the files of `clvgg finetune` share.
 *
 *     cmd_finetune.c       options, setting up, running
 *     finetune_data.c      data sets, and what is worth saying about them
 *     finetune_plan.c      what will be done: --dry-run, and the lines before training
 *     finetune_resume.c    going on with a run that was stopped
 *     finetune_report.c    progress, epochs as they come, the end, files of the run
 */
#ifndef CLI_FINETUNE_H
#define CLI_FINETUNE_H

#include "cli/context.h"
#include "clvgg/finetune.h"
#include "report/json.h"
#include "report/progress.h"

typedef struct cli_finetune_arguments {
    cli_context_arguments context;
    const char *data, *val, *output, *head, *cache, *run_dir, *resume;
    int train, head_init, activation; /* -1: not given */
    int seed, dtype;
    bool nesterov, dry_run, json, quiet;
    double val_split;
    float checkpoint_seconds;
    clvgg_finetune_options options; /* the other options are read into it */
    cli_allowance max_bad;
} cli_finetune_arguments;

typedef struct cli_finetuning {
    cli_program *cli;
    const cli_finetune_arguments *arguments;
    cli_context context; /* its model is the base */
    clvgg_dataset *whole, *train, *val; /* whole: that --val-split parts; or NULL */
    size_t common;                      /* files in both */
    clvgg_finetune *finetune;
    vgg_text run_dir, cache_dir;  /* cache_dir empty: none */
    clvgg_finetune_epoch *epochs; /* [epoch_count] */
    size_t epoch_count;
    vgg_progress progress;
    clvgg_finetune_event_type shown; /* what the progress line shows */
    uint64_t first_step;             /* made before the progress line of steps began */
    bool started, headed, written;   /* a line was drawn; the table's head; the model is there */
    size_t left_out;                 /* photographs that can't be read: the first are named … */
    bool counted;                    /* … and how many there are has been said */
} cli_finetuning;

/* Opens --data and --val, or parts --data. */
clvgg_status cli_finetune_open_data(cli_finetuning *run);
/* Names a photograph that can't be read; behind them all, says how many are left. */
void cli_finetune_say_left_out(cli_finetuning *run, const char *path, const char *reason);
void cli_finetune_say_left(const cli_finetuning *run);

/* The checkpoint to go on from, or NULL: the run's own, which isn't there yet, is none. */
const char *cli_finetune_checkpoint(const cli_finetuning *run);
/* Behind a run that was stopped, or failed. */
void cli_finetune_say_what_goes_on(const cli_finetuning *run, clvgg_status status);

void cli_finetune_announce(const cli_finetuning *run);
/* Measures, and prints what would be done. */
clvgg_status cli_finetune_dry_run(cli_finetuning *run);
/* The photographs that can't be read, as an array "left_out". */
void cli_finetune_put_left_out(const cli_finetuning *run, vgg_json *json);
/* The members that a dry run and a run have in common, into an object that is begun. */
void cli_finetune_put_plan(const cli_finetuning *run, vgg_json *json);

/* A clvgg_finetune_progress_fn; `user` is the run. */
int cli_finetune_note(void *user, const clvgg_finetune_event *event);
/* Takes over epochs of a checkpoint. */
clvgg_status cli_finetune_take_epochs(cli_finetuning *run);
/* metrics.csv, metrics.json, curves.svg and curves.png, as far as it has come. */
clvgg_status cli_finetune_write_files(cli_finetuning *run);
/* Reports how the training ended; `error` is NULL, or what went wrong. */
void cli_finetune_report(cli_finetuning *run, const char *error);

#endif

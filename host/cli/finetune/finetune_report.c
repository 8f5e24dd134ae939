/* cli/finetune/finetune_report.c — what `clvgg finetune` prints and writes while it trains, and at
 * its end. */
#include <math.h>
#include <stdio.h>

#include "cli/finetune/finetune.h"
#include "cli/interrupt.h"
#include "report/curves.h"
#include "report/format.h"
#include "report/metrics_file.h"

/* ---- epochs ---- */

static clvgg_status keep_epoch(cli_finetuning *run, const clvgg_finetune_epoch *epoch)
{
    VGG_MEMORY_GROW_PASS(run->epochs, run->epoch_count + 1, "the figures of an epoch");
    run->epochs[run->epoch_count++] = *epoch;
    return CLVGG_STATUS_OK;
}

clvgg_status cli_finetune_take_epochs(cli_finetuning *run)
{
    for (size_t i = 0; i < clvgg_finetune_epoch_count(run->finetune); i++) {
        clvgg_finetune_epoch epoch = {.struct_size = sizeof epoch};
        clvgg_finetune_epoch_at(run->finetune, i, &epoch);
        VGG_PASS(keep_epoch(run, &epoch));
    }
    return CLVGG_STATUS_OK;
}

static const clvgg_finetune_epoch *best_epoch(const cli_finetuning *run)
{
    const clvgg_finetune_epoch *best = NULL;
    for (size_t i = 0; i < run->epoch_count; i++)
        if (run->epochs[i].best)
            best = &run->epochs[i];
    return best;
}

/* The epoch whose weights the model has, or would have now. */
static const clvgg_finetune_epoch *kept_epoch(const cli_finetuning *run)
{
    if (run->arguments->options.keep == CLVGG_KEEP_BEST || run->epoch_count == 0)
        return best_epoch(run);
    return &run->epochs[run->epoch_count - 1];
}

/* "98.50 %", or nothing for NaN. */
static const char *figure_words(double value, int digits, const char *unit,
                                char words[VGG_MEASURE_WORDS])
{
    snprintf(words, isnan(value) ? 1 : VGG_MEASURE_WORDS, "%.*f%s", digits, value, unit);
    return words;
}
#define FIGURE(value, digits, unit) figure_words(value, digits, unit, (char[VGG_MEASURE_WORDS]){0})

/* Prints an epoch's row of the table when the epoch ends, as training may take hours. */
static void print_epoch(cli_finetuning *run, const clvgg_finetune_epoch *epoch)
{
    vgg_text *text = &run->cli->out.text;
    vgg_progress_clear(&run->progress);
    if (!run->headed)
        vgg_text_puts(text, "epoch        lr  train loss   correct   val loss   correct      AUC   "
                            "seconds\n");
    run->headed = true;
    vgg_text_printf(text, "%5d  %8.2g  %10s %9s %10s %9s%9s %9.1f%s\n", epoch->epoch, epoch->lr,
                    FIGURE(epoch->train_loss, 4, ""), FIGURE(100 * epoch->train_accuracy, 2, " %"),
                    FIGURE(epoch->val_loss, 4, ""), FIGURE(100 * epoch->val_accuracy, 2, " %"),
                    FIGURE(epoch->val_auc, 5, ""), epoch->seconds, epoch->best ? "  best" : "");
    vgg_out_flush(&run->cli->out);
}

/* ---- progress ---- */

static void show_step(cli_finetuning *run, const clvgg_finetune_event *event)
{
    vgg_text words = {0};
    const double batch = run->arguments->options.batch;
    vgg_text_printf(&words, "epoch %d of %d  loss %.4f  %.1f %% right", event->epoch, event->epochs,
                    event->loss, 100 * event->accuracy);
    vgg_progress_rate(&run->progress, (double)(event->step - run->first_step) * batch,
                      (double)(event->steps - event->step) * batch, &words);
    vgg_progress_show(&run->progress, (double)event->step / (double)event->steps,
                      vgg_text_string(&words));
    vgg_text_free(&words);
}

static void show_progress(cli_finetuning *run, const clvgg_finetune_event *event)
{
    static const char *const names[] = {
        [CLVGG_FINETUNE_FEATURES] = "features", [CLVGG_FINETUNE_CHECK] = "reading photographs"};
    const bool step = event->type == CLVGG_FINETUNE_STEP;
    if (run->arguments->quiet ||
        (!step && event->type != CLVGG_FINETUNE_FEATURES && event->type != CLVGG_FINETUNE_CHECK))
        return;
    if (!run->started || run->shown != event->type) {
        vgg_progress_finish(&run->progress);
        run->progress = vgg_progress_start(&run->cli->err_style, step ? NULL : names[event->type],
                                           step ? SIZE_MAX : (size_t)event->total);
        run->started = true;
        run->shown = event->type;
        run->first_step = event->step - step;
    }
    if (step) {
        show_step(run, event);
    } else {
        run->progress.total = (size_t)event->total; /* grows where records are damaged */
        vgg_progress_update(&run->progress, (size_t)event->done);
    }
}

/* Says which photographs were left out, and their number with the first event of training: all
 * photographs have been read by then. */
static void note_photographs(cli_finetuning *run, const clvgg_finetune_event *event)
{
    if (event->type == CLVGG_FINETUNE_LEFT_OUT) {
        cli_finetune_say_left_out(run, event->path, event->reason);
    } else if (event->type != CLVGG_FINETUNE_FEATURES && event->type != CLVGG_FINETUNE_CHECK &&
               !run->counted) {
        run->counted = true;
        vgg_progress_finish(&run->progress);
        cli_finetune_say_left(run);
    }
}

int cli_finetune_note(void *user, const clvgg_finetune_event *event)
{
    cli_finetuning *run = user;
    note_photographs(run, event);
    show_progress(run, event);
    if (event->type == CLVGG_FINETUNE_EPOCH) {
        const clvgg_status status = keep_epoch(run, event->epoch_figures);
        cli_fail(run->cli, status); /* now: the stopped run returns CANCELLED instead */
        if (status != CLVGG_STATUS_OK)
            return 1;
        if (!run->arguments->json)
            print_epoch(run, event->epoch_figures);
        (void)cli_finetune_write_files(run); /* written again at the end, which reports a failure */
    }
    return cli_interrupt_signal() != 0;
}

/* ---- files ---- */

typedef clvgg_status (*write_fn)(const cli_finetuning *run, const char *path);

static clvgg_status write_file(cli_finetuning *run, const char *name, write_fn write)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text path = {0};
    vgg_text_printf(&path, "%s/%s", run->run_dir.bytes, name);
    VGG_TRY(vgg_text_check(&path, "the path of a run's file"));
    VGG_TRY(write(run, path.bytes));
cleanup:
    vgg_text_free(&path);
    return status;
}

static clvgg_status write_csv(const cli_finetuning *run, const char *path)
{
    return vgg_metrics_write_csv(path, run->epochs, run->epoch_count);
}

/* Writes the options that decide the result. */
static void put_options(vgg_json *json, void *user)
{
    const cli_finetuning *run = user;
    const cli_finetune_arguments *arguments = run->arguments;
    vgg_json_string(json, "model", clvgg_model_name(run->context.model));
    vgg_json_string(json, "data", arguments->data);
    vgg_json_string(json, "val", arguments->val != NULL ? arguments->val : "");
    vgg_json_integer(json, "epochs", arguments->options.epochs);
    vgg_json_integer(json, "batch", arguments->options.batch);
    vgg_json_integer(json, "views", arguments->options.views);
    vgg_json_integer(json, "seed", arguments->seed);
    vgg_json_string(json, "keep", arguments->options.keep == CLVGG_KEEP_LAST ? "last" : "best");
    vgg_json_string(json, "output", arguments->output);
}

static void put_left_out(vgg_json *json, void *user)
{
    cli_finetune_put_left_out(user, json);
}

static clvgg_status write_json(const cli_finetuning *run, const char *path)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t classes = clvgg_dataset_class_count(run->val);
    const char **names = NULL;
    uint64_t *confusion = NULL;
    VGG_MEMORY_NEW(names, classes, "the names of the classes");
    VGG_MEMORY_NEW(confusion, classes * classes, "the table of what was taken for what");
    for (size_t i = 0; i < classes; i++)
        names[i] = clvgg_dataset_class_name(run->val, i);
    for (size_t i = 0; i < classes * classes; i++)
        confusion[i] = clvgg_finetune_confusion(run->finetune, i / classes, i % classes);
    const vgg_metrics metrics = {.epochs = run->epochs,
                                 .count = run->epoch_count,
                                 .classes = names,
                                 .class_count = classes,
                                 .confusion = confusion,
                                 .options = put_options,
                                 .left_out = put_left_out,
                                 .user = (void *)run};
    VGG_TRY(vgg_metrics_write_json(path, &metrics));
cleanup:
    vgg_memory_free(names);
    vgg_memory_free(confusion);
    return status;
}

static clvgg_status write_curves(const cli_finetuning *run, const char *path)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text title = {0};
    vgg_text_puts(&title, run->arguments->output);
    /* The curves mark the best, which is another one then. */
    if (run->arguments->options.keep == CLVGG_KEEP_LAST)
        vgg_text_printf(&title, ": epoch %d", kept_epoch(run)->epoch);
    VGG_TRY(vgg_text_check(&title, "the title of the curves"));
    VGG_TRY(vgg_curves_write(path, title.bytes, run->epochs, run->epoch_count));
cleanup:
    vgg_text_free(&title);
    return status;
}

clvgg_status cli_finetune_write_files(cli_finetuning *run)
{
    static const struct {
        const char *name;
        write_fn write;
    } files[] = {{"metrics.csv", write_csv},
                 {"metrics.json", write_json},
                 {"curves.svg", write_curves},
                 {"curves.png", write_curves}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const clvgg_status status = write_file(run, files[i].name, files[i].write);
        if (status != CLVGG_STATUS_OK && status != CLVGG_STATUS_UNSUPPORTED)
            return status;
    }
    return CLVGG_STATUS_OK;
}

/* ---- the end ---- */

static void put_confusion(const cli_finetuning *run, vgg_json *json)
{
    const size_t classes = clvgg_dataset_class_count(run->val);
    vgg_json_begin_array(json, "confusion");
    for (size_t truth = 0; truth < classes; truth++) {
        vgg_json_begin_array(json, NULL);
        for (size_t predicted = 0; predicted < classes; predicted++)
            vgg_json_integer(json, NULL,
                             (int64_t)clvgg_finetune_confusion(run->finetune, truth, predicted));
        vgg_json_end(json);
    }
    vgg_json_end(json);
}

static void report_json(cli_finetuning *run, const char *error)
{
    vgg_json json = {.text = &run->cli->out.text};
    const clvgg_finetune_epoch *best = best_epoch(run), *kept = kept_epoch(run);
    vgg_json_begin_object(&json, NULL);
    cli_finetune_put_plan(run, &json);
    vgg_metrics_epochs_json(&json, run->epochs, run->epoch_count);
    if (best != NULL) {
        vgg_json_integer(&json, "best_epoch", best->epoch);
        vgg_json_integer(&json, "kept_epoch", kept->epoch);
        vgg_json_number(&json, "val_accuracy", kept->val_accuracy);
        vgg_json_number(&json, "val_loss", kept->val_loss);
    }
    if (run->written) {
        put_confusion(run, &json);
        vgg_json_string(&json, "output", run->arguments->output);
    }
    vgg_json_string(&json, "run_dir", vgg_text_string(&run->run_dir));
    if (error != NULL)
        vgg_json_string(&json, "error", error);
    vgg_json_end(&json);
}

/* Prints the confusion matrix: a row for each true class, a column for each predicted one. */
static void print_confusion(const cli_finetuning *run)
{
    enum { MOST_CLASSES = 12 };
    vgg_text *text = &run->cli->out.text;
    const size_t classes = clvgg_dataset_class_count(run->val);
    if (classes > MOST_CLASSES)
        return;
    vgg_text_puts(text, "\nvalidation photographs (rows) and what they were taken for:\n");
    for (size_t truth = 0; truth < classes; truth++) {
        vgg_text_puts(text, "  ");
        for (size_t predicted = 0; predicted < classes; predicted++)
            vgg_text_printf(
                text, "%7llu",
                (unsigned long long)clvgg_finetune_confusion(run->finetune, truth, predicted));
        vgg_text_name(text, "  ", clvgg_dataset_class_name(run->val, truth), "\n");
    }
}

static void report_text(cli_finetuning *run)
{
    vgg_text *text = &run->cli->out.text;
    const clvgg_finetune_epoch *kept = kept_epoch(run);
    if (!run->written || kept == NULL)
        return;
    print_confusion(run);
    vgg_text_name(text, "\n", run->arguments->output, "");
    vgg_text_printf(text, ": epoch %d, %.2f %% of the validation photographs right\n", kept->epoch,
                    100 * kept->val_accuracy);
    vgg_text_name(text, "curves, metrics and checkpoints are in ", run->run_dir.bytes, "\n");
}

void cli_finetune_report(cli_finetuning *run, const char *error)
{
    if (run->arguments->json)
        report_json(run, error);
    else
        report_text(run);
}

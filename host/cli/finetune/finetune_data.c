/* cli/finetune/finetune_data.c — opens the data sets and prints what is in them: classes and their
 * balance, files that were left out, classes without a validation photograph, and files that are in
 * both the training and the validation set.
 */
#include <string.h>

#include "cli/finetune/finetune.h"
#include "report/format.h"

enum { MOST_SKIPPED_SHOWN = 5, MOST_LEFT_OUT_SHOWN = 20, UNBALANCED = 5 };

/* Prints "train/: 999 images: cat 500, dog 499". */
static void say_classes(const cli_finetuning *run, const char *what, const clvgg_dataset *dataset)
{
    vgg_text text = {0};
    size_t least = SIZE_MAX, most = 0;
    const size_t classes = clvgg_dataset_class_count(dataset);
    vgg_text_printf(&text, "%s: %s %s, %zu %s", what, VGG_COUNT(clvgg_dataset_count(dataset)),
                    vgg_plural(clvgg_dataset_count(dataset), "photograph", "photographs"), classes,
                    vgg_plural(classes, "class", "classes"));
    for (size_t i = 0; i < classes; i++) {
        const size_t size = clvgg_dataset_class_size(dataset, i);
        least = size < least ? size : least;
        most = size > most ? size : most;
        if (i < 20) {
            vgg_text_name(&text, i == 0 ? ": " : ", ", clvgg_dataset_class_name(dataset, i), "");
            vgg_text_printf(&text, " %zu", size);
        }
    }
    if (classes > 20)
        vgg_text_puts(&text, ", ...");
    if (least > 0 && most >= UNBALANCED * least)
        vgg_text_printf(&text, "\nthe largest class has %zu times the photographs of the smallest",
                        most / least);
    cli_note_text(run->cli, &text, "the line about a data set's classes");
}

/* Warns of classes without a validation photograph: no figure shows whether they were learned. */
static void say_unmeasured(const cli_finetuning *run, const clvgg_dataset *val)
{
    vgg_text text = {0};
    size_t count = 0;
    for (size_t i = 0; i < clvgg_dataset_class_count(val); i++) {
        if (clvgg_dataset_class_size(val, i) > 0 || ++count > 5)
            continue;
        vgg_text_name(&text, count == 1 ? "warning: no validation photograph of " : ", ",
                      clvgg_dataset_class_name(val, i), "");
    }
    if (count == 0)
        return;
    vgg_text_printf(&text, "%s: how well that is told apart is not measured",
                    count > 5 ? ", ..." : "");
    cli_note_text(run->cli, &text, "the warning about classes that aren't validated");
}

static void say_skipped(const cli_finetuning *run, const clvgg_dataset *dataset)
{
    const size_t count = clvgg_dataset_skipped_count(dataset);
    for (size_t i = 0; i < count && i < MOST_SKIPPED_SHOWN; i++) {
        const char *path, *reason;
        clvgg_dataset_skipped(dataset, i, &path, &reason);
        cli_note(run->cli, "left out: %s: %s", path, reason);
    }
    if (count > MOST_SKIPPED_SHOWN)
        cli_note(run->cli, "left out: %zu files in all", count);
}

static void say_common(cli_finetuning *run, size_t first, size_t second)
{
    clvgg_dataset_item one, other;
    clvgg_dataset_at(run->train, first, &one);
    clvgg_dataset_at(run->val, second, &other);
    cli_note(run->cli,
             "warning: %zu of the validation photographs %s among the training photographs "
             "(%s is %s): validation will look better than it is",
             run->common, vgg_plural(run->common, "is", "are"), other.path, one.path);
}

static clvgg_status open_data(cli_finetuning *run)
{
    const cli_finetune_arguments *arguments = run->arguments;
    const double share = arguments->val_split > 0 ? arguments->val_split : 0.1;
    size_t first = 0, second = 0;
    clvgg_dataset **into = arguments->val != NULL ? &run->train : &run->whole;
    VGG_PASS(clvgg_dataset_open(run->context.runtime, arguments->data, into));
    if (arguments->val != NULL)
        VGG_PASS(clvgg_dataset_open(run->context.runtime, arguments->val, &run->val));
    else
        VGG_PASS(clvgg_dataset_split(run->whole, share, (uint64_t)arguments->seed, &run->train,
                                     &run->val));
    VGG_PASS(clvgg_dataset_common(run->train, run->val, &run->common, &first, &second));
    if (run->common > 0)
        say_common(run, first, second);
    return CLVGG_STATUS_OK;
}

clvgg_status cli_finetune_open_data(cli_finetuning *run)
{
    VGG_PASS(open_data(run));
    if (run->arguments->quiet)
        return CLVGG_STATUS_OK;
    say_skipped(run, run->whole != NULL ? run->whole : run->train);
    if (run->arguments->val != NULL)
        say_skipped(run, run->val);
    say_classes(run, "training", run->train);
    say_classes(run, "validation", run->val);
    say_unmeasured(run, run->val);
    return CLVGG_STATUS_OK;
}

void cli_finetune_say_left_out(cli_finetuning *run, const char *path, const char *reason)
{
    if (++run->left_out > MOST_LEFT_OUT_SHOWN || run->arguments->quiet)
        return;
    vgg_progress_clear(&run->progress);
    cli_note(run->cli, "left out: %s: %s", path, reason);
}

void cli_finetune_say_left(const cli_finetuning *run)
{
    const clvgg_dataset *train = clvgg_finetune_train(run->finetune);
    const clvgg_dataset *val = clvgg_finetune_val(run->finetune);
    if (run->left_out == 0 || run->arguments->quiet)
        return;
    cli_note(run->cli, "left out: %zu of %zu photographs, which can't be read", run->left_out,
             clvgg_dataset_count(run->train) + clvgg_dataset_count(run->val));
    say_classes(run, "training", train);
    say_classes(run, "validation", val);
    say_unmeasured(run, val);
}

/* cli/run/run_result.c — one image's classes, or their groups, ranked and reported. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/run/run.h"
#include "report/format.h"

/* Descending; equal ones by lowest index. Logits part probabilities that rounded to the same. */
static int by_rank(const void *left, const void *right)
{
    const cli_ranked *a = left, *b = right;
    if (a->probability != b->probability)
        return a->probability > b->probability ? -1 : 1;
    if (a->logit != b->logit)
        return a->logit > b->logit ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Prints an image's error on one line, whatever characters its file's name has. */
static void print_error(const cli_program *cli, const vgg_result *result)
{
    vgg_text line = {0};
    if (strncmp(result->error, result->file, strlen(result->file)) != 0) {
        vgg_text_terminal(&line, result->file);
        if (result->row >= 0)
            vgg_text_printf(&line, "[%lld]", (long long)result->row);
        vgg_text_puts(&line, ": ");
    }
    vgg_text_terminal(&line, result->error);
    if (vgg_text_check(&line, "an image's error") == CLVGG_STATUS_OK)
        cli_error(cli, "%s", line.bytes);
    else
        cli_error(cli, "%s\n%s", result->error, vgg_message());
    vgg_text_free(&line);
}

static void report(cli_run *run, const vgg_result *result)
{
    run->result_count++;
    if (result->error != NULL) {
        run->failure_count++;
        vgg_progress_clear(&run->progress);
        print_error(run->cli, result);
    }
    run->format->result(run, result);
}

void cli_run_report_error(cli_run *run, vgg_result *result, const char *error)
{
    result->error = error;
    report(run, result);
}

const char *cli_run_name(const cli_run *run, size_t index)
{
    return run->map != NULL ? clvgg_class_map_name(run->map, index)
                            : clvgg_model_label(run->context.model, index);
}

/* Fills the ranking, not ranked yet. */
static void list_classes(cli_run *run, vgg_result *result, const float *logits,
                         const float *probabilities)
{
    if (run->map != NULL) {
        clvgg_class_map_sum(run->map, probabilities, run->groups, &result->other);
        probabilities = run->groups;
    }
    for (size_t i = 0; i < run->ranked_count; i++)
        run->ranking[i] = (cli_ranked){i, probabilities[i], run->map == NULL ? logits[i] : 0,
                                       cli_run_name(run, i)};
    result->probabilities = probabilities;
}

clvgg_status cli_run_report(cli_run *run, vgg_result *result, const float *const *outputs)
{
    const float *logits = outputs[CLI_OUTPUT_LOGITS];
    /* Without classes the one output is --layer's. */
    const float *probabilities = run->class_count > 0 ? outputs[CLI_OUTPUT_PROB] : NULL;
    size_t bad = 0, wanted = (size_t)run->arguments->top;
    for (size_t i = 0; i < run->class_count; i++)
        bad += !isfinite(logits[i]) || !isfinite(probabilities[i]);
    if (run->writer != NULL) {
        VGG_PASS(clvgg_npy_append(run->writer, 1, outputs[run->layer_index]));
        result->output = run->written_rows++;
    }
    if (bad > 0) {
        char error[96];
        snprintf(error, sizeof error, "the result is not finite: %zu of %zu %s", bad,
                 run->class_count, vgg_plural(run->class_count, "class", "classes"));
        cli_run_report_error(run, result, error);
        return CLVGG_STATUS_OK;
    }
    list_classes(run, result, logits, probabilities);
    if (run->ranked_count > 0)
        qsort(run->ranking, run->ranked_count, sizeof *run->ranking, by_rank);
    result->top = run->ranking;
    result->top_count = wanted == 0 || wanted > run->ranked_count ? run->ranked_count : wanted;
    report(run, result);
    return CLVGG_STATUS_OK;
}

clvgg_status cli_run_flush(cli_run *run)
{
    if (run->cli->out_style.terminal)
        vgg_progress_clear(&run->progress);
    bool goes_on =
        vgg_out_flush(&run->cli->out) || (run->cli->out.error == EPIPE && run->writer != NULL);
    vgg_progress_update(&run->progress, run->result_count);
    return goes_on && cli_interrupt_signal() == 0 ? CLVGG_STATUS_OK : CLVGG_STATUS_CANCELLED;
}

/* cli/eval/eval_count.c — the format of an evaluation's run: every result is counted. */
#include <string.h>

#include "cli/eval/eval.h"

static void begin(cli_run *run)
{
    cli_eval *eval = run->format_user;
    if (run->arguments->json)
        cli_eval_begin_json(eval);
}

/* Keeps the most confident mistakes, of equal ones those that came first. */
static void keep_mistake(cli_eval *eval, cli_mistake mistake)
{
    size_t at = eval->mistake_count;
    while (at > 0 && eval->mistakes[at - 1].probability < mistake.probability)
        at--;
    if (at == VGG_CONTACT_MOST_CELLS)
        return;
    if (eval->mistake_count < VGG_CONTACT_MOST_CELLS)
        eval->mistake_count++;
    memmove(&eval->mistakes[at + 1], &eval->mistakes[at],
            (eval->mistake_count - at - 1) * sizeof mistake);
    eval->mistakes[at] = mistake;
}

/* Results come in the order of the items. One that isn't among those still to come is of a folder
 * that took a file's place meanwhile: it has no class. */
static bool find_item(cli_eval *eval, const char *file, size_t *item)
{
    const size_t count = clvgg_dataset_count(eval->dataset);
    size_t at = eval->next_item;
    while (at < count && strcmp(eval->paths[at], file) != 0)
        at++;
    if (at == count)
        return false;
    *item = at;
    eval->next_item = at + 1;
    return true;
}

static void count_image(cli_eval *eval, const vgg_result *result, size_t item)
{
    const float *probabilities = result->probabilities;
    const size_t truth = cli_eval_truth(eval, item);
    size_t best = 0;
    for (size_t i = 1; i < eval->run.ranked_count; i++)
        if (probabilities[i] > probabilities[best])
            best = i;
    const clvgg_status status = clvgg_evaluation_add(eval->evaluation, truth, probabilities);
    if (status != CLVGG_STATUS_OK) {
        eval->run.failure_count++;
        cli_fail(eval->run.cli, status);
        return;
    }
    if (best != truth)
        keep_mistake(eval, (cli_mistake){item, best, probabilities[best]});
    eval->other_sum += (double)result->other;
    eval->other_first_count += result->other > probabilities[best];
}

static void take_result(cli_run *run, const vgg_result *result)
{
    cli_eval *eval = run->format_user;
    size_t item = 0;
    if (result->error == NULL && find_item(eval, result->file, &item)) {
        count_image(eval, result, item);
        return;
    }
    const char *error = result->error;
    if (error == NULL) {
        error = "wasn't there when the data set was listed";
        run->failure_count++;
        cli_error(run->cli, "%s: %s", result->file, error);
    }
    if (run->arguments->json)
        vgg_json_file(&run->json, result->file, "error", error);
}

static void end(cli_run *run, const char *error)
{
    cli_eval *eval = run->format_user;
    if (run->arguments->json)
        cli_eval_end_json(eval, error);
    else
        cli_eval_print_text(eval, error);
}

const cli_run_format cli_eval_count = {begin, take_result, end};

/* cli/eval/eval_text.c — an evaluation for people: figures, a line a class, what was taken for
 * what, the most confident mistakes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/eval/eval.h"
#include "report/format.h"
#include "report/table.h"

enum { MATRIX_CLASSES = 10, MOST_CONFUSIONS = 20, SHOWN_MISTAKES = 10 };

static void put_share(vgg_table *table, double share)
{
    if (isfinite(share))
        vgg_text_printf(vgg_table_cell(table), "%.2f %%", 100 * share);
    else
        vgg_text_puts(vgg_table_cell(table), "-");
    vgg_table_next(table);
}

static void finish(cli_eval *eval, vgg_table *table)
{
    vgg_text_puts(&eval->run.cli->out.text, "\n");
    vgg_table_finish(table, &eval->run.cli->out_style, &eval->run.cli->out.text);
}

static void print_figures(cli_eval *eval, const clvgg_evaluation_summary *summary)
{
    vgg_text *text = &eval->run.cli->out.text;
    const vgg_style *style = &eval->run.cli->out_style;
    vgg_text_printf(text, "%saccuracy  %.2f %%%s  (%s of %s %s)\nlog loss  %.4f\n",
                    vgg_style_bold(style), 100 * summary->accuracy, vgg_style_reset(style),
                    VGG_COUNT((uint64_t)llround(summary->accuracy * (double)summary->images)),
                    VGG_COUNT(summary->images), vgg_plural(summary->images, "image", "images"),
                    summary->loss);
    if (isfinite(summary->auc)) {
        vgg_text_printf(text, "AUC       %.4f  (", summary->auc);
        vgg_text_name(text, "", cli_run_name(&eval->run, 1), " against ");
        vgg_text_name(text, "", cli_run_name(&eval->run, 0), ")\n");
    }
    if (eval->run.has_other)
        vgg_text_printf(text, "other     %.2f %% on average, above every group in %s %s\n",
                        100 * eval->other_sum / (double)summary->images,
                        VGG_COUNT(eval->other_first_count),
                        vgg_plural(eval->other_first_count, "image", "images"));
}

/* Classes that have images, or that images were taken for. */
static void print_classes(cli_eval *eval)
{
    static const vgg_column columns[] = {
        {"class", false}, {"images", true}, {"precision", true}, {"recall", true}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < eval->run.ranked_count; i++) {
        const double precision = clvgg_evaluation_precision(eval->evaluation, i);
        const double recall = clvgg_evaluation_recall(eval->evaluation, i);
        uint64_t images = 0;
        for (size_t p = 0; p < eval->run.ranked_count; p++)
            images += clvgg_evaluation_confusion(eval->evaluation, i, p);
        if (images == 0 && !isfinite(precision))
            continue;
        vgg_table_put(&table, cli_run_name(&eval->run, i));
        vgg_table_put(&table, VGG_COUNT(images));
        put_share(&table, precision);
        put_share(&table, recall);
    }
    finish(eval, &table);
}

/* A row a class, what it was taken for in columns. */
static void print_matrix(cli_eval *eval)
{
    const size_t count = eval->run.ranked_count;
    vgg_column columns[1 + MATRIX_CLASSES] = {{"truth \\ taken for", false}};
    vgg_text titles = {0};
    size_t offsets[MATRIX_CLASSES];
    for (size_t i = 0; i < count; i++) {
        offsets[i] = titles.length;
        vgg_text_terminal(&titles, cli_run_name(&eval->run, i));
        vgg_text_append(&titles, "", 1);
    }
    for (size_t i = 0; i < count && !titles.failed; i++)
        columns[1 + i] = (vgg_column){titles.bytes + offsets[i], true};
    vgg_table table = {.columns = columns, .column_count = 1 + count};
    for (size_t truth = 0; truth < count; truth++) {
        vgg_table_put(&table, cli_run_name(&eval->run, truth));
        for (size_t i = 0; i < count; i++)
            vgg_table_put(&table,
                          VGG_COUNT(clvgg_evaluation_confusion(eval->evaluation, truth, i)));
    }
    if (!titles.failed)
        finish(eval, &table);
    else
        vgg_text_free(&table.cells);
    eval->run.cli->out.text.failed |= titles.failed;
    vgg_text_free(&titles);
}

typedef struct confusion {
    size_t truth, predicted;
    uint64_t count;
} confusion;

/* Prints the pairs of classes that were confused most, where there are too many classes for a
 * matrix. */
static void print_confusions(cli_eval *eval)
{
    static const vgg_column columns[] = {{"truth", false}, {"taken for", false}, {"images", true}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    confusion most[MOST_CONFUSIONS + 1];
    size_t kept = 0;
    for (size_t truth = 0; truth < eval->run.ranked_count; truth++)
        for (size_t i = 0; i < eval->run.ranked_count; i++) {
            const uint64_t count = clvgg_evaluation_confusion(eval->evaluation, truth, i);
            size_t at = kept;
            if (i == truth || count == 0)
                continue;
            for (; at > 0 && most[at - 1].count < count; at--)
                most[at] = most[at - 1];
            most[at] = (confusion){truth, i, count};
            kept += kept < MOST_CONFUSIONS;
        }
    for (size_t i = 0; i < kept; i++) {
        vgg_table_put(&table, cli_run_name(&eval->run, most[i].truth));
        vgg_table_put(&table, cli_run_name(&eval->run, most[i].predicted));
        vgg_table_put(&table, VGG_COUNT(most[i].count));
    }
    finish(eval, &table);
}

static void print_mistakes(cli_eval *eval)
{
    static const vgg_column columns[] = {{"most confident mistakes", false},
                                         {"truth", false},
                                         {"taken for", false},
                                         {"probability", true}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < eval->mistake_count && i < SHOWN_MISTAKES; i++) {
        const cli_mistake *mistake = &eval->mistakes[i];
        vgg_table_put(&table, eval->paths[mistake->item]);
        vgg_table_put(&table, cli_run_name(&eval->run, cli_eval_truth(eval, mistake->item)));
        vgg_table_put(&table, cli_run_name(&eval->run, mistake->predicted));
        put_share(&table, (double)mistake->probability);
    }
    finish(eval, &table);
}

void cli_eval_print_text(cli_eval *eval, const char *error)
{
    cli_run *run = &eval->run;
    clvgg_evaluation_summary summary = {.struct_size = sizeof summary};
    clvgg_evaluation_summarize(eval->evaluation, &summary);
    if (summary.images == 0)
        return; /* why is on standard error */
    print_figures(eval, &summary);
    cli_eval_against_text(eval, &run->cli->out.text);
    print_classes(eval);
    if (run->ranked_count <= MATRIX_CLASSES)
        print_matrix(eval);
    else if (eval->mistake_count > 0)
        print_confusions(eval);
    if (eval->mistake_count > 0)
        print_mistakes(eval);
    if (error == NULL && !run->arguments->context.quiet)
        cli_run_say_counts(run);
}

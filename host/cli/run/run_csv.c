/* cli/run/run_csv.c — results as CSV: a line a class, or a line with the error. */
#include "cli/run/run.h"
#include "report/format.h"

static void begin(cli_run *run)
{
    vgg_text_puts(&run->cli->out.text, "file,row,rank,index,label,probability,logit,error\n");
}

/* A name, as it is for programs, escaped for terminals. */
static void print_name(cli_run *run, const char *name)
{
    vgg_text *text = &run->cli->out.text;
    vgg_text shown = {0};
    if (run->cli->out_style.terminal) {
        vgg_text_terminal(&shown, name);
        name = vgg_text_string(&shown);
    }
    vgg_text_csv(text, name);
    text->failed |= shown.failed;
    vgg_text_free(&shown);
}

/* The file and, for an array of inputs, its row. */
static void print_file(cli_run *run, const vgg_result *result)
{
    vgg_text *text = &run->cli->out.text;
    print_name(run, result->file);
    if (result->row >= 0)
        vgg_text_printf(text, ",%lld,", (long long)result->row);
    else
        vgg_text_puts(text, ",,");
}

static void print_result(cli_run *run, const vgg_result *result)
{
    vgg_text *text = &run->cli->out.text;
    if (result->error != NULL) {
        print_file(run, result);
        vgg_text_puts(text, ",,,,,");
        print_name(run, result->error);
        vgg_text_puts(text, "\n");
    }
    for (size_t i = 0; i < result->top_count; i++) {
        print_file(run, result);
        vgg_text_printf(text, "%zu,%zu,", i + 1, result->top[i].index);
        print_name(run, result->top[i].label);
        vgg_text_puts(text, ",");
        vgg_text_json_number(text, (double)result->top[i].probability);
        vgg_text_puts(text, ",");
        if (run->map == NULL)
            vgg_text_json_number(text, (double)result->top[i].logit);
        vgg_text_puts(text, ",\n");
    }
    if (run->has_other && result->error == NULL) {
        print_file(run, result);
        vgg_text_puts(text, ",,other,");
        vgg_text_json_number(text, (double)result->other);
        vgg_text_puts(text, ",,\n");
    }
}

static void end(cli_run *run, const char *error)
{
    (void)run;
    (void)error; /* said on standard error */
}

const cli_run_format cli_run_csv = {begin, print_result, end};

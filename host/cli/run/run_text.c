/* cli/run/run_text.c — results for people: a block an image, or a line when one class is asked for.
 */
#include <string.h>

#include "cli/run/run.h"
#include "report/format.h"

static void print_file(vgg_text *text, const vgg_result *result)
{
    vgg_text_terminal(text, result->file);
    if (result->row >= 0)
        vgg_text_printf(text, "[%lld]", (long long)result->row);
}

/* A label padded to `width` columns. */
static void print_label(vgg_text *text, const char *label, size_t width)
{
    vgg_text shown = {0};
    vgg_text_terminal(&shown, label);
    size_t columns = vgg_text_columns(vgg_text_string(&shown), shown.length);
    vgg_text_join(text, &shown);
    vgg_text_printf(text, "%*s", columns < width ? (int)(width - columns) : 0, "");
    vgg_text_free(&shown);
}

/* A bar whose full length is certainty; only where a person looks. */
static void print_bar(vgg_text *text, const vgg_style *style, float probability)
{
    enum { BAR_COLUMNS = 24 };
    int length = (int)(probability * BAR_COLUMNS + 0.5F);
    if (!style->unicode || length == 0)
        return;
    vgg_text_printf(text, "  %s", vgg_style_green(style));
    for (int i = 0; i < length; i++)
        vgg_text_puts(text, "━");
    vgg_text_puts(text, vgg_style_reset(style));
}

static void print_line(vgg_text *text, const vgg_style *style, const char *label, size_t width,
                       float probability)
{
    vgg_text_puts(text, "  ");
    print_label(text, label, width);
    vgg_text_printf(text, "  %6.2f %%", 100 * (double)probability);
    print_bar(text, style, probability);
    vgg_text_puts(text, "\n");
}

static size_t label_width(const vgg_result *result)
{
    enum { WIDEST = 48 };
    size_t widest = 0;
    for (size_t i = 0; i < result->top_count; i++) {
        const char *label = result->top[i].label;
        size_t columns = vgg_text_columns(label, strlen(label));
        widest = columns > widest ? columns : widest;
    }
    return widest < WIDEST ? widest : WIDEST;
}

static void print_result(cli_run *run, const vgg_result *result)
{
    vgg_text *text = &run->cli->out.text;
    const vgg_style *style = &run->cli->out_style;
    if (result->error != NULL)
        return; /* said on standard error */
    vgg_text_puts(text, vgg_style_bold(style));
    print_file(text, result);
    vgg_text_puts(text, vgg_style_reset(style));
    if (run->arguments->top == 1 && result->top_count > 0) {
        vgg_text_puts(text, ": ");
        print_label(text, result->top[0].label, 0);
        vgg_text_printf(text, " %.2f %%", 100 * (double)result->top[0].probability);
        if (run->has_other)
            vgg_text_printf(text, ", other %.2f %%", 100 * (double)result->other);
        vgg_text_puts(text, "\n");
        return;
    }
    vgg_text_puts(text, "\n");
    size_t width = label_width(result);
    if (run->has_other && width < strlen("other"))
        width = strlen("other");
    for (size_t i = 0; i < result->top_count; i++)
        print_line(text, style, result->top[i].label, width, result->top[i].probability);
    if (run->has_other) {
        vgg_text_puts(text, vgg_style_dim(style));
        print_line(text, style, "other", width, result->other);
        vgg_text_puts(text, vgg_style_reset(style));
    }
}

static void print_nothing(cli_run *run)
{
    (void)run;
}

/* Prints a closing line when there were more than an image or two. */
static void print_summary(cli_run *run, const char *error)
{
    if (error == NULL && !run->arguments->context.quiet && run->result_count >= 2)
        cli_run_say_counts(run);
}

void cli_run_say_counts(const cli_run *run)
{
    clvgg_session_stats stats = {.struct_size = sizeof stats};
    vgg_text text = {0};
    vgg_text_printf(&text, "%zu %s, %zu failed", run->result_count,
                    vgg_plural(run->result_count, "image", "images"), run->failure_count);
    if (run->session != NULL)
        clvgg_session_get_stats(run->session, &stats);
    if (stats.image_count > 0)
        vgg_text_printf(&text, "; %s ms an image on the device",
                        VGG_MEASURE(stats.run_ms / (double)stats.image_count, 1));
    cli_note_text(run->cli, &text, "the closing line");
}

const cli_run_format cli_run_text = {print_nothing, print_result, print_summary};

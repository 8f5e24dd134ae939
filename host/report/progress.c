/* report/progress.c — drawing and wiping the progress line. */
#include "report/progress.h"

#include <unistd.h>

#include "report/clock.h"
#include "report/format.h"

enum { FEWEST_SHOWN = 16, REDRAW_MS = 100, BAR_COLUMNS = 30 };

vgg_progress vgg_progress_start(const vgg_style *style, size_t total)
{
    return (vgg_progress){
        .style = style,
        .out = {.fd = STDERR_FILENO},
        .enabled = style->terminal && style->columns >= 80 && total >= FEWEST_SHOWN,
        .total = total,
        .start_ms = vgg_clock_ms(),
    };
}

void vgg_progress_rate(vgg_text *text, double per_second, double seconds)
{
    vgg_text_printf(text, per_second < 10 ? "%.1f images/s  " : "%.0f images/s  ", per_second);
    if (seconds < 3600)
        vgg_text_printf(text, "%d:%02d left", (int)seconds / 60, (int)seconds % 60);
    else
        vgg_text_printf(text, "%.1f h left", seconds / 3600);
}

/* False when nothing is to be drawn now. */
static bool begin_drawing(vgg_progress *progress, double now)
{
    if (!progress->enabled || now - progress->drawn_ms < REDRAW_MS)
        return false;
    progress->drawn_ms = now;
    progress->drawn = true;
    return true;
}

static void draw_bar(vgg_progress *progress, double share)
{
    vgg_text *text = &progress->out.text;
    const int filled = share >= 1 ? BAR_COLUMNS : (int)(BAR_COLUMNS * share);
    vgg_text_printf(text, "\r%s", vgg_style_green(progress->style));
    for (int i = 0; i < BAR_COLUMNS; i++)
        vgg_text_puts(text, i >= filled ? " " : progress->style->unicode ? "━" : "=");
    vgg_text_printf(text, "%s  ", vgg_style_reset(progress->style));
}

void vgg_progress_show(vgg_progress *progress, double share, const char *words)
{
    if (!begin_drawing(progress, vgg_clock_ms()))
        return;
    draw_bar(progress, share);
    vgg_text_terminal(&progress->out.text, words);
    vgg_text_puts(&progress->out.text, "\033[K");
    vgg_out_flush(&progress->out);
}

void vgg_progress_update(vgg_progress *progress, size_t done)
{
    double now = vgg_clock_ms();
    if (done == 0 || !begin_drawing(progress, now))
        return;
    vgg_text *text = &progress->out.text;
    draw_bar(progress, (double)done / (double)progress->total);
    vgg_text_count(text, done);
    vgg_text_puts(text, " of ");
    vgg_text_count(text, progress->total);
    double per_second = (double)done / ((now - progress->start_ms) / 1e3);
    vgg_text_puts(text, "  ");
    vgg_progress_rate(text, per_second, (double)(progress->total - done) / per_second);
    vgg_text_puts(text, "\033[K");
    vgg_out_flush(&progress->out);
}

void vgg_progress_clear(vgg_progress *progress)
{
    if (!progress->drawn)
        return;
    progress->drawn = false;
    progress->drawn_ms = 0;
    vgg_text_puts(&progress->out.text, "\r\033[K");
    vgg_out_flush(&progress->out);
}

void vgg_progress_finish(vgg_progress *progress)
{
    vgg_progress_clear(progress);
    vgg_text_free(&progress->out.text);
}

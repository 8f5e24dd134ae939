/* report/progress.c — drawing and wiping the progress line. */
#include "report/progress.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "report/format.h"

enum { FEWEST_SHOWN = 16, FEWEST_NAMED = 2, REDRAW_MS = 100, RATE_MS = 500, FEWEST_COLUMNS = 20 };
enum { LONGEST_BAR = 30, SHORTEST_BAR = 5 };

vgg_progress vgg_progress_start(const vgg_style *style, const char *what, size_t total)
{
    return (vgg_progress){
        .style = style,
        .what = what,
        .out = {.fd = STDERR_FILENO},
        .enabled = style->terminal && total >= (what == NULL ? FEWEST_SHOWN : FEWEST_NAMED),
        .total = total,
        .start_ms = vgg_clock_ms(),
    };
}

void vgg_progress_rate(const vgg_progress *progress, double done, double left, vgg_text *text)
{
    const double ms = vgg_clock_ms() - progress->start_ms;
    if (ms < RATE_MS || done <= 0)
        return;
    const double per_second = done / ms * 1e3, seconds = left / per_second;
    vgg_text_printf(text, per_second < 10 ? "  %.1f%s/s" : "  %.0f%s/s", per_second,
                    progress->what == NULL ? " images" : "");
    if (seconds < 3600)
        vgg_text_printf(text, "  %d:%02d left", (int)seconds / 60, (int)seconds % 60);
    else
        vgg_text_printf(text, "  %.1f h left", seconds / 3600);
}

static void draw_bar(vgg_progress *progress, double share, int columns)
{
    vgg_text *text = &progress->out.text;
    const int filled = share >= 1 ? columns : (int)(columns * share);
    vgg_text_puts(text, vgg_style_green(progress->style));
    for (int i = 0; i < columns; i++)
        vgg_text_puts(text, i >= filled ? " " : progress->style->unicode ? "━" : "=");
    vgg_text_printf(text, "%s  ", vgg_style_reset(progress->style));
}

/* The last column stays free: some terminals go on to the next line behind it. */
static void draw(vgg_progress *progress, double share, const char *words)
{
    vgg_text *text = &progress->out.text;
    const size_t columns = (size_t)vgg_style_columns(progress->out.fd);
    if (columns < FEWEST_COLUMNS)
        return;
    size_t length = strlen(words);
    length = length < columns - 1 ? length : columns - 1;
    while (length > 0 && (words[length] & 0xC0) == 0x80) /* not within a character */
        length--;
    const size_t room = columns - 1 - length, bar = room < LONGEST_BAR + 2 ? room : LONGEST_BAR + 2;
    vgg_text_puts(text, "\r");
    if (bar >= SHORTEST_BAR + 2)
        draw_bar(progress, share, (int)bar - 2);
    vgg_text_append(text, words, length);
    vgg_text_puts(text, "\033[K");
    progress->drawn = true;
    vgg_out_flush(&progress->out);
}

/* False when nothing is to be drawn now. */
static bool is_time(vgg_progress *progress)
{
    const double now = vgg_clock_ms();
    if (!progress->enabled || now - progress->drawn_ms < REDRAW_MS)
        return false;
    progress->drawn_ms = now;
    return true;
}

void vgg_progress_show(vgg_progress *progress, double share, const char *words)
{
    vgg_text safe = {0};
    if (!is_time(progress))
        return;
    vgg_text_terminal(&safe, words);
    if (!safe.failed)
        draw(progress, share, safe.bytes);
    vgg_text_free(&safe);
}

void vgg_progress_update(vgg_progress *progress, size_t done)
{
    vgg_text words = {0};
    if (!is_time(progress))
        return;
    if (progress->what != NULL)
        vgg_text_printf(&words, "%s ", progress->what);
    vgg_text_printf(&words, "%s of %s", VGG_COUNT(done), VGG_COUNT(progress->total));
    vgg_progress_rate(progress, (double)done, (double)(progress->total - done), &words);
    if (!words.failed)
        draw(progress, (double)done / (double)progress->total, words.bytes);
    vgg_text_free(&words);
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

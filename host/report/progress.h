/* report/progress.h — one line on a terminal: what goes on, how far, how fast, how long still. */
#ifndef VGG_REPORT_PROGRESS_H
#define VGG_REPORT_PROGRESS_H

#include <stddef.h>

#include "report/out.h"
#include "report/style.h"

typedef struct vgg_progress {
    const vgg_style *style; /* of the stream it is drawn on */
    const char *what;       /* "searching", or NULL: images, nothing needs to be said */
    vgg_out out;
    bool enabled, drawn;
    size_t total;
    double start_ms, drawn_ms;
} vgg_progress;

/* Draws on standard error; stays silent where that is no terminal, and where `total` is small:
 * below 16, or below 2 where there is a `what`, which is borrowed. */
vgg_progress vgg_progress_start(const vgg_style *style, const char *what, size_t total);
/* Draws "what done of total", a few times a second at most. */
void vgg_progress_update(vgg_progress *progress, size_t done);
/* Draws a bar filled to `share` (0 … 1) and words behind it, as often. What is too wide for the
 * terminal is cut: a line that wraps can't be wiped. */
void vgg_progress_show(vgg_progress *progress, double share, const char *words);
/* "  12 images/s  1:05 left", by the time since the start; nothing in the first half second, which
 * says little about the rest. */
void vgg_progress_rate(const vgg_progress *progress, double done, double left, vgg_text *text);
/* Wipes the line, so that other text can be written; the next update draws it again. */
void vgg_progress_clear(vgg_progress *progress);
/* Wipes the line and frees. */
void vgg_progress_finish(vgg_progress *progress);

#endif

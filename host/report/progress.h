/* report/progress.h — one line on a terminal: how far, how fast, how long still. */
#ifndef VGG_REPORT_PROGRESS_H
#define VGG_REPORT_PROGRESS_H

#include <stddef.h>

#include "report/out.h"
#include "report/style.h"

typedef struct vgg_progress {
    const vgg_style *style; /* of the stream it is drawn on */
    vgg_out out;
    bool enabled, drawn;
    size_t total;
    double start_ms, drawn_ms;
} vgg_progress;

/* Draws on standard error; stays silent where that is no terminal or `total` is small. */
vgg_progress vgg_progress_start(const vgg_style *style, size_t total);
/* Draws "done of total", a few times a second at most. */
void vgg_progress_update(vgg_progress *progress, size_t done);
/* Draws a bar filled to `share` (0 … 1) and words behind it, as often. */
void vgg_progress_show(vgg_progress *progress, double share, const char *words);
/* "12 images/s  1:05 left". */
void vgg_progress_rate(vgg_text *text, double per_second, double seconds_left);
/* Wipes the line, so that other text can be written; the next update draws it again. */
void vgg_progress_clear(vgg_progress *progress);
/* Wipes the line and frees. */
void vgg_progress_finish(vgg_progress *progress);

#endif

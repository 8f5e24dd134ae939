/* report/vis_report.h — the report of `clvgg visualize` as one page: index.html, with its pictures
 * beside it or inside.
 *
 * The page needs no network, no server and no framework; names are data in it, never markup.
 */
#ifndef VGG_REPORT_VIS_REPORT_H
#define VGG_REPORT_VIS_REPORT_H

#include "base/text.h"
#include "clvgg/image.h"
#include "report/vis_manifest.h"

typedef struct vgg_report_figure {
    const char *file;  /* the figure, relative to the report's folder */
    const char *sheet; /* a PNG of its pictures, likewise */
    const char *about; /* JSON that says what is in it: see report/page_figure.h */
} vgg_report_figure;

/* A page of figures: "Filters", "Grad-CAM". One without figures isn't shown. */
typedef struct vgg_report_page {
    const char *group; /* heading of its link and its neighbours' */
    const char *name, *note;
    const vgg_report_figure *figures;
    size_t count;
} vgg_report_page;

typedef struct vgg_report {
    clvgg_runtime *runtime;
    const char *title, *summary;
    const vgg_manifest *manifest; /* or NULL */
    const vgg_report_page *pages;
    size_t page_count;
} vgg_report;

enum { VGG_REPORT_SINGLE_MEGABYTES = 25 };

/* Writes `folder`/index.html. With `single_file` small versions of the pictures are inside it, at
 * most VGG_REPORT_SINGLE_MEGABYTES in all; *left_out (else 0) is how many didn't fit or can't be
 * read. Errors: IO, OUT_OF_MEMORY, and with `single_file` UNSUPPORTED (built without libjpeg). */
clvgg_status vgg_report_write(const char *folder, const vgg_report *report, bool single_file,
                              size_t *left_out);

#endif

/* report/figure_page.h — what the figures of vis_figure.h have in common: a page with a title, and
 * pictures whose pixels stay sharp. For figure_*.c, and contact_sheet.c's thumbnails. */
#ifndef VGG_REPORT_FIGURE_PAGE_H
#define VGG_REPORT_FIGURE_PAGE_H

#include "report/draw.h"
#include "report/vis_figure.h"

/* Pixels of a PNG for each point. */
#define VGG_FIGURE_SCALE 2.0
enum { VGG_FIGURE_MARGIN = 24, VGG_FIGURE_LEAST_WIDTH = 440 };

/* Points that title and subtitle take above everything else, the margin included. */
double vgg_figure_header(const char *title, const char *subtitle);

/* The side in points, near `wanted`, at which a picture of `pixels` pixels is shown with whole PNG
 * pixels for each of its own; `wanted` where it would have to be reduced by more than a fifth. */
double vgg_figure_side(int pixels, double wanted);

#ifdef CLVGG_HAVE_CAIRO

/* Opens a page and writes title and subtitle. */
clvgg_status vgg_figure_open(vgg_picture *picture, const char *path, double width, double height,
                             const char *title, const char *subtitle);

/* Makes a Cairo surface of a picture: 32 bits a pixel, in the machine's byte order; each pixel
 * `times` by `times` of them. A failed one makes what paints it fail. */
cairo_surface_t *vgg_figure_surface(const vgg_pixels *pixels, int times);

/* The ways of fitting a picture to its place. */
typedef enum vgg_fit {
    VGG_FIT_SHARP, /* enlarged by a whole number, its pixels being squares; or reduced */
    VGG_FIT_SMOOTH /* as large as the place allows */
} vgg_fit;

/* A picture in the middle of a place, its shape kept. */
void vgg_figure_pixels(vgg_picture *picture, const vgg_pixels *pixels, vgg_fit fit, double left,
                       double top, double width, double height);
/* A picture that fills a place, smoothly, over what is there. */
void vgg_figure_cover(vgg_picture *picture, const vgg_pixels *pixels, double opacity, double left,
                      double top, double width, double height);
/* A thin line just outside a place. */
void vgg_figure_frame(vgg_picture *picture, double left, double top, double width, double height);

#endif

#endif

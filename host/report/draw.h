/* report/draw.h — a picture that becomes a PNG, SVG or PDF file, whole or not at all.
 *
 * The only place, with the drawings on it (curves.c, contact_sheet.c, figure_*.c), that knows
 * Cairo. Lengths are in pixels of an SVG, points of a PDF; a PNG has `scale` pixels for each. Text
 * is any bytes: what isn't printable is escaped.
 */
#ifndef VGG_REPORT_DRAW_H
#define VGG_REPORT_DRAW_H

#include <stdbool.h>

#include "report/picture.h"

#ifdef CLVGG_HAVE_CAIRO
#include <cairo.h>

typedef struct vgg_picture {
    cairo_t *cairo; /* to draw on; its errors stick and come up when the picture is written */
    cairo_surface_t *surface;
    struct vgg_writer *file;
    clvgg_status status; /* of the first failure beside Cairo's, whose message stands */
    bool is_vector;      /* an SVG or PDF */
} vgg_picture;

/* A white page, to be ended by vgg_picture_write() or vgg_picture_free(); there is none after a
 * failure. */
clvgg_status vgg_picture_open(vgg_picture *picture, const char *path, double width, double height,
                              double scale);
/* Writes and frees it. Errors: IO, OUT_OF_MEMORY. */
clvgg_status vgg_picture_write(vgg_picture *picture);
/* Without a write before there is no file. */
void vgg_picture_free(vgg_picture *picture);

/* The colours of all drawings: two greys for words, one for lines behind the data, and a blue and a
 * vermilion that colour-blind people tell apart (Okabe & Ito 2008). */
typedef enum vgg_ink {
    VGG_INK_TEXT,
    VGG_INK_FAINT,
    VGG_INK_GRID,
    VGG_INK_BLUE,
    VGG_INK_VERMILION
} vgg_ink;
void vgg_picture_ink(vgg_picture *picture, vgg_ink ink);
void vgg_picture_font(vgg_picture *picture, double size, bool bold);
/* Both, for words. */
void vgg_picture_pen(vgg_picture *picture, vgg_ink ink, double size, bool bold);
/* A thin line, half a pixel off, so that one of one pixel fills it. */
void vgg_picture_rule(vgg_picture *picture, double x1, double y1, double x2, double y2);

typedef enum vgg_align { VGG_ALIGN_LEFT, VGG_ALIGN_CENTRE, VGG_ALIGN_RIGHT } vgg_align;
/* Text whose baseline begins, is centred or ends at (x, y). What is wider than `widest` loses its
 * middle. Returns its width. */
double vgg_picture_text(vgg_picture *picture, double x, double y, vgg_align align, double widest,
                        const char *string);
#endif

#endif

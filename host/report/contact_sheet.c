/* report/contact_sheet.c — a grid of photographs and two lines of words below each. */
#include "report/contact_sheet.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "report/figure_page.h"

#ifdef CLVGG_HAVE_CAIRO

enum { MARGIN = 24, GAP = 16, TITLE = 48, WORDS = 44 };

/* Draws the true class, an arrow and the class predicted. The first may take half of the line. */
static void draw_classes(vgg_picture *picture, const vgg_contact_cell *cell, double left, double y)
{
    const double right = left + VGG_CONTACT_WIDTH, half = VGG_CONTACT_WIDTH / 2 - 10;
    vgg_picture_pen(picture, VGG_INK_TEXT, 13, true);
    left += vgg_picture_text(picture, left, y, VGG_ALIGN_LEFT, half, cell->truth);
    left += vgg_picture_text(picture, left, y, VGG_ALIGN_LEFT, half, " \xE2\x86\x92 ");
    vgg_picture_text(picture, left, y, VGG_ALIGN_LEFT, right - left, cell->predicted);
}

/* The photograph stands on the words. */
static void draw_cell(vgg_picture *picture, const vgg_contact_cell *cell, double left, double top)
{
    enum { PERCENT_WIDTH = 56 };
    const char *slash = strrchr(cell->file, '/');
    const double bottom = top + VGG_CONTACT_HEIGHT, right = left + VGG_CONTACT_WIDTH;
    char percent[32];
    const vgg_pixels pixels = {cell->rgb, cell->width, cell->height};
    cairo_surface_t *surface = vgg_figure_surface(&pixels, 1);
    cairo_set_source_surface(picture->cairo, surface, left, bottom - cell->height);
    cairo_paint(picture->cairo);
    cairo_surface_destroy(surface);
    draw_classes(picture, cell, left, bottom + 17);
    vgg_picture_font(picture, 12, false);
    snprintf(percent, sizeof percent, "%.1f %%", 100 * cell->probability);
    vgg_picture_text(picture, right, bottom + 34, VGG_ALIGN_RIGHT, PERCENT_WIDTH, percent);
    vgg_picture_ink(picture, VGG_INK_FAINT);
    vgg_picture_text(picture, left, bottom + 34, VGG_ALIGN_LEFT, right - left - PERCENT_WIDTH,
                     slash != NULL ? slash + 1 : cell->file);
}

clvgg_status vgg_contact_sheet_write(const char *path, const char *title,
                                     const vgg_contact_cell *cells, size_t count)
{
    vgg_picture picture = {0};
    assert(count <= VGG_CONTACT_MOST_CELLS);
    const size_t rows = (count + VGG_CONTACT_COLUMNS - 1) / VGG_CONTACT_COLUMNS;
    const double column = VGG_CONTACT_WIDTH + GAP, row = VGG_CONTACT_HEIGHT + WORDS + GAP;
    const double width = 2 * MARGIN + VGG_CONTACT_COLUMNS * column - GAP;
    VGG_PASS(vgg_picture_open(&picture, path, width, MARGIN + TITLE + (double)rows * row, 1));
    vgg_picture_pen(&picture, VGG_INK_TEXT, 18, true);
    vgg_picture_text(&picture, MARGIN, MARGIN + 16, VGG_ALIGN_LEFT, width - 2 * MARGIN, title);
    for (size_t i = 0; i < count; i++)
        draw_cell(&picture, &cells[i], MARGIN + (double)(i % VGG_CONTACT_COLUMNS) * column,
                  MARGIN + TITLE - 8 + (double)(i / VGG_CONTACT_COLUMNS) * row);
    return vgg_picture_write(&picture);
}

#else

clvgg_status vgg_contact_sheet_write(const char *path, const char *title,
                                     const vgg_contact_cell *cells, size_t count)
{
    (void)title, (void)cells, (void)count;
    return vgg_picture_check(path);
}

#endif

/* report/figure_page.c — pages and pictures of figures. */
#include "report/figure_page.h"

#include <math.h>
#include <string.h>

enum { TITLE_LINE = 26, SUBTITLE_LINE = 20, BELOW = 10 };

double vgg_figure_header(const char *title, const char *subtitle)
{
    const double lines = (title != NULL ? TITLE_LINE : 0) + (subtitle != NULL ? SUBTITLE_LINE : 0);
    return VGG_FIGURE_MARGIN + (lines > 0 ? lines + BELOW : 0);
}

double vgg_figure_side(int pixels, double wanted)
{
    const double room = wanted * VGG_FIGURE_SCALE;
    if (pixels < 1 || pixels > room * 1.25)
        return wanted;
    const double times = fmax(1, floor(room / pixels));
    return times * pixels / VGG_FIGURE_SCALE;
}

#ifdef CLVGG_HAVE_CAIRO

clvgg_status vgg_figure_open(vgg_picture *picture, const char *path, double width, double height,
                             const char *title, const char *subtitle)
{
    const double room = width - 2 * VGG_FIGURE_MARGIN;
    VGG_PASS(vgg_picture_open(picture, path, width, height, VGG_FIGURE_SCALE));
    double y = VGG_FIGURE_MARGIN;
    if (title != NULL) {
        vgg_picture_pen(picture, VGG_INK_TEXT, 18, true);
        vgg_picture_text(picture, VGG_FIGURE_MARGIN, y + 17, VGG_ALIGN_LEFT, room, title);
        y += TITLE_LINE;
    }
    if (subtitle != NULL) {
        vgg_picture_pen(picture, VGG_INK_FAINT, 13, false);
        vgg_picture_text(picture, VGG_FIGURE_MARGIN, y + 13, VGG_ALIGN_LEFT, room, subtitle);
    }
    return CLVGG_STATUS_OK;
}

cairo_surface_t *vgg_figure_surface(const vgg_pixels *pixels, int times)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, pixels->width * times,
                                                          pixels->height * times);
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS)
        return surface;
    cairo_surface_flush(surface);
    uint8_t *data = cairo_image_surface_get_data(surface);
    const size_t stride = (size_t)cairo_image_surface_get_stride(surface);
    const size_t k = (size_t)times, width = (size_t)pixels->width * k;
    for (size_t y = 0; y < (size_t)pixels->height * k; y++) {
        if (y % k > 0) {
            memcpy(data + y * stride, data + (y - 1) * stride, 4 * width);
            continue;
        }
        for (size_t x = 0; x < width; x++) {
            const uint8_t *rgb = pixels->rgb + 3 * (y / k * (size_t)pixels->width + x / k);
            const uint32_t pixel = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
            memcpy(data + y * stride + 4 * x, &pixel, sizeof pixel);
        }
    }
    cairo_surface_mark_dirty(surface);
    return surface;
}

/* Where and how a surface is painted. */
typedef struct placing {
    double left, top, across, down; /* its corner; its scales */
    cairo_filter_t filter;
    double opacity;
} placing;

/* Paints a surface. The edges repeat outwards, so that they don't mix with the page. */
static void paint(vgg_picture *picture, cairo_surface_t *surface, const placing *place)
{
    cairo_t *cairo = picture->cairo;
    cairo_save(cairo);
    cairo_translate(cairo, place->left, place->top);
    cairo_scale(cairo, place->across, place->down);
    cairo_rectangle(cairo, 0, 0, cairo_image_surface_get_width(surface),
                    cairo_image_surface_get_height(surface));
    cairo_clip(cairo);
    cairo_set_source_surface(cairo, surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cairo), place->filter);
    cairo_pattern_set_extend(cairo_get_source(cairo), CAIRO_EXTEND_PAD);
    cairo_paint_with_alpha(cairo, place->opacity);
    cairo_restore(cairo);
}

/* Rounds a length to whole pixels of a PNG. */
static double snap(double length)
{
    return round(length * VGG_FIGURE_SCALE) / VGG_FIGURE_SCALE;
}

void vgg_figure_pixels(vgg_picture *picture, const vgg_pixels *pixels, vgg_fit fit, double left,
                       double top, double width, double height)
{
    if (pixels->rgb == NULL)
        return;
    double share = fmin(width / pixels->width, height / pixels->height);
    int times = 1;
    cairo_filter_t filter = CAIRO_FILTER_GOOD;
    if (fit == VGG_FIT_SHARP && share * VGG_FIGURE_SCALE >= 1 - 1e-9) {
        times = (int)floor(share * VGG_FIGURE_SCALE + 1e-9);
        share = times / VGG_FIGURE_SCALE;
        filter = CAIRO_FILTER_NEAREST;
    }
    cairo_surface_t *surface = vgg_figure_surface(pixels, times);
    paint(picture, surface,
          &(placing){.left = snap(left + (width - share * pixels->width) / 2),
                     .top = snap(top + (height - share * pixels->height) / 2),
                     .across = share / times,
                     .down = share / times,
                     .filter = filter,
                     .opacity = 1});
    cairo_surface_destroy(surface);
}

void vgg_figure_cover(vgg_picture *picture, const vgg_pixels *pixels, double opacity, double left,
                      double top, double width, double height)
{
    cairo_surface_t *surface = vgg_figure_surface(pixels, 1);
    paint(picture, surface,
          &(placing){.left = left,
                     .top = top,
                     .across = width / pixels->width,
                     .down = height / pixels->height,
                     .filter = CAIRO_FILTER_GOOD,
                     .opacity = opacity});
    cairo_surface_destroy(surface);
}

void vgg_figure_frame(vgg_picture *picture, double left, double top, double width, double height)
{
    cairo_t *cairo = picture->cairo;
    vgg_picture_ink(picture, VGG_INK_GRID);
    cairo_set_line_width(cairo, 0.5);
    cairo_rectangle(cairo, left - 0.25, top - 0.25, width + 0.5, height + 0.5);
    cairo_stroke(cairo);
}

#endif

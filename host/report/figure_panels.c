/* report/figure_panels.c — photographs and heat maps side by side, with colour bars. */
#include <math.h>

#include "report/figure_page.h"
#include "report/format.h"
#include "report/memory.h"
#include "report/panel.h"

#ifdef CLVGG_HAVE_CAIRO

enum { SIDE = 280, PANEL_GAP = 28, TITLE_LINE = 24, BAR = 10, BAR_LINES = 56, LEGEND_LINE = 17 };

/* A panel with its range settled and its place. */
typedef struct placed {
    const vgg_panel *panel;
    double low, high;
    double left, top, width, height; /* of the picture */
} placed;

/* Width and height of a panel's picture, the longer one being `side`. */
static void find_size(const vgg_panel *panel, double side, double *width, double *height)
{
    const bool photograph = panel->photograph.rgb != NULL;
    const double across = photograph ? panel->photograph.width : panel->columns;
    const double down = photograph ? panel->photograph.height : panel->rows;
    const double share = side / fmax(fmax(across, down), 1);
    *width = fmax(share * across, 1);
    *height = fmax(share * down, 1);
}

static size_t label_lines(const vgg_panel *panel)
{
    size_t lines = 0;
    for (size_t i = 0; i < panel->label_count; i++)
        lines += vgg_panel_has_label(panel, i);
    return lines;
}

/* Below the picture: the bar with its numbers and unit, or the legend. */
static double height_below(const vgg_panel *panel)
{
    return panel->values == NULL                   ? 0
           : panel->colours == VGG_COLOURS_CLASSES ? 8 + LEGEND_LINE * (double)label_lines(panel)
                                                   : BAR_LINES - (panel->unit == NULL ? 16 : 0);
}

/* Values as colours, a pixel for each of the PNG's, over what is there. */
static clvgg_status draw_values(vgg_picture *picture, const placed *p)
{
    const vgg_panel *panel = p->panel;
    const int width = (int)round(p->width * VGG_FIGURE_SCALE);
    const int height = (int)round(p->height * VGG_FIGURE_SCALE);
    clvgg_status status = CLVGG_STATUS_OK;
    uint8_t *rgb = NULL;
    VGG_MEMORY_NEW(rgb, 3 * (size_t)width * (size_t)height, "the colours of a panel");
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            vgg_colour(panel->colours, p->low, p->high,
                       vgg_panel_value(panel, (y + 0.5) * panel->rows / height,
                                       (x + 0.5) * panel->columns / width),
                       rgb + 3 * ((size_t)y * (size_t)width + (size_t)x));
    vgg_figure_cover(picture, &(vgg_pixels){rgb, width, height}, vgg_panel_opacity(panel), p->left,
                     p->top, p->width, p->height);
cleanup:
    vgg_memory_free(rgb);
    return status;
}

static void draw_number(vgg_picture *picture, double x, double y, vgg_align align, double value)
{
    char words[VGG_NUMBER_WORDS];
    vgg_picture_text(picture, x, y, align, 80, vgg_number_words(value, 3, words));
}

static void draw_bar(vgg_picture *picture, const placed *p)
{
    enum { STEPS = 256 };
    uint8_t rgb[STEPS][3];
    const double top = p->top + p->height + 10, right = p->left + p->width;
    for (int i = 0; i < STEPS; i++)
        vgg_colour(p->panel->colours, 0, STEPS - 1, i, rgb[i]);
    vgg_figure_cover(picture, &(vgg_pixels){rgb[0], STEPS, 1}, 1, p->left, top, p->width, BAR);
    vgg_picture_pen(picture, VGG_INK_FAINT, 11, false);
    draw_number(picture, p->left, top + BAR + 14, VGG_ALIGN_LEFT, p->low);
    if (p->width > 120)
        draw_number(picture, p->left + p->width / 2, top + BAR + 14, VGG_ALIGN_CENTRE,
                    (p->low + p->high) / 2);
    draw_number(picture, right, top + BAR + 14, VGG_ALIGN_RIGHT, p->high);
    vgg_picture_ink(picture, VGG_INK_TEXT);
    if (p->panel->unit != NULL)
        vgg_picture_text(picture, p->left + p->width / 2, top + BAR + 30, VGG_ALIGN_CENTRE,
                         p->width, p->panel->unit);
}

static void draw_legend(vgg_picture *picture, const placed *p)
{
    const vgg_panel *panel = p->panel;
    double y = p->top + p->height + 8;
    vgg_picture_font(picture, 12, false);
    for (size_t i = 0; i < panel->label_count; i++) {
        if (!vgg_panel_has_label(panel, i))
            continue;
        uint8_t rgb[3];
        vgg_colour(VGG_COLOURS_CLASSES, 0, 0, (double)i, rgb);
        vgg_figure_cover(picture, &(vgg_pixels){rgb, 1, 1}, 1, p->left, y + 1, 12, 12);
        vgg_picture_ink(picture, VGG_INK_TEXT);
        vgg_picture_text(picture, p->left + 18, y + 11, VGG_ALIGN_LEFT, p->width - 18,
                         panel->labels[i]);
        y += LEGEND_LINE;
    }
}

/* Two lines, so that it is seen on light and dark. */
static void draw_box(vgg_picture *picture, const placed *p)
{
    cairo_t *cairo = picture->cairo;
    const int64_t *box = p->panel->box;
    const double share = p->width / p->panel->photograph.width;
    cairo_set_source_rgb(cairo, 1, 1, 1);
    for (int pass = 0; pass < 2; pass++) {
        cairo_set_line_width(cairo, pass == 0 ? 3.5 : 1.5);
        cairo_rectangle(cairo, p->left + share * (double)box[0], p->top + share * (double)box[1],
                        share * (double)(box[2] - box[0]), share * (double)(box[3] - box[1]));
        cairo_stroke(cairo);
        vgg_picture_ink(picture, VGG_INK_VERMILION);
    }
}

static clvgg_status draw_panel(vgg_picture *picture, const placed *p)
{
    const vgg_panel *panel = p->panel;
    if (panel->title != NULL) {
        vgg_picture_pen(picture, VGG_INK_TEXT, 13, true);
        vgg_picture_text(picture, p->left, p->top - 9, VGG_ALIGN_LEFT, p->width, panel->title);
    }
    if (panel->photograph.rgb != NULL)
        vgg_figure_pixels(picture, &panel->photograph, VGG_FIT_SMOOTH, p->left, p->top, p->width,
                          p->height);
    if (panel->values != NULL)
        VGG_PASS(draw_values(picture, p));
    if (panel->box != NULL && panel->photograph.rgb != NULL)
        draw_box(picture, p);
    if (panel->values != NULL && panel->colours == VGG_COLOURS_CLASSES)
        draw_legend(picture, p);
    else if (panel->values != NULL)
        draw_bar(picture, p);
    return CLVGG_STATUS_OK;
}

/* Gives every panel its place. Returns the page's height. */
static double place(const vgg_panels *panels, size_t columns, double side, placed *all)
{
    double top = vgg_figure_header(panels->title, panels->subtitle);
    for (size_t first = 0; first < panels->count; first += columns) {
        double tallest = 0, title = 0;
        for (size_t i = first; i < panels->count && i < first + columns; i++)
            title = panels->panels[i].title != NULL ? TITLE_LINE : title;
        for (size_t i = first; i < panels->count && i < first + columns; i++) {
            placed *p = &all[i];
            p->panel = &panels->panels[i];
            vgg_panel_range(p->panel, &p->low, &p->high);
            find_size(p->panel, side, &p->width, &p->height);
            p->left = VGG_FIGURE_MARGIN + (double)(i - first) * (side + PANEL_GAP);
            p->top = top + title;
            tallest = fmax(tallest, p->height + height_below(p->panel));
        }
        top += title + tallest + PANEL_GAP;
    }
    return top - PANEL_GAP + VGG_FIGURE_MARGIN;
}

clvgg_status vgg_figure_panels(const char *path, const vgg_panels *panels)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_picture picture = {0};
    const double side = panels->side > 0 ? panels->side : SIDE;
    size_t columns = panels->columns > 0 ? (size_t)panels->columns : 4;
    columns = columns < panels->count ? columns : panels->count > 0 ? panels->count : 1;
    placed *all = NULL;
    VGG_MEMORY_NEW(all, panels->count, "the panels of a figure");
    const double height = place(panels, columns, side, all);
    const double width = 2 * VGG_FIGURE_MARGIN + (double)columns * (side + PANEL_GAP) - PANEL_GAP;
    VGG_TRY(vgg_figure_open(&picture, path, fmax(width, VGG_FIGURE_LEAST_WIDTH), height,
                            panels->title, panels->subtitle));
    for (size_t i = 0; i < panels->count; i++)
        VGG_TRY(draw_panel(&picture, &all[i]));
    VGG_TRY(vgg_picture_write(&picture));
cleanup:
    vgg_picture_free(&picture);
    vgg_memory_free(all);
    return status;
}

#endif

/* report/figure_charts.c — line charts in rows; every line carries its name at its end. */
#include <math.h>

#include "report/axis.h"
#include "report/figure_page.h"
#include "report/format.h"

#ifdef CLVGG_HAVE_CAIRO

enum {
    PLOT_WIDTH = 240,
    PLOT_HEIGHT = 200,
    BEFORE = 52,  /* for the numbers of the y axis */
    BEHIND = 110, /* for the names of lines */
    ABOVE = 42,   /* title and name of the y axis */
    BELOW = 44,
    GAP = 12,
    NAME_FONT = 11,
    NAME_LINE = 14,
    MOST_LINES = 8,
    MOST_MARKED = 60
};

/* Okabe & Ito's, those that are seen on white, dark ones first. */
static const double inks[MOST_LINES][3] = {{0, 0.45, 0.70},    {0.84, 0.37, 0},    {0, 0.62, 0.45},
                                           {0.80, 0.47, 0.65}, {0.34, 0.71, 0.91}, {0.90, 0.62, 0},
                                           {0.3, 0.3, 0.3},    {0.55, 0.35, 0.20}};

typedef struct plot {
    vgg_picture *picture;
    const vgg_chart *chart;
    vgg_axis across, up;
    double left, top; /* of the plot itself */
} plot;

static double x_of(const plot *p, double value)
{
    return p->left + PLOT_WIDTH * vgg_axis_place(&p->across, value);
}

static double y_of(const plot *p, double value)
{
    return p->top + PLOT_HEIGHT * (1 - vgg_axis_place(&p->up, value));
}

static bool is_drawable(const vgg_line *line, size_t i)
{
    const double most = VGG_AXIS_GREATEST / 100;
    return fabs(line->x[i]) < most && fabs(line->y[i]) < most; /* neither NaN */
}

static void find_axes(plot *p)
{
    const vgg_chart *chart = p->chart;
    double least[2] = {INFINITY, INFINITY}, greatest[2] = {-INFINITY, -INFINITY};
    for (size_t l = 0; l < chart->line_count; l++)
        for (size_t i = 0; i < chart->lines[l].count; i++) {
            const double point[] = {chart->lines[l].x[i], chart->lines[l].y[i]};
            for (int a = 0; a < 2 && is_drawable(&chart->lines[l], i); a++) {
                least[a] = fmin(least[a], point[a]);
                greatest[a] = fmax(greatest[a], point[a]);
            }
        }
    for (int a = 0; a < 2; a++)
        if (least[a] > greatest[a]) {
            least[a] = 0;
            greatest[a] = 1;
        }
    p->across = vgg_axis_linear(least[0], greatest[0], 5);
    p->across.low = fmin(least[0], greatest[0]); /* lines begin and end at the frame */
    p->across.high = greatest[0] > least[0] ? greatest[0] : least[0] + 1;
    p->up = chart->low < chart->high ? vgg_axis_linear(chart->low, chart->high, 5)
                                     : vgg_axis_linear(least[1], greatest[1], 5);
}

static void draw_axes(const plot *p)
{
    char words[VGG_NUMBER_WORDS];
    const double bottom = p->top + PLOT_HEIGHT, right = p->left + PLOT_WIDTH;
    vgg_picture_font(p->picture, NAME_FONT, false);
    for (size_t i = 0; i < p->up.tick_count; i++) {
        const double y = y_of(p, p->up.ticks[i]);
        vgg_picture_ink(p->picture, VGG_INK_GRID);
        vgg_picture_rule(p->picture, p->left, y, right, y);
        vgg_picture_ink(p->picture, VGG_INK_FAINT);
        vgg_picture_text(p->picture, p->left - 6, y + 4, VGG_ALIGN_RIGHT, BEFORE - 6,
                         vgg_number_words(p->up.ticks[i], 4, words));
    }
    for (size_t i = 0; i < p->across.tick_count; i++) {
        const double value = p->across.ticks[i], x = x_of(p, value);
        if (value < p->across.low || value > p->across.high)
            continue;
        vgg_picture_ink(p->picture, VGG_INK_GRID);
        vgg_picture_rule(p->picture, x, p->top, x, bottom);
        vgg_picture_ink(p->picture, VGG_INK_FAINT);
        vgg_picture_text(p->picture, x, bottom + 15, VGG_ALIGN_CENTRE, 60,
                         vgg_number_words(value, 4, words));
    }
    if (p->chart->x_label != NULL)
        vgg_picture_text(p->picture, p->left + PLOT_WIDTH / 2, bottom + 32, VGG_ALIGN_CENTRE,
                         PLOT_WIDTH, p->chart->x_label);
    if (p->chart->y_label != NULL)
        vgg_picture_text(p->picture, p->left, p->top - 9, VGG_ALIGN_LEFT, PLOT_WIDTH + BEHIND,
                         p->chart->y_label);
    vgg_picture_pen(p->picture, VGG_INK_TEXT, 13, true);
    if (p->chart->title != NULL)
        vgg_picture_text(p->picture, p->left, p->top - 26, VGG_ALIGN_LEFT, PLOT_WIDTH + BEHIND,
                         p->chart->title);
}

static void take_ink(const plot *p, size_t line)
{
    const double *rgb = inks[line % MOST_LINES];
    cairo_set_source_rgb(p->picture->cairo, rgb[0], rgb[1], rgb[2]);
}

/* A disc or a square in turns: told apart without colours, too. */
static void mark(const plot *p, size_t line, double x, double y)
{
    cairo_t *cairo = p->picture->cairo;
    cairo_new_sub_path(cairo);
    if (line % 2 == 0)
        cairo_arc(cairo, x, y, 2.2, 0, 6.283185307179586);
    else
        cairo_rectangle(cairo, x - 2, y - 2, 4, 4);
    cairo_fill(cairo);
}

static void draw_line(const plot *p, size_t index)
{
    const vgg_line *line = &p->chart->lines[index];
    cairo_t *cairo = p->picture->cairo;
    bool broken = true;
    take_ink(p, index);
    cairo_set_line_width(cairo, 1.6);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = 0; i < line->count; i++) {
        const bool drawable = is_drawable(line, i);
        if (drawable && broken)
            cairo_move_to(cairo, x_of(p, line->x[i]), y_of(p, line->y[i]));
        else if (drawable)
            cairo_line_to(cairo, x_of(p, line->x[i]), y_of(p, line->y[i]));
        broken = !drawable;
    }
    cairo_stroke(cairo);
    for (size_t i = 0; i < line->count && line->count <= MOST_MARKED; i++)
        if (is_drawable(line, i))
            mark(p, index, x_of(p, line->x[i]), y_of(p, line->y[i]));
}

/* Places each name beside its line's last point, then moves them apart, from the top down, and back
 * up where they would leave the plot. */
static void place_names(const plot *p, double y[MOST_LINES], size_t order[MOST_LINES],
                        size_t *count)
{
    *count = 0;
    for (size_t l = 0; l < p->chart->line_count && l < MOST_LINES; l++) {
        const vgg_line *line = &p->chart->lines[l];
        size_t last = line->count;
        while (last > 0 && !is_drawable(line, last - 1))
            last--;
        if (last == 0 || line->name == NULL)
            continue;
        y[l] = y_of(p, line->y[last - 1]) + 4;
        size_t at = (*count)++;
        for (; at > 0 && y[order[at - 1]] > y[l]; at--)
            order[at] = order[at - 1];
        order[at] = l;
    }
    for (size_t i = 1; i < *count; i++)
        y[order[i]] = fmax(y[order[i]], y[order[i - 1]] + NAME_LINE);
    double lowest = p->top + PLOT_HEIGHT + 4;
    for (size_t i = *count; i > 0; i--) {
        y[order[i - 1]] = fmin(y[order[i - 1]], lowest);
        lowest = y[order[i - 1]] - NAME_LINE;
    }
}

static void draw_plot(plot *p)
{
    double y[MOST_LINES];
    size_t order[MOST_LINES], count;
    find_axes(p);
    draw_axes(p);
    for (size_t l = 0; l < p->chart->line_count; l++)
        draw_line(p, l);
    place_names(p, y, order, &count);
    vgg_picture_font(p->picture, NAME_FONT, false);
    for (size_t i = 0; i < count; i++) {
        take_ink(p, order[i]);
        vgg_picture_text(p->picture, p->left + PLOT_WIDTH + 8, y[order[i]], VGG_ALIGN_LEFT,
                         BEHIND - 12, p->chart->lines[order[i]].name);
    }
}

clvgg_status vgg_figure_charts(const char *path, const vgg_charts *charts)
{
    vgg_picture picture = {0};
    size_t columns = charts->columns > 0 ? (size_t)charts->columns : 3;
    columns = columns < charts->count ? columns : charts->count > 0 ? charts->count : 1;
    const size_t rows = (charts->count + columns - 1) / columns;
    const double across = BEFORE + PLOT_WIDTH + BEHIND + GAP;
    const double down = ABOVE + PLOT_HEIGHT + BELOW + GAP;
    const double top = vgg_figure_header(charts->title, charts->subtitle);
    VGG_PASS(vgg_figure_open(&picture, path, VGG_FIGURE_MARGIN + (double)columns * across,
                             top + (double)rows * down + VGG_FIGURE_MARGIN / 2.0, charts->title,
                             charts->subtitle));
    for (size_t i = 0; i < charts->count; i++) {
        plot p = {.picture = &picture, .chart = &charts->charts[i]};
        p.left = VGG_FIGURE_MARGIN + BEFORE - 12 + (double)(i % columns) * across;
        p.top = top + ABOVE + (double)(i / columns) * down;
        draw_plot(&p);
    }
    return vgg_picture_write(&picture);
}

#endif

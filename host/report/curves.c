/* report/curves.c — three panels above one axis of epochs; lines carry their names at their ends.
 *
 * A further curve is a row in `curves`, a further panel one in `panels`.
 */
#include "report/curves.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "report/axis.h"
#include "report/draw.h"

#ifdef CLVGG_HAVE_CAIRO

/* Places and sizes in pixels of the SVG; MOST_MARKED counts points. */
enum { WIDTH = 800, HEIGHT = 600, LEFT = 64, RIGHT = 650, LABEL = 13, MOST_MARKED = 80 };

typedef enum unit { NATS, SHARE, RATE } unit;

typedef struct curve_row {
    size_t offset; /* of the figure in clvgg_finetune_epoch */
    const char *name;
    vgg_ink ink;
} curve_row;

typedef struct panel_row {
    const char *title;
    int top, bottom, tick_count;
    unit unit;
    curve_row curves[2];
    size_t curve_count;
} panel_row;

#define FIGURE(name) offsetof(clvgg_finetune_epoch, name)
static const panel_row panels[] = {
    {"loss",
     92,
     284,
     5,
     NATS,
     {{FIGURE(train_loss), "train", VGG_INK_BLUE},
      {FIGURE(val_loss), "validation", VGG_INK_VERMILION}},
     2},
    {"accuracy",
     322,
     484,
     5,
     SHARE,
     {{FIGURE(train_accuracy), "train", VGG_INK_BLUE},
      {FIGURE(val_accuracy), "validation", VGG_INK_VERMILION}},
     2},
    {"learning rate", 522, 556, 1, RATE, {{FIGURE(lr), NULL, VGG_INK_FAINT}}, 1},
};

enum { PANEL_COUNT = sizeof panels / sizeof *panels };

typedef struct chart_page {
    vgg_picture picture;
    const clvgg_finetune_epoch *epochs;
    size_t count;
    const clvgg_finetune_epoch *best; /* or NULL */
    vgg_axis across;
} chart_page;

/* NaN where there is none that could be drawn: before the first step, or when training exploded. */
static double figure(const clvgg_finetune_epoch *epoch, const panel_row *panel,
                     const curve_row *curve)
{
    const double value = *(const double *)((const char *)epoch + curve->offset);
    const bool absent = panel->unit == RATE && epoch->step == 0;
    return absent || !(fabs(value) < VGG_AXIS_GREATEST / 100) ? (double)NAN
           : panel->unit == SHARE                             ? 100 * value
                                                              : value;
}

static double x_of(const chart_page *chart, int epoch)
{
    return LEFT + (RIGHT - LEFT) * vgg_axis_place(&chart->across, epoch);
}

static double y_of(const panel_row *panel, const vgg_axis *axis, double value)
{
    return panel->bottom - (panel->bottom - panel->top) * vgg_axis_place(axis, value);
}

/* The range of a panel's finite figures; a logarithmic one where linear would hide the small. */
static vgg_axis vertical_axis(const chart_page *chart, const panel_row *panel)
{
    double least = INFINITY, greatest = -INFINITY;
    for (size_t c = 0; c < panel->curve_count; c++)
        for (size_t i = 0; i < chart->count; i++) {
            const double value = figure(&chart->epochs[i], panel, &panel->curves[c]);
            if (isfinite(value)) {
                least = fmin(least, value);
                greatest = fmax(greatest, value);
            }
        }
    if (least > greatest)
        return vgg_axis_linear(0, 1, panel->tick_count);
    if (panel->unit == RATE)
        return vgg_axis_linear(0, greatest, panel->tick_count);
    if (panel->unit == NATS && least > 1 / VGG_AXIS_GREATEST && greatest / least > 20)
        return vgg_axis_logarithmic(least, greatest, panel->tick_count);
    vgg_axis axis = vgg_axis_linear(least, greatest, panel->tick_count);
    while (panel->unit == SHARE && axis.tick_count > 0 && axis.ticks[axis.tick_count - 1] > 100)
        axis.tick_count--;
    if (panel->unit == SHARE && axis.high > 100)
        axis.high = 100;
    return axis;
}

static void draw_frame(chart_page *chart, const panel_row *panel, const vgg_axis *axis)
{
    vgg_picture *picture = &chart->picture;
    char words[32];
    vgg_picture_ink(picture, VGG_INK_GRID);
    for (size_t i = 0; i < chart->across.tick_count; i++) {
        const double x = x_of(chart, (int)chart->across.ticks[i]);
        vgg_picture_rule(&chart->picture, x, panel->top, x, panel->bottom);
    }
    for (size_t i = 0; i < axis->tick_count; i++) {
        const double y = y_of(panel, axis, axis->ticks[i]);
        vgg_picture_ink(picture, VGG_INK_GRID);
        vgg_picture_rule(&chart->picture, LEFT, y, RIGHT, y);
        vgg_picture_ink(picture, VGG_INK_FAINT);
        snprintf(words, sizeof words, panel->unit == SHARE ? "%.4g %%" : "%.4g", axis->ticks[i]);
        vgg_picture_font(picture, 12, false);
        vgg_picture_text(picture, LEFT - 8, y + 4, VGG_ALIGN_RIGHT, LEFT - 8, words);
    }
    vgg_picture_pen(picture, VGG_INK_TEXT, LABEL, true);
    snprintf(words, sizeof words, "%s%s", panel->title, axis->logarithmic ? ", logarithmic" : "");
    vgg_picture_text(picture, LEFT, panel->top - 10, VGG_ALIGN_LEFT, RIGHT - LEFT, words);
}

/* A disc for training, a square for validation: told apart without colours, too. */
static void mark(chart_page *chart, double x, double y, bool square, double size)
{
    cairo_t *cairo = chart->picture.cairo;
    cairo_new_sub_path(cairo);
    if (square)
        cairo_rectangle(cairo, x - size, y - size, 2 * size, 2 * size);
    else
        cairo_arc(cairo, x, y, size, 0, 6.283185307179586);
}

static void draw_curve(chart_page *chart, const panel_row *panel, const vgg_axis *axis,
                       const curve_row *curve)
{
    cairo_t *cairo = chart->picture.cairo;
    const bool square = curve->ink == VGG_INK_VERMILION;
    vgg_picture_ink(&chart->picture, curve->ink);
    cairo_set_line_width(cairo, panel->unit == RATE ? 1.5 : 2);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    bool broken = true;
    for (size_t i = 0; i < chart->count; i++) {
        const clvgg_finetune_epoch *epoch = &chart->epochs[i];
        const double value = figure(epoch, panel, curve);
        if (isfinite(value) && broken)
            cairo_move_to(cairo, x_of(chart, epoch->epoch), y_of(panel, axis, value));
        else if (isfinite(value))
            cairo_line_to(cairo, x_of(chart, epoch->epoch), y_of(panel, axis, value));
        broken = !isfinite(value);
    }
    cairo_stroke(cairo);
    for (size_t i = 0; i < chart->count && chart->count <= MOST_MARKED; i++) {
        const clvgg_finetune_epoch *epoch = &chart->epochs[i];
        const double value = figure(epoch, panel, curve);
        const bool ringed = square && epoch == chart->best;
        if (!isfinite(value))
            continue;
        mark(chart, x_of(chart, epoch->epoch), y_of(panel, axis, value), square, ringed ? 5 : 2.5);
        cairo_fill(cairo);
    }
}

/* Each name and last figure beside the last point, moved apart where they would overlap. */
static void label_curves(chart_page *chart, const panel_row *panel, const vgg_axis *axis)
{
    double y[2] = {NAN, NAN}, values[2] = {NAN, NAN};
    int last[2] = {0, 0};
    for (size_t c = 0; c < panel->curve_count; c++)
        for (size_t i = 0; i < chart->count; i++) {
            const double value = figure(&chart->epochs[i], panel, &panel->curves[c]);
            if (!isfinite(value))
                continue;
            values[c] = value;
            last[c] = chart->epochs[i].epoch;
            y[c] = y_of(panel, axis, value) + 4;
        }
    const double gap = LABEL + 3 - fabs(y[0] - y[1]);
    if (gap > 0) { /* not where one is NaN */
        const bool first_above = y[0] < y[1] || (y[0] == y[1] && values[0] > values[1]);
        y[first_above ? 0 : 1] -= gap / 2;
        y[first_above ? 1 : 0] += gap / 2;
    }
    vgg_picture_font(&chart->picture, LABEL, false);
    for (size_t c = 0; c < panel->curve_count; c++) {
        char words[64];
        if (!isfinite(y[c]) || panel->curves[c].name == NULL)
            continue;
        snprintf(words, sizeof words, panel->unit == SHARE ? "%s %.2f %%" : "%s %.3g",
                 panel->curves[c].name, values[c]);
        vgg_picture_ink(&chart->picture, panel->curves[c].ink);
        const double x = x_of(chart, last[c]) + 10;
        vgg_picture_text(&chart->picture, x, y[c], VGG_ALIGN_LEFT, WIDTH - 4 - x, words);
    }
}

/* A dashed line through all panels, and its name above, unless the first panel's title is there. */
static void draw_best(chart_page *chart)
{
    if (chart->best == NULL)
        return;
    enum { TITLE_WIDTH = 160, NAME_WIDTH = 100 };
    const double dashes[] = {4, 4}, x = x_of(chart, chart->best->epoch);
    vgg_picture_ink(&chart->picture, VGG_INK_FAINT);
    cairo_set_dash(chart->picture.cairo, dashes, 2, 0);
    for (size_t i = 0; i < PANEL_COUNT; i++)
        vgg_picture_rule(&chart->picture, x, panels[i].top, x, panels[i].bottom);
    cairo_set_dash(chart->picture.cairo, NULL, 0, 0);
    vgg_picture_font(&chart->picture, 12, false);
    if (x > LEFT + TITLE_WIDTH + NAME_WIDTH / 2)
        vgg_picture_text(&chart->picture, x, panels[0].top - 8, VGG_ALIGN_CENTRE, NAME_WIDTH,
                         "best epoch");
}

static void draw_epochs(chart_page *chart)
{
    vgg_picture *picture = &chart->picture;
    const double y = panels[PANEL_COUNT - 1].bottom + 18;
    vgg_picture_pen(picture, VGG_INK_FAINT, 12, false);
    for (size_t i = 0; i < chart->across.tick_count; i++) {
        char words[16];
        snprintf(words, sizeof words, "%d", (int)chart->across.ticks[i]);
        vgg_picture_text(picture, x_of(chart, (int)chart->across.ticks[i]), y, VGG_ALIGN_CENTRE,
                         RIGHT, words);
    }
    vgg_picture_text(picture, RIGHT + 24, y, VGG_ALIGN_LEFT, WIDTH - RIGHT, "epoch");
}

static void draw_title(chart_page *chart, const char *title)
{
    vgg_picture *picture = &chart->picture;
    char words[160];
    vgg_picture_pen(picture, VGG_INK_TEXT, 16, true);
    vgg_picture_text(picture, LEFT, 30, VGG_ALIGN_LEFT, WIDTH - LEFT - 16, title);
    if (chart->best == NULL)
        return;
    snprintf(words, sizeof words, "best epoch %d: validation loss %.4g, accuracy %.2f %%",
             chart->best->epoch, chart->best->val_loss, 100 * chart->best->val_accuracy);
    vgg_picture_pen(picture, VGG_INK_FAINT, LABEL, false);
    vgg_picture_text(picture, LEFT, 52, VGG_ALIGN_LEFT, WIDTH - LEFT - 16, words);
}

clvgg_status vgg_curves_write(const char *path, const char *title,
                              const clvgg_finetune_epoch *epochs, size_t count)
{
    assert(count > 0);
    chart_page chart = {.epochs = epochs,
                        .count = count,
                        .across = vgg_axis_whole(epochs[0].epoch, epochs[count - 1].epoch, 12)};
    for (size_t i = 0; i < count; i++)
        if (epochs[i].best)
            chart.best = &epochs[i];
    VGG_PASS(vgg_picture_open(&chart.picture, path, WIDTH, HEIGHT, 2));
    draw_title(&chart, title);
    vgg_axis axes[PANEL_COUNT];
    for (size_t i = 0; i < PANEL_COUNT; i++) {
        axes[i] = vertical_axis(&chart, &panels[i]);
        draw_frame(&chart, &panels[i], &axes[i]);
    }
    draw_best(&chart);
    for (size_t i = 0; i < PANEL_COUNT; i++) {
        for (size_t c = 0; c < panels[i].curve_count; c++)
            draw_curve(&chart, &panels[i], &axes[i], &panels[i].curves[c]);
        label_curves(&chart, &panels[i], &axes[i]);
    }
    draw_epochs(&chart);
    return vgg_picture_write(&chart.picture);
}

#else

clvgg_status vgg_curves_write(const char *path, const char *title,
                              const clvgg_finetune_epoch *epochs, size_t count)
{
    (void)title, (void)epochs, (void)count;
    return vgg_picture_check(path);
}

#endif

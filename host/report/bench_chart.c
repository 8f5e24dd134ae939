/* report/bench_chart.c — see bench_chart.h. */
#include "report/bench_chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/format.h"

enum { SLOPE_PARTS = 24 };

/* The usual size of a plot, and of its text, in pixels. */
static const double plot_width = 390, plot_height = 320, letter_width = 6.6, line_height = 13,
                    above = 18; /* what a plot has above it for the label of a roof */

bool vgg_chart_has(double value)
{
    return value >= VGG_CHART_LEAST && value <= VGG_CHART_GREATEST;
}

void vgg_chart_widen(vgg_chart_range *range, double value)
{
    if (!vgg_chart_has(value))
        return;
    range->least = range->least > 0 ? fmin(range->least, value) : value;
    range->greatest = fmax(range->greatest, value);
}

vgg_axis vgg_chart_axis(const vgg_chart_range *range)
{
    double least = range->least > 0 ? range->least : 1;
    double greatest = range->greatest > 0 ? range->greatest : 1;
    const double wider = sqrt(fmax(1, 10 * least / greatest));
    return vgg_axis_logarithmic(least / wider, greatest * wider, 6);
}

/* Places in per cent of the plot, from its left and top. */
static double across(const vgg_chart *chart, double x)
{
    return 100 * vgg_axis_place(&chart->x, x);
}

static double down(const vgg_chart *chart, double y)
{
    return 100 * (1 - vgg_axis_place(&chart->y, y));
}

/* ---- what labels must not cover ---- */

static void keep_clear(vgg_chart *chart, vgg_chart_box box)
{
    if (chart->box_count < VGG_CHART_BOXES)
        chart->boxes[chart->box_count++] = box;
}

static double text_width(const char *words)
{
    return letter_width * (double)vgg_text_columns(words, strlen(words));
}

/* Says whether a label that is there will do for another with the same words. */
static bool says_it_too(const vgg_chart_box *label, const vgg_chart_box *box, const char *words)
{
    return strncmp(label->words, words, sizeof label->words - 1) == 0 &&
           fabs(label->left - box->left) < 90 && fabs(label->top - box->top) < 50;
}

/* Takes the place of a text that begins at (left, middle), unless something is there already. */
static bool take_place(vgg_chart *chart, double left, double middle, const char *words)
{
    vgg_chart_box box = {left, left + text_width(words), middle - line_height / 2,
                         middle + line_height / 2, ""};
    if (box.left < 0 || box.right > plot_width || box.top < -above || box.bottom > plot_height ||
        chart->box_count == VGG_CHART_BOXES)
        return false;
    for (size_t i = 0; i < chart->box_count; i++) {
        const vgg_chart_box *other = &chart->boxes[i];
        if ((box.left < other->right && box.right > other->left && box.top < other->bottom &&
             box.bottom > other->top) ||
            says_it_too(other, &box, words))
            return false;
    }
    snprintf(box.words, sizeof box.words, "%s", words);
    keep_clear(chart, box);
    return true;
}

/* A text at a place in per cent, and dx, dy pixels from there to its beginning and middle. */
static bool put_label(vgg_chart *chart, double x, double y, double dx, double dy,
                      const char *attributes, const char *words)
{
    if (!take_place(chart, x / 100 * plot_width + dx, y / 100 * plot_height + dy, words))
        return false;
    vgg_text_printf(chart->html, "<text x=\"%.2f%%\" y=\"%.2f%%\" dx=\"%.0f\" dy=\"%.0f\" %s>", x,
                    y, dx, dy + 4, attributes);
    vgg_text_html(chart->html, words);
    vgg_text_puts(chart->html, "</text>\n");
    return true;
}

/* ---- the chart ---- */

static void put_line(vgg_text *html, const char *kind, double x1, double y1, double x2, double y2)
{
    vgg_text_printf(
        html, "<line class=\"%s\" x1=\"%.2f%%\" y1=\"%.2f%%\" x2=\"%.2f%%\" y2=\"%.2f%%\"/>\n",
        kind, x1, y1, x2, y2);
}

static const char *tick_words(double tick, char words[VGG_NUMBER_WORDS])
{
    if (tick < 1e6 && tick > 1e-4)
        return vgg_number_words(tick, 3, words);
    snprintf(words, VGG_NUMBER_WORDS, "%.3g", tick);
    return words;
}
#define TICK(tick) tick_words(tick, (char[VGG_NUMBER_WORDS]){0})

void vgg_chart_begin(vgg_chart *chart, const char *label, const char *x_name, const char *y_name)
{
    vgg_text *html = chart->html;
    vgg_text_puts(html, "<div class=\"plot\"><svg role=\"img\" aria-label=\"");
    vgg_text_html(html, label);
    vgg_text_puts(html, "\">\n");
    for (size_t i = 0; i < chart->x.tick_count; i++) {
        const double at = across(chart, chart->x.ticks[i]);
        put_line(html, "grid", at, 0, at, 100);
        vgg_text_printf(html,
                        "<text class=\"tick x\" x=\"%.2f%%\" y=\"100%%\" dy=\"18\">%s</text>\n", at,
                        TICK(chart->x.ticks[i]));
    }
    for (size_t i = 0; i < chart->y.tick_count; i++) {
        const double at = down(chart, chart->y.ticks[i]);
        put_line(html, "grid", 0, at, 100, at);
        vgg_text_printf(
            html, "<text class=\"tick y\" x=\"0\" y=\"%.2f%%\" dx=\"-8\" dy=\"4\">%s</text>\n", at,
            TICK(chart->y.ticks[i]));
    }
    vgg_html_element(html, "text", "class=\"axis x\" x=\"100%\" y=\"100%\" dy=\"38\"", x_name);
    vgg_html_element(html, "text", "class=\"axis y\" x=\"0\" y=\"0\" dx=\"-48\" dy=\"-10\"",
                     y_name);
}

static const char roof_label[] = "class=\"roof-label\"";

static const char *roof(bool dashed)
{
    return dashed ? "roof dashed" : "roof";
}

void vgg_chart_slope(vgg_chart *chart, double slope, double top, bool dashed, const char *words)
{
    const double x1 = fmax(chart->x.low, chart->y.low / slope);
    const double x2 = fmin(chart->x.high, top / slope);
    if (!(x1 < x2))
        return;
    const double left = across(chart, x1), lower = down(chart, slope * x1);
    const double right = across(chart, x2), upper = down(chart, slope * x2);
    put_line(chart->html, roof(dashed), left, lower, right, upper);
    const double wide = (right - left) / 100 * plot_width / SLOPE_PARTS;
    const double high = (lower - upper) / 100 * plot_height / SLOPE_PARTS;
    for (int i = 0; i < SLOPE_PARTS; i++) {
        const double x = left / 100 * plot_width + i * wide;
        const double y = lower / 100 * plot_height - i * high;
        keep_clear(chart, (vgg_chart_box){x, x + wide, y - high, y, ""});
    }
    /* Over its upper end where the line is the upper one, a dashed one; else below the line, from
     * its lower end on, where there is room. */
    if (dashed && put_label(chart, right, upper, -text_width(words) / 2, -13, roof_label, words))
        return;
    for (double along = 0.12; along < 1; along += 0.12)
        if (put_label(chart, left + along * (right - left), lower + along * (upper - lower), 8, 10,
                      roof_label, words))
            return;
}

void vgg_chart_flat(vgg_chart *chart, double flat, double from, bool dashed, const char *words)
{
    const double left = across(chart, fmin(fmax(from, chart->x.low), chart->x.high));
    const double at = down(chart, flat);
    const double width = text_width(words) + 4, middle = at / 100 * plot_height;
    put_line(chart->html, roof(dashed), left, at, 100, at);
    keep_clear(chart,
               (vgg_chart_box){left / 100 * plot_width, plot_width, middle - 2, middle + 2, ""});
    if (!put_label(chart, 100, at, -width, -13, roof_label, words))
        put_label(chart, 100, at, -width, 13, roof_label, words);
}

void vgg_chart_reserve(vgg_chart *chart, double x, double y)
{
    const double at = across(chart, x) / 100 * plot_width;
    const double middle = down(chart, y) / 100 * plot_height;
    if (chart->box_count < VGG_CHART_POINTS)
        keep_clear(chart, (vgg_chart_box){at - 6, at + 6, middle - 6, middle + 6, ""});
}

void vgg_chart_point(vgg_chart *chart, double x, double y, const char *attributes, const char *mark)
{
    vgg_text_printf(chart->html, "<svg x=\"%.2f%%\" y=\"%.2f%%\" %s>%s", across(chart, x),
                    down(chart, y), attributes, mark);
}

void vgg_chart_label(vgg_chart *chart, double x, double y, const char *attributes,
                     const char *words)
{
    const double width = text_width(words);
    const double places[][2] = {{9, 0},           {-width - 9, 0}, {-width / 2, -14},
                                {-width / 2, 14}, {8, -11},        {8, 11}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (put_label(chart, across(chart, x), down(chart, y), places[i][0], places[i][1],
                      attributes, words))
            return;
}

void vgg_chart_end(vgg_chart *chart)
{
    vgg_text_puts(chart->html, "</svg></div>\n");
}

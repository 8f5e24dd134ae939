/* report/bench_chart.h — a roofline chart: two logarithmic axes, roofs, points, as inline SVG.
 *
 * Places are shares of the plot's width and height, so that it has any size while text keeps its
 * own; what a label would cover is judged at a usual size, and on narrower plots the style leaves
 * labels of points out.
 */
#ifndef VGG_REPORT_BENCH_CHART_H
#define VGG_REPORT_BENCH_CHART_H

#include "report/axis.h"
#include "report/html.h"

/* Values that can be drawn. */
#define VGG_CHART_LEAST 1e-9
#define VGG_CHART_GREATEST 1e15

typedef struct vgg_chart_box {
    double left, right, top, bottom; /* pixels of a plot of the usual size */
    char words[25];                  /* of a label; "": none */
} vgg_chart_box;

/* Places that are kept clear: of the first points, then of roofs and labels. */
enum { VGG_CHART_POINTS = 300, VGG_CHART_BOXES = 512 };

typedef struct vgg_chart {
    vgg_text *html;
    vgg_axis x, y;
    vgg_chart_box boxes[VGG_CHART_BOXES]; /* of points and labels: no label covers them */
    size_t box_count;
} vgg_chart;

typedef struct vgg_chart_range {
    double least, greatest;
} vgg_chart_range;

/* Says whether a value can be drawn. */
bool vgg_chart_has(double value);
/* Widens a range, zeroed at first, to hold a value that can be drawn; others change nothing. */
void vgg_chart_widen(vgg_chart_range *range, double value);
/* An axis of a decade or more around the range. */
vgg_axis vgg_chart_axis(const vgg_chart_range *range);

/* Appends from <svg> on: grid, ticks, names of the axes. `label` says what is in the chart. */
void vgg_chart_begin(vgg_chart *chart, const char *label, const char *x_name, const char *y_name);
/* y = slope · x from the left edge up to y = top, and y = flat from x = from to the right edge. */
void vgg_chart_slope(vgg_chart *chart, double slope, double top, bool dashed, const char *words);
void vgg_chart_flat(vgg_chart *chart, double flat, double from, bool dashed, const char *words);
/* Keeps labels off the place of a point. */
void vgg_chart_reserve(vgg_chart *chart, double x, double y);
/* A point up to its <title>, what hovering says; `mark` is markup about 0, 0. Ends with </svg>. */
void vgg_chart_point(vgg_chart *chart, double x, double y, const char *attributes,
                     const char *mark);
/* Text beside a point, where there is room. */
void vgg_chart_label(vgg_chart *chart, double x, double y, const char *attributes,
                     const char *words);
void vgg_chart_end(vgg_chart *chart);

#endif

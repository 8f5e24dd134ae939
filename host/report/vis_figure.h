/* report/vis_figure.h — the figures of `clvgg visualize`: grids, pairs of grids, heat maps, lines.
 *
 * All draw into a .png (2 pixels a point), .svg or .pdf, which appears whole or not at all. Pixels
 * of small pictures are enlarged as squares, by a whole number where that fits, so that nothing
 * blurs; photographs larger than their place are reduced smoothly. Text is any bytes; what is too
 * wide loses its middle. Lengths are points. Texts may be NULL where there is nothing to say.
 *
 * Errors of all: INVALID_ARGUMENT (the name), UNSUPPORTED (built without Cairo; see
 * vgg_picture_check(), to be asked before work begins), IO (the file and why), NOT_FOUND (no such
 * folder), OUT_OF_MEMORY.
 */
#ifndef VGG_REPORT_VIS_FIGURE_H
#define VGG_REPORT_VIS_FIGURE_H

#include <stdbool.h>

#include "report/picture.h"
#include "report/vis_pixels.h"

typedef struct vgg_cell {
    vgg_pixels pixels;
    const char *caption; /* below; NULL: none, in all cells or in none */
} vgg_cell;

typedef struct vgg_grid {
    const char *title, *subtitle; /* title bold above, subtitle grey below it */
    const vgg_cell *cells;
    size_t count;
    int columns; /* 0: chosen so that the page is about 4:3 */
    int side;    /* of a cell; 0: chosen by the number of cells, 24 … 160 */
} vgg_grid;

/* Cells in rows. Pictures of one grid may differ in size: each is centred in its square. */
clvgg_status vgg_figure_grid(const char *path, const vgg_grid *grid);

/* A map of Zeiler & Fergus' figure 2: at most nine projections and as many patches. */
enum { VGG_FIGURE_NINE = 9 };
typedef struct vgg_nine {
    const char *caption;                     /* "map 17"; below the 3 × 3 in both panels */
    const vgg_pixels *projections, *patches; /* [count]; the strongest first */
    size_t count;                            /* 0 … 9; the other places stay empty */
} vgg_nine;

typedef struct vgg_nines {
    const char *title, *subtitle;
    const char *left_title, *right_title; /* "projections", "patches" */
    const vgg_nine *maps;
    size_t count;
    int columns; /* of 3 × 3 groups in a panel; 0: chosen, four for 16 */
    int side;    /* of one picture; 0: chosen by their size */
} vgg_nines;

/* Two panels with the same groups in the same places: projections left, patches right. */
clvgg_status vgg_figure_nines(const char *path, const vgg_nines *nines);

/* One panel of a row: a photograph, values as colours, or values over a photograph. */
typedef struct vgg_panel {
    const char *title;
    vgg_pixels photograph; /* rgb NULL: none */
    const float *values;   /* [rows][columns], stretched over the panel; NULL: none */
    int rows, columns;
    vgg_colours colours;
    double low, high; /* of the colours; low < high, else taken from the values: for
                         DIVERGING symmetric about 0 */
    double opacity;   /* of values over a photograph; 0: 0.55 */
    bool smooth;      /* between values instead of squares */
    const char *unit; /* beside the colour bar: "probability of cat" */
    const char *const
        *labels;        /* [label_count], with VGG_COLOURS_CLASSES: a legend instead of a bar */
    size_t label_count; /* labels[i] names value i; those that don't occur aren't shown */
    const int64_t *box; /* {x0, y0, x1, y1} in pixels of the photograph, outlined; NULL: none */
} vgg_panel;

typedef struct vgg_panels {
    const char *title, *subtitle;
    const vgg_panel *panels;
    size_t count;
    int columns; /* 0: up to four */
    int side;    /* longer side of a panel; 0: 280 */
} vgg_panels;

/* Panels side by side, each with its colour bar (or legend) below. */
clvgg_status vgg_figure_panels(const char *path, const vgg_panels *panels);

typedef struct vgg_line {
    const char *name;    /* at its right end */
    const double *x, *y; /* [count], x ascending; those that aren't finite interrupt the line */
    size_t count;
} vgg_line;

typedef struct vgg_chart {
    const char *title, *x_label, *y_label;
    const vgg_line *lines;
    size_t line_count; /* up to eight are told apart by colour */
    double low, high;  /* of the y axis; low < high, else taken from the lines */
} vgg_chart;

typedef struct vgg_charts {
    const char *title, *subtitle;
    const vgg_chart *charts;
    size_t count;
    int columns; /* 0: up to three */
} vgg_charts;

/* Line charts in rows, as Zeiler & Fergus' figure 5. */
clvgg_status vgg_figure_charts(const char *path, const vgg_charts *charts);

#endif

/* report/panel.c — see panel.h. */
#include "report/panel.h"

#include <math.h>

void vgg_panel_range(const vgg_panel *panel, double *low, double *high)
{
    double least = INFINITY, greatest = -INFINITY;
    *low = panel->low;
    *high = panel->high;
    if (*low < *high || panel->values == NULL)
        return;
    for (size_t i = 0; i < (size_t)panel->rows * (size_t)panel->columns; i++)
        if (isfinite(panel->values[i])) {
            least = fmin(least, (double)panel->values[i]);
            greatest = fmax(greatest, (double)panel->values[i]);
        }
    if (least > greatest) /* nothing finite */
        least = greatest = 0;
    if (panel->colours == VGG_COLOURS_DIVERGING) {
        greatest = fmax(fabs(least), fabs(greatest));
        least = -greatest;
    }
    if (least == greatest) {
        least = fmin(least, 0);
        greatest = greatest > least ? greatest : least + 1;
    }
    *low = least;
    *high = greatest;
}

double vgg_panel_value(const vgg_panel *panel, double y, double x)
{
    const int rows = panel->rows, columns = panel->columns;
    if (!panel->smooth || panel->colours == VGG_COLOURS_CLASSES)
        return (double)panel->values[(int)y * columns + (int)x];
    const double row = fmin(fmax(y - 0.5, 0), rows - 1),
                 column = fmin(fmax(x - 0.5, 0), columns - 1);
    const int y0 = (int)row, x0 = (int)column;
    const int y1 = y0 + 1 < rows ? y0 + 1 : y0, x1 = x0 + 1 < columns ? x0 + 1 : x0;
    const double v = row - y0, u = column - x0;
    return (1 - v) * ((1 - u) * (double)panel->values[y0 * columns + x0] +
                      u * (double)panel->values[y0 * columns + x1]) +
           v * ((1 - u) * (double)panel->values[y1 * columns + x0] +
                u * (double)panel->values[y1 * columns + x1]);
}

bool vgg_panel_has_label(const vgg_panel *panel, size_t label)
{
    for (size_t i = 0; i < (size_t)panel->rows * (size_t)panel->columns; i++)
        if (panel->values[i] == (float)label)
            return true;
    return false;
}

double vgg_panel_opacity(const vgg_panel *panel)
{
    return panel->photograph.rgb == NULL ? 1 : panel->opacity > 0 ? panel->opacity : 0.55;
}

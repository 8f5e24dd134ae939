/* report/panel.h — what a panel of vis_figure.h shows, for those who draw it. */
#ifndef VGG_REPORT_PANEL_H
#define VGG_REPORT_PANEL_H

#include "report/vis_figure.h"

/* The values at the ends of the panel's colours; low < high. */
void vgg_panel_range(const vgg_panel *panel, double *low, double *high);
/* The value at a place, row 0 … rows and column 0 … columns: of the square it lies in, or between
 * the nearest four. */
double vgg_panel_value(const vgg_panel *panel, double y, double x);
/* Says whether a value is this label's. */
bool vgg_panel_has_label(const vgg_panel *panel, size_t label);
/* Opacity of a panel's values over its photograph. */
double vgg_panel_opacity(const vgg_panel *panel);

#endif

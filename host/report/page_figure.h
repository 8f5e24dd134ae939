/* report/page_figure.h — a figure of vis_figure.h for the page: its pictures side by side in one
 * PNG without a word, and what is to be read beside them as JSON, so that text is the page's own,
 * at any width and in any theme.
 *
 * The JSON is an object: "title", "note", "kind" ("grid" or "panels"), "columns" and "rows" of the
 * sheet, "width" and "height" of one picture in it, "gutter" around each, and "cells" in the order
 * of the pictures, with "title" and, for panels, "bar" {"low", "high", "unit", "colours":
 * ["#rrggbb", …]} or "legend" [{"name", "colour"}, …].
 *
 * Errors: IO, NOT_FOUND (no such folder), OUT_OF_MEMORY.
 */
#ifndef VGG_REPORT_PAGE_FIGURE_H
#define VGG_REPORT_PAGE_FIGURE_H

#include "base/text.h"
#include "report/vis_figure.h"

/* Writes the PNG `sheet` and appends the object to `json`. */
clvgg_status vgg_page_grid(clvgg_runtime *runtime, const char *sheet, const vgg_grid *grid,
                           vgg_text *json);
clvgg_status vgg_page_panels(clvgg_runtime *runtime, const char *sheet, const vgg_panels *panels,
                             vgg_text *json);

#endif

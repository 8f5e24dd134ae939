/* report/table.h — a table for people: cells are collected, then printed in aligned columns. */
#ifndef VGG_REPORT_TABLE_H
#define VGG_REPORT_TABLE_H

#include "base/text.h"
#include "report/style.h"

typedef struct vgg_column {
    const char *title;
    bool right; /* numbers stand flush right */
} vgg_column;

typedef struct vgg_table {
    const vgg_column *columns;
    size_t column_count;
    vgg_text cells; /* row-major, each NUL-terminated */
    size_t cell_count;
} vgg_table;

/* The text that the next cell is written into; vgg_table_next() ends the cell. */
vgg_text *vgg_table_cell(vgg_table *table);
void vgg_table_next(vgg_table *table);
/* Write the next cell at once: a name, escaped; a measurement, where it is known, and its unit. */
void vgg_table_put(vgg_table *table, const char *string);
void vgg_table_measure(vgg_table *table, double value, int digits, const char *unit);
/* Prints every complete row below the titles and frees the table. */
void vgg_table_finish(vgg_table *table, const vgg_style *style, vgg_text *text);
/* The same as a table of Markdown (GitHub's). */
void vgg_table_finish_markdown(vgg_table *table, vgg_text *text);

#endif

/* report/table.c — column widths and alignment. */
#include "report/table.h"

#include <string.h>

#include "report/format.h"

enum { MAX_COLUMNS = 16 };

vgg_text *vgg_table_cell(vgg_table *table)
{
    return &table->cells;
}

void vgg_table_next(vgg_table *table)
{
    vgg_text_append(&table->cells, "", 1);
    table->cell_count++;
}

void vgg_table_put(vgg_table *table, const char *string)
{
    vgg_text_terminal(&table->cells, string);
    vgg_table_next(table);
}

void vgg_table_measure(vgg_table *table, double value, int digits, const char *unit)
{
    vgg_text_printf(&table->cells, "%s%s", VGG_MEASURE(value, digits), value > 0 ? unit : "");
    vgg_table_next(table);
}

static size_t width_of(const char *cell)
{
    return vgg_text_columns(cell, strlen(cell));
}

/* Writes one cell, padded to its column; nothing is padded at the end of a line. */
static void print_cell(vgg_text *text, const char *cell, size_t width, bool right, bool last)
{
    int padding = (int)(width - width_of(cell));
    if (right)
        vgg_text_printf(text, "%*s", padding, "");
    vgg_text_puts(text, cell);
    if (!right && !last)
        vgg_text_printf(text, "%*s", padding, "");
    vgg_text_puts(text, last ? "" : "  ");
}

static void end_table(vgg_table *table, vgg_text *text)
{
    text->failed |= table->cells.failed;
    vgg_text_free(&table->cells);
    table->cell_count = 0;
}

/* Empty cells leave no spaces at the end of a line. */
static void end_row(vgg_text *text)
{
    while (text->length > 0 && text->bytes[text->length - 1] == ' ')
        text->length--;
    vgg_text_puts(text, "\n");
}

void vgg_table_finish(vgg_table *table, const vgg_style *style, vgg_text *text)
{
    size_t widths[MAX_COLUMNS] = {0}, columns = table->column_count;
    for (size_t c = 0; c < columns; c++)
        widths[c] = width_of(table->columns[c].title);
    const char *cell = table->cells.bytes;
    for (size_t i = 0; i < table->cell_count && !table->cells.failed; i++) {
        size_t width = width_of(cell);
        if (width > widths[i % columns])
            widths[i % columns] = width;
        cell += strlen(cell) + 1;
    }
    vgg_text_puts(text, vgg_style_bold(style));
    for (size_t c = 0; c < columns; c++)
        print_cell(text, table->columns[c].title, widths[c], table->columns[c].right,
                   c + 1 == columns);
    vgg_text_printf(text, "%s\n", vgg_style_reset(style));
    cell = table->cells.bytes;
    for (size_t i = 0; i < table->cell_count && !table->cells.failed; i++) {
        size_t c = i % columns;
        print_cell(text, cell, widths[c], table->columns[c].right, c + 1 == columns);
        if (c + 1 == columns)
            end_row(text);
        cell += strlen(cell) + 1;
    }
    end_table(table, text);
}

static void put_markdown_cell(vgg_text *text, const char *cell)
{
    vgg_text_puts(text, "| ");
    vgg_text_markdown(text, cell);
    vgg_text_puts(text, " ");
}

void vgg_table_finish_markdown(vgg_table *table, vgg_text *text)
{
    const size_t columns = table->column_count;
    for (size_t c = 0; c < columns; c++)
        put_markdown_cell(text, table->columns[c].title);
    vgg_text_puts(text, "|\n");
    for (size_t c = 0; c < columns; c++)
        vgg_text_puts(text, table->columns[c].right ? "|---:" : "|---");
    vgg_text_puts(text, "|\n");
    const char *cell = table->cells.bytes;
    for (size_t i = 0; i < table->cell_count && !table->cells.failed; i++) {
        put_markdown_cell(text, cell);
        if (i % columns + 1 == columns)
            vgg_text_puts(text, "|\n");
        cell += strlen(cell) + 1;
    }
    end_table(table, text);
}

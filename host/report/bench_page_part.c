/* report/bench_page_part.c — marks, cells and the frames of tables and sections. */
#include "report/bench_page_part.h"

#include <math.h>
#include <stdio.h>

unsigned vgg_bench_colour(size_t run)
{
    return (unsigned)(run % VGG_BENCH_COLOURS);
}

unsigned vgg_bench_shape(size_t run)
{
    return (unsigned)((run + run / VGG_BENCH_COLOURS) % VGG_BENCH_COLOURS);
}

void vgg_bench_put_mark(vgg_text *html, size_t run)
{
    vgg_text_printf(html,
                    "<svg class=\"mark c%u\" viewBox=\"-7 -7 14 14\" aria-hidden=\"true\">"
                    "<use href=\"#mark%u\"/></svg><b class=\"key\">%s</b>",
                    vgg_bench_colour(run), vgg_bench_shape(run), VGG_BENCH_KEY(run));
}

void vgg_bench_put_number(vgg_text *html, double value, int digits)
{
    if (isnan(value))
        vgg_text_puts(html, "\xE2\x80\x93");
    else if (value >= 1e9 || (value > 0 && value < 1e-6))
        vgg_text_printf(html, "%.3g", value);
    else if (digits == 0)
        vgg_text_puts(html, VGG_COUNT((uint64_t)(value > 0 ? value + 0.5 : 0)));
    else
        vgg_text_puts(html, value > 0 ? VGG_MEASURE(value, digits) : "0");
}

void vgg_bench_put_cell(vgg_text *html, const char *attributes, double value, int digits)
{
    vgg_text_printf(html, "<td class=\"n\"%s>", attributes);
    vgg_bench_put_number(html, value, digits);
    vgg_text_puts(html, "</td>");
}

void vgg_bench_begin_table(vgg_text *html, const char *label, bool folded)
{
    if (folded)
        vgg_text_puts(html, "<details><summary>As a table</summary>\n");
    vgg_text_puts(html, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
    vgg_text_html(html, label);
    vgg_text_puts(html, "\"><table>\n");
}

void vgg_bench_end_table(vgg_text *html, bool folded)
{
    vgg_text_printf(html, "</table></div>%s\n", folded ? "</details>" : "");
}

void vgg_bench_begin_section(vgg_text *html, const char *id, const char *title, const char *note)
{
    vgg_text_printf(html,
                    "<section id=\"%s\" aria-labelledby=\"%s-title\">\n<div class=\"head\"><div>"
                    "<h2 id=\"%s-title\">%s</h2><p class=\"faint\">%s</p></div></div>\n",
                    id, id, id, title, note);
}

void vgg_bench_begin_batch(vgg_text *html, int batch)
{
    vgg_text_printf(html, "<div class=\"batch\" data-batch=\"%d\"><h3>Batch %d</h3>\n", batch,
                    batch);
}

/* report/bench_page_layers.c — layers of all runs beside each other: their times as bars, and what
 * runs them, as it was tuned. */
#include <math.h>

#include "report/bench_page_part.h"

static const vgg_bench_file_layer *layer_of(const vgg_bench_page *page, size_t run, int batch,
                                            size_t layer)
{
    const vgg_bench_file_result *result = vgg_bench_file_result_of(&page->runs[run], batch);
    return result != NULL ? vgg_bench_file_layer_of(result, page->layers[layer]) : NULL;
}

/* Says whether a run has layers in that batch; wrong results have none. */
static bool has_layers(const vgg_bench_page *page, size_t run, int batch)
{
    const vgg_bench_file_result *result = vgg_bench_file_result_of(&page->runs[run], batch);
    return result != NULL && result->layer_count > 0;
}

static bool is_in_batch(const vgg_bench_page *page, int batch, size_t layer)
{
    for (size_t i = 0; i < page->run_count; i++)
        if (layer_of(page, i, batch, layer) != NULL)
            return true;
    return false;
}

static bool any_layers(const vgg_bench_page *page, int batch)
{
    for (size_t i = 0; i < page->run_count; i++)
        if (has_layers(page, i, batch))
            return true;
    return false;
}

/* ---- a table of layers × runs ---- */

static void put_time(const vgg_bench_page *page, size_t run, const vgg_bench_file_layer *layer)
{
    vgg_text_printf(page->html, "<td class=\"n\" data-run=\"%zu\">", run);
    vgg_bench_put_number(page->html, layer != NULL ? layer->ms : (double)NAN, 3);
    vgg_text_puts(page->html, "</td>");
}

static void put_kernel(const vgg_bench_page *page, size_t run, const vgg_bench_file_layer *layer)
{
    vgg_text *html = page->html;
    vgg_text_printf(html, "<td data-run=\"%zu\">", run);
    if (layer == NULL) {
        vgg_text_puts(html, "\xE2\x80\x93</td>");
        return;
    }
    vgg_html_element(html, "code", "", layer->variant);
    if (layer->tuned)
        vgg_text_puts(html, " <span class=\"tuned\">tuned</span>");
    if (layer->choice != NULL && layer->choice[0] != '\0')
        vgg_html_element(html, "span", "class=\"choice\"", layer->choice);
    vgg_text_puts(html, "</td>");
}

static void put_table(const vgg_bench_page *page, int batch, const char *label, bool folded,
                      void (*put_cell)(const vgg_bench_page *, size_t,
                                       const vgg_bench_file_layer *),
                      const char *attributes)
{
    vgg_text *html = page->html;
    vgg_bench_begin_table(html, label, folded);
    vgg_text_puts(html, "<thead><tr><th scope=\"col\">layer</th>");
    for (size_t i = 0; i < page->run_count; i++) {
        if (!has_layers(page, i, batch))
            continue;
        vgg_text_printf(html, "<th scope=\"col\" %s data-run=\"%zu\"><span class=\"run\" title=\"",
                        attributes, i);
        vgg_text_html(html, vgg_text_string(&page->labels[i]));
        vgg_text_puts(html, "\">");
        vgg_bench_put_mark(html, i);
        vgg_text_puts(html, "</span></th>");
    }
    vgg_text_puts(html, "</tr></thead>\n<tbody>\n");
    for (size_t l = 0; l < page->layer_count; l++) {
        if (!is_in_batch(page, batch, l))
            continue;
        vgg_text_puts(html, "<tr>");
        vgg_html_element(html, "th", "scope=\"row\"", page->layers[l]);
        for (size_t i = 0; i < page->run_count; i++)
            if (has_layers(page, i, batch))
                put_cell(page, i, layer_of(page, i, batch, l));
        vgg_text_puts(html, "</tr>\n");
    }
    vgg_text_puts(html, "</tbody>");
    vgg_bench_end_table(html, folded);
}

/* ---- bars ---- */

static double greatest(const vgg_bench_page *page, int batch)
{
    double most = 0;
    for (size_t i = 0; i < page->run_count; i++) {
        const vgg_bench_file_result *result = vgg_bench_file_result_of(&page->runs[i], batch);
        for (size_t j = 0; result != NULL && j < result->layer_count; j++)
            most = fmax(most, result->layers[j].ms);
    }
    return most;
}

static void put_bar(const vgg_bench_page *page, size_t run, const vgg_bench_file_layer *layer,
                    double most)
{
    vgg_text *html = page->html;
    vgg_text_printf(html, "<li data-run=\"%zu\"><b class=\"key\">%s</b>", run, VGG_BENCH_KEY(run));
    if (layer->ms > 0)
        vgg_text_printf(html,
                        "<span class=\"track\"><span class=\"fill c%u%s\" style=\"width:%.2f%%\">"
                        "</span></span>",
                        vgg_bench_colour(run), run >= VGG_BENCH_COLOURS ? " hatched" : "",
                        100 * (layer->ms / most));
    else
        vgg_text_puts(html, "<span class=\"track\"></span>");
    vgg_text_puts(html, "<span class=\"value\">");
    vgg_bench_put_number(html, layer->ms, 3);
    vgg_text_puts(html, "</span></li>\n");
}

static void put_bars(const vgg_bench_page *page, int batch)
{
    vgg_text *html = page->html;
    const double most = greatest(page, batch);
    vgg_text_puts(html, "<figure class=\"figure\"><div class=\"layer-bars\">\n");
    for (size_t l = 0; l < page->layer_count; l++) {
        if (!is_in_batch(page, batch, l))
            continue;
        vgg_text_puts(html, "<div>");
        vgg_html_element(html, "h4", "", page->layers[l]);
        vgg_text_puts(html, "<ul class=\"bars thin\">\n");
        for (size_t i = 0; i < page->run_count; i++) {
            const vgg_bench_file_layer *layer = layer_of(page, i, batch, l);
            if (layer != NULL)
                put_bar(page, i, layer, most);
        }
        vgg_text_puts(html, "</ul></div>\n");
    }
    vgg_text_puts(html, "</div>\n");
    put_table(page, batch, "Milliseconds of layers", true, put_time, "class=\"n\"");
    vgg_text_puts(html, "</figure>\n");
}

static void put_kernels(const vgg_bench_page *page, int batch)
{
    vgg_text_puts(page->html, "<div class=\"figure\">");
    put_table(page, batch, "Kernels of layers", false, put_kernel, "");
    vgg_text_puts(page->html, "</div>\n");
}

/* What `put` writes for every batch that has layers; ends the section. */
static clvgg_status put_batches(const vgg_bench_page *page,
                                void (*put)(const vgg_bench_page *, int batch))
{
    for (size_t b = 0; b < page->batch_count; b++) {
        if (!any_layers(page, page->batches[b]))
            continue;
        vgg_bench_begin_batch(page->html, page->batches[b]);
        put(page, page->batches[b]);
        vgg_text_puts(page->html, "</div>\n");
        VGG_PASS(vgg_bench_page_fits(page));
    }
    vgg_text_puts(page->html, "</section>\n");
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_bench_page_layers(const vgg_bench_page *page)
{
    vgg_bench_begin_section(page->html, "layers", "Layers",
                            page->layer_count > 0
                                ? "Milliseconds of each layer on its device, medians, with one "
                                  "scale for all."
                                : "No result has layers: clvgg bench --per-layer times them.");
    return put_batches(page, put_bars);
}

clvgg_status vgg_bench_page_kernels(const vgg_bench_page *page)
{
    vgg_bench_begin_section(page->html, "kernels", "Kernels",
                            "What runs each layer: the variant, whether clvgg tune chose it here, "
                            "and the parameters.");
    return put_batches(page, put_kernels);
}

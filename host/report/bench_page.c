/* report/bench_page.c — the page's frame: what its runs have, its head, and the sections in order.
 */
#include "report/bench_page.h"

#include <stdio.h>
#include <string.h>

#include "report/bench_page_part.h"
#include "report/memory.h"
#include "report/page.h"

/* ---- what the runs have ---- */

static clvgg_status add_batch(vgg_bench_page *page, int batch)
{
    size_t at = 0;
    while (at < page->batch_count && page->batches[at] < batch)
        at++;
    if (at < page->batch_count && page->batches[at] == batch)
        return CLVGG_STATUS_OK;
    VGG_CHECK(page->batch_count < VGG_BENCH_PAGE_BATCHES, CLVGG_STATUS_UNSUPPORTED,
              "the results have more than %d different batches", VGG_BENCH_PAGE_BATCHES);
    memmove(page->batches + at + 1, page->batches + at,
            (page->batch_count++ - at) * sizeof *page->batches);
    page->batches[at] = batch;
    return CLVGG_STATUS_OK;
}

static clvgg_status add_layer(vgg_bench_page *page, const char *name)
{
    for (size_t i = 0; i < page->layer_count; i++)
        if (strcmp(page->layers[i], name) == 0)
            return CLVGG_STATUS_OK;
    VGG_CHECK(page->layer_count < VGG_BENCH_PAGE_LAYERS, CLVGG_STATUS_UNSUPPORTED,
              "the results have more than %d different layers", VGG_BENCH_PAGE_LAYERS);
    page->layers[page->layer_count++] = name;
    return CLVGG_STATUS_OK;
}

static bool is_same_device(const vgg_bench_file *a, const vgg_bench_file *b)
{
    return vgg_bench_same_text(a->device, b->device) &&
           vgg_bench_same_text(a->platform, b->platform) &&
           vgg_bench_same_text(a->driver_version, b->driver_version) &&
           vgg_bench_same_text(a->cpu, b->cpu);
}

static clvgg_status collect(vgg_bench_page *page)
{
    VGG_CHECK(page->run_count <= VGG_BENCH_PAGE_RESULTS, CLVGG_STATUS_UNSUPPORTED,
              "%zu results: a page holds at most %d", page->run_count, VGG_BENCH_PAGE_RESULTS);
    VGG_MEMORY_NEW_PASS(page->devices, page->run_count, "the devices of results");
    for (size_t i = 0; i < page->run_count; i++) {
        while (!is_same_device(&page->runs[page->devices[i]], &page->runs[i]))
            page->devices[i]++;
        for (size_t j = 0; j < page->runs[i].result_count; j++) {
            const vgg_bench_file_result *result = &page->runs[i].results[j];
            VGG_PASS(add_batch(page, result->batch));
            for (size_t k = 0; k < result->layer_count; k++)
                VGG_PASS(add_layer(page, result->layers[k].name));
        }
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_bench_page_fits(const vgg_bench_page *page)
{
    VGG_CHECK(page->html->length <= (size_t)VGG_BENCH_PAGE_MEGABYTES * 1000 * 1000,
              CLVGG_STATUS_UNSUPPORTED, "the page would take more than %d MB: give fewer results",
              VGG_BENCH_PAGE_MEGABYTES);
    return vgg_text_check(page->html, "the page");
}

/* ---- the page ---- */

/* Shapes of marks, about 0, 0, in the order of vgg_bench_shape(). */
static const char *const shapes[VGG_BENCH_COLOURS] = {
    "<circle r=\"4.6\"/>",
    "<path d=\"M-4.2-4.2h8.4v8.4h-8.4z\"/>",
    "<path d=\"M0-5.4 5.2 4h-10.4z\"/>",
    "<path d=\"M0-6 5.2 0 0 6-5.2 0z\"/>",
    "<path d=\"M0 5.4 5.2-4h-10.4z\"/>",
    "<path d=\"M-1.8-5.4h3.6v3.6h3.6v3.6h-3.6v3.6h-3.6v-3.6h-3.6v-3.6h3.6z\"/>",
    "<path d=\"M0-5.6 5-2.8v5.6L0 5.6-5 2.8v-5.6z\"/>",
    "<path d=\"M-5.4-2.8-2.8-5.4 0-2.6 2.8-5.4 5.4-2.8 2.6 0 5.4 2.8 2.8 5.4 0 2.6-2.8 5.4-5.4 "
    "2.8-2.6 0z\"/>"};

static void put_head(const vgg_bench_page *page)
{
    static const char *const sections[][2] = {{"times", "Times"},
                                              {"roofline", "Roofline"},
                                              {"layers", "Layers"},
                                              {"kernels", "Kernels"},
                                              {"runs", "Devices"}};
    char title[64];
    vgg_text *html = page->html;
    snprintf(title, sizeof title, "Benchmarks: %s %s", VGG_COUNT(page->run_count),
             vgg_plural(page->run_count, "result", "results"));
    vgg_html_begin(html, title, (const char *const[]){vgg_page_css, vgg_bench_css, NULL});
    vgg_text_puts(html,
                  "<body class=\"bench\">\n<svg class=\"shapes\" aria-hidden=\"true\"><defs>");
    for (size_t i = 0; i < VGG_BENCH_COLOURS; i++)
        vgg_text_printf(html, "<g id=\"mark%zu\">%s</g>", i, shapes[i]);
    vgg_text_puts(html, "</defs></svg>\n<a class=\"skip\" href=\"#main\">Skip to the results</a>\n"
                        "<header class=\"top\"><div><h1>");
    vgg_text_html(html, title);
    vgg_text_puts(html, "</h1><p>");
    vgg_text_html(html, vgg_text_string(&page->common));
    vgg_text_puts(html, "</p></div></header>\n<div class=\"frame\">\n"
                        "<nav id=\"nav\" aria-label=\"Sections\"><ul>");
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        vgg_text_printf(html, "<li><a href=\"#%s\">%s</a></li>", sections[i][0], sections[i][1]);
    vgg_text_puts(html, "</ul></nav>\n<main id=\"main\" tabindex=\"-1\">\n");
}

/* The runs by their marks; the script makes choices of them. */
static void put_legend(const vgg_bench_page *page)
{
    vgg_text_puts(page->html, "<section id=\"legend\" class=\"figure\" aria-label=\"Results\">"
                              "<ul class=\"legend-list\">\n");
    for (size_t i = 0; i < page->run_count; i++) {
        vgg_text_printf(page->html, "<li data-choice=\"%zu\"><span class=\"run\">", i);
        vgg_bench_put_mark(page->html, i);
        vgg_text_puts(page->html, "<span>");
        vgg_text_html(page->html, vgg_text_string(&page->labels[i]));
        vgg_text_puts(page->html, "</span></span></li>\n");
    }
    vgg_text_puts(page->html, "</ul></section>\n");
}

static clvgg_status put_page(vgg_bench_page *page)
{
    VGG_PASS(collect(page));
    VGG_PASS(vgg_bench_page_name(page));
    put_head(page);
    put_legend(page);
    VGG_PASS(vgg_bench_page_times(page));
    VGG_PASS(vgg_bench_page_roofline(page));
    VGG_PASS(vgg_bench_page_layers(page));
    VGG_PASS(vgg_bench_page_kernels(page));
    VGG_PASS(vgg_bench_page_runs(page));
    vgg_text_puts(page->html, "</main>\n</div>\n<script>\n");
    vgg_text_puts(page->html, vgg_bench_js);
    vgg_text_puts(page->html, "</script>\n</body>\n</html>\n");
    return vgg_bench_page_fits(page);
}

clvgg_status vgg_bench_page_put(const vgg_bench_files *files, vgg_text *html)
{
    vgg_bench_page page = {.runs = files->items, .run_count = files->count, .html = html};
    const clvgg_status status = put_page(&page);
    for (size_t i = 0; page.labels != NULL && i < page.run_count; i++)
        vgg_text_free(&page.labels[i]);
    vgg_memory_free(page.labels);
    vgg_memory_free(page.devices);
    vgg_text_free(&page.common);
    return status;
}

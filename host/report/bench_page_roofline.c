/* report/bench_page_roofline.c — what each device can do at most, and its layers' share of it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/bench_chart.h"
#include "report/bench_page_part.h"
#include "report/memory.h"

/* The roofs of a device, over all its runs: 0 where none says. A device is its first run's number.
 */
typedef struct roofs {
    double fma, half, matrix; /* GFLOP/s */
    double memory, cache;     /* GB/s */
} roofs;

static void raise(double *roof, double value)
{
    if (vgg_chart_has(value) && value > *roof)
        *roof = value;
}

static roofs roofs_of(const vgg_bench_page *page, size_t run)
{
    roofs r = {0};
    for (size_t i = run; i < page->run_count; i++) {
        const vgg_bench_file *file = &page->runs[i];
        if (page->devices[i] != run)
            continue;
        raise(&r.fma, file->fma_gflops);
        raise(&r.memory, file->read_gbps);
        if (!file->roof.measured)
            continue;
        raise(&r.fma, file->roof.fma_f32_gflops);
        raise(&r.half, file->roof.fma_f16_gflops);
        raise(&r.matrix, file->roof.matrix_bf16_gflops);
        raise(&r.memory, file->roof.read_gbps);
        raise(&r.cache, file->roof.cache_read_gbps);
    }
    return r;
}

/* What a layer's kernel did, which Winograd's is less than what it stands for. */
static double rate(const vgg_bench_file_layer *layer)
{
    return layer->executed_gflops > 0 ? layer->executed_gflops : layer->gflops;
}

static bool is_drawn(const vgg_bench_file_layer *layer)
{
    return vgg_chart_has(layer->intensity) && vgg_chart_has(rate(layer));
}

/* Calls `each` for every layer that is drawn, of the runs of one device. */
static void walk(const vgg_bench_page *page, size_t device, int batch,
                 void (*each)(const vgg_bench_page *, size_t run, const vgg_bench_file_layer *,
                              void *),
                 void *user)
{
    for (size_t i = device; i < page->run_count; i++) {
        const vgg_bench_file_result *result =
            page->devices[i] == device ? vgg_bench_file_result_of(&page->runs[i], batch) : NULL;
        for (size_t j = 0; result != NULL && j < result->layer_count; j++)
            if (is_drawn(&result->layers[j]))
                each(page, i, &result->layers[j], user);
    }
}

/* ---- one range for all batches of a device, so that they compare ---- */

typedef struct ranges {
    vgg_chart_range x, y;
    size_t points;
} ranges;

static void widen(const vgg_bench_page *page, size_t run, const vgg_bench_file_layer *layer,
                  void *user)
{
    (void)page;
    (void)run;
    ranges *r = user;
    vgg_chart_widen(&r->x, layer->intensity);
    vgg_chart_widen(&r->y, rate(layer));
    r->points++;
}

static void widen_by_roofs(ranges *all, const roofs *r)
{
    const double flats[] = {r->fma, r->half, r->matrix};
    for (size_t i = 0; i < sizeof flats / sizeof *flats; i++) {
        vgg_chart_widen(&all->y, flats[i]);
        if (r->memory > 0)
            vgg_chart_widen(&all->x, flats[i] / r->memory);
    }
    if (r->cache > 0)
        vgg_chart_widen(&all->x, r->fma / r->cache);
}

static ranges ranges_of(const vgg_bench_page *page, size_t device)
{
    ranges all = {0};
    const roofs r = roofs_of(page, device);
    for (size_t b = 0; b < page->batch_count; b++)
        walk(page, device, page->batches[b], widen, &all);
    widen_by_roofs(&all, &r);
    return all;
}

/* ---- a chart ---- */

static void reserve(const vgg_bench_page *page, size_t run, const vgg_bench_file_layer *layer,
                    void *chart)
{
    (void)page;
    (void)run;
    vgg_chart_reserve(chart, layer->intensity, rate(layer));
}

static void put_point(const vgg_bench_page *page, size_t run, const vgg_bench_file_layer *layer,
                      void *chart)
{
    char attributes[64], mark[48];
    snprintf(attributes, sizeof attributes, "class=\"point c%u\" data-run=\"%zu\"",
             vgg_bench_colour(run), run);
    snprintf(mark, sizeof mark, "<use href=\"#mark%u\"/>", vgg_bench_shape(run));
    vgg_chart_point(chart, layer->intensity, rate(layer), attributes, mark);
    vgg_text_printf(page->html, "<title>%s ", VGG_BENCH_KEY(run));
    vgg_text_html(page->html, layer->name);
    vgg_text_puts(page->html, ", ");
    vgg_text_html(page->html, layer->variant);
    vgg_text_printf(page->html, ": %s GFLOP/s at %s FLOP a byte</title></svg>\n",
                    VGG_MEASURE(rate(layer), 1), VGG_MEASURE(layer->intensity, 1));
}

static void put_point_label(const vgg_bench_page *page, size_t run,
                            const vgg_bench_file_layer *layer, void *chart)
{
    (void)page;
    char attributes[64];
    snprintf(attributes, sizeof attributes, "class=\"point-label\" data-run=\"%zu\"", run);
    if (strlen(layer->name) <= 24)
        vgg_chart_label(chart, layer->intensity, rate(layer), attributes, layer->name);
}

/* A roof as its label has it. */
#define ROUND(value) vgg_number_words(value, 3, (char[VGG_NUMBER_WORDS]){0})

/* A roof beside the one of float32, where it is another. */
static void put_other_flat(vgg_chart *chart, const roofs *r, double flat, const char *name)
{
    char words[128];
    if (!(flat > 0) || fabs(flat / r->fma - 1) < 0.05)
        return;
    snprintf(words, sizeof words, "%s %s GFLOP/s", name, ROUND(flat));
    vgg_chart_flat(chart, flat, r->memory > 0 ? flat / r->memory : 0, true, words);
}

static void put_roofs(vgg_chart *chart, const roofs *r)
{
    char words[96];
    const double most = fmax(r->fma, fmax(r->half, r->matrix));
    const double top = most > 0 ? most : chart->y.high;
    if (r->fma > 0) {
        snprintf(words, sizeof words, "float32 %s GFLOP/s", ROUND(r->fma));
        vgg_chart_flat(chart, r->fma, r->memory > 0 ? r->fma / r->memory : 0, false, words);
    }
    put_other_flat(chart, r, r->half, "half");
    put_other_flat(chart, r, r->matrix, "bfloat16");
    if (r->memory > 0) {
        snprintf(words, sizeof words, "memory %s GB/s", ROUND(r->memory));
        vgg_chart_slope(chart, r->memory, top, false, words);
    }
    if (r->cache > 0) {
        snprintf(words, sizeof words, "cache %s GB/s", ROUND(r->cache));
        vgg_chart_slope(chart, r->cache, top, true, words);
    }
}

/* ---- its table ---- */

static void put_row(const vgg_bench_page *page, size_t run, const vgg_bench_file_layer *layer,
                    void *user)
{
    (void)user;
    vgg_text *html = page->html;
    vgg_text_printf(html, "<tr data-run=\"%zu\"><th scope=\"row\"><span class=\"run\">", run);
    vgg_bench_put_mark(html, run);
    vgg_html_element(html, "span", "", layer->name);
    vgg_text_puts(html, "</span></th>");
    vgg_bench_put_cell(html, "", layer->intensity, 1);
    vgg_bench_put_cell(html, "", rate(layer), 1);
    vgg_bench_put_cell(html, "", 100 * layer->roof_share, 1);
    vgg_text_puts(html, "</tr>\n");
}

static void put_table(const vgg_bench_page *page, size_t device, int batch)
{
    vgg_bench_begin_table(page->html, "Intensities and rates", true);
    vgg_text_puts(page->html,
                  "<thead><tr><th scope=\"col\">layer</th>"
                  "<th scope=\"col\" class=\"n\">FLOP a byte</th>"
                  "<th scope=\"col\" class=\"n\">GFLOP/s</th>"
                  "<th scope=\"col\" class=\"n\">% of roof</th></tr></thead>\n<tbody>\n");
    walk(page, device, batch, put_row, NULL);
    vgg_text_puts(page->html, "</tbody>");
    vgg_bench_end_table(page->html, true);
}

static clvgg_status put_figure(const vgg_bench_page *page, size_t device, int batch)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_bench_file *run = &page->runs[device];
    vgg_text label = {0};
    vgg_chart *chart = NULL;
    VGG_MEMORY_NEW(chart, 1, "a chart");
    const ranges all = ranges_of(page, device);
    chart->html = page->html;
    chart->x = vgg_chart_axis(&all.x);
    chart->y = vgg_chart_axis(&all.y);
    vgg_text_puts(page->html, "<figure class=\"figure\"><figcaption>");
    vgg_html_element(page->html, "h4", "", vgg_bench_device(run));
    vgg_html_element(page->html, "p", "class=\"faint\"",
                     run->platform != NULL ? run->platform : "");
    vgg_text_puts(page->html, "</figcaption>\n");
    vgg_text_printf(&label, "Roofline of %s, batch %d; the table below has its values",
                    vgg_bench_device(run), batch);
    vgg_chart_begin(chart, vgg_text_string(&label), "FLOP a byte", "GFLOP/s");
    walk(page, device, batch, reserve, chart);
    const roofs r = roofs_of(page, device);
    put_roofs(chart, &r);
    walk(page, device, batch, put_point, chart);
    walk(page, device, batch, put_point_label, chart);
    vgg_chart_end(chart);
    put_table(page, device, batch);
    vgg_text_puts(page->html, "</figure>\n");
    VGG_TRY(vgg_text_check(&label, "a chart's name"));
    status = vgg_bench_page_fits(page);
cleanup:
    vgg_memory_free(chart);
    vgg_text_free(&label);
    return status;
}

/* Charts of a batch, one a device; *any becomes true where there is one. */
static clvgg_status put_batch(const vgg_bench_page *page, int batch, bool *any)
{
    bool begun = false;
    for (size_t i = 0; i < page->run_count; i++) {
        ranges own = {0};
        if (page->devices[i] == i)
            walk(page, i, batch, widen, &own);
        if (own.points == 0)
            continue;
        if (!begun) {
            vgg_bench_begin_batch(page->html, batch);
            vgg_text_puts(page->html, "<div class=\"charts\">\n");
        }
        begun = *any = true;
        VGG_PASS(put_figure(page, i, batch));
    }
    vgg_text_puts(page->html, begun ? "</div></div>\n" : "");
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_bench_page_roofline(const vgg_bench_page *page)
{
    bool any = false;
    vgg_bench_begin_section(page->html, "roofline", "Roofline",
                            "Each layer by how much its kernel executes for a byte that it has to "
                            "move, and how fast, under what its device was seen to do at most.");
    for (size_t b = 0; b < page->batch_count; b++)
        VGG_PASS(put_batch(page, page->batches[b], &any));
    if (!any)
        vgg_text_puts(page->html, "<p>No result says how many bytes its layers move: clvgg bench "
                                  "--per-layer does.</p>\n");
    vgg_text_puts(page->html, "</section>\n");
    return CLVGG_STATUS_OK;
}

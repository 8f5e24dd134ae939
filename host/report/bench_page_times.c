/* report/bench_page_times.c — times of passes, a figure for each batch: bars from the fastest to
 * the slowest, each with the interval in which its median lies. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "report/bench_page_part.h"
#include "report/memory.h"

typedef struct entry {
    size_t run;
    const vgg_bench_file_result *result;
} entry;

/* Greater for what is further down: slower, without a time, wrong. */
static double place(const entry *e)
{
    return e->result->wrong ? INFINITY : e->result->median_ms > 0 ? e->result->median_ms : 1e300;
}

/* Fills entries [run_count] with the results of a batch, fastest first; returns how many. */
static size_t sort_batch(const vgg_bench_page *page, int batch, entry *entries)
{
    size_t count = 0;
    for (size_t i = 0; i < page->run_count; i++) {
        const entry e = {i, vgg_bench_file_result_of(&page->runs[i], batch)};
        if (e.result == NULL)
            continue;
        size_t at = count++;
        for (; at > 0 && place(&entries[at - 1]) > place(&e); at--)
            entries[at] = entries[at - 1];
        entries[at] = e;
    }
    return count;
}

/* ---- bars ---- */

static double greatest(const entry *entries, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        if (!entries[i].result->wrong)
            most =
                fmax(most, fmax(entries[i].result->median_ms, entries[i].result->interval_ms[1]));
    return most;
}

static void put_bar(const vgg_bench_page *page, const entry *e, double most)
{
    const vgg_bench_file_result *result = e->result;
    vgg_text *html = page->html;
    vgg_text_printf(html, "<li data-run=\"%zu\"><span class=\"run\">", e->run);
    vgg_bench_put_mark(html, e->run);
    vgg_text_puts(html, "<span>");
    vgg_text_html(html, vgg_text_string(&page->labels[e->run]));
    vgg_text_puts(html, "</span></span><span class=\"value\">");
    if (result->wrong || !(result->median_ms > 0)) {
        vgg_text_puts(html, result->wrong ? "<span class=\"bad\">wrong" : "<span>no time");
        if (result->wrong && result->error_l2 > 0)
            vgg_text_printf(html, ", %.2g off", result->error_l2);
        vgg_text_puts(html, "</span></span></li>\n");
        return;
    }
    vgg_bench_put_number(html, result->median_ms, 2);
    vgg_text_puts(html, " ms");
    if (result->drifted && isfinite(result->drift))
        vgg_text_printf(html, " <span class=\"bad\">drifted %+.0f %%</span>", 100 * result->drift);
    else if (result->drifted)
        vgg_text_puts(html, " <span class=\"bad\">drifted</span>");
    vgg_text_printf(
        html,
        "</span><span class=\"track\"><span class=\"fill c%u%s\" style=\"width:%.2f%%\">"
        "</span>",
        vgg_bench_colour(e->run), e->run >= VGG_BENCH_COLOURS ? " hatched" : "",
        100 * (result->median_ms / most));
    if (result->interval_ms[1] >= result->interval_ms[0])
        vgg_text_printf(html, "<span class=\"whisker\" style=\"left:%.2f%%;width:%.2f%%\"></span>",
                        100 * (result->interval_ms[0] / most),
                        100 * ((result->interval_ms[1] - result->interval_ms[0]) / most));
    vgg_text_puts(html, "</span></li>\n");
}

/* ---- the table ---- */

#define MEMBER(name) offsetof(vgg_bench_file_result, name)
enum { EXPONENT = -1 };
static const struct {
    const char *title;
    size_t offset; /* of a double; 0: images a second */
    int digits;    /* behind the point, or EXPONENT */
} columns[] = {{"median, ms", MEMBER(median_ms), 2}, {"95 % from", MEMBER(interval_ms[0]), 2},
               {"to", MEMBER(interval_ms[1]), 2},    {"p90, ms", MEMBER(p90_ms), 2},
               {"minimum, ms", MEMBER(min_ms), 2},   {"caches cold, ms", MEMBER(cold_ms), 2},
               {"upload, ms", MEMBER(upload_ms), 3}, {"download, ms", MEMBER(download_ms), 3},
               {"passes", MEMBER(repetitions), 0},   {"images a second", 0, 1},
               {"GFLOP/s", MEMBER(gflops), 1},       {"error", MEMBER(error_l2), EXPONENT}};
enum { COLUMNS = sizeof columns / sizeof *columns };

static double value_of(const vgg_bench_file_result *result, size_t column)
{
    if (result->wrong && columns[column].digits != EXPONENT)
        return NAN;
    if (columns[column].offset == 0)
        return result->median_ms > 0 ? 1000 * result->batch / result->median_ms : (double)NAN;
    return *(const double *)((const char *)result + columns[column].offset);
}

static bool is_known(const entry *entries, size_t count, size_t column)
{
    for (size_t i = 0; i < count; i++)
        if (!isnan(value_of(entries[i].result, column)))
            return true;
    return column == 0;
}

static void put_row(const vgg_bench_page *page, const entry *e, const bool *shown)
{
    vgg_text *html = page->html;
    vgg_text_printf(html, "<tr data-run=\"%zu\"><th scope=\"row\"><span class=\"run\">", e->run);
    vgg_bench_put_mark(html, e->run);
    vgg_text_puts(html, "</span></th>");
    vgg_html_element(html, "td", "class=\"label\"", vgg_text_string(&page->labels[e->run]));
    for (size_t c = 0; c < COLUMNS; c++) {
        const double value = value_of(e->result, c);
        if (shown[c] && c == 0 && e->result->wrong)
            vgg_text_puts(html, "<td class=\"n bad\">wrong</td>");
        else if (shown[c] && columns[c].digits == EXPONENT && value > 0)
            vgg_text_printf(html, "<td class=\"n\">%.1e</td>", value);
        else if (shown[c])
            vgg_bench_put_cell(html, "", value, columns[c].digits);
    }
    vgg_text_puts(html, "</tr>\n");
}

static void put_table(const vgg_bench_page *page, const entry *entries, size_t count)
{
    bool shown[COLUMNS];
    vgg_bench_begin_table(page->html, "Times of passes", true);
    vgg_text_puts(page->html, "<thead><tr><td></td><th scope=\"col\" class=\"label\">result</th>");
    for (size_t c = 0; c < COLUMNS; c++) {
        shown[c] = is_known(entries, count, c);
        if (shown[c])
            vgg_html_element(page->html, "th", "scope=\"col\" class=\"n\"", columns[c].title);
    }
    vgg_text_puts(page->html, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < count; i++)
        put_row(page, &entries[i], shown);
    vgg_text_puts(page->html, "</tbody>");
    vgg_bench_end_table(page->html, true);
}

clvgg_status vgg_bench_page_times(const vgg_bench_page *page)
{
    clvgg_status status = CLVGG_STATUS_OK;
    entry *entries = NULL;
    VGG_MEMORY_NEW(entries, page->run_count, "the results of a batch");
    vgg_bench_begin_section(page->html, "times", "Times",
                            "Milliseconds of a pass: the median, and the interval that holds it "
                            "with 95 % confidence. Wrong results aren't timed.");
    vgg_text_puts(page->html, "<div class=\"charts\">\n");
    for (size_t b = 0; b < page->batch_count; b++) {
        const size_t count = sort_batch(page, page->batches[b], entries);
        const double most = greatest(entries, count);
        vgg_text_printf(page->html,
                        "<figure class=\"figure\"><figcaption><h3>Batch %d</h3></figcaption>\n"
                        "<ul class=\"bars\">\n",
                        page->batches[b]);
        for (size_t i = 0; i < count; i++)
            put_bar(page, &entries[i], most);
        vgg_text_puts(page->html, "</ul>\n");
        put_table(page, entries, count);
        vgg_text_puts(page->html, "</figure>\n");
        VGG_TRY(vgg_bench_page_fits(page));
    }
    vgg_text_puts(page->html, "</div></section>\n");
cleanup:
    vgg_memory_free(entries);
    return status;
}

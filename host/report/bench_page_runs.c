/* report/bench_page_runs.c — what each run ran on and with: a column for each, a row for whatever
 * one of them says. */
#include <math.h>
#include <stddef.h>

#include "report/bench_page_part.h"

typedef enum fact_kind {
    FACT_HEADING,
    FACT_TEXT,
    FACT_FILE,   /* the last part of a path */
    FACT_NUMBER, /* from 0, with `digits` behind the point */
    FACT_COUNT,  /* above 0, as bytes are */
    FACT_BYTES,
    FACT_PAIRS
} fact_kind;

typedef struct fact {
    const char *title;
    fact_kind kind;
    size_t offset; /* of the member in vgg_bench_file */
    int digits;
} fact;

#define MEMBER(name) offsetof(vgg_bench_file, name)
static const fact facts[] = {
    {"Run", FACT_HEADING, 0, 0},
    {"program", FACT_TEXT, MEMBER(program), 0},
    {"version", FACT_TEXT, MEMBER(program_version), 0},
    {"commit", FACT_TEXT, MEMBER(program_commit), 0},
    {"model", FACT_FILE, MEMBER(model), 0},
    {"up to layer", FACT_TEXT, MEMBER(layer), 0},
    {"mode", FACT_TEXT, MEMBER(mode), 0},
    {"storage", FACT_TEXT, MEMBER(storage), 0},
    {"accumulation", FACT_TEXT, MEMBER(accumulation), 0},
    {"class", FACT_TEXT, MEMBER(class), 0},
    {"weights' seed", FACT_NUMBER, MEMBER(weights_seed), 0},
    {"weights' SHA-256", FACT_TEXT, MEMBER(weights_sha256), 0},
    {"file's SHA-256", FACT_TEXT, MEMBER(digest), 0},
    {"options", FACT_PAIRS, MEMBER(options), 0},
    {"environment", FACT_PAIRS, MEMBER(environment), 0},
    {"ended by", FACT_TEXT, MEMBER(error), 0},
    {"file", FACT_FILE, MEMBER(path), 0},
    {"Device", FACT_HEADING, 0, 0},
    {"device", FACT_TEXT, MEMBER(device), 0},
    {"type", FACT_TEXT, MEMBER(device_type), 0},
    {"vendor", FACT_TEXT, MEMBER(vendor), 0},
    {"platform", FACT_TEXT, MEMBER(platform), 0},
    {"driver", FACT_TEXT, MEMBER(driver_version), 0},
    {"OpenCL", FACT_TEXT, MEMBER(opencl_version), 0},
    {"compute units", FACT_COUNT, MEMBER(compute_units), 0},
    {"floats a vector", FACT_COUNT, MEMBER(native_float_width), 0},
    {"clock, as the driver says, MHz", FACT_COUNT, MEMBER(device_clock_mhz), 0},
    {"memory", FACT_BYTES, MEMBER(global_memory_bytes), 0},
    {"System", FACT_HEADING, 0, 0},
    {"system", FACT_TEXT, MEMBER(os), 0},
    {"processor", FACT_TEXT, MEMBER(cpu), 0},
    {"cores", FACT_COUNT, MEMBER(cores), 0},
    {"memory", FACT_BYTES, MEMBER(memory_bytes), 0},
    {"Sensors", FACT_HEADING, 0, 0},
    {"clock before, MHz", FACT_NUMBER, MEMBER(before.clock_mhz), 0},
    {"clock after, MHz", FACT_NUMBER, MEMBER(after.clock_mhz), 0},
    {"power before, W", FACT_NUMBER, MEMBER(before.power_w), 1},
    {"power after, W", FACT_NUMBER, MEMBER(after.power_w), 1},
    {"temperature before, \xC2\xB0"
     "C",
     FACT_NUMBER, MEMBER(before.temperature_c), 1},
    {"temperature after, \xC2\xB0"
     "C",
     FACT_NUMBER, MEMBER(after.temperature_c), 1},
    {"load before", FACT_NUMBER, MEMBER(before.load_average), 2},
    {"load after", FACT_NUMBER, MEMBER(after.load_average), 2},
    {"Peak beside the passes", FACT_HEADING, 0, 0},
    {"float32 FMA, GFLOP/s", FACT_NUMBER, MEMBER(fma_gflops), 1},
    {"reading memory, GB/s", FACT_NUMBER, MEMBER(read_gbps), 1},
    {"Roof", FACT_HEADING, 0, 0},
    {"float32 FMA, GFLOP/s", FACT_NUMBER, MEMBER(roof.fma_f32_gflops), 1},
    {"half FMA, GFLOP/s", FACT_NUMBER, MEMBER(roof.fma_f16_gflops), 1},
    {"bfloat16 matrix unit, GFLOP/s", FACT_NUMBER, MEMBER(roof.matrix_bf16_gflops), 1},
    {"int8 dot products, Gop/s", FACT_NUMBER, MEMBER(roof.dot_int8_gops), 1},
    {"reading memory, GB/s", FACT_NUMBER, MEMBER(roof.read_gbps), 1},
    {"writing, GB/s", FACT_NUMBER, MEMBER(roof.write_gbps), 1},
    {"copying, GB/s", FACT_NUMBER, MEMBER(roof.copy_gbps), 1},
    {"reading the last cache, GB/s", FACT_NUMBER, MEMBER(roof.cache_read_gbps), 1},
    {"last cache", FACT_BYTES, MEMBER(roof.cache_bytes), 0},
    {"reading a core's cache, GB/s", FACT_NUMBER, MEMBER(roof.near_cache_read_gbps), 1},
    {"local memory, GB/s", FACT_NUMBER, MEMBER(roof.local_gbps), 1},
    {"launch, ms", FACT_NUMBER, MEMBER(roof.launch_ms), 4},
    {"transfer of a byte, ms", FACT_NUMBER, MEMBER(roof.transfer_latency_ms), 4},
    {"upload, GB/s", FACT_NUMBER, MEMBER(roof.upload_gbps), 1},
    {"download, GB/s", FACT_NUMBER, MEMBER(roof.download_gbps), 1},
};
enum { FACTS = sizeof facts / sizeof *facts };

static const void *member(const vgg_bench_file *run, const fact *f)
{
    return (const char *)run + f->offset;
}

static bool is_known(const vgg_bench_file *run, const fact *f)
{
    if (f->kind == FACT_HEADING)
        return false;
    if (f->kind == FACT_PAIRS)
        return ((const vgg_bench_pairs *)member(run, f))->count > 0;
    if (f->kind == FACT_TEXT || f->kind == FACT_FILE) {
        const char *words = *(char *const *)member(run, f);
        return words != NULL && words[0] != '\0';
    }
    if (f->offset >= MEMBER(roof) && f->offset < MEMBER(before) && !run->roof.measured)
        return false;
    const double value = *(const double *)member(run, f);
    return f->kind == FACT_NUMBER ? value >= 0 : value > 0;
}

static bool is_known_of_any(const vgg_bench_page *page, const fact *f)
{
    for (size_t i = 0; i < page->run_count; i++)
        if (is_known(&page->runs[i], f))
            return true;
    return false;
}

static void put_value(vgg_text *html, const vgg_bench_file *run, const fact *f)
{
    const void *value = member(run, f);
    if (!is_known(run, f)) {
        vgg_text_puts(html, "\xE2\x80\x93");
    } else if (f->kind == FACT_TEXT || f->kind == FACT_FILE) {
        const char *words = *(char *const *)value;
        vgg_text_html(html, f->kind == FACT_FILE ? vgg_bench_file_name(words) : words);
    } else if (f->kind == FACT_PAIRS) {
        const vgg_bench_pairs *pairs = value;
        for (size_t i = 0; i < pairs->count; i++) {
            vgg_text_puts(html, i > 0 ? "<br>" : "");
            vgg_text_html(html, pairs->items[i].name);
            vgg_text_puts(html, " = ");
            vgg_text_html(html, pairs->items[i].value);
        }
    } else {
        const double number = *(const double *)value;
        if (f->kind == FACT_BYTES && number < 1e18)
            vgg_text_puts(html, VGG_SIZE((uint64_t)number));
        else
            vgg_bench_put_number(html, number, f->digits);
    }
}

/* A heading waits for a row below it. */
static void put_rows(const vgg_bench_page *page)
{
    vgg_text *html = page->html;
    const fact *heading = NULL;
    bool begun = false;
    for (const fact *f = facts; f < facts + FACTS; f++) {
        if (f->kind == FACT_HEADING)
            heading = f;
        if (!is_known_of_any(page, f))
            continue;
        if (heading != NULL)
            vgg_text_printf(html,
                            "%s<tbody>\n<tr class=\"group\"><th scope=\"rowgroup\">%s</th>"
                            "<td colspan=\"%zu\"></td></tr>\n",
                            begun ? "</tbody>\n" : "", heading->title, page->run_count);
        begun = begun || heading != NULL;
        heading = NULL;
        vgg_text_puts(html, "<tr>");
        vgg_html_element(html, "th", "scope=\"row\"", f->title);
        for (size_t i = 0; i < page->run_count; i++) {
            vgg_text_printf(html, "<td data-run=\"%zu\">", i);
            put_value(html, &page->runs[i], f);
            vgg_text_puts(html, "</td>");
        }
        vgg_text_puts(html, "</tr>\n");
    }
}

clvgg_status vgg_bench_page_runs(const vgg_bench_page *page)
{
    vgg_text *html = page->html;
    vgg_bench_begin_section(html, "runs", "Devices",
                            "What each result ran on and with, and the most that its device was "
                            "seen to do.");
    vgg_text_puts(html, "<div class=\"figure\">");
    vgg_bench_begin_table(html, "Devices and runs", false);
    vgg_text_puts(html, "<thead><tr><td></td>");
    for (size_t i = 0; i < page->run_count; i++) {
        vgg_text_printf(
            html, "<th scope=\"col\" class=\"wide\" data-run=\"%zu\"><span class=\"run\">", i);
        vgg_bench_put_mark(html, i);
        vgg_html_element(html, "span", "", vgg_text_string(&page->labels[i]));
        vgg_text_puts(html, "</span></th>");
    }
    vgg_text_puts(html, "</tr></thead>\n");
    put_rows(page);
    vgg_text_puts(html, "</tbody>");
    vgg_bench_end_table(html, false);
    vgg_text_puts(html, "</div></section>\n");
    return vgg_bench_page_fits(page);
}

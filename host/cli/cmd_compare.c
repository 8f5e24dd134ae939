/* cli/cmd_compare.c — `clvgg compare`: results of `clvgg bench`, side by side. */
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "report/bench_file.h"
#include "report/format.h"
#include "report/table.h"

enum { MOST_FILES = 7 }; /* two columns each but for the first: what fits a table */

typedef struct comparison {
    const char *const *paths;
    vgg_bench_file files[MOST_FILES];
    size_t count;
} comparison;

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, 0, "FILE", 0, 0, ""},
    {0},
};

/* Files are called A, B … in the tables; here is which they are. */
static void print_legend(vgg_text *text, const vgg_style *style, const comparison *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const vgg_bench_file *file = &c->files[i];
        vgg_text_printf(text, "%s%c%s  ", vgg_style_bold(style), (int)('A' + i),
                        vgg_style_reset(style));
        vgg_text_name(text, "", c->paths[i], ": ");
        vgg_text_terminal(text, file->model);
        if (file->storage != NULL &&
            strcmp(file->storage, clvgg_storage_name(CLVGG_STORAGE_F32)) != 0) {
            vgg_text_name(text, " as ", file->storage, "");
        }
        vgg_text_name(text, " on ", file->device, " (");
        vgg_text_name(text, "", file->platform != NULL ? file->platform : "-", "), peak ");
        vgg_text_printf(text, "%s GFLOP/s, %s GB/s\n", VGG_MEASURE(file->fma_gflops, 0),
                        VGG_MEASURE(file->read_gbps, 1));
    }
}

/* Marks in place of milliseconds. */
static const double missing = -1, wrong = -2;

/* A row of times: milliseconds, and behind all but the first file its ratio to the first. */
static void put_times(vgg_table *table, const comparison *c, const double *ms)
{
    for (size_t i = 0; i < c->count; i++) {
        vgg_text_puts(vgg_table_cell(table), VGG_MEASURE(ms[i], 3));
        if (!(ms[i] > 0))
            vgg_text_puts(vgg_table_cell(table), ms[i] == wrong ? "wrong" : "-");
        vgg_table_next(table);
        if (i == 0)
            continue;
        if (ms[0] > 0)
            vgg_text_puts(vgg_table_cell(table), VGG_MEASURE(ms[i] / ms[0], 2));
        vgg_table_next(table);
    }
}

static void put_passes(vgg_table *table, const comparison *c, int batch, bool median)
{
    double ms[MOST_FILES];
    for (size_t i = 0; i < c->count; i++) {
        const vgg_bench_file_result *result = vgg_bench_file_result_of(&c->files[i], batch);
        ms[i] = result == NULL  ? missing
                : result->wrong ? wrong
                : median        ? result->median_ms
                                : result->min_ms;
    }
    vgg_table_put(table, median ? "a pass, median" : "a pass, minimum");
    put_times(table, c, ms);
    vgg_table_next(table);
}

/* The variants behind a row, each once. */
static void put_variants(vgg_table *table, const vgg_bench_file_layer *const *layers, size_t count)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        bool known = layers[i] == NULL;
        for (size_t j = 0; j < i && !known; j++)
            known = layers[j] != NULL && strcmp(layers[j]->variant, layers[i]->variant) == 0;
        if (known)
            continue;
        vgg_text_puts(vgg_table_cell(table), first ? "" : ", ");
        vgg_text_terminal(vgg_table_cell(table), layers[i]->variant);
        first = false;
    }
    vgg_table_next(table);
}

static void put_layer(vgg_table *table, const comparison *c, int batch, const char *name)
{
    double ms[MOST_FILES];
    const vgg_bench_file_layer *layers[MOST_FILES];
    for (size_t i = 0; i < c->count; i++) {
        const vgg_bench_file_result *result = vgg_bench_file_result_of(&c->files[i], batch);
        layers[i] = result != NULL ? vgg_bench_file_layer_of(result, name) : NULL;
        ms[i] = layers[i] != NULL ? layers[i]->ms : missing;
    }
    vgg_table_put(table, name);
    put_times(table, c, ms);
    put_variants(table, layers, c->count);
}

/* Says whether a file before `file` has the layer, whose row has then been printed. */
static bool is_known(const comparison *c, size_t file, int batch, const char *name)
{
    for (size_t i = 0; i < file; i++) {
        const vgg_bench_file_result *result = vgg_bench_file_result_of(&c->files[i], batch);
        if (result != NULL && vgg_bench_file_layer_of(result, name) != NULL)
            return true;
    }
    return false;
}

static void print_batch(vgg_text *text, const vgg_style *style, const comparison *c, int batch)
{
    char titles[2 * MOST_FILES][16];
    vgg_column columns[2 * MOST_FILES + 1] = {{titles[0], false}};
    size_t count = 1;
    snprintf(titles[0], sizeof titles[0], "batch %d, ms", batch);
    for (size_t i = 0; i < c->count; i++) {
        snprintf(titles[count], sizeof titles[0], "%c", (int)('A' + i));
        columns[count] = (vgg_column){titles[count], true};
        count++;
        if (i == 0)
            continue;
        snprintf(titles[count], sizeof titles[0], "%c/A", (int)('A' + i));
        columns[count] = (vgg_column){titles[count], true};
        count++;
    }
    columns[count++] = (vgg_column){"variant", false};
    vgg_table table = {.columns = columns, .column_count = count};
    put_passes(&table, c, batch, true);
    put_passes(&table, c, batch, false);
    for (size_t i = 0; i < c->count; i++) {
        const vgg_bench_file_result *result = vgg_bench_file_result_of(&c->files[i], batch);
        for (size_t j = 0; result != NULL && j < result->layer_count; j++)
            if (!is_known(c, i, batch, result->layers[j].name))
                put_layer(&table, c, batch, result->layers[j].name);
    }
    vgg_text_puts(text, "\n");
    vgg_table_finish(&table, style, text);
}

/* Batches in the order in which the files have them, each once. */
static void print_batches(vgg_text *text, const vgg_style *style, const comparison *c)
{
    for (size_t i = 0; i < c->count; i++)
        for (size_t j = 0; j < c->files[i].result_count; j++) {
            const int batch = c->files[i].results[j].batch;
            bool printed = vgg_bench_file_result_of(&c->files[i], batch) != &c->files[i].results[j];
            for (size_t before = 0; before < i; before++)
                printed = printed || vgg_bench_file_result_of(&c->files[before], batch) != NULL;
            if (!printed)
                print_batch(text, style, c, batch);
        }
}

/* Every file is read, so that all bad ones are named. */
static clvgg_status run_compare(cli_program *cli, const void *files)
{
    const cli_operands *paths = files;
    comparison c = {.paths = paths->items, .count = paths->count};
    if (c.count < 2 || c.count > MOST_FILES)
        return cli_misuse(cli, "needs two to %d files that clvgg bench wrote", MOST_FILES);
    for (size_t i = 0; i < c.count; i++)
        cli_fail(cli, vgg_bench_file_read(c.paths[i], &c.files[i]));
    if (cli->exit_code == CLI_EXIT_OK) {
        print_legend(&cli->out.text, &cli->out_style, &c);
        print_batches(&cli->out.text, &cli->out_style, &c);
    }
    for (size_t i = 0; i < c.count; i++)
        vgg_bench_file_free(&c.files[i]);
    return CLVGG_STATUS_OK;
}

const cli_verb cli_verb_compare = {
    .name = "compare",
    .summary = "show results of bench side by side",
    .usage = "A.json B.json...",
    .description =
        "Prints what clvgg bench --out wrote: a table a batch, passes and layers as rows, files "
        "as\n"
        "columns, each with its ratio to the first (below 1 is faster). Wrong results have none.",
    .examples = "  clvgg bench --per-layer --out before.json\n"
                "  clvgg compare before.json after.json\n",
    .options = options,
    .arguments_size = sizeof(cli_operands),
    .run = run_compare,
};

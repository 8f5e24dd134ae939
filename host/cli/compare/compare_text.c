/* cli/compare/compare_text.c — a comparison in words and tables, for terminals and as Markdown. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/compare/compare.h"
#include "report/bench_name.h"
#include "report/format.h"
#include "report/table.h"

typedef struct printer {
    vgg_text *text;
    const vgg_style *style;
    const vgg_comparison *comparison;
    bool markdown;
} printer;

/* A name from a file, which may hold anything. */
static void put_name(const printer *to, const char *before, const char *name, const char *after)
{
    vgg_text escaped = {0};
    vgg_text_terminal(&escaped, name);
    vgg_text_puts(to->text, before);
    if (to->markdown)
        vgg_text_markdown(to->text, vgg_text_string(&escaped));
    else
        vgg_text_puts(to->text, vgg_text_string(&escaped));
    vgg_text_puts(to->text, after);
    to->text->failed |= escaped.failed;
    vgg_text_free(&escaped);
}

static void put_known(const printer *to, const char *before, const char *name, const char *after)
{
    if (name != NULL)
        put_name(to, before, name, after);
}

/* Sides are called A, B … in what follows; here is which they are. */
static void print_side(const printer *to, const vgg_compare_side *side)
{
    const vgg_bench_file *file = side->files[0];
    if (to->markdown)
        vgg_text_printf(to->text, "- **%s** ", side->label);
    else
        vgg_text_printf(to->text, "%s%s%s  ", vgg_style_bold(to->style), side->label,
                        vgg_style_reset(to->style));
    put_name(to, "", side->path, ": ");
    if (side->count > 1)
        vgg_text_printf(to->text, "%zu rounds of ", side->count);
    put_name(to, "", vgg_bench_file_name(file->model), "");
    if (strcmp(file->storage, "f32") != 0)
        put_name(to, " as ", file->storage, "");
    put_name(to, " on ", file->device, "");
    put_known(to, " (", file->platform, ")");
    if (file->program_version != NULL || strcmp(file->program, "clvgg") != 0)
        put_name(to, ", ", file->program, "");
    put_known(to, " ", file->program_version, "");
    if (file->program_commit != NULL) {
        char commit[13] = "";
        strncat(commit, file->program_commit, sizeof commit - 1);
        put_name(to, " ", commit, "");
    }
    if (file->fma_gflops > 0)
        vgg_text_printf(to->text, ", peak %s GFLOP/s, %s GB/s", VGG_MEASURE(file->fma_gflops, 0),
                        VGG_MEASURE(file->read_gbps, 1));
    if (side->busy > 0)
        vgg_text_printf(to->text, "; busy, load average %.1f", side->load);
    put_known(to, "; ended early: ", file->error, "");
    vgg_text_puts(to->text, "\n");
}

/* ---- in words ---- */

/* "slower by 8.2 % (5.1 to 11.0)", in shares of the first side's time. */
static void put_verdict(const printer *to, const vgg_verdict *verdict)
{
    const double more = (verdict->ratio - 1) * 100, low = (verdict->low - 1) * 100;
    const double high = (verdict->high - 1) * 100;
    switch (verdict->kind) {
    case VGG_VERDICT_SLOWER:
        vgg_text_printf(to->text, "slower by %.1f %% (%.1f to %.1f)", more, low, high);
        break;
    case VGG_VERDICT_FASTER:
        vgg_text_printf(to->text, "faster by %.1f %% (%.1f to %.1f)", -more, -high, -low);
        break;
    case VGG_VERDICT_SAME:
        vgg_text_printf(to->text, "no difference beyond noise: %+.1f %% (%+.1f to %+.1f)", more,
                        low, high);
        break;
    default:
        if (verdict->ratio > 0)
            vgg_text_printf(to->text, "%+.1f %%, ", more);
        vgg_text_puts(to->text, "which may be noise: there are too few samples to tell");
    }
}

static bool is_judged(const vgg_compare_cell *cell)
{
    return cell->state == VGG_COMPARE_TIMED && (cell->verdict.ratio > 0);
}

static bool differs(const vgg_compare_cell *cell)
{
    return cell->verdict.kind == VGG_VERDICT_SLOWER || cell->verdict.kind == VGG_VERDICT_FASTER;
}

/* How many layers of a side don't differ, and how wide their intervals are. */
static void say_others(const printer *to, int batch, size_t side, size_t named)
{
    size_t same = 0;
    for (size_t i = 0; i < to->comparison->row_count; i++) {
        const vgg_compare_row *row = &to->comparison->rows[i];
        same += row->batch == batch && row->layer != NULL &&
                row->cells[side].verdict.kind == VGG_VERDICT_SAME &&
                row->cells[side].state == VGG_COMPARE_TIMED;
    }
    if (same > 0)
        vgg_text_printf(to->text, "%s%zu %s: no difference beyond noise\n",
                        to->markdown ? "  - " : "  ", same,
                        named > 0 ? vgg_plural(same, "other layer", "other layers")
                                  : vgg_plural(same, "layer", "layers"));
}

static void say_layers(const printer *to, int batch, size_t side)
{
    size_t named = 0;
    for (size_t i = 0; i < to->comparison->row_count; i++) {
        const vgg_compare_row *row = &to->comparison->rows[i];
        if (row->batch != batch || row->layer == NULL || !differs(&row->cells[side]))
            continue;
        put_name(to, to->markdown ? "  - " : "  ", row->layer, " is ");
        put_verdict(to, &row->cells[side].verdict);
        vgg_text_puts(to->text, "\n");
        named++;
    }
    say_others(to, batch, side, named);
}

static void say_side(const printer *to, const vgg_compare_row *passes, size_t side)
{
    const vgg_compare_cell *cell = &passes->cells[side];
    const vgg_compare_side *sides = to->comparison->sides;
    vgg_text_printf(to->text, "%sbatch %d, %s against %s: ", to->markdown ? "- " : "",
                    passes->batch, sides[side].label, sides[0].label);
    put_verdict(to, &cell->verdict);
    vgg_text_puts(to->text, "\n");
    say_layers(to, passes->batch, side);
}

/* ---- tables ---- */

enum { SIDES_OF_A_TABLE = 5, TABLE_COLUMNS = 1 + 1 + 3 * (SIDES_OF_A_TABLE - 1) + 1 };

/* Times that are compared; medians where a side has no samples. */
static bool has_low_times(const printer *to, const vgg_compare_row *row)
{
    bool has = true;
    for (size_t s = 0; s < to->comparison->side_count; s++)
        has = has && (row->cells[s].low_ms > 0 || row->cells[s].state != VGG_COMPARE_TIMED);
    return has;
}

static void put_cell(vgg_table *table, const vgg_compare_cell *cell, double ms, bool is_first)
{
    static const char *const states[] = {"-", "wrong", "other layers", "-"};
    static const char *const marks[] = {"?", "=", "faster", "slower"};
    const bool is_timed = cell->state == VGG_COMPARE_TIMED && ms > 0;
    vgg_table_put(table, is_timed ? VGG_MEASURE(ms, 3) : states[cell->state]);
    if (is_first)
        return;
    vgg_table_measure(table, cell->verdict.ratio, 2, "");
    vgg_table_put(table, is_judged(cell) ? marks[cell->verdict.kind] : "");
}

/* The variants behind a row, each once. */
static void put_variants(vgg_table *table, const vgg_compare_cell *cells, const size_t *sides,
                         size_t count)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        const char *variant = cells[sides[i]].variant;
        bool known = variant == NULL;
        for (size_t j = 0; j < i && !known; j++)
            known =
                cells[sides[j]].variant != NULL && strcmp(cells[sides[j]].variant, variant) == 0;
        if (known)
            continue;
        vgg_text_puts(vgg_table_cell(table), first ? "" : ", ");
        vgg_text_terminal(vgg_table_cell(table), variant);
        first = false;
    }
    vgg_table_next(table);
}

/* The first side and `count` − 1 others, for one batch. */
static void print_table(const printer *to, int batch, const size_t *sides, size_t count)
{
    char titles[TABLE_COLUMNS][32];
    vgg_column columns[TABLE_COLUMNS] = {{titles[0], false}};
    size_t made = 1;
    snprintf(titles[0], sizeof titles[0], "batch %d, ms", batch);
    for (size_t i = 0; i < count; i++) {
        const char *label = to->comparison->sides[sides[i]].label;
        snprintf(titles[made], sizeof titles[0], "%s", label);
        columns[made] = (vgg_column){titles[made], true};
        made++;
        if (i == 0)
            continue;
        snprintf(titles[made], sizeof titles[0], "%s/%s", label, to->comparison->sides[0].label);
        columns[made] = (vgg_column){titles[made], true};
        made++;
        columns[made++] = (vgg_column){"", false};
    }
    columns[made++] = (vgg_column){"variant", false};
    vgg_table table = {.columns = columns, .column_count = made};
    for (size_t i = 0; i < to->comparison->row_count; i++) {
        const vgg_compare_row *row = &to->comparison->rows[i];
        if (row->batch != batch)
            continue;
        vgg_table_put(&table, row->layer != NULL ? row->layer : "a pass");
        const bool low = has_low_times(to, row);
        for (size_t s = 0; s < count; s++) {
            const vgg_compare_cell *cell = &row->cells[sides[s]];
            put_cell(&table, cell, low ? cell->low_ms : cell->ms, s == 0);
        }
        put_variants(&table, row->cells, sides, count);
    }
    vgg_text_puts(to->text, "\n");
    if (to->markdown)
        vgg_table_finish_markdown(&table, to->text);
    else
        vgg_table_finish(&table, to->style, to->text);
}

static void print_tables(const printer *to, int batch)
{
    size_t sides[SIDES_OF_A_TABLE] = {0}, count = 1;
    for (size_t s = 1; s < to->comparison->side_count; s++) {
        sides[count++] = s;
        if (count == SIDES_OF_A_TABLE || s + 1 == to->comparison->side_count) {
            print_table(to, batch, sides, count);
            count = 1;
        }
    }
}

void cli_compare_text(cli_program *cli, const vgg_comparison *comparison, bool as_markdown)
{
    const printer to = {&cli->out.text, &cli->out_style, comparison, as_markdown};
    for (size_t i = 0; i < comparison->side_count; i++)
        print_side(&to, &comparison->sides[i]);
    bool said = false;
    for (size_t i = 0; i < comparison->row_count; i++)
        for (size_t s = 1; s < comparison->side_count && comparison->rows[i].layer == NULL; s++)
            if (is_judged(&comparison->rows[i].cells[s])) {
                vgg_text_puts(to.text, said ? "" : "\n");
                say_side(&to, &comparison->rows[i], s);
                said = true;
            }
    for (size_t i = 0; i < comparison->row_count; i++)
        if (comparison->rows[i].layer == NULL)
            print_tables(&to, comparison->rows[i].batch);
}

/* cli/verify/verify_results.c — see verify_results.h. */
#include "cli/verify/verify_results.h"

#include <stdio.h>
#include <string.h>

#include "report/device.h"
#include "report/format.h"
#include "report/memory.h"
#include "report/table.h"

static verify_row *row_of(verify_results *results, const char *variant)
{
    size_t i = 0;
    while (i < results->row_count && strcmp(results->rows[i].name, variant) != 0)
        i++;
    if (i == VERIFY_MOST_ROWS)
        return &results->rows[i - 1];
    if (i == results->row_count) {
        results->rows[results->row_count++] = (verify_row){.name = ""};
        snprintf(results->rows[i].name, sizeof results->rows[i].name, "%s", variant);
    }
    return &results->rows[i];
}

void verify_results_count(verify_results *results, const clvgg_verify_event *event)
{
    verify_row *row = row_of(results, event->variant);
    row->verdicts[event->verdict]++;
    if (event->verdict != CLVGG_VERIFY_RIGHT)
        return;
    if (event->error_l2 >= row->error_l2) {
        row->error_l2 = event->error_l2;
        row->error_bound = event->error_bound;
    }
}

static const char *const verdict_names[] = {[CLVGG_VERIFY_RIGHT] = "right",
                                            [CLVGG_VERIFY_WRONG] = "wrong",
                                            [CLVGG_VERIFY_UNBUILDABLE] = "unbuildable",
                                            [CLVGG_VERIFY_REFUSED] = "refused"};

void verify_json_event(vgg_json *json, const clvgg_verify_event *event)
{
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "layers", event->layers);
    vgg_json_string(json, "problem", event->problem);
    vgg_json_string(json, "variant", event->variant);
    vgg_json_string(json, "parameters", event->parameters);
    vgg_json_string(json, "verdict", verdict_names[event->verdict]);
    if (event->verdict <= CLVGG_VERIFY_WRONG) {
        vgg_json_number(json, "error", event->error);
        vgg_json_number(json, "error_l2", event->error_l2);
        vgg_json_number(json, "error_bound", event->error_bound);
    }
    if (event->reason[0] != '\0')
        vgg_json_string(json, "reason", event->reason);
    vgg_json_end(json);
}

/* Nothing where no chain was right. */
static void put_error(vgg_table *table, const verify_row *row, double error)
{
    if (row->verdicts[CLVGG_VERIFY_RIGHT] > 0 && error > 0)
        vgg_text_printf(vgg_table_cell(table), "%.1e", error);
    else if (row->verdicts[CLVGG_VERIFY_RIGHT] > 0)
        vgg_text_puts(vgg_table_cell(table), "exact");
    vgg_table_next(table);
}

void verify_results_print(const verify_results *results, const clvgg_device_info *device,
                          const clvgg_verify_summary *summary, const vgg_style *style,
                          vgg_text *text)
{
    static const vgg_column columns[] = {{"variant", false},    {"right", true},
                                         {"wrong", true},       {"can't run", true},
                                         {"relative L2", true}, {"at most", true}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < results->row_count; i++) {
        const verify_row *row = &results->rows[i];
        if (row->verdicts[CLVGG_VERIFY_RIGHT] + row->verdicts[CLVGG_VERIFY_WRONG] +
                row->verdicts[CLVGG_VERIFY_UNBUILDABLE] ==
            0)
            continue;
        vgg_table_put(&table, row->name);
        for (int v = 0; v < CLVGG_VERIFY_REFUSED; v++) {
            if (v == CLVGG_VERIFY_RIGHT || row->verdicts[v] > 0)
                vgg_text_printf(vgg_table_cell(&table), "%zu", row->verdicts[v]);
            vgg_table_next(&table);
        }
        put_error(&table, row, row->error_l2);
        put_error(&table, row, row->error_bound);
    }
    vgg_report_device_name(text, device);
    vgg_text_puts(text, "\n\n");
    vgg_table_finish(&table, style, text);
    vgg_text_printf(text, "\n%zu %s of layers: %zu right", summary->chains,
                    vgg_plural(summary->chains, "chain", "chains"), summary->right);
    if (summary->wrong > 0)
        vgg_text_printf(text, ", %zu wrong", summary->wrong);
    if (summary->unbuildable > 0)
        vgg_text_printf(text, ", %zu can't be run", summary->unbuildable);
    if (summary->left > 0)
        vgg_text_printf(text, "; %zu %s left", summary->left,
                        vgg_plural(summary->left, "chain", "chains"));
    if (summary->left_values > 0)
        vgg_text_printf(text, "; tunables' values left on %zu", summary->left_values);
    vgg_text_printf(text, "; %.1f s\n", summary->seconds);
}

void verify_json_end(vgg_json *json, const clvgg_verify_summary *summary, const char *error)
{
    vgg_json_end(json); /* results */
    vgg_json_integer(json, "chains", (int64_t)summary->chains);
    vgg_json_integer(json, "right", (int64_t)summary->right);
    vgg_json_integer(json, "wrong", (int64_t)summary->wrong);
    vgg_json_integer(json, "unbuildable", (int64_t)summary->unbuildable);
    vgg_json_integer(json, "left", (int64_t)summary->left);
    vgg_json_integer(json, "left_values", (int64_t)summary->left_values);
    vgg_json_number(json, "seconds", summary->seconds);
    if (error != NULL)
        vgg_json_string(json, "error", error);
    vgg_json_end(json);
}

/* cli/compare/compare_data.c — a comparison for programs: JSON, CSV. */
#include <math.h>

#include "cli/compare/compare.h"
#include "report/format.h"
#include "report/json.h"

static const char *const states[] = {"absent", "wrong", "other layers", "timed"};

/* ---- CSV ---- */

static void put_number(vgg_text *text, double value)
{
    if (isfinite(value))
        vgg_text_json_number(text, value);
    vgg_text_puts(text, ",");
}

void cli_compare_csv(cli_program *cli, const vgg_comparison *comparison)
{
    vgg_text *text = &cli->out.text;
    vgg_text_puts(text,
                  "batch,layer,side,path,rounds,state,ms,low_ms,ratio,low,high,verdict,variant\n");
    for (size_t i = 0; i < comparison->row_count; i++)
        for (size_t s = 0; s < comparison->side_count; s++) {
            const vgg_compare_row *row = &comparison->rows[i];
            const vgg_compare_cell *cell = &row->cells[s];
            vgg_text_printf(text, "%d,", row->batch);
            vgg_text_csv(text, row->layer != NULL ? row->layer : "");
            vgg_text_printf(text, ",%s,", comparison->sides[s].label);
            vgg_text_csv(text, comparison->sides[s].path);
            vgg_text_printf(text, ",%zu,%s,", comparison->sides[s].count, states[cell->state]);
            put_number(text, cell->ms);
            put_number(text, cell->low_ms);
            put_number(text, cell->verdict.ratio);
            put_number(text, cell->verdict.low);
            put_number(text, cell->verdict.high);
            vgg_text_puts(text, s > 0 ? vgg_verdict_names[cell->verdict.kind] : "");
            vgg_text_puts(text, ",");
            vgg_text_csv(text, cell->variant != NULL ? cell->variant : "");
            vgg_text_puts(text, "\n");
        }
}

/* ---- JSON ---- */

static void put_text(vgg_json *json, const char *key, const char *value)
{
    if (value != NULL)
        vgg_json_string(json, key, value);
    else
        vgg_json_raw(json, key, "null");
}

static void put_side(vgg_json *json, const vgg_compare_side *side)
{
    const vgg_bench_file *file = side->files[0];
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "label", side->label);
    vgg_json_string(json, "path", side->path);
    vgg_json_begin_array(json, "files");
    for (size_t i = 0; i < side->count; i++)
        vgg_json_string(json, NULL, side->files[i]->path);
    vgg_json_end(json);
    vgg_json_string(json, "program", file->program);
    put_text(json, "version", file->program_version);
    put_text(json, "commit", file->program_commit);
    vgg_json_string(json, "device", file->device);
    put_text(json, "platform", file->platform);
    vgg_json_string(json, "model", file->model);
    vgg_json_string(json, "storage", file->storage);
    vgg_json_end(json);
}

static void put_cell(vgg_json *json, const char *label, const vgg_compare_cell *cell, bool is_first)
{
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "side", label);
    vgg_json_string(json, "state", states[cell->state]);
    vgg_json_number(json, "ms", cell->ms);
    vgg_json_number(json, "low_ms", cell->low_ms);
    put_text(json, "variant", cell->variant);
    if (!is_first) {
        vgg_json_number(json, "ratio", cell->verdict.ratio);
        vgg_json_numbers(json, "interval", (double[]){cell->verdict.low, cell->verdict.high}, 2);
        vgg_json_string(json, "verdict", vgg_verdict_names[cell->verdict.kind]);
    }
    vgg_json_end(json);
}

void cli_compare_json(cli_program *cli, const vgg_comparison *comparison)
{
    vgg_json json;
    vgg_json_begin(&json, &cli->out.text);
    vgg_json_begin_array(&json, "sides");
    for (size_t i = 0; i < comparison->side_count; i++)
        put_side(&json, &comparison->sides[i]);
    vgg_json_end(&json);
    vgg_json_begin_array(&json, "rows");
    for (size_t i = 0; i < comparison->row_count; i++) {
        const vgg_compare_row *row = &comparison->rows[i];
        vgg_json_begin_object(&json, NULL);
        vgg_json_integer(&json, "batch", row->batch);
        put_text(&json, "layer", row->layer);
        vgg_json_begin_array(&json, "cells");
        for (size_t s = 0; s < comparison->side_count; s++)
            put_cell(&json, comparison->sides[s].label, &row->cells[s], s == 0);
        vgg_json_end(&json);
        vgg_json_end(&json);
    }
    vgg_json_end(&json);
    vgg_json_end(&json);
}

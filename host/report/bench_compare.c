/* report/bench_compare.c — sides from files, rows from sides, verdicts in the cells. */
#include "report/bench_compare.h"

#include <math.h>
#include <string.h>

#include "base/median.h"
#include "base/status.h"
#include "report/bench_work.h"
#include "report/memory.h"

static const double error_of_passes = 0.01, error_of_layers = 0.01; /* of a side, all together */

void vgg_comparison_free(vgg_comparison *comparison)
{
    for (size_t i = 0; i < comparison->side_count; i++)
        vgg_memory_free(comparison->sides[i].files);
    for (size_t i = 0; i < comparison->row_count; i++)
        vgg_memory_free(comparison->rows[i].cells);
    vgg_memory_free(comparison->sides);
    vgg_memory_free(comparison->rows);
    *comparison = (vgg_comparison){0};
}

/* ---- sides ---- */

static vgg_compare_side *find_side(const vgg_comparison *comparison, const vgg_bench_file *file,
                                   size_t operand, bool in_groups, bool in_folder)
{
    for (size_t i = 0; i < comparison->side_count; i++) {
        vgg_compare_side *side = &comparison->sides[i];
        if ((in_groups || (in_folder && side->operand == operand)) &&
            vgg_bench_same_setting(side->files[0], file))
            return side;
    }
    return NULL;
}

static clvgg_status add_side(vgg_comparison *comparison, const char *path, size_t operand,
                             vgg_compare_side **out)
{
    VGG_MEMORY_GROW_PASS(comparison->sides, comparison->side_count + 1, "what is compared");
    *out = &comparison->sides[comparison->side_count];
    **out = (vgg_compare_side){.path = path, .operand = operand};
    vgg_bench_key(comparison->side_count++, (*out)->label);
    return CLVGG_STATUS_OK;
}

/* A benchmark and a driver's threads, one a core, are a load of their own; of what is above that,
 * each running thread takes as much of a processor as they do. A benchmark of a part of the cores
 * leaves others free, so all the machine's count. */
static void note_load(vgg_compare_side *side, const vgg_bench_file *file)
{
    const double load = fmax(file->before.load_average, file->after.load_average);
    const double busy = (load - file->cores - 1) / file->cores; /* NAN where one isn't known */
    if (file->cores > 0 && busy > side->busy) {
        side->busy = busy;
        side->load = load;
    }
}

clvgg_status vgg_comparison_add(vgg_comparison *comparison, const vgg_bench_file *file,
                                const char *operand_path, size_t operand, bool in_groups)
{
    const bool in_folder = strcmp(operand_path, file->path) != 0;
    vgg_compare_side *side = find_side(comparison, file, operand, in_groups, in_folder);
    if (comparison->side_count > 0)
        VGG_PASS(vgg_bench_same_work(comparison->sides[0].files[0], file));
    if (side == NULL)
        VGG_PASS(add_side(comparison, file->path, operand, &side));
    VGG_MEMORY_GROW_PASS(side->files, side->count + 1, "files of a side");
    side->files[side->count++] = file;
    note_load(side, file);
    if (in_folder && side->count > 1)
        side->path = operand_path;
    return CLVGG_STATUS_OK;
}

/* ---- rows ---- */

static bool has_row(const vgg_comparison *comparison, int batch, const char *layer)
{
    for (size_t i = comparison->row_count; i-- > 0;) {
        const vgg_compare_row *row = &comparison->rows[i];
        if (row->batch != batch && layer != NULL)
            return false; /* a batch's rows stand together */
        if (row->batch == batch &&
            (layer == NULL || row->layer == NULL ? row->layer == layer
                                                 : strcmp(row->layer, layer) == 0))
            return true;
    }
    return false;
}

static clvgg_status add_row(vgg_comparison *comparison, int batch, const char *layer, size_t index)
{
    if (has_row(comparison, batch, layer))
        return CLVGG_STATUS_OK;
    if (comparison->row_count == comparison->row_capacity) {
        const size_t capacity = comparison->row_capacity > 0 ? 2 * comparison->row_capacity : 32;
        VGG_MEMORY_GROW_PASS(comparison->rows, capacity, "a comparison's rows");
        comparison->row_capacity = capacity;
    }
    vgg_compare_row *row = &comparison->rows[comparison->row_count++];
    *row = (vgg_compare_row){.batch = batch, .layer = layer, .index = index};
    VGG_MEMORY_NEW_PASS(row->cells, comparison->side_count, "a comparison's cells");
    return CLVGG_STATUS_OK;
}

/* The passes and layers of one batch, in the order in which sides have them. */
static clvgg_status add_rows(vgg_comparison *comparison, int batch)
{
    if (has_row(comparison, batch, NULL))
        return CLVGG_STATUS_OK;
    VGG_PASS(add_row(comparison, batch, NULL, 0));
    for (size_t i = 0; i < comparison->side_count; i++) {
        const vgg_bench_file_result *result =
            vgg_bench_file_result_of(comparison->sides[i].files[0], batch);
        for (size_t j = 0; result != NULL && j < result->layer_count; j++)
            VGG_PASS(add_row(comparison, batch, result->layers[j].name, j));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status add_all_rows(vgg_comparison *comparison)
{
    for (size_t i = 0; i < comparison->side_count; i++) {
        const vgg_bench_file *file = comparison->sides[i].files[0];
        for (size_t j = 0; j < file->result_count; j++)
            VGG_PASS(add_rows(comparison, file->results[j].batch));
    }
    return CLVGG_STATUS_OK;
}

/* ---- cells ---- */

/* What the files of a side have of a row. */
typedef struct series {
    const vgg_bench_samples **runs; /* [count] */
    double *medians;
    size_t count;
    const vgg_bench_file_layer *layer; /* of the first file; NULL: passes */
} series;

static void free_series(series *s)
{
    vgg_memory_free(s->runs);
    vgg_memory_free(s->medians);
}

/* Nearly always every file has a layer in the same place. */
static const vgg_bench_file_layer *find_layer(const vgg_compare_row *row,
                                              const vgg_bench_file_result *result)
{
    return row->index < result->layer_count &&
                   strcmp(result->layers[row->index].name, row->layer) == 0
               ? &result->layers[row->index]
               : vgg_bench_file_layer_of(result, row->layer);
}

/* The series of one file, and how it is there. */
static int collect_file(const vgg_compare_row *row, const vgg_bench_file *file, series *out)
{
    const vgg_bench_file_result *result = vgg_bench_file_result_of(file, row->batch);
    if (result == NULL)
        return VGG_COMPARE_ABSENT;
    if (result->wrong)
        return VGG_COMPARE_WRONG;
    const vgg_bench_file_layer *layer = row->layer != NULL ? find_layer(row, result) : NULL;
    if (row->layer != NULL && layer == NULL)
        return VGG_COMPARE_ABSENT;
    if (out->count == 0)
        out->layer = layer;
    out->medians[out->count] = layer != NULL ? layer->ms : result->median_ms;
    out->runs[out->count++] = layer != NULL ? &layer->samples : &result->samples;
    return VGG_COMPARE_TIMED;
}

/* Collects a side's series, and says in the cell what there is. */
static clvgg_status collect(const vgg_compare_row *row, const vgg_compare_side *side, series *out,
                            vgg_compare_cell *cell)
{
    *out = (series){0};
    *cell = (vgg_compare_cell){
        .ms = NAN, .low_ms = NAN, .verdict = {.ratio = NAN, .low = NAN, .high = NAN, .least = NAN}};
    VGG_MEMORY_NEW_PASS(out->runs, side->count, "a side's runs");
    VGG_MEMORY_NEW_PASS(out->medians, side->count, "a side's medians");
    int state = VGG_COMPARE_TIMED;
    for (size_t i = 0; i < side->count && state == VGG_COMPARE_TIMED; i++)
        state = collect_file(row, side->files[i], out);
    cell->state = state;
    if (state != VGG_COMPARE_TIMED)
        return CLVGG_STATUS_OK;
    double known = 0;
    for (size_t i = 0; i < out->count; i++)
        known += out->medians[i];
    cell->ms = isnan(known) ? NAN : vgg_median(out->medians, out->count);
    cell->variant = out->layer != NULL ? out->layer->variant : NULL;
    return vgg_verdict_time(&(vgg_verdict_side){out->runs, out->count, 0}, &cell->low_ms);
}

/* Steps of one name, but one with a pooling that is a step of its own in the other. */
static bool are_unlike(const vgg_bench_file_layer *one, const vgg_bench_file_layer *other)
{
    return one != NULL && other != NULL && one->layers != NULL && other->layers != NULL &&
           strcmp(one->layers, other->layers) != 0;
}

static clvgg_status judge_row(const vgg_comparison *comparison, const vgg_compare_row *row,
                              double error)
{
    clvgg_status status = CLVGG_STATUS_OK;
    series first = {0}, second = {0};
    VGG_TRY(collect(row, &comparison->sides[0], &first, &row->cells[0]));
    for (size_t i = 1; i < comparison->side_count; i++) {
        vgg_compare_cell *cell = &row->cells[i];
        free_series(&second);
        VGG_TRY(collect(row, &comparison->sides[i], &second, cell));
        if (row->cells[0].state != VGG_COMPARE_TIMED || cell->state != VGG_COMPARE_TIMED)
            continue;
        if (are_unlike(first.layer, second.layer)) {
            cell->state = VGG_COMPARE_UNLIKE;
            continue;
        }
        const vgg_verdict_side sides[] = {{first.runs, first.count, comparison->sides[0].busy},
                                          {second.runs, second.count, comparison->sides[i].busy}};
        VGG_TRY(vgg_verdict_of(&sides[0], &sides[1], error, &cell->verdict));
        if (isnan(cell->verdict.ratio) && row->cells[0].ms > 0 && cell->ms > 0)
            cell->verdict.ratio = cell->ms / row->cells[0].ms;
    }
cleanup:
    free_series(&first);
    free_series(&second);
    return status;
}

clvgg_status vgg_comparison_judge(vgg_comparison *comparison)
{
    VGG_PASS(add_all_rows(comparison));
    size_t passes = 0;
    for (size_t i = 0; i < comparison->row_count; i++)
        passes += comparison->rows[i].layer == NULL;
    for (size_t i = 0; i < comparison->row_count; i++)
        VGG_PASS(judge_row(comparison, &comparison->rows[i],
                           comparison->rows[i].layer == NULL
                               ? error_of_passes / (double)passes
                               : error_of_layers / (double)(comparison->row_count - passes)));
    return CLVGG_STATUS_OK;
}

/* measure/measure.c — repetitions, and the medians of what they took. */
#include "measure/measure.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"

/* A row a pass: its wall time or, when steps are timed, their sum and each of them. */
typedef struct samples {
    double *values; /* [rows][columns] */
    size_t rows, capacity, columns;
} samples;

static clvgg_status add_row(samples *s, double **row)
{
    clvgg_status status = CLVGG_STATUS_OK;
    if (s->rows == s->capacity) {
        const size_t capacity = s->capacity > 0 ? 2 * s->capacity : 4 * VGG_MEASURE_LEAST;
        double *grown = vgg_realloc(s->values, capacity * s->columns, sizeof *grown);
        if (grown == NULL)
            return CLVGG_STATUS_OUT_OF_MEMORY;
        s->values = grown;
        s->capacity = capacity;
    }
    *row = s->values + s->rows++ * s->columns;
    return status;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A column in ascending order, in `sorted` [rows]. */
static void sort_column(const samples *s, size_t column, double *sorted)
{
    for (size_t i = 0; i < s->rows; i++)
        sorted[i] = s->values[i * s->columns + column];
    qsort(sorted, s->rows, sizeof *sorted, ascending);
}

static void note_pass(const vgg_plan *plan, double wall_ms, double *row)
{
    row[0] = wall_ms;
    if (!plan->profile)
        return;
    row[0] = 0;
    for (int i = 0; i < plan->step_count; i++) {
        row[1 + i] = plan->steps[i].stage->ms;
        row[0] += plan->steps[i].stage->ms;
    }
}

static clvgg_status repeat(vgg_plan *plan, int count, const float *input, float *const *outputs,
                           double min_ms, samples *s)
{
    clvgg_status status = CLVGG_STATUS_OK;
    double spent_ms = 0, *row = NULL;
    int warm_ups = 0;
    while (vgg_measure_more(s->rows, spent_ms, min_ms)) {
        const double start = vgg_clock_ms();
        VGG_TRY(vgg_plan_run(plan, count, input, outputs));
        const double wall_ms = vgg_clock_ms() - start;
        if (vgg_measure_is_warm_up(warm_ups++, wall_ms))
            continue;
        VGG_TRY(add_row(s, &row));
        note_pass(plan, wall_ms, row);
        spent_ms += wall_ms;
    }
cleanup:
    return status;
}

clvgg_status vgg_measure_passes(vgg_plan *plan, int count, const float *input,
                                float *const *outputs, double min_ms, vgg_measure *measure)
{
    clvgg_status status = CLVGG_STATUS_OK;
    samples s = {.columns = 1};
    *measure = (vgg_measure){0};
    VGG_TRY(repeat(plan, count, input, outputs, min_ms, &s));
    qsort(s.values, s.rows, sizeof *s.values, ascending);
    measure->repetitions = (int)s.rows;
    measure->median_ms = s.values[s.rows / 2];
    measure->min_ms = s.values[0];
cleanup:
    vgg_free(s.values);
    return status;
}

clvgg_status vgg_measure_steps(vgg_plan *plan, int count, const float *input, float *const *outputs,
                               double min_ms, vgg_measure *measure)
{
    clvgg_status status = CLVGG_STATUS_OK, restored = CLVGG_STATUS_OK;
    samples s = {.columns = 1 + (size_t)plan->step_count};
    double *sorted = NULL;
    VGG_TRY(vgg_plan_set_profile(plan, true));
    VGG_TRY(repeat(plan, count, input, outputs, min_ms, &s));
    VGG_NEW(sorted, s.rows);
    for (size_t column = 0; column < s.columns; column++) {
        sort_column(&s, column, sorted);
        double *median = column == 0 ? &measure->kernel_ms : &plan->steps[column - 1].stage->ms;
        *median = sorted[s.rows / 2];
    }
cleanup:
    restored = vgg_plan_set_profile(plan, false);
    vgg_free(sorted);
    vgg_free(s.values);
    return status != CLVGG_STATUS_OK ? status : restored;
}

/* measure/measure.c — repetitions, and what they took. */
#include "measure/measure.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/median.h"

/* A row a pass: its wall time, then its columns. */
typedef struct rows {
    double *values; /* [count][width] */
    size_t count, capacity, width;
} rows;

/* Room for one row more; *row is that, and is one of the rows once `count` counts it. */
static clvgg_status next_row(rows *r, double **row)
{
    if (r->count == r->capacity) {
        const size_t capacity = r->capacity > 0 ? 2 * r->capacity : 4 * VGG_MEASURE_LEAST;
        double *grown = vgg_realloc(r->values, capacity * r->width, sizeof *grown);
        if (grown == NULL)
            return CLVGG_STATUS_OUT_OF_MEMORY;
        r->values = grown;
        r->capacity = capacity;
    }
    *row = r->values + r->count * r->width;
    return CLVGG_STATUS_OK;
}

/* Looks at a column again when an eighth more of it is there. */
static clvgg_status judge(const rows *r, size_t column, size_t *next, bool *precise)
{
    double *sorted = NULL;
    if (r->count < VGG_MEASURE_LEAST || r->count < *next)
        return CLVGG_STATUS_OK;
    VGG_NEW_PASS(sorted, r->count);
    for (size_t i = 0; i < r->count; i++)
        sorted[i] = r->values[i * r->width + column];
    vgg_median(sorted, r->count); /* sorts */
    *precise = vgg_measure_is_precise(sorted, r->count);
    vgg_free(sorted);
    *next = r->count + r->count / 8 + 1;
    return CLVGG_STATUS_OK;
}

static clvgg_status repeat(const vgg_measured_pass *pass, const vgg_measure_limits *limits, rows *r)
{
    double spent_ms = 0, *row = NULL;
    int warm_ups = 0;
    size_t next = 0;
    bool precise = false;
    while (vgg_measure_more(r->count, spent_ms, limits, precise)) {
        VGG_PASS(next_row(r, &row));
        const double began = vgg_clock_ms();
        if (pass->prepare != NULL)
            VGG_PASS(pass->prepare(pass->prepare_user));
        const double start = vgg_clock_ms();
        VGG_PASS(pass->make(pass->user, row + 1));
        const double end = vgg_clock_ms();
        row[0] = end - start;
        if (vgg_measure_is_warm_up(warm_ups++, end - began))
            continue;
        r->count++;
        spent_ms += end - began;
        VGG_PASS(judge(r, pass->judged, &next, &precise));
    }
    return CLVGG_STATUS_OK;
}

void vgg_timings_free(vgg_timings *timings)
{
    vgg_free(timings->values);
    *timings = (vgg_timings){0};
}

const double *vgg_timings_column(const vgg_timings *timings, size_t column)
{
    return column < timings->columns ? timings->values + column * timings->count : NULL;
}

clvgg_status vgg_timings_describe(const vgg_timings *timings, size_t column, vgg_statistics *out,
                                  double *drift)
{
    double *sorted = NULL;
    VGG_NEW_PASS(sorted, timings->count);
    memcpy(sorted, vgg_timings_column(timings, column), timings->count * sizeof *sorted);
    *drift = vgg_drift_of(sorted, timings->count);
    *out = vgg_statistics_of(sorted, timings->count);
    vgg_free(sorted);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_measure(const vgg_measured_pass *pass, const vgg_measure_limits *limits,
                         vgg_timings *timings)
{
    clvgg_status status = CLVGG_STATUS_OK;
    rows r = {.width = 1 + pass->column_count};
    vgg_timings_free(timings);
    VGG_TRY(repeat(pass, limits, &r));
    VGG_NEW(timings->values, r.count * r.width);
    timings->count = r.count;
    timings->columns = r.width;
    for (size_t row = 0; row < r.count; row++)
        for (size_t column = 0; column < r.width; column++)
            timings->values[column * r.count + row] = r.values[row * r.width + column];
cleanup:
    vgg_free(r.values);
    return status;
}

/* measure/measure.c — repetitions, and the medians of what they took. */
#include "measure/measure.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/median.h"

/* A row a pass: its wall time, then its columns. */
typedef struct samples {
    double *values; /* [rows][width] */
    size_t rows, capacity, width;
} samples;

/* Room for one row more; *row is that, and is part of the samples once `rows` counts it. */
static clvgg_status next_row(samples *s, double **row)
{
    if (s->rows == s->capacity) {
        const size_t capacity = s->capacity > 0 ? 2 * s->capacity : 4 * VGG_MEASURE_LEAST;
        double *grown = vgg_realloc(s->values, capacity * s->width, sizeof *grown);
        if (grown == NULL)
            return CLVGG_STATUS_OUT_OF_MEMORY;
        s->values = grown;
        s->capacity = capacity;
    }
    *row = s->values + s->rows * s->width;
    return CLVGG_STATUS_OK;
}

static clvgg_status repeat(const vgg_measured_pass *pass, double min_ms, samples *s)
{
    double spent_ms = 0, *row = NULL;
    int warm_ups = 0;
    while (vgg_measure_more(s->rows, spent_ms, min_ms)) {
        VGG_PASS(next_row(s, &row));
        const double start = vgg_clock_ms();
        VGG_PASS(pass->make(pass->user, row + 1));
        row[0] = vgg_clock_ms() - start;
        if (vgg_measure_is_warm_up(warm_ups++, row[0]))
            continue;
        s->rows++;
        spent_ms += row[0];
    }
    return CLVGG_STATUS_OK;
}

/* A column in ascending order, in `sorted` [rows]; its median. */
static double sort_column(const samples *s, size_t column, double *sorted)
{
    for (size_t i = 0; i < s->rows; i++)
        sorted[i] = s->values[i * s->width + column];
    return vgg_median(sorted, s->rows);
}

clvgg_status vgg_measure(const vgg_measured_pass *pass, double min_ms, vgg_measurement *out,
                         double *medians)
{
    clvgg_status status = CLVGG_STATUS_OK;
    samples s = {.width = 1 + pass->column_count};
    double *sorted = NULL;
    VGG_TRY(repeat(pass, min_ms, &s));
    VGG_NEW(sorted, s.rows);
    for (size_t i = 0; i < pass->column_count; i++)
        medians[i] = sort_column(&s, 1 + i, sorted);
    out->repetitions = (int)s.rows;
    out->median_ms = sort_column(&s, 0, sorted);
    out->min_ms = sorted[0];
cleanup:
    vgg_free(sorted);
    vgg_free(s.values);
    return status;
}

/* measure/record.c — the figures of a run, and its samples. */
#include "measure/record.h"

#include <math.h>

#include "base/status.h"

void vgg_bench_record_free(vgg_bench_record *record)
{
    vgg_timings_free(&record->passes);
    vgg_timings_free(&record->steps);
}

clvgg_status vgg_bench_record_describe(const vgg_bench_record *record, clvgg_bench_result *result)
{
    vgg_statistics passes;
    VGG_PASS(vgg_timings_describe(&record->passes, 0, &passes, &result->drift));
    result->repetitions = (int)record->passes.count;
    result->median_ms = passes.median;
    result->min_ms = passes.least;
    result->p90_ms = passes.p90;
    result->low_ms = isfinite(passes.low) ? passes.low : 0;
    result->high_ms = isfinite(passes.high) ? passes.high : 0;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_bench_record_step(const vgg_bench_record *record, size_t column, double *ms)
{
    vgg_statistics step;
    double drift;
    VGG_PASS(vgg_timings_describe(&record->steps, column, &step, &drift));
    *ms = step.median;
    return CLVGG_STATUS_OK;
}

static const double *column_of(const vgg_timings *timings, size_t column, size_t *count)
{
    const double *values = vgg_timings_column(timings, column);
    *count = values != NULL ? timings->count : 0;
    return values;
}

const double *vgg_bench_record_samples(const vgg_bench_record *record, clvgg_bench_series series,
                                       size_t *count)
{
    (void)series;
    return column_of(&record->passes, 0, count);
}

const double *vgg_bench_record_step_samples(const vgg_bench_record *record, size_t step,
                                            size_t *count)
{
    return column_of(&record->steps, 2 + step, count);
}

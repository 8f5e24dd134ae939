/* measure/record.c — the passes of a run, its figures, and its samples. */
#define _DEFAULT_SOURCE /* getloadavg() */
#include "measure/record.h"

#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/status.h"
#include "measure/flush.h"

/* The longest that passes are repeated where the caller doesn't say, of the least. */
static const double most_times = 5;

vgg_bench_how vgg_bench_how_of(double min_seconds, double max_seconds, int per_layer, int cold)
{
    const double most = max_seconds > 0 ? max_seconds : most_times * min_seconds;
    return (vgg_bench_how){
        .limits = {min_seconds * 1e3, most * 1e3}, .steps = per_layer != 0, .cold = cold != 0};
}

void vgg_bench_record_free(vgg_bench_record *record)
{
    vgg_timings_free(&record->passes);
    vgg_timings_free(&record->steps);
    vgg_timings_free(&record->cold);
    vgg_timings_free(&record->transfers);
}

static double load_average(void)
{
    double load = -1;
    return getloadavg(&load, 1) == 1 ? load : -1;
}

static clvgg_status measure_cold(vgg_bench_record *record, clvgg_device *device,
                                 const vgg_measured_pass *whole, const vgg_measure_limits *limits)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_flush flush = {0};
    vgg_measured_pass cold = *whole;
    bool able = false;
    cold.prepare = vgg_flush_run;
    cold.prepare_user = &flush;
    VGG_TRY(vgg_flush_open(&flush, device, &able));
    if (flush.no_memory && !record->told_cold)
        vgg_log(CLVGG_LOG_WARNING,
                "no passes with emptied caches: no memory to empty them with: %s", vgg_message());
    record->told_cold = record->told_cold || flush.no_memory;
    if (able)
        VGG_TRY(vgg_measure(&cold, limits, &record->cold));
cleanup:
    vgg_flush_close(&flush);
    return status;
}

clvgg_status vgg_bench_record_passes(vgg_bench_record *record, clvgg_device *device,
                                     const vgg_measured_pass *whole, const vgg_bench_how *how)
{
    record->load[0] = load_average();
    VGG_PASS(vgg_measure(whole, &how->limits, &record->passes));
    record->load[1] = load_average();
    return how->cold ? measure_cold(record, device, whole, &how->limits) : CLVGG_STATUS_OK;
}

clvgg_status vgg_bench_record_transfers(vgg_bench_record *record,
                                        clvgg_status (*make)(void *user, double *columns),
                                        void *user, const vgg_measure_limits *limits)
{
    const vgg_measured_pass transfers = {make, user, .column_count = 2};
    const vgg_measure_limits tenth = {limits->min_ms / 10, limits->max_ms / 10};
    return vgg_measure(&transfers, &tenth, &record->transfers);
}

/* 0 where nothing was measured. */
static clvgg_status median_of(const vgg_timings *timings, size_t column, double *ms)
{
    vgg_statistics s = {0};
    double drift;
    if (timings->count > 0)
        VGG_PASS(vgg_timings_describe(timings, column, &s, &drift));
    *ms = s.median;
    return CLVGG_STATUS_OK;
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
    result->load_before = record->load[0];
    result->load_after = record->load[1];
    VGG_PASS(median_of(&record->cold, 0, &result->cold_ms));
    VGG_PASS(median_of(&record->transfers, 1, &result->upload_ms));
    return median_of(&record->transfers, 2, &result->download_ms);
}

clvgg_status vgg_bench_record_step(const vgg_bench_record *record, size_t column, double *ms)
{
    return median_of(&record->steps, column, ms);
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
    switch (series) {
    case CLVGG_BENCH_COLD:
        return column_of(&record->cold, 0, count);
    case CLVGG_BENCH_UPLOADS:
        return column_of(&record->transfers, 1, count);
    case CLVGG_BENCH_DOWNLOADS:
        return column_of(&record->transfers, 2, count);
    default:
        return column_of(&record->passes, 0, count);
    }
}

const double *vgg_bench_record_step_samples(const vgg_bench_record *record, size_t step,
                                            size_t *count)
{
    return column_of(&record->steps, 2 + step, count);
}

/* measure/record.h — what a bench measured of its latest run. */
#ifndef VGG_MEASURE_RECORD_H
#define VGG_MEASURE_RECORD_H

#include "clvgg/bench.h"
#include "measure/measure.h"
#include "ocl/device.h"

typedef struct vgg_bench_record {
    vgg_timings passes;
    vgg_timings steps; /* columns: a pass with its steps timed, all steps together, then each */
    vgg_timings cold;
    vgg_timings transfers; /* columns: both, in, out */
    double load[2];        /* the system's load average before and after; −1: unknown */
    bool told_cold;        /* it was said why there are no cold passes: once, not for every run */
} vgg_bench_record;

/* How a bench measures. */
typedef struct vgg_bench_how {
    vgg_measure_limits limits;
    bool steps, cold;
} vgg_bench_how;
vgg_bench_how vgg_bench_how_of(double min_seconds, double max_seconds, int per_layer, int cold);

void vgg_bench_record_free(vgg_bench_record *record);
/* Measures whole passes, then with how->cold others before each of which the caches of device and
 * host are emptied, where that is possible. Errors: those of vgg_measure() and vgg_flush_open(). */
clvgg_status vgg_bench_record_passes(vgg_bench_record *record, clvgg_device *device,
                                     const vgg_measured_pass *whole, const vgg_bench_how *how);
/* Measures transfers alone: `make` moves in, then out, and writes how long each took. A tenth of
 * the time is enough for them: they are short. Errors: those of vgg_measure(). */
clvgg_status vgg_bench_record_transfers(vgg_bench_record *record,
                                        clvgg_status (*make)(void *user, double *columns),
                                        void *user, const vgg_measure_limits *limits);
/* Fills in what the result says of whole passes. Errors: OUT_OF_MEMORY. */
clvgg_status vgg_bench_record_describe(const vgg_bench_record *record, clvgg_bench_result *result);
/* The median of the steps' column. Errors: OUT_OF_MEMORY. */
clvgg_status vgg_bench_record_step(const vgg_bench_record *record, size_t column, double *ms);
/* What clvgg_bench_samples() and clvgg_bench_step_samples() give. */
const double *vgg_bench_record_samples(const vgg_bench_record *record, clvgg_bench_series series,
                                       size_t *count);
const double *vgg_bench_record_step_samples(const vgg_bench_record *record, size_t step,
                                            size_t *count);

#endif

/* measure/record.h — what a bench measured of its latest run. */
#ifndef VGG_MEASURE_RECORD_H
#define VGG_MEASURE_RECORD_H

#include "clvgg/bench.h"
#include "measure/measure.h"

typedef struct vgg_bench_record {
    vgg_timings passes;
    vgg_timings steps; /* columns: a pass with its steps timed, all steps together, then each */
} vgg_bench_record;

void vgg_bench_record_free(vgg_bench_record *record);
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

/* measure/head_bench.h — a head with random weights, checked on the host, then timed. */
#ifndef VGG_MEASURE_HEAD_BENCH_H
#define VGG_MEASURE_HEAD_BENCH_H

#include "measure/record.h"
#include "train/head.h"

struct clvgg_train_bench {
    clvgg_device *device; /* retained */
    clvgg_train_bench_options options;
    char names[VGG_HEAD_MOST_LAYERS][16];
    vgg_head_layer layers[VGG_HEAD_MOST_LAYERS];
    vgg_head_options head;
    uint64_t device_bytes, fingerprint;          /* of the latest run, as is what follows */
    vgg_head_stage stages[VGG_HEAD_MOST_STAGES]; /* with medians */
    int stage_count;
    vgg_bench_record record;
};

/* Copies the options, which the caller has checked. Errors: OUT_OF_MEMORY. */
clvgg_status vgg_head_bench_create(clvgg_device *device, const clvgg_train_bench_options *options,
                                   clvgg_train_bench **out);
void vgg_head_bench_free(clvgg_train_bench *bench);
/* Does the work of clvgg_train_bench_run() for steps of result->batch images. */
clvgg_status vgg_head_bench_run(clvgg_train_bench *bench, clvgg_bench_result *result);
/* FLOPs of one image's step. */
uint64_t vgg_head_bench_flops(const clvgg_train_bench *bench);

#endif

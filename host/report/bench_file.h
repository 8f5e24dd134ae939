/* report/bench_file.h — what `clvgg bench --json` wrote, read back. */
#ifndef VGG_REPORT_BENCH_FILE_H
#define VGG_REPORT_BENCH_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "clvgg/status.h"

typedef struct vgg_bench_file_layer {
    char *name, *variant;
    double ms;
} vgg_bench_file_layer;

typedef struct vgg_bench_file_result {
    int batch;
    bool wrong; /* then there are no times */
    double median_ms, min_ms;
    vgg_bench_file_layer *layers;
    size_t layer_count;
} vgg_bench_file_result;

typedef struct vgg_bench_file {
    char *device, *platform, *model;
    char *storage; /* of weights; NULL in files from before there was a choice: f32 */
    double fma_gflops, read_gbps;
    vgg_bench_file_result *results;
    size_t result_count;
} vgg_bench_file;

/* Reads a file that may be anything. *file is zeroed on failure. Errors, each with the path:
 * NOT_FOUND, IO, BAD_FILE, UNSUPPORTED (a newer schema; built without cJSON), OUT_OF_MEMORY. */
clvgg_status vgg_bench_file_read(const char *path, vgg_bench_file *file);
void vgg_bench_file_free(vgg_bench_file *file);
/* The first result of that batch, and the first layer of that name; NULL when there is none. */
const vgg_bench_file_result *vgg_bench_file_result_of(const vgg_bench_file *file, int batch);
const vgg_bench_file_layer *vgg_bench_file_layer_of(const vgg_bench_file_result *result,
                                                    const char *name);

#endif

/* report/bench_file.h — what `clvgg bench` wrote (--json, --out, --submit), read back and checked.
 *
 * What a file doesn't say, or says to be null, is unknown: text NULL, numbers NAN, samples and
 * lists empty, flags false. Older files lack most of it. Times are in ms, the same as in the file.
 */
#ifndef VGG_REPORT_BENCH_FILE_H
#define VGG_REPORT_BENCH_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "clvgg/status.h"

/* Of passes, in order of time. */
typedef struct vgg_bench_samples {
    double *ms; /* [count] */
    size_t count;
} vgg_bench_samples;

/* A flag for which it matters that a file doesn't say it. */
typedef enum vgg_bench_answer { VGG_BENCH_UNKNOWN, VGG_BENCH_NO, VGG_BENCH_YES } vgg_bench_answer;

/* Members of an object whose names aren't fixed. A value that isn't a string is its JSON. */
typedef struct vgg_bench_pair {
    char *name, *value;
} vgg_bench_pair;
typedef struct vgg_bench_pairs {
    vgg_bench_pair *items; /* in the file's order */
    size_t count;
} vgg_bench_pairs;

typedef struct vgg_bench_file_layer {
    char *name, *variant; /* never NULL */
    char *layers, *choice;
    bool tuned;
    double ms; /* NAN where it was shorter than a tick */
    double gflops, executed_gflops, fma_share, read_share;
    double flops, executed_flops, bytes, weight_bytes, intensity, roof_share;
    vgg_bench_samples samples;
} vgg_bench_file_layer;

typedef struct vgg_bench_file_result {
    int batch;
    bool wrong; /* then there are no times */
    bool drifted;
    char *reference, *storage, *fingerprint;
    double error_l2, repetitions, median_ms, min_ms, first_ms, p90_ms, interval_ms[2];
    double gflops, kernel_ms, cold_ms, upload_ms, download_ms, drift, load_average[2];
    double plan_ms, compile_ms, weights_ms, weight_bytes, arena_bytes, unshared_bytes, device_bytes;
    vgg_bench_samples samples, cold_samples;
    vgg_bench_file_layer *layers;
    size_t layer_count;
} vgg_bench_file_result;

typedef struct vgg_bench_sensors {
    double clock_mhz, power_w, temperature_c, load_average;
} vgg_bench_sensors;

typedef struct vgg_bench_file {
    char *path;    /* as it was given, or found in a folder */
    char *program; /* "clvgg", where the file doesn't say */
    char *program_version, *program_commit;
    char *device; /* its name; never NULL */
    char *device_type, *vendor, *platform, *driver_version, *opencl_version;
    double compute_units, device_clock_mhz, global_memory_bytes, native_float_width;
    char *model; /* never NULL */
    char *architecture, *mode, *layer, *optimizer, *clock, *error;
    char *storage, *accumulation; /* "f32" and "float32", where the file doesn't say */
    char *class, *digest, *weights_sha256;
    double weights_seed, classes, flops;
    vgg_bench_answer random_weights;
    bool tuned;
    int input[8]; /* channels, height, width */
    size_t input_count;
    double fma_gflops, read_gbps; /* of "peak" */
    struct {
        bool measured; /* the file has a "roof" */
        double fma_f32_gflops, fma_f16_gflops, matrix_bf16_gflops, dot_int8_gops;
        double read_gbps, write_gbps, copy_gbps, cache_read_gbps, cache_bytes;
        double near_cache_read_gbps, local_gbps;
        double launch_ms, transfer_latency_ms, upload_gbps, download_gbps;
    } roof;
    vgg_bench_sensors before, after;
    char *os, *cpu;
    double cores, memory_bytes; /* of the system */
    vgg_bench_pairs options, environment, kernels;
    vgg_bench_file_result *results;
    size_t result_count;
} vgg_bench_file;

/* Results of any number of files. */
typedef struct vgg_bench_files {
    vgg_bench_file *items;
    size_t count, capacity;
} vgg_bench_files;

/* Appends what a file holds: one result, or one for each device (--device all). Of a folder it
 * appends the *.json that are results, by name; those that are other JSON are passed over, none at
 * all is BAD_FILE. A file may be anything; what was appended before it failed stays. Errors, each
 * with the path and, where a member is at fault, its name: NOT_FOUND, IO, BAD_FILE, UNSUPPORTED (a
 * newer schema; built without cJSON), OUT_OF_MEMORY. */
clvgg_status vgg_bench_files_add(vgg_bench_files *files, const char *path);
void vgg_bench_files_free(vgg_bench_files *files);
/* Reads a file of one result, for one who wants no list. *file is zeroed on failure. Errors: those
 * above; BAD_FILE for a folder or results of several devices. */
clvgg_status vgg_bench_file_read(const char *path, vgg_bench_file *file);
void vgg_bench_file_free(vgg_bench_file *file);

/* The first result of that batch, and the first layer of that name; NULL when there is none. */
const vgg_bench_file_result *vgg_bench_file_result_of(const vgg_bench_file *file, int batch);
const vgg_bench_file_layer *vgg_bench_file_layer_of(const vgg_bench_file_result *result,
                                                    const char *name);
/* The value of a pair, or NULL. */
const char *vgg_bench_pair_of(const vgg_bench_pairs *pairs, const char *name);

#endif

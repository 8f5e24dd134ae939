/* clvgg/bench.h — how fast a device is, and how fast a model runs on it.
 *
 * Nothing is timed before its result was checked against the layers' definition.
 */
#ifndef CLVGG_BENCH_H
#define CLVGG_BENCH_H

#include <stddef.h>

#include "clvgg/finetune.h"
#include "clvgg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A device's peak rates, measured by two loops that do nothing else. */
typedef struct clvgg_peak {
    size_t struct_size;
    double fma_gflops; /* float32 fused multiply-adds, 1e9 FLOPs a second, two a multiply-add */
    double read_gbps;  /* 1e9 bytes a second, read from memory (a buffer larger than caches) */
} clvgg_peak;

/* Measures the device; set peak->struct_size first. Best of 25 launches each, fewer on slow
 * devices, by the device's clock (see clvgg_device_has_clock()). Blocks, about a second where
 * nothing else runs; needs 256 MiB of device memory meanwhile. Errors: OUT_OF_DEVICE_MEMORY,
 * BUILD_FAILED, OPENCL. */
CLVGG_API clvgg_status clvgg_device_measure_peak(clvgg_device *device, clvgg_peak *peak);

/* A model on a device, with the output that its layers' definition gives there. */
typedef struct clvgg_bench clvgg_bench;

typedef struct clvgg_bench_options {
    size_t struct_size;
    clvgg_execution execution;
    const char *output; /* layer to compute, and nothing behind it; NULL: "logits" */
    double min_seconds; /* of timed passes; default 1. At least nine are timed, or a minute long */
    int per_layer;      /* 1: time each step too, in passes of their own */
} clvgg_bench_options;

CLVGG_API void clvgg_bench_options_defaults(clvgg_bench_options *options);

/* Computes the reference: the output for one image of noise, every convolution and dense layer as a
 * plain sum of products (variants conv_direct and dense_direct) with weights of float32. `options`
 * may be NULL; what it points to must stay valid as long as the bench. Retains device and model.
 * Blocks; the definition is slow (seconds for VGG16 on a CPU). Belongs to one thread at a time, as
 * sessions do. Errors: those of clvgg_session_create() and clvgg_session_run(). */
CLVGG_API clvgg_status clvgg_bench_create(clvgg_device *device, clvgg_model *model,
                                          const clvgg_bench_options *options, clvgg_bench **out);
CLVGG_API void clvgg_bench_free(clvgg_bench *bench);

/* Outputs further than this from the reference are wrong: 1e-4 with weights stored as F32, 2e-3 as
 * F16, 1.5e-2 as BF16. */
CLVGG_API double clvgg_bench_error_limit(clvgg_storage storage);

typedef struct clvgg_bench_result {
    size_t struct_size;
    int batch;
    double error_l2; /* relative L2 of the batch's outputs against the reference */
    int wrong;       /* 1: error_l2 is above its limit or no number; then nothing below is timed */
    int repetitions; /* passes behind the median and the minimum */
    double median_ms, min_ms; /* of a pass of the batch, host to host, in the steady state */
    double first_ms;          /* of the session's first pass, which those leave out */
    double kernel_ms;         /* median by the device's clock, all steps; 0 without per_layer */
    double p90_ms;            /* the least time that 90 % of the passes don't exceed */
    double low_ms, high_ms; /* 95 % confidence interval of the median; 0 below six repetitions */
    double drift; /* the median of the later half of the passes over the earlier's, less 1 */
} clvgg_bench_result;

/* Makes a session for `batch` images, checks all its rows (each is the reference's image), then
 * times passes: two to warm up, then until min_seconds have passed. Set result->struct_size first.
 * A wrong session is no error. Blocks. Errors: those of clvgg_session_create() and _run(). */
CLVGG_API clvgg_status clvgg_bench_run(clvgg_bench *bench, int batch, clvgg_bench_result *result);

/* The session that the latest clvgg_bench_run() measured, owned by the bench and replaced by the
 * next run; NULL before. Each step's `ms` is its median by the device's clock, with per_layer. */
CLVGG_API const clvgg_session *clvgg_bench_session(const clvgg_bench *bench);

/* What was timed in a run. */
typedef enum clvgg_bench_series {
    CLVGG_BENCH_PASSES /* result->repetitions of them */
} clvgg_bench_series;

/* All times of the latest run in the order in which they were taken, warm-ups left out: [*count]
 * milliseconds, owned by the bench and valid until its next run. NULL and 0 where there are none, as
 * after a wrong run. */
CLVGG_API const double *clvgg_bench_samples(const clvgg_bench *bench, clvgg_bench_series series,
                                            size_t *count);
/* Likewise those of a step of clvgg_bench_session(), with per_layer; 0: shorter than a tick. */
CLVGG_API const double *clvgg_bench_step_samples(const clvgg_bench *bench, size_t step,
                                                 size_t *count);

/* The training step of clvgg_finetune_run() by itself, on random features and weights. */
typedef struct clvgg_train_bench clvgg_train_bench;

typedef struct clvgg_train_bench_options {
    size_t struct_size;
    int features;    /* of an image, what the first layer reads; default 25088: VGG's at 224×224 */
    int layer_count; /* 1 … 8; default 3 */
    int widths[8];   /* of the layers; the last is the classes; default 4096, 4096, 2 */
    clvgg_activation activation; /* the others as in clvgg_finetune_options, and their defaults */
    clvgg_optimizer optimizer;
    int nesterov;
    double lr, momentum, weight_decay, dropout, label_smoothing;
    double min_seconds; /* of timed steps; default 1. At least nine are timed, or a minute long */
    int per_layer;      /* 1: time each part of a step too, in steps of their own */
} clvgg_train_bench_options;

CLVGG_API void clvgg_train_bench_options_defaults(clvgg_train_bench_options *options);

/* Checks the options and keeps them; `options` may be NULL. Retains the device. Belongs to one
 * thread at a time. Errors: INVALID_ARGUMENT. */
CLVGG_API clvgg_status clvgg_train_bench_create(clvgg_device *device,
                                                const clvgg_train_bench_options *options,
                                                clvgg_train_bench **out);
CLVGG_API void clvgg_train_bench_free(clvgg_train_bench *bench);

/* Puts the layers on the device for steps of `batch` images, has one made and compares losses,
 * biases, weights of some outputs and the optimiser's state with plain loops in double precision on
 * the host (error_l2 is the worst relative L2; seconds for VGG16's layers), then times steps: two
 * to warm up, then until min_seconds have passed. A step is from features in host memory to losses
 * in host memory. Set result->struct_size first. A wrong step is no error. Blocks. Errors:
 * OUT_OF_DEVICE_MEMORY, BUILD_FAILED, NON_FINITE, OPENCL, DEVICE_LOST. */
CLVGG_API clvgg_status clvgg_train_bench_run(clvgg_train_bench *bench, int batch,
                                             clvgg_bench_result *result);

/* The latest run's bytes on the device, and its fingerprint (same fingerprint, same bits). */
CLVGG_API uint64_t clvgg_train_bench_device_bytes(const clvgg_train_bench *bench);
CLVGG_API uint64_t clvgg_train_bench_fingerprint(const clvgg_train_bench *bench);
/* FLOPs of one image's step. */
CLVGG_API uint64_t clvgg_train_bench_flops(const clvgg_train_bench *bench);

/* Parts of a step, of the latest run with per_layer; `layers` is "fc6 update", weight_bytes what is
 * read and written of weights and state, ms the median by the device's clock. Set
 * step->struct_size first. Errors: NOT_FOUND. */
CLVGG_API size_t clvgg_train_bench_step_count(const clvgg_train_bench *bench);
CLVGG_API clvgg_status clvgg_train_bench_step(const clvgg_train_bench *bench, size_t index,
                                              clvgg_step_info *step);
/* As clvgg_bench_samples() and clvgg_bench_step_samples(). */
CLVGG_API const double *clvgg_train_bench_samples(const clvgg_train_bench *bench,
                                                  clvgg_bench_series series, size_t *count);
CLVGG_API const double *clvgg_train_bench_step_samples(const clvgg_train_bench *bench, size_t step,
                                                       size_t *count);

#ifdef __cplusplus
}
#endif
#endif

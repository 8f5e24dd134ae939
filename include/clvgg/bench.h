/* clvgg/bench.h — how fast a device is, and how fast a model runs on it.
 *
 * Nothing is timed before its result was checked against a reference.
 */
#ifndef CLVGG_BENCH_H
#define CLVGG_BENCH_H

#include <stddef.h>
#include <stdint.h>

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
 * nothing else runs; needs 256 MiB of device memory meanwhile, or four times the device's caches.
 * Errors: OUT_OF_DEVICE_MEMORY, OUT_OF_MEMORY, BUILD_FAILED, OPENCL, UNSUPPORTED (the loops' results
 * are wrong, or by the device's clock the loops take no time). */
CLVGG_API clvgg_status clvgg_device_measure_peak(clvgg_device *device, clvgg_peak *peak);

/* The most that a device can do: what bounds any program on it. Every rate is of work whose result
 * was seen to be right. 0: the device has nothing of the kind, or it gave wrong results, which is
 * logged. */
typedef struct clvgg_roof {
    size_t struct_size;
    /* Arithmetic out of registers, 1e9 operations a second, two a multiply-add. */
    double fma_f32_gflops;     /* as clvgg_peak */
    double fma_f16_gflops;     /* with cl_khr_fp16 */
    double matrix_bf16_gflops; /* of a matrix unit that kernels can use: AMX */
    double dot_int8_gops;      /* sums of four products of bytes, with cl_khr_integer_dot_product */
    /* Memory, in buffers larger than caches, 1e9 bytes a second. */
    double read_gbps, write_gbps;
    double copy_gbps; /* read and written bytes together */
    /* Caches and local memory, all of the device's together. */
    double cache_read_gbps;      /* of the last cache before memory, through half of its bytes */
    uint64_t cache_bytes;        /* of that cache, as driver or system tell */
    double near_cache_read_gbps; /* of what lies nearest to a core or compute unit: 16 KiB */
    double local_gbps;           /* read from local memory, which on CPUs is the near cache */
    /* Between host and device, host to host. */
    double launch_ms;                  /* of one work-group that does nothing, until it is seen */
    double transfer_latency_ms;        /* of four bytes, the mean of both directions */
    double upload_gbps, download_gbps; /* of 64 MiB of plain host memory */
} clvgg_roof;

/* Measures the device; set roof->struct_size first. Best of 25 launches each, fewer on slow
 * devices, as clvgg_device_measure_peak(). Blocks, some five seconds where nothing else runs; needs
 * twice that one's device memory, and 128 MiB of the host's. Errors: as that one's. */
CLVGG_API clvgg_status clvgg_device_measure_roof(clvgg_device *device, clvgg_roof *roof);

/* What the system shows of a device's state, which speed depends on. A value that can't be read is
 * NAN, and its text says why; else that is "". */
enum { CLVGG_SENSOR_WHY = 160 };
typedef struct clvgg_sensors {
    size_t struct_size;
    double clock_mhz; /* of a CPU's processors the mean */
    double power_w;   /* of a CPU all its packages */
    double temperature_c;
    double load_average; /* of the machine, a minute's */
    char clock_why[CLVGG_SENSOR_WHY], power_why[CLVGG_SENSOR_WHY];
    char temperature_why[CLVGG_SENSOR_WHY], load_why[CLVGG_SENSOR_WHY];
} clvgg_sensors;

/* Reads Linux's cpufreq, RAPL, hwmon and thermal zones for CPUs, the card of the same PCI address
 * for GPUs of AMD and Intel, NVIDIA's NVML. Set sensors->struct_size first. Takes a tenth of a
 * second where power is a counter of energy. What can't be read is no error. */
CLVGG_API clvgg_status clvgg_device_read_sensors(const clvgg_device *device,
                                                 clvgg_sensors *sensors);

/* A model on a device, with what its output should be. */
typedef struct clvgg_bench clvgg_bench;

typedef struct clvgg_bench_options {
    size_t struct_size;
    clvgg_execution execution;
    const char *output; /* layer to compute, and nothing behind it; NULL: "logits" */
    double min_seconds; /* of timed passes; default 1. At least nine are timed, or a minute long */
    int per_layer;      /* 1: time each step too, in passes of their own */
    double max_seconds; /* where the median stays imprecise; 0, the default: 5 × min_seconds; else
                         * min_seconds at least */
    int cold;           /* 1, the default: time passes with caches emptied before each, too */
} clvgg_bench_options;

CLVGG_API void clvgg_bench_options_defaults(clvgg_bench_options *options);

/* What outputs are compared with. */
typedef enum clvgg_bench_reference {
    CLVGG_BENCH_DEFINITION, /* the layers' definition, computed when the bench is made */
    CLVGG_BENCH_FLOAT64     /* logits computed in float64 by another program, which come with this */
} clvgg_bench_reference;

/* Images of noise that a network of random weights is quantised by where INT8 is asked for: what is
 * timed is the quantised one. */
enum { CLVGG_BENCH_CALIBRATION = 4 };

/* Has a reference: the output for one image of noise. The logits of standard networks are there:
 * vgg11, vgg13, vgg16 and vgg19 of 1000 classes and 224 x 224 pixels, by clvgg_model_random_weights()
 * with seed 1. Those of others are computed, every convolution and dense layer as a plain sum of
 * products (variants conv_direct and dense_direct) with weights of float32. `options` may be NULL;
 * what it points to must stay valid as long as the bench. Retains device and model. Blocks; the
 * definition is slow (seconds for VGG16 on a CPU). Belongs to one thread at a time, as sessions do.
 * Errors: those of clvgg_session_create() and clvgg_session_run(). */
CLVGG_API clvgg_status clvgg_bench_create(clvgg_device *device, clvgg_model *model,
                                          const clvgg_bench_options *options, clvgg_bench **out);
CLVGG_API void clvgg_bench_free(clvgg_bench *bench);

/* The seed of a model's clvgg_model_random_weights(), and the SHA-256 in hexadecimal of all tensors'
 * float32 in the graph's order, little-endian: known for standard networks, else computed, a second
 * for each 400 MB. Errors: NOT_FOUND (the weights are others). */
CLVGG_API clvgg_status clvgg_bench_weights(const clvgg_bench *bench, uint64_t *seed,
                                           char sha256[65]);

/* The SHA-256 of a standard network's weights of seed 1, as clvgg_bench_weights() gives it; NULL: no
 * such network. */
CLVGG_API const char *clvgg_bench_published_weights(const char *architecture);

/* Outputs further than this from the reference are wrong: 1e-4 with weights stored as F32, 2e-3 as
 * F16, 1.5e-2 as BF16, 5e-2 as INT8. A network with quantised values may be 0.5 off with the others:
 * there a sum's last bit decides which of two levels a value comes to. */
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
    clvgg_bench_reference reference; /* what the outputs were compared with */
    double cold_ms; /* median of passes with caches emptied before each; 0: not measured */
    double upload_ms, download_ms; /* medians of the transfers in and out alone; 0: not measured */
    double load_before, load_after; /* the system's load average; -1: unknown */
    double drift; /* the median of the later half of the passes over the earlier's, less 1 */
} clvgg_bench_result;

/* Makes a session for `batch` images, checks all its rows (each is the reference's image), then
 * times passes: two to warm up, then until min_seconds have passed and half the interval of the
 * median is below 1 % of it, or max_seconds have passed, or 10000 passes are there; and so the other
 * series. Caches are emptied by reading and writing buffers several times as large: of the device,
 * and of the host where that is another; not where a device would take seconds for it. Set
 * result->struct_size first. A wrong session is no error. Blocks. Errors: those of clvgg_session_create() and _run(). */
CLVGG_API clvgg_status clvgg_bench_run(clvgg_bench *bench, int batch, clvgg_bench_result *result);

/* The session that the latest clvgg_bench_run() measured, owned by the bench and replaced by the
 * next run; NULL before. Each step's `ms` is its median by the device's clock, with per_layer. */
CLVGG_API const clvgg_session *clvgg_bench_session(const clvgg_bench *bench);

/* What was timed in a run. */
typedef enum clvgg_bench_series {
    CLVGG_BENCH_PASSES, /* result->repetitions of them */
    CLVGG_BENCH_COLD,   /* passes with caches emptied before each */
    CLVGG_BENCH_UPLOADS, CLVGG_BENCH_DOWNLOADS /* alone, by the host's clock */
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
    double max_seconds; /* as in clvgg_bench_options */
    int cold;
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
 * to warm up, then until min_seconds have passed, and transfers in and out alone. A step is from
 * features in host memory to losses in host memory. Set result->struct_size first. A wrong step is no error. Blocks. Errors:
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

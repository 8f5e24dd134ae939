/* cli/bench/bench.h — what `clvgg bench` measures, and its two ways of showing it.
 *
 * cmd_bench.c parses and measures; bench_training.c is what is different for training;
 * bench_roof.c is the device's roof, bench_system.c the machine, bench_submit.c a result to hand
 * on; bench_layer.c works out figures of a step; bench_text.c and bench_json.c show each result as
 * it comes, because a batch's session is gone with the next. What `clvgg compare` reads of the JSON
 * is in report/bench_file.c.
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli/context.h"
#include "clvgg/bench.h"
#include "report/json.h"
#include "report/text_file.h"

typedef struct cli_bench_arguments {
    cli_context_arguments context;
    cli_execution_arguments execution;
    const char *layer, *out, *submit, *head;
    int mode, classes, optimizer;
    cli_counts batches;
    float min_time, max_time; /* max_time 0: five times min_time */
    bool no_cold, per_layer, roof, json;
} cli_bench_arguments;

enum { CLI_BENCH_INFER, CLI_BENCH_FINETUNE }; /* --mode */

typedef struct cli_benchmark {
    cli_program *cli;
    const cli_bench_arguments *arguments;
    cli_context context;
    uint64_t flops; /* of one image, up to --layer */
    bool seeded;    /* the weights are random ones, of this seed and hash */
    uint64_t seed;
    char weights_sha256[65];
    clvgg_peak peak;
    clvgg_roof roof; /* with --roof */
    clvgg_sensors before, after;
    int has_clock; /* the device */
    clvgg_bench *bench;
    clvgg_train_bench *training; /* with --mode finetune, instead */
    clvgg_train_bench_options training_options;
    clvgg_bench_result results[CLI_COUNTS_MOST];
    size_t result_count;
    bool tuned;                /* a step of any of them */
    vgg_text_file *file;       /* of --out */
    vgg_text_file *submission; /* of --submit */
    bool submitted;            /* that is whole, and stands */
    vgg_text json_text;        /* the JSON object, whole at the end */
    vgg_json json;
    vgg_json *devices; /* where the object goes with --device all; NULL: to the output */
} cli_benchmark;

/* Refuses options that contradict --mode; creates the bench of training steps. */
clvgg_status cli_bench_training_check(cli_program *cli, const cli_bench_arguments *arguments);
clvgg_status cli_bench_training_create(cli_benchmark *run);
/* "25088-4096-4096-2". */
void cli_bench_training_name(const cli_benchmark *run, vgg_text *text);
/* Members that only training has: of the object, of a result. */
void cli_bench_training_json(cli_benchmark *run);
void cli_bench_training_result_json(cli_benchmark *run);

/* Reads the device's sensors, measures its peak, and with --roof its roof; shows that, without
 * --roof nothing. */
clvgg_status cli_bench_measure_limits(cli_benchmark *run);
void cli_bench_roof_json(cli_benchmark *run);
/* Measures the roof again, of which the better figures stay. */
clvgg_status cli_bench_improve_roof(cli_benchmark *run);
void cli_bench_roof_text(cli_benchmark *run);
/* Reads the sensors again; shows both readings, as text with --roof alone. */
void cli_bench_sensors_end(cli_benchmark *run);
void cli_bench_sensors_json(cli_benchmark *run);
void cli_bench_sensors_text(cli_benchmark *run);

/* The machine and its environment. */
void cli_bench_system_json(cli_benchmark *run);
/* Why it ended early, without names of users and hosts, and folders. */
void cli_bench_error_json(cli_benchmark *run, const char *error);
/* Takes names of users and hosts, and paths, out of what the driver says of the device. */
void cli_bench_scrub_device(cli_benchmark *run);

/* Refuses options that contradict --submit; the model's name as results have it, without folders
 * where they are handed on. */
clvgg_status cli_bench_submit_check(cli_program *cli, const cli_bench_arguments *arguments);
const char *cli_bench_model_name(const cli_benchmark *run);
/* Ends the JSON object behind its results, instead of cli_bench_json_end(), with kernels, class and
 * digest. Errors: UNSUPPORTED, where `clvgg check-result` would refuse it; those of the roof. */
clvgg_status cli_bench_submit_end(cli_benchmark *run);

/* Timed steps of the latest result. */
size_t cli_bench_step_count(const cli_benchmark *run);
bool cli_bench_step(const cli_benchmark *run, size_t index, clvgg_step_info *step);
/* Its times, and those of whole passes: [*count], NULL and 0 where there are none. */
const double *cli_bench_step_samples(const cli_benchmark *run, size_t index, size_t *count);
const double *cli_bench_samples(const cli_benchmark *run, clvgg_bench_series series, size_t *count);

/* Device, model and peak; the latest result; what ends the output. `error` is why it ended early,
 * or NULL. */
void cli_bench_text_begin(cli_benchmark *run);
void cli_bench_text_result(cli_benchmark *run);
void cli_bench_text_end(cli_benchmark *run);
void cli_bench_json_begin(cli_benchmark *run);
void cli_bench_json_result(cli_benchmark *run);
void cli_bench_json_end(cli_benchmark *run, const char *error);
/* The members between the results and what ends the object. */
void cli_bench_json_members(cli_benchmark *run);

/* A step of the latest result, in the units that are shown; direct-equivalent unless it says. NAN
 * where its time is unknown: shorter than a tick. */
typedef struct cli_bench_layer {
    char name[96];      /* of the layer that gives the step its name: "conv1_2" */
    const char *layers; /* all of them: "conv1_2+relu1_2+pool1"; valid with the step */
    const char *variant, *choice;
    bool tuned;
    uint64_t flops, executed_flops; /* of the batch */
    uint64_t weight_bytes;
    uint64_t bytes;   /* that are read or written once at least: weights and values */
    double intensity; /* executed FLOPs a byte */
    double ms, gflops, executed_gflops;
    double fma_share;  /* gflops of the device's peak */
    double read_share; /* weight bytes a second of the device's peak */
    double roof_share; /* the least time that arithmetic and memory allow, of its time */
} cli_bench_layer;

cli_bench_layer cli_bench_describe(const cli_benchmark *run, const clvgg_step_info *step);
/* Says whether the halves of a result's passes differ by more than 5 %. */
bool cli_bench_drifted(const clvgg_bench_result *result);
/* 1e9 FLOPs a second; NAN for no time. */
double cli_bench_gflops(uint64_t flops, int batch, double ms);

#endif

/* api/api_train_bench.c — the part of clvgg/bench.h that is about training. */
#include <math.h>
#include <stdio.h>

#include "api/scope.h"
#include "measure/head_bench.h"

enum { MOST_WIDTHS = sizeof((clvgg_train_bench_options){0}).widths / sizeof(int) };

void clvgg_train_bench_options_defaults(clvgg_train_bench_options *options)
{
    if (options == NULL)
        return;
    clvgg_finetune_options training;
    clvgg_finetune_options_defaults(&training);
    *options = (clvgg_train_bench_options){.struct_size = sizeof *options,
                                           .features = 25088,
                                           .layer_count = 3,
                                           .widths = {4096, 4096, 2},
                                           .activation = training.activation,
                                           .optimizer = training.optimizer,
                                           .lr = 1e-3,
                                           .momentum = training.momentum,
                                           .weight_decay = training.weight_decay,
                                           .dropout = training.dropout,
                                           .label_smoothing = training.label_smoothing,
                                           .min_seconds = 1,
                                           .cold = 1};
}

clvgg_status clvgg_train_bench_create(clvgg_device *device,
                                      const clvgg_train_bench_options *options,
                                      clvgg_train_bench **out)
{
    VGG_API_OUT(out);
    VGG_API_REQUIRE(device != NULL);
    VGG_API_OPTIONS(clvgg_train_bench_options, options);
    VGG_API_REQUIRE(options->features >= 1);
    VGG_API_REQUIRE(options->layer_count >= 1 && options->layer_count <= MOST_WIDTHS);
    for (int i = 0; i < options->layer_count; i++)
        VGG_API_REQUIRE(options->widths[i] >= 1);
    VGG_API_REQUIRE(options->activation >= CLVGG_ACTIVATION_RELU &&
                    options->activation <= CLVGG_ACTIVATION_SIGMOID);
    VGG_API_REQUIRE(options->optimizer >= CLVGG_OPTIMIZER_SGD &&
                    options->optimizer <= CLVGG_OPTIMIZER_ADAMW);
    VGG_API_REQUIRE(isfinite(options->lr) && options->lr >= 0);
    VGG_API_REQUIRE(options->momentum >= 0 && options->momentum < 1);
    VGG_API_REQUIRE(isfinite(options->weight_decay) && options->weight_decay >= 0);
    VGG_API_REQUIRE(options->dropout >= 0 && options->dropout < 1);
    VGG_API_REQUIRE(options->label_smoothing >= 0 && options->label_smoothing < 1);
    VGG_API_REQUIRE(options->min_seconds >= 0);
    VGG_API_REQUIRE(options->max_seconds == 0 || options->max_seconds >= options->min_seconds);
    VGG_API_RETURN(&device->runtime->scope, vgg_head_bench_create(device, options, out));
}

void clvgg_train_bench_free(clvgg_train_bench *bench)
{
    vgg_head_bench_free(bench);
}

clvgg_status clvgg_train_bench_run(clvgg_train_bench *bench, int batch, clvgg_bench_result *result)
{
    VGG_API_REQUIRE(bench != NULL);
    VGG_API_REQUIRE(batch >= 1 && batch <= 65536);
    VGG_API_STRUCT(result);
    *result = (clvgg_bench_result){.struct_size = sizeof *result, .batch = batch};
    VGG_API_RETURN(&bench->device->runtime->scope, vgg_head_bench_run(bench, result));
}

uint64_t clvgg_train_bench_device_bytes(const clvgg_train_bench *bench)
{
    return bench->device_bytes;
}

uint64_t clvgg_train_bench_fingerprint(const clvgg_train_bench *bench)
{
    return bench->fingerprint;
}

uint64_t clvgg_train_bench_flops(const clvgg_train_bench *bench)
{
    return vgg_head_bench_flops(bench);
}

size_t clvgg_train_bench_step_count(const clvgg_train_bench *bench)
{
    return (size_t)bench->stage_count;
}

static clvgg_status describe_step(const clvgg_train_bench *bench, size_t index,
                                  clvgg_step_info *step)
{
    if (index >= (size_t)bench->stage_count)
        return vgg_fail(CLVGG_STATUS_NOT_FOUND, "a step has %d timed parts, not %zu",
                        bench->stage_count, index + 1);
    const vgg_head_stage *stage = &bench->stages[index];
    *step = (clvgg_step_info){.struct_size = sizeof *step,
                              .type = "",
                              .variant = stage->variant,
                              .flops = stage->flops,
                              .executed_flops = stage->flops,
                              .weight_bytes = stage->weight_bytes,
                              .ms = stage->ms};
    snprintf(step->layers, sizeof step->layers, "%s", stage->name);
    return CLVGG_STATUS_OK;
}

clvgg_status clvgg_train_bench_step(const clvgg_train_bench *bench, size_t index,
                                    clvgg_step_info *step)
{
    VGG_API_REQUIRE(bench != NULL);
    VGG_API_STRUCT(step);
    VGG_API_RETURN(&bench->device->runtime->scope, describe_step(bench, index, step));
}

const double *clvgg_train_bench_samples(const clvgg_train_bench *bench, clvgg_bench_series series,
                                        size_t *count)
{
    return vgg_bench_record_samples(&bench->record, series, count);
}

const double *clvgg_train_bench_step_samples(const clvgg_train_bench *bench, size_t step,
                                             size_t *count)
{
    return vgg_bench_record_step_samples(&bench->record, step, count);
}

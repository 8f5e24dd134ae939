/* api/api_train_bench.c — the part of clvgg/bench.h that is about training: a head with random
 * weights, checked on the host, then timed.
 */
#include <math.h>
#include <stdio.h>

#include "api/scope.h"
#include "base/alloc.h"
#include "base/random.h"
#include "clvgg/bench.h"
#include "measure/head_check.h"
#include "measure/head_measure.h"

struct clvgg_train_bench {
    clvgg_device *device; /* retained */
    clvgg_train_bench_options options;
    char names[VGG_HEAD_MOST_LAYERS][16];
    vgg_head_layer layers[VGG_HEAD_MOST_LAYERS];
    vgg_head_options head;
    uint64_t device_bytes, fingerprint; /* of the latest run, as is what follows */
    vgg_head_measurement measurement;
};

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
                                           .min_seconds = 1};
}

/* Names as VGG's: the last layer is fc8. */
static void describe_layers(clvgg_train_bench *bench)
{
    const clvgg_train_bench_options *o = &bench->options;
    for (int i = 0; i < o->layer_count; i++) {
        snprintf(bench->names[i], sizeof *bench->names, "fc%d", 9 - o->layer_count + i);
        bench->layers[i] = (vgg_head_layer){.name = bench->names[i],
                                            .inputs = i > 0 ? o->widths[i - 1] : o->features,
                                            .outputs = o->widths[i],
                                            .activation = o->activation,
                                            .dropout = (float)o->dropout};
    }
    bench->head = (vgg_head_options){.layers = bench->layers,
                                     .layer_count = o->layer_count,
                                     .optimizer = o->optimizer,
                                     .nesterov = o->nesterov != 0,
                                     .label_smoothing = (float)o->label_smoothing,
                                     .seed = 1};
}

static clvgg_status create(clvgg_device *device, const clvgg_train_bench_options *options,
                           clvgg_train_bench **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_NEW(*out, 1);
    (*out)->options = *options;
    vgg_device_retain(device);
    (*out)->device = device;
    describe_layers(*out);
cleanup:
    return status;
}

clvgg_status clvgg_train_bench_create(clvgg_device *device,
                                      const clvgg_train_bench_options *options,
                                      clvgg_train_bench **out)
{
    VGG_API_REQUIRE(out != NULL);
    *out = NULL;
    VGG_API_REQUIRE(device != NULL);
    clvgg_train_bench_options defaults;
    clvgg_train_bench_options_defaults(&defaults);
    if (options == NULL)
        options = &defaults;
    VGG_API_REQUIRE(options->struct_size == sizeof *options);
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
    VGG_API_RETURN(&device->runtime->scope, create(device, options, out));
}

void clvgg_train_bench_free(clvgg_train_bench *bench)
{
    if (bench == NULL)
        return;
    vgg_device_release(bench->device);
    vgg_free(bench);
}

/* Uniform in −1…1; the same in every run. */
static float noise(uint64_t stream, uint64_t index)
{
    return (float)(2 * vgg_random_unit(vgg_random_bits(vgg_random_bits(stream) ^ index)) - 1);
}

/* Weights that keep the values' size from layer to layer (He et al. 2015); small biases. */
static clvgg_status initial_value(void *user, int layer, bool bias, uint64_t first, uint64_t count,
                                  float *values)
{
    const clvgg_train_bench *bench = user;
    const float bound = bias ? 0.1f : (float)sqrt(6.0 / (double)bench->layers[layer].inputs);
    for (uint64_t i = 0; i < count; i++)
        values[i] = bound * noise((uint64_t)(2 * layer + bias), first + i);
    return CLVGG_STATUS_OK;
}

/* Features as behind a ReLU, and classes in turns. */
static void fill_batch(const clvgg_train_bench *bench, int batch, float *features, int32_t *labels)
{
    const size_t count = (size_t)batch * (size_t)bench->options.features;
    const int classes = bench->options.widths[bench->options.layer_count - 1];
    for (size_t i = 0; i < count; i++) {
        const float value = noise(1000, i);
        features[i] = value < 0 ? 0 : value;
    }
    for (int i = 0; i < batch; i++)
        labels[i] = i % classes;
}

static clvgg_status run(clvgg_train_bench *bench, int batch, clvgg_bench_result *result)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_train_bench_options *o = &bench->options;
    vgg_head *head = NULL;
    float *features = NULL;
    int32_t *labels = NULL;
    vgg_head_step step = {.step = 2,
                          .lr = o->lr,
                          .momentum = o->momentum,
                          .beta2 = 0.999,
                          .epsilon = 1e-8,
                          .weight_decay = o->weight_decay};
    bench->measurement = (vgg_head_measurement){0};
    bench->head.max_batch = batch;
    VGG_NEW(features, (size_t)batch * (size_t)o->features);
    VGG_NEW(labels, (size_t)batch);
    fill_batch(bench, batch, features, labels);
    VGG_TRY(vgg_head_create(bench->device, &bench->head, initial_value, bench, &head));
    bench->device_bytes = vgg_head_bytes(head);
    bench->fingerprint = vgg_head_fingerprint(head);
    VGG_TRY(vgg_head_check(head, &bench->head, initial_value, bench, batch, features, labels, &step,
                           &result->error_l2, &result->first_ms));
    result->wrong = !(result->error_l2 <= clvgg_bench_error_limit(CLVGG_STORAGE_F32));
    if (result->wrong)
        goto cleanup;
    VGG_TRY(vgg_head_time_steps(head, batch, features, labels, &step, o->min_seconds * 1e3,
                                o->per_layer != 0, &bench->measurement));
    result->repetitions = bench->measurement.repetitions;
    result->median_ms = bench->measurement.median_ms;
    result->min_ms = bench->measurement.min_ms;
    result->kernel_ms = bench->measurement.kernel_ms;
cleanup:
    vgg_head_free(head);
    vgg_free(features);
    vgg_free(labels);
    return status;
}

clvgg_status clvgg_train_bench_run(clvgg_train_bench *bench, int batch, clvgg_bench_result *result)
{
    VGG_API_REQUIRE(bench != NULL);
    VGG_API_REQUIRE(batch >= 1 && batch <= 65536);
    VGG_API_REQUIRE(result != NULL);
    VGG_API_REQUIRE(result->struct_size == sizeof *result);
    *result = (clvgg_bench_result){.struct_size = sizeof *result, .batch = batch};
    VGG_API_RETURN(&bench->device->runtime->scope, run(bench, batch, result));
}

uint64_t clvgg_train_bench_device_bytes(const clvgg_train_bench *bench)
{
    return bench->device_bytes;
}

uint64_t clvgg_train_bench_fingerprint(const clvgg_train_bench *bench)
{
    return bench->fingerprint;
}

/* Forward, weight gradient, and the data gradient of all but the first layer. */
uint64_t clvgg_train_bench_flops(const clvgg_train_bench *bench)
{
    uint64_t flops = 0;
    for (int i = 0; i < bench->options.layer_count; i++)
        flops += (i > 0 ? 6u : 4u) * (uint64_t)bench->layers[i].inputs *
                 (uint64_t)bench->layers[i].outputs;
    return flops;
}

size_t clvgg_train_bench_step_count(const clvgg_train_bench *bench)
{
    return (size_t)bench->measurement.stage_count;
}

static clvgg_status describe_step(const clvgg_train_bench *bench, size_t index,
                                  clvgg_step_info *step)
{
    if (index >= (size_t)bench->measurement.stage_count)
        return vgg_fail(CLVGG_STATUS_NOT_FOUND, "a step has %d timed parts, not %zu",
                        bench->measurement.stage_count, index + 1);
    const vgg_head_stage *stage = &bench->measurement.stages[index];
    *step = (clvgg_step_info){.struct_size = sizeof *step,
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
    VGG_API_REQUIRE(step != NULL);
    VGG_API_REQUIRE(step->struct_size == sizeof *step);
    VGG_API_RETURN(&bench->device->runtime->scope, describe_step(bench, index, step));
}

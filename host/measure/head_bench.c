/* measure/head_bench.c — random weights and features, the check, and steps that are timed. */
#include "measure/head_bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "measure/head_check.h"
#include "measure/plan_bench.h"

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

clvgg_status vgg_head_bench_create(clvgg_device *device, const clvgg_train_bench_options *options,
                                   clvgg_train_bench **out)
{
    VGG_NEW_PASS(*out, 1);
    (*out)->options = *options;
    vgg_device_retain(device);
    (*out)->device = device;
    describe_layers(*out);
    return CLVGG_STATUS_OK;
}

void vgg_head_bench_free(clvgg_train_bench *bench)
{
    if (bench == NULL)
        return;
    vgg_bench_record_free(&bench->record);
    vgg_device_release(bench->device);
    vgg_free(bench);
}

/* Forward, weight gradient, and the data gradient of all but the first layer. */
uint64_t vgg_head_bench_flops(const clvgg_train_bench *bench)
{
    uint64_t flops = 0;
    for (int i = 0; i < bench->options.layer_count; i++)
        flops += (i > 0 ? 6u : 4u) * (uint64_t)bench->layers[i].inputs *
                 (uint64_t)bench->layers[i].outputs;
    return flops;
}

/* ---- values ---- */

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

/* ---- steps ---- */

typedef struct repeated_step {
    const vgg_head_example *example;
    vgg_head_step step;
    float *losses;
} repeated_step;

static clvgg_status make_step(void *user, double *columns)
{
    repeated_step *s = user;
    const vgg_head_example *e = s->example;
    (void)columns;
    const clvgg_status status =
        vgg_head_train(e->head, e->count, e->features, e->labels, &s->step, s->losses, NULL);
    s->step.step++;
    return status;
}

/* Columns: all stages together, then each. */
static clvgg_status make_timed_step(void *user, double *columns)
{
    const vgg_head *head = ((repeated_step *)user)->example->head;
    const clvgg_status status = make_step(user, NULL);
    memset(columns, 0, (1 + VGG_HEAD_MOST_STAGES) * sizeof *columns);
    for (int i = 0; i < vgg_head_stage_count(head); i++)
        columns[0] += columns[1 + i] = vgg_head_stage_at(head, i).ms;
    return status;
}

/* Columns: in, out. */
static clvgg_status make_transfers(void *user, double *columns)
{
    const repeated_step *s = user;
    const vgg_head_example *e = s->example;
    const double start = vgg_clock_ms();
    VGG_PASS(vgg_head_upload(e->head, e->count, e->features, e->labels));
    const double between = vgg_clock_ms();
    VGG_PASS(vgg_head_download(e->head, e->count, s->losses));
    columns[0] = between - start;
    columns[1] = vgg_clock_ms() - between;
    return CLVGG_STATUS_OK;
}

/* Steps of their own, in which every stage is timed. */
static clvgg_status time_stages(clvgg_train_bench *bench, repeated_step *step,
                                const vgg_measure_limits *limits, double *kernel_ms)
{
    clvgg_status status = CLVGG_STATUS_OK, restored = CLVGG_STATUS_OK;
    vgg_head *head = step->example->head;
    const vgg_measured_pass timed = {make_timed_step, step,
                                     .column_count = 1 + VGG_HEAD_MOST_STAGES, .judged = 1};
    VGG_TRY(vgg_head_set_profile(head, true));
    VGG_TRY(vgg_measure(&timed, limits, &bench->record.steps));
    VGG_TRY(vgg_bench_record_step(&bench->record, 1, kernel_ms));
    bench->stage_count = vgg_head_stage_count(head);
    bench->record.steps.columns = 2 + (size_t)bench->stage_count;
    for (int i = 0; i < bench->stage_count; i++) {
        bench->stages[i] = vgg_head_stage_at(head, i);
        VGG_TRY(vgg_bench_record_step(&bench->record, 2 + (size_t)i, &bench->stages[i].ms));
    }
cleanup:
    restored = vgg_head_set_profile(head, false);
    return status != CLVGG_STATUS_OK ? status : restored;
}

static clvgg_status time_steps(clvgg_train_bench *bench, repeated_step *step,
                               clvgg_bench_result *result)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_train_bench_options *o = &bench->options;
    const vgg_bench_how how =
        vgg_bench_how_of(o->min_seconds, o->max_seconds, o->per_layer, o->cold);
    const vgg_measured_pass whole = {.make = make_step, .user = step};
    VGG_NEW(step->losses, (size_t)result->batch);
    VGG_TRY(vgg_bench_record_passes(&bench->record, bench->device, &whole, &how));
    VGG_TRY(vgg_bench_record_transfers(&bench->record, make_transfers, step, &how.limits));
    if (how.steps)
        VGG_TRY(time_stages(bench, step, &how.limits, &result->kernel_ms));
    VGG_TRY(vgg_bench_record_describe(&bench->record, result));
cleanup:
    vgg_free(step->losses);
    return status;
}

clvgg_status vgg_head_bench_run(clvgg_train_bench *bench, clvgg_bench_result *result)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_train_bench_options *o = &bench->options;
    const int batch = result->batch;
    vgg_head *head = NULL;
    float *features = NULL;
    int32_t *labels = NULL;
    bench->stage_count = 0;
    vgg_bench_record_free(&bench->record);
    bench->head.max_batch = batch;
    VGG_NEW(features, (size_t)batch * (size_t)o->features);
    VGG_NEW(labels, (size_t)batch);
    fill_batch(bench, batch, features, labels);
    VGG_TRY(vgg_head_create(bench->device, &bench->head, initial_value, bench, &head));
    bench->device_bytes = vgg_head_bytes(head);
    bench->fingerprint = vgg_head_fingerprint(head);
    const vgg_head_example example = {head,  &bench->head, initial_value, bench,
                                      batch, features,     labels};
    repeated_step repeated = {.example = &example,
                              .step = {.step = 2,
                                       .lr = o->lr,
                                       .momentum = o->momentum,
                                       .beta2 = 0.999,
                                       .epsilon = 1e-8,
                                       .weight_decay = o->weight_decay}};
    VGG_TRY(vgg_head_check(&example, &repeated.step, &result->error_l2, &result->first_ms));
    result->wrong = !(result->error_l2 <= vgg_bench_error_limit(CLVGG_STORAGE_F32));
    if (!result->wrong)
        VGG_TRY(time_steps(bench, &repeated, result));
cleanup:
    vgg_head_free(head);
    vgg_free(features);
    vgg_free(labels);
    return status;
}

/* train/head_step.c — a training step and inference: a flat list of commands on one queue in order,
 * without the host in between.
 */
#include <math.h>

#include "base/alloc.h"
#include "ocl/program.h"
#include "train/head_parts.h"

static vgg_buffer layer_buffer(const vgg_head *head, int layer, int which)
{
    return (vgg_buffer){head->layers[layer].buffers[which], 0};
}

static vgg_buffer shared_buffer(const vgg_head *head, int which)
{
    return (vgg_buffer){head->buffers[which], 0};
}

static vgg_dropout_key dropout_key(const vgg_head *head, int layer, uint64_t step)
{
    return (vgg_dropout_key){head->options.seed, step, layer, head->layers[layer].shape.dropout};
}

/* ---- forward ---- */

/* `step` NULL: inference. */
static clvgg_status enqueue_layer(vgg_head *head, vgg_launch *launch, int index, int count,
                                  const vgg_head_step *step)
{
    const head_layer *layer = &head->layers[index];
    layer->dense->io.input = head_input(head, index, step != NULL);
    VGG_PASS(vgg_stage_enqueue(layer->dense, launch, count));
    if (layer->activation != NULL)
        VGG_PASS(vgg_stage_enqueue(layer->activation, launch, count));
    if (step != NULL && layer->dropout != NULL) {
        const vgg_dropout_key key = dropout_key(head, index, step->step);
        VGG_PASS(vgg_dropout_enqueue(layer->dropout, launch, layer->dense->io.output,
                                     layer_buffer(head, index, HEAD_DROPPED),
                                     (uint64_t)count * (uint64_t)layer->shape.outputs, &key));
    }
    return step != NULL ? vgg_head_note_stage(head, launch, HEAD_FORWARD, index) : CLVGG_STATUS_OK;
}

static clvgg_status enqueue_forward(vgg_head *head, vgg_launch *launch, int count,
                                    const vgg_head_step *step)
{
    for (int i = 0; i < head->options.layer_count; i++)
        VGG_PASS(vgg_prefixed(enqueue_layer(head, launch, i, count, step), "layer '%s'",
                              head->layers[i].name));
    return CLVGG_STATUS_OK;
}

/* ---- backward ---- */

static clvgg_status enqueue_loss(vgg_head *head, vgg_launch *launch, int count)
{
    const int last = head->options.layer_count - 1;
    const vgg_loss_io io = {.logits = layer_buffer(head, last, HEAD_ACTIVATED),
                            .labels = shared_buffer(head, HEAD_LABELS),
                            .gradient = layer_buffer(head, last, HEAD_DELTA),
                            .losses = shared_buffer(head, HEAD_LOSSES),
                            .hits = shared_buffer(head, HEAD_HITS)};
    return vgg_loss_enqueue(head->loss, launch, &io, count, head->layers[last].shape.outputs,
                            head->options.label_smoothing);
}

/* The gradient before a layer, from that behind it. */
static clvgg_status enqueue_data_gradient(vgg_head *head, vgg_launch *launch, int index, int count,
                                          const vgg_head_step *step)
{
    const head_layer *layer = &head->layers[index];
    const vgg_dropout_key key = dropout_key(head, index - 1, step->step);
    const uint64_t inputs = (uint64_t)layer->shape.inputs;
    const vgg_activation_grad_io io = {
        .dy = layer->data->gradient_io.dx,
        .slices = layer->data->gradient.slices,
        .stride = (uint64_t)head->options.max_batch * inputs,
        .a = layer_buffer(head, index - 1, HEAD_ACTIVATED),
        .dx = layer_buffer(head, index - 1, HEAD_DELTA),
    };
    VGG_PASS(vgg_stage_enqueue(layer->data, launch, count));
    VGG_PASS(vgg_activation_grad_enqueue(layer[-1].activation_grad, launch, &io,
                                         (uint64_t)count * inputs, &key));
    return vgg_head_note_stage(head, launch, HEAD_DATA_GRADIENT, index);
}

static clvgg_status enqueue_clipping(vgg_head *head, vgg_launch *launch, int count,
                                     const vgg_head_step *step)
{
    const vgg_clip_sums sums = {.memory = head->buffers[HEAD_NORMS],
                                .layers = head->options.layer_count,
                                .stride = (int64_t)head->options.max_batch * VGG_CLIP_SPLIT};
    for (int i = 0; i < sums.layers; i++) {
        const vgg_stage *update = head->layers[i].weight.update;
        const vgg_buffer of_layer = {sums.memory, (uint64_t)(i * sums.stride)};
        VGG_PASS(vgg_clip_enqueue_norm(&head->clip, launch, &update->gradient, &update->gradient_io,
                                       of_layer, count));
    }
    VGG_PASS(vgg_clip_enqueue_scale(&head->clip, launch, &sums, count, step->clip_norm,
                                    shared_buffer(head, HEAD_HYPER)));
    return vgg_head_note_stage(head, launch, HEAD_CLIPPING, 0);
}

/* All data gradients before the first update: they are of the weights as they were, and the norm
 * needs them. */
static clvgg_status enqueue_backward(vgg_head *head, vgg_launch *launch, int count,
                                     const vgg_head_step *step)
{
    const int last = head->options.layer_count - 1;
    VGG_PASS(enqueue_loss(head, launch, count));
    VGG_PASS(vgg_head_note_stage(head, launch, HEAD_LOSS, last));
    for (int i = last; i > 0; i--)
        VGG_PASS(vgg_prefixed(enqueue_data_gradient(head, launch, i, count, step), "layer '%s'",
                              head->layers[i].name));
    if (step->clip_norm > 0)
        VGG_PASS(enqueue_clipping(head, launch, count, step));
    for (int i = last; i >= 0; i--) {
        for (int bias = 0; bias < 2; bias++)
            VGG_PASS(vgg_prefixed(
                vgg_stage_enqueue(head_parameter_of(head, i, bias)->update, launch, count),
                "layer '%s'", head->layers[i].name));
        VGG_PASS(vgg_head_note_stage(head, launch, HEAD_UPDATE, i));
    }
    return CLVGG_STATUS_OK;
}

/* ---- a step ---- */

/* Bias corrections in double, as PyTorch has them. */
static void set_hyper(vgg_head *head, const vgg_head_step *step)
{
    float *hyper = head->hyper;
    const double t = (double)step->step;
    hyper[VGG_HYPER_SCALE] = 1.0f;
    hyper[VGG_HYPER_LR] = (float)step->lr;
    hyper[VGG_HYPER_MOMENTUM] = (float)step->momentum;
    hyper[VGG_HYPER_DECAY] = (float)step->weight_decay;
    if (!vgg_rule_is_adam(head->rule))
        return;
    hyper[VGG_HYPER_LR] = (float)(step->lr / (1.0 - pow(step->momentum, t)));
    hyper[VGG_HYPER_MOMENTUM] = (float)(1.0 - step->momentum);
    hyper[VGG_HYPER_BETA2] = (float)step->beta2;
    hyper[VGG_HYPER_BETA2_REST] = (float)(1.0 - step->beta2);
    hyper[VGG_HYPER_CORRECTION] = (float)(1.0 / sqrt(1.0 - pow(step->beta2, t)));
    hyper[VGG_HYPER_EPSILON] = (float)step->epsilon;
    if (head->rule == VGG_RULE_ADAMW)
        hyper[VGG_HYPER_DECAY] = (float)(1.0 - step->lr * step->weight_decay);
}

static clvgg_status check_step(const vgg_head *head, int count, const int32_t *labels,
                               const vgg_head_step *step)
{
    const int64_t classes = head->layers[head->options.layer_count - 1].shape.outputs;
    VGG_CHECK(count >= 1 && count <= head->options.max_batch, CLVGG_STATUS_INVALID_ARGUMENT,
              "a step of %d images, a head for 1 to %d", count, head->options.max_batch);
    VGG_CHECK(step->step >= 1, CLVGG_STATUS_INVALID_ARGUMENT, "steps count from 1");
    VGG_CHECK(!vgg_rule_is_adam(head->rule) || (float)step->epsilon > 0.0f,
              CLVGG_STATUS_INVALID_ARGUMENT, "Adam's epsilon is above 0, not %g", step->epsilon);
    for (int i = 0; i < count; i++)
        VGG_CHECK(labels[i] >= 0 && labels[i] < classes, CLVGG_STATUS_INVALID_ARGUMENT,
                  "image %d is of class %d, there are %lld", i, (int)labels[i], (long long)classes);
    return CLVGG_STATUS_OK;
}

/* Begins to write; the host's memory must stay as it is until the queue is finished. */
static clvgg_status write_buffer(vgg_head *head, int which, const void *values, uint64_t bytes,
                                 cl_event *written)
{
    VGG_CL_PASS(clEnqueueWriteBuffer(head->queue, head->buffers[which], CL_FALSE, 0, (size_t)bytes,
                                     values, 0, NULL, written));
    return CLVGG_STATUS_OK;
}

static clvgg_status write_features(vgg_head *head, int count, const float *features)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_event written = NULL;
    const uint64_t elements = (uint64_t)count * (uint64_t)head->layers[0].shape.inputs;
    VGG_TRY(write_buffer(head, HEAD_FEATURES, features, elements * sizeof(float),
                         head->profile ? &written : NULL));
    if (head->profile)
        VGG_TRY(vgg_stamp_take(head->device, written, &head->written));
cleanup:
    VGG_RELEASE(Event, written);
    return status;
}

/* All that a step reads. */
static clvgg_status write_inputs(vgg_head *head, int count, const float *features,
                                 const int32_t *labels)
{
    VGG_PASS(write_buffer(head, HEAD_HYPER, head->hyper, sizeof head->hyper, NULL));
    VGG_PASS(write_buffer(head, HEAD_LABELS, labels, (uint64_t)count * sizeof *labels, NULL));
    return write_features(head, count, features);
}

/* Waits for all before it. */
static clvgg_status read_buffer(vgg_head *head, cl_mem from, void *values, uint64_t elements)
{
    VGG_CL_PASS(clEnqueueReadBuffer(head->queue, from, CL_TRUE, 0, (size_t)elements * sizeof(float),
                                    values, 0, NULL, NULL));
    return CLVGG_STATUS_OK;
}

/* Programs that have run are worth keeping. */
static void note_run(vgg_head *head)
{
    if (!head->has_run)
        vgg_program_cache_note_run(head->device);
    head->has_run = true;
}

static clvgg_status read_results(vgg_head *head, int count, float *losses, int *correct)
{
    clvgg_status status = CLVGG_STATUS_OK;
    int32_t *hits = NULL;
    VGG_TRY(read_buffer(head, head->buffers[HEAD_LOSSES], losses, (uint64_t)count));
    if (correct != NULL) {
        VGG_NEW(hits, (size_t)count);
        VGG_TRY(read_buffer(head, head->buffers[HEAD_HITS], hits, (uint64_t)count));
        *correct = 0;
        for (int i = 0; i < count; i++)
            *correct += hits[i];
    }
    note_run(head);
    for (int i = 0; i < count; i++)
        VGG_REQUIRE(isfinite(losses[i]), CLVGG_STATUS_NON_FINITE, "the loss of image %d is %g", i,
                    (double)losses[i]);
cleanup:
    vgg_free(hits);
    return status;
}

clvgg_status vgg_head_train(vgg_head *head, int count, const float *features, const int32_t *labels,
                            const vgg_head_step *step, float *losses, int *correct)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_launch launch = vgg_launch_begin(head->queue, head->profile, 0, NULL);
    head->stage_count = 0;
    VGG_TRY(check_step(head, count, labels, step));
    if (step->clip_norm > 0 && head->clip.norm == NULL)
        VGG_TRY(vgg_clip_build(head->device, &head->traits, &head->clip));
    set_hyper(head, step);
    VGG_TRY(write_inputs(head, count, features, labels));
    VGG_TRY(enqueue_forward(head, &launch, count, step));
    VGG_TRY(enqueue_backward(head, &launch, count, step));
    VGG_TRY(read_results(head, count, losses, correct));
    VGG_TRY(vgg_head_time_stages(head));
cleanup:
    if (status != CLVGG_STATUS_OK)
        clFinish(head->queue); /* what is under way reads the caller's memory */
    vgg_launch_abandon(&launch);
    vgg_head_release_stages(head);
    return status;
}

clvgg_status vgg_head_upload(vgg_head *head, int count, const float *features,
                             const int32_t *labels)
{
    const clvgg_status status = write_inputs(head, count, features, labels);
    const cl_int finished = clFinish(head->queue);
    vgg_head_release_stages(head);
    return status != CLVGG_STATUS_OK ? status : vgg_cl_check(finished, "clFinish");
}

clvgg_status vgg_head_download(vgg_head *head, int count, float *losses)
{
    return read_buffer(head, head->buffers[HEAD_LOSSES], losses, (uint64_t)count);
}

clvgg_status vgg_head_infer(vgg_head *head, int count, const float *features, float *logits)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int last = head->options.layer_count - 1;
    vgg_launch launch = vgg_launch_begin(head->queue, head->profile, 0, NULL);
    VGG_REQUIRE(count >= 1 && count <= head->options.max_batch, CLVGG_STATUS_INVALID_ARGUMENT,
                "%d images, a head for 1 to %d", count, head->options.max_batch);
    VGG_TRY(write_features(head, count, features));
    VGG_TRY(enqueue_forward(head, &launch, count, NULL));
    VGG_TRY(read_buffer(head, head->layers[last].buffers[HEAD_ACTIVATED], logits,
                        (uint64_t)count * (uint64_t)head->layers[last].shape.outputs));
    note_run(head);
cleanup:
    if (status != CLVGG_STATUS_OK)
        clFinish(head->queue);
    vgg_launch_abandon(&launch);
    vgg_head_release_stages(head);
    return status;
}

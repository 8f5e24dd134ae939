/* pipeline/runner.c — see runner.h. */
#include "pipeline/runner.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "plan/execution.h"
#include "tensor/shape.h"

/* Copies what options point to, since a plan may have to be made again. */
static clvgg_status copy_options(vgg_runner *runner, const vgg_plan_options *options)
{
    int *outputs = NULL;
    runner->options = *options;
    runner->options.outputs = NULL;
    VGG_PASS(vgg_execution_copy(&options->execution, &runner->options.execution));
    VGG_NEW_PASS(outputs, (size_t)options->output_count);
    memcpy(outputs, options->outputs, (size_t)options->output_count * sizeof *outputs);
    runner->options.outputs = outputs;
    return CLVGG_STATUS_OK;
}

static clvgg_status make_pieces(vgg_runner *runner)
{
    const vgg_graph *graph = runner->graph;
    const size_t outputs = (size_t)runner->options.output_count;
    VGG_NEW_PASS(runner->from, (size_t)graph->count);
    VGG_NEW_PASS(runner->from_elements, (size_t)graph->count);
    VGG_NEW_PASS(runner->to, outputs);
    VGG_NEW_PASS(runner->to_elements, outputs);
    for (int i = 0; i < graph->count; i++)
        if (graph->nodes[i].input_count == 0)
            runner->from_elements[runner->input_count++] =
                (size_t)vgg_shape_elements(&graph->nodes[i].output);
    for (size_t i = 0; i < outputs; i++)
        runner->to_elements[i] =
            (size_t)vgg_shape_elements(&graph->nodes[runner->options.outputs[i]].output);
    return CLVGG_STATUS_OK;
}

/* Says whether `status` is want of memory that half the batch may help, and halves it. */
static bool shrink(vgg_runner *runner, clvgg_status status)
{
    if (status != CLVGG_STATUS_OUT_OF_DEVICE_MEMORY || !runner->shrinks ||
        runner->options.max_batch <= 1)
        return false;
    vgg_plan_free(runner->plan);
    runner->plan = NULL;
    runner->options.max_batch /= 2;
    vgg_log(CLVGG_LOG_WARNING, "device memory is short: %s; trying batches of %d", vgg_message(),
            runner->options.max_batch);
    return true;
}

static clvgg_status make_plan(vgg_runner *runner)
{
    clvgg_status status;
    do
        status = vgg_plan_create(runner->device, runner->graph, &runner->source, &runner->options,
                                 &runner->plan);
    while (shrink(runner, status));
    return status;
}

clvgg_status vgg_runner_create(clvgg_device *device, const vgg_graph *graph,
                               const vgg_parameter_source *source, const vgg_plan_options *options,
                               bool shrinks, vgg_runner **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_runner *runner = NULL;
    *out = NULL;
    VGG_NEW(runner, 1);
    vgg_device_retain(device);
    runner->device = device;
    runner->graph = graph;
    runner->source = *source;
    runner->shrinks = shrinks;
    VGG_TRY(copy_options(runner, options));
    VGG_TRY(make_pieces(runner));
    VGG_TRY(make_plan(runner));
    VGG_GIVE(out, runner);
cleanup:
    vgg_runner_free(runner);
    return status;
}

void vgg_runner_free(vgg_runner *runner)
{
    if (runner == NULL)
        return;
    vgg_plan_free(runner->plan);
    vgg_execution_free(&runner->options.execution);
    vgg_free((int *)runner->options.outputs);
    vgg_free(runner->from);
    vgg_free(runner->from_elements);
    vgg_free(runner->to);
    vgg_free(runner->to_elements);
    vgg_device_release(runner->device);
    vgg_free(runner);
}

/* Runs what fits of the next `left` images, again with less where memory is short. */
static clvgg_status run_piece(vgg_runner *runner, int left, int *done)
{
    clvgg_status status;
    do {
        if (runner->plan == NULL && (status = make_plan(runner)) != CLVGG_STATUS_OK)
            return status;
        const int most = runner->options.max_batch;
        *done = left < most ? left : most;
        status = vgg_plan_run_inputs(runner->plan, *done, runner->from, runner->to);
    } while (shrink(runner, status));
    return status;
}

clvgg_status vgg_runner_run(vgg_runner *runner, int count, const float *const *inputs,
                            float *const *outputs)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const double start = vgg_clock_ms();
    int some = 0;
    for (int done = 0; done < count; done += some, runner->image_count += (uint64_t)some) {
        for (int i = 0; i < runner->input_count; i++)
            runner->from[i] = inputs[i] + (size_t)done * runner->from_elements[i];
        for (int i = 0; i < runner->options.output_count; i++)
            runner->to[i] =
                outputs[i] != NULL ? outputs[i] + (size_t)done * runner->to_elements[i] : NULL;
        VGG_TRY(run_piece(runner, count - done, &some));
    }
cleanup:
    runner->run_ms += vgg_clock_ms() - start;
    return status;
}

/* pipeline/runner.h — a network on a device that takes any number of images, in batches that fit.
 *
 * Everything that runs a network has a runner, and so doesn't see how many plans there are. Here
 * alone a batch becomes smaller because the device's memory is short, when the plan is made or
 * while it runs. A second device would be added here alone too: a plan on each, among which
 * vgg_runner_run() shares out the pieces of a batch.
 */
#ifndef VGG_PIPELINE_RUNNER_H
#define VGG_PIPELINE_RUNNER_H

#include "plan/plan.h"

typedef struct vgg_runner {
    clvgg_device *device;   /* retained */
    const vgg_graph *graph; /* borrowed, as is the source's user */
    vgg_parameter_source source;
    vgg_plan_options options; /* a deep copy; max_batch is what fits */
    bool shrinks;
    vgg_plan *plan;       /* NULL: not even one image fits any more */
    uint64_t image_count; /* images that were run */
    double run_ms;        /* their time by the host's clock, from inputs to outputs */
    /* Where the images at work come from and go to, and how many elements one image has. */
    const float **from; /* [graph's inputs] */
    float **to;         /* [options.output_count] */
    size_t *from_elements, *to_elements;
    int input_count;
} vgg_runner;

/* Makes the plan. If `shrinks`, the batch is halved until it fits the device's memory and the limit
 * of options->execution, each time with a warning in the log; else a batch that doesn't fit is an
 * error. Graph and source must outlive the runner. Errors: those of vgg_plan_create(). */
clvgg_status vgg_runner_create(clvgg_device *device, const vgg_graph *graph,
                               const vgg_parameter_source *source, const vgg_plan_options *options,
                               bool shrinks, vgg_runner **out);
/* Accepts NULL. */
void vgg_runner_free(vgg_runner *runner);
/* Runs `count` images, any number: inputs[i] is float32 [count][shape of the graph's input i],
 * outputs[i] receives [count][shape] or, where it is NULL, isn't fetched. Where the device's memory
 * is short and the runner shrinks, the images go on in smaller batches. Errors: those of
 * vgg_plan_run_inputs(). */
clvgg_status vgg_runner_run(vgg_runner *runner, int count, const float *const *inputs,
                            float *const *outputs);

#endif

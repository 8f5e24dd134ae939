/* vis/forward.c — see forward.h. */
#include "vis/forward.h"

#include "base/alloc.h"
#include "pipeline/model_source.h"
#include "tensor/shape.h"

static const uint64_t most_host_elements = (uint64_t)64 << 20;

clvgg_status vgg_forward_create(clvgg_device *device, clvgg_model *model, const int *nodes,
                                int count, int max_batch, const clvgg_execution *execution,
                                vgg_forward **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    max_batch = max_batch > 0 ? max_batch : VGG_FORWARD_BATCH;
    vgg_forward *forward = NULL;
    uint64_t elements = 0;
    VGG_NEW(forward, 1);
    vgg_model_retain(model);
    forward->model = model;
    forward->count = count;
    forward->input_elements = (size_t)vgg_shape_elements(&model->graph->nodes[0].output);
    for (int i = 0; i < count; i++) {
        forward->nodes[i] = nodes[i];
        forward->elements[i] = (size_t)vgg_shape_elements(&model->graph->nodes[nodes[i]].output);
        elements += forward->elements[i];
    }
    const uint64_t fit = most_host_elements / elements;
    forward->max_batch = fit < (uint64_t)max_batch ? (int)fit : max_batch;
    forward->max_batch = forward->max_batch > 1 ? forward->max_batch : 1;
    const vgg_parameter_source source = vgg_model_parameter_source(model);
    const vgg_plan_options options = {.max_batch = forward->max_batch,
                                      .outputs = forward->nodes,
                                      .output_count = count,
                                      .execution = *execution};
    VGG_TRY(vgg_runner_create(device, model->graph, &source, &options, true, &forward->runner));
    forward->max_batch = forward->runner->options.max_batch;
    for (int i = 0; i < count; i++)
        VGG_NEW(forward->outputs[i], (size_t)forward->max_batch * forward->elements[i]);
    VGG_GIVE(out, forward);
cleanup:
    vgg_forward_free(forward);
    return status;
}

void vgg_forward_free(vgg_forward *forward)
{
    if (forward == NULL)
        return;
    for (int i = 0; i < forward->count; i++)
        vgg_free(forward->outputs[i]);
    vgg_runner_free(forward->runner);
    vgg_model_free(forward->model);
    vgg_free(forward);
}

clvgg_status vgg_forward_run(vgg_forward *forward, int count, const float *images)
{
    return vgg_runner_run(forward->runner, count, &images, forward->outputs);
}

clvgg_status vgg_forward_logits(const clvgg_model *model, int *node, size_t *classes)
{
    VGG_PASS(vgg_graph_require(model->graph, "logits", "", node));
    *classes = (size_t)vgg_shape_elements(&model->graph->nodes[*node].output);
    VGG_CHECK(*classes >= 2, CLVGG_STATUS_UNSUPPORTED,
              "%s: the model has one class, which is always certain; two at least are needed",
              model->name);
    return CLVGG_STATUS_OK;
}

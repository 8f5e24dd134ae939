/* train/head_profile.c — what the parts of a step take, by the device's clock. */
#include <stdio.h>

#include "train/head_parts.h"

clvgg_status vgg_head_set_profile(vgg_head *head, bool profile)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_command_queue queue = NULL;
    if (profile == head->profile)
        return status;
    VGG_CL_NEW(queue, clCreateCommandQueue(head->device->context, head->device->id,
                                           profile ? CL_QUEUE_PROFILING_ENABLE : 0, &cl_error));
    clFinish(head->queue);
    clReleaseCommandQueue(head->queue);
    head->queue = head->traits.queue = queue;
    head->profile = profile;
cleanup:
    return status;
}

clvgg_status vgg_head_note_stage(vgg_head *head, const vgg_launch *launch, head_stage_kind kind,
                                 int layer)
{
    clvgg_status status = CLVGG_STATUS_OK;
    if (!head->profile)
        return status;
    VGG_CL(clRetainEvent(launch->last));
    head->stages[head->stage_count++] = (head_stage){kind, layer, launch->last, 0};
cleanup:
    return status;
}

static clvgg_status end_time(cl_event event, cl_ulong *nanoseconds)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_CL(clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof *nanoseconds,
                                   nanoseconds, NULL));
cleanup:
    return status;
}

/* From the end of the stage before: the queue is in order. */
clvgg_status vgg_head_time_stages(vgg_head *head)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_ulong before = 0, after = 0;
    if (!head->profile)
        return status;
    VGG_TRY(end_time(head->written, &before));
    for (int i = 0; i < head->stage_count; i++) {
        VGG_TRY(end_time(head->stages[i].ended, &after));
        head->stages[i].ms = (double)(after - before) * 1e-6;
        before = after;
    }
cleanup:
    return status;
}

void vgg_head_release_stages(vgg_head *head)
{
    if (head->written != NULL)
        clReleaseEvent(head->written);
    head->written = NULL;
    for (int i = 0; i < head->stage_count; i++) {
        if (head->stages[i].ended != NULL)
            clReleaseEvent(head->stages[i].ended);
        head->stages[i].ended = NULL;
    }
}

int vgg_head_stage_count(const vgg_head *head)
{
    return head->stage_count;
}

vgg_head_stage vgg_head_stage_at(const vgg_head *head, int index)
{
    static const char *const kinds[] = {"forward", "loss", "data gradient", "clipping", "update"};
    const head_stage *stage = &head->stages[index];
    const head_layer *layer = &head->layers[stage->layer];
    const uint64_t weights = vgg_pack_bytes(&layer->weight.pack, layer->weight.pack.rows);
    const uint64_t flops = 2 * (uint64_t)layer->shape.inputs * (uint64_t)layer->shape.outputs;
    vgg_head_stage out = {.ms = stage->ms, .variant = ""};
    snprintf(out.name, sizeof out.name, "%s%s%s", stage->kind == HEAD_CLIPPING ? "" : layer->name,
             stage->kind == HEAD_CLIPPING ? "" : " ", kinds[stage->kind]);
    if (stage->kind == HEAD_LOSS || stage->kind == HEAD_CLIPPING)
        return out;
    out.flops = flops;
    out.weight_bytes = weights;
    out.variant = stage->kind == HEAD_FORWARD         ? layer->dense.variant->name
                  : stage->kind == HEAD_DATA_GRADIENT ? layer->data.variant->name
                                                      : layer->weight.update.variant->name;
    if (stage->kind == HEAD_UPDATE)
        out.weight_bytes *= 2 * (uint64_t)head_part_count(head); /* read and written */
    return out;
}

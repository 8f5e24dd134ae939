/* train/head_profile.c — what the parts of a step take. */
#include <stdio.h>

#include "train/head_parts.h"

clvgg_status vgg_head_set_profile(vgg_head *head, bool profile)
{
    if (profile == head->profile)
        return CLVGG_STATUS_OK;
    VGG_PASS(vgg_clock_queue(head->device, profile, &head->queue));
    head->traits.queue = head->queue;
    head->profile = profile;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_head_note_stage(vgg_head *head, const vgg_launch *launch, head_stage_kind kind,
                                 int layer)
{
    if (!head->profile)
        return CLVGG_STATUS_OK;
    head_stage *stage = &head->stages[head->stage_count];
    *stage = (head_stage){.kind = kind, .layer = layer};
    VGG_PASS(vgg_stamp_take(head->device, launch->last, &stage->ended));
    head->stage_count++;
    return CLVGG_STATUS_OK;
}

/* A stage's time begins at the end of the stage before, since the queue is in order. */
clvgg_status vgg_head_time_stages(vgg_head *head)
{
    const vgg_stamp *before = &head->written;
    if (!head->profile)
        return CLVGG_STATUS_OK;
    for (int i = 0; i < head->stage_count; i++) {
        VGG_PASS(vgg_stamp_between(before, &head->stages[i].ended, &head->stages[i].ms));
        before = &head->stages[i].ended;
    }
    return CLVGG_STATUS_OK;
}

void vgg_head_release_stages(vgg_head *head)
{
    vgg_stamp_release(&head->written);
    for (int i = 0; i < head->stage_count; i++)
        vgg_stamp_release(&head->stages[i].ended);
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
    out.variant = stage->kind == HEAD_FORWARD ? layer->dense->op.variant->name
                  : stage->kind == HEAD_DATA_GRADIENT
                      ? layer->data->gradient.variant->name
                      : layer->weight.update->gradient.variant->name;
    if (stage->kind == HEAD_UPDATE)
        out.weight_bytes *= 2 * (uint64_t)head_part_count(head); /* read and written */
    return out;
}

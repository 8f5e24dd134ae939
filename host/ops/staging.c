/* ops/staging.c — see staging.h. */
#include "ops/staging.h"

#include "ocl/call.h"

clvgg_status vgg_staging_map(vgg_staging *staging, vgg_staging_slot *slot)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_CL_NEW(slot->mapped, clEnqueueMapBuffer(staging->queue, slot->memory, CL_FALSE,
                                                CL_MAP_WRITE_INVALIDATE_REGION, 0, staging->bytes,
                                                0, NULL, &slot->ready, &cl_error));
    VGG_CL(clFlush(staging->queue));
cleanup:
    return status;
}

void vgg_staging_release(vgg_staging *staging)
{
    if (staging->bytes == 0)
        return;
    for (int i = 0; i < VGG_STAGING_SLOTS; i++) {
        vgg_staging_slot *slot = &staging->slots[i];
        if (slot->ready != NULL) {
            clWaitForEvents(1, &slot->ready);
            clReleaseEvent(slot->ready);
        }
        if (slot->mapped != NULL)
            clEnqueueUnmapMemObject(staging->queue, slot->memory, slot->mapped, 0, NULL, NULL);
    }
    clFinish(staging->queue);
    for (int i = 0; i < VGG_STAGING_SLOTS; i++) {
        VGG_RELEASE(MemObject, staging->slots[i].memory);
        staging->slots[i] = (vgg_staging_slot){0};
    }
    staging->bytes = 0;
}

clvgg_status vgg_staging_reserve(vgg_staging *staging, size_t bytes)
{
    clvgg_status status = CLVGG_STATUS_OK;
    if (bytes <= staging->bytes)
        return status;
    vgg_staging_release(staging);
    staging->bytes = bytes > staging->least_bytes ? bytes : staging->least_bytes;
    for (int i = 0; i < VGG_STAGING_SLOTS; i++) {
        vgg_staging_slot *slot = &staging->slots[i];
        VGG_CL_NEW(slot->memory, clCreateBuffer(staging->device->context,
                                                CL_MEM_READ_ONLY | CL_MEM_ALLOC_HOST_PTR,
                                                staging->bytes, NULL, &cl_error));
        VGG_TRY(vgg_staging_map(staging, slot));
    }
cleanup:
    if (status != CLVGG_STATUS_OK)
        vgg_staging_release(staging);
    return status;
}

clvgg_status vgg_staging_take(vgg_staging *staging, vgg_staging_slot **out)
{
    vgg_staging_slot *slot = &staging->slots[staging->turn];
    staging->turn = (staging->turn + 1) % VGG_STAGING_SLOTS;
    VGG_CL_PASS(clWaitForEvents(1, &slot->ready));
    clReleaseEvent(slot->ready);
    slot->ready = NULL;
    *out = slot;
    return CLVGG_STATUS_OK;
}

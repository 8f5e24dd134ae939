/* verify/guard.c — see guard.h. */
#include "verify/guard.h"

#include "ocl/memory.h"

enum { GUARD = 1061 }; /* elements on each side: more than a vector or a row of small maps; odd */
static const uint32_t untouched = 0x7FC0BEEF; /* a NaN with a mark */

clvgg_status vgg_guarded_create(clvgg_device *device, cl_command_queue queue, uint64_t elements,
                                vgg_guarded *out)
{
    *out = (vgg_guarded){.elements = elements};
    if (elements == 0)
        return CLVGG_STATUS_OK;
    const uint64_t bytes = (elements + 2 * GUARD) * sizeof(float);
    VGG_CHECK(bytes <= device->info.max_allocation_bytes, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY,
              "%llu bytes exceed the largest allocation", (unsigned long long)bytes);
    VGG_PASS(vgg_device_memory_create(device, bytes, &out->buffer.memory));
    out->buffer.offset = GUARD;
    VGG_CL_PASS(clEnqueueFillBuffer(queue, out->buffer.memory, &untouched, sizeof untouched, 0,
                                    (size_t)bytes, 0, NULL, NULL));
    return CLVGG_STATUS_OK;
}

static clvgg_status check_side(const vgg_guarded *guarded, cl_command_queue queue, uint64_t first,
                               bool *intact)
{
    uint32_t words[GUARD];
    VGG_CL_PASS(clEnqueueReadBuffer(queue, guarded->buffer.memory, CL_TRUE,
                                    (size_t)first * sizeof(float), sizeof words, words, 0, NULL,
                                    NULL));
    for (int i = 0; i < GUARD; i++)
        *intact = *intact && words[i] == untouched;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_guarded_check(const vgg_guarded *guarded, cl_command_queue queue, bool *intact)
{
    *intact = true;
    if (guarded->elements == 0)
        return CLVGG_STATUS_OK;
    VGG_PASS(check_side(guarded, queue, 0, intact));
    return check_side(guarded, queue, GUARD + guarded->elements, intact);
}

void vgg_guarded_free(vgg_guarded *guarded)
{
    VGG_RELEASE(MemObject, guarded->buffer.memory);
}

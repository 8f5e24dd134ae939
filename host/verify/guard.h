/* verify/guard.h — device memory between guards: a kernel that reads them gets NaNs, and one that
 * writes them is found out. */
#ifndef VGG_VERIFY_GUARD_H
#define VGG_VERIFY_GUARD_H

#include <stdbool.h>

#include "ocl/args.h"
#include "ocl/device.h"

typedef struct vgg_guarded {
    vgg_buffer buffer; /* begins behind the first guard, at an odd offset */
    uint64_t elements;
} vgg_guarded;

/* Room for `elements` float32 values, all NaN, on an in-order queue. Does nothing for 0 elements.
 * Errors: OUT_OF_DEVICE_MEMORY, OPENCL. */
clvgg_status vgg_guarded_create(clvgg_device *device, cl_command_queue queue, uint64_t elements,
                                vgg_guarded *out);
/* *intact: nobody wrote outside. */
clvgg_status vgg_guarded_check(const vgg_guarded *guarded, cl_command_queue queue, bool *intact);
void vgg_guarded_free(vgg_guarded *guarded);

#endif

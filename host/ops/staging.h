/* ops/staging.h — two buffers that values go through on their way to the device: while a kernel
 * reads one, the host fills the other.
 */
#ifndef VGG_OPS_STAGING_H
#define VGG_OPS_STAGING_H

#include "ocl/device.h"

enum { VGG_STAGING_SLOTS = 2 };

/* A staging buffer, mapped while the host fills it. */
typedef struct vgg_staging_slot {
    cl_mem memory;
    void *mapped;
    cl_event ready; /* of the map command */
} vgg_staging_slot;

typedef struct vgg_staging {
    clvgg_device *device;
    cl_command_queue queue;
    size_t bytes;       /* of each slot; 0: there are none */
    size_t least_bytes; /* slots are made so large, for tensors to come */
    vgg_staging_slot slots[VGG_STAGING_SLOTS];
    int turn; /* the slot that is filled next */
} vgg_staging;

/* Slots of at least `bytes`: a plan's usual size holds a panel of all but huge tensors. */
clvgg_status vgg_staging_reserve(vgg_staging *staging, size_t bytes);
/* The next slot, mapped and free to be filled. */
clvgg_status vgg_staging_take(vgg_staging *staging, vgg_staging_slot **out);
/* Maps a slot for writing all of it, behind what was enqueued: nothing has to come back from the
 * device. */
clvgg_status vgg_staging_map(vgg_staging *staging, vgg_staging_slot *slot);
/* Waits for what was begun, and gives the slots back. */
void vgg_staging_release(vgg_staging *staging);

#endif

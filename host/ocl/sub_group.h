/* ocl/sub_group.h — whether a device's kernels can use sub-groups: lanes that read together and
 * read each other's registers.
 *
 * Two gates, in this order: what the driver lists, and a small program on the very device with a
 * known result.
 */
#ifndef VGG_OCL_SUB_GROUP_H
#define VGG_OCL_SUB_GROUP_H

#include <stdbool.h>

#include "ocl/device.h"

/* Lanes that kernels are written for; a set of them is their sum. */
enum { VGG_SUB_GROUP_8 = 8, VGG_SUB_GROUP_16 = 16 };

typedef struct vgg_sub_groups {
    int sizes;      /* the set of those that were seen to work */
    bool preferred; /* to local memory: on Intel's GPUs */
} vgg_sub_groups;

/* Finds out which sub-groups the device has. The answer is remembered for the device. A runtime
 * that can't compile the program, or gives a wrong result, has no sub-groups of that size; other
 * errors are the caller's to hear. */
clvgg_status vgg_sub_group_check(clvgg_device *device, vgg_sub_groups *found);

#endif

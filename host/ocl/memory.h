/* ocl/memory.h — device memory for weights and activations. */
#ifndef VGG_OCL_MEMORY_H
#define VGG_OCL_MEMORY_H

#include "ocl/device.h"

/* A buffer of `bytes`, readable and writable, for kernels alone. On CPUs large ones lie in huge
 * pages where the system grants them. Errors: OUT_OF_DEVICE_MEMORY. */
clvgg_status vgg_device_memory_create(clvgg_device *device, uint64_t bytes, cl_mem *out);

#endif

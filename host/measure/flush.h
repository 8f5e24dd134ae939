/* measure/flush.h — caches emptied of what a pass left there, of the device and of the host. */
#ifndef VGG_MEASURE_FLUSH_H
#define VGG_MEASURE_FLUSH_H

#include "measure/roof_rig.h"

/* Begins as {0}. */
typedef struct vgg_flush {
    vgg_roof_rig rig;
    vgg_kernel *kernel;
    cl_mem memory;
    uint32_t *host; /* [host_words]; NULL on a CPU, whose caches are the host's */
    size_t host_words;
    int vectors;    /* of a work-group's part of the memory */
    bool no_memory; /* there was none to be had: vgg_message() says of what */
} vgg_flush;

/* Makes what flushing needs: memory on the device, four times its last cache, 64 MiB at least on a
 * CPU and 1 GiB on others, up to a quarter of what it has; where it is no CPU, on the host too.
 * *able is false where there is no room for it, or it would take seconds, as on an emulated device,
 * or none of that memory is to be had. Close it whatever this gave. Errors: OUT_OF_MEMORY,
 * OUT_OF_DEVICE_MEMORY, BUILD_FAILED, OPENCL. */
clvgg_status vgg_flush_open(vgg_flush *flush, clvgg_device *device, bool *able);
void vgg_flush_close(vgg_flush *flush);
/* Reads and writes all of it, and waits: vgg_measured_pass' prepare, for a vgg_flush. */
clvgg_status vgg_flush_run(void *flush);

#endif

/* measure/roof_rig.h — what roof_*.c measure with: kernels launched several times, the least time
 * of those whose work was seen to be done.
 */
#ifndef VGG_MEASURE_ROOF_RIG_H
#define VGG_MEASURE_ROOF_RIG_H

#include "clvgg/bench.h"
#include "measure/host_cache.h"
#include "ops/op.h"

#define VGG_ROOF_ENOUGH_MS 10.0     /* of a launch: far above a clock's tick */
#define VGG_ROOF_SLOW_MS 50.0       /* emulated: no more of it */
#define VGG_ROOF_PATIENCE_MS 1000.0 /* with repetitions, with looking for a size */
enum { VGG_ROOF_BEST_OF = 25, VGG_ROOF_LANES = 64 };

typedef struct vgg_roof_rig {
    clvgg_device *device;
    vgg_traits traits;
    cl_command_queue queue; /* with profiling */
    cl_mem sums;            /* [groups * lanes] uint32, of which a launch leaves `items` */
    uint32_t *host_sums;
    int vector;                  /* values of 4 bytes */
    size_t groups, local, items; /* of launches */
    size_t lanes;                /* VGG_ROOF_LANES, or 1 where a work-group can't have them */
    bool has_clock;              /* the device */
} vgg_roof_rig;

/* The rig begins as {0} and is closed whatever opening gave. Errors: OUT_OF_MEMORY,
 * OUT_OF_DEVICE_MEMORY, OPENCL. */
clvgg_status vgg_roof_open(vgg_roof_rig *rig, clvgg_device *device);
void vgg_roof_close(vgg_roof_rig *rig);

/* A kernel of a file with `options` (NULL: none), behind -DVW and -DWG. *kernel is NULL where the
 * device's compiler refuses it, if it `may_fail`. */
clvgg_status vgg_roof_kernel(const vgg_roof_rig *rig, const char *file, const char *kernel,
                             bool may_fail, vgg_kernel **out, const char *options, ...)
    VGG_PRINTF(6, 7);

/* Launches a kernel whose arguments are set, `count` times or fewer where they take long, over
 * `groups` work-groups. With `expected`, the sums that each launch leaves must add up to it. *ms is
 * the least time, by the device's clock or by the host's where there is none; VGG_ROOF_UNDONE if a
 * launch left other sums, which is logged. */
#define VGG_ROOF_UNDONE (-1.0)
clvgg_status vgg_roof_time(const vgg_roof_rig *rig, const vgg_kernel *kernel, int count,
                           const uint32_t *expected, double *ms);

/* Work of a launch, `size` times; whether it does take long enough is found by doubling it. */
typedef clvgg_status (*vgg_roof_sized)(void *user, int size, int count, double *ms);
/* Finds a size from `first` on, up to `most`, whose launch takes VGG_ROOF_ENOUGH_MS, then takes the
 * best of several; VGG_ROOF_UNDONE as above. */
clvgg_status vgg_roof_best(vgg_roof_sized timed, void *user, int first, int most, int *size,
                           double *ms);

/* 1e9 units a second; 0 where there is no time, VGG_ROOF_UNDONE where the work wasn't done. */
double vgg_roof_rate(double units, double ms);

/* The last caches before memory, as the driver tells, or the system. */
clvgg_status vgg_roof_caches(const vgg_roof_rig *rig, vgg_caches *out);

/* Parts of vgg_roof_measure(): roof_compute.c, roof_memory.c, roof_transfer.c. A rate is 0 where
 * the device has nothing of the kind, and as vgg_roof_rate() says. */
clvgg_status vgg_roof_fma(const vgg_roof_rig *rig, bool half, double *gflops);
clvgg_status vgg_roof_dot(const vgg_roof_rig *rig, double *gops);
clvgg_status vgg_roof_tiles(const vgg_roof_rig *rig, double *gflops);
clvgg_status vgg_roof_read(const vgg_roof_rig *rig, double *gbps);
clvgg_status vgg_roof_memories(const vgg_roof_rig *rig, clvgg_roof *roof);
clvgg_status vgg_roof_transfers(const vgg_roof_rig *rig, clvgg_roof *roof);

#endif

/* clvgg/device.h — the OpenCL devices of this machine, choosing one, opening it.
 *
 * One flat list over all platforms: platforms sorted by name, devices in the driver's order.
 */
#ifndef CLVGG_DEVICE_H
#define CLVGG_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum clvgg_device_type {
    CLVGG_DEVICE_CPU = 0,
    CLVGG_DEVICE_GPU = 1,
    CLVGG_DEVICE_ACCELERATOR = 2,
    CLVGG_DEVICE_OTHER = 3
} clvgg_device_type;

typedef struct clvgg_device_info {
    size_t struct_size;
    int index;          /* in the flat list; these three are -1 for a caller's context */
    int platform_index; /* position of the platform in the sorted list */
    int device_index;   /* position of the device in its platform */
    clvgg_device_type type;
    char name[128], vendor[128], platform[128], driver_version[128], opencl_version[128];
    uint32_t compute_units, clock_mhz;
    uint64_t global_memory_bytes, max_allocation_bytes, local_memory_bytes;
    size_t max_work_group_size;
    uint32_t native_float_width; /* floats in the widest vector register; 1 on most GPUs */
    int has_half, has_double;    /* cl_khr_fp16, cl_khr_fp64 */
    int host_unified_memory;
    char uuid[40];            /* hexadecimal with dashes, or "" */
    char pci_address[24];     /* "0000:01:00.0", or "" */
    size_t sub_group_sizes[8];
    int sub_group_size_count; /* 0 where the driver doesn't tell */
    int usable;
    char unusable_reason[160]; /* "" when usable */
} clvgg_device_info;

/* Number of devices, unusable ones included; 0 is not an error. */
CLVGG_API clvgg_status clvgg_device_count(clvgg_runtime *runtime, size_t *count);
/* Facts about device `index`; set info->struct_size first. Errors: NOT_FOUND (lists the devices). */
CLVGG_API clvgg_status clvgg_device_query(clvgg_runtime *runtime, size_t index,
                                          clvgg_device_info *info);
/* Resolves an index ("1"; all digits always mean an index), "P:D", "gpu", "cpu", "accelerator",
 * "uuid:…" or part of a name (case-insensitive; of a device, else of a platform) to a flat index.
 * NULL or "": the first usable GPU, else the first usable device. Errors: NOT_FOUND,
 * INVALID_ARGUMENT (ambiguous: lists the candidates), NO_DEVICE, UNSUPPORTED (the device named
 * can't be used, and why). */
CLVGG_API clvgg_status clvgg_device_select(clvgg_runtime *runtime, const char *spec,
                                           size_t *index);
/* Explains why there may be no device: ICD files found, permissions of /dev/dri and /dev/kfd,
 * groups, RUSTICL_ENABLE. Writes a NUL-terminated text of several lines into `text` (truncated to
 * `capacity`) and its full length without NUL into *length; text may be NULL when capacity is 0. */
CLVGG_API clvgg_status clvgg_device_diagnose(clvgg_runtime *runtime, char *text, size_t capacity,
                                             size_t *length);

/* An opened device: a context, compiled programs, and weights that its sessions share. */
typedef struct clvgg_device clvgg_device;

typedef struct clvgg_device_options {
    size_t struct_size;
    uint32_t compute_units; /* > 0: open a sub-device of a CPU with that many; 0: all */
} clvgg_device_options;

CLVGG_API void clvgg_device_options_defaults(clvgg_device_options *options);
/* Opens the device that clvgg_device_select() finds. `options` may be NULL. Errors: those of
 * clvgg_device_select(), INVALID_ARGUMENT (more compute units than the device has), UNSUPPORTED (it
 * can't be divided), OUT_OF_MEMORY, OPENCL. */
CLVGG_API clvgg_status clvgg_device_open(clvgg_runtime *runtime, const char *spec,
                                         const clvgg_device_options *options, clvgg_device **out);
/* Facts about an opened device; set info->struct_size first. */
CLVGG_API clvgg_status clvgg_device_get_info(const clvgg_device *device, clvgg_device_info *info);
/* Says whether the device times its commands by a clock of its own: *has is 0 where there is none
 * or it contradicts the host's (llvmpipe's stands still). There, whatever is said to be by the
 * device's clock is by the host's, which waits behind each step. Looked at once, for milliseconds.
 * Errors: OUT_OF_DEVICE_MEMORY, OPENCL. */
CLVGG_API clvgg_status clvgg_device_has_clock(clvgg_device *device, int *has);
/* Drops the caller's reference; sessions on the device keep it alive. Accepts NULL. */
CLVGG_API void clvgg_device_free(clvgg_device *device);

#ifdef __cplusplus
}
#endif
#endif

/* ocl/device.h — devices of this machine, choosing one, opening it. */
#ifndef VGG_OCL_DEVICE_H
#define VGG_OCL_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/runtime.h"
#include "base/text.h"
#include "clvgg/device.h"
#include "ocl/call.h"

typedef struct vgg_device_entry {
    cl_platform_id platform;
    cl_device_id id;
    clvgg_device_info info;
} vgg_device_entry;

/* All devices, sorted by platform name; a platform that fails or has none is skipped (logged).
 * No platform at all gives *count = 0. *entries is freed with vgg_free(). */
clvgg_status vgg_device_list(vgg_device_entry **entries, size_t *count);
/* Facts about one device; `usable` is judged here (OpenCL ≥ 1.2, compiler, online, limits). */
clvgg_status vgg_device_describe(cl_device_id id, clvgg_device_info *info);
/* Selects as clvgg_device_select() does, over a given list, so that tests can make one up. */
clvgg_status vgg_device_choose(const vgg_device_entry *entries, size_t count, const char *spec,
                               size_t *index);
void vgg_device_diagnose(vgg_text *text);
/* NO_DEVICE, in words: for an empty list. */
clvgg_status vgg_device_fail_without(void);

struct vgg_program_cache; /* ocl/program.h */

/* What code above ocl/ keeps with an open device: one thing of each kind, the kind being a constant
 * of its owner. */
typedef struct vgg_kept_kind {
    void (*end)(void *thing); /* when the device is closed, before its context is released */
} vgg_kept_kind;
typedef struct vgg_kept {
    const vgg_kept_kind *kind; /* NULL: free */
    void *thing;
} vgg_kept;
enum { VGG_MOST_KEPT = 4 };

/* An opened device; what clvgg_device is inside. Reference-counted: sessions hold one. */
struct clvgg_device {
    atomic_int references;
    const clvgg_runtime *runtime;
    cl_context context;
    cl_device_id id;
    clvgg_device_info info;
    bool is_sub_device;     /* id is released at the end */
    bool foreign_context;   /* the caller's */
    size_t alignment_bytes; /* of sub-allocations: max(CL_DEVICE_MEM_BASE_ADDR_ALIGN/8, 128) */
    pthread_mutex_t lock;   /* guards the program list and what is kept */
    struct vgg_program_cache *programs;
    vgg_kept kept[VGG_MOST_KEPT];
    atomic_int matrix_unit; /* matrix_unit.c's: what it found, 0 before it looked */
    atomic_int byte_products; /* byte_products.c's, likewise */
    atomic_int sub_groups;  /* sub_group.c's */
    atomic_int clock;       /* clock.c's */
};

clvgg_status vgg_device_open(clvgg_runtime *runtime, const char *spec,
                             const clvgg_device_options *options, clvgg_device **out);
clvgg_status vgg_device_from_context(const clvgg_runtime *runtime, cl_context context,
                                     cl_device_id id, clvgg_device **out);
void vgg_device_retain(clvgg_device *device);
void vgg_device_release(clvgg_device *device);
/* Where the device keeps its thing of a kind, NULL at first; from then on its end() is called. The
 * device's lock must be held, and be held while the thing is used. */
void **vgg_device_kept(clvgg_device *device, const vgg_kept_kind *kind);

#endif

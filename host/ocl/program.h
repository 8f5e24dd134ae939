/* ocl/program.h — programs from the embedded .cl files, each behind the prelude (cl/prelude.h), built
 * once a device, file and options.
 *
 * Where the runtime has a cache, a program comes from there when it was built by an earlier process
 * on the same device and driver, from the same source, with the same options.
 */
#ifndef VGG_OCL_PROGRAM_H
#define VGG_OCL_PROGRAM_H

#include "ocl/args.h"
#include "ocl/device.h"

/* One embedded kernel file. */
typedef struct vgg_kernel_source {
    const char *file; /* "conv_direct.cl" */
    const char *text;
    size_t length;
    const char *hash; /* SHA-256, in hexadecimal, of prelude and file without their comments */
} vgg_kernel_source;
/* Generated at build time from cl/; ends with a NULL file. */
extern const vgg_kernel_source vgg_kernel_sources[];
extern const vgg_kernel_source vgg_kernel_prelude;
/* The embedded file of that name, or NULL. */
const vgg_kernel_source *vgg_kernel_source_find(const char *file);

/* Builds (or finds, when built before on this device) `file` with `options` ("-DTILE=8 …";
 * "-cl-std=CL1.2" is added) and creates `kernel` from it. Read from runtime->kernel_dir when set; the
 * prelude too, if it is there.
 * Thread-safe. *milliseconds (may be NULL) is increased by the time spent building.
 * Freed by vgg_kernel_free(). Errors: BUILD_FAILED (file, options, kernel and the compiler's log),
 * NOT_FOUND, OPENCL. */
clvgg_status vgg_program_kernel(clvgg_device *device, const char *file, const char *options,
                                const char *kernel, vgg_kernel **out, double *milliseconds);

/* Writes what stands for the source of a runtime's programs from `file`: it changes with the file's
 * code, the prelude's, or clvgg's version. Errors: NOT_FOUND, IO, OUT_OF_MEMORY. */
enum { VGG_PROGRAM_STAMP = 96 };
clvgg_status vgg_program_stamp(const clvgg_runtime *runtime, const char *file,
                               char stamp[VGG_PROGRAM_STAMP]);

/* Kernels to be made together: all are listed, then made. Zeroed but for the device. */
typedef struct vgg_kernel_list {
    clvgg_device *device;
    struct vgg_kernel_wish *wishes;
    size_t count, capacity;
    clvgg_status status; /* of the listing */
} vgg_kernel_list;

/* Lists what vgg_program_kernel() is asked for; `kernel` and `out` must stay until it is made. With
 * `out` NULL the program alone is built, for a later call that asks for its kernel. */
void vgg_kernel_list_add(vgg_kernel_list *list, const char *file, const char *options,
                         const char *kernel, vgg_kernel **out);
/* Builds the programs, each once and several at a time on the runtime's threads, then makes the
 * kernels, and empties the list. Fails as vgg_program_kernel() does, for the first in the list's
 * order that can't be built; kernels that were made are the caller's then too. *milliseconds (may
 * be NULL) is increased by what the builds took altogether, 0 where all were there. */
clvgg_status vgg_kernel_list_make(vgg_kernel_list *list, double *milliseconds);

/* Says that the programs built so far have been run. Some drivers (PoCL) compile a kernel for a
 * work-group size when it is enqueued first: only from then on is a binary worth keeping. */
void vgg_program_cache_note_run(clvgg_device *device);
/* Puts the binaries of programs that were built from source and have run into the runtime's cache,
 * each once. Slow on PoCL, which compiles every kernel for any work-group size too: done when a
 * device is freed, behind all results. Both are thread-safe. */
void vgg_program_cache_store(clvgg_device *device);
void vgg_program_cache_free(struct vgg_program_cache *programs);

#endif

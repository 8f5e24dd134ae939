/* ops/clblast.h — the room CLBlast lives in; clblast.c is its only includer. */
#ifndef VGG_OPS_CLBLAST_H
#define VGG_OPS_CLBLAST_H

#include <stdbool.h>

#include "ocl/args.h"
#include "ocl/device.h"
#include "ops/launch.h"

/* Row-major C [m][n] = op(A) · op(B), op a transposition where asked; leading dimensions in
 * elements. */
typedef struct vgg_gemm {
    int64_t m, n, k;
    bool transpose_a, transpose_b;
    int64_t lda, ldb, ldc;
} vgg_gemm;

/* Elements of temporary memory the GEMM needs on the queue's device. */
clvgg_status vgg_clblast_workspace(const vgg_gemm *gemm, cl_command_queue queue,
                                   uint64_t *elements);
/* Enqueues the GEMM behind what `launch` holds. `workspace` is a buffer of its own that holds the
 * elements it needs, or NULL when it needs none. */
clvgg_status vgg_clblast_gemm(vgg_launch *launch, const vgg_gemm *gemm, vgg_buffer a, vgg_buffer b,
                              vgg_buffer c, cl_mem workspace);

/* CLBlastOverrideParameters() for float32: the kernel's whole set, for the whole process. */
clvgg_status vgg_clblast_override(cl_device_id device, const char *kernel, const char **names,
                                  const size_t *values, size_t count);
enum { VGG_CLBLAST_WORDS = 192 };
/* Writes the parameters set for a device into `words`, those that aren't 0, "" when none are:
 * results depend on them. */
void vgg_clblast_in_force(cl_device_id device, char words[VGG_CLBLAST_WORDS]);
/* What tells the CLBlast that runs from others: its file's name, size and time of
 * change, as it can't be asked. */
const char *vgg_clblast_version(void);

/* Notes that CLBlast will be used on a device: when it is closed, the programs that CLBlast keeps
 * in the process are dropped, and so its references to contexts. Where they stay, CLBlast releases
 * them after main(), when a driver may have ended already. */
void vgg_clblast_note(clvgg_device *device);

#endif

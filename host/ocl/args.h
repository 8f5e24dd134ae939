/* ocl/args.h — kernels and their arguments: in order, without literal indices, bound once.
 *
 *     vgg_args args = vgg_args_of(kernel);
 *     vgg_arg_buffer(&args, input);   // a (buffer, offset) pair: two arguments
 *     vgg_arg_int(&args, height);
 *     VGG_TRY(vgg_args_end(&args));   // the first error, with the argument's number
 *
 * A kernel remembers what was bound to it: only an argument that differs from what the launch
 * before had reaches the driver. A buffer that doesn't live as long as the kernel must be
 * forgotten: kernels hold no references, so another buffer may get its handle, and a driver may
 * have looked up where the first one lay when it was bound.
 */
#ifndef VGG_OCL_ARGS_H
#define VGG_OCL_ARGS_H

#include <stdint.h>

#include "ocl/call.h"

/* Every tensor argument of a kernel is a buffer and an offset in elements (ulong in the kernel). */
typedef struct vgg_buffer {
    cl_mem memory;
    uint64_t offset; /* in float32 (or the tensor's type's) elements */
} vgg_buffer;

enum { VGG_KERNEL_REMEMBERED = 32 }; /* arguments; those behind are always bound anew */

/* Made by vgg_program_kernel(); for one thread at a time. */
typedef struct vgg_kernel {
    cl_kernel handle;
    uint32_t bound; /* bit i: argument i holds values[i] */
    uint64_t values[VGG_KERNEL_REMEMBERED];
} vgg_kernel;

typedef struct vgg_args {
    vgg_kernel *kernel;
    cl_uint next;
    cl_int error;
    cl_uint error_index;
} vgg_args;

void vgg_kernel_free(vgg_kernel *kernel); /* accepts NULL */
/* Arguments that are this buffer count as unbound from now on. */
void vgg_kernel_forget(vgg_kernel *kernel, cl_mem memory);

vgg_args vgg_args_of(vgg_kernel *kernel);
void vgg_arg_buffer(vgg_args *args, vgg_buffer buffer); /* cl_mem, then cl_ulong offset */
void vgg_arg_int(vgg_args *args, int64_t value);        /* cl_int; must fit */
void vgg_arg_uint(vgg_args *args, uint32_t value);
void vgg_arg_ulong(vgg_args *args, uint64_t value);
void vgg_arg_float(vgg_args *args, float value);
/* Several in a row. */
void vgg_arg_buffers(vgg_args *args, const vgg_buffer *buffers, size_t count);
void vgg_arg_ints(vgg_args *args, const int64_t *values, size_t count);
#define VGG_ARG_BUFFERS(args, ...)                                                                 \
    vgg_arg_buffers(args, (const vgg_buffer[]){__VA_ARGS__},                                       \
                    sizeof(vgg_buffer[]){__VA_ARGS__} / sizeof(vgg_buffer))
#define VGG_ARG_INTS(args, ...)                                                                    \
    vgg_arg_ints(args, (const int64_t[]){__VA_ARGS__},                                             \
                 sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t))
clvgg_status vgg_args_end(const vgg_args *args);

#endif

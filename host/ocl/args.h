/* ocl/args.h — kernel arguments in order, without literal indices.
 *
 *     vgg_args args = vgg_args_of(kernel);
 *     vgg_arg_buffer(&args, input);   // a (buffer, offset) pair: two arguments
 *     vgg_arg_int(&args, height);
 *     VGG_TRY(vgg_args_end(&args));   // the first error, with the argument's number
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

typedef struct vgg_args {
    cl_kernel kernel;
    cl_uint next;
    cl_int error;
    cl_uint error_index;
} vgg_args;

vgg_args vgg_args_of(cl_kernel kernel);
void vgg_arg_buffer(vgg_args *args, vgg_buffer buffer); /* cl_mem, then cl_ulong offset */
void vgg_arg_int(vgg_args *args, int64_t value);        /* cl_int; must fit */
void vgg_arg_ulong(vgg_args *args, uint64_t value);
void vgg_arg_float(vgg_args *args, float value);
clvgg_status vgg_args_end(const vgg_args *args);

#endif

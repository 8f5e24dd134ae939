/* ocl/args.c — kernel arguments, bound in order, each only when it changes; the first error is kept
 * for vgg_args_end(). */
#include "ocl/args.h"

#include <string.h>

#include "base/alloc.h"

void vgg_kernel_free(vgg_kernel *kernel)
{
    if (kernel == NULL)
        return;
    VGG_RELEASE(Kernel, kernel->handle);
    vgg_free(kernel);
}

/* The 8 bytes by which a kernel remembers an argument's value; its size never changes. */
static uint64_t remembered(const void *value, size_t bytes)
{
    uint64_t bits = 0;
    memcpy(&bits, value, bytes);
    return bits;
}

void vgg_kernel_forget(vgg_kernel *kernel, cl_mem memory)
{
    const uint64_t bits = remembered(&memory, sizeof memory);
    for (cl_uint i = 0; i < VGG_KERNEL_REMEMBERED; i++)
        if (kernel->values[i] == bits)
            kernel->bound &= ~((uint32_t)1 << i);
}

/* Binds one argument unless the kernel has it already. A refused call may have left anything: the
 * argument counts as unbound until one succeeds. */
static cl_int bind_argument(vgg_kernel *kernel, cl_uint index, const void *value, size_t bytes)
{
    if (index >= VGG_KERNEL_REMEMBERED)
        return clSetKernelArg(kernel->handle, index, bytes, value);
    const uint32_t bit = (uint32_t)1 << index;
    const uint64_t wanted = remembered(value, bytes);
    if ((kernel->bound & bit) != 0 && kernel->values[index] == wanted)
        return CL_SUCCESS;
    kernel->bound &= ~bit;
    const cl_int error = clSetKernelArg(kernel->handle, index, bytes, value);
    if (error == CL_SUCCESS) {
        kernel->values[index] = wanted;
        kernel->bound |= bit;
    }
    return error;
}

static void set_next(vgg_args *args, const void *value, size_t bytes, cl_int error)
{
    if (args->error != CL_SUCCESS)
        return;
    if (error == CL_SUCCESS)
        error = bind_argument(args->kernel, args->next, value, bytes);
    if (error != CL_SUCCESS) {
        args->error = error;
        args->error_index = args->next;
    }
    args->next++;
}

vgg_args vgg_args_of(vgg_kernel *kernel)
{
    return (vgg_args){.kernel = kernel, .error = CL_SUCCESS};
}

void vgg_arg_buffer(vgg_args *args, vgg_buffer buffer)
{
    set_next(args, &buffer.memory, sizeof buffer.memory, CL_SUCCESS);
    vgg_arg_ulong(args, buffer.offset);
}

void vgg_arg_int(vgg_args *args, int64_t value)
{
    cl_int narrow = (cl_int)value;
    set_next(args, &narrow, sizeof narrow, narrow == value ? CL_SUCCESS : CL_INVALID_ARG_VALUE);
}

void vgg_arg_buffers(vgg_args *args, const vgg_buffer *buffers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vgg_arg_buffer(args, buffers[i]);
}

void vgg_arg_ints(vgg_args *args, const int64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vgg_arg_int(args, values[i]);
}

void vgg_arg_uint(vgg_args *args, uint32_t value)
{
    cl_uint bits = value;
    set_next(args, &bits, sizeof bits, CL_SUCCESS);
}

void vgg_arg_ulong(vgg_args *args, uint64_t value)
{
    cl_ulong wide = value;
    set_next(args, &wide, sizeof wide, CL_SUCCESS);
}

void vgg_arg_float(vgg_args *args, float value)
{
    set_next(args, &value, sizeof value, CL_SUCCESS);
}

clvgg_status vgg_args_end(const vgg_args *args)
{
    if (args->error == CL_SUCCESS)
        return CLVGG_STATUS_OK;
    char name[128] = "?";
    clGetKernelInfo(args->kernel->handle, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    clvgg_status status = vgg_cl_check(args->error, "clSetKernelArg");
    vgg_message_prefix("argument %u of kernel %s", (unsigned)args->error_index, name);
    return status;
}

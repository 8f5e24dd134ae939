/* ocl/args.c — kernel arguments, set in order; the first error is kept for vgg_args_end(). */
#include "ocl/args.h"

static void set_next(vgg_args *args, const void *value, size_t bytes, cl_int error)
{
    if (args->error != CL_SUCCESS)
        return;
    if (error == CL_SUCCESS)
        error = clSetKernelArg(args->kernel, args->next, bytes, value);
    if (error != CL_SUCCESS) {
        args->error = error;
        args->error_index = args->next;
    }
    args->next++;
}

vgg_args vgg_args_of(cl_kernel kernel)
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
    clGetKernelInfo(args->kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    clvgg_status status = vgg_cl_check(args->error, "clSetKernelArg");
    vgg_message_prefix("argument %u of kernel %s", (unsigned)args->error_index, name);
    return status;
}

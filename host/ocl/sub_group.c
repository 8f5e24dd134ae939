/* ocl/sub_group.c — what the driver lists of sub-groups, and a program that uses them.
 *
 * Another size is a value in sub_group.h and here; cl/sub_group.cl must try everything that kernels
 * use of sub-groups.
 */
#include "ocl/sub_group.h"

#include <stdio.h>

#include "base/log.h"
#include "ocl/program.h"
#include "ocl/query.h"

enum { INTEL = 0x8086, GROUPS = 3, MAX_SIZE = VGG_SUB_GROUP_16 };
static const int sizes[] = {VGG_SUB_GROUP_8, VGG_SUB_GROUP_16};

/* The value that lane `lane` of `size` must write, as cl/sub_group.cl defines it. */
static uint32_t expected_value(int size, int lane)
{
    int sum = 65536 * size + 256 * (lane / 2) + lane;
    for (int j = 0; j < size; j++)
        sum += (j + 1) * (j + 1);
    return (uint32_t)sum;
}

/* Runs the program; *right says whether it gave the known result. */
static clvgg_status try_size(clvgg_device *device, vgg_kernel *kernel, int size, bool *right)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t local = (size_t)size, global = GROUPS * local;
    cl_command_queue queue = NULL;
    cl_mem x = NULL, y = NULL;
    uint32_t values[1 + MAX_SIZE], result[GROUPS * MAX_SIZE] = {0};
    for (uint32_t i = 0; i <= MAX_SIZE; i++)
        values[i] = 65537 * i;
    VGG_CL_NEW(queue, clCreateCommandQueue(device->context, device->id, 0, &cl_error));
    VGG_CL_NEW(x, clCreateBuffer(device->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                 sizeof values, values, &cl_error));
    VGG_CL_NEW(y,
               clCreateBuffer(device->context, CL_MEM_WRITE_ONLY, sizeof result, NULL, &cl_error));
    VGG_CL(clSetKernelArg(kernel->handle, 0, sizeof x, &x));
    VGG_CL(clSetKernelArg(kernel->handle, 1, sizeof y, &y));
    VGG_CL(clEnqueueNDRangeKernel(queue, kernel->handle, 1, NULL, &global, &local, 0, NULL, NULL));
    VGG_CL(
        clEnqueueReadBuffer(queue, y, CL_TRUE, 0, global * sizeof *result, result, 0, NULL, NULL));
    *right = true;
    for (size_t i = 0; i < global; i++)
        *right = *right && result[i] == expected_value(size, (int)(i % local));
cleanup:
    if (queue != NULL) {
        clFinish(queue);
        clReleaseCommandQueue(queue);
    }
    VGG_RELEASE(MemObject, x);
    VGG_RELEASE(MemObject, y);
    return status;
}

/* Adds `size` to *found where the program for it compiles and is right. */
static clvgg_status check_size(clvgg_device *device, int size, int *found)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_kernel *kernel = NULL;
    char options[16];
    bool right = false;
    snprintf(options, sizeof options, "-DS=%d", size);
    status = vgg_program_kernel(device, "sub_group.cl", options, "sub_group", &kernel, NULL);
    if (status == CLVGG_STATUS_BUILD_FAILED) { /* sizes that the device hasn't */
        status = CLVGG_STATUS_OK;
        goto cleanup;
    }
    VGG_TRY(status);
    VGG_TRY(try_size(device, kernel, size, &right));
    *found += right ? size : 0;
cleanup:
    vgg_kernel_free(kernel);
    return status;
}

/* Says whether the driver lists an extension that has what kernels need. */
static clvgg_status lists_sub_groups(clvgg_device *device, bool *listed)
{
    *listed = false;
    VGG_PASS(vgg_query_has_extension(device->id, "cl_intel_subgroups", listed));
    if (!*listed)
        VGG_PASS(vgg_query_has_extension(device->id, "cl_khr_subgroups", listed));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_sub_group_check(clvgg_device *device, vgg_sub_groups *found)
{
    enum { LOOKED = 1, PREFERRED = 2 }; /* sizes are multiples of 8 */
    int known = atomic_load(&device->sub_groups);
    *found = (vgg_sub_groups){0};
    if (known == 0) { /* two threads that meet here find the same */
        bool listed = false;
        cl_uint vendor = 0;
        known = LOOKED;
        VGG_PASS(lists_sub_groups(device, &listed));
        for (size_t i = 0; listed && i < sizeof sizes / sizeof *sizes; i++)
            VGG_PASS(check_size(device, sizes[i], &known));
        VGG_CL_PASS(clGetDeviceInfo(device->id, CL_DEVICE_VENDOR_ID, sizeof vendor, &vendor, NULL));
        if (vendor == INTEL && device->info.type == CLVGG_DEVICE_GPU)
            known += PREFERRED;
        atomic_store(&device->sub_groups, known);
        vgg_log(CLVGG_LOG_DEBUG, "sub-groups of '%s': %s%s%s", device->info.name,
                (known & VGG_SUB_GROUP_8) != 0 ? "8 " : "",
                (known & VGG_SUB_GROUP_16) != 0 ? "16 " : "",
                known > PREFERRED + LOOKED ? "work" : "none that kernels can use");
    }
    found->sizes = known & (VGG_SUB_GROUP_8 | VGG_SUB_GROUP_16);
    found->preferred = (known & PREFERRED) != 0;
    return CLVGG_STATUS_OK;
}

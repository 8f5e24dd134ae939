/* ocl/device_info.c — facts about one device, and whether clvgg can use it.
 *
 * What every OpenCL 1.2 driver must answer is asked here, strictly; what only an extension tells
 * is in device_extensions.c. A new fact is a field of clvgg_device_info and a query.
 */
#include <stdio.h>

#include "ocl/device.h"
#include "ocl/query.h"

/* Less than this and no network of the VGG family fits, or no kernel runs. */
#define MIN_GLOBAL_BYTES ((uint64_t)64 << 20)
#define MIN_ALLOCATION_BYTES ((uint64_t)16 << 20)
#define MIN_LOCAL_BYTES ((uint64_t)1 << 10)
#define MIN_DIMENSIONS 3

/* An answer of exactly `bytes`. */
static clvgg_status query_value(cl_device_id id, cl_device_info what, void *value, size_t bytes)
{
    return vgg_cl_check(clGetDeviceInfo(id, what, bytes, value, NULL), "clGetDeviceInfo");
}

static clvgg_device_type type_of(cl_device_type type)
{
    return type & CL_DEVICE_TYPE_GPU           ? CLVGG_DEVICE_GPU
           : type & CL_DEVICE_TYPE_CPU         ? CLVGG_DEVICE_CPU
           : type & CL_DEVICE_TYPE_ACCELERATOR ? CLVGG_DEVICE_ACCELERATOR
                                               : CLVGG_DEVICE_OTHER;
}

static clvgg_status query_texts(cl_device_id id, clvgg_device_info *info)
{
    cl_platform_id platform = NULL;
    VGG_PASS(query_value(id, CL_DEVICE_PLATFORM, &platform, sizeof platform));
    VGG_PASS(vgg_query_platform_name(platform, info->platform, sizeof info->platform));
    VGG_PASS(vgg_query_text(id, CL_DEVICE_NAME, info->name, sizeof info->name));
    VGG_PASS(vgg_query_text(id, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor));
    VGG_PASS(
        vgg_query_text(id, CL_DRIVER_VERSION, info->driver_version, sizeof info->driver_version));
    return vgg_query_text(id, CL_DEVICE_VERSION, info->opencl_version, sizeof info->opencl_version);
}

#define ASK(what, value) VGG_PASS(query_value(id, (what), &(value), sizeof(value)))

static clvgg_status query_limits(cl_device_id id, clvgg_device_info *info)
{
    cl_device_type type = 0;
    cl_bool unified = CL_FALSE;
    ASK(CL_DEVICE_TYPE, type);
    ASK(CL_DEVICE_MAX_COMPUTE_UNITS, info->compute_units);
    ASK(CL_DEVICE_MAX_CLOCK_FREQUENCY, info->clock_mhz);
    ASK(CL_DEVICE_GLOBAL_MEM_SIZE, info->global_memory_bytes);
    ASK(CL_DEVICE_MAX_MEM_ALLOC_SIZE, info->max_allocation_bytes);
    ASK(CL_DEVICE_LOCAL_MEM_SIZE, info->local_memory_bytes);
    ASK(CL_DEVICE_MAX_WORK_GROUP_SIZE, info->max_work_group_size);
    ASK(CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, info->native_float_width);
    ASK(CL_DEVICE_HOST_UNIFIED_MEMORY, unified);
    info->type = type_of(type);
    info->host_unified_memory = unified == CL_TRUE;
    return CLVGG_STATUS_OK;
}

static clvgg_status query_needs(cl_device_id id, vgg_device_needs *needs)
{
    ASK(CL_DEVICE_AVAILABLE, needs->available);
    ASK(CL_DEVICE_COMPILER_AVAILABLE, needs->compiler);
    ASK(CL_DEVICE_ENDIAN_LITTLE, needs->little_endian);
    ASK(CL_DEVICE_EXECUTION_CAPABILITIES, needs->execution);
    ASK(CL_DEVICE_MAX_WORK_ITEM_DIMENSIONS, needs->dimensions);
    return CLVGG_STATUS_OK;
}

/* An embedded profile is fine. */
void vgg_device_judge(const vgg_device_needs *needs, clvgg_device_info *info)
{
    char *reason = info->unusable_reason;
    const size_t capacity = sizeof info->unusable_reason;
    unsigned major = 0, minor = 0;
    bool parsed = sscanf(info->opencl_version, "OpenCL %u.%u", &major, &minor) == 2;
    reason[0] = '\0';
    if (!parsed || major < 1 || (major == 1 && minor < 2))
        snprintf(reason, capacity, "'%.60s' is below OpenCL 1.2", info->opencl_version);
    else if (!needs->available)
        snprintf(reason, capacity, "the driver says that it is not available");
    else if (!needs->compiler)
        snprintf(reason, capacity, "its driver has no OpenCL C compiler");
    else if (!needs->little_endian)
        snprintf(reason, capacity, "it is big-endian");
    else if (!(needs->execution & CL_EXEC_KERNEL))
        snprintf(reason, capacity, "it doesn't run OpenCL C kernels");
    else if (info->compute_units < 1 || info->max_work_group_size < 1 ||
             needs->dimensions < MIN_DIMENSIONS)
        snprintf(reason, capacity,
                 "%u compute units, work-groups of %zu in %u dimensions; needs 1, 1 and %d",
                 info->compute_units, info->max_work_group_size, (unsigned)needs->dimensions,
                 MIN_DIMENSIONS);
    else if (info->global_memory_bytes < MIN_GLOBAL_BYTES)
        snprintf(reason, capacity, "%llu bytes of global memory; needs %llu",
                 (unsigned long long)info->global_memory_bytes,
                 (unsigned long long)MIN_GLOBAL_BYTES);
    else if (info->max_allocation_bytes < MIN_ALLOCATION_BYTES)
        snprintf(reason, capacity, "%llu bytes is its largest allocation; needs %llu",
                 (unsigned long long)info->max_allocation_bytes,
                 (unsigned long long)MIN_ALLOCATION_BYTES);
    else if (info->local_memory_bytes < MIN_LOCAL_BYTES)
        snprintf(reason, capacity, "%llu bytes of local memory; needs %llu",
                 (unsigned long long)info->local_memory_bytes, (unsigned long long)MIN_LOCAL_BYTES);
    info->usable = reason[0] == '\0';
}

clvgg_status vgg_device_describe(cl_device_id id, clvgg_device_info *info)
{
    vgg_device_needs needs = {0};
    *info = (clvgg_device_info){.struct_size = sizeof *info};
    VGG_PASS(query_texts(id, info));
    VGG_PASS(query_limits(id, info));
    VGG_PASS(query_needs(id, &needs));
    VGG_PASS(vgg_query_extensions(id, info));
    vgg_device_judge(&needs, info);
    return CLVGG_STATUS_OK;
}

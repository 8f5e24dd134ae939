/* ocl/device_open.c — an opened device: context, sub-device, reference count.
 *
 * Opens by specification or wraps one device of a caller's context. What an opened device owns is
 * released in free_device(), in the reverse order of its making.
 */
#include <assert.h>

#include "base/alloc.h"
#include "ocl/program.h"

/* Least alignment of sub-allocations: a cache line or more, so that they never share one. */
#define MIN_ALIGNMENT_BYTES 128

static void free_device(clvgg_device *device)
{
    const vgg_scope *previous = vgg_scope_enter(&device->runtime->scope);
    vgg_program_cache_store(device);
    vgg_scope_leave(previous);
    vgg_program_cache_free(device->programs);
    for (int i = 0; i < VGG_MOST_KEPT && device->kept[i].kind != NULL; i++)
        device->kept[i].kind->end(device->kept[i].thing);
    VGG_RELEASE(Context, device->context);
    if (device->is_sub_device)
        clReleaseDevice(device->id);
    pthread_mutex_destroy(&device->lock);
    vgg_free(device);
}

void vgg_device_retain(clvgg_device *device)
{
    atomic_fetch_add(&device->references, 1);
}

void vgg_device_release(clvgg_device *device)
{
    if (device == NULL)
        return;
    int before = atomic_fetch_sub(&device->references, 1);
    assert(before > 0);
    if (before == 1)
        free_device(device);
}

void **vgg_device_kept(clvgg_device *device, const vgg_kept_kind *kind)
{
    int i = 0;
    while (i < VGG_MOST_KEPT && device->kept[i].kind != NULL && device->kept[i].kind != kind)
        i++;
    assert(i < VGG_MOST_KEPT); /* there are so few kinds */
    device->kept[i].kind = kind;
    return &device->kept[i].thing;
}

/* A device with one reference and nothing in it but its lock. */
static clvgg_status new_device(const clvgg_runtime *runtime, cl_device_id id, clvgg_device **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_device *device = NULL;
    VGG_NEW(device, 1);
    VGG_REQUIRE(pthread_mutex_init(&device->lock, NULL) == 0, CLVGG_STATUS_OUT_OF_MEMORY,
                "no memory for a lock");
    atomic_init(&device->references, 1);
    atomic_init(&device->matrix_unit, 0);
    atomic_init(&device->byte_products, 0);
    atomic_init(&device->sub_groups, 0);
    atomic_init(&device->clock, 0);
    device->runtime = runtime;
    device->id = id;
    VGG_GIVE(out, device);
cleanup:
    vgg_free(device);
    return status;
}

static clvgg_status query_alignment(clvgg_device *device)
{
    cl_uint bits = 0;
    VGG_CL_PASS(
        clGetDeviceInfo(device->id, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof bits, &bits, NULL));
    size_t bytes = bits / 8;
    device->alignment_bytes = bytes > MIN_ALIGNMENT_BYTES ? bytes : MIN_ALIGNMENT_BYTES;
    return CLVGG_STATUS_OK;
}

/* Says whether the driver can cut the device this way. It must be asked: some drivers that can't
 * have no clCreateSubDevices at all, and calling it ends the process. */
static bool can_partition(cl_device_id id, cl_device_partition_property way)
{
    cl_device_partition_property ways[16];
    size_t bytes = 0;
    if (clGetDeviceInfo(id, CL_DEVICE_PARTITION_PROPERTIES, sizeof ways, ways, &bytes) !=
        CL_SUCCESS)
        return false;
    for (size_t i = 0; i < bytes / sizeof *ways; i++)
        if (ways[i] == way)
            return true;
    return false;
}

static cl_int partition_by_counts(cl_device_id id, uint32_t compute_units, cl_device_id *part)
{
    const cl_device_partition_property properties[] = {CL_DEVICE_PARTITION_BY_COUNTS,
                                                       (cl_device_partition_property)compute_units,
                                                       CL_DEVICE_PARTITION_BY_COUNTS_LIST_END, 0};
    if (!can_partition(id, CL_DEVICE_PARTITION_BY_COUNTS))
        return CL_DEVICE_PARTITION_FAILED;
    return clCreateSubDevices(id, properties, 1, part, NULL);
}

/* The first of equal parts; the others are released. */
static cl_int partition_equally(cl_device_id id, uint32_t compute_units, cl_device_id *part)
{
    const cl_device_partition_property properties[] = {
        CL_DEVICE_PARTITION_EQUALLY, (cl_device_partition_property)compute_units, 0};
    cl_uint count = 0;
    if (!can_partition(id, CL_DEVICE_PARTITION_EQUALLY))
        return CL_DEVICE_PARTITION_FAILED;
    cl_int error = clCreateSubDevices(id, properties, 0, NULL, &count);
    if (error != CL_SUCCESS)
        return error;
    cl_device_id *parts = vgg_calloc(count, sizeof(cl_device_id));
    if (parts == NULL)
        return CL_OUT_OF_HOST_MEMORY;
    error = count > 0 ? clCreateSubDevices(id, properties, count, parts, NULL)
                      : CL_DEVICE_PARTITION_FAILED;
    if (error == CL_SUCCESS) {
        *part = parts[0];
        for (cl_uint i = 1; i < count; i++)
            clReleaseDevice(parts[i]);
    }
    vgg_free(parts);
    return error;
}

/* Replaces the device, whole so far, by a part of it; its place in the list stays. */
static clvgg_status take_part(clvgg_device *device, uint32_t compute_units)
{
    const clvgg_device_info whole = device->info;
    cl_device_id part = NULL;
    VGG_CHECK(compute_units <= whole.compute_units, CLVGG_STATUS_INVALID_ARGUMENT,
              "%u compute units asked for; device %d '%s' has %u", compute_units, whole.index,
              whole.name, whole.compute_units);
    if (compute_units == whole.compute_units)
        return CLVGG_STATUS_OK;
    cl_int error = partition_by_counts(device->id, compute_units, &part);
    if (error != CL_SUCCESS)
        error = partition_equally(device->id, compute_units, &part);
    VGG_CHECK(error != CL_OUT_OF_HOST_MEMORY, CLVGG_STATUS_OUT_OF_MEMORY,
              "no host memory for a sub-device");
    VGG_CHECK(error == CL_SUCCESS, CLVGG_STATUS_UNSUPPORTED,
              "device %d '%s' can't be opened with %u of its %u compute units: %s (%d)",
              whole.index, whole.name, compute_units, whole.compute_units, vgg_cl_error_name(error),
              (int)error);
    device->id = part;
    device->is_sub_device = true;
    VGG_PASS(vgg_device_describe(part, &device->info));
    device->info.index = whole.index;
    device->info.platform_index = whole.platform_index;
    device->info.device_index = whole.device_index;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_device_open(clvgg_runtime *runtime, const char *spec,
                             const clvgg_device_options *options, clvgg_device **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_device_entry *entries = NULL;
    clvgg_device *device = NULL;
    size_t count = 0, chosen = 0;
    *out = NULL;
    VGG_TRY(vgg_device_list(&entries, &count));
    VGG_TRY(vgg_device_choose(entries, count, spec, &chosen));
    VGG_TRY(new_device(runtime, entries[chosen].id, &device));
    device->info = entries[chosen].info;
    if (options->compute_units > 0)
        VGG_TRY(take_part(device, options->compute_units));
    VGG_TRY(query_alignment(device));
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                                (cl_context_properties)entries[chosen].platform, 0};
    VGG_CL_NEW(device->context, clCreateContext(properties, 1, &device->id, NULL, NULL, &cl_error));
    VGG_GIVE(out, device);
cleanup:
    vgg_device_release(device);
    vgg_free(entries);
    return status;
}

/* Says whether the caller's context was made for the device. A sub-device also counts when the
 * context names the device that it is a part of: PoCL lists sub-devices so. */
static clvgg_status context_holds(cl_context context, cl_device_id id, bool *holds)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_device_id *ids = NULL, parent = NULL;
    size_t bytes = 0;
    *holds = false;
    VGG_CL(clGetDeviceInfo(id, CL_DEVICE_PARENT_DEVICE, sizeof parent, &parent, NULL));
    VGG_CL(clGetContextInfo(context, CL_CONTEXT_DEVICES, 0, NULL, &bytes));
    size_t count = bytes / sizeof(cl_device_id);
    VGG_NEW(ids, count);
    VGG_CL(clGetContextInfo(context, CL_CONTEXT_DEVICES, bytes, ids, NULL));
    for (size_t i = 0; i < count; i++)
        *holds = *holds || ids[i] == id || (parent != NULL && ids[i] == parent);
cleanup:
    vgg_free(ids);
    return status;
}

clvgg_status vgg_device_from_context(const clvgg_runtime *runtime, cl_context context,
                                     cl_device_id id, clvgg_device **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_device *device = NULL;
    bool holds = false;
    *out = NULL;
    VGG_TRY(context_holds(context, id, &holds));
    VGG_REQUIRE(holds, CLVGG_STATUS_INVALID_ARGUMENT, "the context doesn't hold the device");
    VGG_TRY(new_device(runtime, id, &device));
    device->foreign_context = true;
    VGG_TRY(vgg_device_describe(id, &device->info));
    device->info.index = device->info.platform_index = device->info.device_index = -1;
    VGG_REQUIRE(device->info.usable, CLVGG_STATUS_UNSUPPORTED, "device '%s' can't be used: %s",
                device->info.name, device->info.unusable_reason);
    VGG_TRY(query_alignment(device));
    VGG_CL(clRetainContext(context));
    device->context = context;
    VGG_GIVE(out, device);
cleanup:
    vgg_device_release(device);
    return status;
}

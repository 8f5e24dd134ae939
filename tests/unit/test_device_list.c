/* The list of devices over a made-up machine: this file defines the four OpenCL queries itself, so
 * the linker takes them instead of the loader's. Shows what drivers of GPUs answer, without one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ocl/device.h"

/* ---- the made-up machine ---- */

typedef struct fake_device {
    const char *name;
    cl_device_type type;
    const char *extensions;
    bool fails; /* at every query */
} fake_device;

typedef struct fake_platform {
    const char *name; /* NULL: can't be asked */
    const fake_device *devices;
    cl_uint count;
    cl_int error; /* of clGetDeviceIDs */
} fake_platform;

static const fake_device nvidia_devices[] = {
    {"  GeForce \n", CL_DEVICE_TYPE_GPU, "cl_khr_fp64 cl_nv_device_attribute_query", false}};
static const fake_device amd_devices[] = {
    {"gfx1100", CL_DEVICE_TYPE_GPU, "cl_khr_fp16 cl_amd_device_attribute_query ", false},
    {"gfx1100", CL_DEVICE_TYPE_GPU, "cl_khr_fp16_not cl_amd_device_attribute_query", false}};
static const fake_device intel_devices[] = {
    {"lost", CL_DEVICE_TYPE_CPU, "", true},
    {"Arc\033[31m", CL_DEVICE_TYPE_GPU,
     "cl_khr_fp16 cl_khr_device_uuid cl_khr_pci_bus_info cl_intel_required_subgroup_size", false},
    {"Xeon", CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_DEFAULT, "", false}};

static fake_platform platforms[] = {
    {"Zeta", nvidia_devices, 1, CL_SUCCESS},
    {"Empty", NULL, 0, CL_DEVICE_NOT_FOUND},
    {"Beta", amd_devices, 2, CL_SUCCESS},
    {NULL, intel_devices, 1, CL_SUCCESS},
    {"Broken", intel_devices, 3, CL_OUT_OF_RESOURCES},
    {"Beta", intel_devices, 3, CL_SUCCESS},
};
static cl_uint platform_count;
static cl_int platform_error;

#define AS_PLATFORM(id) ((const fake_platform *)(const void *)(id))
#define AS_DEVICE(id) ((const fake_device *)(const void *)(id))

static cl_int answer(const void *value, size_t bytes, size_t capacity, void *out, size_t *size)
{
    if (size != NULL)
        *size = bytes;
    if (out != NULL && capacity < bytes)
        return CL_INVALID_VALUE;
    if (out != NULL)
        memcpy(out, value, bytes);
    return CL_SUCCESS;
}

#define ANSWER(value) answer(&(value), sizeof(value), capacity, out, size)
#define ANSWER_TEXT(text) answer((text), strlen(text) + 1, capacity, out, size)

cl_int clGetPlatformIDs(cl_uint n, cl_platform_id *ids, cl_uint *count)
{
    for (cl_uint i = 0; i < n && i < platform_count; i++)
        ids[i] = (cl_platform_id)(void *)&platforms[i];
    if (count != NULL)
        *count = platform_count;
    return platform_error;
}

cl_int clGetPlatformInfo(cl_platform_id id, cl_platform_info what, size_t capacity, void *out,
                         size_t *size)
{
    assert_int_equal(what, CL_PLATFORM_NAME);
    const char *name = AS_PLATFORM(id)->name;
    return name != NULL ? ANSWER_TEXT(name) : CL_INVALID_PLATFORM;
}

cl_int clGetDeviceIDs(cl_platform_id id, cl_device_type type, cl_uint n, cl_device_id *ids,
                      cl_uint *count)
{
    const fake_platform *of = AS_PLATFORM(id);
    assert_int_equal(type, CL_DEVICE_TYPE_ALL);
    if (of->error != CL_SUCCESS)
        return of->error;
    for (cl_uint i = 0; i < n && i < of->count; i++)
        ids[i] = (cl_device_id)(void *)&of->devices[i];
    if (count != NULL)
        *count = of->count;
    return CL_SUCCESS;
}

/* Answers to the queries of vendors' extensions. */
static cl_int answer_extension(cl_device_info what, size_t capacity, void *out, size_t *size)
{
    static const cl_uint one = 1, slot = 0x1A, warp = 32, wavefront = 64, pci[] = {2, 3, 4, 5};
    static const size_t sub_groups[] = {8, 16, 32};
    static const unsigned char uuid[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};
    static const struct {
        cl_uint type;
        cl_uchar unused[17], bus, device, function;
    } topology = {1, {0}, 0xC1, 2, 1};
    switch (what) {
    case 0x4008: /* CL_DEVICE_PCI_BUS_ID_NV */
        return ANSWER(one);
    case 0x4009: /* CL_DEVICE_PCI_SLOT_ID_NV */
        return ANSWER(slot);
    case 0x4003: /* CL_DEVICE_WARP_SIZE_NV */
        return ANSWER(warp);
    case 0x4037: /* CL_DEVICE_TOPOLOGY_AMD */
        return ANSWER(topology);
    case 0x4043: /* CL_DEVICE_WAVEFRONT_WIDTH_AMD */
        return ANSWER(wavefront);
    case 0x106A: /* CL_DEVICE_UUID_KHR */
        return ANSWER(uuid);
    case 0x410F: /* CL_DEVICE_PCI_BUS_INFO_KHR */
        return ANSWER(pci);
    case 0x4108: /* CL_DEVICE_SUB_GROUP_SIZES_INTEL */
        return ANSWER(sub_groups);
    default:
        return CL_INVALID_VALUE;
    }
}

cl_int clGetDeviceInfo(cl_device_id id, cl_device_info what, size_t capacity, void *out,
                       size_t *size)
{
    static const cl_uint units = 7, clock = 1500, width = 4, dimensions = 3;
    static const cl_ulong global = (cl_ulong)8 << 30, allocation = (cl_ulong)2 << 30, local = 32768;
    static const size_t group = 256;
    static const cl_bool yes = CL_TRUE;
    static const cl_device_exec_capabilities kernels = CL_EXEC_KERNEL;
    const fake_device *device = AS_DEVICE(id);
    const void *platform = &platforms[0];
    if (device->fails)
        return CL_INVALID_DEVICE;
    switch (what) {
    case CL_DEVICE_PLATFORM:
        return ANSWER(platform);
    case CL_DEVICE_NAME:
        return ANSWER_TEXT(device->name);
    case CL_DEVICE_VENDOR:
        return ANSWER_TEXT("Vendor");
    case CL_DRIVER_VERSION:
        return ANSWER_TEXT("1.0");
    case CL_DEVICE_VERSION:
        return ANSWER_TEXT("OpenCL 2.0 x");
    case CL_DEVICE_EXTENSIONS:
        return ANSWER_TEXT(device->extensions);
    case CL_DEVICE_TYPE:
        return ANSWER(device->type);
    case CL_DEVICE_MAX_COMPUTE_UNITS:
        return ANSWER(units);
    case CL_DEVICE_MAX_CLOCK_FREQUENCY:
        return ANSWER(clock);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
        return ANSWER(global);
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
        return ANSWER(allocation);
    case CL_DEVICE_LOCAL_MEM_SIZE:
        return ANSWER(local);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return ANSWER(group);
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT:
        return ANSWER(width);
    case CL_DEVICE_MAX_WORK_ITEM_DIMENSIONS:
        return ANSWER(dimensions);
    case CL_DEVICE_EXECUTION_CAPABILITIES:
        return ANSWER(kernels);
    case CL_DEVICE_HOST_UNIFIED_MEMORY:
    case CL_DEVICE_AVAILABLE:
    case CL_DEVICE_COMPILER_AVAILABLE:
    case CL_DEVICE_ENDIAN_LITTLE:
        return ANSWER(yes);
    default:
        return answer_extension(what, capacity, out, size);
    }
}

/* ---- tests ---- */

static vgg_device_entry *entries;
static size_t count;

static int list(void **state)
{
    (void)state;
    platform_count = sizeof platforms / sizeof *platforms;
    platform_error = CL_SUCCESS;
    return (int)vgg_device_list(&entries, &count);
}

static int free_list(void **state)
{
    (void)state;
    vgg_free(entries);
    return 0;
}

static void sorts_by_platform_then_the_drivers_order(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int platform, device;
    } expected[] = {{"gfx1100", 0, 0},  {"gfx1100", 0, 1}, {"unknown", 1, 0},
                    {"Arc?[31m", 1, 1}, {"Xeon", 1, 2},    {"GeForce", 2, 0}};
    assert_int_equal(count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(entries[i].info.name, expected[i].name);
        assert_int_equal(entries[i].info.index, i);
        assert_int_equal(entries[i].info.platform_index, expected[i].platform);
        assert_int_equal(entries[i].info.device_index, expected[i].device);
    }
}

static void a_device_that_fails_is_listed_with_the_reason(void **state)
{
    (void)state;
    const clvgg_device_info *info = &entries[2].info;
    assert_false(info->usable);
    assert_string_equal(info->platform, "Beta");
    assert_string_equal(info->unusable_reason, "clGetDeviceInfo: CL_INVALID_DEVICE (-33)");
    for (size_t i = 0; i < count; i++)
        assert_int_equal(entries[i].info.usable, i != 2);
}

static void tells_the_facts(void **state)
{
    (void)state;
    const clvgg_device_info *info = &entries[4].info;
    assert_int_equal(info->type, CLVGG_DEVICE_CPU);
    assert_string_equal(info->vendor, "Vendor");
    assert_string_equal(info->driver_version, "1.0");
    assert_string_equal(info->opencl_version, "OpenCL 2.0 x");
    assert_int_equal(info->compute_units, 7);
    assert_int_equal(info->clock_mhz, 1500);
    assert_true(info->global_memory_bytes == (uint64_t)8 << 30);
    assert_true(info->max_allocation_bytes == (uint64_t)2 << 30);
    assert_int_equal(info->local_memory_bytes, 32768);
    assert_int_equal(info->max_work_group_size, 256);
    assert_int_equal(info->native_float_width, 4);
    assert_true(info->host_unified_memory);
    assert_string_equal(info->uuid, "");
    assert_string_equal(info->pci_address, "");
    assert_int_equal(info->sub_group_size_count, 0);
}

static void asks_each_vendors_extension(void **state)
{
    (void)state;
    const clvgg_device_info *amd = &entries[0].info, *intel = &entries[3].info,
                            *nvidia = &entries[5].info;
    assert_string_equal(nvidia->pci_address, "0000:01:03.2");
    assert_int_equal(nvidia->sub_group_size_count, 1);
    assert_int_equal(nvidia->sub_group_sizes[0], 32);
    assert_true(nvidia->has_double && !nvidia->has_half);

    assert_string_equal(amd->pci_address, "0000:c1:02.1");
    assert_int_equal(amd->sub_group_sizes[0], 64);
    assert_true(amd->has_half && !amd->has_double);
    assert_false(entries[1].info.has_half); /* "cl_khr_fp16_not" is another word */

    assert_string_equal(intel->uuid, "00010203-0405-0607-0809-0a0b0c0d0eff");
    assert_string_equal(intel->pci_address, "0002:03:04.5");
    assert_int_equal(intel->sub_group_size_count, 3);
    assert_int_equal(intel->sub_group_sizes[2], 32);
}

static void no_platform_is_no_error(void **state)
{
    (void)state;
    vgg_device_entry *none = NULL;
    size_t none_count = 99;
    platform_count = 0;
    platform_error = -1001; /* CL_PLATFORM_NOT_FOUND_KHR */
    assert_int_equal(vgg_device_list(&none, &none_count), CLVGG_STATUS_OK);
    assert_int_equal(none_count, 0);
    vgg_free(none);
    platform_error = CL_SUCCESS;
    assert_int_equal(vgg_device_list(&none, &none_count), CLVGG_STATUS_OK);
    assert_int_equal(none_count, 0);
    vgg_free(none);
    platform_error = CL_OUT_OF_HOST_MEMORY;
    assert_int_equal(vgg_device_list(&none, &none_count), CLVGG_STATUS_OUT_OF_MEMORY);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_by_platform_then_the_drivers_order),
        cmocka_unit_test(a_device_that_fails_is_listed_with_the_reason),
        cmocka_unit_test(tells_the_facts),
        cmocka_unit_test(asks_each_vendors_extension),
        cmocka_unit_test(no_platform_is_no_error),
    };
    return cmocka_run_group_tests(tests, list, free_list);
}

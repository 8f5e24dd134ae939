/* ocl/device_info.c — facts about one device, and whether clvgg can use it.
 *
 * What every OpenCL 1.2 driver must answer is asked strictly; what only an extension tells is asked
 * when the driver lists the extension and stays empty when it answers badly. A new fact is a field
 * of clvgg_device_info and a query here.
 */
#include <stdio.h>
#include <string.h>

#include <CL/cl_ext.h>

#include "base/alloc.h"
#include "ocl/device.h"
#include "ocl/query.h"

/* Of cl_nv_device_attribute_query; older headers lack them. */
#ifndef CL_DEVICE_PCI_BUS_ID_NV
#define CL_DEVICE_PCI_BUS_ID_NV 0x4008
#endif
#ifndef CL_DEVICE_PCI_SLOT_ID_NV
#define CL_DEVICE_PCI_SLOT_ID_NV 0x4009
#endif
#ifndef CL_DEVICE_PCI_DOMAIN_ID_NV
#define CL_DEVICE_PCI_DOMAIN_ID_NV 0x400A
#endif
#ifndef CL_DEVICE_WARP_SIZE_NV
#define CL_DEVICE_WARP_SIZE_NV 0x4003
#endif
/* cl_amd_device_attribute_query */
#ifndef CL_DEVICE_TOPOLOGY_AMD
#define CL_DEVICE_TOPOLOGY_AMD 0x4037
#endif
#ifndef CL_DEVICE_WAVEFRONT_WIDTH_AMD
#define CL_DEVICE_WAVEFRONT_WIDTH_AMD 0x4043
#endif
/* cl_khr_device_uuid, cl_khr_pci_bus_info, cl_intel_required_subgroup_size */
#ifndef CL_DEVICE_UUID_KHR
#define CL_DEVICE_UUID_KHR 0x106A
#endif
#ifndef CL_DEVICE_PCI_BUS_INFO_KHR
#define CL_DEVICE_PCI_BUS_INFO_KHR 0x410F
#endif
#ifndef CL_DEVICE_SUB_GROUP_SIZES_INTEL
#define CL_DEVICE_SUB_GROUP_SIZES_INTEL 0x4108
#endif

/* Less than this and no network of the VGG family fits, or no kernel runs. */
#define MIN_GLOBAL_BYTES ((uint64_t)64 << 20)
#define MIN_ALLOCATION_BYTES ((uint64_t)16 << 20)
#define MIN_LOCAL_BYTES ((uint64_t)1 << 10)
#define MIN_DIMENSIONS 3

void vgg_clean_text(char *text, size_t capacity, const char *raw)
{
    raw += strspn(raw, " \t\r\n");
    size_t length = 0;
    for (; raw[length] != '\0' && length + 1 < capacity; length++) {
        unsigned char c = (unsigned char)raw[length];
        text[length] = c < 0x20 || c == 0x7F ? '?' : raw[length];
    }
    while (length > 0 && text[length - 1] == ' ')
        length--;
    text[length] = '\0';
}

clvgg_status vgg_query_platform_name(cl_platform_id platform, char *name, size_t capacity)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char *raw = NULL;
    size_t bytes = 0;
    VGG_CL(clGetPlatformInfo(platform, CL_PLATFORM_NAME, 0, NULL, &bytes));
    VGG_NEW(raw, bytes + 1);
    VGG_CL(clGetPlatformInfo(platform, CL_PLATFORM_NAME, bytes, raw, NULL));
    vgg_clean_text(name, capacity, raw);
cleanup:
    vgg_free(raw);
    return status;
}

/* A string of any length as the driver has it; freed by the caller. */
static clvgg_status query_raw_text(cl_device_id id, cl_device_info what, char **raw)
{
    clvgg_status status = CLVGG_STATUS_OK;
    size_t bytes = 0;
    *raw = NULL;
    VGG_CL(clGetDeviceInfo(id, what, 0, NULL, &bytes));
    VGG_NEW(*raw, bytes + 1);
    VGG_CL(clGetDeviceInfo(id, what, bytes, *raw, NULL));
cleanup:
    if (status != CLVGG_STATUS_OK) {
        vgg_free(*raw);
        *raw = NULL;
    }
    return status;
}

static clvgg_status query_text(cl_device_id id, cl_device_info what, char *text, size_t capacity)
{
    char *raw = NULL;
    clvgg_status status = query_raw_text(id, what, &raw);
    if (status == CLVGG_STATUS_OK)
        vgg_clean_text(text, capacity, raw);
    vgg_free(raw);
    return status;
}

/* An answer of exactly `bytes`. */
static clvgg_status query_value(cl_device_id id, cl_device_info what, void *value, size_t bytes)
{
    return vgg_cl_check(clGetDeviceInfo(id, what, bytes, value, NULL), "clGetDeviceInfo");
}

/* The same where an extension is asked: no answer is no error. */
static bool ask(cl_device_id id, cl_device_info what, void *value, size_t bytes)
{
    return clGetDeviceInfo(id, what, bytes, value, NULL) == CL_SUCCESS;
}

/* Whether the blank-separated list holds the whole word. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word)) {
        bool starts = at == list || at[-1] == ' ';
        bool ends = at[length] == ' ' || at[length] == '\0';
        if (starts && ends)
            return true;
    }
    return false;
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
    clvgg_status status = CLVGG_STATUS_OK;
    cl_platform_id platform = NULL;
    VGG_TRY(query_value(id, CL_DEVICE_PLATFORM, &platform, sizeof platform));
    VGG_TRY(vgg_query_platform_name(platform, info->platform, sizeof info->platform));
    VGG_TRY(query_text(id, CL_DEVICE_NAME, info->name, sizeof info->name));
    VGG_TRY(query_text(id, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor));
    VGG_TRY(query_text(id, CL_DRIVER_VERSION, info->driver_version, sizeof info->driver_version));
    VGG_TRY(query_text(id, CL_DEVICE_VERSION, info->opencl_version, sizeof info->opencl_version));
cleanup:
    return status;
}

static clvgg_status query_limits(cl_device_id id, clvgg_device_info *info)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_device_type type = 0;
    cl_uint compute_units = 0, clock_mhz = 0, float_width = 0;
    cl_ulong global_bytes = 0, allocation_bytes = 0, local_bytes = 0;
    cl_bool unified = CL_FALSE;
    VGG_TRY(query_value(id, CL_DEVICE_TYPE, &type, sizeof type));
    VGG_TRY(query_value(id, CL_DEVICE_MAX_COMPUTE_UNITS, &compute_units, sizeof compute_units));
    VGG_TRY(query_value(id, CL_DEVICE_MAX_CLOCK_FREQUENCY, &clock_mhz, sizeof clock_mhz));
    VGG_TRY(query_value(id, CL_DEVICE_GLOBAL_MEM_SIZE, &global_bytes, sizeof global_bytes));
    VGG_TRY(
        query_value(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, &allocation_bytes, sizeof allocation_bytes));
    VGG_TRY(query_value(id, CL_DEVICE_LOCAL_MEM_SIZE, &local_bytes, sizeof local_bytes));
    VGG_TRY(query_value(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, &info->max_work_group_size,
                        sizeof info->max_work_group_size));
    VGG_TRY(query_value(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, &float_width, sizeof float_width));
    VGG_TRY(query_value(id, CL_DEVICE_HOST_UNIFIED_MEMORY, &unified, sizeof unified));
    info->type = type_of(type);
    info->compute_units = compute_units;
    info->clock_mhz = clock_mhz;
    info->global_memory_bytes = global_bytes;
    info->max_allocation_bytes = allocation_bytes;
    info->local_memory_bytes = local_bytes;
    info->native_float_width = float_width;
    info->host_unified_memory = unified == CL_TRUE;
cleanup:
    return status;
}

static void ask_uuid(cl_device_id id, const char *extensions, clvgg_device_info *info)
{
    cl_uchar bytes[16];
    if (!has_word(extensions, "cl_khr_device_uuid") ||
        !ask(id, CL_DEVICE_UUID_KHR, bytes, sizeof bytes))
        return;
    char *at = info->uuid;
    for (size_t i = 0; i < sizeof bytes; i++)
        at += snprintf(at, 4, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", bytes[i]);
}

/* "domain:bus:device.function", from whichever of the three extensions there is. */
static void ask_pci_address(cl_device_id id, const char *extensions, clvgg_device_info *info)
{
    struct {
        cl_uint domain, bus, device, function;
    } pci = {0, 0, 0, 0};
    struct {
        cl_uint type; /* 1: PCI Express */
        cl_uchar unused[17], bus, device, function;
    } amd;
    cl_uint slot = 0;
    if (has_word(extensions, "cl_khr_pci_bus_info") &&
        ask(id, CL_DEVICE_PCI_BUS_INFO_KHR, &pci, sizeof pci)) {
        /* the struct is the answer */
    } else if (has_word(extensions, "cl_nv_device_attribute_query") &&
               ask(id, CL_DEVICE_PCI_BUS_ID_NV, &pci.bus, sizeof pci.bus) &&
               ask(id, CL_DEVICE_PCI_SLOT_ID_NV, &slot, sizeof slot)) {
        pci.device = slot >> 3;
        pci.function = slot & 7;
        if (!ask(id, CL_DEVICE_PCI_DOMAIN_ID_NV, &pci.domain, sizeof pci.domain))
            pci.domain = 0;
    } else if (has_word(extensions, "cl_amd_device_attribute_query") &&
               ask(id, CL_DEVICE_TOPOLOGY_AMD, &amd, sizeof amd) && amd.type == 1) {
        pci.bus = amd.bus;
        pci.device = amd.device;
        pci.function = amd.function;
    } else {
        return;
    }
    snprintf(info->pci_address, sizeof info->pci_address, "%04x:%02x:%02x.%x", pci.domain & 0xFFFF,
             pci.bus & 0xFF, pci.device & 0x1F, pci.function & 7);
}

static void ask_sub_group_sizes(cl_device_id id, const char *extensions, clvgg_device_info *info)
{
    const size_t capacity = sizeof info->sub_group_sizes / sizeof *info->sub_group_sizes;
    size_t sizes[64], bytes = 0;
    cl_uint width = 0;
    if (has_word(extensions, "cl_intel_required_subgroup_size") &&
        clGetDeviceInfo(id, CL_DEVICE_SUB_GROUP_SIZES_INTEL, sizeof sizes, sizes, &bytes) ==
            CL_SUCCESS) {
        size_t count = bytes / sizeof *sizes < capacity ? bytes / sizeof *sizes : capacity;
        memcpy(info->sub_group_sizes, sizes, count * sizeof *sizes);
        info->sub_group_size_count = (int)count;
    } else if ((has_word(extensions, "cl_nv_device_attribute_query") &&
                ask(id, CL_DEVICE_WARP_SIZE_NV, &width, sizeof width)) ||
               (has_word(extensions, "cl_amd_device_attribute_query") &&
                ask(id, CL_DEVICE_WAVEFRONT_WIDTH_AMD, &width, sizeof width))) {
        info->sub_group_sizes[0] = width;
        info->sub_group_size_count = 1;
    }
}

/* What the kernels need and clvgg_device_info doesn't show. */
typedef struct requirements {
    cl_bool available, compiler, little_endian;
    cl_device_exec_capabilities execution;
    cl_uint dimensions;
} requirements;

static clvgg_status query_needs(cl_device_id id, requirements *needs)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_TRY(query_value(id, CL_DEVICE_AVAILABLE, &needs->available, sizeof needs->available));
    VGG_TRY(
        query_value(id, CL_DEVICE_COMPILER_AVAILABLE, &needs->compiler, sizeof needs->compiler));
    VGG_TRY(query_value(id, CL_DEVICE_ENDIAN_LITTLE, &needs->little_endian,
                        sizeof needs->little_endian));
    VGG_TRY(query_value(id, CL_DEVICE_EXECUTION_CAPABILITIES, &needs->execution,
                        sizeof needs->execution));
    VGG_TRY(query_value(id, CL_DEVICE_MAX_WORK_ITEM_DIMENSIONS, &needs->dimensions,
                        sizeof needs->dimensions));
cleanup:
    return status;
}

/* Writes why the device can't be used, or "". An embedded profile is fine. */
static void judge(const requirements *needs, clvgg_device_info *info)
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
    clvgg_status status = CLVGG_STATUS_OK;
    char *extensions = NULL;
    requirements needs = {0};
    *info = (clvgg_device_info){.struct_size = sizeof *info};
    VGG_TRY(query_texts(id, info));
    VGG_TRY(query_limits(id, info));
    VGG_TRY(query_needs(id, &needs));
    VGG_TRY(query_raw_text(id, CL_DEVICE_EXTENSIONS, &extensions));
    info->has_half = has_word(extensions, "cl_khr_fp16");
    info->has_double = has_word(extensions, "cl_khr_fp64");
    ask_uuid(id, extensions, info);
    ask_pci_address(id, extensions, info);
    ask_sub_group_sizes(id, extensions, info);
    judge(&needs, info);
cleanup:
    vgg_free(extensions);
    return status;
}

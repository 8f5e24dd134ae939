/* ocl/device_extensions.c — what only extensions tell about a device.
 *
 * Asked when the driver lists the extension; a query that fails leaves its field empty. A new
 * vendor's way to tell the same fact is a branch here.
 */
#include <stdio.h>
#include <string.h>

#include <CL/cl_ext.h>

#include "base/alloc.h"
#include "ocl/query.h"

/* Constants of cl_nv_device_attribute_query, which older headers lack. */
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

/* An answer of exactly `bytes`; none is no error. */
static bool ask(cl_device_id id, cl_device_info what, void *value, size_t bytes)
{
    return clGetDeviceInfo(id, what, bytes, value, NULL) == CL_SUCCESS;
}

/* Says whether the blank-separated list holds the whole word. */
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

clvgg_status vgg_query_extensions(cl_device_id id, clvgg_device_info *info)
{
    char *extensions = NULL;
    clvgg_status status = vgg_query_raw_text(id, CL_DEVICE_EXTENSIONS, &extensions);
    if (status != CLVGG_STATUS_OK)
        return status;
    info->has_half = has_word(extensions, "cl_khr_fp16");
    info->has_double = has_word(extensions, "cl_khr_fp64");
    ask_uuid(id, extensions, info);
    ask_pci_address(id, extensions, info);
    ask_sub_group_sizes(id, extensions, info);
    vgg_free(extensions);
    return status;
}

clvgg_status vgg_query_has_extension(cl_device_id id, const char *name, bool *has)
{
    char *extensions = NULL;
    *has = false;
    clvgg_status status = vgg_query_raw_text(id, CL_DEVICE_EXTENSIONS, &extensions);
    if (status == CLVGG_STATUS_OK)
        *has = has_word(extensions, name);
    vgg_free(extensions);
    return status;
}

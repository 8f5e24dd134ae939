/* ocl/device_facts.c — the table of facts that a driver is asked for: a new fact is a row. */
#include "ocl/device_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ocl/clock.h"
#include "ocl/matrix_unit.h"
#include "ocl/query.h"
#include "ocl/sub_group.h"

typedef enum answer { TEXT, TRUTH, PLACE, NUMBER_32, NUMBER_64, NUMBER_SIZE, SIZES } answer;

static const struct {
    const char *name;
    cl_device_info what;
    answer kind;
} questions[] = {
    {"vendor", CL_DEVICE_VENDOR, TEXT},
    {"driver", CL_DRIVER_VERSION, TEXT},
    {"version", CL_DEVICE_VERSION, TEXT},
    {"OpenCL C", CL_DEVICE_OPENCL_C_VERSION, TEXT},
    {"profile", CL_DEVICE_PROFILE, TEXT},
    {"compute units", CL_DEVICE_MAX_COMPUTE_UNITS, NUMBER_32},
    {"clock, MHz", CL_DEVICE_MAX_CLOCK_FREQUENCY, NUMBER_32},
    {"global memory", CL_DEVICE_GLOBAL_MEM_SIZE, NUMBER_64},
    {"largest buffer", CL_DEVICE_MAX_MEM_ALLOC_SIZE, NUMBER_64},
    {"memory cache", CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, NUMBER_64},
    {"cache line", CL_DEVICE_GLOBAL_MEM_CACHELINE_SIZE, NUMBER_32},
    {"local memory", CL_DEVICE_LOCAL_MEM_SIZE, NUMBER_64},
    {"local memory is", CL_DEVICE_LOCAL_MEM_TYPE, PLACE},
    {"host's memory", CL_DEVICE_HOST_UNIFIED_MEMORY, TRUTH},
    {"work-group", CL_DEVICE_MAX_WORK_GROUP_SIZE, NUMBER_SIZE},
    {"work-items", CL_DEVICE_MAX_WORK_ITEM_SIZES, SIZES},
    {"floats a vector", CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, NUMBER_32},
    {"alignment, bits", CL_DEVICE_MEM_BASE_ADDR_ALIGN, NUMBER_32},
    {"argument bytes", CL_DEVICE_MAX_PARAMETER_SIZE, NUMBER_SIZE},
    {"clock tick, ns", CL_DEVICE_PROFILING_TIMER_RESOLUTION, NUMBER_SIZE},
    {"compiler", CL_DEVICE_COMPILER_AVAILABLE, TRUTH},
    {"linker", CL_DEVICE_LINKER_AVAILABLE, TRUTH},
};

/* Extensions worth reporting: they decide how well a network runs, or clvgg asks for them. */
static const char *const extensions[] = {
    "cl_khr_fp16",
    "cl_khr_fp64",
    "cl_khr_icd",
    "cl_khr_subgroups",
    "cl_khr_subgroup_shuffle",
    "cl_intel_subgroups",
    "cl_intel_required_subgroup_size",
    "cl_khr_integer_dot_product",
    "cl_khr_il_program",
    "cl_khr_command_buffer",
    "cl_khr_device_uuid",
    "cl_khr_pci_bus_info",
    "cl_nv_device_attribute_query",
    "cl_nv_compiler_options",
    "cl_amd_device_attribute_query",
    "cl_arm_import_memory",
    "cl_qcom_perf_hint",
};

/* The answer in words; false where there is none. */
static bool ask(cl_device_id id, size_t row, char *words, size_t capacity)
{
    char raw[1024] = "";
    size_t bytes = 0, sizes[8];
    cl_uint number = 0;
    cl_ulong large = 0;
    if (clGetDeviceInfo(id, questions[row].what, sizeof raw - 1, raw, &bytes) != CL_SUCCESS)
        return false;
    switch (questions[row].kind) {
    case TEXT:
        vgg_clean_text(words, capacity, raw);
        return true;
    case TRUTH:
    case PLACE:
    case NUMBER_32:
        memcpy(&number, raw, sizeof number);
        if (questions[row].kind == TRUTH)
            snprintf(words, capacity, "%s", number ? "yes" : "no");
        else if (questions[row].kind == PLACE)
            snprintf(words, capacity, "%s", number == CL_LOCAL ? "its own" : "global memory");
        else
            snprintf(words, capacity, "%" PRIu32, number);
        return bytes == sizeof number;
    case NUMBER_64:
        memcpy(&large, raw, sizeof large);
        snprintf(words, capacity, "%" PRIu64, large);
        return bytes == sizeof large;
    case NUMBER_SIZE:
        memcpy(sizes, raw, sizeof *sizes);
        snprintf(words, capacity, "%zu", sizes[0]);
        return bytes == sizeof *sizes;
    case SIZES:
        memcpy(sizes, raw, sizeof sizes);
        snprintf(words, capacity, "%zu x %zu x %zu", sizes[0], sizes[1], sizes[2]);
        return bytes >= 3 * sizeof *sizes;
    }
    return false;
}

static void visit_extensions(cl_device_id id, clvgg_fact_fn visit, void *user)
{
    vgg_text text = {0};
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        bool has = false;
        if (vgg_query_has_extension(id, extensions[i], &has) == CLVGG_STATUS_OK && has)
            vgg_text_printf(&text, "%s%s", text.length > 0 ? " " : "", extensions[i]);
    }
    if (!text.failed)
        visit(user, "of extensions", text.length > 0 ? text.bytes : "none that matters");
    vgg_text_free(&text);
}

void vgg_device_visit_facts(const vgg_device_entry *entry, clvgg_fact_fn visit, void *user)
{
    const clvgg_device_info *info = &entry->info;
    char words[1024], raw[1024] = "";
    visit(user, "name", info->name);
    visit(user, "platform", info->platform);
    if (clGetPlatformInfo(entry->platform, CL_PLATFORM_VERSION, sizeof raw - 1, raw, NULL) ==
        CL_SUCCESS) {
        vgg_clean_text(words, sizeof words, raw);
        visit(user, "platform version", words);
    }
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        if (ask(entry->id, i, words, sizeof words))
            visit(user, questions[i].name, words);
    if (info->pci_address[0] != '\0')
        visit(user, "PCI", info->pci_address);
    visit_extensions(entry->id, visit, user);
    visit(user, "usable", info->usable ? "yes" : info->unusable_reason);
}

static const char *verdict(clvgg_status status, const char *words)
{
    return status == CLVGG_STATUS_OK ? words : vgg_message();
}

void vgg_device_visit_checks(clvgg_device *device, clvgg_fact_fn visit, void *user)
{
    bool clock = false, amx = false;
    vgg_sub_groups groups = {0};
    clvgg_status status = vgg_clock_check(device, &clock);
    visit(user, "checked: clock",
          verdict(status, clock ? "agrees with the host's" : "none, or contradicts the host's"));
    status = vgg_sub_group_check(device, &groups);
    const char *const sizes[] = {"none that work", "of 8", "of 16", "of 8 and of 16"};
    const int found =
        (groups.sizes & VGG_SUB_GROUP_8 ? 1 : 0) + (groups.sizes & VGG_SUB_GROUP_16 ? 2 : 0);
    visit(user, "checked: sub-groups", verdict(status, sizes[found]));
    status = vgg_matrix_unit_check(device, &amx);
    visit(user, "checked: matrix unit", verdict(status, amx ? "AMX" : "none"));
}

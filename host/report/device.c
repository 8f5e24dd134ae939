/* report/device.c — a device as JSON and as text. A new field of clvgg_device_info is added to
 * both. */
#include "report/device.h"

#include "report/format.h"

static const char *const type_keys[] = {"cpu", "gpu", "accelerator", "other"};
static const char *const type_titles[] = {"CPU", "GPU", "Accelerator", "Other"};

void vgg_report_device_json(vgg_json *json, const char *key, const clvgg_device_info *info)
{
    vgg_json_begin_object(json, key);
    vgg_json_integer(json, "index", info->index);
    vgg_json_integer(json, "platform_index", info->platform_index);
    vgg_json_integer(json, "device_index", info->device_index);
    vgg_json_string(json, "type", type_keys[info->type]);
    vgg_json_string(json, "name", info->name);
    vgg_json_string(json, "vendor", info->vendor);
    vgg_json_string(json, "platform", info->platform);
    vgg_json_string(json, "driver_version", info->driver_version);
    vgg_json_string(json, "opencl_version", info->opencl_version);
    vgg_json_integer(json, "compute_units", info->compute_units);
    vgg_json_integer(json, "clock_mhz", info->clock_mhz);
    vgg_json_bytes(json, "global_memory_bytes", info->global_memory_bytes);
    vgg_json_bytes(json, "max_allocation_bytes", info->max_allocation_bytes);
    vgg_json_bytes(json, "local_memory_bytes", info->local_memory_bytes);
    vgg_json_bytes(json, "max_work_group_size", info->max_work_group_size);
    vgg_json_integer(json, "native_float_width", info->native_float_width);
    vgg_json_bool(json, "half", info->has_half != 0);
    vgg_json_bool(json, "double", info->has_double != 0);
    vgg_json_bool(json, "host_unified_memory", info->host_unified_memory != 0);
    vgg_json_string(json, "uuid", info->uuid);
    vgg_json_string(json, "pci_address", info->pci_address);
    vgg_json_begin_array(json, "sub_group_sizes");
    for (int i = 0; i < info->sub_group_size_count; i++)
        vgg_json_bytes(json, NULL, info->sub_group_sizes[i]);
    vgg_json_end(json);
    vgg_json_bool(json, "usable", info->usable != 0);
    vgg_json_string(json, "unusable_reason", info->unusable_reason);
    vgg_json_end(json);
}

/* The name of a fact in a column of its own. */
static void fact(vgg_text *text, const vgg_style *style, const char *name)
{
    vgg_text_printf(text, "    %s%-10s%s ", vgg_style_dim(style), name, vgg_style_reset(style));
}

static void text_fact(vgg_text *text, const vgg_style *style, const char *name, const char *value)
{
    fact(text, style, name);
    vgg_text_name(text, "", value, "\n");
}

static void print_compute(vgg_text *text, const clvgg_device_info *info)
{
    vgg_text_printf(text, "%u unit%s at %u MHz, %u float%s a vector, half %s, double %s\n",
                    info->compute_units, info->compute_units == 1 ? "" : "s", info->clock_mhz,
                    info->native_float_width, info->native_float_width == 1 ? "" : "s",
                    info->has_half ? "yes" : "no", info->has_double ? "yes" : "no");
}

static void print_memory(vgg_text *text, const clvgg_device_info *info)
{
    vgg_text_printf(text, "%s%s, largest allocation %s, local %s\n",
                    VGG_SIZE(info->global_memory_bytes),
                    info->host_unified_memory ? " shared with the host" : "",
                    VGG_SIZE(info->max_allocation_bytes), VGG_SIZE(info->local_memory_bytes));
}

/* Prints facts that only some drivers tell. */
static void print_identity(vgg_text *text, const vgg_style *style, const clvgg_device_info *info)
{
    if (info->sub_group_size_count > 0) {
        fact(text, style, "sub-groups");
        for (int i = 0; i < info->sub_group_size_count; i++)
            vgg_text_printf(text, "%s%zu", i ? ", " : "", info->sub_group_sizes[i]);
        vgg_text_puts(text, "\n");
    }
    if (info->pci_address[0] != '\0')
        text_fact(text, style, "PCI", info->pci_address);
    if (info->uuid[0] != '\0')
        text_fact(text, style, "UUID", info->uuid);
}

void vgg_report_device_block(vgg_text *text, const vgg_style *style, const clvgg_device_info *info,
                             bool chosen)
{
    vgg_text_printf(text, "%s%2d  %s  ", vgg_style_bold(style), info->index,
                    type_titles[info->type]);
    vgg_text_terminal(text, info->name);
    vgg_text_printf(text, "%s%s\n", vgg_style_reset(style), chosen ? "  (default)" : "");
    if (!info->usable) {
        fact(text, style, "unusable");
        vgg_text_name(text, vgg_style_red(style), info->unusable_reason, "");
        vgg_text_printf(text, "%s\n", vgg_style_reset(style));
    }
    fact(text, style, "platform");
    vgg_text_terminal(text, info->platform);
    vgg_text_printf(text, " (%d:%d)\n", info->platform_index, info->device_index);
    text_fact(text, style, "vendor", info->vendor);
    text_fact(text, style, "version", info->opencl_version);
    text_fact(text, style, "driver", info->driver_version);
    fact(text, style, "compute");
    print_compute(text, info);
    fact(text, style, "memory");
    print_memory(text, info);
    print_identity(text, style, info);
}

void vgg_report_device_name(vgg_text *text, const clvgg_device_info *info)
{
    vgg_text_printf(text, "%s %d, ", type_titles[info->type], info->index);
    vgg_text_name(text, "", info->name, " (");
    vgg_text_terminal(text, info->platform);
    vgg_text_printf(text, "), %u compute unit%s", info->compute_units,
                    info->compute_units == 1 ? "" : "s");
}

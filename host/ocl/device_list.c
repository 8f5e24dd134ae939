/* ocl/device_list.c — enumerates: one flat list over all platforms, sorted by platform name.
 *
 * Nothing a single driver does wrong hides the others: a platform that fails or has no device is
 * skipped, a device that can't be asked is listed as unusable.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "ocl/device.h"
#include "ocl/query.h"

/* The loader's answer when no driver is installed; in no core header. */
#define PLATFORM_NOT_FOUND_KHR (-1001)

typedef struct platform {
    cl_platform_id id;
    char name[128];
} platform;

/* All platforms with their names; none is *count = 0. */
static clvgg_status list_platforms(platform **platforms, size_t *count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_platform_id *ids = NULL;
    cl_uint found = 0;
    *platforms = NULL;
    *count = 0;
    cl_int error = clGetPlatformIDs(0, NULL, &found);
    if (error == PLATFORM_NOT_FOUND_KHR)
        found = 0;
    else
        VGG_TRY(vgg_cl_check(error, "clGetPlatformIDs"));
    VGG_NEW(ids, found);
    VGG_NEW(*platforms, found);
    if (found > 0)
        VGG_CL(clGetPlatformIDs(found, ids, NULL));
    for (cl_uint i = 0; i < found; i++) {
        platform *next = &(*platforms)[*count];
        status = vgg_query_platform_name(ids[i], next->name, sizeof next->name);
        if (status == CLVGG_STATUS_OUT_OF_MEMORY)
            goto cleanup;
        if (status != CLVGG_STATUS_OK) {
            vgg_log(CLVGG_LOG_WARNING, "an OpenCL platform is skipped: %s", vgg_message());
            status = CLVGG_STATUS_OK;
            continue;
        }
        next->id = ids[i];
        (*count)++;
    }
cleanup:
    vgg_free(ids);
    if (status != CLVGG_STATUS_OK) {
        vgg_free(*platforms);
        *platforms = NULL;
        *count = 0;
    }
    return status;
}

/* Sorts platforms by name; equal names stay in the loader's order. */
static void sort_platforms(platform *platforms, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        platform moved = platforms[i];
        size_t at = i;
        for (; at > 0 && strcmp(platforms[at - 1].name, moved.name) > 0; at--)
            platforms[at] = platforms[at - 1];
        platforms[at] = moved;
    }
}

/* Up to `room` devices of the platform and how many it has; 0, with a line in the log, when it
 * fails. */
static cl_uint get_devices(const platform *of, cl_uint room, cl_device_id *ids)
{
    cl_uint count = 0;
    cl_int error = clGetDeviceIDs(of->id, CL_DEVICE_TYPE_ALL, room, ids, &count);
    if (error == CL_SUCCESS && count > 0)
        return count;
    if (error == CL_SUCCESS || error == CL_DEVICE_NOT_FOUND)
        vgg_log(CLVGG_LOG_DEBUG, "OpenCL platform '%s' skipped: it has no device", of->name);
    else
        vgg_log(CLVGG_LOG_WARNING, "OpenCL platform '%s' skipped: clGetDeviceIDs: %s", of->name,
                vgg_cl_error_name(error));
    return 0;
}

/* Describes the entry's device; one that can't be asked stays in the list, unusable. */
static clvgg_status fill_entry(vgg_device_entry *entry, const platform *of)
{
    clvgg_device_info *info = &entry->info;
    entry->platform = of->id;
    clvgg_status status = vgg_device_describe(entry->id, info);
    if (status == CLVGG_STATUS_OK || status == CLVGG_STATUS_OUT_OF_MEMORY)
        return status;
    vgg_log(CLVGG_LOG_WARNING, "a device of OpenCL platform '%s' can't be used: %s", of->name,
            vgg_message());
    *info = (clvgg_device_info){.struct_size = sizeof *info, .type = CLVGG_DEVICE_OTHER};
    snprintf(info->name, sizeof info->name, "unknown");
    snprintf(info->platform, sizeof info->platform, "%s", of->name);
    snprintf(info->unusable_reason, sizeof info->unusable_reason, "%s", vgg_message());
    return CLVGG_STATUS_OK;
}

/* Appends the devices of one platform to the list. */
static clvgg_status append_devices(const platform *of, int platform_index,
                                   vgg_device_entry **entries, size_t *count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_device_id *ids = NULL;
    cl_uint room = get_devices(of, 0, NULL), found = 0;
    VGG_NEW(ids, room);
    if (room > 0)
        found = get_devices(of, room, ids);
    found = found < room ? found : room;
    if (found > 0) {
        vgg_device_entry *grown = vgg_realloc(*entries, *count + found, sizeof *grown);
        if (grown == NULL) {
            status = CLVGG_STATUS_OUT_OF_MEMORY;
            goto cleanup;
        }
        *entries = grown;
    }
    for (cl_uint i = 0; i < found; i++) {
        vgg_device_entry *entry = &(*entries)[*count];
        *entry = (vgg_device_entry){.id = ids[i]};
        VGG_TRY(fill_entry(entry, of));
        entry->info.index = (int)*count;
        entry->info.platform_index = platform_index;
        entry->info.device_index = (int)i;
        (*count)++;
    }
cleanup:
    vgg_free(ids);
    return status;
}

clvgg_status vgg_device_list(vgg_device_entry **entries, size_t *count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    platform *platforms = NULL;
    size_t platform_count = 0;
    *entries = NULL;
    *count = 0;
    VGG_TRY(list_platforms(&platforms, &platform_count));
    sort_platforms(platforms, platform_count);
    int platform_index = 0;
    for (size_t i = 0; i < platform_count; i++) {
        size_t before = *count;
        VGG_TRY(append_devices(&platforms[i], platform_index, entries, count));
        if (*count > before)
            platform_index++;
    }
cleanup:
    vgg_free(platforms);
    if (status != CLVGG_STATUS_OK) {
        vgg_free(*entries);
        *entries = NULL;
        *count = 0;
    }
    return status;
}

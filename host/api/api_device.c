/* api/api_device.c — implements clvgg/device.h. */
#include <stdio.h>

#include "api/scope.h"
#include "base/alloc.h"
#include "ocl/clock.h"

static clvgg_status count_devices(size_t *count)
{
    vgg_device_entry *entries = NULL;
    clvgg_status status = vgg_device_list(&entries, count);
    vgg_free(entries);
    return status;
}

clvgg_status clvgg_device_count(clvgg_runtime *runtime, size_t *count)
{
    VGG_API_GIVEN(runtime, count);
    VGG_API_RETURN(&runtime->scope, count_devices(count));
}

static clvgg_status query_device(size_t index, clvgg_device_info *info)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_device_entry *entries = NULL;
    size_t count = 0;
    char spec[24];
    VGG_TRY(vgg_device_list(&entries, &count));
    snprintf(spec, sizeof spec, "%zu", index);
    if (index >= count)
        VGG_TRY(vgg_device_choose(entries, count, spec, &index)); /* the error with the list */
    *info = entries[index].info;
cleanup:
    vgg_free(entries);
    return status;
}

clvgg_status clvgg_device_query(clvgg_runtime *runtime, size_t index, clvgg_device_info *info)
{
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_STRUCT(info);
    VGG_API_RETURN(&runtime->scope, query_device(index, info));
}

static clvgg_status select_device(const char *spec, size_t *index)
{
    vgg_device_entry *entries = NULL;
    size_t count = 0;
    clvgg_status status = vgg_device_list(&entries, &count);
    if (status == CLVGG_STATUS_OK)
        status = vgg_device_choose(entries, count, spec, index);
    vgg_free(entries);
    return status;
}

clvgg_status clvgg_device_select(clvgg_runtime *runtime, const char *spec, size_t *index)
{
    VGG_API_GIVEN(runtime, index);
    *index = 0;
    VGG_API_RETURN(&runtime->scope, select_device(spec, index));
}

static clvgg_status diagnose(char *text, size_t capacity, size_t *length)
{
    vgg_text lines = {0};
    vgg_device_diagnose(&lines);
    return vgg_api_hand_out(&lines, text, capacity, length);
}

clvgg_status clvgg_device_diagnose(clvgg_runtime *runtime, char *text, size_t capacity,
                                   size_t *length)
{
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_REQUIRE(text != NULL || capacity == 0);
    VGG_API_REQUIRE(length != NULL);
    *length = 0;
    VGG_API_RETURN(&runtime->scope, diagnose(text, capacity, length));
}

void clvgg_device_options_defaults(clvgg_device_options *options)
{
    if (options != NULL)
        *options = (clvgg_device_options){.struct_size = sizeof *options};
}

clvgg_status clvgg_device_open(clvgg_runtime *runtime, const char *spec,
                               const clvgg_device_options *options, clvgg_device **out)
{
    VGG_API_OUT(out);
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_OPTIONS(clvgg_device_options, options);
    VGG_API_RETURN(&runtime->scope, vgg_device_open(runtime, spec, options, out));
}

clvgg_status clvgg_device_get_info(const clvgg_device *device, clvgg_device_info *info)
{
    VGG_API_REQUIRE(device != NULL);
    VGG_API_STRUCT(info);
    *info = device->info;
    return CLVGG_STATUS_OK;
}

static clvgg_status has_clock(clvgg_device *device, int *has)
{
    bool works = false;
    const clvgg_status status = vgg_clock_check(device, &works);
    *has = works;
    return status;
}

clvgg_status clvgg_device_has_clock(clvgg_device *device, int *has)
{
    VGG_API_GIVEN(device, has);
    VGG_API_RETURN(&device->runtime->scope, has_clock(device, has));
}

void clvgg_device_free(clvgg_device *device)
{
    vgg_device_release(device);
}

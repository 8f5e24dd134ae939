/* api/api_report.c — implements clvgg/report.h. */
#include <stdio.h>

#include "api/scope.h"
#include "base/alloc.h"
#include "cache/cache.h"
#include "ocl/device_facts.h"
#include "ocl/icd.h"
#include "ocl/program.h"

clvgg_status clvgg_report_drivers(clvgg_runtime *runtime, clvgg_driver_fn visit, void *user)
{
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_REQUIRE(visit != NULL);
    VGG_API_RETURN(&runtime->scope, vgg_icd_visit(visit, user));
}

clvgg_status clvgg_report_loader(clvgg_runtime *runtime, clvgg_fact_fn visit, void *user)
{
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_REQUIRE(visit != NULL);
    VGG_API_RETURN(&runtime->scope, vgg_loader_report(visit, user));
}

static clvgg_status report_device(clvgg_runtime *runtime, size_t index, clvgg_fact_fn visit,
                                  void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_device_entry *entries = NULL;
    clvgg_device *device = NULL;
    const clvgg_device_options options = {.struct_size = sizeof options};
    size_t count = 0;
    char spec[24];
    VGG_TRY(vgg_device_list(&entries, &count));
    snprintf(spec, sizeof spec, "%zu", index);
    VGG_REQUIRE(index < count, CLVGG_STATUS_NOT_FOUND, "no device %zu: there are %zu", index,
                count);
    vgg_device_visit_facts(&entries[index], visit, user);
    if (!entries[index].info.usable)
        goto cleanup;
    VGG_TRY(vgg_device_open(runtime, spec, &options, &device));
    vgg_device_visit_checks(device, visit, user);
cleanup:
    vgg_device_release(device);
    vgg_free(entries);
    return status;
}

clvgg_status clvgg_report_device(clvgg_runtime *runtime, size_t index, clvgg_fact_fn visit,
                                 void *user)
{
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_REQUIRE(visit != NULL);
    VGG_API_RETURN(&runtime->scope, report_device(runtime, index, visit, user));
}

clvgg_status clvgg_report_cache(clvgg_runtime *runtime, clvgg_fact_fn visit, void *user)
{
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_REQUIRE(visit != NULL);
    VGG_API_RETURN(&runtime->scope, vgg_cache_report(runtime->cache, visit, user));
}

const char *clvgg_kernel_source(size_t index, const char **hash)
{
    size_t count = 0;
    while (vgg_kernel_sources[count].file != NULL)
        count++;
    const vgg_kernel_source *source = &vgg_kernel_sources[index < count ? index : count];
    *hash = source->hash;
    return source->file;
}

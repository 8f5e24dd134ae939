/* api/api_runtime.c — implements clvgg/runtime.h. */
#include "api/scope.h"
#include "cache/cache.h"

void clvgg_runtime_options_defaults(clvgg_runtime_options *options)
{
    if (options != NULL)
        *options =
            (clvgg_runtime_options){.struct_size = sizeof *options, .log_level = CLVGG_LOG_WARNING};
}

static clvgg_status create_runtime(const clvgg_runtime_options *options, clvgg_runtime **out)
{
    clvgg_status status = vgg_runtime_create(options, out);
    if (status != CLVGG_STATUS_OK || options->cache_path == NULL)
        return status;
    clvgg_runtime *runtime = *out;
    const vgg_scope *previous = vgg_scope_enter(&runtime->scope);
    status = vgg_cache_create(options->cache_path, VGG_CACHE_LIMIT_BYTES, &runtime->cache);
    vgg_scope_leave(previous);
    if (status != CLVGG_STATUS_OK) {
        vgg_runtime_free(runtime);
        *out = NULL;
    }
    return status;
}

clvgg_status clvgg_runtime_create(const clvgg_runtime_options *options, clvgg_runtime **out)
{
    VGG_API_OUT(out);
    VGG_API_OPTIONS(clvgg_runtime_options, options);
    VGG_API_REQUIRE((options->allocate == NULL) == (options->release == NULL));
    VGG_API_REQUIRE(options->threads >= 0);
    return create_runtime(options, out);
}

void clvgg_runtime_free(clvgg_runtime *runtime)
{
    if (runtime == NULL)
        return;
    const vgg_scope *previous = vgg_scope_enter(&runtime->scope);
    vgg_cache_free(runtime->cache);
    vgg_scope_leave(previous);
    vgg_runtime_free(runtime);
}

/* api/api_runtime.c — implements clvgg/runtime.h. */
#include <string.h>

#include "api/scope.h"

void clvgg_runtime_options_defaults(clvgg_runtime_options *options)
{
    if (options == NULL)
        return;
    memset(options, 0, sizeof *options);
    options->struct_size = sizeof *options;
    options->log_level = CLVGG_LOG_WARNING;
}

clvgg_status clvgg_runtime_create(const clvgg_runtime_options *options, clvgg_runtime **out)
{
    VGG_API_REQUIRE(out != NULL);
    *out = NULL;
    clvgg_runtime_options chosen;
    clvgg_runtime_options_defaults(&chosen);
    if (options != NULL) {
        VGG_API_REQUIRE(options->struct_size == sizeof *options);
        VGG_API_REQUIRE((options->allocate == NULL) == (options->release == NULL));
        VGG_API_REQUIRE(options->threads >= 0);
        chosen = *options;
    }
    return vgg_runtime_create(&chosen, out);
}

void clvgg_runtime_free(clvgg_runtime *runtime)
{
    vgg_runtime_free(runtime);
}

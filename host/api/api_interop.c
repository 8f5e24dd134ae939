/* api/api_interop.c — implements clvgg/interop.h. */
#include "clvgg/interop.h"

#include "api/scope.h"
#include "ocl/device.h"

clvgg_status clvgg_device_from_context(clvgg_runtime *runtime, cl_context context,
                                       cl_device_id device, clvgg_device **out)
{
    VGG_API_REQUIRE(out != NULL);
    *out = NULL;
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_REQUIRE(context != NULL);
    VGG_API_REQUIRE(device != NULL);
    VGG_API_RETURN(&runtime->scope, vgg_device_from_context(runtime, context, device, out));
}

/* ocl/call.h — OpenCL's error codes as statuses with words. */
#ifndef VGG_OCL_CALL_H
#define VGG_OCL_CALL_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#ifndef CL_USE_DEPRECATED_OPENCL_1_2_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#endif
#include <CL/cl.h>

#include "base/status.h"

/* "CL_OUT_OF_RESOURCES"; "CL error -1234" codes get "unknown OpenCL error". */
const char *vgg_cl_error_name(cl_int error);
/* Writes "clEnqueueNDRangeKernel: CL_OUT_OF_RESOURCES" and returns OUT_OF_DEVICE_MEMORY,
 * OUT_OF_MEMORY, DEVICE_LOST or OPENCL; OK for CL_SUCCESS. `call` is the call's text, of which
 * the part before '(' is kept. */
clvgg_status vgg_cl_check(cl_int error, const char *call);

/* Runs a CL call that returns its error. */
#define VGG_CL(call) VGG_TRY(vgg_cl_check((call), #call))
#define VGG_CL_PASS(call) VGG_PASS(vgg_cl_check((call), #call))
/* object = call that takes &cl_error last, e.g.
 * VGG_CL_NEW(queue, clCreateCommandQueue(context, id, 0, &cl_error)); declares nothing else. */
#define VGG_CL_NEW(object, call)                                                                   \
    do {                                                                                           \
        cl_int cl_error = CL_SUCCESS;                                                              \
        (object) = call;                                                                           \
        VGG_TRY(vgg_cl_check(cl_error, #call));                                                    \
    } while (0)

/* Releases an object that may be NULL: VGG_RELEASE(MemObject, memory). */
#define VGG_RELEASE(kind, object)                                                                  \
    do {                                                                                           \
        if ((object) != NULL)                                                                      \
            clRelease##kind(object);                                                               \
    } while (0)

#endif

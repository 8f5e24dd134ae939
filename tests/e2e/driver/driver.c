/* e2e/driver/driver.c — an OpenCL driver that does what drivers shouldn't, as FAKE_DRIVER says:
 *
 *     crash      dies of a segmentation fault when it is asked for its platforms
 *     abort      aborts then
 *     exit       ends the process then
 *     hang       never answers then
 *     late       crashes when a device is asked for its extensions
 *     …          a device without a compiler, named as FAKE_DEVICE says
 *
 * FAKE_LOADER names a library that it loads: another OpenCL loader, say.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_icd.h>

struct _cl_platform_id {
    cl_icd_dispatch *dispatch;
};
struct _cl_device_id {
    cl_icd_dispatch *dispatch;
};

static cl_icd_dispatch dispatch;
static struct _cl_platform_id platform = {&dispatch};
static struct _cl_device_id device = {&dispatch};

static int asked_to(const char *what)
{
    const char *wanted = getenv("FAKE_DRIVER");
    return wanted != NULL && strcmp(wanted, what) == 0;
}

static cl_int answer(const void *value, size_t bytes, size_t room, void *to, size_t *used)
{
    if (used != NULL)
        *used = bytes;
    if (to != NULL && room < bytes)
        return CL_INVALID_VALUE;
    if (to != NULL)
        memcpy(to, value, bytes);
    return CL_SUCCESS;
}

static cl_int answer_text(const char *text, size_t room, void *to, size_t *used)
{
    return answer(text, strlen(text) + 1, room, to, used);
}

static cl_int CL_API_CALL platform_info(cl_platform_id of, cl_platform_info what, size_t room,
                                        void *to, size_t *used)
{
    (void)of;
    switch (what) {
    case CL_PLATFORM_EXTENSIONS:
        return answer_text("cl_khr_icd", room, to, used);
    case CL_PLATFORM_VERSION:
        return answer_text("OpenCL 1.2 fake", room, to, used);
    case CL_PLATFORM_PROFILE:
        return answer_text("FULL_PROFILE", room, to, used);
    case 0x0920: /* CL_PLATFORM_ICD_SUFFIX_KHR */
        return answer_text("FAKE", room, to, used);
    default:
        return answer_text("Fake platform", room, to, used);
    }
}

static cl_int CL_API_CALL device_ids(cl_platform_id of, cl_device_type type, cl_uint room,
                                     cl_device_id *ids, cl_uint *count)
{
    (void)of;
    (void)type;
    if (count != NULL)
        *count = 1;
    if (ids != NULL && room > 0)
        ids[0] = &device;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL device_info(cl_device_id of, cl_device_info what, size_t room, void *to,
                                      size_t *used)
{
    static const cl_ulong large = (cl_ulong)1 << 30;
    static const cl_uint one = 1, three = 3;
    static const cl_bool no = CL_FALSE;
    static const size_t size = 256;
    static const cl_device_type gpu = CL_DEVICE_TYPE_GPU;
    static const cl_device_exec_capabilities kernels = CL_EXEC_KERNEL;
    const cl_platform_id owner = &platform;
    const char *name = getenv("FAKE_DEVICE");
    (void)of;
    switch (what) {
    case CL_DEVICE_TYPE:
        return answer(&gpu, sizeof gpu, room, to, used);
    case CL_DEVICE_PLATFORM:
        return answer(&owner, sizeof owner, room, to, used);
    case CL_DEVICE_EXECUTION_CAPABILITIES:
        return answer(&kernels, sizeof kernels, room, to, used);
    case CL_DEVICE_COMPILER_AVAILABLE:
    case CL_DEVICE_LINKER_AVAILABLE:
    case CL_DEVICE_HOST_UNIFIED_MEMORY:
        return answer(&no, sizeof no, room, to, used);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
    case CL_DEVICE_LOCAL_MEM_SIZE:
        return answer(&large, sizeof large, room, to, used);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return answer(&size, sizeof size, room, to, used);
    case CL_DEVICE_MAX_WORK_ITEM_DIMENSIONS:
        return answer(&three, sizeof three, room, to, used);
    case CL_DEVICE_AVAILABLE:
    case CL_DEVICE_ENDIAN_LITTLE:
    case CL_DEVICE_MAX_COMPUTE_UNITS:
    case CL_DEVICE_MAX_CLOCK_FREQUENCY:
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT:
        return answer(&one, sizeof one, room, to, used);
    case CL_DEVICE_EXTENSIONS:
        if (asked_to("late"))
            raise(SIGSEGV);
        return answer_text("", room, to, used);
    case CL_DEVICE_VERSION:
        return answer_text("OpenCL 1.2 fake", room, to, used);
    case CL_DEVICE_NAME:
        return answer_text(name != NULL ? name : "Fake device", room, to, used);
    case CL_DEVICE_VENDOR:
    case CL_DRIVER_VERSION:
        return answer_text("Fake", room, to, used);
    default:
        return CL_INVALID_VALUE;
    }
}

CL_API_ENTRY cl_int CL_API_CALL clIcdGetPlatformIDsKHR(cl_uint room, cl_platform_id *ids,
                                                       cl_uint *count)
{
    const char *loader = getenv("FAKE_LOADER");
    if (asked_to("crash"))
        raise(SIGSEGV);
    if (asked_to("abort"))
        abort();
    if (asked_to("exit"))
        _Exit(3);
    while (asked_to("hang"))
        pause();
    if (loader != NULL)
        (void)!dlopen(loader, RTLD_NOW | RTLD_LOCAL);
    dispatch.clGetPlatformInfo = platform_info;
    dispatch.clGetDeviceIDs = device_ids;
    dispatch.clGetDeviceInfo = device_info;
    if (count != NULL)
        *count = 1;
    if (ids != NULL && room > 0)
        ids[0] = &platform;
    return CL_SUCCESS;
}

CL_API_ENTRY cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id of, cl_platform_info what,
                                                  size_t room, void *to, size_t *used)
{
    return platform_info(of, what, room, to, used);
}

CL_API_ENTRY void *CL_API_CALL clGetExtensionFunctionAddress(const char *name)
{
    const union { /* C has no cast between the two */
        cl_int(CL_API_CALL *function)(cl_uint, cl_platform_id *, cl_uint *);
        void *object;
    } listing = {clIcdGetPlatformIDsKHR};
    return strcmp(name, "clIcdGetPlatformIDsKHR") == 0 ? listing.object : NULL;
}

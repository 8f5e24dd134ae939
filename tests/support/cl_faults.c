/* support/cl_faults.c — a wrapper for every OpenCL call that the library makes.
 *
 * `ld --wrap=clX` sends calls of clX to __wrap_clX, from where __real_clX reaches the driver. Each
 * line below that starts with WRAP_ wraps one function; cl_faults.cmake reads the names from there.
 * A call that the library newly makes is one line here (test_cl_faults.sh says which is missing).
 */
#include "support/cl_faults.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all of the following */

/* ---- which call fails ---- */

static struct {
    const char *function;
    size_t calls;
} counts[128];
static struct {
    bool armed, fired;
    const char *function; /* NULL: any */
    size_t remaining;
    cl_int error;
    const char *failed_function;
} fault = {.failed_function = ""};

void cl_faults_fail_call(const char *function, size_t index, cl_int error)
{
    pthread_mutex_lock(&lock);
    fault.armed = true;
    fault.fired = false;
    fault.function = function;
    fault.remaining = index;
    fault.error = error;
    pthread_mutex_unlock(&lock);
}

void cl_faults_fail_at(size_t index, cl_int error)
{
    cl_faults_fail_call(NULL, index, error);
}

bool cl_faults_stop(void)
{
    pthread_mutex_lock(&lock);
    bool fired = fault.fired;
    fault.armed = false;
    fault.fired = false;
    pthread_mutex_unlock(&lock);
    return fired;
}

const char *cl_faults_failed_function(void)
{
    return fault.failed_function;
}

size_t cl_faults_calls(const char *function)
{
    size_t calls = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < 128 && counts[i].function != NULL; i++)
        if (function == NULL || strcmp(function, counts[i].function) == 0)
            calls += counts[i].calls;
    pthread_mutex_unlock(&lock);
    return calls;
}

/* Counts one call. The lock is held; there are fewer wrappers than places. */
static void count_call(const char *function)
{
    size_t at = 0;
    while (counts[at].function != NULL && strcmp(counts[at].function, function) != 0)
        at++;
    counts[at].function = function;
    counts[at].calls++;
}

static cl_int (*asked)(const char *function);

void cl_faults_ask(cl_int (*ask)(const char *function))
{
    asked = ask;
}

/* The error that this call shall return; CL_SUCCESS lets it through. */
static cl_int verdict(const char *function)
{
    cl_int error = CL_SUCCESS;
    if (asked != NULL)
        return asked(function);
    pthread_mutex_lock(&lock);
    count_call(function);
    bool meant = fault.armed && (!fault.function || strcmp(fault.function, function) == 0);
    if (meant && fault.remaining-- == 0) {
        fault.armed = false;
        fault.fired = true;
        fault.failed_function = function;
        error = fault.error;
    }
    pthread_mutex_unlock(&lock);
    return error;
}

/* ---- the device's clock ---- */

static double clock_factor = 1;

void cl_faults_scale_clock(double factor)
{
    clock_factor = factor;
}

/* ---- which objects are alive ---- */

typedef struct object {
    struct object *next;
    const void *handle;
    const char *maker;
    size_t references;
} object;

static object *objects;
static size_t live_references, over_released;

/* One more reference to the handle; a new handle is remembered with who made it. */
static void gained(const void *handle, const char *function)
{
    pthread_mutex_lock(&lock);
    object *found = objects;
    while (found != NULL && found->handle != handle)
        found = found->next;
    if (found == NULL) {
        found = aligned_alloc(sizeof *found, sizeof *found); /* e2e/faults lets malloc() fail */
        if (found == NULL)
            abort();
        *found = (object){objects, handle, function, 0};
        objects = found;
    }
    found->references++;
    live_references++;
    pthread_mutex_unlock(&lock);
}

static void lost(const void *handle)
{
    pthread_mutex_lock(&lock);
    object **at = &objects;
    while (*at != NULL && (*at)->handle != handle)
        at = &(*at)->next;
    object *found = *at;
    if (found == NULL) {
        over_released++;
    } else {
        live_references--;
        if (--found->references == 0) {
            *at = found->next;
            free(found);
        }
    }
    pthread_mutex_unlock(&lock);
}

size_t cl_faults_live(void)
{
    return live_references;
}

size_t cl_faults_over_released(void)
{
    return over_released;
}

void cl_faults_print_live(void)
{
    pthread_mutex_lock(&lock);
    for (const object *at = objects; at != NULL; at = at->next)
        fprintf(stderr, "alive: %p from %s, %zu references\n", at->handle, at->maker,
                at->references);
    pthread_mutex_unlock(&lock);
}

/* ---- the shapes of calls ---- */

#define WRAPPER(type, function, parameters)                                                        \
    type __real_##function parameters;                                                             \
    type __wrap_##function parameters;                                                             \
    type __wrap_##function parameters

/* Returns its error. */
#define WRAP_CALL(function, parameters, arguments)                                                 \
    WRAPPER(cl_int, function, parameters)                                                          \
    {                                                                                              \
        cl_int error = verdict(#function);                                                         \
        return error != CL_SUCCESS ? error : __real_##function arguments;                          \
    }

/* Answers a question about an object. */
#define WRAP_INFO(function, type)                                                                  \
    WRAP_CALL(function, (type of, cl_uint what, size_t bytes, void *value, size_t *size),          \
              (of, what, bytes, value, size))
/* Wraps a query about an object on a device. */
#define WRAP_DEVICE_INFO(function, type)                                                           \
    WRAP_CALL(function,                                                                            \
              (type of, cl_device_id id, cl_uint what, size_t bytes, void *value, size_t *size),   \
              (of, id, what, bytes, value, size))

/* Returns its error; its parameters end with wait list and event. */
#define EVENT_PARAMETERS cl_uint n, const cl_event *waits, cl_event *event
#define EVENT_ARGUMENTS n, waits, event
#define WRAP_ENQUEUE(function, parameters, arguments)                                              \
    WRAPPER(cl_int, function, parameters)                                                          \
    {                                                                                              \
        cl_int error = verdict(#function);                                                         \
        if (error != CL_SUCCESS)                                                                   \
            return error;                                                                          \
        error = __real_##function arguments;                                                       \
        if (error == CL_SUCCESS && event != NULL)                                                  \
            gained(*event, #function);                                                             \
        return error;                                                                              \
    }

/* Returns a new object; `error` is the name of its last parameter. */
#define WRAP_CREATE(function, type, parameters, arguments)                                         \
    WRAPPER(type, function, parameters)                                                            \
    {                                                                                              \
        cl_int failure = verdict(#function);                                                       \
        if (failure != CL_SUCCESS) {                                                               \
            if (error != NULL)                                                                     \
                *error = failure;                                                                  \
            return NULL;                                                                           \
        }                                                                                          \
        type made = __real_##function arguments;                                                   \
        if (made != NULL)                                                                          \
            gained(made, #function);                                                               \
        return made;                                                                               \
    }

#define WRAP_RETAIN(function, type)                                                                \
    WRAPPER(cl_int, function, (type of))                                                           \
    {                                                                                              \
        cl_int error = verdict(#function);                                                         \
        if (error == CL_SUCCESS)                                                                   \
            error = __real_##function(of);                                                         \
        if (error == CL_SUCCESS)                                                                   \
            gained(of, #function);                                                                 \
        return error;                                                                              \
    }

#define WRAP_RELEASE(function, type)                                                               \
    WRAPPER(cl_int, function, (type of))                                                           \
    {                                                                                              \
        lost(of);                                                                                  \
        return __real_##function(of);                                                              \
    }

/* A function whose body follows. */
#define WRAP_BODY(function, type, parameters) WRAPPER(type, function, parameters)

/* Oclgrind 21.10 believes that a filled buffer is uninitialised, and so the end of a mapped one
 * whose address an earlier, smaller one had: there, filling is writing and nothing is freed. */
static bool under_oclgrind(void)
{
    return getenv("CLVGG_TEST_OCLGRIND") != NULL;
}

/* ---- platforms and devices ---- */
/* clang-format off */

WRAP_CALL(clGetPlatformIDs, (cl_uint n, cl_platform_id *ids, cl_uint *count), (n, ids, count))
WRAP_INFO(clGetPlatformInfo, cl_platform_id)
WRAP_CALL(clGetDeviceIDs,
          (cl_platform_id of, cl_device_type type, cl_uint n, cl_device_id *ids, cl_uint *count),
          (of, type, n, ids, count))
WRAP_INFO(clGetDeviceInfo, cl_device_id)
WRAP_BODY(clCreateSubDevices, cl_int,
          (cl_device_id of, const cl_device_partition_property *properties, cl_uint n,
           cl_device_id *parts, cl_uint *count))
{
    cl_uint made = 0;
    cl_int error = verdict("clCreateSubDevices");
    if (error == CL_SUCCESS)
        error = __real_clCreateSubDevices(of, properties, n, parts, &made);
    if (error != CL_SUCCESS)
        return error;
    for (cl_uint i = 0; parts != NULL && i < made; i++)
        gained(parts[i], "clCreateSubDevices");
    if (count != NULL)
        *count = made;
    return error;
}
WRAP_RETAIN(clRetainDevice, cl_device_id)
WRAP_RELEASE(clReleaseDevice, cl_device_id)

/* ---- contexts and queues ---- */

WRAP_CREATE(clCreateContext, cl_context,
            (const cl_context_properties *properties, cl_uint n, const cl_device_id *ids,
             void (CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user,
             cl_int *error),
            (properties, n, ids, notify, user, error))
WRAP_RETAIN(clRetainContext, cl_context)
WRAP_RELEASE(clReleaseContext, cl_context)
WRAP_INFO(clGetContextInfo, cl_context)
WRAP_CREATE(clCreateCommandQueue, cl_command_queue,
            (cl_context context, cl_device_id id, cl_command_queue_properties properties,
             cl_int *error),
            (context, id, properties, error))
WRAP_RETAIN(clRetainCommandQueue, cl_command_queue)
WRAP_RELEASE(clReleaseCommandQueue, cl_command_queue)
WRAP_INFO(clGetCommandQueueInfo, cl_command_queue)
WRAP_CALL(clFlush, (cl_command_queue queue), (queue))
WRAP_CALL(clFinish, (cl_command_queue queue), (queue))

/* ---- memory ---- */

WRAP_CREATE(clCreateBuffer, cl_mem,
            (cl_context context, cl_mem_flags flags, size_t bytes, void *host, cl_int *error),
            (context, flags, bytes, host, error))
WRAP_CREATE(clCreateImage, cl_mem,
            (cl_context context, cl_mem_flags flags, const cl_image_format *format,
             const cl_image_desc *description, void *host, cl_int *error),
            (context, flags, format, description, host, error))
WRAP_CREATE(clCreateSubBuffer, cl_mem,
            (cl_mem buffer, cl_mem_flags flags, cl_buffer_create_type type, const void *region,
             cl_int *error),
            (buffer, flags, type, region, error))
WRAP_RETAIN(clRetainMemObject, cl_mem)
WRAP_BODY(clReleaseMemObject, cl_int, (cl_mem of))
{
    lost(of);
    return under_oclgrind() ? CL_SUCCESS : __real_clReleaseMemObject(of);
}
WRAP_CALL(clSetMemObjectDestructorCallback,
          (cl_mem memory, void(CL_CALLBACK *notify)(cl_mem, void *), void *user),
          (memory, notify, user))
WRAP_INFO(clGetMemObjectInfo, cl_mem)
WRAP_ENQUEUE(clEnqueueReadBuffer,
             (cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t bytes,
              void *data, EVENT_PARAMETERS),
             (queue, buffer, blocking, offset, bytes, data, EVENT_ARGUMENTS))
WRAP_ENQUEUE(clEnqueueWriteBuffer,
             (cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t bytes,
              const void *data, EVENT_PARAMETERS),
             (queue, buffer, blocking, offset, bytes, data, EVENT_ARGUMENTS))
WRAP_ENQUEUE(clEnqueueCopyBuffer,
             (cl_command_queue queue, cl_mem from, cl_mem to, size_t from_offset, size_t to_offset,
              size_t bytes, EVENT_PARAMETERS),
             (queue, from, to, from_offset, to_offset, bytes, EVENT_ARGUMENTS))
/* Fills a buffer with the pattern by a blocking write. */
static cl_int fill_by_writing(cl_command_queue queue, cl_mem buffer, const char *pattern,
                              size_t pattern_bytes, size_t offset, size_t bytes, EVENT_PARAMETERS)
{
    char *data = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        data[i] = pattern[i % pattern_bytes];
    const cl_int error = __real_clEnqueueWriteBuffer(queue, buffer, CL_TRUE, offset, bytes, data,
                                                     EVENT_ARGUMENTS);
    free(data);
    return error;
}

WRAP_BODY(clEnqueueFillBuffer, cl_int,
          (cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_bytes,
           size_t offset, size_t bytes, EVENT_PARAMETERS))
{
    cl_int error = verdict("clEnqueueFillBuffer");
    if (error != CL_SUCCESS)
        return error;
    error = under_oclgrind()
                ? fill_by_writing(queue, buffer, pattern, pattern_bytes, offset, bytes,
                                  EVENT_ARGUMENTS)
                : __real_clEnqueueFillBuffer(queue, buffer, pattern, pattern_bytes, offset, bytes,
                                             EVENT_ARGUMENTS);
    if (error == CL_SUCCESS && event != NULL)
        gained(*event, "clEnqueueFillBuffer");
    return error;
}
WRAP_BODY(clEnqueueMapBuffer, void *,
          (cl_command_queue queue, cl_mem buffer, cl_bool blocking, cl_map_flags flags,
           size_t offset, size_t bytes, EVENT_PARAMETERS, cl_int *error))
{
    cl_int failure = verdict("clEnqueueMapBuffer");
    if (failure != CL_SUCCESS) {
        if (error != NULL)
            *error = failure;
        return NULL;
    }
    void *mapped = __real_clEnqueueMapBuffer(queue, buffer, blocking, flags, offset, bytes,
                                             EVENT_ARGUMENTS, error);
    if (mapped != NULL && event != NULL)
        gained(*event, "clEnqueueMapBuffer");
    return mapped;
}
WRAP_ENQUEUE(clEnqueueUnmapMemObject,
             (cl_command_queue queue, cl_mem memory, void *mapped, EVENT_PARAMETERS),
             (queue, memory, mapped, EVENT_ARGUMENTS))

/* ---- programs and kernels ---- */

WRAP_CREATE(clCreateProgramWithSource, cl_program,
            (cl_context context, cl_uint n, const char **texts, const size_t *lengths,
             cl_int *error),
            (context, n, texts, lengths, error))
WRAP_CREATE(clCreateProgramWithBinary, cl_program,
            (cl_context context, cl_uint n, const cl_device_id *ids, const size_t *lengths,
             const unsigned char **binaries, cl_int *statuses, cl_int *error),
            (context, n, ids, lengths, binaries, statuses, error))
WRAP_CALL(clBuildProgram,
          (cl_program program, cl_uint n, const cl_device_id *ids, const char *options,
           void (CL_CALLBACK *notify)(cl_program, void *), void *user),
          (program, n, ids, options, notify, user))
WRAP_INFO(clGetProgramInfo, cl_program)
WRAP_DEVICE_INFO(clGetProgramBuildInfo, cl_program)
WRAP_RETAIN(clRetainProgram, cl_program)
WRAP_RELEASE(clReleaseProgram, cl_program)
WRAP_CREATE(clCreateKernel, cl_kernel, (cl_program program, const char *name, cl_int *error),
            (program, name, error))
WRAP_RETAIN(clRetainKernel, cl_kernel)
WRAP_RELEASE(clReleaseKernel, cl_kernel)
WRAP_CALL(clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t bytes, const void *value),
          (kernel, index, bytes, value))
WRAP_INFO(clGetKernelInfo, cl_kernel)
WRAP_DEVICE_INFO(clGetKernelWorkGroupInfo, cl_kernel)
WRAP_ENQUEUE(clEnqueueNDRangeKernel,
             (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
              const size_t *global, const size_t *local, EVENT_PARAMETERS),
             (queue, kernel, dimensions, offset, global, local, EVENT_ARGUMENTS))

/* ---- events ---- */

WRAP_CREATE(clCreateUserEvent, cl_event, (cl_context context, cl_int *error), (context, error))
WRAP_CALL(clSetUserEventStatus, (cl_event event, cl_int value), (event, value))
WRAP_CALL(clSetEventCallback,
          (cl_event event, cl_int type, void (CL_CALLBACK *notify)(cl_event, cl_int, void *),
           void *user),
          (event, type, notify, user))
WRAP_CALL(clWaitForEvents, (cl_uint n, const cl_event *events), (n, events))
WRAP_INFO(clGetEventInfo, cl_event)
WRAP_BODY(clGetEventProfilingInfo, cl_int,
          (cl_event of, cl_profiling_info what, size_t bytes, void *value, size_t *size))
{
    cl_int error = verdict("clGetEventProfilingInfo");
    if (error == CL_SUCCESS)
        error = __real_clGetEventProfilingInfo(of, what, bytes, value, size);
    if (error == CL_SUCCESS && value != NULL && clock_factor != 1)
        *(cl_ulong *)value = clock_factor > 0 ? (cl_ulong)(clock_factor * (double)*(cl_ulong *)value)
                                              : what - CL_PROFILING_COMMAND_QUEUED;
    return error;
}
WRAP_RETAIN(clRetainEvent, cl_event)
WRAP_RELEASE(clReleaseEvent, cl_event)
WRAP_ENQUEUE(clEnqueueMarkerWithWaitList, (cl_command_queue queue, EVENT_PARAMETERS),
             (queue, EVENT_ARGUMENTS))
WRAP_ENQUEUE(clEnqueueBarrierWithWaitList, (cl_command_queue queue, EVENT_PARAMETERS),
             (queue, EVENT_ARGUMENTS))

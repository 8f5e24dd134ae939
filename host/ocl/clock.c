/* ocl/clock.c — the device's clock is believed only beside the host's: rusticl of Mesa 22.3 says 0,
 * 1, 2 and 3 ns of every command.
 */
#include "ocl/clock.h"

#include "base/clock.h"
#include "base/log.h"

enum { UNKNOWN, WORKS, NONE };         /* device->clock */
enum { ATTEMPTS = 5 };                 /* at least */
static const double enough_ms = 5;     /* of work: far above a tick, and what calls cost */
static const double patience_ms = 200; /* with repetitions */
static const double least_share = 0.1; /* of the host's time: some of it goes to the calls */
static const double largest_share = 1.5;

static clvgg_status read_time(cl_event event, cl_profiling_info what, cl_ulong *nanoseconds)
{
    VGG_CL_PASS(clGetEventProfilingInfo(event, what, sizeof *nanoseconds, nanoseconds, NULL));
    return CLVGG_STATUS_OK;
}

/* 0 where time runs backwards. */
static double elapsed_ms(cl_ulong from, cl_ulong to)
{
    return to > from ? (double)(to - from) * 1e-6 : 0;
}

clvgg_status vgg_clock_read(cl_event first, cl_event last, double *ms)
{
    cl_ulong start = 0, end = 0;
    VGG_PASS(read_time(first, CL_PROFILING_COMMAND_START, &start));
    VGG_PASS(read_time(last, CL_PROFILING_COMMAND_END, &end));
    *ms = elapsed_ms(start, end);
    return CLVGG_STATUS_OK;
}

/* Fills the buffer `count` times: what both clocks say of it. */
static clvgg_status fill(cl_command_queue queue, cl_mem buffer, size_t bytes, int count,
                         double *host_ms, double *device_ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const cl_uint zero = 0;
    cl_event first = NULL, last = NULL;
    const double start = vgg_clock_ms();
    for (int i = 0; i < count; i++)
        VGG_CL(clEnqueueFillBuffer(queue, buffer, &zero, sizeof zero, 0, bytes, 0, NULL,
                                   i == 0           ? &first
                                   : i == count - 1 ? &last
                                                    : NULL));
    VGG_CL(clFinish(queue));
    *host_ms = vgg_clock_ms() - start;
    VGG_TRY(vgg_clock_read(first, last != NULL ? last : first, device_ms));
cleanup:
    VGG_RELEASE(Event, first);
    VGG_RELEASE(Event, last);
    return status;
}

/* More and more work, until there was enough of it and the clocks agree; a machine that does
 * something else meanwhile may need several attempts. */
static clvgg_status compare_clocks(const clvgg_device *device, bool *agree)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t bytes = 4 << 20;
    cl_command_queue queue = NULL;
    cl_mem buffer = NULL;
    double host_ms = 0, device_ms = 0;
    VGG_CL_NEW(queue, clCreateCommandQueue(device->context, device->id, CL_QUEUE_PROFILING_ENABLE,
                                           &cl_error));
    VGG_CL_NEW(buffer, clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &cl_error));
    const double start = vgg_clock_ms();
    int count = 1;
    for (int i = 0; !*agree && (i < ATTEMPTS || vgg_clock_ms() - start < patience_ms); i++) {
        VGG_TRY(fill(queue, buffer, bytes, count, &host_ms, &device_ms));
        count *= host_ms < enough_ms ? 2 : 1;
        *agree = host_ms >= enough_ms && device_ms >= least_share * host_ms &&
                 device_ms <= largest_share * host_ms;
    }
cleanup:
    VGG_RELEASE(MemObject, buffer);
    VGG_RELEASE(CommandQueue, queue);
    return status;
}

clvgg_status vgg_clock_check(clvgg_device *device, bool *works)
{
    int known = atomic_load(&device->clock);
    *works = false;
    if (known == UNKNOWN) { /* two threads that meet here find the same */
        size_t tick_ns = 0;
        bool agree = false;
        VGG_CL_PASS(clGetDeviceInfo(device->id, CL_DEVICE_PROFILING_TIMER_RESOLUTION,
                                    sizeof tick_ns, &tick_ns, NULL));
        if (tick_ns > 0)
            VGG_PASS(compare_clocks(device, &agree));
        known = agree ? WORKS : NONE;
        atomic_store(&device->clock, known);
        vgg_log(CLVGG_LOG_DEBUG, "clock of '%s': %s", device->info.name,
                agree         ? "agrees with the host's"
                : tick_ns > 0 ? "contradicts the host's, which is used instead"
                              : "there is none, the host's is used instead");
    }
    *works = known == WORKS;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_clock_queue(clvgg_device *device, bool timed, cl_command_queue *queue)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_command_queue made = NULL;
    bool works = false;
    if (timed)
        VGG_TRY(vgg_clock_check(device, &works));
    VGG_CL_NEW(made, clCreateCommandQueue(device->context, device->id,
                                          timed ? CL_QUEUE_PROFILING_ENABLE : 0, &cl_error));
    if (*queue != NULL) {
        clFinish(*queue);
        clReleaseCommandQueue(*queue);
    }
    *queue = made;
cleanup:
    return status;
}

clvgg_status vgg_stamp_take(clvgg_device *device, cl_event event, vgg_stamp *stamp)
{
    bool works = false;
    VGG_PASS(vgg_clock_check(device, &works));
    if (works) {
        VGG_CL_PASS(clRetainEvent(event));
        stamp->event = event;
    } else {
        VGG_CL_PASS(clWaitForEvents(1, &event));
        stamp->host_ms = vgg_clock_ms();
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_stamp_between(const vgg_stamp *before, const vgg_stamp *after, double *ms)
{
    cl_ulong from = 0, to = 0;
    *ms = after->host_ms - before->host_ms;
    if (after->event == NULL)
        return CLVGG_STATUS_OK;
    VGG_PASS(read_time(before->event, CL_PROFILING_COMMAND_END, &from));
    VGG_PASS(read_time(after->event, CL_PROFILING_COMMAND_END, &to));
    *ms = elapsed_ms(from, to);
    return CLVGG_STATUS_OK;
}

void vgg_stamp_release(vgg_stamp *stamp)
{
    VGG_RELEASE(Event, stamp->event);
    *stamp = (vgg_stamp){0};
}

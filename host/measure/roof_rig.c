/* measure/roof_rig.c — launches, their times, and what they leave. */
#include "measure/roof_rig.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "ocl/clock.h"

enum { GPU_VECTOR = 4 };

clvgg_status vgg_roof_open(vgg_roof_rig *rig, clvgg_device *device)
{
    clvgg_status status = CLVGG_STATUS_OK;
    rig->device = device;
    rig->traits = vgg_traits_of(&device->info);
    const bool cpu = rig->traits.vector_width > 1;
    rig->vector = cpu ? rig->traits.vector_width : GPU_VECTOR;
    rig->lanes = rig->traits.max_work_group_size < VGG_ROOF_LANES ? 1 : VGG_ROOF_LANES;
    rig->local = cpu ? 1 : rig->lanes;
    rig->groups = (size_t)rig->traits.compute_units * (cpu ? 8 : 32);
    rig->items = rig->groups * rig->local;
    VGG_TRY(vgg_clock_check(device, &rig->has_clock));
    VGG_NEW(rig->host_sums, rig->groups * rig->lanes);
    VGG_CL_NEW(rig->queue, clCreateCommandQueue(device->context, device->id,
                                                CL_QUEUE_PROFILING_ENABLE, &cl_error));
    VGG_CL_NEW(rig->sums,
               clCreateBuffer(device->context, CL_MEM_READ_WRITE,
                              rig->groups * rig->lanes * sizeof *rig->host_sums, NULL, &cl_error));
cleanup:
    return status;
}

void vgg_roof_close(vgg_roof_rig *rig)
{
    VGG_RELEASE(MemObject, rig->sums);
    VGG_RELEASE(CommandQueue, rig->queue);
    vgg_free(rig->host_sums);
}

clvgg_status vgg_roof_kernel(const vgg_roof_rig *rig, const char *file, const char *kernel,
                             bool may_fail, vgg_kernel **out, const char *options, ...)
{
    char all[128];
    va_list arguments;
    const int length = snprintf(all, sizeof all, "-DVW=%d -DWG=%zu", rig->vector, rig->local);
    va_start(arguments, options);
    if (options != NULL)
        vsnprintf(all + length, sizeof all - (size_t)length, options, arguments);
    va_end(arguments);
    const clvgg_status status = vgg_program_kernel(rig->device, file, all, kernel, out, NULL);
    if (status != CLVGG_STATUS_BUILD_FAILED || !may_fail)
        return status;
    vgg_log(CLVGG_LOG_DEBUG, "roof of '%s': no %s: %s", rig->device->info.name, kernel,
            vgg_message());
    return CLVGG_STATUS_OK;
}

/* Sums that no launch leaves are there before it. */
static clvgg_status spoil_sums(const vgg_roof_rig *rig)
{
    const cl_uint spoilt = 0xDEADBEEF;
    VGG_CL_PASS(clEnqueueFillBuffer(rig->queue, rig->sums, &spoilt, sizeof spoilt, 0,
                                    rig->items * sizeof spoilt, 0, NULL, NULL));
    VGG_CL_PASS(clFinish(rig->queue));
    return CLVGG_STATUS_OK;
}

static clvgg_status add_sums(const vgg_roof_rig *rig, uint32_t *total)
{
    VGG_CL_PASS(clEnqueueReadBuffer(rig->queue, rig->sums, CL_TRUE, 0,
                                    rig->items * sizeof *rig->host_sums, rig->host_sums, 0, NULL,
                                    NULL));
    *total = 0;
    for (size_t i = 0; i < rig->items; i++)
        *total += rig->host_sums[i];
    return CLVGG_STATUS_OK;
}

static clvgg_status time_launch(const vgg_roof_rig *rig, const vgg_kernel *kernel, double *ms,
                                double *wall_ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_event event = NULL;
    const double before = vgg_clock_ms();
    VGG_CL(clEnqueueNDRangeKernel(rig->queue, kernel->handle, 1, NULL, &rig->items, &rig->local, 0,
                                  NULL, &event));
    VGG_CL(clWaitForEvents(1, &event));
    *ms = *wall_ms = vgg_clock_ms() - before;
    if (rig->has_clock)
        VGG_TRY(vgg_clock_read(event, event, ms));
cleanup:
    VGG_RELEASE(Event, event);
    return status;
}

clvgg_status vgg_roof_time(const vgg_roof_rig *rig, const vgg_kernel *kernel, int count,
                           const uint32_t *expected, double *least_ms)
{
    double spent_ms = 0;
    *least_ms = 0;
    for (int i = 0; i < count && spent_ms < VGG_ROOF_PATIENCE_MS; i++) {
        double ms = 0, wall_ms = 0;
        uint32_t total = 0;
        if (expected != NULL)
            VGG_PASS(spoil_sums(rig));
        VGG_PASS(time_launch(rig, kernel, &ms, &wall_ms));
        if (expected != NULL)
            VGG_PASS(add_sums(rig, &total));
        if (expected != NULL && total != *expected) {
            vgg_log(CLVGG_LOG_WARNING, "roof of '%s': a kernel's sums are wrong, %08x for %08x",
                    rig->device->info.name, (unsigned)total, (unsigned)*expected);
            *least_ms = VGG_ROOF_UNDONE;
            return CLVGG_STATUS_OK;
        }
        spent_ms += wall_ms;
        if (ms > 0) /* not where the device's clock went backwards */
            *least_ms = *least_ms == 0 || ms < *least_ms ? ms : *least_ms;
    }
    return CLVGG_STATUS_OK;
}

double vgg_roof_rate(double units, double ms)
{
    return ms > 0 ? units / ms * 1e-6 : ms;
}

clvgg_status vgg_roof_best(vgg_roof_sized timed, void *user, int first, int most, int *size,
                           double *ms)
{
    const double start = vgg_clock_ms();
    *size = first;
    VGG_PASS(timed(user, *size, 1, ms)); /* warms up too: PoCL compiles now */
    VGG_PASS(timed(user, *size, 1, ms));
    while (*ms >= 0 && *ms < VGG_ROOF_ENOUGH_MS && *size <= most / 2 &&
           vgg_clock_ms() - start < VGG_ROOF_PATIENCE_MS) {
        *size *= 2;
        VGG_PASS(timed(user, *size, 1, ms));
    }
    return *ms >= 0 ? timed(user, *size, VGG_ROOF_BEST_OF, ms) : CLVGG_STATUS_OK;
}

/* measure/roof_transfer.c — how long a launch takes that does nothing, and how fast bytes go to the
 * device and back.
 */
#include <string.h>

#include "measure/roof_rig.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

enum { MOST_TIMES = 200 };
static const uint64_t transfer_bytes = 64 << 20;

static double least(double a, double b)
{
    return a > 0 && a < b ? a : b;
}

/* One work-group that adds one to what is there, host to host. */
static clvgg_status measure_launch(const vgg_roof_rig *rig, vgg_kernel *kernel, double *least_ms)
{
    const cl_uint zero = 0;
    cl_uint count = 0, launched = 0;
    double ms = 0;
    vgg_args args = vgg_args_of(kernel);
    vgg_arg_buffer(&args, (vgg_buffer){rig->sums, 0});
    VGG_PASS(vgg_args_end(&args));
    VGG_CL_PASS(clEnqueueFillBuffer(rig->queue, rig->sums, &zero, sizeof zero, 0,
                                    rig->local * sizeof zero, 0, NULL, NULL));
    VGG_CL_PASS(clFinish(rig->queue));
    double start = vgg_clock_ms();
    while (launched < MOST_TIMES && vgg_clock_ms() - start < VGG_ROOF_PATIENCE_MS) {
        const double before = vgg_clock_ms();
        VGG_CL_PASS(clEnqueueNDRangeKernel(rig->queue, kernel->handle, 1, NULL, &rig->local,
                                           &rig->local, 0, NULL, NULL));
        VGG_CL_PASS(clFinish(rig->queue));
        if (launched++ > 0)
            ms = least(ms, vgg_clock_ms() - before);
        else
            start = vgg_clock_ms(); /* PoCL has compiled */
    }
    VGG_CL_PASS(clEnqueueReadBuffer(rig->queue, rig->sums, CL_TRUE, 0, sizeof count, &count, 0,
                                    NULL, NULL));
    *least_ms = count == launched ? ms : 0;
    if (count != launched)
        vgg_log(CLVGG_LOG_WARNING, "roof of '%s': %u launches, of which %u were done",
                rig->device->info.name, (unsigned)launched, (unsigned)count);
    return CLVGG_STATUS_OK;
}

/* The least times of moving `bytes` to the device and back; 0 if others come back. */
static clvgg_status time_transfers(const vgg_roof_rig *rig, cl_mem memory, size_t bytes,
                                   unsigned char *sent, unsigned char *got, double *up_ms,
                                   double *down_ms)
{
    const double start = vgg_clock_ms();
    bool same = true;
    *up_ms = *down_ms = 0;
    for (int i = 0; i < MOST_TIMES && vgg_clock_ms() - start < VGG_ROOF_PATIENCE_MS / 2; i++) {
        memset(sent, i, bytes);
        const double before = vgg_clock_ms();
        VGG_CL_PASS(
            clEnqueueWriteBuffer(rig->queue, memory, CL_TRUE, 0, bytes, sent, 0, NULL, NULL));
        const double between = vgg_clock_ms();
        VGG_CL_PASS(clEnqueueReadBuffer(rig->queue, memory, CL_TRUE, 0, bytes, got, 0, NULL, NULL));
        *down_ms = least(*down_ms, vgg_clock_ms() - between);
        *up_ms = least(*up_ms, between - before);
        same = same && memcmp(sent, got, bytes) == 0;
    }
    if (!same) {
        vgg_log(CLVGG_LOG_WARNING, "roof of '%s': other bytes come back than were sent",
                rig->device->info.name);
        *up_ms = *down_ms = 0;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status measure_transfers(const vgg_roof_rig *rig, clvgg_roof *roof)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const uint64_t allowed = rig->device->info.max_allocation_bytes / 4;
    const size_t bytes = (size_t)(allowed < transfer_bytes ? allowed : transfer_bytes);
    unsigned char *sent = NULL, *got = NULL;
    cl_mem memory = NULL;
    double up_ms = 0, down_ms = 0;
    VGG_NEW(sent, bytes);
    VGG_NEW(got, bytes);
    VGG_CL_NEW(memory,
               clCreateBuffer(rig->device->context, CL_MEM_READ_WRITE, bytes, NULL, &cl_error));
    VGG_TRY(time_transfers(rig, memory, sizeof(cl_uint), sent, got, &up_ms, &down_ms));
    roof->transfer_latency_ms = (up_ms + down_ms) / 2;
    VGG_TRY(time_transfers(rig, memory, bytes, sent, got, &up_ms, &down_ms));
    roof->upload_gbps = up_ms > 0 ? (double)bytes / up_ms * 1e-6 : 0;
    roof->download_gbps = down_ms > 0 ? (double)bytes / down_ms * 1e-6 : 0;
cleanup:
    VGG_RELEASE(MemObject, memory);
    vgg_free(sent);
    vgg_free(got);
    return status;
}

clvgg_status vgg_roof_transfers(const vgg_roof_rig *rig, clvgg_roof *roof)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_kernel *kernel = NULL;
    VGG_TRY(vgg_roof_kernel(rig, "roof_memory.cl", "roof_touch", false, &kernel, NULL));
    VGG_TRY(measure_launch(rig, kernel, &roof->launch_ms));
    VGG_TRY(measure_transfers(rig, roof));
cleanup:
    vgg_kernel_free(kernel);
    return status;
}

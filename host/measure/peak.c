/* measure/peak.c — sizes for cl/peak.cl that take long enough to time, and the best of several. */
#include "measure/peak.h"

#include <stdio.h>

#include "base/clock.h"
#include "ocl/args.h"
#include "ocl/clock.h"
#include "ocl/program.h"
#include "ops/op.h"

enum { BEST_OF = 25, GPU_VECTOR = 4, GPU_LOCAL = 64 };
enum { CPU_CHAINS = 12, GPU_CHAINS = 8 };
enum { UNROLL = 4 }; /* cl/peak.cl's */
enum { FIRST_ROUNDS = 16, MOST_ROUNDS = 1 << 26 };
static const double enough_ms = 10;     /* far above a clock's tick */
static const double slow_ms = 50;       /* emulated: no larger buffer */
static const double patience_ms = 1000; /* with repetitions, with looking for a size */
static const uint64_t first_bytes = 1 << 20, most_bytes = 256 << 20; /* above any cache */

typedef struct peak {
    clvgg_device *device;
    cl_command_queue queue; /* with profiling */
    vgg_kernel *fma, *read;
    cl_mem sums, data;
    int vector, chains;
    size_t local, groups; /* of both kernels */
    bool has_clock;       /* the device */
} peak;

static clvgg_status prepare(peak *p)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_traits traits = vgg_traits_of(&p->device->info);
    const bool cpu = traits.vector_width > 1;
    char options[64];
    p->vector = cpu ? traits.vector_width : GPU_VECTOR;
    p->chains = cpu ? CPU_CHAINS : GPU_CHAINS;
    p->local = cpu ? 1 : traits.max_work_group_size < GPU_LOCAL ? 1 : GPU_LOCAL;
    p->groups = (size_t)traits.compute_units * (cpu ? 8 : 32);
    VGG_TRY(vgg_clock_check(p->device, &p->has_clock));
    snprintf(options, sizeof options, "-DVW=%d -DCHAINS=%d", p->vector, p->chains);
    VGG_TRY(vgg_program_kernel(p->device, "peak.cl", options, "peak_fma", &p->fma, NULL));
    VGG_TRY(vgg_program_kernel(p->device, "peak.cl", options, "peak_read", &p->read, NULL));
    VGG_CL_NEW(p->queue, clCreateCommandQueue(p->device->context, p->device->id,
                                              CL_QUEUE_PROFILING_ENABLE, &cl_error));
    VGG_CL_NEW(p->sums, clCreateBuffer(p->device->context, CL_MEM_READ_WRITE,
                                       p->groups * p->local * sizeof(float), NULL, &cl_error));
cleanup:
    return status;
}

static void release(peak *p)
{
    VGG_RELEASE(MemObject, p->data);
    VGG_RELEASE(MemObject, p->sums);
    VGG_RELEASE(CommandQueue, p->queue);
    vgg_kernel_free(p->read);
    vgg_kernel_free(p->fma);
}

/* Milliseconds of one launch by the device's clock, or by the host's where there is none; the least
 * of `count`, or of fewer where they take long. Arguments are set. */
static clvgg_status time_kernel(const peak *p, const vgg_kernel *kernel, int count,
                                double *least_ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_event event = NULL;
    const size_t global = p->groups * p->local;
    double spent_ms = 0;
    for (int i = 0; i < count && spent_ms < patience_ms; i++) {
        const double before = vgg_clock_ms();
        VGG_CL(clEnqueueNDRangeKernel(p->queue, kernel->handle, 1, NULL, &global, &p->local, 0,
                                      NULL, &event));
        VGG_CL(clWaitForEvents(1, &event));
        const double wall_ms = vgg_clock_ms() - before;
        double ms = wall_ms;
        if (p->has_clock)
            VGG_TRY(vgg_clock_read(event, event, &ms));
        clReleaseEvent(event);
        event = NULL;
        spent_ms += wall_ms;
        *least_ms = i == 0 || ms < *least_ms ? ms : *least_ms;
    }
cleanup:
    VGG_RELEASE(Event, event);
    return status;
}

static clvgg_status time_fma(const peak *p, int rounds, int count, double *ms)
{
    vgg_args args = vgg_args_of(p->fma);
    vgg_arg_buffer(&args, (vgg_buffer){p->sums, 0});
    vgg_arg_float(&args, 0.999f); /* converges to 1: neither overflow nor denormals */
    vgg_arg_float(&args, 0.001f);
    vgg_arg_int(&args, rounds);
    VGG_PASS(vgg_args_end(&args));
    return time_kernel(p, p->fma, count, ms);
}

static clvgg_status measure_fma(const peak *p, double *gflops)
{
    int rounds = FIRST_ROUNDS;
    double ms = 0;
    const double start = vgg_clock_ms();
    VGG_PASS(time_fma(p, rounds, 1, &ms));
    while (ms < enough_ms && rounds < MOST_ROUNDS && vgg_clock_ms() - start < patience_ms) {
        rounds *= 2;
        VGG_PASS(time_fma(p, rounds, 1, &ms));
    }
    VGG_PASS(time_fma(p, rounds, BEST_OF, &ms));
    *gflops =
        2.0 * p->vector * p->chains * UNROLL * rounds * (double)(p->groups * p->local) / ms * 1e-6;
    return CLVGG_STATUS_OK;
}

/* Rate over a buffer of about `bytes`, which is written before: pages that never were are all one.
 */
static clvgg_status time_read(peak *p, uint64_t bytes, double *ms, double *gbps)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const float one = 1.0f;
    const uint64_t unit = UNROLL * (uint64_t)p->local, vector_bytes = (uint64_t)p->vector * 4;
    const uint64_t group_vectors = bytes / vector_bytes / p->groups / unit * unit + unit;
    const size_t size = (size_t)(group_vectors * vector_bytes * p->groups);
    VGG_CL_NEW(p->data,
               clCreateBuffer(p->device->context, CL_MEM_READ_WRITE, size, NULL, &cl_error));
    VGG_CL(clEnqueueFillBuffer(p->queue, p->data, &one, sizeof one, 0, size, 0, NULL, NULL));
    vgg_args args = vgg_args_of(p->read);
    VGG_ARG_BUFFERS(&args, (vgg_buffer){p->data, 0}, (vgg_buffer){p->sums, 0});
    vgg_arg_int(&args, (int64_t)group_vectors);
    VGG_TRY(vgg_args_end(&args));
    VGG_TRY(time_kernel(p, p->read, BEST_OF, ms));
    *gbps = (double)size / *ms * 1e-6;
cleanup:
    if (p->data != NULL) {
        vgg_kernel_forget(p->read, p->data);
        clReleaseMemObject(p->data);
    }
    p->data = NULL;
    return status;
}

static clvgg_status measure_read(peak *p, double *gbps)
{
    const uint64_t allowed = p->device->info.max_allocation_bytes / 2;
    double ms = 0;
    const double start = vgg_clock_ms();
    for (uint64_t bytes = first_bytes; bytes <= most_bytes && bytes <= allowed && ms < slow_ms &&
                                       vgg_clock_ms() - start < 2 * patience_ms;
         bytes *= 4)
        VGG_PASS(time_read(p, bytes, &ms, gbps));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_peak_measure(clvgg_device *device, double *fma_gflops, double *read_gbps)
{
    clvgg_status status = CLVGG_STATUS_OK;
    peak p = {.device = device};
    *fma_gflops = *read_gbps = 0;
    VGG_TRY(prepare(&p));
    VGG_TRY(measure_fma(&p, fma_gflops));
    VGG_TRY(measure_read(&p, read_gbps));
cleanup:
    release(&p);
    return status;
}

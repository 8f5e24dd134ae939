/* measure/flush.c — buffers several times as large as caches, gone through. */
#include "measure/flush.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "ocl/memory.h"

enum { ABOVE_CACHE = 4 };
/* What drivers of GPUs tell of is often a smaller cache than the last one. */
static const uint64_t least_bytes = 64 << 20, least_bytes_of_gpu = 1 << 30,
                      most_bytes = (uint64_t)2 << 30;
static const double most_ms = 2000; /* of one flush */

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static clvgg_status launch(vgg_flush *f, int vectors)
{
    const vgg_roof_rig *rig = &f->rig;
    vgg_args args = vgg_args_of(f->kernel);
    vgg_arg_buffer(&args, (vgg_buffer){f->memory, 0});
    vgg_arg_int(&args, vectors);
    VGG_PASS(vgg_args_end(&args));
    VGG_CL_PASS(clEnqueueNDRangeKernel(rig->queue, f->kernel->handle, 1, NULL, &rig->items,
                                       &rig->local, 0, NULL, NULL));
    VGG_CL_PASS(clFinish(rig->queue));
    return CLVGG_STATUS_OK;
}

/* Memory on the device and, where it is no CPU, on the host. A driver may make its own at the first
 * launch only, of which a hundredth of the memory tells how long all of it takes. */
static clvgg_status make_memory(vgg_flush *f, uint64_t bytes, bool *able)
{
    VGG_PASS(vgg_device_memory_create(f->rig.device, bytes, &f->memory));
    if (f->host_words > 0)
        VGG_NEW_PASS(f->host, f->host_words);
    const int unit = (int)f->rig.local, part = f->vectors / unit / 100 * unit + unit;
    VGG_PASS(launch(f, part)); /* compiles */
    const double start = vgg_clock_ms();
    VGG_PASS(launch(f, part));
    *able = (vgg_clock_ms() - start) * f->vectors / part < most_ms;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_flush_open(vgg_flush *f, clvgg_device *device, bool *able)
{
    const clvgg_device_info *info = &device->info;
    const bool cpu = info->type == CLVGG_DEVICE_CPU;
    vgg_caches caches;
    *able = false;
    VGG_PASS(vgg_roof_open(&f->rig, device));
    VGG_PASS(vgg_roof_kernel(&f->rig, "flush.cl", "flush", false, &f->kernel, NULL));
    VGG_PASS(vgg_roof_caches(&f->rig, &caches));
    const uint64_t row = f->rig.items * (uint64_t)f->rig.vector * sizeof(cl_uint);
    const uint64_t least = cpu ? least_bytes : least_bytes_of_gpu;
    const uint64_t room = info->max_allocation_bytes < info->global_memory_bytes / 4
                              ? info->max_allocation_bytes
                              : info->global_memory_bytes / 4;
    const uint64_t rows = clamp(clamp(ABOVE_CACHE * caches.all, least, most_bytes), 0, room) / row;
    f->vectors = (int)(rows * f->rig.local);
    if (rows == 0)
        return CLVGG_STATUS_OK;
    if (!cpu)
        f->host_words =
            (size_t)(clamp(ABOVE_CACHE * vgg_host_caches("").all, least_bytes, most_bytes) /
                     sizeof *f->host);
    const clvgg_status status = make_memory(f, rows * row, able);
    f->no_memory =
        status == CLVGG_STATUS_OUT_OF_DEVICE_MEMORY || status == CLVGG_STATUS_OUT_OF_MEMORY;
    return f->no_memory ? CLVGG_STATUS_OK : status;
}

void vgg_flush_close(vgg_flush *f)
{
    vgg_free(f->host);
    VGG_RELEASE(MemObject, f->memory);
    vgg_kernel_free(f->kernel);
    vgg_roof_close(&f->rig);
}

clvgg_status vgg_flush_run(void *flush)
{
    vgg_flush *f = flush;
    for (size_t i = 0; i < f->host_words; i++)
        f->host[i]++;
    return launch(f, f->vectors);
}

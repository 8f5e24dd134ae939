/* measure/roof_memory.c — cl/roof_memory.cl: sizes that lie in memory or in a cache, passes that
 * take long enough to time, and what they must leave.
 */
#include "measure/roof_rig.h"

#include "ocl/memory.h"

enum { UNROLL = 8, LOCAL_BYTES = 8 << 10 }; /* cl/roof_memory.cl's */
enum { ABOVE_CACHE = 4 }; /* so many times a cache, next to nothing of it is read from there */
enum { SIZE_TIMES = 5 };  /* a machine that does other things seems slow at times */
enum { NEAR_BYTES = 16 << 10, MOST_PASSES = 1 << 20 };
static const uint64_t first_bytes = 1 << 20, most_bytes = 256 << 20; /* above most caches */
static const uint32_t pattern = 0x9E3779B9;

/* A buffer of equal parts, a work-group's each, and the kernels that go through it. */
typedef struct field {
    const vgg_roof_rig *rig;
    vgg_kernel *read, *write, *copy, *local;
    cl_mem x, y;
    uint64_t vectors; /* of a part */
    bool shared;      /* all work-groups read the first part */
    uint32_t written; /* the value that is everywhere in x */
} field;

static uint64_t vector_bytes(const field *f)
{
    return (uint64_t)f->rig->vector * sizeof(uint32_t);
}

static uint64_t bytes_of(const field *f)
{
    return f->vectors * vector_bytes(f) * f->rig->groups;
}

/* Parts of about so many bytes. */
static void set_part(field *f, uint64_t bytes)
{
    const uint64_t unit = UNROLL * (uint64_t)f->rig->local;
    f->vectors = bytes / vector_bytes(f) / unit * unit;
    if (f->vectors == 0)
        f->vectors = unit;
}

static void drop(field *f, cl_mem *memory)
{
    vgg_kernel *const kernels[] = {f->read, f->write, f->copy};
    for (size_t i = 0; *memory != NULL && i < sizeof kernels / sizeof *kernels; i++)
        if (kernels[i] != NULL)
            vgg_kernel_forget(kernels[i], *memory);
    VGG_RELEASE(MemObject, *memory);
    *memory = NULL;
}

static void end(field *f)
{
    drop(f, &f->x);
    drop(f, &f->y);
    vgg_kernel_free(f->read);
    vgg_kernel_free(f->write);
    vgg_kernel_free(f->copy);
    vgg_kernel_free(f->local);
}

/* Memory for the parts, written before it is read: pages that never were are all one. */
static clvgg_status make(field *f, cl_mem *memory)
{
    const size_t bytes = (size_t)bytes_of(f);
    drop(f, memory);
    VGG_PASS(vgg_device_memory_create(f->rig->device, bytes, memory));
    VGG_CL_PASS(clEnqueueFillBuffer(f->rig->queue, *memory, &pattern, sizeof pattern, 0, bytes, 0,
                                    NULL, NULL));
    f->written = pattern;
    return CLVGG_STATUS_OK;
}

static clvgg_status time_read_of(field *f, cl_mem memory, int passes, int count, double *ms)
{
    const uint32_t expected = (uint32_t)(f->vectors * (uint64_t)f->rig->vector * f->rig->groups) *
                              (uint32_t)passes * f->written;
    vgg_args args = vgg_args_of(f->read);
    VGG_ARG_BUFFERS(&args, (vgg_buffer){memory, 0}, (vgg_buffer){f->rig->sums, 0});
    VGG_ARG_INTS(&args, (int64_t)f->vectors, passes, f->shared);
    VGG_PASS(vgg_args_end(&args));
    return vgg_roof_time(f->rig, f->read, count, &expected, ms);
}

static clvgg_status time_read(void *user, int passes, int count, double *ms)
{
    field *f = user;
    return time_read_of(f, f->x, passes, count, ms);
}

/* The last write is seen by a read. */
static clvgg_status time_write(field *f, double *ms)
{
    double read_ms = 0;
    f->written = ~pattern;
    vgg_args args = vgg_args_of(f->write);
    vgg_arg_buffer(&args, (vgg_buffer){f->x, 0});
    vgg_arg_int(&args, (int64_t)f->vectors);
    vgg_arg_uint(&args, f->written);
    VGG_PASS(vgg_args_end(&args));
    VGG_PASS(vgg_roof_time(f->rig, f->write, VGG_ROOF_BEST_OF, NULL, ms));
    VGG_PASS(time_read(f, 1, 1, &read_ms));
    *ms = read_ms >= 0 ? *ms : VGG_ROOF_UNDONE;
    return CLVGG_STATUS_OK;
}

static clvgg_status time_copy(field *f, double *ms)
{
    double read_ms = 0;
    vgg_args args = vgg_args_of(f->copy);
    VGG_ARG_BUFFERS(&args, (vgg_buffer){f->x, 0}, (vgg_buffer){f->y, 0});
    vgg_arg_int(&args, (int64_t)f->vectors);
    VGG_PASS(vgg_args_end(&args));
    VGG_PASS(vgg_roof_time(f->rig, f->copy, VGG_ROOF_BEST_OF, NULL, ms));
    VGG_PASS(time_read_of(f, f->y, 1, 1, &read_ms));
    *ms = read_ms >= 0 ? *ms : VGG_ROOF_UNDONE;
    return CLVGG_STATUS_OK;
}

static clvgg_status time_local(void *user, int passes, int count, double *ms)
{
    const field *f = user;
    const uint32_t vectors = (uint32_t)(LOCAL_BYTES / vector_bytes(f)), value = pattern;
    const uint32_t expected = (uint32_t)f->rig->groups * (uint32_t)passes *
                              (uint32_t)f->rig->vector *
                              (vectors * value + vectors * (vectors - 1) / 2);
    vgg_args args = vgg_args_of(f->local);
    vgg_arg_buffer(&args, (vgg_buffer){f->rig->sums, 0});
    vgg_arg_int(&args, passes);
    vgg_arg_uint(&args, value);
    VGG_PASS(vgg_args_end(&args));
    return vgg_roof_time(f->rig, f->local, count, &expected, ms);
}

/* Some drivers for CPUs tell of a core's own cache. */
clvgg_status vgg_roof_caches(const vgg_roof_rig *rig, vgg_caches *out)
{
    cl_ulong told = 0;
    *out = rig->traits.type == CLVGG_DEVICE_CPU ? vgg_host_caches("") : (vgg_caches){0, 0};
    VGG_CL_PASS(clGetDeviceInfo(rig->device->id, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof told,
                                &told, NULL));
    out->one = told > out->one ? told : out->one;
    out->all = out->one > out->all ? out->one : out->all;
    return CLVGG_STATUS_OK;
}

/* Larger and larger buffers, until reading one is slow. The last stays in f->x. */
static clvgg_status measure_read(field *f, double *gbps)
{
    const clvgg_device_info *info = &f->rig->device->info;
    vgg_caches caches;
    uint64_t allowed = info->max_allocation_bytes / 2;
    double ms = 0;
    VGG_PASS(vgg_roof_caches(f->rig, &caches));
    const uint64_t above = ABOVE_CACHE * caches.all, most = above > most_bytes ? above : most_bytes;
    if (allowed > info->global_memory_bytes / 8)
        allowed = info->global_memory_bytes / 8;
    const uint64_t last = most < allowed ? most : allowed;
    for (uint64_t bytes = first_bytes; ms >= 0 && ms < VGG_ROOF_SLOW_MS; bytes *= 4) {
        const uint64_t size = bytes < last ? bytes : last;
        set_part(f, size / f->rig->groups);
        VGG_PASS(make(f, &f->x));
        VGG_PASS(time_read(f, 1, SIZE_TIMES, &ms));
        if (size == last)
            break;
    }
    VGG_PASS(time_read(f, 1, VGG_ROOF_BEST_OF, &ms));
    *gbps = vgg_roof_rate((double)bytes_of(f), ms);
    return CLVGG_STATUS_OK;
}

static clvgg_status measure_stores(field *f, clvgg_roof *roof)
{
    double ms = 0;
    VGG_PASS(make(f, &f->y));
    VGG_PASS(time_write(f, &ms));
    roof->write_gbps = vgg_roof_rate((double)bytes_of(f), ms);
    VGG_PASS(time_copy(f, &ms));
    roof->copy_gbps = vgg_roof_rate((double)(2 * bytes_of(f)), ms);
    drop(f, &f->y);
    return CLVGG_STATUS_OK;
}

/* Every work-group reads the same bytes again and again, so that they are in all the caches that
 * are large enough, and in no smaller one. */
static clvgg_status measure_cache(field *f, uint64_t bytes, double *gbps)
{
    int passes = 0;
    double ms = 0;
    set_part(f, bytes);
    VGG_PASS(vgg_roof_best(time_read, f, 1, MOST_PASSES, &passes, &ms));
    *gbps = vgg_roof_rate((double)(bytes_of(f) * (uint64_t)passes), ms);
    return CLVGG_STATUS_OK;
}

static clvgg_status measure_caches(field *f, clvgg_roof *roof)
{
    const uint64_t held = bytes_of(f);
    vgg_caches caches;
    VGG_PASS(vgg_roof_caches(f->rig, &caches));
    roof->cache_bytes = caches.one;
    f->shared = true;
    if (roof->cache_bytes > 0 && roof->cache_bytes / 2 <= held)
        VGG_PASS(measure_cache(f, roof->cache_bytes / 2, &roof->cache_read_gbps));
    return measure_cache(f, NEAR_BYTES, &roof->near_cache_read_gbps);
}

static clvgg_status measure_local(field *f, double *gbps)
{
    int passes = 0;
    double ms = 0;
    VGG_PASS(vgg_roof_best(time_local, f, 1, MOST_PASSES, &passes, &ms));
    *gbps = vgg_roof_rate((double)((uint64_t)LOCAL_BYTES * f->rig->groups * (uint64_t)passes), ms);
    return CLVGG_STATUS_OK;
}

static clvgg_status make_kernel(const field *f, const char *name, vgg_kernel **kernel)
{
    return vgg_roof_kernel(f->rig, "roof_memory.cl", name, false, kernel, NULL);
}

clvgg_status vgg_roof_read(const vgg_roof_rig *rig, double *gbps)
{
    clvgg_status status = CLVGG_STATUS_OK;
    field f = {.rig = rig};
    VGG_TRY(make_kernel(&f, "roof_read", &f.read));
    VGG_TRY(measure_read(&f, gbps));
cleanup:
    end(&f);
    return status;
}

clvgg_status vgg_roof_memories(const vgg_roof_rig *rig, clvgg_roof *roof)
{
    clvgg_status status = CLVGG_STATUS_OK;
    field f = {.rig = rig};
    VGG_TRY(make_kernel(&f, "roof_read", &f.read));
    VGG_TRY(make_kernel(&f, "roof_write", &f.write));
    VGG_TRY(make_kernel(&f, "roof_copy", &f.copy));
    if (rig->traits.local_memory_bytes >= LOCAL_BYTES)
        VGG_TRY(make_kernel(&f, "roof_local", &f.local));
    VGG_TRY(measure_read(&f, &roof->read_gbps));
    VGG_TRY(measure_stores(&f, roof));
    VGG_TRY(measure_caches(&f, roof));
    if (f.local != NULL)
        VGG_TRY(measure_local(&f, &roof->local_gbps));
cleanup:
    end(&f);
    return status;
}

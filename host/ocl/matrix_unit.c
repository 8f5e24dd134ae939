/* ocl/matrix_unit.c — CPUID, the permission to use tiles, and a product of two of them.
 *
 * The matrix unit of another kind of CPU needs its gates here and its program beside
 * cl/matrix_unit.cl.
 */
#define _GNU_SOURCE /* syscall */
#include "ocl/matrix_unit.h"

#include "base/log.h"
#include "ocl/program.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool bit(unsigned value, int index)
{
    return (value >> index & 1) != 0;
}

/* AMX with bfloat16, and the vector instructions that convert to it; their state is switched on. */
static bool cpu_has_tiles(void)
{
    unsigned a = 0, b = 0, c = 0, d = 0, low = 0, high = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !bit(c, 27)) /* OSXSAVE */
        return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    const unsigned vectors = 0xE6, tiles = 3u << 17; /* SSE, AVX, three of AVX-512; two of AMX */
    if ((low & (vectors | tiles)) != (vectors | tiles))
        return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return false;
    const bool avx512f = bit(b, 16), amx_bf16 = bit(d, 22), amx_tile = bit(d, 24);
    if (!__get_cpuid_count(7, 1, &a, &b, &c, &d))
        return false;
    return avx512f && amx_bf16 && amx_tile && bit(a, 5); /* AVX512-BF16 */
}

bool vgg_matrix_unit_allowed(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return cpu_has_tiles() && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}
#else
bool vgg_matrix_unit_allowed(void)
{
    return false;
}
#endif

enum { ROWS = 16, DEPTH = 32, COLUMNS = 16 };

typedef struct sample {
    float x[ROWS][DEPTH];
    uint16_t w[DEPTH / 2][COLUMNS][2];
    float y[ROWS][COLUMNS];
} sample;

/* Small integers, whose products and sums are exact. */
static void fill_sample(sample *s)
{
    float w[DEPTH][COLUMNS];
    for (int i = 0; i < ROWS * DEPTH; i++)
        s->x[i / DEPTH][i % DEPTH] = (float)(i * 37 % 23 - 11);
    for (int i = 0; i < DEPTH * COLUMNS; i++) {
        const int k = i / COLUMNS, column = i % COLUMNS;
        union {
            float value;
            uint32_t bits;
        } exact = {.value = (float)(i * 29 % 19 - 9)};
        w[k][column] = exact.value;
        s->w[k / 2][column][k % 2] = (uint16_t)(exact.bits >> 16);
    }
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        float sum = 0.0f;
        for (int k = 0; k < DEPTH; k++)
            sum += s->x[i / COLUMNS][k] * w[k][i % COLUMNS];
        s->y[i / COLUMNS][i % COLUMNS] = sum;
    }
}

/* Runs the program; *exact says whether it gave the sample's result. */
static clvgg_status try_product(clvgg_device *device, vgg_kernel *kernel, bool *exact)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t one = 1;
    cl_command_queue queue = NULL;
    cl_mem x = NULL, w = NULL, y = NULL;
    sample s;
    float result[ROWS][COLUMNS] = {{0.0f}};
    fill_sample(&s);
    VGG_CL_NEW(queue, clCreateCommandQueue(device->context, device->id, 0, &cl_error));
    VGG_CL_NEW(x, clCreateBuffer(device->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                 sizeof s.x, s.x, &cl_error));
    VGG_CL_NEW(w, clCreateBuffer(device->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                 sizeof s.w, s.w, &cl_error));
    VGG_CL_NEW(y,
               clCreateBuffer(device->context, CL_MEM_WRITE_ONLY, sizeof result, NULL, &cl_error));
    VGG_CL(clSetKernelArg(kernel->handle, 0, sizeof x, &x));
    VGG_CL(clSetKernelArg(kernel->handle, 1, sizeof w, &w));
    VGG_CL(clSetKernelArg(kernel->handle, 2, sizeof y, &y));
    VGG_CL(clEnqueueNDRangeKernel(queue, kernel->handle, 1, NULL, &one, &one, 0, NULL, NULL));
    VGG_CL(clEnqueueReadBuffer(queue, y, CL_TRUE, 0, sizeof result, result, 0, NULL, NULL));
    *exact = true;
    for (int i = 0; i < ROWS * COLUMNS; i++)
        *exact = *exact && result[i / COLUMNS][i % COLUMNS] == s.y[i / COLUMNS][i % COLUMNS];
cleanup:
    if (queue != NULL) {
        clFinish(queue);
        clReleaseCommandQueue(queue);
    }
    VGG_RELEASE(MemObject, x);
    VGG_RELEASE(MemObject, w);
    VGG_RELEASE(MemObject, y);
    return status;
}

static clvgg_status check(clvgg_device *device, bool *has_amx)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_kernel *kernel = NULL;
    *has_amx = false;
    if (device->info.type != CLVGG_DEVICE_CPU || !vgg_matrix_unit_allowed())
        goto cleanup;
    status = vgg_program_kernel(device, "matrix_unit.cl", "", "matrix_unit", &kernel, NULL);
    if (status == CLVGG_STATUS_BUILD_FAILED) { /* no inline assembly: most runtimes */
        status = CLVGG_STATUS_OK;
        goto cleanup;
    }
    VGG_TRY(status);
    VGG_TRY(try_product(device, kernel, has_amx));
cleanup:
    vgg_kernel_free(kernel);
    return status;
}

clvgg_status vgg_matrix_unit_check(clvgg_device *device, bool *has_amx)
{
    enum { UNKNOWN, ABSENT, PRESENT };
    int known = atomic_load(&device->matrix_unit);
    *has_amx = false;
    if (known == UNKNOWN) { /* two threads that meet here find the same */
        VGG_PASS(check(device, has_amx));
        known = *has_amx ? PRESENT : ABSENT;
        atomic_store(&device->matrix_unit, known);
        vgg_log(CLVGG_LOG_DEBUG, "matrix unit of '%s': %s", device->info.name,
                *has_amx ? "AMX with bfloat16" : "none that kernels can use");
    }
    *has_amx = known == PRESENT;
    return CLVGG_STATUS_OK;
}

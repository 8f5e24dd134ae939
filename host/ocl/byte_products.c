/* ocl/byte_products.c — CPUID, and sixteen sums of four products. */
#include "ocl/byte_products.h"

#include "base/log.h"
#include "ocl/program.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* AVX512-F and -VNNI, their registers switched on by the operating system. */
static bool cpu_has_them(void)
{
    unsigned a = 0, b = 0, c = 0, d = 0, low = 0, high = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c >> 27 & 1) == 0) /* OSXSAVE */
        return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    const unsigned vectors = 0xE6; /* SSE, AVX, three of AVX-512 */
    return (low & vectors) == vectors && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (b >> 16 & 1) != 0 && (c >> 11 & 1) != 0;
}
#else
static bool cpu_has_them(void)
{
    return false;
}
#endif

enum { LANES = 16 };

typedef struct sample {
    uint8_t u[LANES][4];
    int8_t w[LANES][4];
    int32_t sums[LANES];
} sample;

/* Bytes above 127 are among the unsigned ones, sums beyond 16 bits among those expected. */
static sample make_sample(int32_t expected[LANES])
{
    sample s;
    for (int lane = 0; lane < LANES; lane++) {
        s.sums[lane] = lane * 1000 - 7;
        expected[lane] = s.sums[lane];
        for (int i = 0; i < 4; i++) {
            s.u[lane][i] = (uint8_t)(lane < 2 ? 255 : lane * 37 + i * 91);
            s.w[lane][i] = (int8_t)(lane < 2 ? 127 - 255 * lane : lane * 29 - i * 53);
            expected[lane] += s.u[lane][i] * s.w[lane][i];
        }
    }
    return s;
}

static clvgg_status try_products(clvgg_device *device, vgg_kernel *kernel, bool *exact)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t one = 1;
    cl_command_queue queue = NULL;
    cl_mem u = NULL, w = NULL, y = NULL;
    int32_t expected[LANES], sums[LANES] = {0};
    sample s = make_sample(expected);
    VGG_CL_NEW(queue, clCreateCommandQueue(device->context, device->id, 0, &cl_error));
    VGG_CL_NEW(u, clCreateBuffer(device->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                 sizeof s.u, s.u, &cl_error));
    VGG_CL_NEW(w, clCreateBuffer(device->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                 sizeof s.w, s.w, &cl_error));
    VGG_CL_NEW(y, clCreateBuffer(device->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                 sizeof s.sums, s.sums, &cl_error));
    VGG_CL(clSetKernelArg(kernel->handle, 0, sizeof u, &u));
    VGG_CL(clSetKernelArg(kernel->handle, 1, sizeof w, &w));
    VGG_CL(clSetKernelArg(kernel->handle, 2, sizeof y, &y));
    VGG_CL(clEnqueueNDRangeKernel(queue, kernel->handle, 1, NULL, &one, &one, 0, NULL, NULL));
    VGG_CL(clEnqueueReadBuffer(queue, y, CL_TRUE, 0, sizeof sums, sums, 0, NULL, NULL));
    *exact = true;
    for (int i = 0; i < LANES; i++)
        *exact = *exact && sums[i] == expected[i];
cleanup:
    if (queue != NULL) {
        clFinish(queue);
        clReleaseCommandQueue(queue);
    }
    VGG_RELEASE(MemObject, u);
    VGG_RELEASE(MemObject, w);
    VGG_RELEASE(MemObject, y);
    return status;
}

static clvgg_status check(clvgg_device *device, bool *has_them)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_kernel *kernel = NULL;
    *has_them = false;
    if (device->info.type != CLVGG_DEVICE_CPU || device->info.native_float_width < LANES ||
        !cpu_has_them())
        goto cleanup;
    status = vgg_program_kernel(device, "byte_products.cl", "", "byte_products", &kernel, NULL);
    if (status == CLVGG_STATUS_BUILD_FAILED) { /* no inline assembly: most runtimes */
        status = CLVGG_STATUS_OK;
        goto cleanup;
    }
    VGG_TRY(status);
    VGG_TRY(try_products(device, kernel, has_them));
cleanup:
    vgg_kernel_free(kernel);
    return status;
}

clvgg_status vgg_byte_products_check(clvgg_device *device, bool *has_them)
{
    enum { UNKNOWN, ABSENT, PRESENT };
    int known = atomic_load(&device->byte_products);
    *has_them = false;
    if (known == UNKNOWN) { /* two threads that meet here find the same */
        VGG_PASS(check(device, has_them));
        known = *has_them ? PRESENT : ABSENT;
        atomic_store(&device->byte_products, known);
        vgg_log(CLVGG_LOG_DEBUG, "products of bytes on '%s': %s", device->info.name,
                *has_them ? "AVX512-VNNI" : "none that kernels can use");
    }
    *has_them = known == PRESENT;
    return CLVGG_STATUS_OK;
}

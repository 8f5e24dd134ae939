/* ops/clblast.c — CLBlast's SGEMM with a planned temporary buffer; its codes as statuses. */
#include "ops/clblast.h"

#include <clblast_c.h>

static clvgg_status check(CLBlastStatusCode code, const char *call)
{
    if (code == CLBlastSuccess)
        return CLVGG_STATUS_OK;
    if (code > -1000) /* CLBlast passes OpenCL's own codes through */
        return vgg_cl_check((cl_int)code, call);
    if (code == CLBlastInsufficientMemoryTemp)
        return vgg_fail(CLVGG_STATUS_OUT_OF_DEVICE_MEMORY, "%s: the temporary buffer is too small",
                        call);
    return vgg_fail(CLVGG_STATUS_OPENCL, "%s: CLBlast error %d", call, (int)code);
}

static CLBlastTranspose transposition(bool transpose)
{
    return transpose ? CLBlastTransposeYes : CLBlastTransposeNo;
}

clvgg_status vgg_clblast_workspace(const vgg_gemm *gemm, cl_command_queue queue, uint64_t *elements)
{
    size_t bytes = 0;
    VGG_PASS(
        check(CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, transposition(gemm->transpose_a),
                                         transposition(gemm->transpose_b), (size_t)gemm->m,
                                         (size_t)gemm->n, (size_t)gemm->k, 0, (size_t)gemm->lda, 0,
                                         (size_t)gemm->ldb, 0, (size_t)gemm->ldc, &queue, &bytes),
              "CLBlastSGemmTempBufferSize"));
    *elements = (bytes + sizeof(float) - 1) / sizeof(float);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_clblast_gemm(vgg_launch *launch, const vgg_gemm *gemm, vgg_buffer a, vgg_buffer b,
                              vgg_buffer c, cl_mem workspace)
{
    cl_event event = NULL;
    VGG_PASS(vgg_launch_fence(launch));
    VGG_PASS(
        check(CLBlastSgemmWithTempBuffer(
                  CLBlastLayoutRowMajor, transposition(gemm->transpose_a),
                  transposition(gemm->transpose_b), (size_t)gemm->m, (size_t)gemm->n,
                  (size_t)gemm->k, 1.0f, a.memory, (size_t)a.offset, (size_t)gemm->lda, b.memory,
                  (size_t)b.offset, (size_t)gemm->ldb, 0.0f, c.memory, (size_t)c.offset,
                  (size_t)gemm->ldc, &launch->queue, launch->chained ? &event : NULL, workspace),
              "CLBlastSgemm"));
    vgg_launch_adopt(launch, event);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_clblast_override(cl_device_id device, const char *kernel, const char **names,
                                  const size_t *values, size_t count)
{
    return check(
        CLBlastOverrideParameters(device, kernel, CLBlastPrecisionSingle, count, names, values),
        "CLBlastOverrideParameters");
}

static void forget(void *nothing)
{
    (void)nothing;
    CLBlastClearCache();
}

void vgg_clblast_note(clvgg_device *device)
{
    static const vgg_kept_kind programs = {forget};
    pthread_mutex_lock(&device->lock);
    vgg_device_kept(device, &programs);
    pthread_mutex_unlock(&device->lock);
}

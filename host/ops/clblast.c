/* ops/clblast.c — CLBlast's SGEMM with a planned temporary buffer; its codes as statuses. */
#define _GNU_SOURCE /* dladdr */
#include "ops/clblast.h"

#include <clblast_c.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* ---- what is set: CLBlast's state is the process's, and can't be read from it ---- */

enum { MOST_DEVICES = 64 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    cl_device_id id;
    char words[VGG_CLBLAST_WORDS];
} overridden[MOST_DEVICES];
static int overridden_count;

/* Its index, or that of the next free place. With the lock held. */
static int find_device(cl_device_id id)
{
    int i = 0;
    while (i < overridden_count && overridden[i].id != id)
        i++;
    return i;
}

clvgg_status vgg_clblast_override(cl_device_id device, const char *kernel, const char **names,
                                  const size_t *values, size_t count)
{
    char words[VGG_CLBLAST_WORDS] = "";
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        if (values[i] != 0 && length < sizeof words)
            length += (size_t)snprintf(words + length, sizeof words - length, "%s%s=%zu",
                                       length > 0 ? " " : "", names[i], values[i]);
    pthread_mutex_lock(&lock);
    const int at = find_device(device);
    const clvgg_status status =
        at == MOST_DEVICES ? vgg_fail(CLVGG_STATUS_UNSUPPORTED, "too many devices use CLBlast")
                           : check(CLBlastOverrideParameters(device, kernel, CLBlastPrecisionSingle,
                                                             count, names, values),
                                   "CLBlastOverrideParameters");
    if (status == CLVGG_STATUS_OK) {
        overridden[at].id = device;
        memcpy(overridden[at].words, words, sizeof words);
        overridden_count += at == overridden_count;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

void vgg_clblast_in_force(cl_device_id device, char words[VGG_CLBLAST_WORDS])
{
    pthread_mutex_lock(&lock);
    const int at = find_device(device);
    snprintf(words, VGG_CLBLAST_WORDS, "%s", at < overridden_count ? overridden[at].words : "");
    pthread_mutex_unlock(&lock);
}

/* ---- which CLBlast it is ---- */

static char version[128];

static void find_version(void)
{
    Dl_info library = {0};
    struct stat facts = {0};
    char *path = NULL;
    if (dladdr((void *)(uintptr_t)CLBlastSgemmWithTempBuffer, &library) != 0)
        path = realpath(library.dli_fname, NULL);
    if (path != NULL)
        stat(path, &facts);
    const char *name = path != NULL ? strrchr(path, '/') + 1 : "";
    /* Of a library that was rebuilt the size may be what it was. */
    snprintf(version, sizeof version, "%.60s of %lld, %lld.%09ld", name, (long long)facts.st_size,
             (long long)facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
    free(path);
}

const char *vgg_clblast_version(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_version);
    return version;
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

/* ocl/program_binary.c — a program's binary: its key in the cache, loading it, getting it back. */
#include "ocl/program_binary.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/sha256.h"

void vgg_device_words(const clvgg_device_info *info, char *words, size_t capacity)
{
    snprintf(words, capacity, "%s (%s, %s, driver %s)", info->name, info->platform,
             info->opencl_version, info->driver_version);
}

void vgg_program_source_stamp(const char *const *texts, const size_t *lengths, int count,
                              char stamp[96])
{
    vgg_sha256 sources = vgg_sha256_begin();
    char hash[VGG_SHA256_HEX];
    for (int i = 0; i < count; i++)
        vgg_sha256_add(&sources, texts[i], lengths[i]);
    vgg_sha256_end_hex(&sources, hash);
    snprintf(stamp, 96, "%s %s", clvgg_version(), hash);
}

void vgg_program_identify(const clvgg_device *device, const char *const *texts,
                          const size_t *lengths, int count, vgg_program_identity *identity)
{
    vgg_device_words(&device->info, identity->device, sizeof identity->device);
    vgg_program_source_stamp(texts, lengths, count, identity->stamp);
}

vgg_cache_key vgg_program_key(const char *file, const char *options,
                              const vgg_program_identity *identity)
{
    return (vgg_cache_key){"program", identity->device, file, options, identity->stamp};
}

static cl_program build_binary(clvgg_device *device, const vgg_cache_key *key, const void *binary,
                               size_t bytes)
{
    const unsigned char *data = binary;
    cl_int verdict = CL_SUCCESS, error = CL_SUCCESS;
    cl_program program =
        clCreateProgramWithBinary(device->context, 1, &device->id, &bytes, &data, &verdict, &error);
    if (error != CL_SUCCESS || verdict != CL_SUCCESS ||
        clBuildProgram(program, 1, &device->id, key->options, NULL, NULL) != CL_SUCCESS) {
        if (error == CL_SUCCESS && program != NULL)
            clReleaseProgram(program);
        return NULL;
    }
    return program;
}

cl_program vgg_program_from_cache(clvgg_device *device, const vgg_cache_key *key)
{
    void *binary = NULL;
    size_t bytes = 0;
    if (!vgg_cache_get(device->runtime->cache, key, &binary, &bytes))
        return NULL;
    cl_program program = build_binary(device, key, binary, bytes);
    vgg_free(binary);
    if (program == NULL) {
        vgg_log(CLVGG_LOG_DEBUG, "the driver refuses the cached binary of %s (%s)", key->name,
                key->options);
        vgg_cache_drop(device->runtime->cache, key);
    }
    return program;
}

/* Position of the device among those of the program: contexts of callers may have several. */
static clvgg_status find_device(const clvgg_device *device, cl_program program, cl_uint *count,
                                cl_uint *position)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_device_id *ids = NULL;
    VGG_CL(clGetProgramInfo(program, CL_PROGRAM_NUM_DEVICES, sizeof *count, count, NULL));
    VGG_NEW(ids, *count);
    VGG_CL(clGetProgramInfo(program, CL_PROGRAM_DEVICES, *count * sizeof *ids, ids, NULL));
    for (*position = 0; *position < *count && ids[*position] != device->id;)
        ++*position;
    if (*count == 1) /* PoCL lists the whole device where the program is a sub-device's */
        *position = 0;
    VGG_REQUIRE(*position < *count, CLVGG_STATUS_NOT_FOUND, "the program isn't the device's");
cleanup:
    vgg_free(ids);
    return status;
}

clvgg_status vgg_program_binary(const clvgg_device *device, cl_program program,
                                unsigned char **binary, size_t *bytes)
{
    clvgg_status status = CLVGG_STATUS_OK;
    size_t *sizes = NULL;
    unsigned char **binaries = NULL; /* NULL: not wanted */
    cl_uint count = 0, position = 0;
    *binary = NULL;
    VGG_TRY(find_device(device, program, &count, &position));
    VGG_NEW(sizes, count);
    VGG_NEW(binaries, count);
    VGG_CL(clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, count * sizeof *sizes, sizes, NULL));
    VGG_REQUIRE(sizes[position] > 0, CLVGG_STATUS_NOT_FOUND, "the driver gives no binary");
    VGG_NEW(binaries[position], sizes[position]);
    *binary = binaries[position];
    *bytes = sizes[position];
    VGG_CL(
        clGetProgramInfo(program, CL_PROGRAM_BINARIES, count * sizeof *binaries, binaries, NULL));
cleanup:
    if (status != CLVGG_STATUS_OK) {
        vgg_free(*binary);
        *binary = NULL;
    }
    vgg_free(binaries);
    vgg_free(sizes);
    return status;
}

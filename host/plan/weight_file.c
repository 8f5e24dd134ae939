/* plan/weight_file.c — which packed weights have files, by which keys.
 *
 * A key has the signature of the model's files, which stands for their content without reading it:
 * places, sizes and times. Images of read-only file systems may have all of them in common, so a
 * part of the values themselves is in the key too.
 */
#include "plan/weight_file.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/checksum.h"
#include "cache/packed_file.h"
#include "cache/packed_folder.h"
#include "ocl/clock.h"
#include "ocl/program_binary.h"
#include "tensor/dtype.h"
#include "tensor/storage.h"

/* Small weights are packed in no time. */
#define LEAST_BYTES ((uint64_t)1 << 20)
enum { SAMPLES = 64, SAMPLE_VALUES = 256 };

struct vgg_weight_file {
    const char *folder;
    vgg_cache_key key; /* of the strings below */
    char device[640], name[128], options[160], stamp[VGG_PROGRAM_STAMP + 128];
};

/* A device that reads the host's memory can be given values without a copy; of others the transfer
 * takes longer than packing. Transformed weights are several times as many, and transforming them
 * takes no longer than reading that; what fills panels is few. */
static bool pays(const clvgg_device *device, const vgg_pack *pack, clvgg_dtype dtype)
{
    const uint64_t bytes = vgg_pack_bytes(pack, pack->rows);
    const uint64_t elements = (uint64_t)(pack->rows * pack->channels * pack->spatial);
    return vgg_cache_packed_folder(device->runtime->cache) != NULL &&
           device->info.type == CLVGG_DEVICE_CPU && bytes >= LEAST_BYTES &&
           bytes - bytes / 8 <= elements * vgg_dtype_bytes(dtype) &&
           vgg_pack_pieces(pack, device->info.max_allocation_bytes) == 1;
}

/* Checksums runs of values all over the weight. */
static clvgg_status sample(const vgg_pack *pack, const vgg_tensor_input *input, uint64_t *sum)
{
    unsigned char values[SAMPLE_VALUES * sizeof(double)];
    const uint64_t count = (uint64_t)(pack->rows * pack->channels * pack->spatial);
    const uint64_t some = count < SAMPLE_VALUES ? count : SAMPLE_VALUES;
    *sum = 0;
    for (uint64_t i = 0; i < SAMPLES; i++) {
        VGG_PASS(input->read(input->user, (count - some) / (SAMPLES - 1) * i, some, values));
        *sum = vgg_checksum(values, (size_t)some * vgg_dtype_bytes(input->dtype), *sum);
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status describe(vgg_weight_file *file, const clvgg_device *device,
                             const vgg_weight_name *name, const vgg_pack *pack,
                             const vgg_tensor_input *input, uint64_t inner)
{
    char packer[VGG_PROGRAM_STAMP];
    uint64_t sum;
    VGG_PASS(sample(pack, input, &sum));
    VGG_PASS(vgg_program_stamp(device->runtime, vgg_upload_file(pack, inner != 0), packer));
    vgg_device_words(&device->info, file->device, sizeof file->device);
    snprintf(file->name, sizeof file->name, "%s", name->name);
    snprintf(file->options, sizeof file->options,
             "%lldx%lldx%lld %s to %s, panel %d, block %d, winograd %d, pairs %d, inner %llu",
             (long long)pack->rows, (long long)pack->channels, (long long)pack->spatial,
             vgg_dtype_name(input->dtype), vgg_storage_name(pack->storage), pack->panel,
             pack->block, pack->winograd, pack->pairs, (unsigned long long)inner);
    snprintf(file->stamp, sizeof file->stamp, "%s %s %016llx", packer, name->signature,
             (unsigned long long)sum);
    file->key =
        (vgg_cache_key){VGG_PACKED_KIND, file->device, file->name, file->options, file->stamp};
    return CLVGG_STATUS_OK;
}

vgg_weight_file *vgg_weight_file_find(clvgg_device *device, const vgg_parameter_source *source,
                                      int node, const vgg_pack *pack, const vgg_tensor_input *input,
                                      uint64_t inner)
{
    vgg_weight_name name;
    if (!pays(device, pack, input->dtype) || source->name == NULL ||
        !source->name(source->user, node, &name))
        return NULL;
    vgg_weight_file *file = vgg_calloc(1, sizeof *file);
    if (file == NULL)
        return NULL;
    file->folder = vgg_cache_packed_folder(device->runtime->cache);
    if (describe(file, device, &name, pack, input, inner) == CLVGG_STATUS_OK)
        return file;
    vgg_free(file);
    return NULL;
}

void vgg_weight_file_free(vgg_weight_file *file)
{
    vgg_free(file);
}

/* Reads the file into the buffer, or with `save` the buffer into the file, on a queue of its own:
 * other commands needn't have ended. */
static clvgg_status transfer(const vgg_weight_file *file, clvgg_device *device,
                             const vgg_packed_weights *weights, bool save, bool *found)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_command_queue queue = NULL;
    void *values = NULL;
    cl_mem memory = weights->pieces[0].memory;
    VGG_TRY(vgg_clock_queue(device, false, &queue));
    VGG_CL_NEW(values, clEnqueueMapBuffer(queue, memory, CL_TRUE,
                                          save ? CL_MAP_READ : CL_MAP_WRITE_INVALIDATE_REGION, 0,
                                          (size_t)weights->bytes, 0, NULL, NULL, &cl_error));
    if (save)
        vgg_packed_write(file->folder, VGG_PACKED_LIMIT_BYTES, &file->key, values, weights->bytes);
    else
        *found = vgg_packed_read(file->folder, &file->key, device->runtime->threads, values,
                                 weights->bytes);
    VGG_CL(clEnqueueUnmapMemObject(queue, memory, values, 0, NULL, NULL));
    VGG_CL(clFinish(queue));
cleanup:
    VGG_RELEASE(CommandQueue, queue);
    return status;
}

bool vgg_weight_file_load(const vgg_weight_file *file, clvgg_device *device,
                          const vgg_packed_weights *weights)
{
    bool found = false;
    return file != NULL && transfer(file, device, weights, false, &found) == CLVGG_STATUS_OK &&
           found;
}

void vgg_weight_file_save(const vgg_weight_file *file, clvgg_device *device,
                          const vgg_packed_weights *weights)
{
    if (file != NULL)
        (void)transfer(file, device, weights, true, NULL);
}

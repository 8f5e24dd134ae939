/* ops/upload.c — source → staging → device, a chunk of whole panels at a time. */
#include "ops/upload.h"

#include <stdio.h>

#include "base/alloc.h"
#include "ops/launch.h"
#include "tensor/dtype.h"
#include "tensor/storage.h"

enum { STAGING_BYTES = 4 << 20, SLOT_COUNT = 2 };

/* A staging buffer, mapped while the host fills it. */
typedef struct staging_slot {
    cl_mem memory;
    void *mapped;
    cl_event ready; /* of the map command */
} staging_slot;

struct vgg_uploader {
    clvgg_device *device;
    cl_command_queue queue;
    staging_slot slots[SLOT_COUNT];
    size_t staging_bytes; /* of each slot */
    size_t least_bytes;   /* slots are made so large, for tensors to come */
    int turn;             /* the slot that is filled next */
};

/* A tensor under way. */
typedef struct upload {
    const vgg_pack *pack;
    const vgg_tensor_input *input;
    vgg_kernel *kernel;
    uint64_t columns;
} upload;

/* ---- staging ---- */

/* Maps the slot for writing all of it, so that nothing has to come back from the device. */
static clvgg_status map_slot(vgg_uploader *up, staging_slot *slot)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_CL_NEW(slot->mapped,
               clEnqueueMapBuffer(up->queue, slot->memory, CL_FALSE, CL_MAP_WRITE_INVALIDATE_REGION,
                                  0, up->staging_bytes, 0, NULL, &slot->ready, &cl_error));
    VGG_CL(clFlush(up->queue));
cleanup:
    return status;
}

static void release_slots(vgg_uploader *up)
{
    if (up->staging_bytes == 0)
        return;
    for (int i = 0; i < SLOT_COUNT; i++) {
        staging_slot *slot = &up->slots[i];
        if (slot->ready != NULL) {
            clWaitForEvents(1, &slot->ready);
            clReleaseEvent(slot->ready);
        }
        if (slot->mapped != NULL)
            clEnqueueUnmapMemObject(up->queue, slot->memory, slot->mapped, 0, NULL, NULL);
    }
    clFinish(up->queue);
    for (int i = 0; i < SLOT_COUNT; i++) {
        VGG_RELEASE(MemObject, up->slots[i].memory);
        up->slots[i] = (staging_slot){0};
    }
    up->staging_bytes = 0;
}

/* Slots of at least `bytes`: a plan's usual size holds a panel of all but huge tensors. */
static clvgg_status reserve_slots(vgg_uploader *up, size_t bytes)
{
    clvgg_status status = CLVGG_STATUS_OK;
    if (bytes <= up->staging_bytes)
        return status;
    release_slots(up);
    up->staging_bytes = bytes > up->least_bytes ? bytes : up->least_bytes;
    for (int i = 0; i < SLOT_COUNT; i++) {
        staging_slot *slot = &up->slots[i];
        VGG_CL_NEW(slot->memory,
                   clCreateBuffer(up->device->context, CL_MEM_READ_ONLY | CL_MEM_ALLOC_HOST_PTR,
                                  up->staging_bytes, NULL, &cl_error));
        VGG_TRY(map_slot(up, slot));
    }
cleanup:
    if (status != CLVGG_STATUS_OK)
        release_slots(up);
    return status;
}

/* The next slot, mapped and free to be filled. */
static clvgg_status take_slot(vgg_uploader *up, staging_slot **out)
{
    staging_slot *slot = &up->slots[up->turn];
    up->turn = (up->turn + 1) % SLOT_COUNT;
    VGG_CL_PASS(clWaitForEvents(1, &slot->ready));
    clReleaseEvent(slot->ready);
    slot->ready = NULL;
    *out = slot;
    return CLVGG_STATUS_OK;
}

/* ---- one tensor ---- */

/* No value may become infinite. A transformed one is a sum of at most 2.25 times the largest: the
 * transform's rows of F(2x2) sum to 1.5 in magnitude, those of F(4x4) to 1. */
static clvgg_status check_range(const upload *tensor, const void *values, size_t count)
{
    const clvgg_storage storage = tensor->pack->storage;
    const clvgg_dtype dtype = tensor->input->dtype;
    if (storage == CLVGG_STORAGE_F32)
        return CLVGG_STATUS_OK;
    const float most = vgg_dtype_largest(vgg_storage_element(storage)) /
                       (tensor->pack->winograd == 2 ? 2.25f : 1.0f);
    const size_t found = vgg_find_beyond(dtype, values, count, most);
    if (found == count)
        return CLVGG_STATUS_OK;
    float value = 0;
    vgg_to_f32(dtype, (const char *)values + found * vgg_dtype_bytes(dtype), 1, &value);
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "a weight of %g is beyond what can be stored as %s, %g", (double)value,
                    vgg_storage_name(storage), (double)most);
}

/* Packs `rows` rows of the slot into `piece` from its row `first` on. */
static clvgg_status pack_rows(vgg_uploader *up, const upload *tensor, const staging_slot *slot,
                              const vgg_weight_piece *piece, int64_t first, int64_t rows,
                              cl_event *written)
{
    const vgg_pack *pack = tensor->pack;
    vgg_args args = vgg_args_of(tensor->kernel);
    VGG_ARG_BUFFERS(&args, (vgg_buffer){slot->memory, 0},
                    (vgg_buffer){piece->memory, vgg_pack_elements(pack, first)});
    VGG_ARG_INTS(&args, rows, pack->channels, pack->spatial, pack->block, pack->panel);
    VGG_PASS(vgg_args_end(&args));
    const size_t local[2] = {VGG_LINEAR_LOCAL, 1};
    const size_t global[2] = {((size_t)tensor->columns + local[0] - 1) / local[0] * local[0],
                              (size_t)((rows + pack->panel - 1) / pack->panel)};
    VGG_CL_PASS(clEnqueueNDRangeKernel(up->queue, tensor->kernel->handle, 2, NULL, global, local, 0,
                                       NULL, written));
    return CLVGG_STATUS_OK;
}

/* Fills a slot with rows [row, row + rows) and packs them; the slot is mapped again behind the
 * kernel, so that the host can go on with the other one. */
static clvgg_status upload_rows(vgg_uploader *up, const upload *tensor,
                                const vgg_weight_piece *piece, int64_t row, int64_t rows,
                                cl_event *written)
{
    staging_slot *slot = NULL;
    const uint64_t count = (uint64_t)rows * tensor->columns;
    VGG_PASS(take_slot(up, &slot));
    VGG_PASS(tensor->input->read(tensor->input->user, (uint64_t)row * tensor->columns, count,
                                 slot->mapped));
    VGG_PASS(check_range(tensor, slot->mapped, (size_t)count));
    VGG_CL_PASS(clEnqueueUnmapMemObject(up->queue, slot->memory, slot->mapped, 0, NULL, NULL));
    slot->mapped = NULL;
    VGG_PASS(pack_rows(up, tensor, slot, piece, row - piece->first_row, rows, written));
    return map_slot(up, slot);
}

/* Rows of whole panels that fit a slot; one panel at least. */
static clvgg_status choose_chunk(vgg_uploader *up, const upload *tensor, int64_t *rows)
{
    const vgg_pack *pack = tensor->pack;
    const size_t row_bytes = (size_t)tensor->columns * vgg_dtype_bytes(tensor->input->dtype);
    *rows = (int64_t)(STAGING_BYTES / row_bytes) / pack->panel * pack->panel;
    if (*rows < pack->panel)
        *rows = pack->panel;
    if (*rows > pack->rows)
        *rows = pack->rows;
    return reserve_slots(up, (size_t)*rows * row_bytes);
}

static clvgg_status upload_piece(vgg_uploader *up, const upload *tensor,
                                 const vgg_weight_piece *piece, int64_t chunk_rows,
                                 cl_event *written)
{
    const vgg_pack *pack = tensor->pack;
    if (pack->rows % pack->panel != 0 || pack->channels % pack->block != 0) {
        const uint16_t zero = 0;
        VGG_CL_PASS(clEnqueueFillBuffer(up->queue, piece->memory, &zero, sizeof zero, 0,
                                        (size_t)vgg_pack_bytes(pack, piece->rows), 0, NULL, NULL));
    }
    const int64_t end = piece->first_row + piece->rows;
    for (int64_t row = piece->first_row; row < end; row += chunk_rows) {
        const int64_t rows = chunk_rows < end - row ? chunk_rows : end - row;
        const bool last = row + rows == pack->rows;
        VGG_PASS(upload_rows(up, tensor, piece, row, rows, last ? written : NULL));
    }
    return CLVGG_STATUS_OK;
}

void vgg_upload_list_program(vgg_kernel_list *list, const vgg_pack *pack, clvgg_dtype dtype,
                             vgg_kernel **kernel)
{
    const bool winograd = pack->winograd != 0;
    char options[64];
    snprintf(options, sizeof options, "-DTYPE=%d -DSTORAGE=%d -D%s=%d", (int)dtype,
             (int)pack->storage, winograd ? "M" : "PAIRS",
             winograd ? pack->winograd : (int)pack->pairs);
    vgg_kernel_list_add(list, winograd ? "pack_winograd.cl" : "pack.cl", options,
                        winograd ? "pack_winograd" : "pack", kernel);
}

clvgg_status vgg_upload_into(vgg_uploader *up, const vgg_pack *pack, const vgg_tensor_input *input,
                             vgg_packed_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    upload tensor = {.pack = pack, .input = input};
    vgg_kernel_list kernel = {.device = up->device};
    int64_t chunk_rows = 0;
    tensor.columns = (uint64_t)(pack->channels * pack->spatial);
    vgg_upload_list_program(&kernel, pack, input->dtype, &tensor.kernel);
    VGG_TRY(vgg_kernel_list_make(&kernel, NULL));
    VGG_TRY(choose_chunk(up, &tensor, &chunk_rows));
    for (int i = 0; i < weights->piece_count; i++)
        VGG_TRY(upload_piece(up, &tensor, &weights->pieces[i], chunk_rows, &weights->written));
cleanup:
    if (status != CLVGG_STATUS_OK)
        release_slots(up);          /* a slot may be unmapped, and commands still write */
    vgg_kernel_free(tensor.kernel); /* commands that were enqueued keep what they need */
    return status;
}

clvgg_status vgg_upload(vgg_uploader *up, const vgg_pack *pack, const vgg_tensor_input *input,
                        vgg_packed_weights *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_TRY(vgg_packed_weights_allocate(up->device, pack, out));
    VGG_TRY(vgg_upload_into(up, pack, input, out));
cleanup:
    if (status != CLVGG_STATUS_OK)
        vgg_packed_weights_free(out);
    return status;
}

/* ---- the uploader ---- */

clvgg_status vgg_uploader_create(clvgg_device *device, cl_command_queue queue, vgg_uploader **out)
{
    *out = NULL;
    VGG_NEW_PASS(*out, 1);
    (*out)->device = device;
    (*out)->queue = queue;
    (*out)->least_bytes = STAGING_BYTES;
    return CLVGG_STATUS_OK;
}

void vgg_uploader_free(vgg_uploader *uploader)
{
    if (uploader == NULL)
        return;
    release_slots(uploader);
    vgg_free(uploader);
}

clvgg_status vgg_packed_weights_create(clvgg_device *device, cl_command_queue queue,
                                       const vgg_pack *pack, const vgg_tensor_input *input,
                                       vgg_packed_weights *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_uploader *up = NULL;
    *out = (vgg_packed_weights){0};
    VGG_TRY(vgg_uploader_create(device, queue, &up));
    up->least_bytes = 0; /* nothing comes after it */
    VGG_TRY(vgg_upload(up, pack, input, out));
    VGG_TRY(vgg_packed_weights_wait(out));
cleanup:
    vgg_uploader_free(up);
    if (status != CLVGG_STATUS_OK)
        vgg_packed_weights_free(out);
    return status;
}

/* ops/packed_weights.c — file or memory → staging → device, a chunk of whole panels at a time. */
#include "ops/packed_weights.h"

#include <stdio.h>

#include "base/alloc.h"
#include "ocl/memory.h"
#include "ocl/program.h"
#include "ops/launch.h"
#include "tensor/dtype.h"

enum { STAGING_BYTES = 4 << 20, SLOT_COUNT = 2 };

/* A staging buffer, mapped while the host fills it. */
typedef struct staging_slot {
    cl_mem memory;
    void *mapped;
    cl_event ready; /* of the map command */
} staging_slot;

typedef struct uploader {
    cl_command_queue queue;
    vgg_kernel *kernel;
    const vgg_pack *pack;
    const vgg_tensor_input *input;
    staging_slot slots[SLOT_COUNT];
    size_t staging_bytes;
    int64_t chunk_rows;
} uploader;

uint64_t vgg_pack_elements(const vgg_pack *pack, int64_t rows)
{
    const uint64_t panels = (uint64_t)((rows + pack->panel - 1) / pack->panel);
    const uint64_t blocks = (uint64_t)((pack->channels + pack->block - 1) / pack->block);
    const int side = pack->winograd + 2;
    const uint64_t positions =
        pack->winograd != 0 ? (uint64_t)(side * side) : (uint64_t)pack->spatial;
    return panels * blocks * positions * (uint64_t)pack->block * (uint64_t)pack->panel;
}

uint64_t vgg_pack_bytes(const vgg_pack *pack, int64_t rows)
{
    return vgg_pack_elements(pack, rows) * vgg_dtype_bytes(pack->storage);
}

void vgg_packed_weights_free(vgg_packed_weights *weights)
{
    for (int i = 0; i < weights->piece_count; i++)
        if (weights->pieces[i].memory != NULL)
            clReleaseMemObject(weights->pieces[i].memory);
    vgg_free(weights->pieces);
    *weights = (vgg_packed_weights){0};
}

/* Panels of each piece but the last, which may have fewer. */
static int64_t panels_a_piece(const vgg_pack *pack, uint64_t max_allocation_bytes)
{
    const int64_t panels = (pack->rows + pack->panel - 1) / pack->panel;
    const uint64_t panel_bytes = vgg_pack_bytes(pack, pack->panel);
    const uint64_t fit = max_allocation_bytes / panel_bytes;
    return fit >= (uint64_t)panels ? panels : pack->splittable ? (int64_t)fit : 0;
}

int64_t vgg_pack_pieces(const vgg_pack *pack, uint64_t max_allocation_bytes)
{
    const int64_t panels = (pack->rows + pack->panel - 1) / pack->panel;
    const int64_t piece_panels = panels_a_piece(pack, max_allocation_bytes);
    return piece_panels > 0 ? (panels + piece_panels - 1) / piece_panels : 0;
}

static clvgg_status allocate_pieces(clvgg_device *device, const vgg_pack *pack,
                                    vgg_packed_weights *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const uint64_t limit = device->info.max_allocation_bytes;
    const int64_t count = vgg_pack_pieces(pack, limit);
    const int64_t piece_rows = panels_a_piece(pack, limit) * pack->panel;
    VGG_REQUIRE(count > 0, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY,
                "a weight of %llu bytes exceeds the device's largest allocation, %llu bytes",
                (unsigned long long)vgg_pack_bytes(pack, pack->rows), (unsigned long long)limit);
    VGG_NEW(out->pieces, (size_t)count);
    for (int64_t i = 0; i < count; i++) {
        vgg_weight_piece *piece = &out->pieces[i];
        piece->first_row = i * piece_rows;
        piece->rows = piece_rows;
        if (piece->rows > pack->rows - piece->first_row)
            piece->rows = pack->rows - piece->first_row;
        const uint64_t bytes = vgg_pack_bytes(pack, piece->rows);
        VGG_TRY(vgg_device_memory_create(device, bytes, &piece->memory));
        out->piece_count++;
        out->bytes += bytes;
    }
cleanup:
    return status;
}

static clvgg_status map_slot(uploader *up, staging_slot *slot)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_CL_NEW(slot->mapped,
               clEnqueueMapBuffer(up->queue, slot->memory, CL_FALSE, CL_MAP_WRITE, 0,
                                  up->staging_bytes, 0, NULL, &slot->ready, &cl_error));
    VGG_CL(clFlush(up->queue));
cleanup:
    return status;
}

static clvgg_status uploader_open(uploader *up, clvgg_device *device)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_pack *pack = up->pack;
    char options[64];
    const bool winograd = pack->winograd != 0;
    snprintf(options, sizeof options, "-DTYPE=%d -DSTORAGE=%d -DM=%d", (int)up->input->dtype,
             (int)pack->storage, pack->winograd);
    VGG_TRY(vgg_program_kernel(device, winograd ? "pack_winograd.cl" : "pack.cl", options,
                               winograd ? "pack_winograd" : "pack", &up->kernel, NULL));

    const size_t row_bytes =
        (size_t)(pack->channels * pack->spatial) * vgg_dtype_bytes(up->input->dtype);
    up->chunk_rows = (int64_t)(STAGING_BYTES / row_bytes) / pack->panel * pack->panel;
    if (up->chunk_rows < pack->panel)
        up->chunk_rows = pack->panel;
    if (up->chunk_rows > pack->rows)
        up->chunk_rows = pack->rows;
    up->staging_bytes = (size_t)up->chunk_rows * row_bytes;
    for (int i = 0; i < SLOT_COUNT; i++) {
        staging_slot *slot = &up->slots[i];
        VGG_CL_NEW(slot->memory,
                   clCreateBuffer(device->context, CL_MEM_READ_ONLY | CL_MEM_ALLOC_HOST_PTR,
                                  up->staging_bytes, NULL, &cl_error));
        VGG_TRY(map_slot(up, slot));
    }
cleanup:
    return status;
}

static void uploader_close(uploader *up)
{
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
    for (int i = 0; i < SLOT_COUNT; i++)
        if (up->slots[i].memory != NULL)
            clReleaseMemObject(up->slots[i].memory);
    vgg_kernel_free(up->kernel);
}

/* No value may become infinite. A transformed one is a sum of at most 2.25 times the largest: the
 * transform's rows of F(2x2) sum to 1.5 in magnitude, those of F(4x4) to 1. */
static clvgg_status check_range(const uploader *up, const void *values, size_t count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_dtype storage = up->pack->storage;
    if (storage == CLVGG_DTYPE_F32)
        return status;
    const float most = vgg_dtype_largest(storage) / (up->pack->winograd == 2 ? 2.25f : 1.0f);
    const size_t found = vgg_find_beyond(up->input->dtype, values, count, most);
    if (found < count) {
        float value = 0;
        const size_t bytes = vgg_dtype_bytes(up->input->dtype);
        vgg_to_f32(up->input->dtype, (const char *)values + found * bytes, 1, &value);
        status = vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                          "a weight of %g is beyond what can be stored as %s, %g", (double)value,
                          vgg_storage_name(storage), (double)most);
    }
    return status;
}

/* Fills a slot with rows [row, row + rows) and packs them into `piece`; the slot is mapped again
 * behind the kernel, so that the host can go on with the other one. */
static clvgg_status upload_rows(uploader *up, staging_slot *slot, const vgg_weight_piece *piece,
                                int64_t row, int64_t rows)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_pack *pack = up->pack;
    const uint64_t columns = (uint64_t)(pack->channels * pack->spatial);
    VGG_CL(clWaitForEvents(1, &slot->ready));
    clReleaseEvent(slot->ready);
    slot->ready = NULL;
    VGG_TRY(up->input->read(up->input->user, (uint64_t)row * columns, (uint64_t)rows * columns,
                            slot->mapped));
    VGG_TRY(check_range(up, slot->mapped, (size_t)((uint64_t)rows * columns)));
    VGG_CL(clEnqueueUnmapMemObject(up->queue, slot->memory, slot->mapped, 0, NULL, NULL));
    slot->mapped = NULL;

    vgg_args args = vgg_args_of(up->kernel);
    vgg_arg_buffer(&args, (vgg_buffer){slot->memory, 0});
    vgg_arg_buffer(&args,
                   (vgg_buffer){piece->memory, vgg_pack_elements(pack, row - piece->first_row)});
    vgg_arg_int(&args, rows);
    vgg_arg_int(&args, pack->channels);
    vgg_arg_int(&args, pack->spatial);
    vgg_arg_int(&args, pack->block);
    vgg_arg_int(&args, pack->panel);
    VGG_TRY(vgg_args_end(&args));
    const size_t local[2] = {VGG_LINEAR_LOCAL, 1};
    const size_t global[2] = {((size_t)columns + local[0] - 1) / local[0] * local[0],
                              (size_t)((rows + pack->panel - 1) / pack->panel)};
    VGG_CL(clEnqueueNDRangeKernel(up->queue, up->kernel->handle, 2, NULL, global, local, 0, NULL,
                                  NULL));
    VGG_TRY(map_slot(up, slot));
cleanup:
    return status;
}

clvgg_status vgg_packed_weights_create(clvgg_device *device, cl_command_queue queue,
                                       const vgg_pack *pack, const vgg_tensor_input *input,
                                       vgg_packed_weights *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    uploader up = {.queue = queue, .pack = pack, .input = input};
    *out = (vgg_packed_weights){0};
    VGG_TRY(allocate_pieces(device, pack, out));
    VGG_TRY(uploader_open(&up, device));
    int turn = 0;
    for (int i = 0; i < out->piece_count; i++) {
        const vgg_weight_piece *piece = &out->pieces[i];
        if (pack->rows % pack->panel != 0 || pack->channels % pack->block != 0) {
            const uint16_t zero = 0;
            VGG_CL(clEnqueueFillBuffer(queue, piece->memory, &zero, sizeof zero, 0,
                                       (size_t)vgg_pack_bytes(pack, piece->rows), 0, NULL, NULL));
        }
        const int64_t end = piece->first_row + piece->rows;
        for (int64_t row = piece->first_row; row < end; row += up.chunk_rows, turn++) {
            const int64_t rows = up.chunk_rows < end - row ? up.chunk_rows : end - row;
            VGG_TRY(upload_rows(&up, &up.slots[turn % SLOT_COUNT], piece, row, rows));
        }
    }
    VGG_CL(clFinish(queue));
cleanup:
    uploader_close(&up);
    if (status != CLVGG_STATUS_OK)
        vgg_packed_weights_free(out);
    return status;
}

clvgg_status vgg_packed_bias_create(clvgg_device *device, cl_command_queue queue, int64_t count,
                                    int64_t padded_count, const vgg_tensor_input *input,
                                    vgg_packed_weights *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float *values = NULL, *raw = NULL;
    *out = (vgg_packed_weights){0};
    VGG_NEW(values, (size_t)padded_count);
    if (input != NULL) {
        VGG_NEW(raw, (size_t)count);
        VGG_TRY(input->read(input->user, 0, (uint64_t)count, raw));
        vgg_to_f32(input->dtype, raw, (size_t)count, values);
    }
    VGG_NEW(out->pieces, 1);
    out->bytes = (uint64_t)padded_count * sizeof *values;
    VGG_CL_NEW(out->pieces[0].memory, clCreateBuffer(device->context, CL_MEM_READ_ONLY,
                                                     (size_t)out->bytes, NULL, &cl_error));
    out->piece_count = 1;
    VGG_CL(clEnqueueWriteBuffer(queue, out->pieces[0].memory, CL_TRUE, 0, (size_t)out->bytes,
                                values, 0, NULL, NULL));
    /* Blocking says that `values` are free again, not that the buffer, read by other queues, has
     * them. */
    VGG_CL(clFinish(queue));
cleanup:
    vgg_free(values);
    vgg_free(raw);
    if (status != CLVGG_STATUS_OK)
        vgg_packed_weights_free(out);
    return status;
}

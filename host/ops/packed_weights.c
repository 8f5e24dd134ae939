/* ops/packed_weights.c — how packed weights are split into buffers; biases. */
#include "ops/packed_weights.h"

#include "base/alloc.h"
#include "ocl/memory.h"
#include "tensor/dtype.h"
#include "tensor/storage.h"

bool vgg_pack_equal(const vgg_pack *a, const vgg_pack *b)
{
    return a->rows == b->rows && a->channels == b->channels && a->spatial == b->spatial &&
           a->block == b->block && a->panel == b->panel && a->winograd == b->winograd &&
           a->pairs == b->pairs && a->splittable == b->splittable && a->storage == b->storage;
}

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
    const uint64_t elements = vgg_pack_elements(pack, rows);
    const uint64_t scales = pack->storage == CLVGG_STORAGE_INT8 ? 2 * sizeof(float) * (uint64_t)vgg_pack_padded(pack, rows)
                                                                : 0;
    return elements * vgg_storage_bytes(pack->storage) + scales;
}

void vgg_packed_weights_free(vgg_packed_weights *weights)
{
    for (int i = 0; i < weights->piece_count; i++)
        VGG_RELEASE(MemObject, weights->pieces[i].memory);
    VGG_RELEASE(Event, weights->written);
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

clvgg_status vgg_packed_weights_allocate(clvgg_device *device, const vgg_pack *pack,
                                         vgg_packed_weights *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    *out = (vgg_packed_weights){0};
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
    if (status != CLVGG_STATUS_OK)
        vgg_packed_weights_free(out);
    return status;
}

clvgg_status vgg_packed_weights_wait(vgg_packed_weights *weights)
{
    if (weights->written == NULL)
        return CLVGG_STATUS_OK;
    VGG_CL_PASS(clWaitForEvents(1, &weights->written));
    clReleaseEvent(weights->written);
    weights->written = NULL;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_packed_bias_create(clvgg_device *device, int64_t count, int64_t padded_count,
                                    const vgg_tensor_input *input, vgg_packed_weights *out)
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
    VGG_CL_NEW(out->pieces[0].memory,
               clCreateBuffer(device->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                              (size_t)out->bytes, values, &cl_error));
    out->piece_count = 1;
cleanup:
    vgg_free(values);
    vgg_free(raw);
    if (status != CLVGG_STATUS_OK)
        vgg_packed_weights_free(out);
    return status;
}

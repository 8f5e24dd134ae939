/* ops/upload.c — source → staging → device, a chunk of whole panels, or of columns, at a time. */
#include "ops/upload.h"

#include "base/alloc.h"
#include "ops/launch.h"
#include "ops/pack_items.h"
#include "ops/staging.h"
#include "tensor/dtype.h"
#include "tensor/storage.h"

enum { STAGING_BYTES = 4 << 20 };

struct vgg_uploader {
    clvgg_device *device;
    cl_command_queue queue;
    vgg_staging staging;
};

/* A tensor under way. */
typedef struct upload {
    const vgg_pack *pack;
    const vgg_tensor_input *input;
    vgg_kernel *kernel;
    uint64_t columns, inner; /* inner 0: it isn't turned */
} upload;

/* ---- one tensor ---- */

/* No value may become infinite. A transformed one is a sum of at most 2.25 times the largest: the
 * transform's rows of F(2x2) sum to 1.5 in magnitude, those of F(4x4) to 1. */
static clvgg_status check_range(const upload *tensor, const void *values, size_t count)
{
    const clvgg_storage storage = tensor->pack->storage;
    const clvgg_dtype dtype = tensor->input->dtype;
    if (storage == CLVGG_STORAGE_F32)
        return CLVGG_STATUS_OK;
    /* An int8 row has a scale; what has none is infinite or NaN. */
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

/* Launches the kernel, its arguments being bound: so many work-items for each panel of `rows`. */
static clvgg_status launch(vgg_uploader *up, const upload *tensor, const vgg_args *args,
                           uint64_t items, int64_t rows, cl_event *written)
{
    const int64_t panel = tensor->pack->panel;
    VGG_PASS(vgg_args_end(args));
    const size_t local[2] = {VGG_LINEAR_LOCAL, 1};
    const size_t global[2] = {((size_t)items + local[0] - 1) / local[0] * local[0],
                              (size_t)((rows + panel - 1) / panel)};
    VGG_CL_PASS(clEnqueueNDRangeKernel(up->queue, tensor->kernel->handle, 2, NULL, global, local, 0,
                                       NULL, written));
    return CLVGG_STATUS_OK;
}

/* The same of int8: a work-item finds a row's scale. */
static clvgg_status pack_int8_rows(vgg_uploader *up, const upload *tensor,
                                   const vgg_staging_slot *slot, const vgg_weight_piece *piece,
                                   int64_t first, int64_t rows, cl_event *written)
{
    const vgg_pack *pack = tensor->pack;
    const size_t local = VGG_LINEAR_LOCAL, global = ((size_t)rows + local - 1) / local * local;
    vgg_args args = vgg_args_of(tensor->kernel);
    VGG_ARG_BUFFERS(&args, (vgg_buffer){slot->memory, 0}, (vgg_buffer){piece->memory, 0});
    VGG_ARG_INTS(&args, rows, pack->channels, pack->spatial, pack->panel, first,
                 vgg_pack_padded(pack, piece->rows));
    vgg_arg_ulong(&args, vgg_pack_elements(pack, piece->rows));
    VGG_PASS(vgg_args_end(&args));
    VGG_CL_PASS(clEnqueueNDRangeKernel(up->queue, tensor->kernel->handle, 1, NULL, &global, &local,
                                       0, NULL, written));
    return CLVGG_STATUS_OK;
}

/* Packs `rows` rows of the slot into `piece` from its row `first` on. */
static clvgg_status pack_rows(vgg_uploader *up, const upload *tensor, const vgg_staging_slot *slot,
                              const vgg_weight_piece *piece, int64_t first, int64_t rows,
                              cl_event *written)
{
    const vgg_pack *pack = tensor->pack;
    vgg_args args = vgg_args_of(tensor->kernel);
    if (pack->storage == CLVGG_STORAGE_INT8)
        return pack_int8_rows(up, tensor, slot, piece, first, rows, written);
    VGG_ARG_BUFFERS(&args, (vgg_buffer){slot->memory, 0},
                    (vgg_buffer){piece->memory, vgg_pack_elements(pack, first)});
    VGG_ARG_INTS(&args, rows, pack->channels, pack->spatial, pack->block, pack->panel);
    return launch(up, tensor, &args, vgg_pack_items(up->device, pack), rows, written);
}

/* The next slot, with elements [first, first + count). */
static clvgg_status fill_slot(vgg_uploader *up, const upload *tensor, uint64_t first,
                              uint64_t count, vgg_staging_slot **out)
{
    VGG_PASS(vgg_staging_take(&up->staging, out));
    vgg_staging_slot *slot = *out;
    VGG_PASS(tensor->input->read(tensor->input->user, first, count, slot->mapped));
    VGG_PASS(check_range(tensor, slot->mapped, (size_t)count));
    VGG_CL_PASS(clEnqueueUnmapMemObject(up->queue, slot->memory, slot->mapped, 0, NULL, NULL));
    slot->mapped = NULL;
    return CLVGG_STATUS_OK;
}

/* Fills a slot with rows [row, row + rows) and packs them; the slot is mapped again behind the
 * kernel, so that the host can go on with the other one. */
static clvgg_status upload_rows(vgg_uploader *up, const upload *tensor,
                                const vgg_weight_piece *piece, int64_t row, int64_t rows,
                                cl_event *written)
{
    vgg_staging_slot *slot = NULL;
    VGG_PASS(fill_slot(up, tensor, (uint64_t)row * tensor->columns,
                       (uint64_t)rows * tensor->columns, &slot));
    VGG_PASS(pack_rows(up, tensor, slot, piece, row - piece->first_row, rows, written));
    return vgg_staging_map(&up->staging, slot);
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
    return vgg_staging_reserve(&up->staging, (size_t)*rows * row_bytes);
}

/* Zeros for places that no row and no channel falls on. */
static clvgg_status clear_piece(vgg_uploader *up, const vgg_pack *pack,
                                const vgg_weight_piece *piece)
{
    const uint16_t zero = 0;
    if (pack->rows % pack->panel != 0 || pack->channels % pack->block != 0)
        VGG_CL_PASS(clEnqueueFillBuffer(up->queue, piece->memory, &zero, sizeof zero, 0,
                                        (size_t)vgg_pack_bytes(pack, piece->rows), 0, NULL, NULL));
    return CLVGG_STATUS_OK;
}

static clvgg_status upload_piece(vgg_uploader *up, const upload *tensor,
                                 const vgg_weight_piece *piece, int64_t chunk_rows,
                                 cl_event *written)
{
    const vgg_pack *pack = tensor->pack;
    VGG_PASS(clear_piece(up, pack, piece));
    const int64_t end = piece->first_row + piece->rows;
    for (int64_t row = piece->first_row; row < end; row += chunk_rows) {
        const int64_t rows = chunk_rows < end - row ? chunk_rows : end - row;
        const bool last = row + rows == pack->rows;
        VGG_PASS(upload_rows(up, tensor, piece, row, rows, last ? written : NULL));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status upload_in_order(vgg_uploader *up, const upload *tensor,
                                    vgg_packed_weights *weights)
{
    int64_t chunk_rows = 0;
    VGG_PASS(choose_chunk(up, tensor, &chunk_rows));
    for (int i = 0; i < weights->piece_count; i++)
        VGG_PASS(upload_piece(up, tensor, &weights->pieces[i], chunk_rows, &weights->written));
    return CLVGG_STATUS_OK;
}

/* ---- one tensor that lies turned ---- */

/* Packs columns [column, column + columns), as they lie, into all pieces. */
static clvgg_status upload_columns(vgg_uploader *up, const upload *tensor, uint64_t column,
                                   uint64_t columns, vgg_packed_weights *weights)
{
    const vgg_pack *pack = tensor->pack;
    const uint64_t rows = (uint64_t)pack->rows;
    const bool last = column + columns == tensor->columns;
    vgg_staging_slot *slot = NULL;
    VGG_PASS(fill_slot(up, tensor, column * rows, columns * rows, &slot));
    for (int i = 0; i < weights->piece_count; i++) {
        const vgg_weight_piece *piece = &weights->pieces[i];
        const bool ends = last && i == weights->piece_count - 1;
        vgg_args args = vgg_args_of(tensor->kernel);
        VGG_ARG_BUFFERS(&args, (vgg_buffer){slot->memory, (uint64_t)piece->first_row},
                        (vgg_buffer){piece->memory, 0});
        VGG_ARG_INTS(&args, piece->rows, pack->channels, pack->spatial, pack->block, pack->panel,
                     pack->rows, (int64_t)column, (int64_t)columns, (int64_t)tensor->inner);
        VGG_PASS(launch(up, tensor, &args, columns, piece->rows, ends ? &weights->written : NULL));
    }
    return vgg_staging_map(&up->staging, slot);
}

static clvgg_status upload_as_it_lies(vgg_uploader *up, const upload *tensor,
                                      vgg_packed_weights *weights)
{
    const size_t column_bytes = (size_t)tensor->pack->rows * vgg_dtype_bytes(tensor->input->dtype);
    const uint64_t fit = STAGING_BYTES / column_bytes, all = tensor->columns;
    const uint64_t most = fit == 0 ? 1 : fit < all ? fit : all;
    VGG_PASS(vgg_staging_reserve(&up->staging, (size_t)most * column_bytes));
    for (int i = 0; i < weights->piece_count; i++)
        VGG_PASS(clear_piece(up, tensor->pack, &weights->pieces[i]));
    for (uint64_t at = 0; at < all; at += most)
        VGG_PASS(upload_columns(up, tensor, at, most < all - at ? most : all - at, weights));
    return CLVGG_STATUS_OK;
}

/* ---- tensors ---- */

clvgg_status vgg_upload_into(vgg_uploader *up, const vgg_pack *pack, const vgg_tensor_input *input,
                             uint64_t inner, vgg_packed_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    upload tensor = {.pack = pack, .input = input, .inner = inner};
    vgg_kernel_list kernel = {.device = up->device};
    tensor.columns = (uint64_t)(pack->channels * pack->spatial);
    vgg_upload_list_program(&kernel, pack, input->dtype, inner != 0, &tensor.kernel);
    VGG_TRY(vgg_kernel_list_make(&kernel, NULL));
    VGG_TRY(inner != 0 ? upload_as_it_lies(up, &tensor, weights)
                       : upload_in_order(up, &tensor, weights));
cleanup:
    if (status != CLVGG_STATUS_OK)
        vgg_staging_release(&up->staging); /* a slot may be unmapped, and commands still write */
    vgg_kernel_free(tensor.kernel);        /* commands that were enqueued keep what they need */
    return status;
}

clvgg_status vgg_upload_turned(vgg_uploader *up, const vgg_pack *pack,
                               const vgg_tensor_input *input, uint64_t inner,
                               vgg_packed_weights *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_TRY(vgg_packed_weights_allocate(up->device, pack, out));
    VGG_TRY(vgg_upload_into(up, pack, input, inner, out));
cleanup:
    if (status != CLVGG_STATUS_OK)
        vgg_packed_weights_free(out);
    return status;
}

clvgg_status vgg_upload(vgg_uploader *up, const vgg_pack *pack, const vgg_tensor_input *input,
                        vgg_packed_weights *out)
{
    return vgg_upload_turned(up, pack, input, 0, out);
}

/* ---- the uploader ---- */

clvgg_status vgg_uploader_create(clvgg_device *device, cl_command_queue queue, vgg_uploader **out)
{
    *out = NULL;
    VGG_NEW_PASS(*out, 1);
    (*out)->device = device;
    (*out)->queue = queue;
    (*out)->staging = (vgg_staging){device, queue, .least_bytes = STAGING_BYTES};
    return CLVGG_STATUS_OK;
}

void vgg_uploader_free(vgg_uploader *uploader)
{
    if (uploader == NULL)
        return;
    vgg_staging_release(&uploader->staging);
    vgg_free(uploader);
}

clvgg_status vgg_packed_weights_create(clvgg_device *device, cl_command_queue queue,
                                       const vgg_pack *pack, const vgg_tensor_input *input,
                                       uint64_t inner, vgg_packed_weights *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_uploader *up = NULL;
    *out = (vgg_packed_weights){0};
    VGG_TRY(vgg_uploader_create(device, queue, &up));
    up->staging.least_bytes = 0; /* nothing comes after it */
    VGG_TRY(vgg_upload_turned(up, pack, input, inner, out));
    VGG_TRY(vgg_packed_weights_wait(out));
cleanup:
    vgg_uploader_free(up);
    if (status != CLVGG_STATUS_OK)
        vgg_packed_weights_free(out);
    return status;
}

/* train/head_values.c — parameters and their state between canonical order and the device's. */
#include "ops/upload.h"
#include "train/head_parts.h"

typedef struct part_input {
    int layer;
    bool bias;
    vgg_head_source source;
    void *user;
} part_input;

static clvgg_status read_source(void *user, uint64_t first, uint64_t count, void *data)
{
    const part_input *from = user;
    return from->source(from->user, from->layer, from->bias, first, count, data);
}

clvgg_status vgg_head_write_part(vgg_head *head, vgg_uploader *uploader, int layer, bool bias,
                                 vgg_head_part part, vgg_head_source source, void *user)
{
    head_parameter *parameter = head_parameter_of(head, layer, bias);
    part_input from = {layer, bias, source, user};
    const vgg_tensor_input input = {&from, CLVGG_DTYPE_F32, read_source};
    vgg_packed_weights *weights = &parameter->parts[part];
    VGG_PASS(vgg_upload_into(uploader, &parameter->pack, &input, 0, weights));
    return vgg_packed_weights_wait(weights);
}

clvgg_status vgg_head_write(vgg_head *head, int layer, bool bias, vgg_head_part part,
                            vgg_head_source source, void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_uploader *uploader = NULL;
    VGG_TRY(vgg_uploader_create(head->device, head->queue, &uploader));
    VGG_TRY(vgg_head_write_part(head, uploader, layer, bias, part, source, user));
cleanup:
    vgg_uploader_free(uploader);
    return status;
}

/* A run of canonical elements. */
typedef struct run {
    uint64_t first, end;
    float *values; /* [end - first] */
} run;

/* Copies into the run its values that lie in a panel of rows first_row …, some columns at a time: a
 * line of the panel holds a column of all its rows. */
static void gather(const vgg_pack *pack, const float *panel, int64_t first_row, const run *r)
{
    enum { COLUMNS = 64 };
    const uint64_t columns = (uint64_t)pack->channels;
    for (uint64_t c0 = 0; c0 < columns; c0 += COLUMNS)
        for (int lane = 0; lane < pack->panel && first_row + lane < pack->rows; lane++) {
            const uint64_t row = (uint64_t)(first_row + lane) * columns;
            const uint64_t c1 = c0 + COLUMNS < columns ? c0 + COLUMNS : columns;
            const uint64_t from = row + c0 > r->first ? row + c0 : r->first;
            const uint64_t to = row + c1 < r->end ? row + c1 : r->end;
            for (uint64_t i = from; i < to; i++)
                r->values[i - r->first] = panel[(i - row) * (uint64_t)pack->panel + (uint64_t)lane];
        }
}

static clvgg_status read_panel(vgg_head *head, const vgg_pack *pack, const vgg_weight_piece *piece,
                               int64_t row, const run *r)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float *panel = NULL;
    const size_t bytes = (size_t)vgg_pack_elements(pack, pack->panel) * sizeof *panel;
    const size_t offset = (size_t)vgg_pack_elements(pack, row - piece->first_row) * sizeof *panel;
    VGG_CL_NEW(panel, clEnqueueMapBuffer(head->queue, piece->memory, CL_TRUE, CL_MAP_READ, offset,
                                         bytes, 0, NULL, NULL, &cl_error));
    gather(pack, panel, row, r);
    VGG_CL(clEnqueueUnmapMemObject(head->queue, piece->memory, panel, 0, NULL, NULL));
cleanup:
    return status;
}

clvgg_status vgg_head_read(vgg_head *head, int layer, bool bias, vgg_head_part part, uint64_t first,
                           uint64_t count, float *values)
{
    const head_parameter *parameter = head_parameter_of(head, layer, bias);
    const vgg_pack *pack = &parameter->pack;
    const vgg_packed_weights *weights = &parameter->parts[part];
    const run r = {first, first + count, values};
    const int64_t first_row = (int64_t)first / pack->channels;
    const int64_t end_row = vgg_ceil_div((int64_t)r.end, pack->channels);
    for (int p = 0; p < weights->piece_count; p++) {
        const vgg_weight_piece *piece = &weights->pieces[p];
        for (int64_t row = piece->first_row; row < piece->first_row + piece->rows;
             row += pack->panel)
            if (row < end_row && row + pack->panel > first_row)
                VGG_PASS(read_panel(head, pack, piece, row, &r));
    }
    VGG_CL_PASS(clFinish(head->queue));
    return CLVGG_STATUS_OK;
}

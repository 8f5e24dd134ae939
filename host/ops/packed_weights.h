/* ops/packed_weights.h — weights on the device, in the order a kernel reads them.
 *
 * Here is what they look like; ops/upload.h brings them there.
 */
#ifndef VGG_OPS_PACKED_WEIGHTS_H
#define VGG_OPS_PACKED_WEIGHTS_H

#include "clvgg/storage.h"
#include "clvgg/tensor.h"
#include "ocl/args.h"
#include "ocl/device.h"

/* A weight [rows][channels][spatial] packed as cl/pack.cl's
 * [ceil(rows/panel)][ceil(channels/block)][spatial][block][panel], zeros where nothing falls; or
 * transformed, as cl/pack_winograd.cl says.
 *
 * Nobody but vgg_pack_bytes() counts the bytes of a buffer and nobody but vgg_pack_equal() compares
 * packs: INT8 puts a scale and a sum for each row behind the elements of each piece
 * (cl/pack_int8.cl), whose row offsets are counted in elements and stay. */
typedef struct vgg_pack {
    int64_t rows, channels, spatial;
    int block, panel; /* panel 0: there are no weights */
    int winograd;     /* 0, or the side of the output tile that 3x3 weights are transformed for */
    bool pairs;       /* as AMX tiles lie, block and panel multiples of 16: see pack.cl */
    bool splittable;  /* the kernel can take runs of panels from several buffers */
    clvgg_storage storage;
} vgg_pack;

/* The source of a tensor's values: `read` gives elements [first, first + count) in `dtype`. */
typedef struct vgg_tensor_input {
    void *user;
    clvgg_dtype dtype;
    clvgg_status (*read)(void *user, uint64_t first, uint64_t count, void *data);
} vgg_tensor_input;

/* Rows [first_row, first_row + rows) in one buffer. */
typedef struct vgg_weight_piece {
    cl_mem memory;
    int64_t first_row, rows;
} vgg_weight_piece;

typedef struct vgg_packed_weights {
    vgg_weight_piece *pieces;
    int piece_count;
    uint64_t bytes;
    cl_event written; /* of the last command that writes them; NULL: they are there */
} vgg_packed_weights;

bool vgg_pack_equal(const vgg_pack *a, const vgg_pack *b);
/* Elements of a packed weight with `rows` rows: where the next row lies behind them. */
uint64_t vgg_pack_elements(const vgg_pack *pack, int64_t rows);
/* Bytes of a buffer for `rows` rows, in pack->storage. */
uint64_t vgg_pack_bytes(const vgg_pack *pack, int64_t rows);
/* `rows` rows with those that fill their last panel. */
static inline int64_t vgg_pack_padded(const vgg_pack *pack, int64_t rows)
{
    return (rows + pack->panel - 1) / pack->panel * pack->panel;
}
/* Bytes of the bias that belongs to the weight, padded to whole panels. */
static inline uint64_t vgg_bias_bytes(const vgg_pack *pack)
{
    return (uint64_t)vgg_pack_padded(pack, pack->rows) * sizeof(float);
}
/* Buffers that a packed weight is split into, each of whole panels, where the largest allocation
 * asks for it; 0: no split is small enough, or the kernel can't take one. */
int64_t vgg_pack_pieces(const vgg_pack *pack, uint64_t max_allocation_bytes);
/* Buffers of the right sizes, with nothing in them. Errors: OUT_OF_DEVICE_MEMORY with the size. */
clvgg_status vgg_packed_weights_allocate(clvgg_device *device, const vgg_pack *pack,
                                         vgg_packed_weights *out);
/* A vector of `count` values, zeros up to `padded_count`, float32. NULL input: all zeros. */
clvgg_status vgg_packed_bias_create(clvgg_device *device, int64_t count, int64_t padded_count,
                                    const vgg_tensor_input *input, vgg_packed_weights *out);
/* Waits until they are there, for any queue. */
clvgg_status vgg_packed_weights_wait(vgg_packed_weights *weights);
void vgg_packed_weights_free(vgg_packed_weights *weights);

#endif

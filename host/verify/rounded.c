/* verify/rounded.c — see rounded.h. */
#include "verify/rounded.h"

#include "tensor/dtype.h"
#include "tensor/int8_row.h"
#include "tensor/storage.h"

enum { PIECE = 1024 };

void vgg_round_as_packed(const vgg_op *op, int parameter, size_t count, float *values)
{
    uint16_t halves[PIECE];
    const clvgg_dtype dtype = vgg_storage_element(op->pack.storage);
    if (parameter != VGG_WEIGHT || op->pack.panel == 0 || op->pack.winograd != 0)
        return;
    if (op->pack.storage == CLVGG_STORAGE_INT8)
        vgg_int8_row_round(values, count);
    for (size_t done = 0; done < count && dtype != CLVGG_DTYPE_F32; done += PIECE) {
        const size_t some = count - done < PIECE ? count - done : PIECE;
        vgg_from_f32(dtype, values + done, some, halves);
        vgg_to_f32(dtype, halves, some, values + done);
    }
}

/* weights/contiguous.c — values that lie side by side in a file. */
#include "tensor/dtype.h"
#include "weights/format.h"

/* What is too large becomes infinite, which callers refuse. */
static clvgg_status read_doubles(const vgg_file *file, uint64_t offset, uint64_t count,
                                 float *values)
{
    double piece[1024];
    while (count > 0) {
        const size_t some = count < 1024 ? (size_t)count : 1024;
        VGG_PASS(vgg_file_read(file, offset, piece, some * sizeof *piece));
        for (size_t i = 0; i < some; i++)
            *values++ = (float)piece[i];
        offset += some * sizeof *piece;
        count -= some;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_contiguous_read(const vgg_file *file, const vgg_contiguous *from,
                                 clvgg_dtype dtype, uint64_t first, uint64_t count, void *data)
{
    const uint64_t size = from->is_double ? sizeof(double) : vgg_dtype_bytes(dtype);
    const uint64_t offset = from->offset + first * size;
    return from->is_double ? read_doubles(file, offset, count, data)
                           : vgg_file_read(file, offset, data, (size_t)(count * size));
}

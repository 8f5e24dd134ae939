/* weights/strided.c — values that lie with strides: views, and layouts that aren't the canonical
 * one. */
#include "tensor/dtype.h"
#include "weights/format.h"

clvgg_status vgg_strided_from_file(const void *file, uint64_t offset, void *data, size_t bytes)
{
    return vgg_file_read(file, offset, data, bytes);
}

bool vgg_strided_extent(const vgg_strided *strided, uint64_t *elements)
{
    uint64_t last = 0;
    for (int i = 0; i < strided->rank; i++) {
        uint64_t steps, reach;
        if (strided->dims[i] == 0) {
            *elements = 0;
            return true;
        }
        if (strided->dims[i] < 0 || strided->strides[i] < 0)
            return false;
        steps = (uint64_t)strided->dims[i] - 1;
        if (__builtin_mul_overflow(steps, (uint64_t)strided->strides[i], &reach) ||
            __builtin_add_overflow(last, reach, &last))
            return false;
    }
    return !__builtin_add_overflow(last, UINT64_C(1), elements);
}

/* Elements behind and with `at`, in the tensor's order, that lie side by side from *offset on. */
static uint64_t run_at(const vgg_strided *from, uint64_t at, uint64_t *offset)
{
    uint64_t run = 1, block = 1;
    bool joined = true;
    *offset = 0;
    for (int i = from->rank - 1; i >= 0; i--) {
        const uint64_t extent = (uint64_t)from->dims[i], index = at % extent;
        *offset += index * (uint64_t)from->strides[i];
        at /= extent;
        joined = joined && (extent == 1 || (uint64_t)from->strides[i] == block);
        if (joined) {
            run += (extent - 1 - index) * block;
            block *= extent;
        }
    }
    return run;
}

clvgg_status vgg_strided_read(const vgg_strided *from, clvgg_dtype dtype, uint64_t first,
                              uint64_t count, void *data)
{
    const size_t size = from->is_double ? sizeof(double) : vgg_dtype_bytes(dtype);
    unsigned char *to = data;
    double piece[512];
    while (count > 0) {
        uint64_t offset, run = run_at(from, first, &offset);
        run = run < count ? run : count;
        if (from->is_double)
            run = run < 512 ? run : 512;
        const uint64_t at = from->offset + offset * size;
        void *target = from->is_double ? (void *)piece : to;
        VGG_PASS(from->read_bytes(from->source, at, target, (size_t)run * size));
        for (uint64_t i = 0; from->is_double && i < run; i++)
            ((float *)(void *)to)[i] = (float)piece[i];
        to += run * vgg_dtype_bytes(dtype);
        first += run;
        count -= run;
    }
    return CLVGG_STATUS_OK;
}

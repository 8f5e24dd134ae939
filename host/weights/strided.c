/* weights/strided.c — values that lie with strides: views, and layouts that aren't the canonical
 * one.
 *
 * Where a tensor's rows (all behind its first dimension) lie across the source and its columns
 * along, a read by row would be one of a few bytes for each value. Such tensors are read a block of
 * rows at a time, by pieces of columns, and turned in memory.
 */
#include "weights/strided.h"

#include <string.h>

#include "base/alloc.h"
#include "tensor/dtype.h"

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

/* ---- along rows ---- */

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

static clvgg_status read_runs(const vgg_strided *from, clvgg_dtype dtype, uint64_t first,
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

/* ---- across rows ---- */

enum { TILE_COLUMNS = 64, TILE_ROWS = 4096, TILE_GAP = 16 };
#define TILE_BYTES (sizeof(double) * TILE_COLUMNS * (TILE_ROWS + TILE_GAP))

/* A tile under way: columns of the source, side by side, a gap behind each so that they don't fall
 * on each other in the processor's cache. */
typedef struct tile {
    const unsigned char *columns;
    uint64_t rows, count, pitch; /* rows, columns, elements from one column to the next */
} tile;

uint64_t vgg_strided_columns(const vgg_strided *from)
{
    uint64_t columns = 1;
    for (int i = 1; i < from->rank; i++)
        columns *= (uint64_t)from->dims[i];
    return columns;
}

bool vgg_strided_is_turned(const vgg_strided *from)
{
    return from->rank >= 2 && from->dims[0] > 1 && from->strides[0] == 1 &&
           vgg_strided_columns(from) > 1;
}

/* Says whether dimensions [first, end) lie without gaps, the last one `stride` apart. */
static bool is_dense(const vgg_strided *from, int first, int end, int64_t stride)
{
    for (int i = end - 1; i >= first; stride *= from->dims[i--])
        if (from->dims[i] != 1 && from->strides[i] != stride)
            return false;
    return true;
}

uint64_t vgg_strided_inner(const vgg_strided *from)
{
    if (!vgg_strided_is_turned(from) || from->is_double)
        return 0;
    int64_t inner = 1;
    for (int split = 2; split <= from->rank; split++) {
        inner *= from->dims[split - 1];
        if (is_dense(from, 1, split, from->dims[0]) &&
            is_dense(from, split, from->rank, from->dims[0] * inner))
            return (uint64_t)inner;
    }
    return 0;
}

/* Where column `at` begins in the source. */
static uint64_t column_at(const vgg_strided *from, uint64_t at)
{
    uint64_t offset = 0;
    for (int i = from->rank - 1; i > 0; i--) {
        offset += at % (uint64_t)from->dims[i] * (uint64_t)from->strides[i];
        at /= (uint64_t)from->dims[i];
    }
    return offset;
}

/* Writes the tile's values as rows, `width` elements from one row to the next. */
static void turn(const tile *from, bool is_double, size_t size, uint64_t width, void *to)
{
    for (uint64_t r = 0; r < from->rows; r++) {
        if (is_double) {
            const double *values = (const double *)(const void *)from->columns + r;
            for (uint64_t c = 0; c < from->count; c++)
                ((float *)to)[r * width + c] = (float)values[c * from->pitch];
        } else if (size == sizeof(float)) {
            const float *values = (const float *)(const void *)from->columns + r;
            for (uint64_t c = 0; c < from->count; c++)
                ((float *)to)[r * width + c] = values[c * from->pitch];
        } else {
            const uint16_t *values = (const uint16_t *)(const void *)from->columns + r;
            for (uint64_t c = 0; c < from->count; c++)
                ((uint16_t *)to)[r * width + c] = values[c * from->pitch];
        }
    }
}

/* Rows [row, row + rows) of a turned tensor, TILE_ROWS at most. */
static clvgg_status read_tiles(const vgg_strided *from, clvgg_dtype dtype, uint64_t row,
                               uint64_t rows, unsigned char *tiles, void *data)
{
    const size_t size = from->is_double ? sizeof(double) : vgg_dtype_bytes(dtype);
    const uint64_t columns = vgg_strided_columns(from);
    tile at = {.columns = tiles, .rows = rows, .pitch = rows + TILE_GAP};
    for (uint64_t first = 0; first < columns; first += at.count) {
        at.count = columns - first < TILE_COLUMNS ? columns - first : TILE_COLUMNS;
        for (uint64_t c = 0; c < at.count; c++)
            VGG_PASS(from->read_bytes(from->source,
                                      from->offset + (column_at(from, first + c) + row) * size,
                                      tiles + c * at.pitch * size, (size_t)rows * size));
        turn(&at, from->is_double, size, columns,
             (unsigned char *)data + first * vgg_dtype_bytes(dtype));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_strided_read_rows(const vgg_strided *from, clvgg_dtype dtype, uint64_t row,
                                   uint64_t rows, void *data)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char *tiles = NULL;
    const uint64_t row_bytes = vgg_strided_columns(from) * vgg_dtype_bytes(dtype);
    VGG_NEW(tiles, TILE_BYTES);
    while (rows > 0) {
        const uint64_t some = rows < TILE_ROWS ? rows : TILE_ROWS;
        VGG_TRY(read_tiles(from, dtype, row, some, tiles, data));
        data = (unsigned char *)data + some * row_bytes;
        row += some;
        rows -= some;
    }
cleanup:
    vgg_free(tiles);
    return status;
}

clvgg_status vgg_strided_read(const vgg_strided *from, clvgg_dtype dtype, uint64_t first,
                              uint64_t count, void *data)
{
    if (!vgg_strided_is_turned(from))
        return read_runs(from, dtype, first, count, data);
    const uint64_t columns = vgg_strided_columns(from);
    uint64_t before = (columns - first % columns) % columns; /* up to the first whole row */
    before = before < count ? before : count;
    const uint64_t rows = (count - before) / columns, behind = count - before - rows * columns;
    unsigned char *to = data;
    VGG_PASS(read_runs(from, dtype, first, before, to));
    to += before * vgg_dtype_bytes(dtype);
    if (rows > 0)
        VGG_PASS(vgg_strided_read_rows(from, dtype, (first + before) / columns, rows, to));
    to += rows * columns * vgg_dtype_bytes(dtype);
    return read_runs(from, dtype, first + count - behind, behind, to);
}

/* weights/row_cache.c — a block of a turned tensor's rows, kept between the pieces that a reader
 * asks for.
 *
 * 25,088 × 4,096 values of float32 are read in 25 blocks of 167 rows: for each, 25,088 reads of 668
 * bytes. Those hit every page of the tensor, so that a file which isn't in memory yet is first read
 * through in order.
 */
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/dtype.h"
#include "weights/strided.h"

struct vgg_row_cache {
    pthread_mutex_t lock;
    const vgg_strided *of; /* whose rows they are; NULL: nobody's */
    uint64_t row, rows;
    unsigned char *values;
};

clvgg_status vgg_row_cache_create(vgg_row_cache **out)
{
    VGG_NEW_PASS(*out, 1);
    pthread_mutex_init(&(*out)->lock, NULL);
    return CLVGG_STATUS_OK;
}

void vgg_row_cache_free(vgg_row_cache *cache)
{
    if (cache == NULL)
        return;
    pthread_mutex_destroy(&cache->lock);
    vgg_free(cache->values);
    vgg_free(cache);
}

static void forget(vgg_row_cache *cache)
{
    vgg_free(cache->values);
    cache->values = NULL;
    cache->of = NULL;
}

/* Brings the tensor's pages into memory in the order in which they lie. */
static clvgg_status read_through(const vgg_strided *from, clvgg_dtype dtype)
{
    enum { PIECE = 1 << 20 };
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t size = from->is_double ? sizeof(double) : vgg_dtype_bytes(dtype);
    unsigned char *piece = NULL;
    uint64_t elements;
    if (!vgg_strided_extent(from, &elements))
        return status;
    VGG_NEW(piece, PIECE);
    for (uint64_t at = 0, bytes = elements * size; at < bytes; at += PIECE)
        VGG_TRY(from->read_bytes(from->source, from->offset + at, piece,
                                 bytes - at < PIECE ? (size_t)(bytes - at) : PIECE));
cleanup:
    vgg_free(piece);
    return status;
}

/* Reads a block of rows from `row` on, where it isn't there yet. */
static clvgg_status have_row(vgg_row_cache *cache, const vgg_strided *from, clvgg_dtype dtype,
                             uint64_t row)
{
    const uint64_t all = (uint64_t)from->dims[0];
    const uint64_t row_bytes = vgg_strided_columns(from) * vgg_dtype_bytes(dtype);
    if (cache->of == from && row >= cache->row && row < cache->row + cache->rows)
        return CLVGG_STATUS_OK;
    const uint64_t most = VGG_ROW_CACHE_BYTES / row_bytes;
    if (cache->values == NULL || cache->of != from) {
        forget(cache);
        VGG_NEW_PASS(cache->values, (size_t)((most < all ? most : all) * row_bytes));
        if (most < all)
            VGG_PASS(read_through(from, dtype));
    }
    cache->of = NULL;
    cache->row = row;
    cache->rows = most < all - row ? most : all - row;
    VGG_PASS(vgg_strided_read_rows(from, dtype, row, cache->rows, cache->values));
    cache->of = from;
    return CLVGG_STATUS_OK;
}

static clvgg_status read_cached(vgg_row_cache *cache, const vgg_strided *from, clvgg_dtype dtype,
                                uint64_t first, uint64_t count, void *data)
{
    const uint64_t columns = vgg_strided_columns(from);
    const size_t size = vgg_dtype_bytes(dtype);
    unsigned char *to = data;
    while (count > 0) {
        VGG_PASS(have_row(cache, from, dtype, first / columns));
        const uint64_t skipped = first - cache->row * columns;
        const uint64_t there = cache->rows * columns - skipped;
        const uint64_t some = there < count ? there : count;
        memcpy(to, cache->values + skipped * size, (size_t)(some * size));
        to += some * size;
        first += some;
        count -= some;
    }
    if (first == columns * (uint64_t)from->dims[0])
        forget(cache);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_row_cache_read(vgg_row_cache *cache, const vgg_strided *from, clvgg_dtype dtype,
                                uint64_t first, uint64_t count, void *data)
{
    const uint64_t row_bytes = vgg_strided_columns(from) * vgg_dtype_bytes(dtype);
    const bool whole = first == 0 && count == vgg_strided_columns(from) * (uint64_t)from->dims[0];
    if (!vgg_strided_is_turned(from) || row_bytes > VGG_ROW_CACHE_BYTES || whole ||
        pthread_mutex_trylock(&cache->lock) != 0)
        return vgg_strided_read(from, dtype, first, count, data);
    const clvgg_status status = read_cached(cache, from, dtype, first, count, data);
    if (status != CLVGG_STATUS_OK)
        forget(cache);
    pthread_mutex_unlock(&cache->lock);
    return status;
}

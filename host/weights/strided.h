/* weights/strided.h — turned tensors, whose rows lie across the file: as they lie, or a block of
 * rows at a time, for readers that ask for a tensor piece by piece, in order.
 *
 * Without a block that is kept, each piece would go over the whole tensor in the file.
 */
#ifndef VGG_WEIGHTS_STRIDED_H
#define VGG_WEIGHTS_STRIDED_H

#include "weights/format.h"

/* Elements behind the first dimension: a row's. */
uint64_t vgg_strided_columns(const vgg_strided *from);
/* Says whether the first dimension lies along the source, and the others across. */
bool vgg_strided_is_turned(const vgg_strided *from);
/* The work of vgg_weights_inner(); 0 also where values are rounded. */
uint64_t vgg_strided_inner(const vgg_strided *from);
/* Whole rows of a turned tensor. */
clvgg_status vgg_strided_read_rows(const vgg_strided *from, clvgg_dtype dtype, uint64_t row,
                                   uint64_t rows, void *data);

/* The block of rows that was read last, at most VGG_ROW_CACHE_BYTES, of any tensor; it is given
 * back when a tensor's last row was read. */
enum { VGG_ROW_CACHE_BYTES = 16 << 20 };
typedef struct vgg_row_cache vgg_row_cache;
clvgg_status vgg_row_cache_create(vgg_row_cache **out);
void vgg_row_cache_free(vgg_row_cache *cache);
/* vgg_strided_read() by way of the cache, of a source whose bytes lie in a file as they are.
 * Thread- safe. */
clvgg_status vgg_row_cache_read(vgg_row_cache *cache, const vgg_strided *from, clvgg_dtype dtype,
                                uint64_t first, uint64_t count, void *data);

#endif

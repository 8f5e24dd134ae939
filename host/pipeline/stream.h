/* pipeline/stream.h — images decoded and prepared ahead of the device, in order, in bounded memory.
 *
 * Worker threads take the next path each and fill a ring of slots; the caller empties it in order.
 * The ring takes at most half of the memory limit, pictures being decoded share the rest.
 */
#ifndef VGG_PIPELINE_STREAM_H
#define VGG_PIPELINE_STREAM_H

#include "clvgg/image.h"

/* Opens a stream with at most `threads` workers, which live in the calling thread's scope. */
clvgg_status vgg_stream_open(int threads, const char *const *paths, size_t path_count,
                             const clvgg_image_stream_options *options, clvgg_image_stream **out);
size_t vgg_stream_count(const clvgg_image_stream *stream);
/* As clvgg_image_stream_next(). */
clvgg_status vgg_stream_next(clvgg_image_stream *stream, float *data, clvgg_stream_item *items,
                             size_t max_items, size_t *item_count);
void vgg_stream_close(clvgg_image_stream *stream);

#endif

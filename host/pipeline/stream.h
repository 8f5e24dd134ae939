/* pipeline/stream.h — images decoded and prepared ahead of the device, in order, in bounded memory.
 *
 * Worker threads take the next path each and fill a ring of slots; the caller empties it in order.
 * The ring takes at most half of the memory limit, pictures being decoded share the rest.
 */
#ifndef VGG_PIPELINE_STREAM_H
#define VGG_PIPELINE_STREAM_H

#include "clvgg/image.h"

/* Any images, any number of times each, each item prepared in its own way. Workers call both
 * functions, several at once, in no order. Neighbours of one path are decoded once. */
typedef struct vgg_stream_source {
    void *user;
    size_t count; /* of items */
    /* Path of an item, which must outlive the stream; items of one file must have the same pointer.
     */
    const char *(*path)(void *user, size_t index);
    /* Writes [channels][height][width]; a failure is the item's. NULL: vgg_image_prepare(). */
    clvgg_status (*prepare)(void *user, size_t index, const clvgg_image *image, float *data);
} vgg_stream_source;

/* Opens a stream with at most `threads` workers, which live in the calling thread's scope. */
clvgg_status vgg_stream_open(int threads, const char *const *paths, size_t path_count,
                             const clvgg_image_stream_options *options, clvgg_image_stream **out);
/* Opens a stream of a source, which is copied; its functions must be valid until the stream is
 * closed. Of options->preprocess, which must be valid, only channels, height and width matter if
 * there is source->prepare. */
clvgg_status vgg_stream_open_source(int threads, const vgg_stream_source *source,
                                    const clvgg_image_stream_options *options,
                                    clvgg_image_stream **out);
/* Does the work of clvgg_image_stream_skipped(). */
const char *vgg_stream_skipped(const clvgg_image_stream *stream, size_t *count);
size_t vgg_stream_count(const clvgg_image_stream *stream);
/* Of the stream's options. */
size_t vgg_stream_max_batch(const clvgg_image_stream *stream);
const clvgg_preprocess *vgg_stream_preprocess(const clvgg_image_stream *stream);
/* Does the work of clvgg_image_stream_next(). */
clvgg_status vgg_stream_next(clvgg_image_stream *stream, float *data, clvgg_stream_item *items,
                             size_t max_items, size_t *item_count);
void vgg_stream_close(clvgg_image_stream *stream);

#endif

/* pipeline/feed.h — a stream of photographs fed, a batch at a time, to whatever computes, and
 * handed on one by one in the stream's order.
 */
#ifndef VGG_PIPELINE_FEED_H
#define VGG_PIPELINE_FEED_H

#include "pipeline/stream.h"
#include "tensor/shape.h"

typedef struct vgg_feed {
    void *user;
    /* Computes a batch, float32 [count][channels][height][width]. */
    clvgg_status (*compute)(void *user, int count, const float *images);
    /* Takes an item: image `row` of the batch computed last, −1 where it couldn't be read. Anything
     * but OK ends the feeding. */
    clvgg_status (*take)(void *user, const clvgg_stream_item *item, int row);
} vgg_feed;

/* Feeds all items of the stream, which must prepare images of shape `input`. *wait_ms, unless it is
 * NULL, grows by the time spent waiting for the stream. Errors: INVALID_ARGUMENT (another shape),
 * those of compute and take. */
clvgg_status vgg_feed_all(clvgg_image_stream *stream, const clvgg_shape *input,
                          const vgg_feed *feed, double *wait_ms);

#endif

/* pipeline/feed.c — see feed.h. */
#include "pipeline/feed.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "image/image.h"

static clvgg_status check_shape(const clvgg_preprocess *p, const clvgg_shape *input)
{
    const int64_t *in = input->dims;
    VGG_CHECK(in[0] == p->channels && in[1] == p->height && in[2] == p->width,
              CLVGG_STATUS_INVALID_ARGUMENT,
              "the stream's images are prepared as %d x %d x %d, the network's input is "
              "%lld x %lld x %lld",
              p->channels, p->height, p->width, (long long)in[0], (long long)in[1],
              (long long)in[2]);
    return CLVGG_STATUS_OK;
}

/* One delivery of the stream: computed, then taken item by item. */
static clvgg_status feed_batch(const vgg_feed *feed, const clvgg_stream_item *items, size_t count,
                               const float *images)
{
    int sound = 0, row = 0;
    for (size_t i = 0; i < count; i++)
        sound += items[i].status == CLVGG_STATUS_OK;
    if (sound > 0)
        VGG_PASS(feed->compute(feed->user, sound, images));
    for (size_t i = 0; i < count; i++)
        VGG_PASS(
            feed->take(feed->user, &items[i], items[i].status == CLVGG_STATUS_OK ? row++ : -1));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_feed_all(clvgg_image_stream *stream, const clvgg_shape *input,
                          const vgg_feed *feed, double *wait_ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t batch = vgg_stream_max_batch(stream), most = 2 * batch; /* some may fail */
    float *images = NULL;
    clvgg_stream_item *items = NULL;
    size_t count = 1;
    VGG_TRY(check_shape(vgg_stream_preprocess(stream), input));
    VGG_NEW(images, batch * (size_t)vgg_shape_elements(input));
    VGG_NEW(items, most);
    while (count > 0) {
        const double start = vgg_clock_ms();
        VGG_TRY(vgg_stream_next(stream, images, items, most, &count));
        if (wait_ms != NULL)
            *wait_ms += vgg_clock_ms() - start;
        VGG_TRY(feed_batch(feed, items, count, images));
    }
cleanup:
    vgg_free(images);
    vgg_free(items);
    return status;
}

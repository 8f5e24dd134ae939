/* train/feature_compute.c — see feature_compute.h. */
#include "train/feature_compute.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "image/image.h"
#include "pipeline/stream.h"
#include "tensor/dtype.h"
#include "train/dataset.h"

struct vgg_feature_compute {
    const vgg_features *features;
    const vgg_feature_item *items;
    const size_t *which;
    clvgg_image_stream *stream;
    clvgg_stream_item *delivered; /* [device_batch] */
    float *images;                /* [device_batch][input_count] */
    float *values;                /* [device_batch][feature_count] */
    size_t *sound;                /* [device_batch] items whose images were read */
    size_t done;                  /* items behind us */
    clvgg_status problem;         /* for the next call, with its message */
    char message[1024];
};

static const vgg_feature_item *item_at(const vgg_feature_compute *compute, size_t index)
{
    return &compute->items[compute->which != NULL ? compute->which[index] : index];
}

static const char *path_of(void *user, size_t index)
{
    const vgg_feature_item *item = item_at(user, index);
    return vgg_dataset_image_path(item->dataset, item->image);
}

static clvgg_status prepare(void *user, size_t index, const clvgg_image *image, float *data)
{
    const vgg_feature_compute *compute = user;
    const vgg_features_options *options = &compute->features->options;
    const vgg_feature_item *item = item_at(compute, index);
    if (item->view == 0)
        return vgg_image_prepare(image, &options->preprocess, data);
    const vgg_view view = vgg_view_draw(options->augment, options->view_seed,
                                        vgg_dataset_image_at(item->dataset, item->image)->digest,
                                        item->view, image->width, image->height);
    return vgg_image_prepare_view(image, &options->preprocess, &view, data);
}

clvgg_status vgg_feature_compute_open(const vgg_features *features, const vgg_feature_item *items,
                                      const size_t *which, size_t count, vgg_feature_compute **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_feature_compute *compute = NULL;
    const vgg_features_options *options = &features->options;
    const size_t batch = features->device_batch;
    *out = NULL;
    VGG_NEW(compute, 1);
    compute->features = features;
    compute->items = items;
    compute->which = which;
    VGG_NEW(compute->delivered, batch);
    VGG_NEW(compute->images, batch * options->input_count);
    VGG_NEW(compute->values, batch * options->feature_count);
    VGG_NEW(compute->sound, batch);
    const vgg_stream_source source = {compute, count, path_of, prepare};
    const clvgg_image_stream_options stream_options = {.struct_size = sizeof stream_options,
                                                       .preprocess = options->preprocess,
                                                       .max_batch = (int)batch,
                                                       .memory_limit_bytes =
                                                           features->decode_bytes};
    VGG_TRY(vgg_stream_open_source(options->threads, &source, &stream_options, &compute->stream));
    VGG_GIVE(out, compute);
cleanup:
    vgg_feature_compute_close(compute);
    return status;
}

void vgg_feature_compute_close(vgg_feature_compute *compute)
{
    if (compute == NULL)
        return;
    vgg_stream_close(compute->stream);
    vgg_free(compute->delivered);
    vgg_free(compute->images);
    vgg_free(compute->values);
    vgg_free(compute->sound);
    vgg_free(compute);
}

static void keep_problem(vgg_feature_compute *compute, clvgg_status status, const char *message)
{
    compute->problem = status;
    snprintf(compute->message, sizeof compute->message, "%s", message);
}

/* Says whether a failure is the image's own, so that other images may be readable. */
static bool is_of_image(clvgg_status status)
{
    return status == CLVGG_STATUS_BAD_FILE || status == CLVGG_STATUS_UNSUPPORTED ||
           status == CLVGG_STATUS_NOT_FOUND || status == CLVGG_STATUS_IO;
}

/* Leaves out a delivered image that failed, or keeps its error. */
static void meet_failure(vgg_feature_compute *compute, size_t index, const clvgg_stream_item *image)
{
    const vgg_features_unreadable *unreadable = &compute->features->options.unreadable;
    if (unreadable->leave_out == NULL || !is_of_image(image->status)) {
        keep_problem(compute, image->status, image->message);
        return;
    }
    const clvgg_status status =
        unreadable->leave_out(unreadable->user, item_at(compute, index), image->message);
    if (status != CLVGG_STATUS_OK)
        keep_problem(compute, status, vgg_message());
}

/* The delivered images that can be computed with, up to the first whose error is kept. Their values
 * lie side by side: those that failed have none. */
static size_t sound_images(vgg_feature_compute *compute, size_t delivered)
{
    size_t sound = 0;
    for (size_t i = 0; i < delivered && compute->problem == CLVGG_STATUS_OK; i++) {
        const clvgg_stream_item *image = &compute->delivered[i];
        if (image->status == CLVGG_STATUS_OK)
            compute->sound[sound++] = compute->done + i;
        else
            meet_failure(compute, compute->done + i, image);
    }
    compute->done += delivered;
    return sound;
}

/* Number of rows before the first that float16 can't hold; that row's error is kept. */
static size_t sound_rows(vgg_feature_compute *compute, const uint16_t *values, size_t count)
{
    const size_t row = compute->features->options.feature_count;
    const size_t at = vgg_find_non_finite(CLVGG_DTYPE_F16, values, count * row);
    if (at == count * row)
        return count;
    const float value = compute->values[at];
    const char *path = path_of(compute, compute->sound[at / row]),
               *layer = compute->features->layer;
    if (isfinite(value))
        vgg_fail(CLVGG_STATUS_NON_FINITE,
                 "%s: %sfeature %zu is %.9g, more than float16 can hold (65504)", path, layer,
                 at % row, (double)value);
    else
        vgg_fail(CLVGG_STATUS_NON_FINITE, "%s: %sfeature %zu is %s", path, layer, at % row,
                 isnan(value) ? "NaN" : "infinite");
    keep_problem(compute, CLVGG_STATUS_NON_FINITE, vgg_message());
    return at / row;
}

clvgg_status vgg_feature_compute_next(vgg_feature_compute *compute, uint16_t *values, size_t *rows,
                                      size_t *count)
{
    const vgg_features *features = compute->features;
    const vgg_feature_source *source = &features->options.source;
    size_t delivered = 1, sound = 0;
    *count = 0;
    while (sound == 0 && delivered > 0 && compute->problem == CLVGG_STATUS_OK) {
        VGG_PASS(vgg_stream_next(compute->stream, compute->images, compute->delivered,
                                 features->device_batch, &delivered));
        sound = sound_images(compute, delivered);
    }
    if (sound > 0 && values != NULL) {
        VGG_PASS(source->compute(source->user, (int)sound, compute->images, compute->values));
        vgg_from_f32(CLVGG_DTYPE_F16, compute->values, sound * features->options.feature_count,
                     values);
        sound = sound_rows(compute, values, sound);
    }
    if (rows != NULL)
        memcpy(rows, compute->sound, sound * sizeof *rows);
    *count = sound;
    if (sound == 0 && compute->problem != CLVGG_STATUS_OK)
        return vgg_fail(compute->problem, "%s", compute->message);
    return CLVGG_STATUS_OK;
}

/* train/finetune_scale.c — features of about unit size.
 *
 * What a base gives depends on how its images are prepared: Caffe's pixels of 0…255 make features
 * ten times those of torchvision's unit ones, and a dense layer behind them learns a hundred times
 * faster, or not at all. So features are divided by a power of two near their root mean square, and
 * the first trained layer's weights are multiplied by it, which is exact and undone when the model
 * is saved. Learning rates then mean the same behind any base.
 */
#include <math.h>

#include "base/alloc.h"
#include "train/finetune.h"

enum { SAMPLE = 256, MOST_EXPONENT = 30 };

void vgg_scale_by_power(float *values, size_t count, int exponent)
{
    const float factor = ldexpf(1.0f, exponent);
    for (size_t i = 0; exponent != 0 && i < count; i++)
        values[i] *= factor;
}

clvgg_status vgg_finetune_next(const clvgg_finetune *finetune, vgg_feature_stream *stream,
                               float *features, int *count)
{
    VGG_PASS(vgg_feature_stream_next(stream, features, count));
    vgg_scale_by_power(features, (size_t)*count * finetune->frozen.feature_count,
                       -finetune->scale_exponent);
    return CLVGG_STATUS_OK;
}

/* Sum of squares of a stream's features, in order. */
static clvgg_status sum_squares(const clvgg_finetune *finetune, vgg_feature_stream *stream,
                                double *sum)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t values = finetune->frozen.feature_count;
    float *features = NULL;
    VGG_NEW(features, (size_t)finetune->options.batch * values);
    for (int count = 1; count > 0;) {
        VGG_TRY(vgg_feature_stream_next(stream, features, &count));
        for (size_t i = 0; i < (size_t)count * values; i++)
            *sum += (double)features[i] * (double)features[i];
    }
cleanup:
    vgg_free(features);
    return status;
}

/* Finds the features' scale from the first training images in the order of the feature file,
 * without augmentation. */
clvgg_status vgg_finetune_find_scale(clvgg_finetune *finetune)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t images = finetune->train->count < SAMPLE ? finetune->train->count : SAMPLE;
    vgg_feature_item *sample = NULL;
    vgg_feature_stream *stream = NULL;
    double sum = 0;
    VGG_NEW(sample, images);
    for (size_t i = 0; i < images; i++)
        sample[i] = finetune->items[i * (size_t)finetune->options.views];
    VGG_TRY(vgg_feature_stream_open(finetune->features, sample, images, finetune->options.batch,
                                    &stream));
    VGG_TRY(sum_squares(finetune, stream, &sum));
    const double mean = sum / ((double)images * (double)finetune->frozen.feature_count);
    const double exponent = mean > 0 ? round(log2(mean) / 2) : 0;
    finetune->scale_exponent = (int)fmax(-MOST_EXPONENT, fmin(MOST_EXPONENT, exponent));
cleanup:
    vgg_feature_stream_close(stream);
    vgg_free(sample);
    return status;
}

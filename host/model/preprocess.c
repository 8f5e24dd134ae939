/* model/preprocess.c — the conventions of those who published weights, and the checks on any other.
 * A new convention is a row of `conventions`.
 */
#include "model/preprocess.h"

#include <math.h>

#define MAX_SIDE 65500 /* pixels, as the image readers */

static const clvgg_preprocess conventions[] = {
    [VGG_CONVENTION_TORCHVISION] = {.struct_size = sizeof(clvgg_preprocess),
                                    .channels = 3,
                                    .order = CLVGG_RGB,
                                    .scale = 1.0f / 255.0f,
                                    .mean = {0.485f, 0.456f, 0.406f},
                                    .std = {0.229f, 0.224f, 0.225f}},
    [VGG_CONVENTION_CAFFE] = {.struct_size = sizeof(clvgg_preprocess),
                              .channels = 3,
                              .order = CLVGG_BGR,
                              .scale = 1.0f,
                              .mean = {103.939f, 116.779f, 123.68f},
                              .std = {1.0f, 1.0f, 1.0f}},
    [VGG_CONVENTION_FEATURES] = {.struct_size = sizeof(clvgg_preprocess),
                                 .channels = 3,
                                 .order = CLVGG_RGB,
                                 .scale = 1.0f / 255.0f,
                                 .mean = {0.48235f, 0.45882f, 0.40784f},
                                 .std = {1.0f / 255.0f, 1.0f / 255.0f, 1.0f / 255.0f}},
};

clvgg_preprocess vgg_convention_preprocess(vgg_convention convention)
{
    return conventions[convention];
}

clvgg_status vgg_model_preprocess_check(const clvgg_preprocess *preprocess)
{
    const clvgg_preprocess *p = preprocess;
    VGG_CHECK(p->mode == CLVGG_RESIZE_CROP || p->mode == CLVGG_RESIZE_SQUASH,
              CLVGG_STATUS_INVALID_ARGUMENT, "preprocessing: unknown mode %d", (int)p->mode);
    VGG_CHECK(p->order == CLVGG_RGB || p->order == CLVGG_BGR, CLVGG_STATUS_INVALID_ARGUMENT,
              "preprocessing: unknown channel order %d", (int)p->order);
    VGG_CHECK(p->channels >= 1, CLVGG_STATUS_INVALID_ARGUMENT,
              "preprocessing: %d channels, must be 1 at least", p->channels);
    VGG_CHECK(p->height >= 0 && p->height <= MAX_SIDE && p->width >= 0 && p->width <= MAX_SIDE,
              CLVGG_STATUS_INVALID_ARGUMENT,
              "preprocessing: crop %d x %d, a side may have at most %d pixels", p->height, p->width,
              MAX_SIDE);
    VGG_CHECK(p->resize_short >= 0 && p->resize_short <= MAX_SIDE, CLVGG_STATUS_INVALID_ARGUMENT,
              "preprocessing: resize_short %d, must be 0 to %d", p->resize_short, MAX_SIDE);
    int shorter = p->height < p->width ? p->height : p->width;
    VGG_CHECK(p->resize_short == 0 || p->resize_short >= shorter, CLVGG_STATUS_INVALID_ARGUMENT,
              "preprocessing: resize_short %d is less than the crop's shorter side, %d",
              p->resize_short, shorter);
    VGG_CHECK(isfinite(p->scale) && p->scale > 0.0f, CLVGG_STATUS_INVALID_ARGUMENT,
              "preprocessing: scale %g must be positive", (double)p->scale);
    for (int c = 0; c < 3 && c < p->channels; c++)
        VGG_CHECK(isfinite(p->mean[c]) && isfinite(p->std[c]) && p->std[c] > 0.0f,
                  CLVGG_STATUS_INVALID_ARGUMENT,
                  "preprocessing: channel %d has mean %g and std %g; both must be finite, std "
                  "positive",
                  c, (double)p->mean[c], (double)p->std[c]);
    return CLVGG_STATUS_OK;
}

bool vgg_model_preprocess_is_for_photographs(const clvgg_preprocess *preprocess)
{
    return preprocess->channels == 1 || preprocess->channels == 3;
}

static float mean_of(const float values[3])
{
    return (values[0] + values[1] + values[2]) / 3;
}

void vgg_model_preprocess_fit(clvgg_preprocess *preprocess, int channels, int height, int width)
{
    if (preprocess->channels == 3 && channels == 1) {
        preprocess->mean[0] = mean_of(preprocess->mean);
        preprocess->std[0] = mean_of(preprocess->std);
    }
    preprocess->channels = channels;
    bool resized =
        preprocess->height != 0 && (preprocess->height != height || preprocess->width != width);
    if (resized || preprocess->resize_short < (height < width ? height : width))
        preprocess->resize_short = 0;
    preprocess->height = height;
    preprocess->width = width;
}

static void write_values(const clvgg_preprocess *preprocess, const float values[3], vgg_text *text)
{
    for (int c = 0; c < preprocess->channels; c++) {
        vgg_text_puts(text, c == 0 ? "[" : ", ");
        vgg_text_json_number(text, (double)values[c]);
    }
    vgg_text_puts(text, "]");
}

void vgg_model_preprocess_write_json(const clvgg_preprocess *preprocess, vgg_text *text)
{
    vgg_text_printf(text, "{\"channels\": \"%s\", \"scale\": ",
                    preprocess->channels == 1        ? "grey"
                    : preprocess->order == CLVGG_BGR ? "BGR"
                                                     : "RGB");
    vgg_text_json_number(text, (double)preprocess->scale);
    vgg_text_puts(text, ", \"mean\": ");
    write_values(preprocess, preprocess->mean, text);
    vgg_text_puts(text, ", \"std\": ");
    write_values(preprocess, preprocess->std, text);
    if (preprocess->resize_short != 0)
        vgg_text_printf(text, ", \"resize_short\": %d", preprocess->resize_short);
    if (preprocess->height == preprocess->width)
        vgg_text_printf(text, ", \"crop\": %d", preprocess->height);
    else
        vgg_text_printf(text, ", \"crop\": [%d, %d]", preprocess->height, preprocess->width);
    if (preprocess->mode == CLVGG_RESIZE_SQUASH)
        vgg_text_puts(text, ", \"mode\": \"squash\"");
    vgg_text_puts(text, ", \"filter\": \"bilinear-antialias\"}");
}

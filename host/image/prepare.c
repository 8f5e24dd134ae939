/* image/prepare.c — a picture to the network's input: resize, centre crop, normalise.
 *
 * Sizes and offsets follow torchvision's Resize and CenterCrop; only the pixels that the crop keeps
 * are computed. The resampling itself is resample.c.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "image/image.h"
#include "image/resample.h"

/* One axis of the geometry: the picture becomes `resized` pixels long; `count` of them from `first`
 * on are kept and lie in the output behind `pad` zero pixels. */
typedef struct span {
    int64_t resized, first;
    int count, pad;
} span;

clvgg_status vgg_preprocess_check(const clvgg_preprocess *preprocess)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_status invalid = CLVGG_STATUS_INVALID_ARGUMENT;
    const clvgg_preprocess *p = preprocess;
    VGG_REQUIRE(p->struct_size == sizeof *p, invalid,
                "preprocess: struct_size is %zu, not %zu: call clvgg_preprocess_defaults() first",
                p->struct_size, sizeof *p);
    VGG_REQUIRE(p->mode == CLVGG_RESIZE_CROP || p->mode == CLVGG_RESIZE_SQUASH, invalid,
                "preprocess: unknown resize mode %d", (int)p->mode);
    VGG_REQUIRE(p->order == CLVGG_RGB || p->order == CLVGG_BGR, invalid,
                "preprocess: unknown channel order %d", (int)p->order);
    VGG_REQUIRE(p->height >= 1 && p->height <= VGG_IMAGE_SIDE_MAX && p->width >= 1 &&
                    p->width <= VGG_IMAGE_SIDE_MAX,
                invalid, "preprocess: %d x %d pixels, each side must be 1...%d", p->width,
                p->height, VGG_IMAGE_SIDE_MAX);
    VGG_REQUIRE(p->resize_short >= 0 && p->resize_short <= VGG_IMAGE_SIDE_MAX, invalid,
                "preprocess: a short side of %d pixels, must be 0...%d", p->resize_short,
                VGG_IMAGE_SIDE_MAX);
    VGG_REQUIRE(isfinite(p->scale), invalid, "preprocess: the scale isn't finite");
    for (int c = 0; c < 3; c++) {
        VGG_REQUIRE(isfinite(p->mean[c]), invalid, "preprocess: mean[%d] isn't finite", c);
        VGG_REQUIRE(isfinite(p->std[c]) && p->std[c] != 0.0f, invalid,
                    "preprocess: std[%d] must be finite and not zero", c);
    }
cleanup:
    return status;
}

/* Half of a difference, halves to even, as Python's round() has it. */
static int64_t half_to_even(int64_t difference)
{
    int64_t half = difference / 2;
    return difference % 2 != 0 && half % 2 != 0 ? half + 1 : half;
}

static span crop_span(int64_t resized, int wanted)
{
    if (resized >= wanted)
        return (span){resized, half_to_even(resized - wanted), wanted, 0};
    return (span){resized, 0, (int)resized, (int)((wanted - resized) / 2)};
}

static void choose_spans(const clvgg_image *image, const clvgg_preprocess *preprocess, span *across,
                         span *down)
{
    int width = preprocess->width, height = preprocess->height;
    if (preprocess->mode == CLVGG_RESIZE_SQUASH) {
        *across = crop_span(width, width);
        *down = crop_span(height, height);
        return;
    }
    int64_t short_side = preprocess->resize_short;
    if (short_side == 0)
        short_side = lround((width < height ? width : height) * 256.0 / 224.0);
    bool wide = image->width > image->height;
    int64_t from_long = wide ? image->width : image->height;
    int64_t from_short = wide ? image->height : image->width;
    int64_t long_side = short_side * from_long / from_short;
    *across = crop_span(wide ? long_side : short_side, width);
    *down = crop_span(wide ? short_side : long_side, height);
}

/* values[c][byte]: what a pixel's byte becomes in output channel c. */
static void fill_values(const clvgg_preprocess *preprocess, float values[3][256])
{
    for (int c = 0; c < 3; c++)
        for (int byte = 0; byte < 256; byte++)
            values[c][byte] =
                ((float)byte * preprocess->scale - preprocess->mean[c]) / preprocess->std[c];
}

/* Every element of `data` becomes the value of a black pixel. */
static void fill_black(const clvgg_preprocess *preprocess, float values[3][256], float *data)
{
    size_t plane = (size_t)preprocess->height * (size_t)preprocess->width;
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < plane; i++)
            data[c * plane + i] = values[c][0];
}

clvgg_status vgg_image_prepare(const clvgg_image *image, const clvgg_preprocess *preprocess,
                               float *data)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_resample_axis horizontal = {0}, vertical = {0};
    uint8_t *narrowed = NULL, *row = NULL; /* [reached rows][count][3], [count][3] */
    int32_t *sums = NULL;
    span across, down;
    float values[3][256];
    choose_spans(image, preprocess, &across, &down);
    fill_values(preprocess, values);
    VGG_TRY(vgg_resample_axis_init(&horizontal, image->width, across.resized, across.first,
                                   across.count));
    VGG_TRY(vgg_resample_axis_init(&vertical, image->height, down.resized, down.first, down.count));
    int begin = 0, end = 0, row_bytes = across.count * 3;
    vgg_resample_axis_reach(&vertical, &begin, &end);
    VGG_NEW(narrowed, (size_t)(end - begin) * (size_t)row_bytes);
    VGG_NEW(row, (size_t)row_bytes);
    VGG_NEW(sums, (size_t)row_bytes);
    for (int y = begin; y < end; y++)
        vgg_resample_row(&horizontal, image->pixels + (size_t)y * (size_t)image->width * 3,
                         narrowed + (size_t)(y - begin) * (size_t)row_bytes);

    if (across.count < preprocess->width || down.count < preprocess->height)
        fill_black(preprocess, values, data);
    size_t width = (size_t)preprocess->width, plane = width * (size_t)preprocess->height;
    for (int y = 0; y < down.count; y++) {
        vgg_resample_column(&vertical, y, narrowed, begin, row_bytes, sums, row);
        float *to = data + (size_t)(down.pad + y) * width + (size_t)across.pad;
        for (size_t c = 0; c < 3; c++) {
            const uint8_t *from = row + (preprocess->order == CLVGG_BGR ? 2 - c : c);
            for (int x = 0; x < across.count; x++)
                to[c * plane + (size_t)x] = values[c][from[x * 3]];
        }
    }
cleanup:
    vgg_resample_axis_free(&horizontal);
    vgg_resample_axis_free(&vertical);
    vgg_free(narrowed);
    vgg_free(row);
    vgg_free(sums);
    return status;
}

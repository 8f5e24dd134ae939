/* image/prepare.c — a picture to the network's input: resize, centre crop, normalise.
 *
 * Sizes and offsets follow torchvision's Resize and CenterCrop; only the pixels that the crop keeps
 * are computed. The resampling itself is resample.c.
 */
#include <math.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "image/grey.h"
#include "image/resample.h"

clvgg_status vgg_preprocess_check(const clvgg_preprocess *preprocess)
{
    const clvgg_status invalid = CLVGG_STATUS_INVALID_ARGUMENT;
    const clvgg_preprocess *p = preprocess;
    VGG_CHECK(p->struct_size == sizeof *p, invalid,
              "preprocess: struct_size is %zu, not %zu: call clvgg_preprocess_defaults() first",
              p->struct_size, sizeof *p);
    VGG_CHECK(p->mode == CLVGG_RESIZE_CROP || p->mode == CLVGG_RESIZE_SQUASH, invalid,
              "preprocess: unknown resize mode %d", (int)p->mode);
    VGG_CHECK(p->order == CLVGG_RGB || p->order == CLVGG_BGR, invalid,
              "preprocess: unknown channel order %d", (int)p->order);
    VGG_CHECK(p->channels == 1 || p->channels == 3, CLVGG_STATUS_UNSUPPORTED,
              "preprocess: %d channels are wanted, a photograph gives 3, or 1 in grey",
              p->channels);
    VGG_CHECK(p->height >= 1 && p->height <= VGG_IMAGE_SIDE_MAX && p->width >= 1 &&
                  p->width <= VGG_IMAGE_SIDE_MAX,
              invalid, "preprocess: %d x %d pixels, each side must be 1...%d", p->width, p->height,
              VGG_IMAGE_SIDE_MAX);
    VGG_CHECK(p->resize_short >= 0 && p->resize_short <= VGG_IMAGE_SIDE_MAX, invalid,
              "preprocess: a short side of %d pixels, must be 0...%d", p->resize_short,
              VGG_IMAGE_SIDE_MAX);
    VGG_CHECK(isfinite(p->scale), invalid, "preprocess: the scale isn't finite");
    for (int c = 0; c < p->channels; c++) {
        VGG_CHECK(isfinite(p->mean[c]), invalid, "preprocess: mean[%d] isn't finite", c);
        VGG_CHECK(isfinite(p->std[c]) && p->std[c] != 0.0f, invalid,
                  "preprocess: std[%d] must be finite and not zero", c);
    }
    return CLVGG_STATUS_OK;
}

size_t vgg_preprocess_elements(const clvgg_preprocess *preprocess)
{
    return (size_t)preprocess->channels * (size_t)preprocess->height * (size_t)preprocess->width;
}

/* Half of a difference, halves to even, as Python's round() has it. */
static int64_t half_to_even(int64_t difference)
{
    int64_t half = difference / 2;
    return difference % 2 != 0 && half % 2 != 0 ? half + 1 : half;
}

static vgg_image_span crop_span(int64_t resized, int wanted)
{
    if (resized >= wanted)
        return (vgg_image_span){resized, half_to_even(resized - wanted), wanted, 0};
    return (vgg_image_span){resized, 0, (int)resized, (int)((wanted - resized) / 2)};
}

void vgg_image_choose_spans(const vgg_image_part *part, const clvgg_preprocess *preprocess,
                            clvgg_resize_mode mode, vgg_image_span *across, vgg_image_span *down)
{
    int width = preprocess->width, height = preprocess->height;
    if (mode == CLVGG_RESIZE_SQUASH) {
        *across = crop_span(width, width);
        *down = crop_span(height, height);
        return;
    }
    int64_t short_side = preprocess->resize_short;
    if (short_side == 0)
        short_side = lround((width < height ? width : height) * 256.0 / 224.0);
    bool wide = part->width > part->height;
    int64_t from_long = wide ? part->width : part->height;
    int64_t from_short = wide ? part->height : part->width;
    int64_t long_side = short_side * from_long / from_short;
    *across = crop_span(wide ? long_side : short_side, width);
    *down = crop_span(wide ? short_side : long_side, height);
}

void vgg_image_fill_values(const clvgg_preprocess *preprocess, float values[3][256])
{
    for (int c = 0; c < preprocess->channels; c++)
        for (int byte = 0; byte < 256; byte++)
            values[c][byte] =
                ((float)byte * preprocess->scale - preprocess->mean[c]) / preprocess->std[c];
}

/* Every element of `data` becomes the value of a black pixel. */
static void fill_black(const clvgg_preprocess *preprocess, float values[3][256], float *data)
{
    size_t plane = (size_t)preprocess->height * (size_t)preprocess->width;
    for (size_t c = 0; c < (size_t)preprocess->channels; c++)
        for (size_t i = 0; i < plane; i++)
            data[c * plane + i] = values[c][0];
}

/* The planes that a picture is written into, and how. */
typedef struct planes {
    const clvgg_preprocess *preprocess;
    bool flip;
    float (*values)[256]; /* [channels], of each byte */
    float *data;          /* [channels][height][width] */
} planes;

/* A row of pixels, those of the span `across`, into its place: row y of each plane. */
static void write_row(const planes *p, const uint8_t *row, const vgg_image_span *across, int y)
{
    const clvgg_preprocess *preprocess = p->preprocess;
    const size_t width = (size_t)preprocess->width, plane = width * (size_t)preprocess->height;
    const size_t pad = (size_t)across->pad;
    float *first = p->data + (size_t)y * width + (p->flip ? width - 1 - pad : pad);
    for (size_t c = 0; c < (size_t)preprocess->channels; c++) {
        const uint8_t *from = row + (preprocess->order == CLVGG_BGR ? 2 - c : c);
        const float *values = p->values[c];
        float *to = first + c * plane;
        if (p->flip)
            for (int x = 0; x < across->count; x++)
                to[-(ptrdiff_t)x] = values[from[x * 3]];
        else
            for (int x = 0; x < across->count; x++)
                to[x] = values[from[x * 3]];
    }
}

clvgg_status vgg_image_render(const vgg_image_part *part, const clvgg_preprocess *preprocess,
                              clvgg_resize_mode mode, bool flip, float values[3][256], float *data)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_resampler resampler = {0};
    const planes to = {preprocess, flip, values, data};
    uint8_t *row = NULL; /* [count][3] */
    uint8_t *grey = NULL;
    vgg_image_span across, down;
    vgg_image_part grey_part;
    if (preprocess->channels == 1) {
        VGG_TRY(vgg_image_grey(part, &grey, &grey_part));
        part = &grey_part;
    }
    vgg_image_choose_spans(part, preprocess, mode, &across, &down);
    VGG_TRY(vgg_resampler_init(&resampler, part, &across, &down));
    VGG_NEW(row, (size_t)across.count * 3);
    if (across.count < preprocess->width || down.count < preprocess->height)
        fill_black(preprocess, values, data);
    for (int y = 0; y < down.count; y++) {
        vgg_resampler_row(&resampler, y, row);
        write_row(&to, row, &across, down.pad + y);
    }
cleanup:
    vgg_resampler_free(&resampler);
    vgg_free(grey);
    vgg_free(row);
    return status;
}

clvgg_status vgg_image_prepare(const clvgg_image *image, const clvgg_preprocess *preprocess,
                               float *data)
{
    const vgg_image_part whole = {image->pixels, image->width, image->height,
                                  (size_t)image->width * 3};
    float values[3][256];
    vgg_image_fill_values(preprocess, values);
    return vgg_image_render(&whole, preprocess, preprocess->mode, false, values, data);
}

/* image/resample.c — antialiased bilinear resampling, bit for bit as BILINEAR of Pillow 13 does it.
 *
 * A triangle filter whose support widens with the shrink factor; weights in 22-bit fixed point; one
 * axis first, rounded to 8 bits, then the other. Source: Pillow, src/libImaging/Resample.c
 * (precompute_coeffs, normalize_coeffs_8bpc, ImagingResampleInner). Up to version 12 Pillow narrows
 * rows first whatever the picture's shape; the result differs by one level in some values.
 */
#include "image/resample.h"

#include <math.h>

#include "base/alloc.h"

/* Weights are fixed-point with this many fraction bits: 8 bits of pixel and 2 of headroom remain.
 */
#define FRACTION_BITS 22
#define ONE_HALF (1 << (FRACTION_BITS - 1))

static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* Weights of one output pixel, normalised to a sum of 1, then rounded. `exact` is scratch. */
static void fill_weights(double center, double scale, int start, int taps, double *exact,
                         int32_t *weights)
{
    double sum = 0.0, inverse = 1.0 / scale;
    for (int t = 0; t < taps; t++) {
        exact[t] = triangle((t + start - center + 0.5) * inverse);
        sum += exact[t];
    }
    for (int t = 0; t < taps; t++) {
        double weight = sum != 0.0 ? exact[t] / sum : exact[t];
        weights[t] = (int32_t)(0.5 + weight * (1 << FRACTION_BITS));
    }
}

/* Outputs [first, first + count) of the `resized` that `in_size` pixels become. */
static clvgg_status axis_init(vgg_resample_axis *axis, int in_size, const vgg_image_span *span)
{
    clvgg_status status = CLVGG_STATUS_OK;
    double *exact = NULL;
    double step = (double)in_size / (double)span->resized;
    double support = step < 1.0 ? 1.0 : step; /* of the triangle, in input pixels */
    const size_t count = (size_t)span->count;
    axis->stride = (int)ceil(support) * 2 + 1;
    VGG_NEW(exact, (size_t)axis->stride);
    VGG_NEW(axis->starts, count);
    VGG_NEW(axis->taps, count);
    VGG_NEW(axis->weights, count * (size_t)axis->stride);
    for (size_t i = 0; i < count; i++) {
        double center = ((double)(span->first + (int64_t)i) + 0.5) * step;
        int start = (int)(center - support + 0.5);
        int end = (int)(center + support + 0.5);
        if (start < 0)
            start = 0;
        if (end > in_size)
            end = in_size;
        axis->starts[i] = start;
        axis->taps[i] = end - start;
        fill_weights(center, support, start, end - start, exact,
                     axis->weights + i * (size_t)axis->stride);
    }
    axis->count = span->count;
    axis->begin = axis->starts[0];
    axis->end = axis->starts[count - 1] + axis->taps[count - 1];
cleanup:
    vgg_free(exact);
    return status;
}

static void axis_free(vgg_resample_axis *axis)
{
    vgg_free(axis->starts);
    vgg_free(axis->taps);
    vgg_free(axis->weights);
}

static uint8_t to_byte(int32_t sum)
{
    int32_t value = sum >> FRACTION_BITS;
    return (uint8_t)(value > 255 ? 255 : value);
}

/* A row of pixels, the first of which is column `first_column`, to output [count][3]. */
static void resample_row(const vgg_resample_axis *axis, const uint8_t *input, int first_column,
                         uint8_t *output)
{
    for (int i = 0; i < axis->count; i++, output += 3) {
        const int32_t *weights = axis->weights + (size_t)i * (size_t)axis->stride;
        const uint8_t *pixel = input + (size_t)(axis->starts[i] - first_column) * 3;
        int32_t red = ONE_HALF, green = ONE_HALF, blue = ONE_HALF;
        for (int t = 0; t < axis->taps[i]; t++, pixel += 3) {
            red += pixel[0] * weights[t];
            green += pixel[1] * weights[t];
            blue += pixel[2] * weights[t];
        }
        output[0] = to_byte(red);
        output[1] = to_byte(green);
        output[2] = to_byte(blue);
    }
}

/* Rows of bytes, the first of which is row `first` of the picture. */
typedef struct rows {
    const uint8_t *bytes;
    size_t row_bytes; /* from one to the next */
    int first;
} rows;

/* Row y of the output, r->row_length bytes of each of the rows that it is made of. */
static void resample_column(const vgg_resampler *r, int y, const rows *from, uint8_t *output)
{
    const vgg_resample_axis *axis = &r->down;
    const int32_t *weights = axis->weights + (size_t)y * (size_t)axis->stride;
    const uint8_t *row = from->bytes + (size_t)(axis->starts[y] - from->first) * from->row_bytes;
    const int length = r->row_length;
    int32_t *sums = r->sums;
    for (int x = 0; x < length; x++)
        sums[x] = ONE_HALF;
    for (int t = 0; t < axis->taps[y]; t++, row += from->row_bytes)
        for (int x = 0; x < length; x++)
            sums[x] += row[x] * weights[t];
    for (int x = 0; x < length; x++)
        output[x] = to_byte(sums[x]);
}

clvgg_status vgg_resampler_init(vgg_resampler *r, const vgg_image_part *part,
                                const vgg_image_span *across, const vgg_image_span *down)
{
    const int64_t lost_rows = part->height - down->resized;
    r->part = *part;
    r->columns_first = lost_rows > 0 && lost_rows > 2 * (part->width - across->resized);
    VGG_PASS(axis_init(&r->across, part->width, across));
    VGG_PASS(axis_init(&r->down, part->height, down));
    const int reached_rows = r->down.end - r->down.begin;
    r->row_length = 3 * (r->columns_first ? r->across.end - r->across.begin : across->count);
    VGG_NEW_PASS(r->sums, (size_t)r->row_length);
    VGG_NEW_PASS(r->pixels, (size_t)r->row_length * (size_t)(r->columns_first ? 1 : reached_rows));
    for (int y = 0; y < reached_rows && !r->columns_first; y++)
        resample_row(&r->across, part->pixels + (size_t)(r->down.begin + y) * part->row_bytes, 0,
                     r->pixels + (size_t)y * (size_t)r->row_length);
    return CLVGG_STATUS_OK;
}

void vgg_resampler_row(const vgg_resampler *r, int y, uint8_t *output)
{
    if (r->columns_first) {
        const rows whole = {r->part.pixels + (size_t)r->across.begin * 3, r->part.row_bytes, 0};
        resample_column(r, y, &whole, r->pixels);
        resample_row(&r->across, r->pixels, r->across.begin, output);
    } else {
        const rows narrowed = {r->pixels, (size_t)r->row_length, r->down.begin};
        resample_column(r, y, &narrowed, output);
    }
}

void vgg_resampler_free(vgg_resampler *r)
{
    axis_free(&r->across);
    axis_free(&r->down);
    vgg_free(r->pixels);
    vgg_free(r->sums);
}

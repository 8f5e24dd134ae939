/* image/resample.c — antialiased bilinear resampling, bit for bit as Pillow's BILINEAR does it.
 *
 * A triangle filter whose support widens with the shrink factor; weights in 22-bit fixed point;
 * rows first, rounded to 8 bits, then columns. Source: Pillow, src/libImaging/Resample.c
 * (precompute_coeffs, normalize_coeffs_8bpc, ImagingResampleHorizontal_8bpc).
 */
#include "image/resample.h"

#include <math.h>

#include "base/alloc.h"

#define ONE_HALF (1 << (VGG_RESAMPLE_FRACTION_BITS - 1))

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
        weights[t] = (int32_t)(0.5 + weight * (1 << VGG_RESAMPLE_FRACTION_BITS));
    }
}

clvgg_status vgg_resample_axis_init(vgg_resample_axis *axis, int in_size, int64_t out_size,
                                    int64_t first, int count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    double *exact = NULL;
    double step = (double)in_size / (double)out_size;
    double support = step < 1.0 ? 1.0 : step; /* of the triangle, in input pixels */
    axis->count = count;
    axis->stride = (int)ceil(support) * 2 + 1;
    VGG_NEW(exact, (size_t)axis->stride);
    VGG_NEW(axis->starts, (size_t)count);
    VGG_NEW(axis->taps, (size_t)count);
    VGG_NEW(axis->weights, (size_t)count * (size_t)axis->stride);
    for (int i = 0; i < count; i++) {
        double center = ((double)(first + i) + 0.5) * step;
        int start = (int)(center - support + 0.5);
        int end = (int)(center + support + 0.5);
        if (start < 0)
            start = 0;
        if (end > in_size)
            end = in_size;
        axis->starts[i] = start;
        axis->taps[i] = end - start;
        fill_weights(center, support, start, end - start, exact,
                     axis->weights + (size_t)i * (size_t)axis->stride);
    }
cleanup:
    vgg_free(exact);
    return status;
}

void vgg_resample_axis_free(vgg_resample_axis *axis)
{
    vgg_free(axis->starts);
    vgg_free(axis->taps);
    vgg_free(axis->weights);
    *axis = (vgg_resample_axis){0};
}

void vgg_resample_axis_reach(const vgg_resample_axis *axis, int *begin, int *end)
{
    *begin = axis->starts[0];
    *end = axis->starts[axis->count - 1] + axis->taps[axis->count - 1];
}

static uint8_t to_byte(int32_t sum)
{
    int32_t value = sum >> VGG_RESAMPLE_FRACTION_BITS;
    return (uint8_t)(value > 255 ? 255 : value);
}

void vgg_resample_row(const vgg_resample_axis *axis, const uint8_t *input, uint8_t *output)
{
    for (int i = 0; i < axis->count; i++, output += 3) {
        const int32_t *weights = axis->weights + (size_t)i * (size_t)axis->stride;
        const uint8_t *pixel = input + (size_t)axis->starts[i] * 3;
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

void vgg_resample_column(const vgg_resample_axis *axis, int i, const uint8_t *rows, int first_row,
                         int row_bytes, int32_t *sums, uint8_t *output)
{
    const int32_t *weights = axis->weights + (size_t)i * (size_t)axis->stride;
    const uint8_t *row = rows + (size_t)(axis->starts[i] - first_row) * (size_t)row_bytes;
    for (int x = 0; x < row_bytes; x++)
        sums[x] = ONE_HALF;
    for (int t = 0; t < axis->taps[i]; t++, row += row_bytes)
        for (int x = 0; x < row_bytes; x++)
            sums[x] += row[x] * weights[t];
    for (int x = 0; x < row_bytes; x++)
        output[x] = to_byte(sums[x]);
}

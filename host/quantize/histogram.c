/* quantize/histogram.c — see histogram.h. */
#include "quantize/histogram.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum { FRACTION_BITS = 8, SHIFT = 23 - FRACTION_BITS, BINS = 0xFF << FRACTION_BITS };

clvgg_status vgg_histogram_create(vgg_histogram *out)
{
    *out = (vgg_histogram){0};
    VGG_NEW_PASS(out->bins, BINS);
    return CLVGG_STATUS_OK;
}

void vgg_histogram_free(vgg_histogram *histogram)
{
    vgg_free(histogram->bins);
    *histogram = (vgg_histogram){0};
}

bool vgg_histogram_add(vgg_histogram *histogram, const float *values, size_t count)
{
    uint32_t largest = 0, bits;
    for (size_t i = 0; i < count; i++) {
        memcpy(&bits, &values[i], sizeof bits);
        bits &= 0x7FFFFFFF;
        if (bits >> SHIFT >= BINS)
            return false;
        histogram->bins[bits >> SHIFT]++;
        largest = bits > largest ? bits : largest;
    }
    float magnitude;
    memcpy(&magnitude, &largest, sizeof magnitude);
    histogram->largest = magnitude > histogram->largest ? magnitude : histogram->largest;
    histogram->count += count;
    return true;
}

/* Where a bin begins. */
static double edge(uint32_t bin)
{
    const uint32_t bits = bin << SHIFT;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

float vgg_histogram_percentile(const vgg_histogram *histogram, double share)
{
    const double wanted = share * (double)histogram->count;
    double below = 0;
    for (uint32_t bin = 0; bin + 1 < BINS; bin++) {
        below += (double)histogram->bins[bin];
        if (below >= wanted)
            return fminf((float)edge(bin + 1), histogram->largest);
    }
    return histogram->largest;
}

/* Mean square error of a bin's values: those of one level differ from it by what is known, those of
 * several by all that there is between two levels, alike. */
static double bin_noise(double begin, double end, double scale, int levels)
{
    const double middle = (begin + end) / 2, top = scale * levels;
    if (middle > top)
        return (middle - top) * (middle - top);
    if (end - begin >= scale)
        return scale * scale / 12;
    const double off = middle - scale * rint(middle / scale);
    return off * off;
}

static double noise(const vgg_histogram *histogram, double scale, int levels, double *signal)
{
    double sum = 0;
    *signal = 0;
    for (uint32_t bin = 1; bin + 1 < BINS; bin++) {
        if (histogram->bins[bin] == 0)
            continue;
        const double begin = edge(bin), end = fmin(edge(bin + 1), (double)histogram->largest);
        const double many = (double)histogram->bins[bin], middle = (begin + end) / 2;
        sum += many * bin_noise(begin, end, scale, levels);
        *signal += many * middle * middle;
    }
    return sum;
}

float vgg_histogram_best_range(const vgg_histogram *histogram, int levels)
{
    enum { TRIED = 96, STEPS_AN_OCTAVE = 16 }; /* down to a 64th of the largest */
    double best = INFINITY, signal;
    float range = histogram->largest;
    for (int i = 0; i < TRIED; i++) {
        const double tried = (double)histogram->largest * exp2(-(double)i / STEPS_AN_OCTAVE);
        const double sum = noise(histogram, tried / levels, levels, &signal);
        if (sum < best) {
            best = sum;
            range = (float)tried;
        }
    }
    return range;
}

double vgg_histogram_error(const vgg_histogram *histogram, double scale, int levels)
{
    double signal;
    const double sum = noise(histogram, scale, levels, &signal);
    return signal > 0 ? sqrt(sum / signal) : 0;
}

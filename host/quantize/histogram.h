/* quantize/histogram.h — how often values of each magnitude occur, and what quantising them costs.
 *
 * A bin is all magnitudes that have the same exponent and the same 8 first bits of the fraction: it
 * is 0.4 % wide wherever it is, so that nothing must be known of the values in advance, and the
 * counts don't depend on the order in which values come.
 */
#ifndef VGG_QUANTIZE_HISTOGRAM_H
#define VGG_QUANTIZE_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct vgg_histogram {
    uint64_t *bins;
    uint64_t count;
    float largest; /* magnitude */
} vgg_histogram;

clvgg_status vgg_histogram_create(vgg_histogram *out);
void vgg_histogram_free(vgg_histogram *histogram);
/* Counts values. False: one isn't finite. */
bool vgg_histogram_add(vgg_histogram *histogram, const float *values, size_t count);

/* The magnitude that `share` of the values don't exceed, up to a bin's width, and no more than the
 * largest. */
float vgg_histogram_percentile(const vgg_histogram *histogram, double share);
/* The range by which a quantised value's mean square error is least. */
float vgg_histogram_best_range(const vgg_histogram *histogram, int levels);
/* ‖quantised − value‖ / ‖value‖ with levels 0…`levels` (or as many below 0) that are `scale` apart.
 */
double vgg_histogram_error(const vgg_histogram *histogram, double scale, int levels);

#endif

/* report/axis.h — one axis of a chart: its range, where its ticks stand, and where a value lies.
 *
 * Pure arithmetic, so that it is tested without a picture. Values are at most VGG_AXIS_GREATEST in
 * size, and those of a logarithmic axis at least its inverse.
 */
#ifndef VGG_REPORT_AXIS_H
#define VGG_REPORT_AXIS_H

#include <stdbool.h>
#include <stddef.h>

#define VGG_AXIS_GREATEST 1e30
enum { VGG_AXIS_MOST_TICKS = 16 };

typedef struct vgg_axis {
    bool logarithmic;
    double low, high; /* of the range; low < high */
    double ticks[VGG_AXIS_MOST_TICKS];
    size_t tick_count;
} vgg_axis;

/* Around finite values from `least` to `greatest`, with about `wanted` round ticks. Begins at 0
 * where that costs at most a third of the range. */
vgg_axis vgg_axis_linear(double least, double greatest, int wanted);
/* An axis whose ticks are whole numbers. */
vgg_axis vgg_axis_whole(int least, int greatest, int wanted);
/* A little more than least to greatest, 0 < least < greatest. Ticks are powers of ten and, where
 * these are few, twice and five times as much. */
vgg_axis vgg_axis_logarithmic(double least, double greatest, int wanted);
/* 0 at the low end, 1 at the high one. */
double vgg_axis_place(const vgg_axis *axis, double value);

#endif

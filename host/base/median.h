/* base/median.h — the median of measured values. */
#ifndef VGG_BASE_MEDIAN_H
#define VGG_BASE_MEDIAN_H

#include <stdlib.h>

static inline int vgg_compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median; of an even number the upper of the two in the middle. `count` is 1 or more. Sorts the
 * values, so that the least is the first afterwards. */
static inline double vgg_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, vgg_compare_doubles);
    return values[count / 2];
}

#endif

/* base/statistics.h — what a sample of measured times says: order statistics, none of which assumes
 * a distribution. */
#ifndef VGG_BASE_STATISTICS_H
#define VGG_BASE_STATISTICS_H

#include <stddef.h>

/* Fewer values than this have no 95 % interval of their median. */
enum { VGG_INTERVAL_LEAST = 6 };
#define VGG_CONFIDENCE 0.95

typedef struct vgg_statistics {
    double least, median; /* as vgg_median() */
    double p90;           /* the least value that 90 % of all don't exceed */
    double low, high;     /* 95 % confidence interval of the median; NAN where there are too few */
} vgg_statistics;

/* The rank r, from 1 on, for which the interval from the r-th smallest of `count` independent
 * values to the r-th largest holds their distribution's median with at least this probability, and
 * the narrowest such; 0 where even the range doesn't. By the binomial distribution: Conover,
 * Practical Nonparametric Statistics, "confidence interval for a quantile". */
size_t vgg_interval_rank(size_t count, double confidence);
/* Sorts the values [count], one or more. */
vgg_statistics vgg_statistics_of(double *values, size_t count);
/* The median of the later half over that of the earlier, less 1: how values in order of time drift.
 * The one in the middle of an odd number is in neither. 0 for fewer than two. Sorts each half. */
double vgg_drift_of(double *values, size_t count);

#endif

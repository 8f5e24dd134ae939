/* base/statistics.c — ranks of sorted values. */
#include "base/statistics.h"

#include <math.h>

#include "base/median.h"

size_t vgg_interval_rank(size_t count, double confidence)
{
    const double n = (double)count, tail = (1 - confidence) / 2; /* on each side */
    double log_chance = n * log(0.5), below = 0; /* of k heads in n throws; of k or fewer */
    size_t k = 0;
    for (; 2 * k < count; k++) {
        below += exp(log_chance);
        if (below > tail)
            break;
        log_chance += log((n - (double)k) / ((double)k + 1));
    }
    return k;
}

vgg_statistics vgg_statistics_of(double *values, size_t count)
{
    const double median = vgg_median(values, count); /* sorts */
    const size_t rank = vgg_interval_rank(count, VGG_CONFIDENCE);
    return (vgg_statistics){.least = values[0],
                            .median = median,
                            .p90 = values[(9 * count + 9) / 10 - 1],
                            .low = rank > 0 ? values[rank - 1] : NAN,
                            .high = rank > 0 ? values[count - rank] : NAN};
}

double vgg_drift_of(double *values, size_t count)
{
    const size_t half = count / 2;
    if (half == 0)
        return 0;
    return vgg_median(values + count - half, half) / vgg_median(values, half) - 1;
}

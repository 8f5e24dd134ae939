/* vis/class_score.c — see class_score.h. */
#include "vis/class_score.h"

#include <math.h>

vgg_class_score vgg_class_score_of(const float *logits, size_t count, size_t index)
{
    double greatest = -INFINITY, others = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(logits[i]))
            return (vgg_class_score){(double)NAN, (double)NAN};
        if (i != index)
            greatest = fmax(greatest, (double)logits[i]);
    }
    for (size_t i = 0; i < count; i++)
        if (i != index)
            others += exp((double)logits[i] - greatest);
    const double log_odds = (double)logits[index] - greatest - log(others);
    return (vgg_class_score){1 / (1 + exp(-log_odds)), log_odds};
}

int vgg_class_most_probable(const float *logits, size_t count)
{
    size_t best = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(logits[i]))
            return -1;
        if (logits[i] > logits[best])
            best = i;
    }
    return (int)best;
}

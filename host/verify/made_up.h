/* verify/made_up.h — whole numbers that stand for a model's parameters, so that sums are exact. */
#ifndef VGG_VERIFY_MADE_UP_H
#define VGG_VERIFY_MADE_UP_H

#include "base/random.h"
#include "graph/graph.h"

/* Element i of what `which` names: parameters by their positions, and whatever else is numbered. -2
 * … 2; a variance 1 … 4. */
static inline float vgg_made_up(int which, uint64_t i)
{
    const uint64_t bits = vgg_random_bits(vgg_random_bits((uint64_t)which + 7) ^ i) >> 32;
    return which == VGG_VARIANCE ? (float)(1 + bits % 4) : (float)(int)(bits % 5) - 2;
}

#endif

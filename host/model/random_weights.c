/* model/random_weights.c — weights from a counter-based generator: any part of any tensor, in any
 * order, gives the same values, and 138 million of them take under a second.
 */
#include <math.h>

#include "base/hash.h"
#include "base/random.h"
#include "model/model.h"

/* The normal is a sum of four 16-bit uniforms, centred; its variance is 4 · 2³²/12. */
void vgg_model_random_weights(uint64_t seed, const char *tensor, const clvgg_shape *shape,
                              uint64_t first, uint64_t count, float *values)
{
    double fan_in = 1;
    for (int i = 1; i < shape->rank; i++)
        fan_in *= (double)shape->dims[i];
    const double deviation = shape->rank > 1 ? sqrt(2 / fan_in) : 0;
    const float scale = (float)(deviation / (65536 * sqrt(1.0 / 3)));
    const uint64_t start = vgg_hash_characters(VGG_HASH_START, tensor) ^ vgg_random_bits(seed);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t bits = vgg_random_bits(start + first + i);
        const int sum = (int)(bits & 0xFFFF) + (int)(bits >> 16 & 0xFFFF) +
                        (int)(bits >> 32 & 0xFFFF) + (int)(bits >> 48);
        values[i] = (float)(sum - 2 * 0xFFFF) * scale;
    }
}

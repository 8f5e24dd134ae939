/* base/random.h — pseudorandom bits that depend on a counter alone: any of them, in any order. */
#ifndef VGG_BASE_RANDOM_H
#define VGG_BASE_RANDOM_H

#include <stdint.h>

/* Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (2014), the output function:
 * a bijection. Streams of several keys: vgg_random_bits(vgg_random_bits(key) ^ counter). */
static inline uint64_t vgg_random_bits(uint64_t counter)
{
    uint64_t z = counter * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Uniform in [0, 1): multiples of 2^-53, the same on every machine. */
static inline double vgg_random_unit(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

#endif

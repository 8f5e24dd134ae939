/* base/random.h — pseudorandom numbers: bits that depend on a counter alone, so that they can be
 * had in any order, and sequences, in which each number follows from the one before. */
#ifndef VGG_BASE_RANDOM_H
#define VGG_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The output function, a bijection, of Steele, Lea & Flood, Fast Splittable Pseudorandom Number
 * Generators (2014). Of several keys each has a stream of its own:
 * vgg_random_bits(vgg_random_bits(key) ^ counter). */
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

/* The next number of a sequence (linear congruential: low bits have short periods). */
static inline uint32_t vgg_random_next(uint32_t *state)
{
    return *state = *state * 1664525u + 1013904223u;
}

/* 31 bits of a sequence with a longer period. */
static inline uint32_t vgg_random_draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* Fills with uniform noise in [least, most), the same in every run. */
static inline void vgg_random_fill(float *values, size_t count, float least, float most)
{
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(vgg_random_next(&state) >> 8) / 16777216.0f * (most - least) + least;
}

#endif

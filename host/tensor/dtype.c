/* tensor/dtype.c — float16 and bfloat16 to float32 and back, and the search for NaN and infinity.
 *
 * Loops are written without branches or tables, so that compilers turn them into vector code. They
 * work on bits and never on subnormal numbers, so a thread that flushes those gets the same values.
 */
#include "tensor/dtype.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensor files are little-endian");

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* condition ? a : b. Written as a choice, compilers make it a branch around floating-point work,
 * and a loop with a branch doesn't become vector code. */
static uint32_t choose(bool condition, uint32_t a, uint32_t b)
{
    uint32_t mask = 0u - (uint32_t)condition;
    return (a & mask) | (b & ~mask);
}

size_t vgg_dtype_bytes(clvgg_dtype dtype)
{
    return dtype == CLVGG_DTYPE_F32 ? 4 : 2;
}

const char *vgg_dtype_name(clvgg_dtype dtype)
{
    return dtype == CLVGG_DTYPE_F32 ? "F32" : dtype == CLVGG_DTYPE_F16 ? "F16" : "BF16";
}

float vgg_dtype_largest(clvgg_dtype dtype)
{
    return dtype == CLVGG_DTYPE_F32   ? float_of(0x7F7FFFFF)
           : dtype == CLVGG_DTYPE_F16 ? 65504.0f
                                      : float_of(0x7F7F0000);
}

float vgg_f32_from_f16(uint16_t half)
{
    /* f16 is s eeeee mmmmmmmmmm with bias 15; f32 has bias 127 and 13 more bits of mantissa. */
    uint32_t magnitude = (uint32_t)(half & 0x7FFF) << 13;
    uint32_t normal = magnitude + ((127u - 15u) << 23);
    uint32_t special = normal + ((127u - 15u) << 23); /* exponent 31 becomes 255 */
    /* 0.m · 2^-14 is 1.m · 2^-14 less 2^-14. */
    uint32_t small = bits_of(float_of(magnitude + (113u << 23)) - float_of(113u << 23));
    uint32_t bits = choose(magnitude < (1u << 23), small, normal);
    bits = choose(magnitude >= (31u << 23), special, bits);
    return float_of(bits | (uint32_t)(half & 0x8000) << 16);
}

float vgg_f32_from_bf16(uint16_t bits)
{
    return float_of((uint32_t)bits << 16);
}

uint16_t vgg_f16_from_f32(float value)
{
    uint32_t bits = bits_of(value), magnitude = bits & 0x7FFFFFFF;
    /* Round to 10 bits of mantissa: half of the last bit, less one unless that bit is odd. */
    uint32_t normal = (magnitude - ((127u - 15u) << 23) + 0xFFF + (magnitude >> 13 & 1)) >> 13;
    /* Below 2^-14 the unit is 2^-24, the last bit of 0.5: the addition rounds. */
    uint32_t tiny = choose(magnitude < (113u << 23), magnitude, 0);
    uint32_t small = bits_of(float_of(tiny) + 0.5f) - bits_of(0.5f);
    uint32_t half = choose(magnitude < (113u << 23), small, normal);
    half = choose(magnitude >= 0x477FF000u, 0x7C00, half); /* 65520 and above become infinity */
    half = choose(magnitude > 0x7F800000u, 0x7E00 | (magnitude >> 13 & 0x1FF), half); /* NaN */
    return (uint16_t)(half | (bits >> 16 & 0x8000));
}

uint16_t vgg_bf16_from_f32(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    uint32_t quiet = bits >> 16 | 0x40; /* a NaN whose payload would round away or overflow */
    return (uint16_t)choose((bits & 0x7FFFFFFF) > 0x7F800000u, quiet, rounded);
}

/* Loops over arrays, `bytes` of any alignment; restrict lets compilers use vectors. */
#define DEFINE_LOOPS(type)                                                                         \
    static void type##_to_f32(const char *restrict bytes, size_t count, float *restrict out)       \
    {                                                                                              \
        for (size_t i = 0; i < count; i++) {                                                       \
            uint16_t bits;                                                                         \
            memcpy(&bits, bytes + 2 * i, sizeof bits);                                             \
            out[i] = vgg_f32_from_##type(bits);                                                    \
        }                                                                                          \
    }                                                                                              \
    static void type##_from_f32(const float *restrict values, size_t count, char *restrict bytes)  \
    {                                                                                              \
        for (size_t i = 0; i < count; i++) {                                                       \
            uint16_t bits = vgg_##type##_from_f32(values[i]);                                      \
            memcpy(bytes + 2 * i, &bits, sizeof bits);                                             \
        }                                                                                          \
    }
DEFINE_LOOPS(f16)
DEFINE_LOOPS(bf16)

void vgg_to_f32(clvgg_dtype dtype, const void *data, size_t count, float *out)
{
    if (dtype == CLVGG_DTYPE_F16)
        f16_to_f32(data, count, out);
    else if (dtype == CLVGG_DTYPE_BF16)
        bf16_to_f32(data, count, out);
    else if (count > 0)
        memmove(out, data, count * sizeof *out);
}

void vgg_from_f32(clvgg_dtype dtype, const float *values, size_t count, void *out)
{
    if (dtype == CLVGG_DTYPE_F16)
        f16_from_f32(values, count, out);
    else if (dtype == CLVGG_DTYPE_BF16)
        bf16_from_f32(values, count, out);
    else if (count > 0)
        memmove(out, values, count * sizeof *values);
}

/* Without their sign, bits of values are ordered as the values are, with infinity and NaN last. */
static bool any_beyond_32(const char *bytes, size_t count, uint32_t most)
{
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, bytes + 4 * i, sizeof bits);
        found |= (bits & 0x7FFFFFFF) > most;
    }
    return found != 0;
}

static bool any_beyond_16(const char *bytes, size_t count, uint16_t most)
{
    uint16_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, bytes + 2 * i, sizeof bits);
        found = (uint16_t)(found | ((bits & 0x7FFF) > most));
    }
    return found != 0;
}

/* Bits of the largest value of `dtype` that is at most `most`. */
static uint32_t bits_at_most(clvgg_dtype dtype, float most)
{
    if (dtype == CLVGG_DTYPE_F32)
        return bits_of(most);
    const uint16_t bits =
        dtype == CLVGG_DTYPE_F16 ? vgg_f16_from_f32(most) : vgg_bf16_from_f32(most);
    const float value = dtype == CLVGG_DTYPE_F16 ? vgg_f32_from_f16(bits) : vgg_f32_from_bf16(bits);
    return value > most ? bits - 1u : bits;
}

size_t vgg_find_beyond(clvgg_dtype dtype, const void *data, size_t count, float most)
{
    const char *bytes = data;
    const size_t size = vgg_dtype_bytes(dtype), block = 4096;
    const uint32_t limit = bits_at_most(dtype, most);
    for (size_t first = 0; first < count; first += block) {
        const size_t length = count - first < block ? count - first : block;
        const char *from = bytes + first * size;
        if (!(size == 4 ? any_beyond_32(from, length, limit)
                        : any_beyond_16(from, length, (uint16_t)limit)))
            continue;
        while (!(size == 4 ? any_beyond_32(bytes + first * size, 1, limit)
                           : any_beyond_16(bytes + first * size, 1, (uint16_t)limit)))
            first++;
        return first;
    }
    return count;
}

size_t vgg_find_non_finite(clvgg_dtype dtype, const void *data, size_t count)
{
    return vgg_find_beyond(dtype, data, count, vgg_dtype_largest(dtype));
}

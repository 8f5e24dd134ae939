/* base/checksum.c — XXH64 as its specification writes it down. */
#include "base/checksum.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lanes are little-endian");

#define PRIME1 0x9E3779B185EBCA87u
#define PRIME2 0xC2B2AE3D27D4EB4Fu
#define PRIME3 0x165667B19E3779F9u
#define PRIME4 0x85EBCA77C2B2AE63u
#define PRIME5 0x27D4EB2F165667C5u

static uint64_t rotl(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static uint64_t lane64(const unsigned char *bytes)
{
    uint64_t lane;
    memcpy(&lane, bytes, sizeof lane);
    return lane;
}

static uint64_t lane32(const unsigned char *bytes)
{
    uint32_t lane;
    memcpy(&lane, bytes, sizeof lane);
    return lane;
}

static uint64_t mix(uint64_t accumulator, uint64_t lane)
{
    return rotl(accumulator + lane * PRIME2, 31) * PRIME1;
}

static uint64_t merge(uint64_t accumulator, uint64_t other)
{
    return (accumulator ^ mix(0, other)) * PRIME1 + PRIME4;
}

/* Takes whole stripes of 32 bytes, four accumulators side by side, and converges them. */
static uint64_t take_stripes(const unsigned char **at, const unsigned char *end, uint64_t seed)
{
    const unsigned char *bytes = *at;
    uint64_t a = seed + PRIME1 + PRIME2, b = seed + PRIME2, c = seed, d = seed - PRIME1;
    for (; end - bytes >= 32; bytes += 32) {
        a = mix(a, lane64(bytes));
        b = mix(b, lane64(bytes + 8));
        c = mix(c, lane64(bytes + 16));
        d = mix(d, lane64(bytes + 24));
    }
    *at = bytes;
    uint64_t hash = rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18);
    return merge(merge(merge(merge(hash, a), b), c), d);
}

uint64_t vgg_checksum(const void *data, size_t bytes, uint64_t seed)
{
    const unsigned char *at = data, *end = at + bytes;
    uint64_t hash = bytes >= 32 ? take_stripes(&at, end, seed) : seed + PRIME5;
    hash += bytes;
    for (; end - at >= 8; at += 8)
        hash = rotl(hash ^ mix(0, lane64(at)), 27) * PRIME1 + PRIME4;
    if (end - at >= 4) {
        hash = rotl(hash ^ lane32(at) * PRIME1, 23) * PRIME2 + PRIME3;
        at += 4;
    }
    for (; at < end; at++)
        hash = rotl(hash ^ *at * PRIME5, 11) * PRIME1;
    hash = (hash ^ hash >> 33) * PRIME2;
    hash = (hash ^ hash >> 29) * PRIME3;
    return hash ^ hash >> 32;
}

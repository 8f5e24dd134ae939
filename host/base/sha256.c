/* base/sha256.c — SHA-256 as FIPS 180-4 writes it down; its names are the standard's. */
#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* The message schedule W of one block of 64 bytes. */
static void expand(const unsigned char *block, uint32_t w[64])
{
    for (int t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < 64; t++) {
        const uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
        const uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
}

/* One round of eight that begin with a … h in v[0 … 7]. The standard moves each value to the next
 * name; here the names move: in round t, V(i) is its i-th. With t constant they lie in registers.
 */
#define V(i) v[((i)-t) & 7]
static inline void take_round(uint32_t v[8], int t, uint32_t k, uint32_t w)
{
    const uint32_t sum1 = rotr(V(4), 6) ^ rotr(V(4), 11) ^ rotr(V(4), 25);
    const uint32_t choice = (V(4) & V(5)) ^ (~V(4) & V(6));
    const uint32_t t1 = V(7) + sum1 + choice + k + w;
    const uint32_t sum0 = rotr(V(0), 2) ^ rotr(V(0), 13) ^ rotr(V(0), 22);
    const uint32_t majority = (V(0) & V(1)) ^ (V(0) & V(2)) ^ (V(1) & V(2));
    V(3) += t1;
    V(7) = t1 + sum0 + majority;
}
#undef V

static void take_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t words[64], v[8]; /* v: the standard's a … h */
    expand(block, words);
    memcpy(v, state, sizeof v);
    for (int i = 0; i < 64; i += 8) {
        const uint32_t *k = round_constants + i, *w = words + i;
        take_round(v, 0, k[0], w[0]);
        take_round(v, 1, k[1], w[1]);
        take_round(v, 2, k[2], w[2]);
        take_round(v, 3, k[3], w[3]);
        take_round(v, 4, k[4], w[4]);
        take_round(v, 5, k[5], w[5]);
        take_round(v, 6, k[6], w[6]);
        take_round(v, 7, k[7], w[7]);
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

vgg_sha256 vgg_sha256_begin(void)
{
    return (vgg_sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                  0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void vgg_sha256_add(vgg_sha256 *hash, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    while (bytes > 0) {
        const size_t held = hash->length % sizeof hash->block;
        const size_t room = sizeof hash->block - held;
        const size_t taken = bytes < room ? bytes : room;
        memcpy(hash->block + held, at, taken);
        hash->length += taken;
        at += taken;
        bytes -= taken;
        if (taken == room)
            take_block(hash->state, hash->block);
    }
}

void vgg_sha256_end(vgg_sha256 *hash, unsigned char digest[VGG_SHA256_BYTES])
{
    static const unsigned char padding[64] = {0x80};
    const uint64_t bits = hash->length * 8;
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    vgg_sha256_add(hash, padding, 1 + (119 - hash->length % 64) % 64);
    vgg_sha256_add(hash, length, sizeof length);
    for (int i = 0; i < VGG_SHA256_BYTES; i++)
        digest[i] = (unsigned char)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

void vgg_sha256_end_hex(vgg_sha256 *hash, char hex[VGG_SHA256_HEX])
{
    unsigned char digest[VGG_SHA256_BYTES];
    vgg_sha256_end(hash, digest);
    for (int i = 0; i < VGG_SHA256_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

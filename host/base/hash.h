/* base/hash.h — FNV-1a of 64 bits, for fingerprints: two of them are equal where all that went in
 * is equal, and hardly ever elsewhere. They don't withstand a search for collisions.
 */
#ifndef VGG_BASE_HASH_H
#define VGG_BASE_HASH_H

#include <stdint.h>

#define VGG_HASH_START UINT64_C(14695981039346656037)

static inline uint64_t vgg_hash_number(uint64_t hash, uint64_t number)
{
    return (hash ^ number) * UINT64_C(1099511628211);
}

static inline uint64_t vgg_hash_characters(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = vgg_hash_number(hash, (unsigned char)*text);
    return hash;
}

/* Hashes the text with its end, so that "ab", "c" differ from "a", "bc". */
static inline uint64_t vgg_hash_text(uint64_t hash, const char *text)
{
    return vgg_hash_number(vgg_hash_characters(hash, text), 0xFF);
}

#endif

/* base/hash.h — FNV-1a, for fingerprints: what differs in one of the things that went in differs.
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

/* With its end, so that two texts differ from the same letters in one. */
static inline uint64_t vgg_hash_text(uint64_t hash, const char *text)
{
    return vgg_hash_number(vgg_hash_characters(hash, text), 0xFF);
}

#endif

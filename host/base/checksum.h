/* base/checksum.h — XXH64 (Yann Collet, https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md):
 * 64 bits, several bytes a cycle. It finds damage, not forgery: against that there is SHA-256. */
#ifndef VGG_BASE_CHECKSUM_H
#define VGG_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t vgg_checksum(const void *data, size_t bytes, uint64_t seed);

#endif

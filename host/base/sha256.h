/* base/sha256.h — SHA-256 (FIPS 180-4), for what must not be confused: sources and stored values.
 */
#ifndef VGG_BASE_SHA256_H
#define VGG_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { VGG_SHA256_BYTES = 32, VGG_SHA256_HEX = 65 };

typedef struct vgg_sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes taken so far */
    unsigned char block[64];
} vgg_sha256;

vgg_sha256 vgg_sha256_begin(void);
void vgg_sha256_add(vgg_sha256 *hash, const void *data, size_t bytes);
void vgg_sha256_end(vgg_sha256 *hash, unsigned char digest[VGG_SHA256_BYTES]);
/* Ends too; gives hexadecimal with a NUL. */
void vgg_sha256_end_hex(vgg_sha256 *hash, char hex[VGG_SHA256_HEX]);

#endif

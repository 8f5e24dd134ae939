/* base/crc32.h — the checksum that zip archives have: CRC-32 with the polynomial of ISO-HDLC, bits
 * reflected (PKWARE, APPNOTE.TXT, 4.4.7). */
#ifndef VGG_BASE_CRC32_H
#define VGG_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what `crc` was of, 0 for nothing, and these bytes behind it. Threads: any. */
uint32_t vgg_crc32(uint32_t crc, const void *data, size_t bytes);

#endif

/* base/crc32.c — CRC-32, sixteen bytes a step: each table gives what a byte does to the remainder
 * when so many bytes follow it (Kounavis and Berry, 2005).
 */
#include "base/crc32.h"

#include <pthread.h>

enum { SLICES = 16 };

static uint32_t table[SLICES][256];
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void make_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t remainder = byte;
        for (int bit = 0; bit < 8; bit++)
            remainder = remainder >> 1 ^ (remainder & 1 ? 0xEDB88320u : 0);
        table[0][byte] = remainder;
    }
    for (int slice = 1; slice < SLICES; slice++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            const uint32_t before = table[slice - 1][byte];
            table[slice][byte] = before >> 8 ^ table[0][before & 0xFF];
        }
}

uint32_t vgg_crc32(uint32_t crc, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    pthread_once(&made, make_table);
    crc = ~crc;
    for (; bytes >= SLICES; bytes -= SLICES, at += SLICES) {
        uint32_t next = 0;
        for (int i = 0; i < SLICES; i++)
            next ^= table[SLICES - 1 - i][i < 4 ? at[i] ^ (crc >> 8 * i & 0xFF) : at[i]];
        crc = next;
    }
    while (bytes-- > 0)
        crc = crc >> 8 ^ table[0][(crc ^ *at++) & 0xFF];
    return ~crc;
}

/* tests/fuzz/fuzz_webp.c — any bytes behind a WebP's beginning: measured, decoded, or refused.
 * fuzz_image.c tries beginnings. */
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { BEGINNING = 12, LARGEST = 1 << 16 };
    static uint8_t bytes[BEGINNING + LARGEST];
    vgg_image_cost cost;
    clvgg_image *image;
    if (size > LARGEST)
        return 0;
    memcpy(bytes, "RIFF\0\0\0\0WEBP", BEGINNING);
    for (int i = 0; i < 4; i++)
        bytes[4 + i] = (uint8_t)((size + 4) >> 8 * i);
    memcpy(bytes + BEGINNING, data, size);
    if (vgg_image_decode(bytes, BEGINNING + size, "fuzz", &image) != CLVGG_STATUS_OK)
        return 0;
    if (vgg_image_measure(bytes, BEGINNING + size, "fuzz", &cost) != CLVGG_STATUS_OK ||
        cost.decode_bytes < (uint64_t)image->width * (uint64_t)image->height * 3)
        abort(); /* what was decoded must be measured */
    vgg_image_free(image);
    return 0;
}

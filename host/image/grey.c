/* image/grey.c — luma of ITU-R 601-2 in 16-bit fixed point, as Pillow's convert("L") rounds it.
 * Source: Pillow, src/libImaging/Convert.c (L24).
 */
#include "image/grey.h"

#include <string.h>

#include "base/alloc.h"

static uint8_t luma(const uint8_t *rgb)
{
    return (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 0x8000u) >> 16);
}

clvgg_status vgg_image_grey(const vgg_image_part *part, uint8_t **pixels, vgg_image_part *out)
{
    const size_t row_bytes = 3 * (size_t)part->width;
    VGG_NEW_PASS(*pixels, row_bytes * (size_t)part->height);
    for (size_t y = 0; y < (size_t)part->height; y++)
        for (size_t x = 0; x < row_bytes; x += 3)
            memset(*pixels + y * row_bytes + x, luma(part->pixels + y * part->row_bytes + x), 3);
    *out = (vgg_image_part){*pixels, part->width, part->height, row_bytes};
    return CLVGG_STATUS_OK;
}

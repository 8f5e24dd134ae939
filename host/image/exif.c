/* image/exif.c — reads tag 0x0112 of the first EXIF directory, and turns pixels upright.
 *
 * Source: TIFF 6.0, section 2, and Exif 2.3, tag Orientation. Every offset is checked against the
 * data; anything odd means upright.
 */
#include "image/exif.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

#define TAG_ORIENTATION 0x0112
/* Types of whole numbers; BYTE means raw bytes to other readers. */
enum { SHORT = 3, LONG = 4, SBYTE = 6, SSHORT = 8, SLONG = 9, IFD = 13 };

static uint32_t number(const uint8_t *at, int byte_count, bool little_endian)
{
    uint32_t value = 0;
    for (int i = 0; i < byte_count; i++)
        value = value << 8 | at[little_endian ? byte_count - 1 - i : i];
    return value;
}

/* The first value of a directory entry (tag 2, type 2, count 4, value or offset 4 bytes) of any
 * type of whole numbers; 0 for others. */
static uint32_t first_value(const uint8_t *tiff, size_t byte_count, const uint8_t *entry,
                            bool little_endian)
{
    static const uint8_t sizes[] = {
        [SHORT] = 2, [LONG] = 4, [SBYTE] = 1, [SSHORT] = 2, [SLONG] = 4, [IFD] = 4};
    const uint32_t type = number(entry + 2, 2, little_endian);
    const uint64_t count = number(entry + 4, 4, little_endian);
    const int size = type < sizeof sizes ? sizes[type] : 0;
    if (size == 0 || count == 0)
        return 0;
    if (count * (uint64_t)size <= 4)
        return number(entry + 8, size, little_endian);
    const uint64_t offset = number(entry + 8, 4, little_endian);
    return offset + count * (uint64_t)size <= byte_count
               ? number(tiff + offset, size, little_endian)
               : 0;
}

int vgg_exif_orientation(const uint8_t *exif, size_t byte_count)
{
    const uint8_t *tiff = exif;
    if (byte_count > VGG_EXIF_SIGNATURE_BYTES &&
        memcmp(exif, VGG_EXIF_SIGNATURE, VGG_EXIF_SIGNATURE_BYTES) == 0) {
        tiff += VGG_EXIF_SIGNATURE_BYTES;
        byte_count -= VGG_EXIF_SIGNATURE_BYTES;
    }
    if (byte_count < 8)
        return 0;
    bool little_endian = memcmp(tiff, "II", 2) == 0;
    if (!little_endian && memcmp(tiff, "MM", 2) != 0)
        return 0;
    size_t directory = number(tiff + 4, 4, little_endian);
    if (number(tiff + 2, 2, little_endian) != 42 || directory > byte_count - 2)
        return 0;
    size_t entry_count = number(tiff + directory, 2, little_endian);
    for (size_t i = 0; i < entry_count; i++) {
        size_t offset = directory + 2 + i * 12;
        if (offset + 12 > byte_count)
            break;
        if (number(tiff + offset, 2, little_endian) != TAG_ORIENTATION)
            continue;
        uint32_t orientation = first_value(tiff, byte_count, tiff + offset, little_endian);
        return orientation <= 8 ? (int)orientation : 0;
    }
    return 0;
}

clvgg_status vgg_image_orient(clvgg_image *image, int orientation)
{
    uint8_t *upright = NULL;
    if (orientation <= 1)
        return CLVGG_STATUS_OK;
    /* Directions of the picture's rows and columns in the stored one, by Exif's table. */
    bool swap = orientation >= 5;
    bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    ptrdiff_t stored_width = image->width, stored_height = image->height;
    ptrdiff_t step_x = mirror_x ? -3 : 3;
    ptrdiff_t step_y = (mirror_y ? -3 : 3) * stored_width;
    const uint8_t *origin = image->pixels + (mirror_x ? (stored_width - 1) * 3 : 0) +
                            (mirror_y ? (stored_height - 1) * stored_width * 3 : 0);
    ptrdiff_t width = swap ? stored_height : stored_width;
    ptrdiff_t height = swap ? stored_width : stored_height;
    VGG_NEW_PASS(upright, (size_t)(width * height) * 3);
    uint8_t *to = upright;
    for (ptrdiff_t y = 0; y < height; y++) {
        const uint8_t *from = origin + y * (swap ? step_x : step_y);
        for (ptrdiff_t x = 0; x < width; x++, to += 3, from += swap ? step_y : step_x)
            memcpy(to, from, 3);
    }
    vgg_free(image->pixels);
    image->pixels = upright;
    image->width = (int)width;
    image->height = (int)height;
    return CLVGG_STATUS_OK;
}

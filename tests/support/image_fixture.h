/* tests/support/image_fixture.h — the pictures of tests/data/images and their expected pixels. */
#ifndef TEST_SUPPORT_IMAGE_FIXTURE_H
#define TEST_SUPPORT_IMAGE_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

/* Expected pixels: uint8 RGB [height][width][3]. */
typedef struct ppm {
    int width, height;
    uint8_t *pixels; /* into content */
    char *content;
} ppm;

/* The .ppm beside `path` (any ending). Aborts when it can't be read. Free with ppm_free(). */
ppm ppm_read(const char *path);
void ppm_free(ppm *picture);

/* Calls visit() for every image of the folder that this build can read, and returns their number.
 */
size_t image_fixtures_visit(void (*visit)(const char *path));

/* CRC-32 as PNG's chunks and zlib have it. */
uint32_t crc32_of(const uint8_t *bytes, size_t count);

/* A PNG's or JPEG's header that claims a size, with nothing behind it. Returns its length. */
size_t png_header(uint8_t *bytes, uint32_t width, uint32_t height);
size_t jpeg_header(uint8_t *bytes, uint32_t width, uint32_t height);

#endif

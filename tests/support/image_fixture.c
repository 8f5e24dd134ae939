/* tests/support/image_fixture.c — see image_fixture.h. */
#include "support/image_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"
#include "support/files.h"

#define FOLDER PROJECT_ROOT "/tests/data/images/"

ppm ppm_read(const char *path)
{
    char name[512];
    size_t size = 0;
    int header = 0;
    ppm picture = {0};
    const char *dot = strrchr(path, '.');
    snprintf(name, sizeof name, "%.*s.ppm", (int)(dot - path), path);
    picture.content = file_read(name, &size);
    if (sscanf(picture.content, "P6 %d %d 255%n", &picture.width, &picture.height, &header) != 2 ||
        (size_t)header + 1 + (size_t)(picture.width * picture.height) * 3 != size) {
        fprintf(stderr, "%s: not as expected\n", name);
        abort();
    }
    picture.pixels = (uint8_t *)picture.content + header + 1;
    return picture;
}

void ppm_free(ppm *picture)
{
    free(picture->content);
    *picture = (ppm){0};
}

size_t image_fixtures_visit(void (*visit)(const char *path))
{
    size_t count = 0;
    DIR *folder = opendir(FOLDER);
    if (folder == NULL)
        abort();
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot == NULL || !vgg_image_is_named(dot))
            continue;
        char path[512];
        snprintf(path, sizeof path, FOLDER "%s", entry->d_name);
        visit(path);
        count++;
    }
    closedir(folder);
    return count;
}

static void put(uint8_t *at, uint32_t value, int byte_count)
{
    for (int i = 0; i < byte_count; i++)
        at[i] = (uint8_t)(value >> 8 * (byte_count - 1 - i));
}

uint32_t crc32_of(const uint8_t *bytes, size_t count)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    }
    return ~crc;
}

size_t png_header(uint8_t *bytes, uint32_t width, uint32_t height)
{
    memcpy(bytes, "\x89PNG\r\n\x1A\n\0\0\0\rIHDR", 16);
    put(bytes + 16, width, 4);
    put(bytes + 20, height, 4);
    memcpy(bytes + 24, "\x08\x02\0\0\0", 5); /* 8-bit RGB */
    put(bytes + 29, crc32_of(bytes + 12, 17), 4);
    return 33;
}

size_t jpeg_header(uint8_t *bytes, uint32_t width, uint32_t height)
{
    static const uint8_t frame[] = {0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 0, 0, 0, 1, 1, 0x11, 0};
    static const uint8_t scan[] = {0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0};
    memcpy(bytes, frame, sizeof frame);
    memcpy(bytes + sizeof frame, scan, sizeof scan);
    put(bytes + 7, height, 2);
    put(bytes + 9, width, 2);
    return sizeof frame + sizeof scan;
}

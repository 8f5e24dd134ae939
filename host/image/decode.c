/* image/decode.c — tells formats apart by content and hands over to the decoder.
 *
 * A file's name plays no part but in folders, where it tells which files to try. A new format is a
 * row in `formats` and a file like png_read.c.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/damaged.h"
#include "base/file.h"
#include "base/pipe.h"
#include "image/decoders.h"

typedef struct image_format {
    const char *magic;
    size_t magic_bytes;
    const char *kind;       /* the four bytes from the ninth on, or NULL: any */
    const char *endings[5]; /* of files' names, in lower case */
    const char *without;    /* what a build says that has no decoder: the next two are NULL */
    clvgg_status (*decode)(const uint8_t *bytes, size_t byte_count, clvgg_image *image);
    clvgg_status (*measure)(const uint8_t *bytes, size_t byte_count, vgg_image_cost *cost);
} image_format;

#ifdef CLVGG_HAVE_PNG
#define PNG_DECODER vgg_png_decode, vgg_png_measure
#else
#define PNG_DECODER NULL, NULL
#endif
#ifdef CLVGG_HAVE_JPEG
#define JPEG_DECODER vgg_jpeg_decode, vgg_jpeg_measure
#else
#define JPEG_DECODER NULL, NULL
#endif
#ifdef CLVGG_HAVE_WEBPDEMUX
#define WEBP_ENDING ".webp"
#define WEBP_DECODER vgg_webp_decode, vgg_webp_measure
#else
#define WEBP_ENDING NULL /* named among what folders hold besides images */
#define WEBP_DECODER NULL, NULL
#endif

static const image_format formats[] = {
    {"\x89PNG\r\n\x1A\n", 8, NULL, {".png"}, "a PNG image; this build has no libpng", PNG_DECODER},
    {"\xFF\xD8\xFF",
     3,
     NULL,
     {".jpg", ".jpeg", ".jpe", ".jfif"},
     "a JPEG image; this build has no libjpeg",
     JPEG_DECODER},
    {"RIFF", 4, "WEBP", {WEBP_ENDING}, "a WebP image; this build has no libwebp", WEBP_DECODER},
};

/* NULL when none has such a beginning. */
static const image_format *find_format(const uint8_t *bytes, size_t byte_count)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (byte_count >= formats[i].magic_bytes &&
            memcmp(bytes, formats[i].magic, formats[i].magic_bytes) == 0 &&
            (formats[i].kind == NULL ||
             (byte_count >= VGG_IMAGE_MAGIC_BYTES && memcmp(bytes + 8, formats[i].kind, 4) == 0)))
            return &formats[i];
    return NULL;
}

bool vgg_image_is_known(const void *bytes, size_t byte_count)
{
    return find_format(bytes, byte_count) != NULL;
}

bool vgg_image_is_named(const char *name)
{
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        for (const char *const *ending = formats[i].endings; *ending != NULL; ending++)
            if (length >= strlen(*ending) &&
                strcasecmp(name + length - strlen(*ending), *ending) == 0)
                return true;
    return false;
}

static clvgg_status need_format(const uint8_t *bytes, size_t byte_count, const image_format **out)
{
    *out = find_format(bytes, byte_count);
    if (*out != NULL)
        return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_BAD_FILE,
                    byte_count == 0 ? "an empty file" : "not a PNG, JPEG or WebP image");
}

clvgg_status vgg_image_check_size(uint64_t width, uint64_t height, uint64_t most)
{
    char problem[64] = "";
    if (width == 0 || height == 0)
        snprintf(problem, sizeof problem, "no pixels");
    else if (width > VGG_IMAGE_SIDE_MAX || height > VGG_IMAGE_SIDE_MAX)
        snprintf(problem, sizeof problem, "more than %d a side", VGG_IMAGE_SIDE_MAX);
    else if (width * height > most)
        snprintf(problem, sizeof problem, "more than %d million pixels", (int)(most / 1000000));
    else
        return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "%llu x %llu pixels: %s", (unsigned long long)width,
                    (unsigned long long)height, problem);
}

clvgg_status vgg_image_check_density(uint64_t width, uint64_t height, size_t byte_count,
                                     uint64_t pixels_per_byte)
{
    if (width * height / pixels_per_byte <= byte_count)
        return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "truncated: %zu bytes can't hold %llu x %llu pixels",
                    byte_count, (unsigned long long)width, (unsigned long long)height);
}

/* The rounding is exact: floor(x / 255 + 1/2). */
void vgg_image_composite_on_white(uint8_t *pixels, size_t pixel_count)
{
    const uint8_t *from = pixels;
    uint8_t *to = pixels;
    for (size_t i = 0; i < pixel_count; i++, from += 4, to += 3) {
        unsigned alpha = from[3];
        for (int c = 0; c < 3; c++) {
            unsigned blend = from[c] * alpha + 255u * (255u - alpha) + 128u;
            to[c] = (uint8_t)((blend + (blend >> 8)) >> 8);
        }
    }
}

clvgg_status vgg_image_decode(const void *bytes, size_t byte_count, const char *name,
                              clvgg_image **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const image_format *format = NULL;
    clvgg_image *image = NULL;
    *out = NULL;
    VGG_TRY(need_format(bytes, byte_count, &format));
    VGG_REQUIRE(format->decode != NULL, CLVGG_STATUS_UNSUPPORTED, "%s", format->without);
    VGG_NEW(image, 1);
    image->scope = vgg_scope_current();
    VGG_TRY(format->decode(bytes, byte_count, image));
    if (image->warning_count > 0)
        VGG_TRY(vgg_damaged_note(name));
    VGG_GIVE(out, image);
cleanup:
    vgg_image_free(image);
    return vgg_prefixed(status, "%s", name);
}

clvgg_status vgg_image_measure(const void *bytes, size_t byte_count, const char *name,
                               vgg_image_cost *cost)
{
    const image_format *format = NULL;
    clvgg_status status = need_format(bytes, byte_count, &format);
    *cost = (vgg_image_cost){0}; /* without a decoder; decoding will say that there is none */
    if (status == CLVGG_STATUS_OK && format->measure != NULL)
        status = format->measure(bytes, byte_count, cost);
    return vgg_prefixed(status, "%s", name);
}

clvgg_status vgg_image_read(const char *path, clvgg_image **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char *bytes = NULL;
    size_t byte_count = 0;
    *out = NULL;
    VGG_TRY((vgg_pipe_is_at(path) ? vgg_pipe_read_all : vgg_file_read_all)(
        path, VGG_IMAGE_FILE_BYTES_MAX, &bytes, &byte_count));
    VGG_TRY(vgg_image_decode(bytes, byte_count, path, out));
cleanup:
    vgg_free(bytes);
    return status;
}

void vgg_image_free(clvgg_image *image)
{
    if (image == NULL)
        return;
    vgg_free(image->pixels);
    vgg_free(image);
}

/* report/thumbnail.c — read, reduce, compress, encode. */
#include "report/thumbnail.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h> /* jpeglib.h needs FILE */
#include <stdlib.h>

#include "report/memory.h"

clvgg_status vgg_thumbnail_pixels(const clvgg_image *image, int width, int height, uint8_t *rgb)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t pixels = (size_t)width * (size_t)height;
    float *planes = NULL;
    clvgg_preprocess preprocess;
    clvgg_preprocess_defaults(&preprocess);
    preprocess.mode = CLVGG_RESIZE_SQUASH;
    preprocess.width = width;
    preprocess.height = height;
    preprocess.scale = 1;
    for (int c = 0; c < 3; c++) {
        preprocess.mean[c] = 0;
        preprocess.std[c] = 1;
    }
    VGG_MEMORY_NEW(planes, 3 * pixels, "the values of a small picture");
    VGG_TRY(clvgg_image_prepare(image, &preprocess, planes));
    for (size_t i = 0; i < 3 * pixels; i++) /* planes to pixels */
        rgb[i] = (uint8_t)fminf(fmaxf(planes[i % 3 * pixels + i / 3] + 0.5F, 0), 255);
cleanup:
    vgg_memory_free(planes);
    return status;
}

#ifdef CLVGG_HAVE_JPEG

#include <jpeglib.h>

/* State that must survive a longjmp. */
typedef struct encoder {
    struct jpeg_compress_struct codec;
    struct jpeg_error_mgr errors;
    jmp_buf escape;
    unsigned char *bytes; /* malloc()'s, by libjpeg */
    unsigned long size;
} encoder;

static void fail(j_common_ptr codec)
{
    encoder *e = codec->client_data;
    longjmp(e->escape, 1);
}

static void stay_silent(j_common_ptr codec, int level)
{
    (void)codec, (void)level;
}

/* False: out of memory, which is all that can go wrong. */
static bool compress(encoder *e, const uint8_t *rgb, int width, int height)
{
    enum { QUALITY = 82 };
    e->codec.err = jpeg_std_error(&e->errors);
    e->codec.client_data = e;
    e->errors.error_exit = fail;
    e->errors.emit_message = stay_silent;
    if (setjmp(e->escape) != 0)
        return false;
    jpeg_create_compress(&e->codec);
    jpeg_mem_dest(&e->codec, &e->bytes, &e->size);
    e->codec.image_width = (JDIMENSION)width;
    e->codec.image_height = (JDIMENSION)height;
    e->codec.input_components = 3;
    e->codec.in_color_space = JCS_RGB;
    jpeg_set_defaults(&e->codec);
    jpeg_set_quality(&e->codec, QUALITY, TRUE);
    e->codec.optimize_coding = TRUE;
    jpeg_start_compress(&e->codec, TRUE);
    while (e->codec.next_scanline < e->codec.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(rgb + 3 * (size_t)width * e->codec.next_scanline);
        jpeg_write_scanlines(&e->codec, &row, 1);
    }
    jpeg_finish_compress(&e->codec);
    return true;
}

static void append_base64(vgg_text *text, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        const unsigned b = i + 1 < count ? bytes[i + 1] : 0, c = i + 2 < count ? bytes[i + 2] : 0;
        const unsigned group = (unsigned)bytes[i] << 16 | b << 8 | c;
        const char four[] = {digits[group >> 18], digits[group >> 12 & 63],
                             i + 1 < count ? digits[group >> 6 & 63] : '=',
                             i + 2 < count ? digits[group & 63] : '='};
        vgg_text_append(text, four, sizeof four);
    }
}

clvgg_status vgg_thumbnail_append(vgg_text *text, clvgg_runtime *runtime, const char *path,
                                  int side, int *width, int *height)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_image *image = NULL;
    encoder e = {.size = 0};
    uint8_t *rgb = NULL;
    VGG_TRY(clvgg_image_read(runtime, path, &image));
    const double across = clvgg_image_width(image), down = clvgg_image_height(image);
    const double share = fmin(1, side / fmax(across, down));
    *width = (int)fmax(1, round(across * share));
    *height = (int)fmax(1, round(down * share));
    VGG_MEMORY_NEW(rgb, 3 * (size_t)*width * (size_t)*height, "a small picture");
    VGG_TRY(vgg_thumbnail_pixels(image, *width, *height, rgb));
    const bool compressed = compress(&e, rgb, *width, *height);
    jpeg_destroy_compress(&e.codec);
    VGG_REQUIRE(compressed, CLVGG_STATUS_OUT_OF_MEMORY, "%s: out of memory for its small version", path);
    vgg_text_puts(text, "data:image/jpeg;base64,");
    append_base64(text, e.bytes, e.size);
cleanup:
    free(e.bytes);
    vgg_memory_free(rgb);
    clvgg_image_free(image);
    return status;
}

#else

clvgg_status vgg_thumbnail_append(vgg_text *text, clvgg_runtime *runtime, const char *path,
                                  int side, int *width, int *height)
{
    (void)text, (void)runtime, (void)side, (void)width, (void)height;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "%s: pictures inside of a page need libjpeg, and this program is built without",
                    path);
}

#endif

/* image/png_read.c — PNG through libpng: every colour type, depth and interlacing to 8-bit RGB.
 *
 * Alpha and tRNS are composited on white; 16 bits are scaled to 8; the orientation in eXIf is
 * applied; gamma, colour profiles and every other ancillary chunk are skipped unread. Damage that
 * libpng passes over, and any behind the last row, IEND's absence included, is counted; other
 * damage is an error.
 */
#include "image/decoders.h"

#ifdef CLVGG_HAVE_PNG

#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "image/exif.h"

/* State that must survive a longjmp; it lives in the caller's frame. */
typedef struct png_reader {
    const uint8_t *bytes;
    size_t byte_count, position;
    png_structp png;
    png_infop info;
    png_bytepp rows; /* [height], into the image's pixels */
    clvgg_image *image;
    size_t row_bytes;
    bool out_of_memory, ends_early;
    bool has_rows; /* and their checksums are right */
    clvgg_status status;
    jmp_buf escape;
} png_reader;

/* Deflate stores at most 1032 bytes in one; a pixel takes at least one bit. */
#define DEFLATE_RATIO_MAX 1032

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The orientation in the first eXIf chunk, which may come before the picture's data or behind. */
static int find_orientation(const uint8_t *bytes, size_t byte_count)
{
    for (size_t at = 8; byte_count - at >= 12;) {
        const size_t length = big_endian(bytes + at), room = byte_count - at - 12;
        if (length > room)
            break;
        if (memcmp(bytes + at + 4, "eXIf", 4) == 0)
            return vgg_exif_orientation(bytes + at + 8, length);
        at += length + 12;
    }
    return 0;
}

/* Checks the size that the IHDR chunk claims, ahead of libpng, whose messages leave it out. */
static clvgg_status check_header(const uint8_t *bytes, size_t byte_count)
{
    VGG_CHECK(byte_count >= 33, CLVGG_STATUS_BAD_FILE, "truncated PNG: the header is cut");
    VGG_CHECK(memcmp(bytes + 12, "IHDR", 4) == 0, CLVGG_STATUS_BAD_FILE,
              "damaged PNG: no header chunk");
    uint32_t width = big_endian(bytes + 16), height = big_endian(bytes + 20);
    VGG_PASS(vgg_image_check_size(width, height, VGG_IMAGE_PIXELS_MAX));
    static const uint8_t channels[8] = {[0] = 1, [2] = 3, [3] = 1, [4] = 2, [6] = 4};
    uint64_t pixel_bits = (uint64_t)bytes[24] * channels[bytes[25] & 7];
    VGG_CHECK(pixel_bits > 0, CLVGG_STATUS_BAD_FILE, "damaged PNG: bit depth %d, colour type %d",
              bytes[24], bytes[25]);
    return vgg_image_check_density(width, height, byte_count,
                                   (DEFLATE_RATIO_MAX * 8 + pixel_bits - 1) / pixel_bits);
}

static png_voidp allocate(png_structp png, png_alloc_size_t bytes)
{
    png_reader *reader = png_get_mem_ptr(png);
    void *memory = vgg_calloc(bytes, 1);
    if (memory == NULL)
        reader->out_of_memory = true;
    return memory;
}

static void release(png_structp png, png_voidp memory)
{
    (void)png;
    vgg_free(memory);
}

static void fail(png_structp png, png_const_charp text)
{
    png_reader *reader = png_get_error_ptr(png);
    if (reader->out_of_memory)
        reader->status = CLVGG_STATUS_OUT_OF_MEMORY; /* the allocation wrote the message */
    else if (reader->has_rows)
        reader->image->warning_count++;
    else if (reader->ends_early)
        reader->status = vgg_fail(CLVGG_STATUS_BAD_FILE, "truncated PNG: ends after %zu bytes",
                                  reader->byte_count);
    else
        reader->status = vgg_fail(CLVGG_STATUS_BAD_FILE, "damaged PNG: %s", text);
    longjmp(reader->escape, 1);
}

static void warn(png_structp png, png_const_charp text)
{
    png_reader *reader = png_get_error_ptr(png);
    (void)text;
    reader->image->warning_count++;
}

static void read_bytes(png_structp png, png_bytep data, size_t count)
{
    png_reader *reader = png_get_io_ptr(png);
    if (count > reader->byte_count - reader->position) {
        reader->ends_early = true;
        png_error(png, "truncated");
    }
    memcpy(data, reader->bytes + reader->position, count);
    reader->position += count;
}

static void configure(png_reader *reader)
{
    png_structp png = reader->png;
    png_set_read_fn(png, reader, read_bytes);
    png_set_user_limits(png, VGG_IMAGE_SIDE_MAX, VGG_IMAGE_SIDE_MAX);
    png_set_chunk_cache_max(png, 128);
    png_set_chunk_malloc_max(png, 8u << 20);
    /* -1: unknown chunks and all ancillary ones that don't say what the pixels are. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
}

static void read_pixels(png_reader *reader)
{
    png_structp png = reader->png;
    png_infop info = reader->info;
    clvgg_image *image = reader->image;
    png_read_info(png, info);
    png_set_expand(png); /* palette to RGB, 1…4 bits to 8, tRNS to alpha */
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    const size_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    image->width = (int)width;
    image->height = (int)height;
    reader->row_bytes = png_get_rowbytes(png, info);
    image->pixels = allocate(png, height * reader->row_bytes);
    reader->rows = allocate(png, height * sizeof *reader->rows);
    if (reader->out_of_memory)
        png_error(png, "out of memory");
    for (size_t y = 0; y < height; y++)
        reader->rows[y] = image->pixels + y * reader->row_bytes;
    png_read_image(png, reader->rows);
    reader->has_rows = true;
    png_read_end(png, NULL);
}

/* Returns normally or through `escape`; touches nothing of its own frame after a jump. */
static clvgg_status run(png_reader *reader)
{
    if (setjmp(reader->escape))
        return reader->status;
    reader->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, reader, fail, warn, reader,
                                           allocate, release);
    reader->info = reader->png != NULL ? png_create_info_struct(reader->png) : NULL;
    if (reader->info == NULL)
        return reader->out_of_memory ? CLVGG_STATUS_OUT_OF_MEMORY
                                     : vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                                                "libpng at run time is not the one built against");
    configure(reader);
    read_pixels(reader);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_png_decode(const uint8_t *bytes, size_t byte_count, clvgg_image *image)
{
    clvgg_status status = CLVGG_STATUS_OK;
    png_reader reader = {.bytes = bytes, .byte_count = byte_count, .image = image};
    VGG_TRY(check_header(bytes, byte_count));
    VGG_TRY(run(&reader));
    if (reader.row_bytes == (size_t)image->width * 4)
        vgg_image_composite_on_white(image->pixels, (size_t)image->width * (size_t)image->height);
    VGG_TRY(vgg_image_orient(image, find_orientation(bytes, byte_count)));
cleanup:
    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    vgg_free(reader.rows);
    return status;
}

clvgg_status vgg_png_measure(const uint8_t *bytes, size_t byte_count, vgg_image_cost *cost)
{
    VGG_PASS(check_header(bytes, byte_count));
    uint32_t width = big_endian(bytes + 16), height = big_endian(bytes + 20);
    cost->longest_side = width > height ? width : height;
    const uint64_t pixel_bytes = find_orientation(bytes, byte_count) > 1 ? 7 : 4;
    cost->decode_bytes = pixel_bytes * width * height;
    return CLVGG_STATUS_OK;
}

#endif

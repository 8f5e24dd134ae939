/* image/jpeg_read.c — JPEG through libjpeg-turbo: grey, RGB, YCbCr, CMYK, YCCK, progressive.
 *
 * Always the full-size accurate inverse DCT, so that pixels equal other readers' bit for bit; EXIF
 * orientation is applied. Damage that still decodes is counted; data that ends early is an error.
 */
#include "image/decoders.h"

#ifdef CLVGG_HAVE_JPEG

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h> /* jpeglib.h needs FILE */

#include <jerror.h>
#include <jpeglib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/exif.h"

/* Encoders write about ten scans; thousands of empty ones over a large picture take hours. */
#define SCANS_MAX 100
/* One bit for the largest unit of blocks, 4 × 4 of 8 × 8 pixels, is the least Huffman coding takes.
 */
#define PIXELS_PER_BYTE_MAX (8 * 32 * 32)

/* Everything that must survive a longjmp lives here, in the caller's frame. */
typedef struct jpeg_reader {
    struct jpeg_decompress_struct codec;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    const uint8_t *bytes;
    size_t byte_count;
    clvgg_image *image;
    uint8_t *cmyk_row; /* [width][4] */
    clvgg_status status;
    jmp_buf escape;
} jpeg_reader;

static _Noreturn void leave(jpeg_reader *reader, clvgg_status status)
{
    reader->status = status;
    longjmp(reader->escape, 1);
}

static void fail(j_common_ptr codec)
{
    jpeg_reader *reader = codec->client_data;
    char text[JMSG_LENGTH_MAX];
    clvgg_status code = CLVGG_STATUS_BAD_FILE;
    switch (codec->err->msg_code) {
    case JERR_EMPTY_IMAGE: /* no pixels, or no components */
    case JERR_IMAGE_TOO_BIG:
        if (vgg_image_check_size(reader->codec.image_width, reader->codec.image_height) == code)
            leave(reader, code);
        break;
    case JERR_OUT_OF_MEMORY:
        leave(reader, vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "out of memory in libjpeg"));
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
        code = CLVGG_STATUS_UNSUPPORTED;
        break;
    default:
        break;
    }
    codec->err->format_message(codec, text);
    const char *kind = code == CLVGG_STATUS_UNSUPPORTED ? "a JPEG of a rare kind" : "damaged JPEG";
    leave(reader, vgg_fail(code, "%s: %s", kind, text));
}

/* Warnings have level -1; 0 and above is tracing. */
static void warn(j_common_ptr codec, int level)
{
    jpeg_reader *reader = codec->client_data;
    if (level >= 0)
        return;
    int warning = codec->err->msg_code;
    /* A restart marker met too early is damage that the decoder resynchronises after. */
    bool ends_early = warning == JWRN_JPEG_EOF ||
                      (warning == JWRN_HIT_MARKER && reader->codec.unread_marker == JPEG_EOI);
    if (ends_early)
        leave(reader, vgg_fail(CLVGG_STATUS_BAD_FILE,
                               "truncated JPEG: the data ends before the picture (%zu bytes)",
                               reader->byte_count));
    reader->image->warning_count++;
}

static void stay_silent(j_common_ptr codec)
{
    (void)codec;
}

static void count_scans(j_common_ptr codec)
{
    jpeg_reader *reader = codec->client_data;
    if (reader->codec.input_scan_number > SCANS_MAX)
        leave(reader,
              vgg_fail(CLVGG_STATUS_BAD_FILE, "damaged JPEG: more than %d scans", SCANS_MAX));
}

static void read_header(jpeg_reader *reader)
{
    struct jpeg_decompress_struct *codec = &reader->codec;
    codec->err = jpeg_std_error(&reader->errors);
    codec->client_data = reader;
    reader->errors.error_exit = fail;
    reader->errors.emit_message = warn;
    reader->errors.output_message = stay_silent;
    jpeg_create_decompress(codec);
    reader->progress.progress_monitor = count_scans;
    codec->progress = &reader->progress;
    jpeg_mem_src(codec, reader->bytes, (unsigned long)reader->byte_count);
    jpeg_save_markers(codec, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(codec, TRUE);
    clvgg_status status = vgg_image_check_size(codec->image_width, codec->image_height);
    if (status == CLVGG_STATUS_OK)
        status = vgg_image_check_density(codec->image_width, codec->image_height,
                                         reader->byte_count, PIXELS_PER_BYTE_MAX);
    if (status != CLVGG_STATUS_OK)
        leave(reader, status);
}

static int orientation_of(const struct jpeg_decompress_struct *codec)
{
    static const char signature[6] = "Exif\0";
    for (jpeg_saved_marker_ptr marker = codec->marker_list; marker; marker = marker->next)
        if (marker->data_length >= sizeof signature &&
            memcmp(marker->data, signature, sizeof signature) == 0)
            return vgg_exif_orientation(marker->data + sizeof signature,
                                        marker->data_length - sizeof signature);
    return 1;
}

/* Inks absorb: R = (255 − C)(255 − K) / 255, rounded. Adobe's files store 255 − ink. */
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, size_t width, bool inverted)
{
    for (size_t x = 0; x < width; x++, cmyk += 4, rgb += 3) {
        unsigned flip = inverted ? 255 : 0;
        unsigned light = 255 - (cmyk[3] ^ flip);
        for (int c = 0; c < 3; c++) {
            unsigned absorbed = (cmyk[c] ^ flip) * light + 128;
            absorbed = (absorbed + (absorbed >> 8)) >> 8;
            rgb[c] = (uint8_t)(light - absorbed);
        }
    }
}

static void read_pixels(jpeg_reader *reader)
{
    struct jpeg_decompress_struct *codec = &reader->codec;
    clvgg_image *image = reader->image;
    bool inks = codec->num_components == 4;
    codec->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    codec->dct_method = JDCT_ISLOW;
    size_t width = codec->image_width, height = codec->image_height;
    image->width = (int)width;
    image->height = (int)height;
    image->pixels = vgg_calloc(width * height, 3);
    reader->cmyk_row = vgg_calloc(inks ? width : 0, 4);
    if (image->pixels == NULL || reader->cmyk_row == NULL)
        leave(reader, CLVGG_STATUS_OUT_OF_MEMORY);
    jpeg_start_decompress(codec);
    while (codec->output_scanline < codec->output_height) {
        uint8_t *rgb = image->pixels + (size_t)codec->output_scanline * width * 3;
        JSAMPROW row = inks ? reader->cmyk_row : rgb;
        jpeg_read_scanlines(codec, &row, 1);
        if (inks)
            cmyk_to_rgb(row, rgb, width, codec->saw_Adobe_marker);
    }
    jpeg_finish_decompress(codec);
}

/* Returns normally or through `escape`; touches nothing of its own frame after a jump. */
static clvgg_status run(jpeg_reader *reader, vgg_image_cost *cost, int *orientation)
{
    if (setjmp(reader->escape))
        return reader->status;
    read_header(reader);
    *orientation = orientation_of(&reader->codec);
    if (cost == NULL) {
        read_pixels(reader);
        return CLVGG_STATUS_OK;
    }
    /* Pixels, twice while they are turned, and a progressive file's 16-bit coefficients. */
    uint64_t pixel_bytes = *orientation > 1 ? 6 : 3;
    if (jpeg_has_multiple_scans(&reader->codec))
        pixel_bytes += 2 * (uint64_t)reader->codec.num_components;
    uint32_t width = reader->codec.image_width, height = reader->codec.image_height;
    cost->longest_side = width > height ? width : height;
    cost->decode_bytes = pixel_bytes * width * height;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_jpeg_decode(const uint8_t *bytes, size_t byte_count, clvgg_image *image)
{
    clvgg_status status = CLVGG_STATUS_OK;
    int orientation = 1;
    jpeg_reader reader = {.bytes = bytes, .byte_count = byte_count, .image = image};
    status = run(&reader, NULL, &orientation);
    jpeg_destroy_decompress(&reader.codec);
    vgg_free(reader.cmyk_row);
    if (status == CLVGG_STATUS_OK)
        status = vgg_image_orient(image, orientation);
    return status;
}

clvgg_status vgg_jpeg_measure(const uint8_t *bytes, size_t byte_count, vgg_image_cost *cost)
{
    clvgg_image unused = {0}; /* collects the header's warnings */
    int orientation = 1;
    jpeg_reader reader = {.bytes = bytes, .byte_count = byte_count, .image = &unused};
    clvgg_status status = run(&reader, cost, &orientation);
    jpeg_destroy_decompress(&reader.codec);
    return status;
}

#else

clvgg_status vgg_jpeg_decode(const uint8_t *bytes, size_t byte_count, clvgg_image *image)
{
    (void)bytes, (void)byte_count, (void)image;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "a JPEG image; this build has no libjpeg");
}

clvgg_status vgg_jpeg_measure(const uint8_t *bytes, size_t byte_count, vgg_image_cost *cost)
{
    (void)bytes, (void)byte_count;
    *cost = (vgg_image_cost){0}; /* decoding will say that it can't */
    return CLVGG_STATUS_OK;
}

#endif

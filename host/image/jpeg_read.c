/* image/jpeg_read.c — JPEG through libjpeg-turbo: grey, RGB, YCbCr, CMYK, YCCK, progressive.
 *
 * Always the accurate inverse DCT, so that pixels equal other readers' bit for bit, at full size
 * but for the very largest; EXIF orientation is applied. A picture of which data is missing is an
 * error; other damage that libjpeg decodes is counted, a missing end marker and whatever lies
 * behind the picture's data included.
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
/* Least size of Huffman-coded data: one bit for the largest unit of blocks, 4 × 4 of 8 × 8 pixels,
 * is the least Huffman coding takes. */
#define PIXELS_PER_BYTE_MAX (8 * 32 * 32)

/* Above VGG_IMAGE_PIXELS_MAX libjpeg makes every block of 8 × 8 pixels 4 × 4, 2 × 2 or 1. */
#define PIXELS_MAX (10 * (uint64_t)VGG_IMAGE_PIXELS_MAX)

/* State that must survive a longjmp; it lives in the caller's frame. */
typedef struct jpeg_reader {
    struct jpeg_decompress_struct codec;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    const uint8_t *bytes;
    size_t byte_count;
    clvgg_image *image;
    uint8_t *cmyk_row;   /* [width][4] */
    unsigned components; /* bit c: component c has data */
    bool no_end_marker;  /* the file ended before one */
    bool has_rows;       /* all of them */
    clvgg_status status;
    jmp_buf escape;
} jpeg_reader;

static _Noreturn void leave(jpeg_reader *reader, clvgg_status status)
{
    reader->status = status;
    longjmp(reader->escape, 1);
}

/* Fails for data that ends too early, at an end marker (real, or made up by libjpeg where the file
 * ends) or at another marker, which is damage. */
static _Noreturn void fail_truncated(jpeg_reader *reader, int marker)
{
    const clvgg_status code = CLVGG_STATUS_BAD_FILE;
    leave(reader,
          marker == JPEG_EOI
              ? vgg_fail(code, "truncated JPEG: the data ends before the picture (%zu bytes)",
                         reader->byte_count)
              : vgg_fail(code, "damaged JPEG: a marker (0x%02x) cuts the picture's data off",
                         (unsigned)marker));
}

static void fail(j_common_ptr codec)
{
    jpeg_reader *reader = codec->client_data;
    if (reader->has_rows &&
        codec->err->msg_code !=
            JERR_OUT_OF_MEMORY) { /* something behind the picture, where its end marker should be */
        reader->image->warning_count++;
        leave(reader, CLVGG_STATUS_OK);
    }
    char text[JMSG_LENGTH_MAX];
    clvgg_status code = CLVGG_STATUS_BAD_FILE;
    switch (codec->err->msg_code) {
    case JERR_EMPTY_IMAGE: /* no pixels, or no components */
    case JERR_IMAGE_TOO_BIG:
        if (vgg_image_check_size(reader->codec.image_width, reader->codec.image_height,
                                 PIXELS_MAX) == code)
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

/* Says whether there is more of the picture behind the marker that ends data too early: data behind
 * a restart marker, or further scans of a progressive file, of which all but the first only make it
 * finer. */
static bool goes_on_behind(const struct jpeg_decompress_struct *codec, int marker)
{
    if (marker >= JPEG_RST0 && marker < JPEG_RST0 + 8)
        return codec->restart_interval > 0;
    return marker != JPEG_EOI && codec->progressive_mode && (codec->Ss > 0 || codec->Ah > 0);
}

/* Warnings have level -1; 0 and above is tracing. libjpeg reads on behind the end of a file as if
 * an end marker were there: that loses nothing unless pixels are still to come. Where data stops
 * before a marker it fills up with grey. */
static void warn(j_common_ptr codec, int level)
{
    jpeg_reader *reader = codec->client_data;
    if (level >= 0)
        return;
    const int warning = codec->err->msg_code, marker = reader->codec.unread_marker;
    if (warning == JWRN_HIT_MARKER && !goes_on_behind(&reader->codec, marker))
        fail_truncated(reader, marker);
    if (warning == JWRN_JPEG_EOF) {
        reader->no_end_marker = true;
        /* Arithmetic coding doesn't say how much data is missing where it stops, so such a file is
         * refused. */
        if (reader->codec.arith_code && !reader->has_rows)
            fail_truncated(reader, JPEG_EOI);
    }
    reader->image->warning_count += warning != JWRN_JFIF_MAJOR; /* a version; nothing is amiss */
}

static void stay_silent(j_common_ptr codec)
{
    (void)codec;
}

/* libjpeg calls it now and then, at least once a scan. */
static void watch_scans(j_common_ptr codec)
{
    jpeg_reader *reader = codec->client_data;
    for (int i = 0; i < reader->codec.comps_in_scan; i++)
        reader->components |= 1u << reader->codec.cur_comp_info[i]->component_index;
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
    reader->progress.progress_monitor = watch_scans;
    codec->progress = &reader->progress;
    jpeg_mem_src(codec, reader->bytes, (unsigned long)reader->byte_count);
    jpeg_save_markers(codec, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(codec, TRUE);
    /* Several scans keep all coefficients in memory, at full size. */
    const uint64_t most = jpeg_has_multiple_scans(codec) ? VGG_IMAGE_PIXELS_MAX : PIXELS_MAX;
    clvgg_status status = vgg_image_check_size(codec->image_width, codec->image_height, most);
    if (status == CLVGG_STATUS_OK)
        status = vgg_image_check_density(codec->image_width, codec->image_height,
                                         reader->byte_count, PIXELS_PER_BYTE_MAX);
    if (status != CLVGG_STATUS_OK)
        leave(reader, status);
    jpeg_calc_output_dimensions(codec);
    while ((uint64_t)codec->output_width * codec->output_height > VGG_IMAGE_PIXELS_MAX) {
        codec->scale_denom *= 2;
        jpeg_calc_output_dimensions(codec);
    }
}

/* All data of several scans was read. Without some, pixels are coarser, or grey. */
static void check_scans(jpeg_reader *reader)
{
    const struct jpeg_decompress_struct *codec = &reader->codec;
    bool coarse = false;
    for (int c = 0; c < codec->num_components && codec->progressive_mode; c++)
        for (int i = 0; i < DCTSIZE2; i++)
            coarse |= codec->coef_bits[c][i] != 0;
    if (reader->components + 1 != 1u << codec->num_components || (coarse && reader->no_end_marker))
        fail_truncated(reader, JPEG_EOI);
    reader->image->warning_count += coarse;
}

static int orientation_of(const struct jpeg_decompress_struct *codec)
{
    int orientation = 0;
    for (jpeg_saved_marker_ptr marker = codec->marker_list; marker; marker = marker->next)
        if (orientation == 0 && marker->data_length > VGG_EXIF_SIGNATURE_BYTES &&
            memcmp(marker->data, VGG_EXIF_SIGNATURE, VGG_EXIF_SIGNATURE_BYTES) == 0)
            orientation = vgg_exif_orientation(marker->data, marker->data_length);
    return orientation;
}

/* Files store 255 − ink, with Adobe's marker or without, as all readers have it. Inks absorb:
 * R = K − (255 − C) K / 255 of what is stored, rounded. */
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, size_t width)
{
    for (size_t x = 0; x < width; x++, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; c++) {
            unsigned absorbed = (255u - cmyk[c]) * cmyk[3] + 128;
            absorbed = (absorbed + (absorbed >> 8)) >> 8;
            rgb[c] = (uint8_t)(cmyk[3] - absorbed);
        }
}

static void read_pixels(jpeg_reader *reader)
{
    struct jpeg_decompress_struct *codec = &reader->codec;
    clvgg_image *image = reader->image;
    bool inks = codec->num_components == 4;
    codec->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    codec->dct_method = JDCT_ISLOW;
    size_t width = codec->output_width, height = codec->output_height;
    image->width = (int)width;
    image->height = (int)height;
    image->pixels = vgg_calloc(width * height, 3);
    reader->cmyk_row = vgg_calloc(inks ? width : 0, 4);
    if (image->pixels == NULL || reader->cmyk_row == NULL)
        leave(reader, CLVGG_STATUS_OUT_OF_MEMORY);
    jpeg_start_decompress(codec);
    if (jpeg_has_multiple_scans(codec))
        check_scans(reader);
    while (codec->output_scanline < codec->output_height) {
        uint8_t *rgb = image->pixels + (size_t)codec->output_scanline * width * 3;
        JSAMPROW row = inks ? reader->cmyk_row : rgb;
        jpeg_read_scanlines(codec, &row, 1);
        if (inks)
            cmyk_to_rgb(row, rgb, width);
    }
    reader->has_rows = true;
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
    uint32_t width = reader->codec.output_width, height = reader->codec.output_height;
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

#endif

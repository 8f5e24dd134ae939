/* clvgg/image.h — photographs: reading, preparing for a network, and streaming many of them.
 *
 * PNG, JPEG and, where libwebp was found, WebP, told apart by content; of an animation the first
 * frame. Decoded images are 8-bit RGB, row-major, origin top left;
 * transparency is composited on white, 16 bits are reduced to 8, EXIF orientation is applied (XMP's
 * isn't), CMYK is converted, ICC profiles and gamma are ignored.
 */
#ifndef CLVGG_IMAGE_H
#define CLVGG_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clvgg_image clvgg_image;

/* Reads one file: at most 65,500 pixels a side and 100 million in all, as they are. A baseline JPEG
 * may have up to 1,000 million: it is read at a half, a quarter or an eighth of its width and
 * height, until 100 million are enough.
 * Errors: NOT_FOUND, IO, BAD_FILE (not an image, too large, data of the picture is missing),
 * UNSUPPORTED (built without libpng, libjpeg or libwebp). */
CLVGG_API clvgg_status clvgg_image_read(clvgg_runtime *runtime, const char *path,
                                        clvgg_image **out);
/* Decodes an image that is in memory; `name` is used in messages only. Errors:
 * those of clvgg_image_read(). */
CLVGG_API clvgg_status clvgg_image_decode(clvgg_runtime *runtime, const void *bytes,
                                          size_t byte_count, const char *name, clvgg_image **out);
CLVGG_API void clvgg_image_free(clvgg_image *image);
CLVGG_API int clvgg_image_width(const clvgg_image *image);
CLVGG_API int clvgg_image_height(const clvgg_image *image);
/* uint8 RGB [height][width][3], owned by the image. */
CLVGG_API const uint8_t *clvgg_image_pixels(const clvgg_image *image);
/* The number of damages that the decoder met and passed over: no end marker behind all rows,
 * surplus or corrupt data that decodes nevertheless. */
CLVGG_API int clvgg_image_warning_count(const clvgg_image *image);
/* The number of files with such damage that the runtime has decoded so far, each counted once;
 * *first is the name of one, or NULL, and lives as long as the runtime. Not while another thread
 * uses the runtime. */
CLVGG_API size_t clvgg_damaged_image_count(const clvgg_runtime *runtime, const char **first);

/* Writes uint8 RGB [height][width][3] as a PNG, atomically; at most 65,500 pixels a side. Errors:
 * INVALID_ARGUMENT, IO, UNSUPPORTED (built without libpng), OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_image_write_png(clvgg_runtime *runtime, const char *path, int width,
                                             int height, const uint8_t *rgb);

typedef enum clvgg_channel_order { CLVGG_RGB = 0, CLVGG_BGR = 1 } clvgg_channel_order;
typedef enum clvgg_resize_mode {
    CLVGG_RESIZE_CROP = 0,  /* short side to `resize_short`, then the centre height × width */
    CLVGG_RESIZE_SQUASH = 1 /* straight to height × width, aspect ratio lost */
} clvgg_resize_mode;

/* The conversion of pixels to a network's input. Channel c of the input is (pixel × scale −
 * mean[c]) / std[c], pixel in 0…255. One channel is grey: luma, rounded to 8 bits before the
 * picture is resized, as Pillow's convert("L") has it. */
typedef struct clvgg_preprocess {
    size_t struct_size;
    clvgg_resize_mode mode;
    int resize_short; /* 0: the crop's shorter side × 256/224, as the originals do */
    int height, width;
    int channels; /* of the input: 3 in `order`, or 1, grey. A model's can be any number; with
                     others than these no photograph can be prepared: UNSUPPORTED */
    clvgg_channel_order order;
    float scale;
    float mean[3], std[3]; /* of each channel, in `order` */
} clvgg_preprocess;

/* torchvision's: RGB/255, mean .485 .456 .406, std .229 .224 .225, 256 → 224 × 224. */
CLVGG_API void clvgg_preprocess_defaults(clvgg_preprocess *preprocess);

/* Resizes (antialiased bilinear, bit for bit as BILINEAR of Pillow 13 and torchvision's Resize +
 * CenterCrop on its images), crops and normalises into `data`, float32 CHW [channels][height]
 * [width]. Errors: INVALID_ARGUMENT, UNSUPPORTED (other than 1 or 3 channels), OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_image_prepare(const clvgg_image *image,
                                           const clvgg_preprocess *preprocess, float *data);

/* A stream of prepared images, decoded ahead by worker threads, delivered in order. A path may be
 * a file or a folder. Folders are walked recursively, links included, each once and bytewise
 * sorted; only names that end in .png, .jpg, .jpeg, .jpe, .jfif or, with libwebp, .webp (any case)
 * are taken from them; a pipe is read like a file. Memory is bounded by `memory_limit_bytes`,
 * whatever the number of images. */
typedef struct clvgg_image_stream clvgg_image_stream;

typedef struct clvgg_image_stream_options {
    size_t struct_size;
    clvgg_preprocess preprocess;
    int max_batch;               /* most images one call of next() asks for */
    uint64_t memory_limit_bytes; /* decoded and prepared images waiting; 0: 256 MiB */
    size_t most;                 /* images of the paths, taken evenly from first to last; 0: all */
} clvgg_image_stream_options;

typedef struct clvgg_stream_item {
    const char *path;    /* valid until the following call of next() */
    clvgg_status status; /* OK: the next row of `data` holds the image; else see message */
    const char *message; /* NULL when OK; valid as long as path */
    int warning_count;
} clvgg_stream_item;

CLVGG_API void clvgg_image_stream_options_defaults(clvgg_image_stream_options *options);
/* Opens a stream. Paths are copied. A path that doesn't exist is an item with an error, not a
 * failure of the stream; so is a folder without images. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_image_stream_open(clvgg_runtime *runtime, const char *const *paths,
                                               size_t path_count,
                                               const clvgg_image_stream_options *options,
                                               clvgg_image_stream **out);
/* The files in the stream's folders that aren't images, hidden ones left out: their number, and a
 * list by ending ("9 .heic, 2 .txt, 1 other"), which lives as long as the stream; NULL if there are
 * none. */
CLVGG_API const char *clvgg_image_stream_skipped(const clvgg_image_stream *stream, size_t *count);
/* Number of items the stream will deliver in all, for progress. */
CLVGG_API size_t clvgg_image_stream_count(const clvgg_image_stream *stream);
/* Delivers the next items, at most max_items of them, of which at most max_batch are OK. The OK
 * ones fill consecutive rows of `data`, float32 [max_batch][channels][height][width]. *item_count
 * is 0 at the end. Blocks until enough is decoded. One thread at a time. Errors: INVALID_ARGUMENT,
 * OUT_OF_MEMORY; an image that can't be read is an item. */
CLVGG_API clvgg_status clvgg_image_stream_next(clvgg_image_stream *stream, float *data,
                                               clvgg_stream_item *items, size_t max_items,
                                               size_t *item_count);
/* Stops the workers and frees everything, at any time. */
CLVGG_API void clvgg_image_stream_close(clvgg_image_stream *stream);

#ifdef __cplusplus
}
#endif
#endif

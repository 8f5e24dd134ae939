/* image/image.h — a decoded photograph, its limits, and the road from a file to it.
 *
 * From a file: decode (by content: png_read.c, jpeg_read.c, webp_read.c) → prepare.c, which makes
 * the network's input of it. To read another format, add a row to the table in decode.c.
 */
#ifndef VGG_IMAGE_IMAGE_H
#define VGG_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/runtime.h"
#include "base/status.h"
#include "clvgg/image.h"

struct clvgg_image {
    const vgg_scope *scope; /* of the call that read it: prepare() allocates there */
    int width, height;
    uint8_t *pixels; /* RGB [height][width][3] */
    int warning_count;
};

#define VGG_IMAGE_SIDE_MAX 65500
#define VGG_IMAGE_PIXELS_MAX 100000000
#define VGG_IMAGE_FILE_BYTES_MAX ((uint64_t)256 << 20)

/* Refuses (BAD_FILE, with width × height) an empty picture and one beyond the limits, of `most`
 * pixels in all. Decoders call it on the header's numbers, before they allocate. */
clvgg_status vgg_image_check_size(uint64_t width, uint64_t height, uint64_t most);
/* Refuses a picture that so few bytes can't hold, whatever the compression: the format stores at
 * most `pixels_per_byte`. Keeps small files from asking for large memory. */
clvgg_status vgg_image_check_density(uint64_t width, uint64_t height, size_t byte_count,
                                     uint64_t pixels_per_byte);

enum { VGG_IMAGE_MAGIC_BYTES = 12 };
/* Says whether a file that begins with these bytes (VGG_IMAGE_MAGIC_BYTES are enough) is an image.
 */
bool vgg_image_is_known(const void *bytes, size_t byte_count);
/* Says whether a file's name ends as images' do, in upper or lower case. */
bool vgg_image_is_named(const char *name);
/* Decodes an image from memory; `name` goes before messages. */
clvgg_status vgg_image_decode(const void *bytes, size_t byte_count, const char *name,
                              clvgg_image **out);
clvgg_status vgg_image_read(const char *path, clvgg_image **out);
void vgg_image_free(clvgg_image *image);

/* Cost of decoding a picture, known from its header alone. */
typedef struct vgg_image_cost {
    uint32_t longest_side;
    uint64_t decode_bytes; /* at the peak of decoding, estimated from above */
} vgg_image_cost;

clvgg_status vgg_image_measure(const void *bytes, size_t byte_count, const char *name,
                               vgg_image_cost *cost);

clvgg_status vgg_image_write_png(const char *path, int width, int height, const uint8_t *rgb);

/* INVALID_ARGUMENT, saying which field, unless every field is in its range; UNSUPPORTED where no
 * photograph can have so many channels. */
clvgg_status vgg_preprocess_check(const clvgg_preprocess *preprocess);
/* Floats of a prepared image. */
size_t vgg_preprocess_elements(const clvgg_preprocess *preprocess);
/* Resizes, crops and normalises into float32 [channels][height][width]. */
clvgg_status vgg_image_prepare(const clvgg_image *image, const clvgg_preprocess *preprocess,
                               float *data);

#endif

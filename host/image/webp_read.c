/* image/webp_read.c — WebP through libwebp: lossy, lossless, with alpha, the first frame of
 * animations.
 *
 * Alpha is composited on white and EXIF orientation applied; colour profiles are ignored. A file
 * that ends early is an error, wherever it ends, as it is for libwebp and all programs that use it.
 * A flat picture takes a few bytes whatever its size, so that nothing can be said against small
 * files.
 */
#include "image/decoders.h"

#ifdef CLVGG_HAVE_WEBPDEMUX

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

#include "base/alloc.h"
#include "image/exif.h"

/* libwebp says NULL for bad data and for no memory alike, and from 1.5 on VP8_STATUS_OUT_OF_MEMORY
 * for damaged alpha too; malloc() sets errno. */
static clvgg_status check_memory(void)
{
    return errno != ENOMEM ? CLVGG_STATUS_OK
                           : vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "out of memory in libwebp");
}

static clvgg_status check(VP8StatusCode code, size_t byte_count)
{
    switch (code) {
    case VP8_STATUS_OK:
        return CLVGG_STATUS_OK;
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
        return vgg_fail(CLVGG_STATUS_BAD_FILE, "truncated WebP: ends after %zu bytes", byte_count);
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "a WebP of a rare kind");
    default:
        if (code == VP8_STATUS_OUT_OF_MEMORY && errno == ENOMEM)
            return check_memory();
        return vgg_fail(CLVGG_STATUS_BAD_FILE, "damaged WebP");
    }
}

static clvgg_status read_features(const uint8_t *bytes, size_t byte_count,
                                  WebPBitstreamFeatures *features)
{
    errno = 0;
    VGG_PASS(check(WebPGetFeatures(bytes, byte_count, features), byte_count));
    return vgg_image_check_size((uint64_t)features->width, (uint64_t)features->height,
                                VGG_IMAGE_PIXELS_MAX);
}

static clvgg_status find_orientation(const uint8_t *bytes, size_t byte_count, int *orientation)
{
    const WebPData data = {bytes, byte_count};
    WebPChunkIterator chunk;
    errno = 0;
    WebPDemuxer *parts = WebPDemux(&data);
    *orientation = 0;
    if (parts == NULL)
        return check_memory();
    if (WebPDemuxGetChunk(parts, "EXIF", 1, &chunk)) {
        *orientation = vgg_exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    WebPDemuxDelete(parts);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_still(const uint8_t *bytes, size_t byte_count, int channels,
                               clvgg_image *image)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                        "libwebp at run time is not the one built against");
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = image->pixels;
    config.output.u.RGBA.stride = image->width * channels;
    config.output.u.RGBA.size = (size_t)image->width * (size_t)image->height * (size_t)channels;
    errno = 0;
    return check(WebPDecode(bytes, byte_count, &config), byte_count);
}

static clvgg_status read_first_frame(const uint8_t *bytes, size_t byte_count, clvgg_image *image)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const WebPData data = {bytes, byte_count};
    uint8_t *canvas = NULL; /* the decoder's */
    int milliseconds = 0;
    errno = 0;
    WebPAnimDecoder *decoder = WebPAnimDecoderNew(&data, NULL);
    const bool has_frame =
        decoder != NULL && WebPAnimDecoderGetNext(decoder, &canvas, &milliseconds);
    if (!has_frame)
        VGG_TRY(check_memory());
    VGG_REQUIRE(has_frame, CLVGG_STATUS_BAD_FILE, "damaged or truncated WebP animation");
    memcpy(image->pixels, canvas, (size_t)image->width * (size_t)image->height * 4);
cleanup:
    WebPAnimDecoderDelete(decoder);
    return status;
}

clvgg_status vgg_webp_decode(const uint8_t *bytes, size_t byte_count, clvgg_image *image)
{
    WebPBitstreamFeatures features;
    int orientation = 0;
    VGG_PASS(read_features(bytes, byte_count, &features));
    const int channels = features.has_alpha || features.has_animation ? 4 : 3;
    image->width = features.width;
    image->height = features.height;
    const size_t pixel_count = (size_t)image->width * (size_t)image->height;
    VGG_NEW_PASS(image->pixels, pixel_count * (size_t)channels);
    if (features.has_animation)
        VGG_PASS(read_first_frame(bytes, byte_count, image));
    else
        VGG_PASS(read_still(bytes, byte_count, channels, image));
    if (channels == 4)
        vgg_image_composite_on_white(image->pixels, pixel_count);
    VGG_PASS(find_orientation(bytes, byte_count, &orientation));
    return vgg_image_orient(image, orientation);
}

clvgg_status vgg_webp_measure(const uint8_t *bytes, size_t byte_count, vgg_image_cost *cost)
{
    WebPBitstreamFeatures features;
    int orientation = 0;
    VGG_PASS(read_features(bytes, byte_count, &features));
    VGG_PASS(find_orientation(bytes, byte_count, &orientation));
    /* RGBA here and in libwebp, which keeps two more for animations; RGB where it is turned. */
    const uint64_t pixel_bytes = (features.has_animation ? 16u : 8u) + (orientation > 1 ? 3u : 0u);
    const uint32_t width = (uint32_t)features.width, height = (uint32_t)features.height;
    cost->longest_side = width > height ? width : height;
    cost->decode_bytes = pixel_bytes * width * height;
    return CLVGG_STATUS_OK;
}

#endif

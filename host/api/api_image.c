/* api/api_image.c — implements clvgg/image.h. */
#include <string.h>

#include "api/scope.h"
#include "image/image.h"
#include "pipeline/stream.h"

clvgg_status clvgg_image_read(clvgg_runtime *runtime, const char *path, clvgg_image **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(runtime, path);
    VGG_API_RETURN(&runtime->scope, vgg_image_read(path, out));
}

clvgg_status clvgg_image_decode(clvgg_runtime *runtime, const void *bytes, size_t byte_count,
                                const char *name, clvgg_image **out)
{
    VGG_API_OUT(out);
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_REQUIRE(bytes != NULL || byte_count == 0);
    VGG_API_RETURN(&runtime->scope,
                   vgg_image_decode(bytes, byte_count, name != NULL ? name : "image", out));
}

void clvgg_image_free(clvgg_image *image)
{
    vgg_image_free(image);
}

int clvgg_image_width(const clvgg_image *image)
{
    return image->width;
}

int clvgg_image_height(const clvgg_image *image)
{
    return image->height;
}

const uint8_t *clvgg_image_pixels(const clvgg_image *image)
{
    return image->pixels;
}

int clvgg_image_warning_count(const clvgg_image *image)
{
    return image->warning_count;
}

size_t clvgg_damaged_image_count(const clvgg_runtime *runtime, const char **first)
{
    *first = runtime->damaged.first;
    return runtime->damaged.count;
}

clvgg_status clvgg_image_write_png(clvgg_runtime *runtime, const char *path, int width, int height,
                                   const uint8_t *rgb)
{
    VGG_API_GIVEN(runtime, path, rgb);
    VGG_API_REQUIRE(width >= 1 && width <= VGG_IMAGE_SIDE_MAX);
    VGG_API_REQUIRE(height >= 1 && height <= VGG_IMAGE_SIDE_MAX);
    VGG_API_RETURN(&runtime->scope, vgg_image_write_png(path, width, height, rgb));
}

void clvgg_preprocess_defaults(clvgg_preprocess *preprocess)
{
    if (preprocess == NULL)
        return;
    *preprocess = (clvgg_preprocess){
        .struct_size = sizeof *preprocess,
        .mode = CLVGG_RESIZE_CROP,
        .resize_short = 256,
        .height = 224,
        .width = 224,
        .channels = 3,
        .order = CLVGG_RGB,
        .scale = 1.0f / 255.0f,
        .mean = {0.485f, 0.456f, 0.406f},
        .std = {0.229f, 0.224f, 0.225f},
    };
}

clvgg_status clvgg_image_prepare(const clvgg_image *image, const clvgg_preprocess *preprocess,
                                 float *data)
{
    VGG_API_GIVEN(image, preprocess, data);
    VGG_PASS(vgg_preprocess_check(preprocess));
    VGG_API_RETURN(image->scope, vgg_image_prepare(image, preprocess, data));
}

void clvgg_image_stream_options_defaults(clvgg_image_stream_options *options)
{
    if (options == NULL)
        return;
    memset(options, 0, sizeof *options);
    options->struct_size = sizeof *options;
    clvgg_preprocess_defaults(&options->preprocess);
    options->max_batch = 1;
}

clvgg_status clvgg_image_stream_open(clvgg_runtime *runtime, const char *const *paths,
                                     size_t path_count, const clvgg_image_stream_options *options,
                                     clvgg_image_stream **out)
{
    VGG_API_OUT(out);
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_REQUIRE(paths != NULL || path_count == 0);
    for (size_t i = 0; i < path_count; i++)
        VGG_API_REQUIRE(paths[i] != NULL);
    VGG_API_OPTIONS(clvgg_image_stream_options, options);
    VGG_API_REQUIRE(options->max_batch >= 1);
    VGG_API_RETURN(&runtime->scope,
                   vgg_stream_open(runtime->threads, paths, path_count, options, out));
}

const char *clvgg_image_stream_skipped(const clvgg_image_stream *stream, size_t *count)
{
    return vgg_stream_skipped(stream, count);
}

size_t clvgg_image_stream_count(const clvgg_image_stream *stream)
{
    return vgg_stream_count(stream);
}

clvgg_status clvgg_image_stream_next(clvgg_image_stream *stream, float *data,
                                     clvgg_stream_item *items, size_t max_items, size_t *item_count)
{
    VGG_API_REQUIRE(item_count != NULL);
    *item_count = 0;
    VGG_API_GIVEN(stream, data, items);
    VGG_API_REQUIRE(max_items >= 1);
    return vgg_stream_next(stream, data, items, max_items, item_count);
}

void clvgg_image_stream_close(clvgg_image_stream *stream)
{
    vgg_stream_close(stream);
}

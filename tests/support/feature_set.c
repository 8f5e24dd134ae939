/* support/feature_set.c — see feature_set.h. */
#include "support/feature_set.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/random.h"
#include "image/image.h"
#include "support/files.h"
#include "tensor/dtype.h"

void feature_set_make(feature_set *set, size_t images)
{
    enum { PIXELS = 12 * 10 };
    uint8_t pixels[PIXELS * 3];
    *set = (feature_set){0};
    set->files.images = calloc(images + 1, sizeof *set->files.images);
    set->files.image_count = images;
    set->dataset.files = &set->files;
    set->dataset.count = images;
    set->dataset.chosen = calloc(images + 1, sizeof *set->dataset.chosen);
    for (size_t i = 0; i < images; i++) {
        char name[32];
        snprintf(name, sizeof name, "image-%zu.png", i);
        for (size_t k = 0; k < sizeof pixels; k++)
            pixels[k] = (uint8_t)vgg_random_bits(i * sizeof pixels + k);
        assert_int_equal(vgg_image_write_png(temp_path(name), 12, 10, pixels), CLVGG_STATUS_OK);
        vgg_dataset_image *image = &set->files.images[i];
        image->path = set->files.paths.length;
        vgg_text_append(&set->files.paths, temp_path(name), strlen(temp_path(name)) + 1);
        for (size_t k = 0; k < sizeof image->digest; k++)
            image->digest[k] = (uint8_t)(vgg_random_bits(1000000 + i * 4 + k / 8) >> k % 8 * 8);
        set->dataset.chosen[i] = (uint32_t)i;
    }
}

void feature_set_free(feature_set *set)
{
    for (size_t i = 0; i < set->files.image_count; i++)
        unlink(vgg_dataset_image_path(&set->dataset, i));
    free(set->files.images);
    free(set->dataset.chosen);
    vgg_text_free(&set->files.paths);
}

static void project(const float *image, float *values)
{
    for (uint64_t j = 0; j < FEATURE_COUNT; j++) {
        float sum = 0;
        for (uint64_t i = 0; i < FEATURE_INPUTS; i++)
            sum += image[i] * (float)(vgg_random_unit(vgg_random_bits(j << 20 | i)) - 0.5);
        values[j] = sum < 0 ? 0 : sum;
    }
}

static clvgg_status compute(void *user, int count, const float *images, float *features)
{
    frozen_part *part = user;
    const long call = atomic_fetch_add(&part->calls, 1);
    if (part->fail_at >= 0 && call >= part->fail_at)
        return vgg_fail(CLVGG_STATUS_OPENCL, "the device has failed");
    if (part->delay_us > 0)
        nanosleep(&(struct timespec){.tv_nsec = part->delay_us * 1000}, NULL);
    if ((size_t)count > part->largest)
        part->largest = (size_t)count;
    for (int i = 0; i < count; i++) {
        project(images + i * FEATURE_INPUTS, features + i * FEATURE_COUNT);
        if (atomic_fetch_add(&part->images, 1) == part->special_at)
            features[i * FEATURE_COUNT + FEATURE_COUNT - 1] = part->special;
    }
    return CLVGG_STATUS_OK;
}

vgg_features_options feature_options(frozen_part *part, const char *directory)
{
    vgg_features_options options = {.source = {part, compute},
                                    .source_batch = 7,
                                    .input_count = FEATURE_INPUTS,
                                    .feature_count = FEATURE_COUNT,
                                    .digest = {1, 2, 3},
                                    .augment = VGG_VIEW_FLIP | VGG_VIEW_CROP,
                                    .view_seed = 5,
                                    .directory = directory,
                                    .cache_limit_bytes = 1 << 30,
                                    .memory_limit_bytes = 64 << 20,
                                    .threads = 2,
                                    .layer = "relu6"};
    clvgg_preprocess_defaults(&options.preprocess);
    options.preprocess.height = options.preprocess.width = FEATURE_SIDE;
    options.preprocess.resize_short = FEATURE_SIDE;
    *part = (frozen_part){.fail_at = -1, .special_at = -1};
    return options;
}

vgg_features *feature_open(const vgg_features_options *options)
{
    vgg_features *features = NULL;
    if (vgg_features_open(options, &features) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    return features;
}

void feature_expected(const vgg_features_options *options, const vgg_feature_item *item,
                      float *values)
{
    float input[FEATURE_INPUTS];
    clvgg_image *image = NULL;
    const uint8_t *digest = vgg_dataset_image_at(item->dataset, item->image)->digest;
    assert_int_equal(vgg_image_read(vgg_dataset_image_path(item->dataset, item->image), &image),
                     CLVGG_STATUS_OK);
    const vgg_view view = vgg_view_draw(options->augment, options->view_seed, digest, item->view,
                                        image->width, image->height);
    assert_int_equal(item->view == 0
                         ? vgg_image_prepare(image, &options->preprocess, input)
                         : vgg_image_prepare_view(image, &options->preprocess, &view, input),
                     CLVGG_STATUS_OK);
    vgg_image_free(image);
    project(input, values);
    for (int i = 0; i < FEATURE_COUNT; i++)
        values[i] = vgg_f32_from_f16(vgg_f16_from_f32(values[i]));
}

void feature_check_stream(vgg_features *features, const vgg_features_options *options,
                          const vgg_feature_item *items, size_t count, int batch)
{
    vgg_feature_stream *stream = NULL;
    float *values = calloc((size_t)batch * FEATURE_COUNT, sizeof *values), expected[FEATURE_COUNT];
    if (vgg_feature_stream_open(features, items, count, batch, &stream) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    size_t done = 0;
    for (int got = batch; got == batch;) {
        if (vgg_feature_stream_next(stream, values, &got) != CLVGG_STATUS_OK)
            fail_msg("%s", vgg_message());
        const size_t left = count - done;
        assert_int_equal(got, left < (size_t)batch ? left : (size_t)batch);
        for (int i = 0; i < got; i++) {
            feature_expected(options, &items[done++], expected);
            assert_memory_equal(values + i * FEATURE_COUNT, expected, sizeof expected);
        }
    }
    assert_int_equal(done, count);
    vgg_feature_stream_close(stream);
    free(values);
}

void feature_folder_remove(const char *path)
{
    char inside[700];
    DIR *stream = opendir(path);
    for (struct dirent *entry; stream != NULL && (entry = readdir(stream)) != NULL;) {
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        unlink(inside);
    }
    if (stream != NULL)
        closedir(stream);
    rmdir(path);
}

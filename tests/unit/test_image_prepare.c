/* Preparing: resized pictures equal Pillow's bit for bit; normalisation; arguments. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/image.h"
#include "support/files.h"
#include "support/image_fixture.h"

#define IMAGES TEST_DATA "/images/"

static clvgg_runtime *runtime;

static int set_up(void **state)
{
    return temp_folder_setup(state) || clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK;
}

static int tear_down(void **state)
{
    clvgg_runtime_free(runtime);
    return temp_folder_teardown(state);
}

/* Bytes come through as they are. */
static clvgg_preprocess plain(clvgg_resize_mode mode, int resize_short, int height, int width)
{
    return (clvgg_preprocess){.struct_size = sizeof(clvgg_preprocess),
                              .mode = mode,
                              .resize_short = resize_short,
                              .height = height,
                              .width = width,
                              .channels = 3,
                              .scale = 1,
                              .std = {1, 1, 1}};
}

/* The name's first word. */
static clvgg_image *read_fixture(const char *name)
{
    char path[512];
    clvgg_image *image = NULL;
    snprintf(path, sizeof path, IMAGES "%.*s.png", (int)strcspn(name, "-"), name);
    assert_int_equal(clvgg_image_read(runtime, path, &image), CLVGG_STATUS_OK);
    return image;
}

static void resizes_as_pillow(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        clvgg_resize_mode mode;
        int resize_short, height, width;
    } cases[] = {
        {"wide", CLVGG_RESIZE_CROP, 20, 16, 17}, /* odd leftovers: halves go to even */
        {"wide", CLVGG_RESIZE_CROP, 31, 31, 31}, /* size kept */
        {"wide", CLVGG_RESIZE_CROP, 60, 41, 33}, /* enlarged */
        {"wide", CLVGG_RESIZE_CROP, 9, 14, 20},  /* padded */
        {"tall", CLVGG_RESIZE_CROP, 19, 17, 14},      {"tall", CLVGG_RESIZE_CROP, 0, 21, 13},
        {"wide", CLVGG_RESIZE_SQUASH, 0, 5, 3},       {"tall", CLVGG_RESIZE_SQUASH, 0, 20, 40},
        {"wide-grey", CLVGG_RESIZE_CROP, 20, 16, 17}, /* one channel: convert("L") before it */
        {"wide-grey", CLVGG_RESIZE_CROP, 9, 14, 20},  {"wide-grey", CLVGG_RESIZE_SQUASH, 0, 5, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int height = cases[i].height, width = cases[i].width;
        char path[512];
        snprintf(path, sizeof path, IMAGES "resize-%s-%s-%d-%dx%d.ppm", cases[i].source,
                 cases[i].mode == CLVGG_RESIZE_CROP ? "crop" : "squash", cases[i].resize_short,
                 height, width);
        ppm expected = ppm_read(path);
        clvgg_preprocess preprocess = plain(cases[i].mode, cases[i].resize_short, height, width);
        preprocess.channels = strstr(cases[i].source, "grey") != NULL ? 1 : 3;
        clvgg_image *image = read_fixture(cases[i].source);
        size_t plane = (size_t)(height * width);
        const size_t channels = (size_t)preprocess.channels;
        float *data = calloc(plane * channels, sizeof *data);
        assert_int_equal(clvgg_image_prepare(image, &preprocess, data), CLVGG_STATUS_OK);
        for (size_t pixel = 0; pixel < plane; pixel++)
            for (size_t c = 0; c < channels; c++)
                if (data[c * plane + pixel] != (float)expected.pixels[pixel * 3 + c])
                    fail_msg("%s: pixel %zu channel %zu is %g, not %d", path, pixel, c,
                             (double)data[c * plane + pixel], expected.pixels[pixel * 3 + c]);
        free(data);
        clvgg_image_free(image);
        ppm_free(&expected);
    }
}

/* A few hundred sizes of noise: tall, wide, square, and both sides of where columns come first. */
static void resizes_as_pillow_at_any_size(void **state)
{
    (void)state;
    size_t bytes = 0;
    int count = 0, width, height, new_width, new_height;
    unsigned expected;
    char *list = file_read(IMAGES "resizes.tsv", &bytes);
    for (const char *line = strchr(list, '\n') + 1; *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_int_equal(
            sscanf(line, "%d %d %d %d %x", &width, &height, &new_width, &new_height, &expected), 5);
        const size_t size = (size_t)(width * height) * 3;
        const size_t plane = (size_t)(new_width * new_height);
        uint8_t *noise = malloc(size), *resized = malloc(plane * 3);
        float *data = malloc(plane * 3 * sizeof *data);
        for (size_t i = 0; i < size; i++)
            noise[i] = (uint8_t)((uint32_t)i * 2654435761u >> 24);
        const clvgg_image image = {.width = width, .height = height, .pixels = noise};
        const clvgg_preprocess preprocess = plain(CLVGG_RESIZE_SQUASH, 0, new_height, new_width);
        assert_int_equal(vgg_image_prepare(&image, &preprocess, data), CLVGG_STATUS_OK);
        for (size_t i = 0; i < plane * 3; i++)
            resized[i] = (uint8_t)data[i % 3 * plane + i / 3];
        if (crc32_of(resized, plane * 3) != expected)
            fail_msg("%d x %d to %d x %d", width, height, new_width, new_height);
        free(data);
        free(resized);
        free(noise);
        count++;
    }
    assert_true(count > 400);
    free(list);
}

static void normalises_in_channel_order(void **state)
{
    (void)state;
    clvgg_image *image = read_fixture("wide");
    clvgg_preprocess preprocess = plain(CLVGG_RESIZE_CROP, 31, 31, 47);
    preprocess.order = CLVGG_BGR;
    preprocess.scale = 0.5f;
    for (int c = 0; c < 3; c++) {
        preprocess.mean[c] = (float)(10 * c + 1);
        preprocess.std[c] = (float)(c + 2);
    }
    static float data[3 * 31 * 47];
    assert_int_equal(clvgg_image_prepare(image, &preprocess, data), CLVGG_STATUS_OK);
    const uint8_t *pixels = clvgg_image_pixels(image);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 31 * 47; i++) {
            float wanted =
                ((float)pixels[i * 3 + 2 - c] * 0.5f - preprocess.mean[c]) / preprocess.std[c];
            assert_true(data[c * 31 * 47 + i] == wanted);
        }
    clvgg_image_free(image);
}

static void padding_is_a_black_pixel(void **state)
{
    (void)state;
    clvgg_image *image = read_fixture("wide");
    clvgg_preprocess preprocess;
    clvgg_preprocess_defaults(&preprocess);
    preprocess.resize_short = 4;
    preprocess.height = preprocess.width = 8;
    float data[3 * 8 * 8];
    assert_int_equal(clvgg_image_prepare(image, &preprocess, data), CLVGG_STATUS_OK);
    for (int c = 0; c < 3; c++)
        assert_true(data[c * 64] == -preprocess.mean[c] / preprocess.std[c]);
    clvgg_image_free(image);
}

/* Thin pictures have huge intermediate sizes; only what the crop keeps is computed. */
static void thin_pictures_are_cheap(void **state)
{
    (void)state;
    uint8_t *line = calloc(65500, 3);
    clvgg_image *image = NULL;
    const char *path = temp_path("thin.png");
    assert_int_equal(clvgg_image_write_png(runtime, path, 65500, 1, line), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_image_read(runtime, path, &image), CLVGG_STATUS_OK);
    free(line);
    static float data[3 * 224 * 224];
    clvgg_preprocess preprocess = plain(CLVGG_RESIZE_CROP, 65500, 224, 224);
    data[0] = data[3 * 224 * 224 - 1] = NAN;
    assert_int_equal(clvgg_image_prepare(image, &preprocess, data), CLVGG_STATUS_OK);
    assert_true(data[0] == 0 && data[3 * 224 * 224 - 1] == 0);
    clvgg_image_free(image);
}

static void wrong_arguments_are_named(void **state)
{
    (void)state;
    clvgg_image *image = read_fixture("wide");
    float data[3];
    clvgg_preprocess good = plain(CLVGG_RESIZE_CROP, 1, 1, 1);
    assert_int_equal(clvgg_image_prepare(image, &good, data), CLVGG_STATUS_OK);
    clvgg_preprocess wrong[9];
    for (int i = 0; i < 9; i++)
        wrong[i] = good;
    wrong[0].struct_size--;
    wrong[1].height = 0;
    wrong[2].width = 65501;
    wrong[3].resize_short = -1;
    wrong[4].std[2] = 0;
    wrong[5].std[0] = NAN;
    wrong[6].mean[1] = INFINITY;
    wrong[7].scale = NAN;
    wrong[8].mode = (clvgg_resize_mode)2;
    static const char *const words[] = {"struct_size", "1 x 0",   "65501 x 1", "-1",    "std[2]",
                                        "std[0]",      "mean[1]", "scale",     "mode 2"};
    for (int i = 0; i < 9; i++) {
        assert_int_equal(clvgg_image_prepare(image, &wrong[i], data),
                         CLVGG_STATUS_INVALID_ARGUMENT);
        if (strstr(clvgg_status_message(), words[i]) == NULL)
            fail_msg("'%s' doesn't say '%s'", clvgg_status_message(), words[i]);
    }
    for (int channels = -1; channels < 6; channels++) {
        if (channels == 1 || channels == 3)
            continue;
        wrong[0] = good;
        wrong[0].channels = channels;
        assert_int_equal(clvgg_image_prepare(image, &wrong[0], data), CLVGG_STATUS_UNSUPPORTED);
        assert_non_null(strstr(clvgg_status_message(), "a photograph gives 3, or 1 in grey"));
    }
    assert_int_equal(clvgg_image_prepare(NULL, &good, data), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_image_prepare(image, NULL, data), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_image_prepare(image, &good, NULL), CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resizes_as_pillow),
        cmocka_unit_test(resizes_as_pillow_at_any_size),
        cmocka_unit_test(normalises_in_channel_order),
        cmocka_unit_test(padding_is_a_black_pixel),
        cmocka_unit_test(thin_pictures_are_cheap),
        cmocka_unit_test(wrong_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

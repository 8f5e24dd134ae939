/* Decoding: every fixture's pixels, headers that lie, allocations that fail; writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/image.h"
#include "image/image.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/image_fixture.h"

#define IMAGES TEST_DATA "/images/"

static clvgg_runtime *runtime;

/* Decodes and frees; the status, with `image` checked against it. */
static clvgg_status try_decode(const void *bytes, size_t byte_count)
{
    clvgg_image *image = (clvgg_image *)&image;
    clvgg_status status = clvgg_image_decode(runtime, bytes, byte_count, "it", &image);
    if (status == CLVGG_STATUS_OK)
        assert_non_null(image);
    else
        assert_null(image);
    clvgg_image_free(image);
    return status;
}

static void decodes_as_expected(const char *path)
{
    clvgg_image *image = NULL;
    ppm expected = ppm_read(path);
    if (clvgg_image_read(runtime, path, &image) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    assert_int_equal(clvgg_image_width(image), expected.width);
    assert_int_equal(clvgg_image_height(image), expected.height);
    assert_int_equal(clvgg_image_warning_count(image), 0);
    size_t count = (size_t)(expected.width * expected.height) * 3;
    const uint8_t *pixels = clvgg_image_pixels(image);
    for (size_t i = 0; i < count; i++)
        if (pixels[i] != expected.pixels[i])
            fail_msg("%s: byte %zu is %d, not %d", path, i, pixels[i], expected.pixels[i]);
    clvgg_image_free(image);
    ppm_free(&expected);
}

static void every_fixture_decodes(void **state)
{
    (void)state;
    assert_true(image_fixtures_visit(decodes_as_expected) >= 60);
}

static void content_not_name_decides(void **state)
{
    (void)state;
    assert_int_equal(try_decode("", 0), CLVGG_STATUS_BAD_FILE);
    assert_string_equal(clvgg_status_message(), "it: an empty file");
    assert_int_equal(try_decode("GIF89a", 6), CLVGG_STATUS_BAD_FILE);
    assert_string_equal(clvgg_status_message(), "it: not a PNG, JPEG or WebP image");
    size_t size = 0;
    char *bytes = file_read(IMAGES "jpeg-rgb.jpg", &size);
    file_write(temp_path("photo.png"), bytes, size);
    clvgg_image *image = NULL;
    assert_int_equal(clvgg_image_read(runtime, temp_path("photo.png"), &image), CLVGG_STATUS_OK);
    clvgg_image_free(image);
    assert_int_equal(clvgg_image_read(runtime, temp_path("none"), &image), CLVGG_STATUS_NOT_FOUND);
    assert_null(image);
    free(bytes);
}

/* Sizes are refused with their numbers, before anything is allocated for them. */
static void headers_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t width, height;
        const char *message;
    } cases[] = {
        {100000, 100000, "it: 100000 x 100000 pixels: more than 65500 a side"},
        {4294967295u, 1, "it: 4294967295 x 1 pixels: more than 65500 a side"},
        {0, 0, "it: 0 x 0 pixels: no pixels"},
        {0, 7, "it: 0 x 7 pixels: no pixels"},
        {65500, 65500, "it: 65500 x 65500 pixels: more than 100 million pixels"},
        {10000, 10000, "it: truncated: 33 bytes can't hold 10000 x 10000 pixels"},
    };
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = png_header(bytes, cases[i].width, cases[i].height);
        assert_int_equal(try_decode(bytes, size), CLVGG_STATUS_BAD_FILE);
        assert_string_equal(clvgg_status_message(), cases[i].message);
    }
    static const struct {
        uint32_t width, height;
        const char *message;
    } jpegs[] = {
        {0, 9, "it: 0 x 9 pixels: no pixels"},
        {65535, 10, "it: 65535 x 10 pixels: more than 65500 a side"},
        {65000, 65000, "it: 65000 x 65000 pixels: more than 1000 million pixels"},
        {10000, 10000, "it: truncated: 25 bytes can't hold 10000 x 10000 pixels"},
    };
    for (size_t i = 0; i < sizeof jpegs / sizeof *jpegs; i++) {
        size_t size = jpeg_header(bytes, jpegs[i].width, jpegs[i].height);
        assert_int_equal(try_decode(bytes, size), CLVGG_STATUS_BAD_FILE);
        assert_string_equal(clvgg_status_message(), jpegs[i].message);
    }
    static const uint8_t no_components[] = {0xFF, 0xD8, 0xFF, 0xC0, 0, 8, 8, 0, 9, 0, 9, 0};
    assert_int_equal(try_decode(no_components, sizeof no_components), CLVGG_STATUS_BAD_FILE);
    assert_non_null(strstr(clvgg_status_message(), "it: damaged JPEG: "));
}

/* A byte is four blocks of 8 x 8 pixels, each the same as the one before and without detail. */
static void huge_jpegs_are_read_smaller(void **state)
{
    (void)state;
    enum { WIDTH = 12016, HEIGHT = 10008, BLOCKS = WIDTH / 8 * (HEIGHT / 8) };
    static const uint8_t code[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    uint8_t header[256];
    const size_t frame_bytes = jpeg_header(header, WIDTH, HEIGHT) - 10;
    const size_t tables_bytes = 2 + 2 + 65 + 2 * (2 + 2 + 18);
    uint8_t *bytes = calloc(frame_bytes + tables_bytes + 10 + (BLOCKS + 3) / 4 + 2, 1), *at = bytes;
    memcpy(at, header, frame_bytes);
    at += frame_bytes;
    memcpy(at, "\xFF\xDB\0\x43\0", 5);
    memset(at + 5, 1, 64);
    at += 69;
    for (uint8_t table = 0; table < 2; table++, at += 22) {
        memcpy(at, "\xFF\xC4\0\x14", 4);
        at[4] = (uint8_t)(table << 4);
        memcpy(at + 5, code, sizeof code);
    }
    memcpy(at, header + frame_bytes, 10);
    at += 10 + (BLOCKS + 3) / 4;
    memcpy(at, "\xFF\xD9", 2);
    clvgg_image *image = NULL;
    vgg_image_cost cost;
    const size_t size = (size_t)(at + 2 - bytes);
    assert_int_equal(vgg_image_measure(bytes, size, "it", &cost), CLVGG_STATUS_OK);
    assert_int_equal(cost.longest_side, WIDTH / 2);
    assert_int_equal(cost.decode_bytes, (uint64_t)WIDTH / 2 * (HEIGHT / 2) * 3);
    assert_int_equal(clvgg_image_decode(runtime, bytes, size, "it", &image), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_image_width(image), WIDTH / 2);
    assert_int_equal(clvgg_image_height(image), HEIGHT / 2);
    assert_int_equal(clvgg_image_warning_count(image), 0);
    assert_int_equal(clvgg_image_pixels(image)[(size_t)WIDTH / 2 * (HEIGHT / 2) * 3 - 1], 128);
    clvgg_image_free(image);
    bytes[3] = 0xC2; /* progressive: all its coefficients would be in memory */
    assert_int_equal(try_decode(bytes, size), CLVGG_STATUS_BAD_FILE);
    assert_string_equal(clvgg_status_message(),
                        "it: 12016 x 10008 pixels: more than 100 million pixels");
    free(bytes);
}

static clvgg_status read_and_prepare(void *user)
{
    clvgg_image *image = NULL;
    static float data[3 * 224 * 224];
    clvgg_preprocess preprocess;
    clvgg_preprocess_defaults(&preprocess);
    clvgg_status status = vgg_image_read(user, &image);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_image_prepare(image, &preprocess, data);
    clvgg_image_free(image);
    return status;
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    static char *const files[] = {IMAGES "rgba16-interlaced.png", IMAGES "palette4-trns.png",
                                  IMAGES "jpeg-cmyk.jpg",
#ifdef CLVGG_HAVE_WEBPDEMUX
                                  IMAGES "webp-orientation6.webp",
#endif
                                  IMAGES "jpeg-orientation6.jpg"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_true(failing_allocator_sweep(read_and_prepare, files[i]) > 8);
}

static void written_png_reads_back(void **state)
{
    (void)state;
    ppm picture = ppm_read(IMAGES "wide.png");
    const char *path = temp_path("out.png");
    clvgg_image *image = NULL;
    assert_int_equal(
        clvgg_image_write_png(runtime, path, picture.width, picture.height, picture.pixels),
        CLVGG_STATUS_OK);
    assert_int_equal(clvgg_image_read(runtime, path, &image), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_image_width(image), picture.width);
    assert_int_equal(clvgg_image_height(image), picture.height);
    assert_memory_equal(clvgg_image_pixels(image), picture.pixels,
                        (size_t)(picture.width * picture.height) * 3);
    clvgg_image_free(image);
    size_t files = temp_file_count();
    assert_int_equal(clvgg_image_write_png(runtime, path, 0, 1, picture.pixels),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_not_equal(
        clvgg_image_write_png(runtime, temp_path("no/such/folder.png"), 1, 1, picture.pixels),
        CLVGG_STATUS_OK);
    assert_int_equal(temp_file_count(), files);
    ppm_free(&picture);
}

static clvgg_status write_small(void *user)
{
    static const uint8_t rgb[4 * 3 * 3];
    return vgg_image_write_png(user, 4, 3, rgb);
}

static void a_failed_write_leaves_nothing(void **state)
{
    (void)state;
    size_t files = temp_file_count();
    static char path[512];
    strcpy(path, temp_path("swept.png"));
    assert_true(failing_allocator_sweep(write_small, path) > 3);
    assert_int_equal(temp_file_count(), files + 1);
}

static int set_up(void **state)
{
    return temp_folder_setup(state) || clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK;
}

static int tear_down(void **state)
{
    clvgg_runtime_free(runtime);
    return temp_folder_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fixture_decodes),
        cmocka_unit_test(content_not_name_decides),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(huge_jpegs_are_read_smaller),
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(written_png_reads_back),
        cmocka_unit_test(a_failed_write_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

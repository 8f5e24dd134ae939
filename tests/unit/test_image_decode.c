/* Decoding: every fixture's pixels, damage, truncation at every byte, headers that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/image.h"
#include "image/exif.h"
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

/* No fixture has anything behind its end marker, so that every cut is one too many. */
static void fails_cut_anywhere(const char *path)
{
    size_t size = 0;
    char *bytes = file_read(path, &size);
    for (size_t length = 0; length < size; length++) {
        char *exact = malloc(length + 1); /* the sanitizer sees reads past the end */
        memcpy(exact, bytes, length);
        exact = realloc(exact, length ? length : 1);
        clvgg_status status = try_decode(exact, length);
        if (status != CLVGG_STATUS_BAD_FILE)
            fail_msg("%s cut to %zu bytes: %s", path, length, clvgg_status_name(status));
        assert_ptr_equal(strstr(clvgg_status_message(), "it: "), clvgg_status_message());
        free(exact);
    }
    bytes = realloc(bytes, size + 100);
    memset(bytes + size, 'x', 100);
    if (try_decode(bytes, size + 100) != CLVGG_STATUS_OK)
        fail_msg("%s with bytes behind its end: %s", path, clvgg_status_message());
    free(bytes);
}

static void every_truncation_fails(void **state)
{
    (void)state;
    image_fixtures_visit(fails_cut_anywhere);
}

/* Whatever a flipped byte does, it ends in a picture or an error. */
static void survives_damage_anywhere(const char *path)
{
    size_t size = 0;
    char *bytes = file_read(path, &size);
    for (size_t i = 0; i < size; i++) {
        char before = bytes[i];
        bytes[i] = (char)~before;
        clvgg_status status = try_decode(bytes, size);
        assert_true(status == CLVGG_STATUS_OK || status == CLVGG_STATUS_BAD_FILE ||
                    status == CLVGG_STATUS_UNSUPPORTED);
        bytes[i] = before;
    }
    free(bytes);
}

static void every_flipped_byte_is_survived(void **state)
{
    (void)state;
    image_fixtures_visit(survives_damage_anywhere);
}

static void content_not_name_decides(void **state)
{
    (void)state;
    assert_int_equal(try_decode("", 0), CLVGG_STATUS_BAD_FILE);
    assert_string_equal(clvgg_status_message(), "it: an empty file");
    assert_int_equal(try_decode("GIF89a", 6), CLVGG_STATUS_BAD_FILE);
    assert_string_equal(clvgg_status_message(), "it: not a PNG or JPEG image");
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
        {65000, 65000, "it: 65000 x 65000 pixels: more than 100 million pixels"},
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

/* Bytes that don't belong before a marker: libjpeg says so and goes on. */
static void recoverable_damage_is_counted(void **state)
{
    (void)state;
    enum { SURPLUS = 40 };
    size_t size = 0;
    char *bytes = file_read(IMAGES "jpeg-rgb.jpg", &size);
    bytes = realloc(bytes, size + SURPLUS);
    memset(bytes + size - 2, 'x', SURPLUS);
    memcpy(bytes + size - 2 + SURPLUS, "\xFF\xD9", 2);
    clvgg_image *image = NULL;
    clvgg_status status = clvgg_image_decode(runtime, bytes, size + SURPLUS, "it", &image);
    free(bytes);
    assert_int_equal(status, CLVGG_STATUS_OK);
    int warnings = clvgg_image_warning_count(image);
    clvgg_image_free(image);
    assert_int_equal(warnings, 1);
}

/* A file cut short and closed with an end marker has lost as much as one that isn't closed. */
static void closed_truncation_fails(void **state)
{
    (void)state;
    size_t size = 0;
    char *bytes = file_read(IMAGES "jpeg-rgb.jpg", &size);
    memcpy(bytes + size - 200, "\xFF\xD9", 2);
    assert_int_equal(try_decode(bytes, size - 198), CLVGG_STATUS_BAD_FILE);
    assert_non_null(strstr(clvgg_status_message(), "truncated JPEG"));
    free(bytes);
}

/* The last scan of a progressive file again and again: each pass costs as much as the picture. */
static void scans_are_capped(void **state)
{
    (void)state;
    size_t size = 0;
    char *bytes = file_read(IMAGES "jpeg-progressive.jpg", &size);
    size_t scan = 0;
    for (size_t i = 0; i + 1 < size; i++)
        if ((uint8_t)bytes[i] == 0xFF && (uint8_t)bytes[i + 1] == 0xDA)
            scan = i;
    assert_true(scan > 0);
    size_t scan_bytes = size - 2 - scan, repeats = 200;
    char *bomb = malloc(size + repeats * scan_bytes);
    memcpy(bomb, bytes, size - 2);
    for (size_t i = 0; i < repeats; i++)
        memcpy(bomb + size - 2 + i * scan_bytes, bytes + scan, scan_bytes);
    memcpy(bomb + size - 2 + repeats * scan_bytes, "\xFF\xD9", 2);
    assert_int_equal(try_decode(bomb, size + repeats * scan_bytes), CLVGG_STATUS_BAD_FILE);
    assert_string_equal(clvgg_status_message(), "it: damaged JPEG: more than 100 scans");
    free(bomb);
    free(bytes);
}

static void malformed_exif_means_upright(void **state)
{
    (void)state;
    uint8_t tiff[] = {'I',  'I', 42, 0, 8, 0, 0, 0, /* header, directory at 8 */
                      1,    0,                      /* one entry */
                      0x12, 1,   3,  0, 1, 0, 0, 0, 6, 0, 0, 0};
    assert_int_equal(vgg_exif_orientation(tiff, sizeof tiff), 6);
    for (size_t length = 0; length < sizeof tiff; length++) {
        uint8_t *exact = malloc(length ? length : 1);
        memcpy(exact, tiff, length);
        assert_int_equal(vgg_exif_orientation(exact, length), 1);
        free(exact);
    }
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, 'M'}, {2, 41}, {7, 0xFF}, {4, 200}, {8, 0}, {12, 4}, {18, 9}, {18, 0}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint8_t before = tiff[changes[i].at];
        tiff[changes[i].at] = changes[i].value;
        assert_int_equal(vgg_exif_orientation(tiff, sizeof tiff), 1);
        tiff[changes[i].at] = before;
    }
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
                                  IMAGES "jpeg-cmyk.jpg", IMAGES "jpeg-orientation6.jpg"};
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
        cmocka_unit_test(every_truncation_fails),
        cmocka_unit_test(every_flipped_byte_is_survived),
        cmocka_unit_test(content_not_name_decides),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(recoverable_damage_is_counted),
        cmocka_unit_test(closed_truncation_fails),
        cmocka_unit_test(scans_are_capped),
        cmocka_unit_test(malformed_exif_means_upright),
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(written_png_reads_back),
        cmocka_unit_test(a_failed_write_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

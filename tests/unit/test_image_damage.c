/* Damaged pictures: what lacks data is refused, whatever else libjpeg and libpng pass over is
 * counted, and the pixels are then those of the whole file. */
#define _GNU_SOURCE /* memmem */
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
#define NOT_DECODED (-1)

static const char TRUNCATED[] = "truncated JPEG: the data ends before the picture";

/* The number of warnings, or NOT_DECODED and a message that begins with the name. Pixels, when
 * `expected` isn't NULL, must be these. */
static int decode(const void *bytes, size_t byte_count, const ppm *expected)
{
    clvgg_image *image = NULL;
    clvgg_status status = vgg_image_decode(bytes, byte_count, "it", &image);
    if (status != CLVGG_STATUS_OK) {
        if (status != CLVGG_STATUS_BAD_FILE && status != CLVGG_STATUS_UNSUPPORTED)
            fail_msg("%s: %s", clvgg_status_name(status), vgg_message());
        assert_ptr_equal(strstr(vgg_message(), "it: "), vgg_message());
        assert_null(image);
        return NOT_DECODED;
    }
    const int warnings = image->warning_count;
    if (expected != NULL) {
        assert_int_equal(image->width, expected->width);
        assert_int_equal(image->height, expected->height);
        assert_memory_equal(image->pixels, expected->pixels,
                            (size_t)(image->width * image->height) * 3);
    }
    vgg_image_free(image);
    return warnings;
}

static void assert_message(const char *words)
{
    if (strstr(vgg_message(), words) == NULL)
        fail_msg("'%s' doesn't say '%s'", vgg_message(), words);
}

/* The end marker of a JPEG, the IEND chunk of a PNG; WebP has none. */
static size_t end_bytes(const char *path)
{
    return strstr(path, ".png") != NULL ? 12 : strstr(path, ".jpg") != NULL ? 2 : 0;
}

/* Bytes behind the rows: the end marker, and in some PNGs the orientation. */
static size_t bytes_behind(const char *path, const char *bytes, size_t size)
{
    const bool is_png = strstr(path, ".png") != NULL;
    const char *rows = is_png ? memmem(bytes, size, "IDAT", 4) : NULL;
    const char *exif = rows != NULL ? memmem(rows, size - (size_t)(rows - bytes), "eXIf", 4) : NULL;
    return exif != NULL ? size - (size_t)(exif - 4 - bytes) : end_bytes(path);
}

/* The decoder of arithmetic coding can't tell how much is missing. */
static bool needs_end(const char *path)
{
    return strstr(path, "arithmetic") != NULL;
}

/* No fixture has anything behind its end, so that every cut takes something away. */
static void is_whole_or_refused_cut_anywhere(const char *path)
{
    size_t size = 0;
    char *bytes = file_read(path, &size);
    ppm expected = ppm_read(path);
    const size_t end = size - end_bytes(path), rows = size - bytes_behind(path, bytes, size);
    for (size_t length = 0; length < size; length++) {
        char *exact = malloc(length + 1); /* the sanitizer sees reads past the end */
        memcpy(exact, bytes, length);
        exact = realloc(exact, length ? length : 1);
        /* A picture that has lost its orientation isn't turned. */
        const int warnings = decode(exact, length, length < end && end > rows ? NULL : &expected);
        if (warnings == 0)
            fail_msg("%s cut to %zu bytes: no warning", path, length);
        if (warnings == NOT_DECODED && length >= rows && !needs_end(path))
            fail_msg("%s cut to %zu bytes: %s", path, length, vgg_message());
        if (warnings != NOT_DECODED && length + 1 < rows)
            fail_msg("%s cut to %zu bytes of %zu is read", path, length, size);
        free(exact);
    }
    bytes = realloc(bytes, size + 100);
    memset(bytes + size, 'x', 100);
    assert_int_equal(decode(bytes, size + 100, &expected), 0);
    ppm_free(&expected);
    free(bytes);
}

static void every_cut_leaves_all_or_nothing(void **state)
{
    (void)state;
    image_fixtures_visit(is_whole_or_refused_cut_anywhere);
}

/* A flipped byte ends in a picture or an error, wherever it is. */
static void survives_damage_anywhere(const char *path)
{
    size_t size = 0;
    char *bytes = file_read(path, &size);
    for (size_t i = 0; i < size; i++) {
        char before = bytes[i];
        bytes[i] = (char)~before;
        decode(bytes, size, NULL);
        bytes[i] = before;
    }
    free(bytes);
}

static void every_flipped_byte_is_survived(void **state)
{
    (void)state;
    image_fixtures_visit(survives_damage_anywhere);
}

/* A file's beginning, with something else behind it. */
static int decode_joined(const char *bytes, size_t kept, const void *tail, size_t tail_bytes,
                         const ppm *expected)
{
    char *joined = malloc(kept + tail_bytes);
    memcpy(joined, bytes, kept);
    memcpy(joined + kept, tail, tail_bytes);
    const int warnings = decode(joined, kept + tail_bytes, expected);
    free(joined);
    return warnings;
}

/* Cameras put data of their own behind the picture; some programs forget the end marker then. */
static void trailers_without_end_are_counted(void **state)
{
    (void)state;
    static const char *const files[] = {
        "jpeg-rgb.jpg",   "jpeg-restarts.jpg", "jpeg-progressive.jpg",
        "jpeg-scans.jpg", "rgb8.png",          "rgb8-interlaced.png"};
    static const uint8_t maker[200] = "\0\0\1\nSEFH", marker[] = {0xFF, 0xE1, 0, 6, 0, 0, 0, 0},
                         picture[] = {0xFF, 0xD8, 0xFF, 0xE0, 0, 0},
                         table[] = {0xFF, 0xDB, 0, 6, 0x77, 0, 0, 0};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[256];
        size_t size = 0;
        snprintf(path, sizeof path, IMAGES "%s", files[i]);
        char *bytes = file_read(path, &size);
        ppm expected = ppm_read(path);
        const size_t kept = size - end_bytes(path);
        assert_true(decode_joined(bytes, kept, maker, sizeof maker, &expected) > 0);
        assert_true(decode_joined(bytes, kept, marker, sizeof marker, &expected) > 0);
        if (strstr(path, "jpeg-scans") == NULL && strstr(path, "jpeg-progressive") == NULL) {
            assert_true(decode_joined(bytes, kept, picture, sizeof picture, &expected) > 0);
            assert_true(decode_joined(bytes, kept, table, sizeof table, &expected) > 0);
        }
        ppm_free(&expected);
        free(bytes);
    }
}

/* Bytes that don't belong before a marker: libjpeg says so and goes on. */
static void surplus_bytes_are_counted(void **state)
{
    (void)state;
    size_t size = 0;
    char *bytes = file_read(IMAGES "jpeg-rgb.jpg", &size);
    ppm expected = ppm_read(IMAGES "jpeg-rgb.jpg");
    static const char surplus[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\xFF\xD9";
    assert_int_equal(decode_joined(bytes, size - 2, surplus, sizeof surplus - 1, &expected), 1);
    ppm_free(&expected);
    free(bytes);
}

/* A version that libjpeg doesn't know has no bearing on pixels. */
static void unknown_versions_are_no_damage(void **state)
{
    (void)state;
    size_t size = 0;
    char *bytes = file_read(IMAGES "jpeg-rgb.jpg", &size);
    assert_memory_equal(bytes + 6, "JFIF\0\1", 6);
    bytes[11] = 9;
    assert_int_equal(decode(bytes, size, NULL), 0);
    free(bytes);
}

/* A file cut short and closed with an end marker, or any other, has lost as much. */
static void closed_truncation_fails(void **state)
{
    (void)state;
    size_t size = 0;
    char *bytes = file_read(IMAGES "jpeg-rgb.jpg", &size);
    assert_int_equal(decode_joined(bytes, size - 200, "\xFF\xD9", 2, NULL), NOT_DECODED);
    assert_message(TRUNCATED);
    static const char other[] = "\xFF\xE1\0\x06xxxx\xFF\xD9";
    assert_int_equal(decode_joined(bytes, size - 200, other, 10, NULL), NOT_DECODED);
    assert_message("damaged JPEG: a marker (0xe1) cuts the picture's data off");
    memcpy(bytes + size - 200, "\xFF\xD3", 2); /* of a file without restarts */
    assert_int_equal(decode(bytes, size, NULL), NOT_DECODED);
    assert_message("damaged JPEG: a marker (0xd3)");
    free(bytes);
}

/* One stretch between restart markers is damaged, the others aren't. */
static void restarts_resume_behind_damage(void **state)
{
    (void)state;
    size_t size = 0;
    char *bytes = file_read(IMAGES "jpeg-restarts.jpg", &size);
    char *restart = memmem(bytes, size, "\xFF\xD1", 2);
    assert_non_null(restart);
    const size_t at = (size_t)(restart - bytes);
    assert_true(decode_joined(bytes, at - 3, restart, size - at, NULL) > 0);
    free(bytes);
}

/* Places of the scans' headers, at most `most`; returns their number. */
static size_t find_scans(const char *bytes, size_t size, size_t *at, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i + 1 < size && count < most; i++)
        if ((uint8_t)bytes[i] == 0xFF && (uint8_t)bytes[i + 1] == 0xDA)
            at[count++] = i;
    return count;
}

/* Cut between two scans nothing is amiss but that there are too few. */
static void missing_scans_are_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t scans;
        bool coarse; /* whether the first scan is enough for a picture */
    } files[] = {{IMAGES "jpeg-progressive.jpg", 10, true}, {IMAGES "jpeg-scans.jpg", 3, false}};
    for (size_t i = 0; i < 2; i++) {
        size_t size = 0, at[16];
        char *bytes = file_read(files[i].path, &size);
        const size_t count = find_scans(bytes, size, at, 16);
        assert_int_equal(count, files[i].scans);
        for (size_t scan = 1; scan < count; scan++) {
            assert_int_equal(decode(bytes, at[scan], NULL), NOT_DECODED);
            assert_message(TRUNCATED);
            assert_int_equal(decode_joined(bytes, at[scan], "\xFF\xD9", 2, NULL),
                             files[i].coarse ? 1 : NOT_DECODED);
            if (!files[i].coarse)
                assert_message(TRUNCATED);
        }
        free(bytes);
    }
}

/* The last scan of a progressive file again and again: each pass costs as much as the picture. */
static void scans_are_capped(void **state)
{
    (void)state;
    enum { REPEATS = 200 };
    size_t size = 0, at[16];
    char *bytes = file_read(IMAGES "jpeg-progressive.jpg", &size);
    const size_t last = at[find_scans(bytes, size, at, 16) - 1], scan_bytes = size - 2 - last;
    char *tail = malloc(REPEATS * scan_bytes + 2);
    for (size_t i = 0; i < REPEATS; i++)
        memcpy(tail + i * scan_bytes, bytes + last, scan_bytes);
    memcpy(tail + REPEATS * scan_bytes, "\xFF\xD9", 2);
    assert_int_equal(decode_joined(bytes, last, tail, REPEATS * scan_bytes + 2, NULL), NOT_DECODED);
    assert_string_equal(vgg_message(), "it: damaged JPEG: more than 100 scans");
    free(tail);
    free(bytes);
}

static char *find_chunk(char *bytes, size_t size, const char *type)
{
    char *chunk = memmem(bytes, size, type, 4);
    assert_non_null(chunk);
    return chunk;
}

/* A chunk's checksum tells whether its content is to be trusted: of pixels it must be right. */
static void wrong_checksums_count_where_pixels_are_not(void **state)
{
    (void)state;
    size_t size = 0;
    char *bytes = file_read(IMAGES "orientation1.png", &size);
    ppm expected = ppm_read(IMAGES "orientation1.png");
    static const struct {
        const char *chunk;
        int warnings;
    } cases[] = {{"eXIf", 1}, {"IEND", 1}, {"IHDR", NOT_DECODED}, {"IDAT", NOT_DECODED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *chunk = find_chunk(bytes, size, cases[i].chunk);
        const size_t length = (size_t)(uint8_t)chunk[-1] + 256 * (size_t)(uint8_t)chunk[-2];
        chunk[4 + length] ^= 1;
        assert_int_equal(decode(bytes, size, &expected), cases[i].warnings);
        chunk[4 + length] ^= 1;
    }
    ppm_free(&expected);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_leaves_all_or_nothing),
        cmocka_unit_test(every_flipped_byte_is_survived),
        cmocka_unit_test(trailers_without_end_are_counted),
        cmocka_unit_test(surplus_bytes_are_counted),
        cmocka_unit_test(unknown_versions_are_no_damage),
        cmocka_unit_test(closed_truncation_fails),
        cmocka_unit_test(restarts_resume_behind_damage),
        cmocka_unit_test(missing_scans_are_noticed),
        cmocka_unit_test(scans_are_capped),
        cmocka_unit_test(wrong_checksums_count_where_pixels_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

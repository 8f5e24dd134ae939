/* Orientation in EXIF: which entries say one, and that malformed ones say none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/exif.h"

/* Pillow 13 and OpenCV 5 agree on all of these that say an orientation. */
static void whole_numbers_of_any_size_are_read(void **state)
{
    (void)state;
    static const struct {
        uint8_t type, count, value[4];
        int orientation, big_endian; /* of the same bytes in the other order of bytes */
    } cases[] = {
        {3, 1, {6, 0, 0, 0}, 6, 0},     {4, 1, {6, 0, 0, 0}, 6, 0}, {6, 1, {6, 0, 0, 0}, 6, 6},
        {8, 1, {6, 0, 0, 0}, 6, 0},     {9, 1, {6, 0, 0, 0}, 6, 0}, {13, 1, {6, 0, 0, 0}, 6, 0},
        {3, 1, {0, 3, 0, 0}, 0, 3},     {4, 1, {0, 0, 0, 3}, 0, 3}, {9, 1, {0, 0, 0, 3}, 0, 3},
        {3, 2, {8, 0, 8, 0}, 8, 0},     {3, 1, {6, 0, 9, 9}, 6, 0}, {3, 1, {0, 0, 6, 0}, 0, 0},
        {4, 1, {6, 0, 1, 0}, 0, 0},     {3, 1, {9, 0, 0, 0}, 0, 0}, {3, 1, {0, 0, 0, 0}, 0, 0},
        {8, 1, {255, 255, 0, 0}, 0, 0}, {3, 0, {6, 0, 0, 0}, 0, 0}, {3, 3, {6, 0, 6, 0}, 0, 0},
        {1, 1, {6, 0, 0, 0}, 0, 0},     {2, 1, {6, 0, 0, 0}, 0, 0}, {7, 1, {6, 0, 0, 0}, 0, 0},
        {5, 1, {6, 0, 0, 0}, 0, 0},     {0, 1, {6, 0, 0, 0}, 0, 0}, {99, 1, {6, 0, 0, 0}, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint8_t type = cases[i].type, count = cases[i].count, *v = cases[i].value;
        const uint8_t little[] = {'I', 'I',  42, 0,     8, 0, 0, 0,    1,    0,    0x12,
                                  1,   type, 0,  count, 0, 0, 0, v[0], v[1], v[2], v[3]};
        const uint8_t big[] = {'M',  'M', 0,    42, 0, 0, 0,     8,    0,    1,    1,
                               0x12, 0,   type, 0,  0, 0, count, v[0], v[1], v[2], v[3]};
        const int from_little = vgg_exif_orientation(little, sizeof little);
        const int from_big = vgg_exif_orientation(big, sizeof big);
        if (from_little != cases[i].orientation || from_big != cases[i].big_endian)
            fail_msg("case %zu: %d and %d", i, from_little, from_big);
    }
}

static void several_values_lie_elsewhere(void **state)
{
    (void)state;
    uint8_t tiff[] = {'I', 'I', 42, 0, 8,  0, 0, 0, 1, 0, 0x12, 1, 3, 0,
                      3,   0,   0,  0, 22, 0, 0, 0, 5, 0, 1,    0, 1, 0};
    assert_int_equal(vgg_exif_orientation(tiff, sizeof tiff), 5);
    assert_int_equal(vgg_exif_orientation(tiff, sizeof tiff - 1), 0);
    memset(tiff + 14, 0xFF, 4);
    assert_int_equal(vgg_exif_orientation(tiff, sizeof tiff), 0);
}

static void malformed_means_none(void **state)
{
    (void)state;
    uint8_t tiff[] = {'I',  'I', 42, 0, 8, 0, 0, 0, /* header, directory at 8 */
                      1,    0,                      /* one entry */
                      0x12, 1,   3,  0, 1, 0, 0, 0, 6, 0, 0, 0};
    assert_int_equal(vgg_exif_orientation(tiff, sizeof tiff), 6);
    for (size_t length = 0; length < sizeof tiff; length++) {
        uint8_t *exact = malloc(length ? length : 1);
        memcpy(exact, tiff, length);
        assert_int_equal(vgg_exif_orientation(exact, length), 0);
        free(exact);
    }
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, 'M'}, {2, 41}, {7, 0xFF}, {4, 200}, {8, 0}, {12, 5}, {18, 9}, {18, 0}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint8_t before = tiff[changes[i].at];
        tiff[changes[i].at] = changes[i].value;
        assert_int_equal(vgg_exif_orientation(tiff, sizeof tiff), 0);
        tiff[changes[i].at] = before;
    }
}

static void a_signature_may_stand_before(void **state)
{
    (void)state;
    static const uint8_t exif[] = {'E', 'x', 'i', 'f',  0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
                                   0,   1,   1,   0x12, 0, 3, 0,   0,   0, 1,  0, 8, 0, 0};
    assert_int_equal(vgg_exif_orientation(exif, sizeof exif), 8);
    assert_int_equal(vgg_exif_orientation(exif + 6, sizeof exif - 6), 8);
    for (size_t length = 0; length < sizeof exif; length++)
        assert_int_equal(vgg_exif_orientation(exif, length), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_of_any_size_are_read),
        cmocka_unit_test(several_values_lie_elsewhere),
        cmocka_unit_test(malformed_means_none),
        cmocka_unit_test(a_signature_may_stand_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

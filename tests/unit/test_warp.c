/* Photographs moved, enlarged and turned: identity and whole pixels bit for bit, the rest against
 * the definition in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/warp.h"
#include "support/failing_allocator.h"
#include "support/image_fixture.h"

enum { SIDE_MAX = 300 };
#define ROW_MAX ((size_t)3 * SIDE_MAX * SIDE_MAX)
static float data[ROW_MAX], wanted[ROW_MAX];

static clvgg_image *read_image(const char *path)
{
    clvgg_image *image = NULL;
    if (vgg_image_read(path, &image) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    return image;
}

/* Preparations: torchvision's; padded, BGR; squashed; grey. */
static clvgg_preprocess preprocess_of(int kind)
{
    clvgg_preprocess p;
    clvgg_preprocess_defaults(&p);
    p.height = kind == 0 ? 32 : kind == 1 ? 41 : 17;
    p.width = kind == 0 ? 32 : kind == 1 ? 30 : kind == 2 ? 64 : 19;
    p.resize_short = kind == 1 ? 21 : 36;
    p.mode = kind == 2 ? CLVGG_RESIZE_SQUASH : CLVGG_RESIZE_CROP;
    p.order = kind == 1 ? CLVGG_BGR : CLVGG_RGB;
    p.channels = kind == 3 ? 1 : 3;
    return p;
}

static void warp_image(const clvgg_image *image, const clvgg_preprocess *p, const vgg_warp *warp)
{
    memset(data, 0xFF, sizeof data);
    if (vgg_image_prepare_warped(image, p, warp, data) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
}

static void check_identity(const char *path)
{
    clvgg_image *image = read_image(path);
    for (int kind = 0; kind < 4; kind++)
        for (int turns = -360; turns <= 360; turns += 360) {
            const clvgg_preprocess p = preprocess_of(kind);
            assert_int_equal(vgg_image_prepare(image, &p, wanted), CLVGG_STATUS_OK);
            warp_image(image, &p, &(vgg_warp){.scale = 1, .turn = turns, .edge = turns == 0});
            assert_memory_equal(data, wanted,
                                (size_t)(p.channels * p.height * p.width) * sizeof *data);
        }
    vgg_image_free(image);
}

static void unmoved_pictures_are_the_same_bits(void **state)
{
    (void)state;
    assert_true(image_fixtures_visit(check_identity) > 30);
    check_identity(TEST_DATA "/chelsea.png");
}

/* A window's pixel comes from the pixel (y − down, x − right) of the larger window around it, whose
 * border is what the crop left out. */
static void whole_pixels_only_move(void **state)
{
    (void)state;
    clvgg_image *image = read_image(TEST_DATA "/chelsea.png"); /* 451 × 300 */
    clvgg_preprocess p, larger;
    clvgg_preprocess_defaults(&p);
    p.height = p.width = 40;
    p.resize_short = 100;
    larger = p;
    larger.height = larger.width = 100;
    assert_int_equal(vgg_image_prepare(image, &larger, wanted), CLVGG_STATUS_OK);
    for (int down = -30; down <= 30; down += 5) {
        const int right = down / 3;
        warp_image(image, &p, &(vgg_warp){.scale = 1, .down = down, .right = right});
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < 40; y++)
                assert_memory_equal(data + (c * 40 + y) * 40,
                                    wanted + (c * 100 + y + 30 - down) * 100 + 30 - right,
                                    40 * sizeof *data);
    }
    vgg_image_free(image);
}

static void quarter_turns_only_move(void **state)
{
    (void)state;
    clvgg_image *image = read_image(TEST_DATA "/chelsea.png");
    clvgg_preprocess p;
    clvgg_preprocess_defaults(&p);
    p.height = p.width = 40;
    assert_int_equal(vgg_image_prepare(image, &p, wanted), CLVGG_STATUS_OK);
    warp_image(image, &p, &(vgg_warp){.scale = 1, .turn = 90});
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < 40; y++)
            for (int x = 0; x < 40; x++) /* counter-clockwise: the right edge becomes the top */
                assert_true(data[(c * 40 + y) * 40 + x] == wanted[(c * 40 + x) * 40 + 39 - y]);
    warp_image(image, &p, &(vgg_warp){.scale = 1, .turn = -180});
    for (int i = 0; i < 1600; i++)
        assert_true(data[i] == wanted[1599 - i]);
    vgg_image_free(image);
}

/* A ramp stays a ramp: cubic interpolation keeps straight lines, whatever the step and angle. */
static void ramps_keep_their_slope(void **state)
{
    (void)state;
    enum { SIDE = 96, WINDOW = 48 };
    static uint8_t pixels[SIDE * SIDE * 3];
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            pixels[(y * SIDE + x) * 3] = (uint8_t)(2 * x);
            pixels[(y * SIDE + x) * 3 + 1] = (uint8_t)(2 * y);
            pixels[(y * SIDE + x) * 3 + 2] = 7;
        }
    const clvgg_image image = {.width = SIDE, .height = SIDE, .pixels = pixels};
    clvgg_preprocess p;
    clvgg_preprocess_defaults(&p);
    p.height = p.width = WINDOW;
    p.resize_short = SIDE;
    p.scale = 1;
    for (int c = 0; c < 3; c++) {
        p.mean[c] = 0;
        p.std[c] = 1;
    }
    const vgg_warp warps[] = {{.scale = 1, .turn = 30},
                              {.scale = 1.25},
                              {.scale = 1.8, .turn = 200},
                              {.scale = 1, .down = 3.25, .right = -2.5},
                              {.scale = 1.333}};
    for (size_t i = 0; i < sizeof warps / sizeof *warps; i++) {
        const vgg_warp *w = &warps[i];
        const double angle = w->turn * 3.14159265358979323846 / 180;
        warp_image(&image, &p, w);
        for (int y = 0; y < WINDOW; y++)
            for (int x = 0; x < WINDOW; x++) {
                const double dx = x + 0.5 - WINDOW / 2 - w->right,
                             dy = y + 0.5 - WINDOW / 2 - w->down;
                const double from_x =
                    SIDE / 2 + (cos(angle) * dx - sin(angle) * dy) / w->scale - 0.5;
                const double from_y =
                    SIDE / 2 + (sin(angle) * dx + cos(angle) * dy) / w->scale - 0.5;
                /* enlarging rounds to whole bytes, which cubic weights make up to 1.3 of */
                const double error = w->scale == 1 ? 1e-4 : 0.9;
                const int at = y * WINDOW + x;
                assert_true(fabs((double)data[at] - 2 * from_x) < error);
                assert_true(fabs((double)data[WINDOW * WINDOW + at] - 2 * from_y) < error);
                assert_true(fabs((double)data[2 * WINDOW * WINDOW + at] - 7) < 1e-4);
            }
    }
}

static void beyond_the_picture_is_what_was_asked_for(void **state)
{
    (void)state;
    clvgg_image *image = read_image(TEST_DATA "/chelsea.png");
    clvgg_preprocess p = preprocess_of(0);
    warp_image(image, &p, &(vgg_warp){.scale = 1, .down = 500});
    for (int i = 0; i < 3 * 32 * 32; i++)
        assert_true(fabsf(data[i]) < 1e-6f);
    warp_image(image, &p, &(vgg_warp){.scale = 1, .down = 500, .edge = true});
    for (int c = 0; c < 3; c++)
        for (int i = 32; i < 32 * 32; i++) /* the top row again and again */
            assert_true(data[c * 1024 + i] == data[c * 1024 + i % 32]);
    assert_true(data[0] != data[31]);
    p = preprocess_of(3);
    warp_image(image, &p, &(vgg_warp){.scale = 1, .down = 500});
    for (int i = 0; i < p.height * p.width; i++)
        assert_true(fabsf(data[i]) < 1e-6f);
    p = preprocess_of(1); /* padded with black: black goes on */
    warp_image(image, &p, &(vgg_warp){.scale = 1, .down = -9000, .edge = true});
    for (int i = 0; i < 3 * 41 * 30; i++)
        assert_true(data[i] == (0 - p.mean[i / (41 * 30)]) / p.std[i / (41 * 30)]);
    vgg_image_free(image);
}

static void any_numbers_are_safe(void **state)
{
    (void)state;
    const double numbers[] = {
        0, 1, -3.7, 0.05, 20, 10000, -10000, 1e5, -1e300, (double)NAN, (double)INFINITY};
    enum { COUNT = sizeof numbers / sizeof *numbers };
    clvgg_image *image = read_image(TEST_DATA "/images/grey8.png");
    const clvgg_preprocess p = preprocess_of(2);
    int refused = 0;
    for (int i = 0; i < COUNT * COUNT; i++) {
        const vgg_warp warp = {.down = numbers[i % COUNT],
                               .scale = numbers[i / COUNT],
                               .turn = numbers[(3 * i + 1) % COUNT]};
        const clvgg_status status = vgg_image_prepare_warped(image, &p, &warp, data);
        assert_true(status == CLVGG_STATUS_OK || status == CLVGG_STATUS_INVALID_ARGUMENT);
        refused += status != CLVGG_STATUS_OK;
    }
    assert_true(refused > COUNT * COUNT / 2 && refused < COUNT * COUNT - 10);
    vgg_image_free(image);
}

static clvgg_status prepare_one(void *user)
{
    const clvgg_preprocess p = preprocess_of(0);
    return vgg_image_prepare_warped(user, &p, &(vgg_warp){.scale = 1.5, .turn = 3}, data);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    clvgg_image *image = read_image(TEST_DATA "/chelsea.png");
    assert_true(failing_allocator_sweep(prepare_one, image) >= 9);
    vgg_image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unmoved_pictures_are_the_same_bits),
        cmocka_unit_test(whole_pixels_only_move),
        cmocka_unit_test(quarter_turns_only_move),
        cmocka_unit_test(ramps_keep_their_slope),
        cmocka_unit_test(beyond_the_picture_is_what_was_asked_for),
        cmocka_unit_test(any_numbers_are_safe),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Views: the same arguments draw the same view, and it is prepared as a plain reference in double
 * precision says. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/finetune.h"
#include "image/image.h"
#include "image/view.h"
#include "support/failing_allocator.h"
#include "support/image_fixture.h"

#define IMAGES TEST_DATA "/images/"
enum { ALL = VGG_VIEW_FLIP | VGG_VIEW_CROP | VGG_VIEW_COLOR, SIDE_MAX = 80, KINDS = 4 };
#define ROW_MAX (3 * SIDE_MAX * SIDE_MAX)

_Static_assert((int)VGG_VIEW_FLIP == (int)CLVGG_AUGMENT_FLIP &&
                   (int)VGG_VIEW_CROP == (int)CLVGG_AUGMENT_CROP &&
                   (int)VGG_VIEW_COLOR == (int)CLVGG_AUGMENT_COLOR,
               "the same bits");

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

static void prepare_plainly(const clvgg_image *image, const clvgg_preprocess *p, float *data)
{
    assert_int_equal(vgg_image_prepare(image, p, data), CLVGG_STATUS_OK);
}

static void prepare_view(const clvgg_image *image, const clvgg_preprocess *p, const vgg_view *view,
                         float *data)
{
    memset(data, 0xFF, ROW_MAX * sizeof *data);
    assert_int_equal(vgg_image_prepare_view(image, p, view, data), CLVGG_STATUS_OK);
}

static void check_view_0(const char *path)
{
    static float data[ROW_MAX], wanted[ROW_MAX];
    static const uint8_t digest[32] = {1, 2, 3};
    clvgg_image *image = read_image(path);
    vgg_view view = vgg_view_draw(ALL, 5, digest, 0, image->width, image->height);
    assert_false(view.flip || view.crop || view.color);
    for (int kind = 0; kind < KINDS; kind++) {
        clvgg_preprocess p = preprocess_of(kind);
        prepare_plainly(image, &p, wanted);
        prepare_view(image, &p, &view, data);
        assert_memory_equal(data, wanted, (size_t)(p.channels * p.height * p.width) * sizeof *data);
    }
    vgg_image_free(image);
}

static void view_0_is_the_image_as_it_is(void **state)
{
    (void)state;
    assert_true(image_fixtures_visit(check_view_0) > 30);
    check_view_0(TEST_DATA "/chelsea.png");
}

/* Left becomes right. */
static void mirror(float *data, const clvgg_preprocess *p)
{
    const int width = p->width;
    for (int row = 0; row < p->channels * p->height; row++)
        for (int x = 0; x < width / 2; x++) {
            float *left = data + row * width + x, *right = data + row * width + width - 1 - x;
            float kept = *left;
            *left = *right;
            *right = kept;
        }
}

static void flipping_twice_changes_nothing(void **state)
{
    (void)state;
    static float data[ROW_MAX], wanted[ROW_MAX];
    clvgg_image *image = read_image(TEST_DATA "/chelsea.png");
    const vgg_view view = {.flip = true};
    for (int kind = 0; kind < KINDS; kind++) {
        clvgg_preprocess p = preprocess_of(kind);
        size_t bytes = (size_t)(p.channels * p.height * p.width) * sizeof *data;
        prepare_plainly(image, &p, wanted);
        prepare_view(image, &p, &view, data);
        assert_int_not_equal(memcmp(data, wanted, bytes), 0);
        mirror(data, &p);
        assert_memory_equal(data, wanted, bytes);
    }
    vgg_image_free(image);
}

static double clamp(double value)
{
    return fmin(fmax(value, 0), 255);
}

static double grey(const double pixel[3])
{
    return 0.2989 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
}

/* Colours of RGB or grey pixels in 0…255, as torchvision's functional.adjust_…() define them. */
static void ref_color(const vgg_view *view, int channels, double (*pixels)[3], size_t count)
{
    double mean = 0;
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < 3; c++)
            pixels[i][c] = clamp(pixels[i][c] * (double)view->brightness);
        mean += (channels == 1 ? pixels[i][0] : grey(pixels[i])) / (double)count;
    }
    const double contrast = (double)view->contrast, saturation = (double)view->saturation;
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < 3; c++)
            pixels[i][c] = clamp(contrast * pixels[i][c] + (1 - contrast) * mean);
        const double level = grey(pixels[i]);
        for (int c = 0; c < 3 && channels == 3; c++)
            pixels[i][c] = clamp(saturation * pixels[i][c] + (1 - saturation) * level);
    }
}

/* A copy of the rectangle is prepared plainly, its bytes mirrored, coloured and normalised. */
static void ref_view(const clvgg_image *image, const clvgg_preprocess *p, const vgg_view *view,
                     double *wanted)
{
    static float bytes[ROW_MAX];
    static double pixels[SIDE_MAX * SIDE_MAX][3];
    clvgg_preprocess plain = *p;
    clvgg_image part = *image;
    plain.order = CLVGG_RGB;
    plain.scale = 1;
    for (int c = 0; c < 3; c++) {
        plain.mean[c] = 0;
        plain.std[c] = 1;
    }
    if (view->crop) {
        const int left = (int)lround(view->left * image->width);
        const int top = (int)lround(view->top * image->height);
        part.width = (int)lround(view->width * image->width);
        part.height = (int)lround(view->height * image->height);
        part.pixels = malloc((size_t)(part.width * part.height) * 3);
        for (int y = 0; y < part.height; y++)
            memcpy(part.pixels + y * part.width * 3,
                   image->pixels + ((top + y) * image->width + left) * 3, (size_t)part.width * 3);
        plain.mode = CLVGG_RESIZE_SQUASH;
    }
    prepare_plainly(&part, &plain, bytes);
    if (view->crop)
        free(part.pixels);
    if (view->flip)
        mirror(bytes, p);
    const size_t plane = (size_t)(p->height * p->width);
    for (size_t i = 0; i < plane; i++)
        for (size_t c = 0; c < (size_t)p->channels; c++)
            pixels[i][c] = (double)bytes[c * plane + i];
    if (view->color)
        ref_color(view, p->channels, pixels, plane);
    for (size_t i = 0; i < plane; i++)
        for (size_t c = 0; c < (size_t)p->channels; c++) {
            const double value = pixels[i][p->order == CLVGG_BGR ? 2 - c : c];
            wanted[c * plane + i] =
                (value * (double)p->scale - (double)p->mean[c]) / (double)p->std[c];
        }
}

/* Pixels are bytes until colours make them fractions; then float32 has 255 × 2^-22 of them. */
static void check_view(const clvgg_image *image, const clvgg_preprocess *p, const vgg_view *view)
{
    static float data[ROW_MAX];
    static double wanted[ROW_MAX];
    prepare_view(image, p, view, data);
    ref_view(image, p, view, wanted);
    for (int i = 0; i < p->channels * p->height * p->width; i++)
        if (!(fabs((double)data[i] - wanted[i]) <= (view->color ? 4e-6 : 1e-6)))
            fail_msg("element %d: %.9g, not %.9g", i, (double)data[i], wanted[i]);
}

static void views_are_as_the_reference_has_them(void **state)
{
    (void)state;
    static const char *const files[] = {TEST_DATA "/chelsea.png", IMAGES "tall.png",
                                        IMAGES "jpeg-420.jpg"};
    for (int i = 0; i < 3; i++) {
        clvgg_image *image = read_image(files[i]);
        const double w = image->width, h = image->height;
        const vgg_view whole = {.crop = true, .width = 1, .height = 1};
        const vgg_view corner = {
            .crop = true, .left = (w - 1) / w, .top = (h - 1) / h, .width = 1 / w, .height = 1 / h};
        /* Clamped at either end; nothing but grey; the inverse. */
        const vgg_view extremes[] = {
            {.color = true, .brightness = 3, .contrast = 1, .saturation = 1},
            {.color = true, .brightness = 1, .contrast = 4, .saturation = 1},
            {.color = true, .brightness = 1, .contrast = 1, .saturation = 5},
            {.color = true, .brightness = 1, .contrast = 0, .saturation = 0},
            {.color = true, .brightness = 0, .contrast = 1, .saturation = 1},
            {.color = true, .brightness = 1, .contrast = 1, .saturation = 1}};
        for (int kind = 0; kind < KINDS; kind++) {
            clvgg_preprocess p = preprocess_of(kind);
            check_view(image, &p, &whole);
            check_view(image, &p, &corner);
            for (int k = 0; k < 6; k++)
                check_view(image, &p, &extremes[k]);
            for (uint32_t number = 1; number <= 24; number++) {
                const uint8_t digest[32] = {(uint8_t)i, (uint8_t)kind};
                vgg_view view =
                    vgg_view_draw(number % 7 + 1, 9, digest, number, image->width, image->height);
                check_view(image, &p, &view);
            }
        }
        vgg_image_free(image);
    }
}

/* Colours that change nothing leave the very bits. */
static void neutral_colors_change_no_bit(void **state)
{
    (void)state;
    static float data[ROW_MAX], wanted[ROW_MAX];
    const vgg_view view = {.color = true, .brightness = 1, .contrast = 1, .saturation = 1};
    clvgg_image *image = read_image(TEST_DATA "/chelsea.png");
    clvgg_preprocess p = preprocess_of(1);
    prepare_plainly(image, &p, wanted);
    prepare_view(image, &p, &view, data);
    assert_memory_equal(data, wanted, (size_t)(p.channels * p.height * p.width) * sizeof *data);
    vgg_image_free(image);
}

/* Shares that drawing never gives, but a caller may. */
static void any_shares_are_safe(void **state)
{
    (void)state;
    static float data[ROW_MAX];
    static const double shares[][4] = {{0, 0, 0, 0}, {1, 1, 1, 1},     {-1, -1, 5, 5},
                                       {2, 2, 1, 1}, {0.5, 0.5, 9, 9}, {0, 0, -1, -1}};
    clvgg_image *image = read_image(IMAGES "tall.png");
    clvgg_preprocess p = preprocess_of(0);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        const double *s = shares[i];
        const vgg_view view = {
            .crop = true, .top = s[0], .left = s[1], .height = s[2], .width = s[3]};
        prepare_view(image, &p, &view, data);
        for (int k = 0; k < 3 * p.height * p.width; k++)
            assert_true(isfinite(data[k]));
    }
    /* Beyond the end is the last pixel. */
    const double w = image->width, h = image->height;
    const vgg_view beyond = {.crop = true, .top = 1, .left = 1, .height = 1, .width = 1};
    const vgg_view last = {
        .crop = true, .top = 1 - 1 / h, .left = 1 - 1 / w, .height = 1 / h, .width = 1 / w};
    static float wanted[ROW_MAX];
    prepare_view(image, &p, &beyond, data);
    prepare_view(image, &p, &last, wanted);
    assert_memory_equal(data, wanted, sizeof data);
    vgg_image_free(image);
}

static int same_view(const vgg_view *a, const vgg_view *b)
{
    return a->flip == b->flip && a->crop == b->crop && a->color == b->color && a->top == b->top &&
           a->left == b->left && a->height == b->height && a->width == b->width &&
           a->brightness == b->brightness && a->contrast == b->contrast &&
           a->saturation == b->saturation;
}

static void seed_image_and_number_decide(void **state)
{
    (void)state;
    uint8_t digest[32], other[32];
    for (int i = 0; i < 32; i++)
        digest[i] = other[i] = (uint8_t)i;
    other[7]++;
    const vgg_view view = vgg_view_draw(ALL, 1, digest, 3, 500, 375);
    const vgg_view again = vgg_view_draw(ALL, 1, digest, 3, 500, 375);
    const vgg_view others[] = {vgg_view_draw(ALL, 2, digest, 3, 500, 375),
                               vgg_view_draw(ALL, 1, other, 3, 500, 375),
                               vgg_view_draw(ALL, 1, digest, 4, 500, 375)};
    assert_true(same_view(&view, &again));
    for (int i = 0; i < 3; i++)
        assert_false(same_view(&view, &others[i]));
    for (unsigned augment = 0; augment <= ALL; augment++) {
        vgg_view wanted = {0};
        if (augment & VGG_VIEW_FLIP)
            wanted.flip = view.flip;
        if (augment & VGG_VIEW_CROP) {
            wanted.crop = true;
            wanted.top = view.top;
            wanted.left = view.left;
            wanted.height = view.height;
            wanted.width = view.width;
        }
        if (augment & VGG_VIEW_COLOR) {
            wanted.color = true;
            wanted.brightness = view.brightness;
            wanted.contrast = view.contrast;
            wanted.saturation = view.saturation;
        }
        const vgg_view got = vgg_view_draw(augment, 1, digest, 3, 500, 375);
        assert_true(same_view(&got, &wanted));
    }
    /* Features on disk are found by a view's number: what it means must not change. */
    assert_int_equal(view.flip, 0);
    assert_int_equal(lround(view.left * 500), 228);
    assert_int_equal(lround(view.top * 375), 54);
    assert_int_equal(lround(view.width * 500), 247);
    assert_int_equal(lround(view.height * 375), 317);
    assert_true(view.brightness == 0x1.0abb06p+0f);
    assert_true(view.contrast == 0x1.bb9f48p-1f);
    assert_true(view.saturation == 0x1.e1e2d2p-1f);
}

/* Mean of many uniform draws, of which each deviates by a third of the range or less. */
static void is_about(double sum, int count, double wanted, double range)
{
    const double mean = sum / count;
    if (fabs(mean - wanted) > 2 * range / sqrt(count))
        fail_msg("mean %g, not about %g", mean, wanted);
}

static void draws_are_spread_as_documented(void **state)
{
    (void)state;
    enum { COUNT = 20000, WIDTH = 500, HEIGHT = 375 };
    double flips = 0, area = 0, ratio = 0, left = 0, top = 0, colors[3] = {0};
    for (int i = 0; i < COUNT; i++) {
        const uint8_t digest[32] = {(uint8_t)(i / 2), (uint8_t)(i / 512)};
        const vgg_view v = vgg_view_draw(ALL, 1, digest, (uint32_t)(i % 2 + 1), WIDTH, HEIGHT);
        const double w = v.width * WIDTH, h = v.height * HEIGHT;
        assert_true(fabs(w - round(w)) < 1e-9 && fabs(h - round(h)) < 1e-9);
        assert_true(fabs(v.left * WIDTH - round(v.left * WIDTH)) < 1e-9);
        assert_true(v.left >= 0 && v.top >= 0);
        assert_true(v.left + v.width <= 1 + 1e-12 && v.top + v.height <= 1 + 1e-12);
        /* A pixel of rounding on each side. */
        assert_true((w + 1) * (h + 1) >= 0.35 * WIDTH * HEIGHT);
        assert_true((w + 1) / (h - 1) >= 0.75 && (w - 1) / (h + 1) <= 4.0 / 3);
        const float factors[] = {v.brightness, v.contrast, v.saturation};
        for (int k = 0; k < 3; k++) {
            assert_true(factors[k] >= 0.8f && factors[k] <= 1.2f);
            colors[k] += (double)factors[k];
        }
        flips += v.flip;
        area += v.width * v.height;
        ratio += log(w / h);
        left += (v.left * WIDTH + 0.5) / (WIDTH - w + 1);
        top += (v.top * HEIGHT + 0.5) / (HEIGHT - h + 1);
    }
    is_about(flips, COUNT, 0.5, 1);
    for (int k = 0; k < 3; k++)
        is_about(colors[k], COUNT, 1, 0.4);
    is_about(left, COUNT, 0.5, 1);
    is_about(top, COUNT, 0.5, 1);
    /* torchvision's procedure on such a picture, where large and upright crops don't fit, gives
     * 0.576 and 0.050 (200,000 draws). */
    assert_true(fabs(area / COUNT - 0.576) < 0.005);
    assert_true(fabs(ratio / COUNT - 0.050) < 0.005);
}

static void pictures_that_no_crop_fits_are_cut_in_the_middle(void **state)
{
    (void)state;
    const uint8_t digest[32] = {0};
    vgg_view wide = vgg_view_draw(VGG_VIEW_CROP, 1, digest, 1, 10000, 30);
    assert_true(lround(wide.width * 10000) == 40 && lround(wide.left * 10000) == 4980);
    assert_true(wide.height == 1 && wide.top == 0);
    vgg_view tall = vgg_view_draw(VGG_VIEW_CROP, 1, digest, 1, 30, 10000);
    assert_true(lround(tall.height * 10000) == 40 && lround(tall.top * 10000) == 4980);
    assert_true(tall.width == 1 && tall.left == 0);
    vgg_view dot = vgg_view_draw(VGG_VIEW_CROP, 1, digest, 1, 1, 1);
    assert_true(dot.width == 1 && dot.height == 1 && dot.left == 0 && dot.top == 0);
}

static clvgg_status prepare_all(void *user)
{
    static float data[ROW_MAX];
    const clvgg_preprocess p = preprocess_of(0);
    const vgg_view view = {.crop = true,
                           .width = 0.5,
                           .height = 0.5,
                           .flip = true,
                           .color = true,
                           .brightness = 1.1f,
                           .contrast = 0.9f,
                           .saturation = 1.1f};
    return vgg_image_prepare_view(user, &p, &view, data);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    clvgg_image *image = read_image(IMAGES "tall.png");
    assert_true(failing_allocator_sweep(prepare_all, image) >= 9);
    vgg_image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(view_0_is_the_image_as_it_is),
        cmocka_unit_test(flipping_twice_changes_nothing),
        cmocka_unit_test(views_are_as_the_reference_has_them),
        cmocka_unit_test(neutral_colors_change_no_bit),
        cmocka_unit_test(any_shares_are_safe),
        cmocka_unit_test(seed_image_and_number_decide),
        cmocka_unit_test(draws_are_spread_as_documented),
        cmocka_unit_test(pictures_that_no_crop_fits_are_cut_in_the_middle),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/test_pictures.c — charts and contact sheets, judged by the pixels of their PNGs; the axes
 * that charts stand on. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/runtime.h"
#include "clvgg/image.h"
#include "report/axis.h"
#include "report/contact_sheet.h"
#include "report/curves.h"
#include "report/picture.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/runtime.h"

static void assert_ticks(const vgg_axis *axis, size_t count, const double *ticks)
{
    assert_int_equal(axis->tick_count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(fabs(axis->ticks[i] - ticks[i]) <= 1e-12 * fabs(ticks[i]));
}

static void ticks_are_round(void **state)
{
    (void)state;
    vgg_axis axis = vgg_axis_linear(0.03, 0.97, 5);
    assert_ticks(&axis, 6, (double[]){0, 0.2, 0.4, 0.6, 0.8, 1});
    assert_true(axis.low == 0 && axis.high == 1 && !signbit(axis.ticks[0]));
    axis = vgg_axis_linear(96.4, 97.4, 5);
    assert_ticks(&axis, 6, (double[]){96.4, 96.6, 96.8, 97, 97.2, 97.4});
    axis = vgg_axis_linear(-1, 1, 2);
    assert_ticks(&axis, 3, (double[]){-1, 0, 1});
    axis = vgg_axis_whole(0, 12, 12);
    assert_int_equal(axis.tick_count, 13);
    axis = vgg_axis_whole(0, 300, 12);
    assert_ticks(&axis, 7, (double[]){0, 50, 100, 150, 200, 250, 300});
    axis = vgg_axis_whole(3, 5, 12); /* no halves */
    assert_ticks(&axis, 3, (double[]){3, 4, 5});
    axis = vgg_axis_logarithmic(0.04, 1.5, 5);
    assert_ticks(&axis, 5, (double[]){0.05, 0.1, 0.2, 0.5, 1});
    axis = vgg_axis_logarithmic(0.002, 30, 5);
    assert_ticks(&axis, 4, (double[]){0.01, 0.1, 1, 10});
}

/* An axis has all values inside, and ticks that ascend, lie inside and aren't too many, for any
 * values. */
static void axes_hold_their_values(void **state)
{
    (void)state;
    static const double values[] = {
        1 / VGG_AXIS_GREATEST, 1e-9, 0.01, 0.3, 1, 1.0000001, 7, 99.9, 1e6, VGG_AXIS_GREATEST};
    enum { COUNT = sizeof values / sizeof *values };
    for (int i = 0; i < COUNT; i++)
        for (int j = i; j < COUNT; j++)
            for (int logarithmic = 0; logarithmic <= (j > i); logarithmic++) {
                const vgg_axis axis = logarithmic ? vgg_axis_logarithmic(values[i], values[j], 5)
                                                  : vgg_axis_linear(values[i], values[j], 5);
                const double low = vgg_axis_place(&axis, values[i]);
                const double high = vgg_axis_place(&axis, values[j]);
                assert_true(low >= -1e-9 && low <= high && high <= 1 + 1e-9);
                assert_in_range(axis.tick_count, logarithmic ? 0 : 2, VGG_AXIS_MOST_TICKS);
                for (size_t t = 0; t < axis.tick_count; t++) {
                    const double place = vgg_axis_place(&axis, axis.ticks[t]);
                    assert_true(place >= -1e-9 && place <= 1 + 1e-9);
                    assert_true(t == 0 || axis.ticks[t] > axis.ticks[t - 1]);
                }
            }
}

static void names_are_checked(void **state)
{
    (void)state;
#ifdef CLVGG_HAVE_CAIRO
    assert_int_equal(vgg_picture_check("a.png"), CLVGG_STATUS_OK);
    assert_int_equal(vgg_picture_check("b/a.SVG"), CLVGG_STATUS_OK);
    assert_int_equal(vgg_picture_check("a.pdf"), CLVGG_STATUS_OK);
    static const char *const wrong[] = {"a.jpg", "png", ".png", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(vgg_picture_check(wrong[i]), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_string_equal(vgg_message(), ": a picture's name ends in .png, .svg or .pdf");
#else
    const clvgg_finetune_epoch epoch = {.struct_size = sizeof epoch};
    assert_int_equal(vgg_picture_check("a.png"), CLVGG_STATUS_UNSUPPORTED);
    assert_int_equal(vgg_curves_write("a.png", "", &epoch, 1), CLVGG_STATUS_UNSUPPORTED);
    assert_int_equal(vgg_contact_sheet_write("a.png", "", NULL, 0), CLVGG_STATUS_UNSUPPORTED);
    assert_string_equal(vgg_message(), "a.png: this program is built without Cairo");
#endif
}

#ifdef CLVGG_HAVE_CAIRO

enum { EPOCHS = 6 };

/* Loss falls, accuracy rises; before the first step there are no figures of training. */
static void make_epochs(clvgg_finetune_epoch epochs[EPOCHS])
{
    for (int i = 0; i < EPOCHS; i++) {
        const double t = i;
        epochs[i] = (clvgg_finetune_epoch){.struct_size = sizeof *epochs,
                                           .epoch = i,
                                           .step = 10 * (uint64_t)i,
                                           .lr = i > 0 ? 0.01 / t : 0,
                                           .train_loss = i > 0 ? 0.5 / t : (double)NAN,
                                           .train_accuracy = i > 0 ? 1 - 0.2 / t : (double)NAN,
                                           .val_loss = 0.7 - 0.1 * t,
                                           .val_accuracy = 0.5 + 0.08 * t,
                                           .best = i < 5};
    }
}

static clvgg_image *read_back(const char *path)
{
    clvgg_image *image;
    if (clvgg_image_read(runtime, path, &image) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    return image;
}

/* Pixels of exactly this colour: inside lines and marks, not at their smoothed edges. */
static size_t count_colour(const clvgg_image *image, const uint8_t rgb[3])
{
    size_t count = 0;
    const size_t pixels = (size_t)clvgg_image_width(image) * (size_t)clvgg_image_height(image);
    for (size_t i = 0; i < pixels; i++)
        count += memcmp(clvgg_image_pixels(image) + 3 * i, rgb, 3) == 0;
    return count;
}

static const uint8_t blue[] = {0, 115, 179}, vermilion[] = {215, 94, 0};

static void count_curves(const clvgg_finetune_epoch *epochs, size_t count, size_t counts[2])
{
    const char *path = temp_path("curves.png");
    if (vgg_curves_write(path, "Title \xFF\n", epochs, count) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    clvgg_image *image = read_back(path);
    assert_int_equal(clvgg_image_width(image), 1600);
    assert_int_equal(clvgg_image_height(image), 1200);
    counts[0] = count_colour(image, blue);
    counts[1] = count_colour(image, vermilion);
    clvgg_image_free(image);
}

static void curves_are_drawn(void **state)
{
    (void)state;
    clvgg_finetune_epoch epochs[EPOCHS];
    size_t all[2], one[2], no_training[2], nothing[2];
    make_epochs(epochs);
    count_curves(epochs, EPOCHS, all);
    assert_true(all[0] > 5000 && all[1] > 5000);
    count_curves(epochs, 1, one); /* the evaluation before training */
    assert_int_equal(one[0], 0);
    assert_in_range(one[1], 100, 5000);
    for (int i = 0; i < EPOCHS; i++)
        epochs[i].train_loss = epochs[i].train_accuracy = (double)INFINITY;
    count_curves(epochs, EPOCHS, no_training);
    assert_int_equal(no_training[0], 0);
    assert_true(no_training[1] > 5000);
    for (int i = 0; i < EPOCHS; i++)
        epochs[i].val_loss = epochs[i].val_accuracy = (double)NAN;
    count_curves(epochs, EPOCHS, nothing);
    assert_true(nothing[0] == 0 && nothing[1] == 0);
}

static void curves_as_svg(void **state)
{
    (void)state;
    clvgg_finetune_epoch epochs[EPOCHS];
    size_t size;
    make_epochs(epochs);
    const char *path = temp_path("curves.svg");
    assert_int_equal(vgg_curves_write(path, "a < b & c", epochs, EPOCHS), CLVGG_STATUS_OK);
    char *svg = file_read(path, &size);
    assert_memory_equal(svg, "<?xml ", 6);
    assert_memory_equal(svg + size - 7, "</svg>\n", 7);
    assert_non_null(strstr(svg, "width=\"800px\" height=\"600px\""));
    assert_null(strstr(svg, "nan"));
    free(svg);
}

enum { CELLS = 8 };
static uint8_t colours[CELLS][VGG_CONTACT_WIDTH * VGG_CONTACT_HEIGHT][3];

static void make_cells(vgg_contact_cell cells[CELLS])
{
    for (size_t i = 0; i < CELLS; i++) {
        for (size_t p = 0; p < VGG_CONTACT_WIDTH * VGG_CONTACT_HEIGHT; p++)
            memcpy(colours[i][p], (uint8_t[]){(uint8_t)(20 * i), 200, (uint8_t)(250 - 9 * i)}, 3);
        cells[i] = (vgg_contact_cell){.rgb = colours[i][0],
                                      .width = i == 7 ? 3 : VGG_CONTACT_WIDTH,
                                      .height = i == 7 ? 5 : VGG_CONTACT_HEIGHT,
                                      .file = "folder/\xC3\xA9\x1B[31m.jpg",
                                      .truth = "a class whose name is rather long",
                                      .predicted = "\xFF\xFE another one that is even longer",
                                      .probability = 1};
    }
}

/* Every photograph whole, exact and in its place. */
static void contact_sheet_shows_every_cell(void **state)
{
    (void)state;
    vgg_contact_cell cells[CELLS];
    make_cells(cells);
    const char *path = temp_path("sheet.png");
    assert_int_equal(vgg_contact_sheet_write(path, "title", cells, CELLS), CLVGG_STATUS_OK);
    clvgg_image *image = read_back(path);
    for (size_t i = 0; i < CELLS; i++)
        assert_int_equal(count_colour(image, colours[i][0]), cells[i].width * cells[i].height);
    const int width = clvgg_image_width(image), height = clvgg_image_height(image);
    const uint8_t *first = clvgg_image_pixels(image) + 3 * (size_t)(64 * width + 24);
    assert_memory_equal(first, colours[0][0], 3);
    assert_memory_equal(first + 3 * (VGG_CONTACT_WIDTH + 16), colours[1][0], 3);
    clvgg_image_free(image);
    assert_int_equal(vgg_contact_sheet_write(path, "none", cells, 0), CLVGG_STATUS_OK);
    image = read_back(path);
    assert_int_equal(clvgg_image_width(image), width);
    assert_true(clvgg_image_height(image) < height / 3);
    clvgg_image_free(image);
}

static clvgg_status draw_both(void *paths)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_contact_cell cells[CELLS];
    clvgg_finetune_epoch epochs[EPOCHS];
    make_cells(cells);
    make_epochs(epochs);
    VGG_TRY(vgg_curves_write(((const char **)paths)[0], "title", epochs, EPOCHS));
    VGG_TRY(vgg_contact_sheet_write(((const char **)paths)[1], "title", cells, 2));
cleanup:
    return status;
}

static void pictures_are_whole_or_absent(void **state)
{
    (void)state;
    clvgg_finetune_epoch epochs[EPOCHS];
    make_epochs(epochs);
    assert_int_equal(vgg_curves_write(temp_path("no/such.png"), "", epochs, 1),
                     CLVGG_STATUS_NOT_FOUND);
    const char *paths[] = {temp_path("swept.svg"), temp_path("swept.png")};
    const size_t files = temp_file_count();
    assert_true(failing_allocator_sweep(draw_both, paths) > 20);
    assert_int_equal(temp_file_count(), files + 2);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(axes_hold_their_values),
        cmocka_unit_test(names_are_checked),
#ifdef CLVGG_HAVE_CAIRO
        cmocka_unit_test(curves_are_drawn),
        cmocka_unit_test(curves_as_svg),
        cmocka_unit_test(contact_sheet_shows_every_cell),
        cmocka_unit_test(pictures_are_whole_or_absent),
#endif
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}

/* unit/test_vis_figures.c — colour maps, contrast, and the figures of clvgg visualize, judged by
 * the pixels of their PNGs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/runtime.h"
#include "report/figure_page.h"
#include "report/vis_figure.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/runtime.h"

/* ---- pixels ---- */

static double luminance(const uint8_t rgb[3])
{
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
}

/* A map for values of one sign stays in order in grey; a diverging one is brightest in the middle.
 */
static void colour_maps_are_ordered(void **state)
{
    (void)state;
    uint8_t rgb[3], before[3], end[3];
    for (int colours = VGG_COLOURS_SEQUENTIAL; colours <= VGG_COLOURS_GREY; colours++)
        for (int i = 1; i <= 200; i++) {
            vgg_colour((vgg_colours)colours, -1, 3, -1 + 0.02 * (i - 1), before);
            vgg_colour((vgg_colours)colours, -1, 3, -1 + 0.02 * i, rgb);
            const double step = luminance(rgb) - luminance(before);
            if (colours == VGG_COLOURS_DIVERGING)
                assert_true(i <= 100 ? step >= -1 : step <= 1);
            else
                assert_true(step >= -0.5);
        }
    vgg_colour(VGG_COLOURS_SEQUENTIAL, 0, 1, 0, rgb);
    assert_memory_equal(rgb, ((uint8_t[]){68, 1, 84}), 3);
    vgg_colour(VGG_COLOURS_SEQUENTIAL, 0, 1, (double)NAN, end);
    assert_memory_equal(rgb, end, 3);
    vgg_colour(VGG_COLOURS_SEQUENTIAL, 5, 5, 5, end); /* no range */
    assert_memory_equal(rgb, end, 3);
    vgg_colour(VGG_COLOURS_SEQUENTIAL, 0, 1, -7, end);
    assert_memory_equal(rgb, end, 3);
    vgg_colour(VGG_COLOURS_SEQUENTIAL, 0, 1, 1, rgb);
    vgg_colour(VGG_COLOURS_SEQUENTIAL, 0, 1, (double)INFINITY, end);
    assert_memory_equal(rgb, end, 3);
    assert_memory_equal(rgb, ((uint8_t[]){253, 231, 37}), 3);
    for (int i = 0; i < 8; i++) { /* classes: all different, the ninth is the first again */
        vgg_colour(VGG_COLOURS_CLASSES, 0, 0, i, rgb);
        for (int j = 0; j < i; j++) {
            vgg_colour(VGG_COLOURS_CLASSES, 0, 0, j, end);
            assert_memory_not_equal(rgb, end, 3);
        }
        vgg_colour(VGG_COLOURS_CLASSES, 0, 0, i + 8, end);
        assert_memory_equal(rgb, end, 3);
    }
}

enum { H = 20, W = 30 };

static const clvgg_preprocess rgb_order = {.channels = 3, .order = CLVGG_RGB},
                              bgr_order = {.channels = 3, .order = CLVGG_BGR},
                              one_channel = {.channels = 1, .order = CLVGG_BGR};

static void contrast_is_each_pictures_own(void **state)
{
    (void)state;
    float values[3][H * W] = {{0}};
    uint8_t rgb[H * W][3];
    vgg_pixels_signed(values[0], H, W, &rgb_order, rgb[0]);
    for (size_t i = 0; i < H * W; i++)
        assert_memory_equal(rgb[i], ((uint8_t[]){128, 128, 128}), 3);
    for (size_t i = 0; i < H * W; i++) {
        values[0][i] = -2;
        values[2][i] = 1;
    }
    values[1][7] = 1e6F; /* one of 1,800 that is beyond all others */
    values[1][8] = NAN;
    vgg_pixels_signed(values[0], H, W, &bgr_order, rgb[0]);
    assert_memory_equal(rgb[7] + 1, ((uint8_t[]){255}), 1);
    assert_int_equal(rgb[9][1], 128);
    for (size_t i = 0; i < H * W; i++) /* the outlier doesn't push the others into grey */
        if (rgb[i][2] > 2 && i != 8)
            assert_in_range(rgb[i][2], 0, 128);
    values[1][7] = values[1][8] = 0;
    vgg_pixels_signed(values[0], H, W, &bgr_order, rgb[0]);
    assert_in_range(rgb[0][2], 0, 1);     /* blue comes first in BGR: it is the last of RGB */
    assert_in_range(rgb[0][0], 190, 193); /* half as far to the other side */
    vgg_pixels_stretched(values[0], H, W, &rgb_order, rgb[0]);
    assert_memory_equal(rgb[0], ((uint8_t[]){0, 170, 255}), 3);
    for (size_t i = 0; i < H * W; i++) /* one channel is grey, and reads no other */
        values[0][i] = i % 2 == 0 ? -1 : 1;
    values[1][0] = 1e6F;
    vgg_pixels_signed(values[0], H, W, &one_channel, rgb[0]);
    assert_memory_equal(rgb[0], ((uint8_t[]){0, 0, 0, 255, 255, 255}), 6);
    vgg_pixels_stretched(values[0], H, W, &one_channel, rgb[0]);
    assert_memory_equal(rgb[0], ((uint8_t[]){0, 0, 0, 255, 255, 255}), 6);
}

static void photographs_come_back(void **state)
{
    (void)state;
    const clvgg_preprocess preprocess = {.channels = 3,
                                         .order = CLVGG_BGR,
                                         .scale = 1 / 255.0F,
                                         .mean = {0.4F, 0.45F, 0.5F},
                                         .std = {0.2F, 0.25F, 0.3F}};
    uint8_t before[H * W][3], after[H * W][3], part[4][3];
    float values[3][H * W];
    for (size_t i = 0; i < H * W; i++)
        for (size_t c = 0; c < 3; c++) {
            before[i][c] = (uint8_t)(i * 7 + c * 101);
            values[2 - c][i] = ((float)before[i][c] * preprocess.scale - preprocess.mean[2 - c]) /
                               preprocess.std[2 - c];
        }
    vgg_pixels_photograph(values[0], H, W, &preprocess, after[0]);
    assert_memory_equal(before, after, sizeof before);
    const vgg_pixels whole = {after[0], W, H};
    vgg_pixels_crop(&whole, W - 1, -1, W + 1, 1, part[0]);
    assert_memory_equal(part[0], ((uint8_t[]){128, 128, 128, 128, 128, 128}), 6);
    assert_memory_equal(part[2], after[W - 1], 3);
    assert_memory_equal(part[3], ((uint8_t[]){128, 128, 128}), 3);
}

static void sides_are_whole_pixels(void **state)
{
    (void)state;
    assert_true(vgg_figure_side(3, 48) == 48);
    assert_true(vgg_figure_side(7, 48) == 45.5);
    assert_true(vgg_figure_side(92, 100) == 92);
    assert_true(vgg_figure_side(224, 100) == 112); /* rather than reduce by a tenth */
    assert_true(vgg_figure_side(300, 100) == 100);
    assert_true(vgg_figure_side(0, 100) == 100);
    for (int pixels = 1; pixels < 260; pixels++) {
        const double times = vgg_figure_side(pixels, 104) * 2 / pixels;
        assert_true(fabs(times - round(times)) < 1e-9 && times >= 1);
    }
}

#ifdef CLVGG_HAVE_CAIRO

/* ---- figures ---- */

static clvgg_image *read_back(const char *path)
{
    clvgg_image *image;
    if (clvgg_image_read(runtime, path, &image) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    return image;
}

static void must_draw(clvgg_status status)
{
    if (status != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
}

/* Pixels of exactly this colour: nothing blurred into the page or a neighbour. */
static size_t count_colour(const clvgg_image *image, const uint8_t rgb[3])
{
    size_t count = 0;
    const size_t pixels = (size_t)clvgg_image_width(image) * (size_t)clvgg_image_height(image);
    for (size_t i = 0; i < pixels; i++)
        count += memcmp(clvgg_image_pixels(image) + 3 * i, rgb, 3) == 0;
    return count;
}

/* `count` pictures of side² pixels; every pixel of picture i is its own colour. */
static uint8_t *make_pictures(size_t count, size_t side)
{
    uint8_t *rgb = calloc(count * side * side, 3);
    assert_non_null(rgb);
    for (size_t i = 0; i < count * side * side; i++) {
        const size_t picture = i / (side * side), at = i % (side * side);
        memcpy(rgb + 3 * i,
               (uint8_t[]){(uint8_t)(10 + 3 * picture % 230), (uint8_t)(200 * at / (side * side)),
                           (uint8_t)(20 + 11 * picture % 200)},
               3);
    }
    return rgb;
}

enum { CELLS = 64 };

static void grids_are_sharp(void **state)
{
    (void)state;
    static const size_t sides[] = {3, 7, 28, 150};
    for (size_t s = 0; s < sizeof sides / sizeof *sides; s++) {
        const size_t side = sides[s];
        uint8_t *rgb = make_pictures(CELLS, side);
        vgg_cell cells[CELLS];
        char captions[CELLS][24];
        for (size_t i = 0; i < CELLS; i++) {
            snprintf(captions[i], sizeof captions[i], "%zu", i);
            cells[i] = (vgg_cell){{rgb + 3 * i * side * side, (int)side, (int)side}, captions[i]};
        }
        const vgg_grid grid = {.title = "conv1_1: 64 filters of 3 \xC3\x97 3",
                               .subtitle = "each with its own contrast",
                               .cells = cells,
                               .count = CELLS};
        must_draw(vgg_figure_grid(temp_path("grid.png"), &grid));
        clvgg_image *image = read_back(temp_path("grid.png"));
        /* Eight columns of about 125 points: every pixel is a square of `times`. */
        const size_t times = (size_t)(2 * vgg_figure_side((int)side, 125)) / side;
        size_t alike = 0;
        for (size_t i = 0; i < CELLS * side * side; i++)
            alike += memcmp(rgb + 3 * i, rgb, 3) == 0;
        assert_int_equal(count_colour(image, rgb), alike * times * times);
        assert_in_range(clvgg_image_width(image), 1000, 3000);
        clvgg_image_free(image);
        free(rgb);
    }
}

static void grids_are_laid_out(void **state)
{
    (void)state;
    uint8_t *rgb = make_pictures(5, 4);
    vgg_cell cells[5];
    for (size_t i = 0; i < 5; i++)
        cells[i] = (vgg_cell){{rgb + 3 * i * 16, 4, 4}, NULL};
    const vgg_grid grid = {.cells = cells, .count = 5, .columns = 3, .side = 40};
    must_draw(vgg_figure_grid(temp_path("places.png"), &grid));
    clvgg_image *image = read_back(temp_path("places.png"));
    const size_t width = (size_t)clvgg_image_width(image);
    for (size_t i = 0; i < 5; i++) { /* 40 points, 4 between, 24 around; two pixels a point */
        const size_t x = 2 * (24 + i % 3 * 44), y = 2 * (24 + i / 3 * 44);
        const uint8_t *corner = clvgg_image_pixels(image) + 3 * (y * width + x);
        assert_memory_equal(corner, cells[i].pixels.rgb, 3);
        assert_memory_equal(corner + 3 * (19 * width + 19), cells[i].pixels.rgb, 3);
        assert_memory_equal(corner + 3 * (79 * width + 79), cells[i].pixels.rgb + 3 * 15, 3);
        assert_memory_equal(corner + 3 * 80, "\xFF\xFF\xFF", 3);
    }
    clvgg_image_free(image);
    free(rgb);
}

/* Groups stand in the same places of both panels; a map that never fired is an empty frame. */
static void nines_are_paired(void **state)
{
    (void)state;
    enum { MAPS = 4, SIDE = 16 };
    uint8_t *rgb = make_pictures(2 * MAPS * VGG_FIGURE_NINE, SIDE);
    vgg_pixels pictures[2][MAPS][VGG_FIGURE_NINE];
    vgg_nine maps[MAPS];
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < MAPS * VGG_FIGURE_NINE; i++) {
            uint8_t *own = rgb + 3 * SIDE * SIDE * (side * MAPS * VGG_FIGURE_NINE + i);
            for (size_t p = 0; p < SIDE * SIDE; p++)
                memcpy(own + 3 * p, (uint8_t[]){(uint8_t)(1 + i), (uint8_t)(side * 200), 90}, 3);
            pictures[side][i / VGG_FIGURE_NINE][i % VGG_FIGURE_NINE] =
                (vgg_pixels){own, SIDE, SIDE};
        }
    for (size_t i = 0; i < MAPS; i++)
        maps[i] = (vgg_nine){"map 17", pictures[0][i], pictures[1][i], i == 2 ? 0 : 9 - i};
    const vgg_nines nines = {.title = "conv3_3",
                             .left_title = "projections",
                             .right_title = "patches",
                             .maps = maps,
                             .count = MAPS};
    must_draw(vgg_figure_nines(temp_path("nines.png"), &nines));
    clvgg_image *image = read_back(temp_path("nines.png"));
    const size_t width = (size_t)clvgg_image_width(image),
                 height = (size_t)clvgg_image_height(image);
    size_t left[2] = {0, 0}; /* column of the first pixel of map 0's first picture */
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < MAPS * VGG_FIGURE_NINE; i++) {
            const uint8_t colour[] = {(uint8_t)(1 + i), (uint8_t)(side * 200), 90};
            const bool shown = i % 9 < maps[i / 9].count;
            const size_t count = count_colour(image, colour);
            assert_int_equal(count, shown ? 16 * 16 * SIDE * SIDE : 0);
        }
    for (size_t p = 0; p < width * height; p++)
        for (size_t side = 0; side < 2; side++)
            if (left[side] == 0 && memcmp(clvgg_image_pixels(image) + 3 * p,
                                          (uint8_t[]){1, (uint8_t)(side * 200), 90}, 3) == 0)
                left[side] = p;
    assert_true(left[0] / width == left[1] / width && left[1] > left[0] + width / 3);
    clvgg_image_free(image);
    free(rgb);
}

enum { ROWS = 7, COLUMNS = 7, PHOTO = 56 };
static float heat[ROWS * COLUMNS], classes[ROWS * COLUMNS];
static uint8_t photograph[PHOTO * PHOTO * 3];
static const char *const labels[] = {"cat", "dog", "a class with a rather long name, <b>"};
static const int64_t box[] = {10, 12, 30, 40};

static void make_panels(vgg_panel panels[5])
{
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        heat[i] = (float)(i % COLUMNS) / 6 - 0.5F;
        classes[i] = i == 9 ? 2 : 0;
    }
    for (size_t i = 0; i < PHOTO * PHOTO * 3; i++)
        photograph[i] = (uint8_t)(i / 3 % PHOTO * 4);
    const vgg_pixels photo = {photograph, PHOTO, PHOTO};
    panels[0] = (vgg_panel){.title = "photograph", .photograph = photo, .box = box};
    panels[1] = (vgg_panel){.title = "probability of cat",
                            .values = heat,
                            .rows = ROWS,
                            .columns = COLUMNS,
                            .unit = "probability"};
    panels[2] = (vgg_panel){.title = "change",
                            .photograph = photo,
                            .values = heat,
                            .rows = ROWS,
                            .columns = COLUMNS,
                            .colours = VGG_COLOURS_DIVERGING,
                            .smooth = true};
    panels[3] = (vgg_panel){.title = "most probable class",
                            .values = classes,
                            .rows = ROWS,
                            .columns = COLUMNS,
                            .colours = VGG_COLOURS_CLASSES,
                            .labels = labels,
                            .label_count = 3};
    panels[4] = (vgg_panel){.values = heat, .rows = 1, .columns = COLUMNS, .low = -1, .high = 1};
}

static void panels_show_their_values(void **state)
{
    (void)state;
    vgg_panel panels[5];
    make_panels(panels);
    const vgg_panels figure = {
        .title = "Occlusion", .subtitle = "cat.png", .panels = panels, .count = 5};
    must_draw(vgg_figure_panels(temp_path("panels.png"), &figure));
    clvgg_image *image = read_back(temp_path("panels.png"));
    uint8_t rgb[3];
    vgg_colour(VGG_COLOURS_SEQUENTIAL, -0.5, 0.5, 0, rgb);
    assert_true(count_colour(image, rgb) >= 80 * 560); /* one column of seven, 560 pixels high */
    vgg_colour(VGG_COLOURS_CLASSES, 0, 0, 2, rgb);
    assert_true(count_colour(image, rgb) >= 80 * 80); /* one value, and its square in the legend */
    vgg_colour(VGG_COLOURS_CLASSES, 0, 0, 1, rgb);    /* a class that is nowhere has no line */
    assert_int_equal(count_colour(image, rgb), 0);
    assert_true(count_colour(image, (uint8_t[]){215, 94, 0}) > 300); /* the outlined box */
    clvgg_image_free(image);
}

enum { LINES = 5, POINTS = 21 };

static void charts_have_their_lines(void **state)
{
    (void)state;
    double x[POINTS], y[LINES][POINTS];
    vgg_line lines[LINES];
    static const char *const names[LINES] = {"cat", "dog", "tabby", "lion", "a long name indeed"};
    for (size_t l = 0; l < LINES; l++) {
        for (size_t i = 0; i < POINTS; i++) {
            x[i] = (double)i * 3 - 30;
            y[l][i] = l == 4 ? (double)NAN : fabs(x[i]) / 30 * (1 + 0.02 * (double)l);
        }
        lines[l] = (vgg_line){names[l], x, y[l], POINTS};
    }
    y[0][10] = (double)NAN;
    vgg_chart charts[2] = {{.title = "translation",
                            .x_label = "pixels down",
                            .y_label = "distance of features",
                            .lines = lines,
                            .line_count = LINES},
                           {.title = "nothing", .lines = NULL, .line_count = 0}};
    const vgg_charts figure = {.title = "Invariance", .charts = charts, .count = 2};
    must_draw(vgg_figure_charts(temp_path("charts.png"), &figure));
    clvgg_image *image = read_back(temp_path("charts.png"));
    assert_true(count_colour(image, (uint8_t[]){0, 115, 179}) > 500);
    assert_true(count_colour(image, (uint8_t[]){215, 94, 0}) > 500);
    clvgg_image_free(image);
}

static void figures_as_vectors(void **state)
{
    (void)state;
    vgg_panel panels[5];
    size_t size;
    make_panels(panels);
    const vgg_panels figure = {.title = "a < b & c", .panels = panels, .count = 5};
    must_draw(vgg_figure_panels(temp_path("panels.svg"), &figure));
    char *svg = file_read(temp_path("panels.svg"), &size);
    assert_memory_equal(svg, "<?xml ", 6);
    assert_memory_equal(svg + size - 7, "</svg>\n", 7);
    free(svg);
    must_draw(vgg_figure_panels(temp_path("panels.pdf"), &figure));
    char *pdf = file_read(temp_path("panels.pdf"), &size);
    assert_memory_equal(pdf, "%PDF-1.", 7);
    assert_memory_equal(pdf + size - 6, "%%EOF\n", 6);
    free(pdf);
}

static clvgg_status draw_all(void *path)
{
    vgg_panel panels[5];
    make_panels(panels);
    const vgg_panels figure = {.title = "t", .panels = panels, .count = 5};
    return vgg_figure_panels(path, &figure);
}

static void figures_are_whole_or_absent(void **state)
{
    (void)state;
    const vgg_grid empty = {.title = "nothing"};
    const vgg_nines no_maps = {.title = "nothing"};
    const vgg_panels no_panels = {0};
    assert_int_equal(vgg_figure_grid(temp_path("no/such.png"), &empty), CLVGG_STATUS_NOT_FOUND);
    must_draw(vgg_figure_grid(temp_path("empty.png"), &empty));
    must_draw(vgg_figure_nines(temp_path("empty.png"), &no_maps));
    must_draw(vgg_figure_panels(temp_path("empty.png"), &no_panels));
    const size_t files = temp_file_count();
    assert_true(failing_allocator_sweep(draw_all, (void *)temp_path("swept.png")) > 10);
    assert_int_equal(temp_file_count(), files + 1);
}

#else

static void figures_need_cairo(void **state)
{
    (void)state;
    assert_int_equal(vgg_figure_grid("a.png", NULL), CLVGG_STATUS_UNSUPPORTED);
    assert_int_equal(vgg_figure_nines("a.png", NULL), CLVGG_STATUS_UNSUPPORTED);
    assert_int_equal(vgg_figure_panels("a.png", NULL), CLVGG_STATUS_UNSUPPORTED);
    assert_int_equal(vgg_figure_charts("a.png", NULL), CLVGG_STATUS_UNSUPPORTED);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colour_maps_are_ordered),
        cmocka_unit_test(contrast_is_each_pictures_own),
        cmocka_unit_test(photographs_come_back),
        cmocka_unit_test(sides_are_whole_pixels),
#ifdef CLVGG_HAVE_CAIRO
        cmocka_unit_test(grids_are_sharp),
        cmocka_unit_test(grids_are_laid_out),
        cmocka_unit_test(nines_are_paired),
        cmocka_unit_test(panels_show_their_values),
        cmocka_unit_test(charts_have_their_lines),
        cmocka_unit_test(figures_as_vectors),
        cmocka_unit_test(figures_are_whole_or_absent),
#else
        cmocka_unit_test(figures_need_cairo),
#endif
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}

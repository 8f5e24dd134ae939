/* unit/test_page_figure.c — figures for the page: pictures in a sheet, words beside it; and numbers
 * as people read them. */
#include <cjson/cJSON.h>
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
#include "report/format.h"
#include "report/page_figure.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/json.h"
#include "support/runtime.h"

static void numbers_have_no_exponent(void **state)
{
    (void)state;
    static const struct {
        double value;
        int digits;
        const char *words;
    } cases[] = {
        {14734.6, 4, "14,730"},
        {1373.2, 3, "1,370"},
        {8531, 3, "8,530"},
        {999.96, 4, "1,000"},
        {-1234567.8, 5, "-1,234,600"},
        {0.05046, 3, "0.0505"},
        {0.00001234, 3, "0.0000123"},
        {-0.5, 3, "-0.5"},
        {11.02, 3, "11"},
        {0, 3, "0"},
        {100, 3, "100"},
        {6.983, 3, "6.98"},
        {1e20, 3, "1e+20"},
        {(double)INFINITY, 3, "inf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char words[VGG_NUMBER_WORDS];
        assert_string_equal(vgg_number_words(cases[i].value, cases[i].digits, words),
                            cases[i].words);
    }
}

typedef struct made {
    clvgg_image *image;
    const uint8_t *rgb;
    cJSON *about;
    int columns, width, height, gutter;
} made;

/* Reads what was written; its size must be what the JSON says. */
static made read_made(clvgg_status status, const char *name, vgg_text *text)
{
    made m = {0};
    assert_int_equal(status, CLVGG_STATUS_OK);
    assert_int_equal(clvgg_image_read(runtime, temp_path(name), &m.image), CLVGG_STATUS_OK);
    m.rgb = clvgg_image_pixels(m.image);
    m.about = cJSON_ParseWithLength(text->bytes, text->length);
    assert_non_null(m.about);
    m.columns = integer(m.about, "columns");
    m.width = integer(m.about, "width");
    m.height = integer(m.about, "height");
    m.gutter = integer(m.about, "gutter");
    assert_int_equal(clvgg_image_width(m.image), m.columns * (m.width + 2 * m.gutter));
    assert_int_equal(clvgg_image_height(m.image),
                     integer(m.about, "rows") * (m.height + 2 * m.gutter));
    vgg_text_free(text);
    return m;
}

static void free_made(made *m)
{
    cJSON_Delete(m->about);
    clvgg_image_free(m->image);
}

static const uint8_t *pixel(const made *m, int picture, int y, int x)
{
    y += picture / m->columns * (m->height + 2 * m->gutter) + m->gutter;
    x += picture % m->columns * (m->width + 2 * m->gutter) + m->gutter;
    return m->rgb + 3 * (y * clvgg_image_width(m->image) + x);
}

/* Small pictures become larger by a whole number, pixel for pixel. */
static void grids_are_sheets(void **state)
{
    (void)state;
    enum { COUNT = 7, H = 3, W = 5 };
    uint8_t rgb[COUNT][H * W][3];
    vgg_cell cells[COUNT];
    vgg_text text = {0};
    for (int i = 0; i < COUNT; i++) {
        for (int p = 0; p < H * W; p++)
            memcpy(rgb[i][p], (uint8_t[]){(uint8_t)(30 * i), (uint8_t)(10 * p), 7}, 3);
        cells[i] = (vgg_cell){{rgb[i][0], W, H}, i == 2 ? "\"two\"" : "x"};
    }
    const vgg_grid grid = {.title = "a grid", .cells = cells, .count = COUNT};
    made m =
        read_made(vgg_page_grid(runtime, temp_path("sheet.png"), &grid, &text), "sheet.png", &text);
    const int times = m.width / W;
    assert_true(times > 1 && m.width == times * W && m.height == times * H && m.width >= 100);
    assert_memory_equal(pixel(&m, 4, -1, -1), pixel(&m, 4, 0, 0), 3); /* edges go on */
    assert_memory_equal(pixel(&m, 4, m.height, m.width), pixel(&m, 4, m.height - 1, m.width - 1),
                        3);
    for (int i = 0; i < COUNT; i++)
        for (int y = 0; y < m.height; y++)
            for (int x = 0; x < m.width; x++)
                assert_memory_equal(pixel(&m, i, y, x), rgb[i][y / times * W + x / times], 3);
    assert_string_equal(string(m.about, "title"), "a grid");
    assert_string_equal(string(m.about, "note"), "");
    assert_string_equal(string(m.about, "kind"), "grid");
    const cJSON *list = cJSON_GetObjectItem(m.about, "cells");
    assert_int_equal(cJSON_GetArraySize(list), COUNT);
    assert_string_equal(string(cJSON_GetArrayItem(list, 2), "title"), "\"two\"");
    free_made(&m);
}

enum { SIDE = 120, CELLS = 4 };

/* A photograph with a box, values over it, values alone, classes. */
static void make_panels(vgg_panel panels[4], uint8_t *photograph, float *values, float *classes)
{
    static const char *const labels[] = {"cat", "never", "dog"};
    static const int64_t box[] = {30, 60, 90, 100};
    memset(photograph, 100, 3 * SIDE * SIDE);
    for (int i = 0; i < CELLS * CELLS; i++) {
        values[i] = (float)i * 1000;
        classes[i] = i < 8 ? 0.0F : 2.0F;
    }
    const vgg_pixels pixels = {photograph, SIDE, SIDE};
    panels[0] = (vgg_panel){.title = "photograph", .photograph = pixels, .box = box};
    panels[1] = (vgg_panel){.title = "over it",
                            .photograph = pixels,
                            .values = values,
                            .rows = CELLS,
                            .columns = CELLS,
                            .low = -15000,
                            .high = 15000,
                            .colours = VGG_COLOURS_DIVERGING,
                            .unit = "nats"};
    panels[2] = (vgg_panel){.values = values, .rows = CELLS, .columns = CELLS};
    panels[3] = (vgg_panel){.values = classes,
                            .rows = CELLS,
                            .columns = CELLS,
                            .colours = VGG_COLOURS_CLASSES,
                            .labels = labels,
                            .label_count = 3};
}

static void panels_are_sheets(void **state)
{
    (void)state;
    static uint8_t photograph[3 * SIDE * SIDE];
    float values[CELLS * CELLS], classes[CELLS * CELLS];
    vgg_panel panels[4];
    vgg_text text = {0};
    uint8_t colour[3];
    make_panels(panels, photograph, values, classes);
    const vgg_panels row = {.title = "t", .subtitle = "s", .panels = panels, .count = 4};
    made m = read_made(vgg_page_panels(runtime, temp_path("panels.png"), &row, &text), "panels.png",
                       &text);
    assert_int_equal(m.width, SIDE);
    assert_memory_equal(pixel(&m, 0, 60, 30), ((uint8_t[]){255, 255, 255}), 3);
    assert_memory_equal(pixel(&m, 0, 61, 31), ((uint8_t[]){213, 94, 0}), 3);
    assert_memory_equal(pixel(&m, 0, 99, 89), ((uint8_t[]){255, 255, 255}), 3);
    assert_memory_equal(pixel(&m, 0, 59, 30), ((uint8_t[]){100, 100, 100}), 3);
    assert_memory_equal(pixel(&m, 0, 80, 60), ((uint8_t[]){100, 100, 100}), 3);
    vgg_colour(VGG_COLOURS_DIVERGING, -15000, 15000, 6000, colour); /* row 1, column 2 */
    for (int c = 0; c < 3; c++)
        assert_in_range(pixel(&m, 1, 45, 75)[c], (int)(45 + 0.55 * colour[c]) - 1,
                        (int)(45 + 0.55 * colour[c]) + 1);
    vgg_colour(VGG_COLOURS_SEQUENTIAL, 0, 1, 1, colour);
    assert_memory_equal(pixel(&m, 2, SIDE - 1, SIDE - 1), colour, 3);

    const cJSON *cells = cJSON_GetObjectItem(m.about, "cells");
    assert_string_equal(string(m.about, "kind"), "panels");
    assert_string_equal(string(m.about, "note"), "s");
    assert_null(cJSON_GetObjectItem(cJSON_GetArrayItem(cells, 0), "bar"));
    const cJSON *bar = cJSON_GetObjectItem(cJSON_GetArrayItem(cells, 1), "bar");
    assert_string_equal(string(bar, "low"), "-15,000");
    assert_string_equal(string(bar, "high"), "15,000");
    assert_string_equal(string(bar, "unit"), "nats");
    const cJSON *colours = cJSON_GetObjectItem(bar, "colours");
    assert_string_equal(cJSON_GetArrayItem(colours, 0)->valuestring, "#3b4cc0");
    assert_string_equal(cJSON_GetArrayItem(colours, cJSON_GetArraySize(colours) - 1)->valuestring,
                        "#b40426");
    const cJSON *legend = cJSON_GetObjectItem(cJSON_GetArrayItem(cells, 3), "legend");
    assert_int_equal(cJSON_GetArraySize(legend), 2);
    assert_string_equal(string(cJSON_GetArrayItem(legend, 1), "name"), "dog");
    assert_string_equal(string(cJSON_GetArrayItem(legend, 1), "colour"), "#009e73");
    free_made(&m);
}

static clvgg_status write_panels(void *user)
{
    const vgg_panels *row = user;
    vgg_text text = {0};
    const clvgg_status status = vgg_page_panels(runtime, temp_path("panels.png"), row, &text);
    vgg_text_free(&text);
    return status;
}

static void sheets_are_whole_or_absent(void **state)
{
    (void)state;
    static uint8_t photograph[3 * SIDE * SIDE];
    float values[CELLS * CELLS], classes[CELLS * CELLS];
    vgg_panel panels[4];
    vgg_text text = {0};
    make_panels(panels, photograph, values, classes);
    vgg_panels row = {.panels = panels, .count = 4};
    assert_true(failing_allocator_sweep(write_panels, &row) > 3);
    assert_int_equal(vgg_page_panels(runtime, temp_path("no/such.png"), &row, &text),
                     CLVGG_STATUS_NOT_FOUND);
    vgg_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_no_exponent),
        cmocka_unit_test(grids_are_sheets),
        cmocka_unit_test(panels_are_sheets),
        cmocka_unit_test(sheets_are_whole_or_absent),
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}

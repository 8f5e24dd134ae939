/* report/page_figure.c — see page_figure.h. */
#include "report/page_figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/format.h"
#include "report/json.h"
#include "report/memory.h"
#include "report/panel.h"

/* Pictures smaller than LEAST_SIDE are enlarged by a whole number. Around each its edge goes on for
 * GUTTER pixels, so that no neighbour shines through where a browser scales the sheet. */
enum { LEAST_SIDE = 112, GUTTER = 2 };

typedef struct sheet {
    int columns, rows, width, height; /* of one picture */
    int all_width, all_height;        /* gutters included */
    uint8_t *rgb;
} sheet;

/* Room for `count` pictures of at most this size; grey where there are none. */
static clvgg_status make_sheet(sheet *s, size_t count, int width, int height)
{
    const int longest = width > height ? width : height;
    const int times = longest < LEAST_SIDE ? (LEAST_SIDE + longest - 1) / longest : 1;
    s->columns = (int)ceil(sqrt((double)(count > 0 ? count : 1)));
    s->rows = ((int)(count > 0 ? count : 1) + s->columns - 1) / s->columns;
    s->width = times * width;
    s->height = times * height;
    s->all_width = s->columns * (s->width + 2 * GUTTER);
    s->all_height = s->rows * (s->height + 2 * GUTTER);
    const size_t bytes = 3 * (size_t)s->all_width * (size_t)s->all_height;
    VGG_MEMORY_NEW_PASS(s->rgb, bytes, "the pictures of a page");
    memset(s->rgb, 128, bytes);
    return CLVGG_STATUS_OK;
}

static uint8_t *pixel_at(const sheet *s, size_t picture, int y, int x)
{
    const int column = (int)picture % s->columns, row = (int)picture / s->columns;
    y += row * (s->height + 2 * GUTTER) + GUTTER;
    x += column * (s->width + 2 * GUTTER) + GUTTER;
    return s->rgb + 3 * ((size_t)y * (size_t)s->all_width + (size_t)x);
}

static void fill_gutter(const sheet *s, size_t picture)
{
    for (int y = -GUTTER; y < s->height + GUTTER; y++)
        for (int x = -GUTTER; x < s->width + GUTTER; x++) {
            const int inner_y = y < 0 ? 0 : y < s->height ? y : s->height - 1;
            const int inner_x = x < 0 ? 0 : x < s->width ? x : s->width - 1;
            if (inner_y != y || inner_x != x)
                memcpy(pixel_at(s, picture, y, x), pixel_at(s, picture, inner_y, inner_x), 3);
        }
}

/* A picture over its whole place, its pixels as squares. */
static void put_pixels(const sheet *s, size_t picture, const vgg_pixels *pixels)
{
    for (int y = 0; y < s->height; y++)
        for (int x = 0; x < s->width; x++)
            memcpy(pixel_at(s, picture, y, x),
                   pixels->rgb +
                       3 * ((size_t)(y * pixels->height / s->height) * (size_t)pixels->width +
                            (size_t)(x * pixels->width / s->width)),
                   3);
}

static void put_values(const sheet *s, size_t picture, const vgg_panel *panel)
{
    const double opacity = vgg_panel_opacity(panel);
    double low, high;
    uint8_t colour[3];
    vgg_panel_range(panel, &low, &high);
    for (int y = 0; y < s->height; y++)
        for (int x = 0; x < s->width; x++) {
            uint8_t *pixel = pixel_at(s, picture, y, x);
            vgg_colour(panel->colours, low, high,
                       vgg_panel_value(panel, (y + 0.5) * panel->rows / s->height,
                                       (x + 0.5) * panel->columns / s->width),
                       colour);
            for (int c = 0; c < 3; c++)
                pixel[c] = (uint8_t)(pixel[c] * (1 - opacity) + colour[c] * opacity + 0.5);
        }
}

/* The outline of a box: white, inside of it vermilion, so that it is seen on light and dark. */
static void put_box(const sheet *s, size_t picture, const vgg_panel *panel)
{
    static const uint8_t inks[2][3] = {{255, 255, 255}, {213, 94, 0}};
    const int64_t *box = panel->box;
    const double across = (double)s->width / panel->photograph.width,
                 down = (double)s->height / panel->photograph.height;
    const int x0 = (int)((double)box[0] * across), x1 = (int)((double)box[2] * across) - 1;
    const int y0 = (int)((double)box[1] * down), y1 = (int)((double)box[3] * down) - 1;
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            const int beside = x - x0 < x1 - x ? x - x0 : x1 - x;
            const int below = y - y0 < y1 - y ? y - y0 : y1 - y;
            const int inside = beside < below ? beside : below;
            if (inside < 3)
                memcpy(pixel_at(s, picture, y, x), inks[inside > 0], 3);
        }
}

/* The members that grids and panels share, and the begin of "cells". */
static void begin(vgg_json *json, const sheet *s, const char *kind, const char *title,
                  const char *note)
{
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "title", title != NULL ? title : "");
    vgg_json_string(json, "note", note != NULL ? note : "");
    vgg_json_string(json, "kind", kind);
    vgg_json_integer(json, "columns", s->columns);
    vgg_json_integer(json, "rows", s->rows);
    vgg_json_integer(json, "width", s->width);
    vgg_json_integer(json, "height", s->height);
    vgg_json_integer(json, "gutter", GUTTER);
    vgg_json_begin_array(json, "cells");
}

/* Closes the object and writes the sheet. */
static clvgg_status end(vgg_json *json, clvgg_runtime *runtime, const char *path, const sheet *s)
{
    for (int i = 0; i < s->columns * s->rows; i++)
        fill_gutter(s, (size_t)i);
    vgg_json_end(json);
    vgg_json_end(json);
    const clvgg_status status = vgg_text_check(json->text, "what is to be read beside a figure");
    return status != CLVGG_STATUS_OK
               ? status
               : clvgg_image_write_png(runtime, path, s->all_width, s->all_height, s->rgb);
}

static void put_colour(vgg_json *json, const char *key, vgg_colours colours, double high,
                       double value)
{
    char words[8];
    uint8_t rgb[3];
    vgg_colour(colours, 0, high, value, rgb);
    snprintf(words, sizeof words, "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
    vgg_json_string(json, key, words);
}

static void put_bar(vgg_json *json, const vgg_panel *panel)
{
    enum { STEPS = 8 };
    char words[VGG_NUMBER_WORDS];
    double low, high;
    vgg_panel_range(panel, &low, &high);
    vgg_json_begin_object(json, "bar");
    vgg_json_string(json, "low", vgg_number_words(low, 3, words));
    vgg_json_string(json, "high", vgg_number_words(high, 3, words));
    vgg_json_string(json, "unit", panel->unit != NULL ? panel->unit : "");
    vgg_json_begin_array(json, "colours");
    for (int i = 0; i <= STEPS; i++)
        put_colour(json, NULL, panel->colours, STEPS, i);
    vgg_json_end(json);
    vgg_json_end(json);
}

static void put_legend(vgg_json *json, const vgg_panel *panel)
{
    vgg_json_begin_array(json, "legend");
    for (size_t i = 0; i < panel->label_count; i++)
        if (vgg_panel_has_label(panel, i)) {
            vgg_json_begin_object(json, NULL);
            vgg_json_string(json, "name", panel->labels[i]);
            put_colour(json, "colour", VGG_COLOURS_CLASSES, 0, (double)i);
            vgg_json_end(json);
        }
    vgg_json_end(json);
}

clvgg_status vgg_page_grid(clvgg_runtime *runtime, const char *path, const vgg_grid *grid,
                           vgg_text *text)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_json json = {.text = text};
    sheet s = {0};
    int width = 1, height = 1;
    for (size_t i = 0; i < grid->count; i++) {
        width = grid->cells[i].pixels.width > width ? grid->cells[i].pixels.width : width;
        height = grid->cells[i].pixels.height > height ? grid->cells[i].pixels.height : height;
    }
    VGG_TRY(make_sheet(&s, grid->count, width, height));
    begin(&json, &s, "grid", grid->title, grid->subtitle);
    for (size_t i = 0; i < grid->count; i++) {
        put_pixels(&s, i, &grid->cells[i].pixels);
        vgg_json_begin_object(&json, NULL);
        vgg_json_string(&json, "title",
                        grid->cells[i].caption != NULL ? grid->cells[i].caption : "");
        vgg_json_end(&json);
    }
    VGG_TRY(end(&json, runtime, path, &s));
cleanup:
    vgg_memory_free(s.rgb);
    return status;
}

clvgg_status vgg_page_panels(clvgg_runtime *runtime, const char *path, const vgg_panels *panels,
                             vgg_text *text)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_json json = {.text = text};
    sheet s = {0};
    int width = 1, height = 1;
    for (size_t i = 0; i < panels->count; i++) {
        const vgg_panel *panel = &panels->panels[i];
        const bool photograph = panel->photograph.rgb != NULL;
        const int across = photograph ? panel->photograph.width : panel->columns;
        const int down = photograph ? panel->photograph.height : panel->rows;
        width = across > width ? across : width;
        height = down > height ? down : height;
    }
    VGG_TRY(make_sheet(&s, panels->count, width, height));
    begin(&json, &s, "panels", panels->title, panels->subtitle);
    for (size_t i = 0; i < panels->count; i++) {
        const vgg_panel *panel = &panels->panels[i];
        if (panel->photograph.rgb != NULL)
            put_pixels(&s, i, &panel->photograph);
        if (panel->values != NULL)
            put_values(&s, i, panel);
        if (panel->box != NULL && panel->photograph.rgb != NULL)
            put_box(&s, i, panel);
        vgg_json_begin_object(&json, NULL);
        vgg_json_string(&json, "title", panel->title != NULL ? panel->title : "");
        if (panel->values != NULL && panel->colours == VGG_COLOURS_CLASSES)
            put_legend(&json, panel);
        else if (panel->values != NULL)
            put_bar(&json, panel);
        vgg_json_end(&json);
    }
    VGG_TRY(end(&json, runtime, path, &s));
cleanup:
    vgg_memory_free(s.rgb);
    return status;
}

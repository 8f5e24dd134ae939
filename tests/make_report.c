/* make_report.c — a report of stand-in pictures and awkward names, for test_report_browser.sh.
 *
 *     make_report FOLDER [single]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clvgg/image.h"
#include "report/page_figure.h"
#include "report/vis_report.h"

enum { LAYERS = 3, MAPS = 7, NINE = 9, FILES = LAYERS * MAPS * NINE };

static const int sides[LAYERS] = {5, 40, 92};
static char names[3][FILES][64]; /* patches, projections in two ways */
static vgg_manifest_unit units[LAYERS][MAPS][NINE];
static vgg_manifest_map maps[LAYERS][MAPS];

static const char *const photographs[] = {
    "photos/cat.jpg",
    "photos/</script><script>document.title='broken'</script>.jpg",
    "photos/\"quoted\" & 'single' \\ <img src=x onerror=alert(1)>.png",
    "a/folder/that/is/rather/deep/and_a_name_without_any_space_that_goes_on_and_on_and_on.jpeg",
    "photos/\xE7\x8C\xAB \xE2\x80\xA8 \xD9\x82\xD8\xB7\xD8\xA9.jpg",
    "photos/not utf-8 \xFF\xFE.jpg"};

/* Rings around a place that differs from picture to picture; `soft` as a projection looks. */
static int write_picture(clvgg_runtime *runtime, const char *path, int side, unsigned seed,
                         int soft)
{
    uint8_t *rgb = malloc(3 * (size_t)side * (size_t)side);
    if (rgb == NULL)
        return 0;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            const int dy = y - (int)(seed * 7) % side, dx = x - (int)(seed * 13) % side;
            const int ring = (dx * dx + dy * dy) / (side > 10 ? side : 3) % 256;
            uint8_t *pixel = rgb + 3 * (y * side + x);
            for (unsigned c = 0; c < 3; c++)
                pixel[c] = (uint8_t)(soft ? 128 + (ring - 128) / (int)(2 + c)
                                          : (ring * (int)(c + 1) + (int)(seed * 40)) % 256);
        }
    const clvgg_status status = clvgg_image_write_png(runtime, path, side, side, rgb);
    free(rgb);
    return status == CLVGG_STATUS_OK;
}

static int write_pictures(clvgg_runtime *runtime, const char *folder)
{
    char path[512];
    for (size_t i = 0; i < FILES; i++)
        for (int kind = 0; kind < 3; kind++) {
            const size_t layer = i / (MAPS * NINE);
            snprintf(names[kind][i], sizeof names[0][0], "%zu-%c.png", i, "bac"[kind]);
            snprintf(path, sizeof path, "%s/%zu-%c.png", folder, i, "bac"[kind]);
            if (!write_picture(runtime, path, sides[layer], (unsigned)i + (kind == 2), kind > 0))
                return 0;
        }
    snprintf(path, sizeof path, "%s/figure.png", folder);
    return write_picture(runtime, path, 1500, 3, 0);
}

/* A grid of twelve cells and three panels, as page_figure.h has them. */
static int make_figures(clvgg_runtime *runtime, const char *folder, vgg_text about[2])
{
    enum { SIDE = 14, CELLS = 12 };
    static uint8_t rgb[SIDE * SIDE * 3];
    static float values[2][SIDE * SIDE];
    static const char *const labels[] = {"<i>cat</i>", "dog"};
    char path[512];
    for (int i = 0; i < SIDE * SIDE; i++) {
        memcpy(rgb + 3 * i, (uint8_t[]){(uint8_t)(i % 256), 90, 200}, 3);
        values[0][i] = (float)i * 75;
        values[1][i] = (float)(i / 98);
    }
    const vgg_pixels pixels = {rgb, SIDE, SIDE};
    vgg_cell cells[CELLS];
    for (int i = 0; i < CELLS; i++)
        cells[i] = (vgg_cell){pixels, "17"};
    const vgg_panel panels[] = {
        {.title = "photograph", .photograph = pixels, .box = (int64_t[]){2, 2, 9, 9}},
        {.title = "map over it",
         .photograph = pixels,
         .values = values[0],
         .rows = SIDE,
         .columns = SIDE,
         .unit = "<i>cat</i>"},
        {.title = "most probable",
         .values = values[1],
         .rows = SIDE,
         .columns = SIDE,
         .colours = VGG_COLOURS_CLASSES,
         .labels = labels,
         .label_count = 2}};
    snprintf(path, sizeof path, "%s/grid.png", folder);
    const vgg_grid grid = {.title = "conv1_1: filters", .cells = cells, .count = CELLS};
    if (vgg_page_grid(runtime, path, &grid, &about[0]) != CLVGG_STATUS_OK)
        return 0;
    snprintf(path, sizeof path, "%s/panels.png", folder);
    const vgg_panels row = {.title = "chelsea.png: where <i>cat</i> is seen",
                            .subtitle = "Grad-CAM",
                            .panels = panels,
                            .count = sizeof panels / sizeof *panels};
    return vgg_page_panels(runtime, path, &row, &about[1]) == CLVGG_STATUS_OK;
}

static void fill(vgg_manifest_layer layers[LAYERS])
{
    static const char *const layer_names[LAYERS] = {"conv1_2", "<b>layer</b>", "conv4_3"};
    static const int64_t silent[] = {3, 17, 200};
    for (size_t l = 0; l < LAYERS; l++) {
        layers[l] = (vgg_manifest_layer){
            .layer = layer_names[l],
            .modes = {l == 0 ? "deconv" : "guided", l == 0 ? "guided" : "deconv"},
            .mode_count = l == 1 ? 1 : 2,
            .figures = {"figure.png", NULL},
            .map_count = 256,
            .size = {sides[l], sides[l]},
            .maps = maps[l],
            .count = MAPS,
            .silent = silent,
            .silent_count = l};
        for (size_t m = 0; m < MAPS; m++) {
            maps[l][m] = (vgg_manifest_map){.map = (int64_t)(37 * m),
                                            .units = units[l][m],
                                            .unit_count = m == 5 ? 0 : NINE - m};
            for (size_t i = 0; i < NINE; i++) {
                const size_t at = (l * MAPS + m) * NINE + i;
                units[l][m][i] = (vgg_manifest_unit){.file = photographs[at % 6],
                                                     .y = (int64_t)i,
                                                     .x = 2,
                                                     .value = 14730.456 / (double)(i + 1),
                                                     .projections = {names[1][at], names[2][at]},
                                                     .patch = names[0][at]};
            }
        }
    }
}

int main(int argc, char **argv)
{
    clvgg_runtime *runtime = NULL;
    vgg_manifest_layer layers[LAYERS];
    size_t left_out = 0;
    if (argc < 2 || clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK ||
        !write_pictures(runtime, argv[1]))
        return 1;
    fill(layers);
    const vgg_manifest manifest = {.layers = layers, .count = LAYERS, .image_count = 1000};
    vgg_text about[2] = {{0}, {0}};
    if (!make_figures(runtime, argv[1], about))
        return 1;
    const vgg_report_figure figures[] = {{"figure.png", "grid.png", about[0].bytes},
                                         {"figure.png", "panels.png", about[1].bytes}};
    static const char long_name[] = "n02123394_a_photograph_of_a_Persian_cat_asleep";
    const vgg_report_page pages[] = {
        {"Figures", "Filters", "of the first layer", &figures[0], 1},
        {"Activations", long_name, "What maps answer", &figures[0], 1},
        {"Figures", "Grad-CAM", "Where a class is seen", &figures[1], 1}};
    const vgg_report report = {.runtime = runtime,
                               .title = "What <vgg16 & co.> learned",
                               .summary = "1,000 photographs \xC2\xB7 3 layers",
                               .manifest = &manifest,
                               .pages = pages,
                               .page_count = 3};
    const clvgg_status status = vgg_report_write(argv[1], &report, argc > 2, &left_out);
    if (status != CLVGG_STATUS_OK)
        fprintf(stderr, "%s\n", clvgg_status_message());
    vgg_text_free(&about[0]);
    vgg_text_free(&about[1]);
    clvgg_runtime_free(runtime);
    return status == CLVGG_STATUS_OK && left_out == 0 ? 0 : 1;
}

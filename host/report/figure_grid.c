/* report/figure_grid.c — grids of small pictures, and Zeiler & Fergus' pairs of grids. */
#include <math.h>

#include "report/figure_page.h"

#ifdef CLVGG_HAVE_CAIRO

/* ---- one grid ---- */

enum { CAPTION = 14, CAPTION_FONT = 10, GRID_WIDTH = 1000, LEAST_SIDE = 24, MOST_SIDE = 160 };

typedef struct grid_layout {
    size_t columns, rows;
    double side, gap, caption; /* points; caption: below each cell */
    double width, height;      /* of the page */
} grid_layout;

static int longest_side(const vgg_grid *grid)
{
    int longest = 1;
    for (size_t i = 0; i < grid->count; i++) {
        const vgg_pixels *pixels = &grid->cells[i].pixels;
        longest = pixels->width > longest ? pixels->width : longest;
        longest = pixels->height > longest ? pixels->height : longest;
    }
    return longest;
}

/* About 4 columns for 3 rows, a little more or less where that leaves fewer places empty. */
static size_t choose_columns(size_t count)
{
    const long ideal = lround(ceil(sqrt((double)count * 4 / 3) - 1e-9));
    long best = ideal > 1 ? ideal : 1, fewest = (long)count;
    for (long distance = 0; distance <= 2; distance++)
        for (long columns = ideal - distance; columns <= ideal + distance; columns++) {
            const long last = columns > 0 ? (long)count % columns : 0;
            const long empty = last > 0 ? columns - last : 0;
            if (columns < 1 || empty >= fewest)
                continue;
            fewest = empty;
            best = columns;
        }
    return (size_t)best;
}

static grid_layout lay_out(const vgg_grid *grid)
{
    grid_layout layout = {.caption = 0};
    for (size_t i = 0; i < grid->count; i++)
        layout.caption = grid->cells[i].caption != NULL ? CAPTION : layout.caption;
    layout.columns = grid->columns > 0 ? (size_t)grid->columns : choose_columns(grid->count);
    if (layout.columns > grid->count && grid->count > 0)
        layout.columns = grid->count;
    layout.rows = (grid->count + layout.columns - 1) / layout.columns;
    const double wanted = fmin(fmax(GRID_WIDTH / (double)layout.columns, LEAST_SIDE), MOST_SIDE);
    layout.side = vgg_figure_side(longest_side(grid), grid->side > 0 ? grid->side : wanted);
    layout.gap = fmin(fmax(layout.side / 10, 4), 12);
    const double across = layout.side + layout.gap;
    layout.width = 2 * VGG_FIGURE_MARGIN + (double)layout.columns * across - layout.gap;
    layout.width = fmax(layout.width, VGG_FIGURE_LEAST_WIDTH);
    layout.height = vgg_figure_header(grid->title, grid->subtitle) +
                    (double)layout.rows * (across + layout.caption) - layout.gap +
                    VGG_FIGURE_MARGIN;
    return layout;
}

clvgg_status vgg_figure_grid(const char *path, const vgg_grid *grid)
{
    vgg_picture picture = {0};
    const grid_layout layout = lay_out(grid);
    const double top = vgg_figure_header(grid->title, grid->subtitle);
    VGG_PASS(
        vgg_figure_open(&picture, path, layout.width, layout.height, grid->title, grid->subtitle));
    for (size_t i = 0; i < grid->count; i++) {
        const vgg_cell *cell = &grid->cells[i];
        const double x =
            VGG_FIGURE_MARGIN + (double)(i % layout.columns) * (layout.side + layout.gap);
        const double y =
            top + (double)(i / layout.columns) * (layout.side + layout.gap + layout.caption);
        vgg_figure_pixels(&picture, &cell->pixels, VGG_FIT_SHARP, x, y, layout.side, layout.side);
        if (cell->caption == NULL)
            continue;
        vgg_picture_pen(&picture, VGG_INK_FAINT, CAPTION_FONT, false);
        vgg_picture_text(&picture, x + layout.side / 2, y + layout.side + CAPTION - 3,
                         VGG_ALIGN_CENTRE, layout.side + layout.gap - 2, cell->caption);
    }
    return vgg_picture_write(&picture);
}

/* ---- pairs of grids ---- */

enum { PANEL_WIDTH = 1200, PANEL_GAP = 40, PANEL_TITLE = 26, NINE_LINE = 18, MOST_TIMES = 16 };
static const double hairline = 1, nine_gap = 14; /* inside a 3 × 3, between them */

typedef struct nines_layout {
    size_t columns, rows;
    double side, nine, panel; /* of one picture, of a 3 × 3, of a panel's width */
    double width, height;
} nines_layout;

static int longest_of_nines(const vgg_nines *nines)
{
    int longest = 1;
    for (size_t i = 0; i < nines->count; i++)
        for (size_t j = 0; j < nines->maps[i].count; j++) {
            const vgg_pixels *both[] = {&nines->maps[i].projections[j], &nines->maps[i].patches[j]};
            for (size_t b = 0; b < 2; b++) {
                longest = both[b]->width > longest ? both[b]->width : longest;
                longest = both[b]->height > longest ? both[b]->height : longest;
            }
        }
    return longest;
}

static nines_layout lay_out_nines(const vgg_nines *nines)
{
    nines_layout layout = {.columns = (size_t)nines->columns};
    if (nines->columns <= 0)
        layout.columns = (size_t)fmax(1, ceil(sqrt((double)nines->count) - 1e-9));
    layout.rows = (nines->count + layout.columns - 1) / layout.columns;
    const int longest = longest_of_nines(nines);
    const double wanted = fmax(PANEL_WIDTH / (3.0 * (double)layout.columns), 40);
    layout.side = vgg_figure_side(longest, nines->side > 0 ? nines->side : fmin(wanted, 128));
    if (nines->side <= 0) /* what is seen in three pixels needs no more room than they do */
        layout.side = fmin(layout.side, longest * MOST_TIMES / VGG_FIGURE_SCALE);
    layout.nine = 3 * layout.side + 2 * hairline;
    layout.panel = (double)layout.columns * (layout.nine + nine_gap) - nine_gap;
    layout.width =
        fmax(2 * VGG_FIGURE_MARGIN + 2 * layout.panel + PANEL_GAP, VGG_FIGURE_LEAST_WIDTH);
    layout.height = vgg_figure_header(nines->title, nines->subtitle) + PANEL_TITLE +
                    (double)layout.rows * (layout.nine + NINE_LINE + nine_gap) - nine_gap +
                    VGG_FIGURE_MARGIN;
    return layout;
}

static void draw_nine(vgg_picture *picture, const nines_layout *layout, const vgg_nine *map,
                      const vgg_pixels *pictures, double x, double y)
{
    vgg_figure_frame(picture, x, y, layout->nine, layout->nine);
    for (size_t i = 0; i < map->count && i < VGG_FIGURE_NINE; i++)
        vgg_figure_pixels(
            picture, &pictures[i], VGG_FIT_SHARP, x + (double)(i % 3) * (layout->side + hairline),
            y + (double)(i / 3) * (layout->side + hairline), layout->side, layout->side);
    if (map->count == 0) {
        vgg_picture_pen(picture, VGG_INK_FAINT, 11, false);
        vgg_picture_text(picture, x + layout->nine / 2, y + layout->nine / 2 + 4, VGG_ALIGN_CENTRE,
                         layout->nine - 8, "never fires");
    }
    if (map->caption == NULL)
        return;
    vgg_picture_pen(picture, VGG_INK_FAINT, 11, false);
    vgg_picture_text(picture, x + layout->nine / 2, y + layout->nine + 13, VGG_ALIGN_CENTRE,
                     layout->nine, map->caption);
}

clvgg_status vgg_figure_nines(const char *path, const vgg_nines *nines)
{
    vgg_picture picture = {0};
    const nines_layout layout = lay_out_nines(nines);
    const char *const titles[] = {nines->left_title, nines->right_title};
    VGG_PASS(vgg_figure_open(&picture, path, layout.width, layout.height, nines->title,
                             nines->subtitle));
    const double top = vgg_figure_header(nines->title, nines->subtitle) + PANEL_TITLE;
    for (int side = 0; side < 2; side++) {
        const double left = VGG_FIGURE_MARGIN + side * (layout.panel + PANEL_GAP);
        if (titles[side] != NULL) {
            vgg_picture_pen(&picture, VGG_INK_TEXT, 14, true);
            vgg_picture_text(&picture, left, top - 10, VGG_ALIGN_LEFT, layout.panel, titles[side]);
        }
        for (size_t i = 0; i < nines->count; i++) {
            const vgg_nine *map = &nines->maps[i];
            draw_nine(&picture, &layout, map, side == 0 ? map->projections : map->patches,
                      left + (double)(i % layout.columns) * (layout.nine + nine_gap),
                      top + (double)(i / layout.columns) * (layout.nine + NINE_LINE + nine_gap));
        }
    }
    return vgg_picture_write(&picture);
}

#endif

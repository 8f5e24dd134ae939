/* cli/visualize/vis_filters.c — `clvgg visualize filters`: what the first layer looks
 * for, as small pictures. */
#include <stdio.h>
#include <string.h>

#include "cli/visualize/visualize.h"
#include "report/vis_figure.h"

static const cli_option options[] = {
    CLI_VIS_OPTIONS_COMMON,
    {0},
};

/* The first convolution and its weights, as a figure has them. */
typedef struct filters {
    clvgg_layer_info layer;
    clvgg_shape shape; /* [count][channels][height][width] */
    size_t index, count;
    float *weights;
    uint8_t *rgb; /* of all pictures */
    vgg_cell *cells;
    char (*captions)[24];
} filters;

/* The convolution must read one channel or three. */
static clvgg_status find_layer(const cli_vis *vis, filters *f)
{
    const clvgg_model *model = vis->context.model;
    const size_t count = clvgg_model_layer_count(model);
    for (f->index = 0; f->index < count; f->index++) {
        f->layer = (clvgg_layer_info){.struct_size = sizeof f->layer};
        VGG_PASS(clvgg_model_layer(model, f->index, &f->layer));
        if (strcmp(f->layer.type, "conv2d") == 0)
            break;
    }
    VGG_CHECK(f->index < count, CLVGG_STATUS_UNSUPPORTED,
              "the model has no convolution whose filters could be drawn");
    VGG_PASS(clvgg_model_parameter(model, f->index, 0, &f->shape, NULL));
    VGG_CHECK(f->shape.dims[1] == 1 || f->shape.dims[1] == 3, CLVGG_STATUS_UNSUPPORTED,
              "filters of %s have %lld channels: three make colours, one is grey", f->layer.name,
              (long long)f->shape.dims[1]);
    f->count = (size_t)f->shape.dims[0];
    return CLVGG_STATUS_OK;
}

static clvgg_status read_weights(const cli_vis *vis, filters *f)
{
    const size_t values = 3 * f->count * (size_t)f->shape.dims[2] * (size_t)f->shape.dims[3];
    VGG_MEMORY_NEW_PASS(f->weights, values, "the filters' weights");
    VGG_MEMORY_NEW_PASS(f->rgb, values, "the filters' pictures");
    VGG_MEMORY_NEW_PASS(f->cells, f->count, "the cells of a figure");
    VGG_MEMORY_NEW_PASS(f->captions, f->count, "the captions of a figure");
    return clvgg_model_parameter(vis->context.model, f->index, 0, &f->shape, f->weights);
}

static clvgg_status draw(cli_vis *vis, const char *path, filters *f)
{
    const int height = (int)f->shape.dims[2], width = (int)f->shape.dims[3];
    const size_t pixels = (size_t)height * (size_t)width;
    clvgg_preprocess preprocess = vis->context.preprocess;
    preprocess.channels = (int)f->shape.dims[1]; /* fewer than the input's where it has groups */
    char title[160];
    for (size_t i = 0; i < f->count; i++) {
        uint8_t *picture = f->rgb + i * 3 * pixels;
        vgg_pixels_stretched(f->weights + i * (size_t)f->shape.dims[1] * pixels, height, width,
                             &preprocess, picture);
        snprintf(f->captions[i], sizeof f->captions[i], "%zu", i);
        f->cells[i] = (vgg_cell){{picture, width, height}, f->captions[i]};
    }
    snprintf(title, sizeof title, "%.80s: %zu filters of %d \xC3\x97 %d pixels", f->layer.name,
             f->count, height, width);
    const vgg_grid grid = {.title = title,
                           .subtitle = "each with its own contrast: black is its smallest weight, "
                                       "white its greatest",
                           .cells = f->cells,
                           .count = f->count};
    return cli_vis_grid(vis, path, &grid);
}

clvgg_status cli_vis_draw_filters(cli_vis *vis)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const char *path = NULL;
    filters f = {0};
    VGG_TRY(find_layer(vis, &f));
    VGG_TRY(read_weights(vis, &f));
    VGG_TRY(cli_vis_figure_path(vis, "filters", &path));
    VGG_TRY(draw(vis, path, &f));
    cli_vis_wrote(vis, path);
cleanup:
    vgg_memory_free(f.weights);
    vgg_memory_free(f.rgb);
    vgg_memory_free(f.cells);
    vgg_memory_free(f.captions);
    return status;
}

static const char *check(const void *arguments)
{
    const cli_vis_arguments *common = arguments;
    return common->paths.count > 0 ? "takes no image: filters are the model's own" : NULL;
}

const cli_verb cli_vis_filters = {
    .name = "visualize filters",
    .summary = "the first layer's filters, as pictures",
    .usage = "[OPTION]...",
    .description = "Draws the filters of the first convolution in one figure, filters.png: edges,\n"
                   "colours, or noise where a network learned little.",
    .examples = "  clvgg visualize filters\n"
                "  clvgg visualize filters --model vgg16.safetensors --format svg --out figures\n",
    .options = options,
    .arguments_size = sizeof(cli_vis_arguments),
    .defaults = &(const cli_vis_arguments)CLI_VIS_DEFAULTS,
    .check = check,
    .run = cli_vis_verb,
    .visualize = cli_vis_draw_filters,
};

/* cli/visualize/vis_filters.c — `clvgg visualize filters`: what the first layer looks
 * for, as small pictures.
 */
#include <stdio.h>
#include <string.h>

#include "cli/visualize/visualize.h"
#include "report/vis_figure.h"

static const cli_option options[] = {
    CLI_VIS_OPTIONS_COMMON,
    {0},
};

/* The first convolution, which must read one channel or three. */
static int find_layer(cli_vis *vis, size_t *index, clvgg_layer_info *info, clvgg_shape *shape)
{
    const size_t count = clvgg_model_layer_count(vis->run.model);
    clvgg_status status = CLVGG_STATUS_OK;
    for (*index = 0; *index < count; (*index)++) {
        *info = (clvgg_layer_info){.struct_size = sizeof *info};
        status = clvgg_model_layer(vis->run.model, *index, info);
        if (status != CLVGG_STATUS_OK)
            return cli_fail(vis->cli, status);
        if (strcmp(info->type, "conv2d") == 0)
            break;
    }
    if (*index == count) {
        cli_error(vis->cli, "the model has no convolution whose filters could be drawn");
        return CLI_EXIT_FAILED;
    }
    status = clvgg_model_parameter(vis->run.model, *index, 0, shape, NULL);
    if (status != CLVGG_STATUS_OK)
        return cli_fail(vis->cli, status);
    if (shape->dims[1] == 1 || shape->dims[1] == 3)
        return CLI_EXIT_OK;
    cli_error(vis->cli, "filters of %s have %lld channels: three make colours, one is grey",
              info->name, (long long)shape->dims[1]);
    return CLI_EXIT_FAILED;
}

static clvgg_status draw(cli_vis *vis, const char *path, const char *layer,
                         const clvgg_shape *shape, const float *weights, uint8_t *rgb,
                         vgg_cell *cells, char (*captions)[24])
{
    const int height = (int)shape->dims[2], width = (int)shape->dims[3];
    const size_t pixels = (size_t)height * (size_t)width;
    clvgg_preprocess preprocess = vis->run.preprocess;
    preprocess.channels = (int)shape->dims[1]; /* fewer than the input's where it has groups */
    char title[160];
    for (size_t i = 0; i < (size_t)shape->dims[0]; i++) {
        uint8_t *picture = rgb + i * 3 * pixels;
        vgg_pixels_stretched(weights + i * (size_t)shape->dims[1] * pixels, height, width,
                             &preprocess, picture);
        snprintf(captions[i], sizeof captions[i], "%zu", i);
        cells[i] = (vgg_cell){{picture, width, height}, captions[i]};
    }
    snprintf(title, sizeof title, "%.80s: %lld filters of %d \xC3\x97 %d pixels", layer,
             (long long)shape->dims[0], height, width);
    const vgg_grid grid = {.title = title,
                           .subtitle = "each with its own contrast: black is its smallest weight, "
                                       "white its greatest",
                           .cells = cells,
                           .count = (size_t)shape->dims[0]};
    return cli_vis_grid(vis, path, &grid);
}

int cli_vis_draw_filters(cli_vis *vis)
{
    clvgg_layer_info info;
    clvgg_shape shape;
    size_t index = 0;
    const int exit_code = find_layer(vis, &index, &info, &shape);
    if (exit_code != CLI_EXIT_OK)
        return exit_code;
    const size_t count = (size_t)shape.dims[0];
    const size_t values = 3 * (size_t)shape.dims[2] * (size_t)shape.dims[3];
    const char *path = cli_vis_figure_path(vis, "filters");
    float *weights = vgg_calloc(count * values, sizeof *weights);
    uint8_t *rgb = vgg_calloc(count * values, 1);
    vgg_cell *cells = vgg_calloc(count, sizeof *cells);
    char(*captions)[24] = vgg_calloc(count, sizeof *captions);
    clvgg_status status = CLVGG_STATUS_OUT_OF_MEMORY;
    if (weights != NULL && rgb != NULL && cells != NULL && captions != NULL && path != NULL)
        status = clvgg_model_parameter(vis->run.model, index, 0, &shape, weights);
    if (status == CLVGG_STATUS_OK)
        status = draw(vis, path, info.name, &shape, weights, rgb, cells, captions);
    if (status == CLVGG_STATUS_OK)
        cli_vis_wrote(vis, path);
    vgg_free(weights);
    vgg_free(rgb);
    vgg_free(cells);
    vgg_free(captions);
    if (path == NULL)
        return CLI_EXIT_FAILED;
    return status == CLVGG_STATUS_OK ? CLI_EXIT_OK : cli_fail(vis->cli, status);
}

static const char *check(const void *arguments)
{
    const cli_vis_arguments *common = arguments;
    return common->run.path_count > 0 ? "takes no image: filters are the model's own" : NULL;
}

static int run_filters(cli_program *cli, int argc, char **argv)
{
    cli_vis_arguments arguments = CLI_VIS_DEFAULTS;
    return cli_vis_main(cli, &cli_vis_filters, argc, argv, &arguments, check, cli_vis_draw_filters);
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
    .run = run_filters,
};

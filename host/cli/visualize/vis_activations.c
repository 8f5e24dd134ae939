/* cli/visualize/vis_activations.c — `clvgg visualize activations`: what every map of a
 * layer answers to a photograph. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/visualize/vis_activations.h"
#include "report/vis_figure.h"

enum { DEFAULT_COUNT = 64 };

typedef struct activations_arguments {
    cli_vis_arguments common;
    cli_list layers;
    int maps, scale, count;
} activations_arguments;

#define AT(field) offsetof(activations_arguments, field)

static const cli_option options[] = {
    {"layer", 0, CLI_OPTION_LIST, AT(layers), "L[,L...]", 0, 0,
     "Layers to draw; repeatable (every convolution)"},
    {"maps", 0, CLI_OPTION_CHOICE, AT(maps), "strongest|first|all", 0, 0,
     "Which of its maps (strongest)"},
    {"count", 0, CLI_OPTION_COUNT, AT(count), "N", 1, 4096, "How many of them (64)"},
    {"intensity", 0, CLI_OPTION_CHOICE, AT(scale), "map|layer", 0, 0,
     "Brightest is each map's own greatest value, or the layer's (map)"},
    CLI_VIS_OPTIONS_IMAGES,
    CLI_VIS_OPTIONS_COMMON,
    {0},
};

/* ---- choosing layers ---- */

static bool is_activation(const char *type)
{
    return strcmp(type, "relu") == 0 || strcmp(type, "sigmoid") == 0 || strcmp(type, "tanh") == 0;
}

/* The activation that reads a layer, or the layer itself: a convolution is shown after its ReLU. */
static size_t activated(const cli_vis *vis, size_t layer)
{
    clvgg_layer_info info = {.struct_size = sizeof info};
    for (size_t i = layer + 1; i < clvgg_model_layer_count(vis->run.model); i++)
        if (clvgg_model_layer(vis->run.model, i, &info) == CLVGG_STATUS_OK &&
            info.input == (int)layer)
            return is_activation(info.type) ? i : layer;
    return layer;
}

static int add_layer(cli_activations *a, size_t index, const clvgg_layer_info *info)
{
    cli_vis *vis = a->vis;
    if (info->output.rank != 3) {
        cli_error(vis->cli, "layer '%s' has no maps: it gives single values", info->name);
        return CLI_EXIT_USAGE;
    }
    clvgg_layer_info after = {.struct_size = sizeof after};
    const clvgg_status status = clvgg_model_layer(vis->run.model, activated(vis, index), &after);
    if (status != CLVGG_STATUS_OK)
        return cli_fail(vis->cli, status);
    a->layers[a->count] = (cli_activations_layer){
        .name = info->name, .output = after.name, .maps = (size_t)after.output.dims[0]};
    a->layers[a->count].height = (int)after.output.dims[1];
    a->layers[a->count].width = (int)after.output.dims[2];
    a->count++;
    return CLI_EXIT_OK;
}

/* Chooses the layers named, or every convolution. */
static int choose_layers(cli_activations *a, const cli_list *names)
{
    const size_t all = clvgg_model_layer_count(a->vis->run.model);
    clvgg_layer_info info = {.struct_size = sizeof info};
    int exit_code = CLI_EXIT_OK;
    size_t index = 0;
    a->layers = vgg_calloc(names->count > all ? names->count : all, sizeof *a->layers);
    if (a->layers == NULL)
        return cli_fail(a->vis->cli, CLVGG_STATUS_OUT_OF_MEMORY);
    for (size_t i = 0; i < names->count && exit_code == CLI_EXIT_OK; i++) {
        exit_code = cli_vis_find_layer(a->vis, names->items[i], &info, &index);
        if (exit_code == CLI_EXIT_OK)
            exit_code = add_layer(a, index, &info);
    }
    for (size_t i = 0; i < all && names->count == 0 && exit_code == CLI_EXIT_OK; i++)
        if (clvgg_model_layer(a->vis->run.model, i, &info) == CLVGG_STATUS_OK &&
            strcmp(info.type, "conv2d") == 0)
            exit_code = add_layer(a, i, &info);
    if (a->count > 0 || exit_code != CLI_EXIT_OK)
        return exit_code;
    cli_error(a->vis->cli, "the model has no convolution: name layers by --layer");
    return CLI_EXIT_USAGE;
}

/* ---- one figure ---- */

/* Scratch of a figure: as many as a layer has maps. */
typedef struct figure {
    size_t *order;
    float *greatest;
    vgg_cell *cells;
    char (*captions)[24];
    uint8_t *rgb;
} figure;

static void free_figure(figure *f)
{
    vgg_free(f->order);
    vgg_free(f->greatest);
    vgg_free(f->cells);
    vgg_free(f->captions);
    vgg_free(f->rgb);
}

/* Orders the maps, the strongest first where that is asked for. Returns how many are silent. */
static size_t order_maps(const cli_activations *a, const cli_activations_layer *layer,
                         const float *values, figure *f)
{
    const size_t pixels = (size_t)layer->height * (size_t)layer->width;
    size_t silent = 0;
    for (size_t i = 0; i < layer->maps; i++) {
        float greatest = 0;
        for (size_t p = 0; p < pixels; p++)
            greatest = fmaxf(greatest, values[i * pixels + p]);
        f->greatest[i] = greatest;
        silent += greatest == 0;
        size_t at = i;
        for (; a->pick == CLI_ACTIVATIONS_STRONGEST && at > 0 &&
               f->greatest[f->order[at - 1]] < greatest;
             at--)
            f->order[at] = f->order[at - 1];
        f->order[at] = i;
    }
    return silent;
}

static void describe(const cli_activations *a, const cli_activations_layer *layer, size_t shown,
                     size_t silent, const char *file, char title[200], char subtitle[400])
{
    const char *const picks[] = {"the strongest %zu of %zu maps", "the first %zu of %zu maps",
                                 layer->maps == 1 ? "its %zu map" : "all %zu maps"};
    char which[64];
    snprintf(title, 200, "%.100s: activations", layer->name);
    snprintf(which, sizeof which, picks[shown == layer->maps ? CLI_ACTIVATIONS_ALL : a->pick],
             shown, layer->maps);
    snprintf(subtitle, 400, "%.160s \xC2\xB7 %s of %d \xC3\x97 %d \xC2\xB7 brightest: %s%s", file,
             which, layer->height, layer->width,
             a->scale == CLI_ACTIVATIONS_PER_MAP ? "each map's greatest value"
                                                 : "the layer's greatest value",
             silent > 0 ? "" : " \xC2\xB7 none is silent");
    const size_t length = strlen(subtitle);
    if (silent > 0)
        snprintf(subtitle + length, 400 - length, " \xC2\xB7 %zu %s silent", silent,
                 vgg_plural(silent, "map is", "maps are"));
}

static clvgg_status draw_layer(cli_activations *a, const cli_activations_layer *layer,
                               const char *path, const char *file)
{
    const size_t pixels = (size_t)layer->height * (size_t)layer->width;
    const size_t shown = a->pick == CLI_ACTIVATIONS_ALL || (size_t)a->most > layer->maps
                             ? layer->maps
                             : (size_t)a->most;
    char title[200], subtitle[400];
    figure f = {.order = vgg_calloc(layer->maps, sizeof *f.order),
                .greatest = vgg_calloc(layer->maps, sizeof *f.greatest),
                .cells = vgg_calloc(shown, sizeof *f.cells),
                .captions = vgg_calloc(shown, sizeof *f.captions),
                .rgb = vgg_calloc(shown * pixels, 3)};
    clvgg_status status = CLVGG_STATUS_OUT_OF_MEMORY;
    if (f.order != NULL && f.greatest != NULL && f.cells != NULL && f.captions != NULL &&
        f.rgb != NULL) {
        const size_t silent = order_maps(a, layer, layer->values, &f);
        float brightest = 0;
        for (size_t i = 0; i < layer->maps; i++)
            brightest = fmaxf(brightest, f.greatest[i]);
        for (size_t i = 0; i < shown; i++) {
            const size_t map = f.order[i];
            uint8_t *rgb = f.rgb + 3 * i * pixels;
            const float high = a->scale == CLI_ACTIVATIONS_PER_MAP ? f.greatest[map] : brightest;
            vgg_pixels_colour(layer->values + map * pixels, pixels, VGG_COLOURS_SEQUENTIAL, 0,
                              high > 0 ? (double)high : 1, rgb);
            snprintf(f.captions[i], sizeof f.captions[i], "%zu", map);
            f.cells[i] = (vgg_cell){{rgb, layer->width, layer->height}, f.captions[i]};
        }
        describe(a, layer, shown, silent, file, title, subtitle);
        status = cli_vis_grid(
            a->vis, path,
            &(vgg_grid){.title = title, .subtitle = subtitle, .cells = f.cells, .count = shown});
    }
    free_figure(&f);
    return status;
}

/* ---- one photograph ---- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

int cli_activations_start(cli_activations *a, const cli_list *layers)
{
    cli_list names = {0};
    int exit_code = CLI_EXIT_OK;
    if (cli_vis_split_names(layers, &names.items, &names.count))
        exit_code = choose_layers(a, &names);
    else
        exit_code = cli_fail(a->vis->cli, CLVGG_STATUS_OUT_OF_MEMORY);
    vgg_free(names.items);
    if (exit_code != CLI_EXIT_OK)
        return exit_code;
    const char **outputs = vgg_calloc(a->count, sizeof *outputs);
    clvgg_status status = outputs != NULL ? CLVGG_STATUS_OK : CLVGG_STATUS_OUT_OF_MEMORY;
    for (size_t i = 0; i < a->count && status == CLVGG_STATUS_OK; i++) {
        cli_activations_layer *layer = &a->layers[i];
        outputs[i] = layer->output;
        layer->values =
            vgg_calloc(layer->maps * (size_t)layer->height * (size_t)layer->width, sizeof(float));
        status = layer->values != NULL ? CLVGG_STATUS_OK : CLVGG_STATUS_OUT_OF_MEMORY;
    }
    if (status == CLVGG_STATUS_OK) {
        clvgg_session_options session;
        clvgg_session_options_defaults(&session);
        session.outputs = outputs;
        session.output_count = a->count;
        session.execution = cli_run_execution(&a->vis->arguments->run);
        status = clvgg_session_create(a->vis->run.device, a->vis->run.model, &session, &a->session);
    }
    vgg_free(outputs);
    return status == CLVGG_STATUS_OK ? CLI_EXIT_OK : cli_fail(a->vis->cli, status);
}

int cli_activations_draw(cli_activations *a, const char *file, const char *folder,
                         const float *input)
{
    float **outputs = vgg_calloc(a->count, sizeof *outputs);
    clvgg_status status = outputs != NULL ? CLVGG_STATUS_OK : CLVGG_STATUS_OUT_OF_MEMORY;
    for (size_t i = 0; i < a->count && outputs != NULL; i++)
        outputs[i] = a->layers[i].values;
    if (status == CLVGG_STATUS_OK)
        status = clvgg_session_run(a->session, 1, input, outputs);
    vgg_free(outputs);
    for (size_t i = 0; i < a->count && status == CLVGG_STATUS_OK && cli_interrupt_signal() == 0;
         i++) {
        char name[512];
        snprintf(name, sizeof name, "%.250s/%.250s", folder, a->layers[i].name);
        const char *path = cli_vis_figure_path(a->vis, name);
        if (path == NULL)
            return CLI_EXIT_FAILED;
        status = draw_layer(a, &a->layers[i], path, last_part(file));
        if (status == CLVGG_STATUS_OK)
            cli_vis_wrote(a->vis, path);
    }
    return status == CLVGG_STATUS_OK ? CLI_EXIT_OK : cli_fail(a->vis->cli, status);
}

void cli_activations_stop(cli_activations *a)
{
    clvgg_session_free(a->session);
    for (size_t i = 0; i < a->count; i++)
        vgg_free(a->layers[i].values);
    vgg_free(a->layers);
}

/* ---- the subverb ---- */

/* Photographs one after the other; one that can't be read doesn't stop the others. */
static int draw_images(cli_activations *a, clvgg_image_stream *stream, float *input)
{
    int exit_code = CLI_EXIT_OK;
    size_t done = 0, count = 1;
    while (count > 0 && cli_interrupt_signal() == 0) {
        clvgg_stream_item item;
        const clvgg_status status = clvgg_image_stream_next(stream, input, &item, 1, &count);
        if (status != CLVGG_STATUS_OK)
            return cli_fail(a->vis->cli, status);
        if (count == 0)
            break;
        if (item.status != CLVGG_STATUS_OK) {
            vgg_progress_clear(&a->vis->run.progress);
            cli_error(a->vis->cli, "%s", item.message);
            exit_code = CLI_EXIT_FAILED;
            continue;
        }
        char folder[300];
        cli_vis_image_folder(a->vis, "activations", item.path, folder, sizeof folder);
        const int drawn = cli_activations_draw(a, item.path, folder, input);
        if (drawn != CLI_EXIT_OK)
            return drawn;
        vgg_progress_update(&a->vis->run.progress, ++done);
    }
    return exit_code;
}

static int work(cli_vis *vis)
{
    const activations_arguments *arguments = (const activations_arguments *)vis->arguments;
    const cli_vis_arguments *common = vis->arguments;
    cli_activations a = {.vis = vis,
                         .pick = (cli_activations_pick)arguments->maps,
                         .scale = (cli_activations_scale)arguments->scale,
                         .most = arguments->count};
    clvgg_image_stream *stream = NULL;
    const size_t count = common->images.count + common->run.path_count;
    const size_t elements = cli_run_input_elements(&vis->run);
    const char **paths = vgg_calloc(count, sizeof *paths);
    float *input = vgg_calloc(elements, sizeof *input);
    int exit_code = paths != NULL && input != NULL ? CLI_EXIT_OK
                                                   : cli_fail(vis->cli, CLVGG_STATUS_OUT_OF_MEMORY);
    if (exit_code == CLI_EXIT_OK)
        exit_code = cli_activations_start(&a, &arguments->layers);
    if (exit_code == CLI_EXIT_OK) {
        for (size_t i = 0; i < count; i++)
            paths[i] = i < common->images.count ? common->images.items[i]
                                                : common->run.paths[i - common->images.count];
        clvgg_image_stream_options stream_options;
        clvgg_image_stream_options_defaults(&stream_options);
        stream_options.preprocess = vis->run.preprocess;
        stream_options.max_batch = 1;
        stream_options.memory_limit_bytes = common->run.memory_limit_bytes;
        const clvgg_status status =
            clvgg_image_stream_open(vis->run.runtime, paths, count, &stream_options, &stream);
        if (status == CLVGG_STATUS_OK)
            cli_say_skipped(vis->cli, stream);
        if (!common->run.quiet && status == CLVGG_STATUS_OK)
            vis->run.progress = vgg_progress_start(&vis->cli->err_style, "activations",
                                                   clvgg_image_stream_count(stream));
        exit_code =
            status == CLVGG_STATUS_OK ? draw_images(&a, stream, input) : cli_fail(vis->cli, status);
    }
    clvgg_image_stream_close(stream);
    cli_activations_stop(&a);
    vgg_free(paths);
    vgg_free(input);
    return exit_code;
}

static const char *check(const void *arguments)
{
    const cli_vis_arguments *common = arguments;
    return common->run.path_count + common->images.count == 0 ? "needs at least one image or folder"
                                                              : NULL;
}

static int run_activations(cli_program *cli, int argc, char **argv)
{
    activations_arguments arguments = {.common = CLI_VIS_DEFAULTS, .count = DEFAULT_COUNT};
    const int exit_code =
        cli_vis_main(cli, &cli_vis_activations, argc, argv, &arguments.common, check, work);
    vgg_free(arguments.layers.items);
    return exit_code;
}

const cli_verb cli_vis_activations = {
    .name = "visualize activations",
    .summary = "what every map of a layer answers to a photograph",
    .usage = "[OPTION]... IMAGE...",
    .description =
        "Draws the activation maps of a photograph, a figure a layer, in\n"
        "DIR/activations/IMAGE/LAYER.png. A convolution is shown after its ReLU; bright is\n"
        "strong. A folder stands for the images below it.",
    .examples = "  clvgg visualize activations cat.jpg\n"
                "  clvgg visualize activations --layer conv5_3 --maps all cat.jpg dog.jpg\n"
                "  clvgg visualize activations --layer conv1_1,pool1 --intensity layer cat.jpg\n",
    .options = options,
    .run = run_activations,
};

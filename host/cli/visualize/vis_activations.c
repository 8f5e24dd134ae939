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
    for (size_t i = layer + 1; i < clvgg_model_layer_count(vis->context.model); i++)
        if (clvgg_model_layer(vis->context.model, i, &info) == CLVGG_STATUS_OK &&
            info.input == (int)layer)
            return is_activation(info.type) ? i : layer;
    return layer;
}

static clvgg_status add_layer(void *user, size_t index, const clvgg_layer_info *info)
{
    cli_activations *a = user;
    clvgg_layer_info after = {.struct_size = sizeof after};
    VGG_CHECK(info->output.rank == 3, CLVGG_STATUS_INVALID_ARGUMENT,
              "layer '%s' has no maps: it gives single values", info->name);
    VGG_PASS(clvgg_model_layer(a->vis->context.model, activated(a->vis, index), &after));
    a->layers[a->count++] = (cli_activations_layer){.name = info->name,
                                                    .output = after.name,
                                                    .maps = (size_t)after.output.dims[0],
                                                    .height = (int)after.output.dims[1],
                                                    .width = (int)after.output.dims[2]};
    return CLVGG_STATUS_OK;
}

/* Chooses the layers named, or every convolution. */
static clvgg_status choose_layers(cli_activations *a, const cli_list *asked)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t all = clvgg_model_layer_count(a->vis->context.model);
    cli_list names = {0};
    VGG_TRY(cli_vis_split_names(asked, &names));
    VGG_MEMORY_NEW(a->layers, names.count > all ? names.count : all, "the layers to draw");
    VGG_TRY(cli_vis_each_layer(a->vis, &names, add_layer, a));
cleanup:
    vgg_memory_free(names.items);
    return status;
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

static clvgg_status make_figure(figure *f, size_t maps, size_t shown, size_t pixels)
{
    VGG_MEMORY_NEW_PASS(f->order, maps, "the order of a layer's maps");
    VGG_MEMORY_NEW_PASS(f->greatest, maps, "the greatest values of a layer's maps");
    VGG_MEMORY_NEW_PASS(f->cells, shown, "the cells of a figure");
    VGG_MEMORY_NEW_PASS(f->captions, shown, "the captions of a figure");
    VGG_MEMORY_NEW_PASS(f->rgb, 3 * shown * pixels, "the pictures of a layer's maps");
    return CLVGG_STATUS_OK;
}

static void free_figure(figure *f)
{
    vgg_memory_free(f->order);
    vgg_memory_free(f->greatest);
    vgg_memory_free(f->cells);
    vgg_memory_free(f->captions);
    vgg_memory_free(f->rgb);
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

/* Fills the cells with pictures of the first `shown` maps in their order. */
static void fill_cells(const cli_activations *a, const cli_activations_layer *layer, size_t shown,
                       figure *f)
{
    const size_t pixels = (size_t)layer->height * (size_t)layer->width;
    float brightest = 0;
    for (size_t i = 0; i < layer->maps; i++)
        brightest = fmaxf(brightest, f->greatest[i]);
    for (size_t i = 0; i < shown; i++) {
        const size_t map = f->order[i];
        uint8_t *rgb = f->rgb + 3 * i * pixels;
        const float high = a->scale == CLI_ACTIVATIONS_PER_MAP ? f->greatest[map] : brightest;
        vgg_pixels_colour(layer->values + map * pixels, pixels, VGG_COLOURS_SEQUENTIAL, 0,
                          high > 0 ? (double)high : 1, rgb);
        snprintf(f->captions[i], sizeof f->captions[i], "%zu", map);
        f->cells[i] = (vgg_cell){{rgb, layer->width, layer->height}, f->captions[i]};
    }
}

static clvgg_status draw_layer(cli_activations *a, const cli_activations_layer *layer,
                               const char *path, const char *file)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t pixels = (size_t)layer->height * (size_t)layer->width;
    const size_t shown = a->pick == CLI_ACTIVATIONS_ALL || (size_t)a->most > layer->maps
                             ? layer->maps
                             : (size_t)a->most;
    char title[200], subtitle[400];
    figure f = {0};
    VGG_TRY(make_figure(&f, layer->maps, shown, pixels));
    const size_t silent = order_maps(a, layer, layer->values, &f);
    fill_cells(a, layer, shown, &f);
    describe(a, layer, shown, silent, file, title, subtitle);
    VGG_TRY(cli_vis_grid(
        a->vis, path,
        &(vgg_grid){.title = title, .subtitle = subtitle, .cells = f.cells, .count = shown}));
cleanup:
    free_figure(&f);
    return status;
}

/* ---- one photograph ---- */

clvgg_status cli_activations_start(cli_activations *a, const cli_list *layers)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const char **outputs = NULL;
    clvgg_session_options session;
    clvgg_session_options_defaults(&session);
    VGG_TRY(choose_layers(a, layers));
    VGG_MEMORY_NEW(outputs, a->count, "the names of a session's outputs");
    for (size_t i = 0; i < a->count; i++) {
        cli_activations_layer *layer = &a->layers[i];
        outputs[i] = layer->output;
        VGG_MEMORY_NEW(layer->values, layer->maps * (size_t)layer->height * (size_t)layer->width,
                       "a layer's values");
    }
    session.execution = cli_execution(&a->vis->arguments->execution);
    session.outputs = outputs;
    session.output_count = a->count;
    VGG_TRY(clvgg_session_create(a->vis->context.device, a->vis->context.model, &session,
                                 &a->session));
cleanup:
    vgg_memory_free(outputs);
    return status;
}

clvgg_status cli_activations_draw(cli_activations *a, const char *file, const char *folder,
                                  const float *input)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float **outputs = NULL;
    const char *path = NULL;
    VGG_MEMORY_NEW(outputs, a->count, "the outputs of a session");
    for (size_t i = 0; i < a->count; i++)
        outputs[i] = a->layers[i].values;
    VGG_TRY(clvgg_session_run(a->session, 1, input, outputs));
    for (size_t i = 0; i < a->count && cli_interrupt_signal() == 0; i++) {
        char name[512];
        snprintf(name, sizeof name, "%.250s/%.250s", folder, a->layers[i].name);
        VGG_TRY(cli_vis_figure_path(a->vis, name, &path));
        VGG_TRY(draw_layer(a, &a->layers[i], path, cli_vis_file_of(file)));
        cli_vis_wrote(a->vis, path);
    }
cleanup:
    vgg_memory_free(outputs);
    return status;
}

void cli_activations_stop(cli_activations *a)
{
    clvgg_session_free(a->session);
    for (size_t i = 0; i < a->count; i++)
        vgg_memory_free(a->layers[i].values);
    vgg_memory_free(a->layers);
}

/* ---- the subverb ---- */

/* Photographs one after the other; one that can't be read doesn't stop the others. */
static clvgg_status draw_images(cli_activations *a, clvgg_image_stream *stream, float *input)
{
    size_t done = 0, count = 1;
    while (cli_interrupt_signal() == 0) {
        clvgg_stream_item item;
        char folder[300];
        VGG_PASS(clvgg_image_stream_next(stream, input, &item, 1, &count));
        if (count == 0)
            break;
        if (item.status != CLVGG_STATUS_OK) {
            cli_vis_fail(a->vis, vgg_fail(CLVGG_STATUS_BAD_FILE, "%s", item.message));
            continue;
        }
        VGG_PASS(cli_vis_image_folder(a->vis, "activations", item.path, folder, sizeof folder));
        VGG_PASS(cli_activations_draw(a, item.path, folder, input));
        vgg_progress_update(&a->vis->progress, ++done);
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status work(cli_vis *vis)
{
    const activations_arguments *arguments = (const activations_arguments *)vis->arguments;
    clvgg_status status = CLVGG_STATUS_OK;
    cli_activations a = {.vis = vis,
                         .pick = (cli_activations_pick)arguments->maps,
                         .scale = (cli_activations_scale)arguments->scale,
                         .most = arguments->count};
    clvgg_image_stream *stream = NULL;
    cli_list paths = {0};
    float *input = NULL;
    clvgg_image_stream_options stream_options;
    clvgg_image_stream_options_defaults(&stream_options);
    VGG_TRY(cli_vis_photographs(vis, &paths));
    VGG_MEMORY_NEW(input, cli_context_input_elements(&vis->context), "a photograph's input");
    VGG_TRY(cli_activations_start(&a, &arguments->layers));
    stream_options.preprocess = vis->context.preprocess;
    stream_options.max_batch = 1;
    stream_options.memory_limit_bytes = arguments->common.execution.memory_limit_bytes;
    VGG_TRY(clvgg_image_stream_open(vis->context.runtime, paths.items, paths.count,
                                    &stream_options, &stream));
    cli_say_skipped(vis->cli, stream);
    cli_vis_progress_begin(vis, "activations", clvgg_image_stream_count(stream));
    VGG_TRY(draw_images(&a, stream, input));
cleanup:
    clvgg_image_stream_close(stream);
    cli_activations_stop(&a);
    vgg_memory_free(paths.items);
    vgg_memory_free(input);
    return status;
}

static const char *check(const void *arguments)
{
    const cli_vis_arguments *common = arguments;
    return common->paths.count + common->images.count == 0 ? "needs at least one image or folder"
                                                           : NULL;
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
    .arguments_size = sizeof(activations_arguments),
    .defaults = &(const activations_arguments){.common = CLI_VIS_DEFAULTS, .count = DEFAULT_COUNT},
    .check = check,
    .run = cli_vis_verb,
    .visualize = work,
};

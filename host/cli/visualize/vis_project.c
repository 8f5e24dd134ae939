/* cli/visualize/vis_project.c — `clvgg visualize project`: units that the user names,
 * projected back to the pixels of photographs that the user names. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/value.h"
#include "cli/visualize/vis_maps.h"
#include "cli/visualize/vis_top.h"
#include "report/format.h"

typedef struct project_arguments {
    cli_vis_arguments common;
    const char *layer, *map, *unit;
    int mode;
} project_arguments;

#define AT(field) offsetof(project_arguments, field)

static const cli_option options[] = {
    {"layer", 0, CLI_OPTION_TEXT, AT(layer), "L", 0, 0,
     "Layer of the units (the last convolution)"},
    {"map", 0, CLI_OPTION_TEXT, AT(map), "M|all", 0, 0,
     "Map of the units (the one with the strongest unit); all: every map"},
    {"unit", 0, CLI_OPTION_TEXT, AT(unit), "Y,X|peak|all", 0, 0,
     "A position in the map, the strongest one (peak), or all at once"},
    {"mode", 0, CLI_OPTION_CHOICE, AT(mode), "auto|deconv|guided|gradient", 0, 0,
     "How they are projected back (auto: of deconv and guided what can be read)"},
    CLI_VIS_OPTIONS_COMMON,
    {0},
};

/* ---- what is asked for ---- */

enum { PEAK = -2, ALL = -1 };

typedef struct asked {
    int map;  /* PEAK: the strongest unit's; ALL */
    int y, x; /* PEAK, ALL or a position */
} asked;

static bool read_asked(const project_arguments *arguments, asked *out)
{
    enum { MOST = 1 << 24 };
    *out = (asked){PEAK, PEAK, PEAK};
    if (arguments->map != NULL && strcmp(arguments->map, "all") == 0)
        out->map = ALL;
    else if (arguments->map != NULL && !cli_value_count(arguments->map, 0, MOST, &out->map))
        return false;
    if (arguments->unit == NULL || strcmp(arguments->unit, "peak") == 0)
        return true;
    if (strcmp(arguments->unit, "all") == 0) {
        out->y = out->x = ALL;
        return true;
    }
    int at[2];
    if (!cli_value_pair(arguments->unit, ",", 0, MOST, at))
        return false;
    out->y = at[0];
    out->x = at[1];
    return true;
}

/* ---- the work ---- */

typedef struct project {
    cli_vis *vis;
    const project_arguments *arguments;
    clvgg_projector *projector;
    clvgg_receptive_field field;
    clvgg_projection mode;
    const char *layer;
    asked asked;
    int maps, height, width; /* of the layer */
    float *projection, *activations, *part;
} project;

/* A unit, a map or all of them, on one photograph. */
typedef struct chosen {
    int map, y, x;
    float value;
    int64_t box[4];
} chosen;

/* The layer, or the last convolution. */
static clvgg_status find_layer(project *p)
{
    const clvgg_model *model = p->vis->context.model;
    clvgg_layer_info info = {.struct_size = sizeof info};
    size_t index = 0;
    for (size_t i = clvgg_model_layer_count(model); i > 0 && p->layer == NULL; i--)
        if (cli_vis_is_convolution(model, i - 1, &info))
            p->layer = info.name;
    VGG_CHECK(p->layer != NULL, CLVGG_STATUS_INVALID_ARGUMENT,
              "the model has no convolution: name a layer by --layer");
    VGG_PASS(cli_context_find_layer(&p->vis->context, p->layer, &info, &index));
    const bool flat = info.output.rank == 1;
    p->maps = (int)info.output.dims[0];
    p->height = flat ? 1 : (int)info.output.dims[1];
    p->width = flat ? 1 : (int)info.output.dims[2];
    VGG_CHECK(p->asked.map < p->maps && p->asked.y < p->height && p->asked.x < p->width,
              CLVGG_STATUS_INVALID_ARGUMENT, "layer '%s' has maps 0 to %d with units 0,0 to %d,%d",
              p->layer, p->maps - 1, p->height - 1, p->width - 1);
    return CLVGG_STATUS_OK;
}

/* The mode asked for; without one, what `top` shows first. */
static clvgg_projection choose_mode(const project *p)
{
    clvgg_projection modes[VGG_MANIFEST_MODES];
    cli_top_modes_of(CLI_TOP_AUTO, &p->field, modes);
    return p->arguments->mode > 0 ? (clvgg_projection)(p->arguments->mode - 1) : modes[0];
}

static clvgg_status start(project *p)
{
    const cli_context *context = &p->vis->context;
    const size_t elements = cli_context_input_elements(context);
    clvgg_projector_options how;
    clvgg_projector_options_defaults(&how);
    how.execution.storage = p->vis->arguments->execution.storage;
    VGG_MEMORY_NEW_PASS(p->projection, elements, "a projection");
    VGG_MEMORY_NEW_PASS(p->part, elements, "a part of a projection");
    VGG_MEMORY_NEW_PASS(p->activations, (size_t)p->maps * (size_t)p->height * (size_t)p->width,
                        "a layer's activations");
    VGG_PASS(clvgg_model_receptive_field(context->model, p->layer, &p->field));
    how.mode = p->mode = choose_mode(p);
    return clvgg_projector_create(context->device, context->model, p->layer, &how, &p->projector);
}

static void stop(project *p)
{
    clvgg_projector_free(p->projector);
    vgg_memory_free(p->projection);
    vgg_memory_free(p->activations);
    vgg_memory_free(p->part);
}

/* The strongest of the units asked for, and where it is; maps and units as they were asked for
 * where they were. */
static chosen choose_unit(const project *p)
{
    const asked *a = &p->asked;
    const int first_map = a->map >= 0 ? a->map : 0, end_map = a->map >= 0 ? a->map + 1 : p->maps;
    chosen best = {.map = first_map, .value = -INFINITY};
    for (int map = first_map; map < end_map; map++)
        for (int y = 0; y < p->height; y++)
            for (int x = 0; x < p->width; x++) {
                const float value = p->activations[(map * p->height + y) * p->width + x];
                if ((a->y < 0 || (a->y == y && a->x == x)) &&
                    (value > best.value || (isnan(value) && !isnan(best.value))))
                    best = (chosen){.map = map, .y = y, .x = x, .value = value};
            }
    if (a->map == ALL && a->y != PEAK)
        best.map = ALL;
    if (a->y == ALL)
        best.y = best.x = ALL;
    const int height = p->vis->context.preprocess.height, width = p->vis->context.preprocess.width;
    if (a->y == ALL)
        memcpy(best.box, (int64_t[]){0, 0, width, height}, sizeof best.box);
    else
        cli_top_box(&p->field, best.y, best.x, height, width, best.box);
    return best;
}

/* Projects one unit, or all units of a map where unit->y is negative. */
static clvgg_status run(project *p, const float *input, const chosen *unit)
{
    const bool all = unit->y < 0;
    const clvgg_seed seed = {.map = unit->map,
                             .position = all ? -1 : (int64_t)unit->y * p->width + unit->x};
    return clvgg_projector_run(p->projector, 1, input, &seed, p->projection, p->activations, NULL);
}

static void name_unit(const chosen *unit, char *text, size_t capacity)
{
    char map[32] = "all maps", position[48] = "all units";
    if (unit->map >= 0)
        snprintf(map, sizeof map, "map %d", unit->map);
    if (unit->y >= 0)
        snprintf(position, sizeof position, "unit %d,%d", unit->y, unit->x);
    snprintf(text, capacity, "%s, %s", map, position);
}

static clvgg_status draw_figure(const project *p, const char *path,
                                const cli_vis_photograph *photograph, const chosen *unit)
{
    const clvgg_preprocess *preprocess = &p->vis->context.preprocess;
    const size_t plane = (size_t)preprocess->height * (size_t)preprocess->width;
    const int height = (int)(unit->box[3] - unit->box[1]),
              width = (int)(unit->box[2] - unit->box[0]);
    clvgg_status status = CLVGG_STATUS_OK;
    uint8_t *rgb = NULL;
    VGG_MEMORY_NEW(rgb, 9 * plane, "the pictures of a figure");
    const vgg_pixels projection = {rgb, preprocess->width, preprocess->height};
    const vgg_pixels crop = {rgb + 3 * plane, width, height},
                     patch = {rgb + 6 * plane, width, height};
    vgg_pixels_signed(p->projection, preprocess->height, preprocess->width, preprocess, rgb);
    cli_top_cut(p->projection, preprocess, unit->box, p->part);
    vgg_pixels_signed(p->part, height, width, preprocess, rgb + 3 * plane);
    vgg_pixels_crop(&photograph->pixels, unit->box[0], unit->box[1], unit->box[2], unit->box[3],
                    rgb + 6 * plane);
    char title[400], subtitle[200], name[96], value[VGG_NUMBER_WORDS];
    name_unit(unit, name, sizeof name);
    snprintf(title, sizeof title, "%.120s: %.120s, %s", photograph->file, p->layer, name);
    snprintf(subtitle, sizeof subtitle, "%s \xC2\xB7 %s %s", cli_projection_title(p->mode),
             unit->map >= 0 && unit->y >= 0 ? "value" : "largest value",
             vgg_number_words((double)unit->value, 5, value));
    const bool all = width == preprocess->width && height == preprocess->height;
    const vgg_panel panels[] = {
        {.title = "photograph", .photograph = photograph->pixels, .box = all ? NULL : unit->box},
        {.title = "projection", .photograph = projection, .box = all ? NULL : unit->box},
        {.title = "what the unit sees", .photograph = patch},
        {.title = "its projection", .photograph = crop},
    };
    VGG_TRY(vgg_figure_panels(
        path, &(vgg_panels){
                  .title = title, .subtitle = subtitle, .panels = panels, .count = all ? 2 : 4}));
cleanup:
    vgg_memory_free(rgb);
    return status;
}

static void fill_json(const project *p, const char *figure, const chosen *unit)
{
    vgg_json *json = &p->vis->json;
    vgg_json_string(json, "figure", figure);
    vgg_json_string(json, "layer", p->layer);
    if (unit->map >= 0)
        vgg_json_integer(json, "map", unit->map);
    if (unit->y >= 0) {
        vgg_json_integer(json, "y", unit->y);
        vgg_json_integer(json, "x", unit->x);
    }
    vgg_json_number(json, "value", (double)unit->value);
    vgg_json_integers(json, "box", unit->box, 4);
}

static clvgg_status draw(cli_vis *vis, const cli_vis_photograph *photograph, void *user)
{
    project *p = user;
    const char *figure = NULL;
    char folder[256];
    const bool known = p->asked.map != PEAK && p->asked.y != PEAK; /* else by the forward pass */
    const chosen first = {.map = p->asked.map >= 0 ? p->asked.map : ALL,
                          .y = p->asked.y >= 0 ? p->asked.y : ALL,
                          .x = p->asked.x >= 0 ? p->asked.x : ALL};
    VGG_PASS(run(p, photograph->input, &first));
    const chosen unit = choose_unit(p);
    if (!isfinite(unit.value)) {
        cli_vis_pass_over(vis, photograph->path, "the network gives no numbers for it");
        return CLVGG_STATUS_OK;
    }
    if (!known)
        VGG_PASS(run(p, photograph->input, &unit));
    if (unit.value == 0.0f) {
        vgg_progress_clear(&vis->progress);
        cli_note(vis->cli, "%s: what was asked for in layer '%s' doesn't fire on it",
                 photograph->path, p->layer);
    }
    snprintf(folder, sizeof folder, "project/%.200s", p->layer);
    VGG_PASS(cli_vis_figure_of(vis, folder, photograph->name, &figure));
    VGG_PASS(draw_figure(p, figure, photograph, &unit));
    if (vis->arguments->json)
        fill_json(p, figure, &unit);
    cli_vis_wrote(vis, figure);
    cli_vis_progress_step(vis, 1, 1);
    return CLVGG_STATUS_OK;
}

static clvgg_status work(cli_vis *vis)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const project_arguments *arguments = (const project_arguments *)vis->arguments;
    const cli_operands *paths = &vis->arguments->paths;
    project p = {.vis = vis, .arguments = arguments, .layer = arguments->layer};
    read_asked(arguments, &p.asked);
    VGG_TRY(find_layer(&p));
    VGG_TRY(start(&p));
    cli_vis_progress_begin(vis, "projecting", paths->count);
    cli_vis_begin_array(vis, "projections");
    status = cli_vis_each(vis, paths, draw, &p);
    cli_vis_end_array(vis);
cleanup:
    stop(&p);
    return status;
}

static const char *check(const void *given)
{
    asked unused;
    const char *wrong = cli_vis_check_photographs(given);
    return wrong != NULL ? wrong
           : read_asked(given, &unused)
               ? NULL
               : "--map needs a number or all, --unit a position such as 3,9, "
                 "peak or all";
}

const cli_verb cli_vis_project = {
    .name = "visualize project",
    .summary = "a unit of your choice, projected back to pixels",
    .usage = "IMAGE... --layer L [OPTION]...",
    .description =
        "Draws each photograph, what a unit's activation on it comes back to as pixels, and the\n"
        "part of both that the unit sees: DIR/project/LAYER/IMAGE.png. Without --map and --unit\n"
        "that is the layer's strongest unit.",
    .examples = "  clvgg visualize project cat.jpg --layer conv5_3\n"
                "  clvgg visualize project cat.jpg --layer conv4_3 --map 17 --unit 3,9\n"
                "  clvgg visualize project *.jpg --layer logits --map 0 --mode guided\n",
    .options = options,
    .arguments_size = sizeof(project_arguments),
    .defaults = &(const project_arguments){.common = CLI_VIS_DEFAULTS},
    .check = check,
    .run = cli_vis_verb,
    .visualize = work,
};

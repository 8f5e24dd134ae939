/* cli/visualize/vis_gradcam.c — `clvgg visualize gradcam`: where in a photograph a class
 * is seen. */
#include <math.h>
#include <stdio.h>

#include "cli/visualize/vis_maps.h"

typedef struct gradcam_arguments {
    cli_vis_arguments common;
    cli_vis_gradcam_settings settings;
} gradcam_arguments;

#define AT(field) offsetof(gradcam_arguments, settings.field)

static const cli_option options[] = {
    {"class", 'c', CLI_OPTION_TEXT, AT(class_name), "CLASS", 0, 0,
     "Its label or number (the most probable)"},
    {"layer", 0, CLI_OPTION_TEXT, AT(layer), "LAYER", 0, 0,
     "Layer whose maps are weighted (the last convolution)"},
    CLI_VIS_OPTIONS_COMMON,
    {0},
};

typedef struct work {
    clvgg_gradcam *gradcam;
    int64_t class_index;
} work;

/* The greatest element, or -1 where one is no number. */
static int greatest(const float *values, int count)
{
    int best = 0;
    for (int i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return -1;
        best = values[i] > values[best] ? i : best;
    }
    return best;
}

static clvgg_status draw_figure(const char *path, cli_vis *vis,
                                const cli_vis_photograph *photograph, const clvgg_gradcam_map *map)
{
    const double most = (double)map->coarse[greatest(map->coarse, map->rows * map->columns)];
    const char *label = cli_vis_label(vis, map->class_index);
    char title[256], subtitle[256], coarse[128];
    snprintf(title, sizeof title, "%.120s: where %.100s is seen", photograph->file, label);
    snprintf(subtitle, sizeof subtitle, "Grad-CAM; %.60s has %.2f %%, log-odds %.2f%s%.60s", label,
             100 * map->score.probability, map->score.log_odds,
             most > 0 ? "" : "; no place speaks for ", most > 0 ? "" : label);
    snprintf(coarse, sizeof coarse, "%.60s, %d x %d", map->layer, map->rows, map->columns);
    const vgg_panel panels[] = {
        {.title = "photograph", .photograph = photograph->pixels},
        {.title = "map over it",
         .photograph = photograph->pixels,
         .values = map->map,
         .rows = map->height,
         .columns = map->width,
         .high = most,
         .unit = label},
        {.title = coarse,
         .values = map->coarse,
         .rows = map->rows,
         .columns = map->columns,
         .high = most,
         .unit = label},
    };
    return cli_vis_panels(
        vis, path,
        &(vgg_panels){
            .title = title, .subtitle = subtitle, .panels = panels, .count = most > 0 ? 3 : 1});
}

static void fill_json(cli_vis *vis, const clvgg_gradcam_map *map, const char *figure, int peak)
{
    vgg_json *json = &vis->json;
    vgg_json_string(json, "figure", figure);
    cli_vis_json_class(vis, "class", map->class_index);
    vgg_json_string(json, "layer", map->layer);
    vgg_json_number(json, "probability", map->score.probability);
    vgg_json_number(json, "log_odds", map->score.log_odds);
    vgg_json_begin_object(json, "peak");
    vgg_json_integer(json, "y", peak / map->width);
    vgg_json_integer(json, "x", peak % map->width);
    vgg_json_number(json, "value", (double)map->map[peak]);
    vgg_json_end(json);
    cli_vis_json_map(json, "map", map->coarse, map->rows, map->columns);
}

static clvgg_status draw(cli_vis *vis, const cli_vis_photograph *photograph, void *user)
{
    const work *w = user;
    const char *figure = NULL;
    clvgg_gradcam_map map = {.struct_size = sizeof map};
    VGG_PASS(clvgg_gradcam_run(w->gradcam, photograph->input, w->class_index, &map));
    const int peak = greatest(map.map, map.height * map.width);
    if (peak < 0 || !isfinite(map.score.log_odds)) {
        cli_vis_pass_over(vis, photograph->path, "the network gives no numbers for it");
        return CLVGG_STATUS_OK;
    }
    VGG_PASS(cli_vis_figure_of(vis, "gradcam", photograph->name, &figure));
    VGG_PASS(draw_figure(figure, vis, photograph, &map));
    if (vis->arguments->json)
        fill_json(vis, &map, figure, peak);
    cli_vis_wrote(vis, figure);
    cli_vis_progress_step(vis, 1, 1);
    return CLVGG_STATUS_OK;
}

clvgg_status cli_vis_draw_gradcam(cli_vis *vis, const cli_vis_gradcam_settings *settings,
                                  const cli_operands *paths)
{
    clvgg_status status = CLVGG_STATUS_OK;
    work w = {.class_index = -1};
    clvgg_gradcam_options asked;
    clvgg_gradcam_options_defaults(&asked);
    asked.layer = settings->layer;
    asked.execution.storage = vis->arguments->execution.storage;
    VGG_TRY(cli_vis_find_class(vis, settings->class_name, &w.class_index));
    VGG_TRY(clvgg_gradcam_create(vis->context.device, vis->context.model, &asked, &w.gradcam));
    cli_vis_progress_begin(vis, "Grad-CAM", paths->count);
    cli_vis_begin_array(vis, "gradcam");
    status = cli_vis_each(vis, paths, draw, &w);
    cli_vis_end_array(vis);
cleanup:
    vgg_progress_finish(&vis->progress);
    clvgg_gradcam_free(w.gradcam);
    return status;
}

static clvgg_status work_on(cli_vis *vis)
{
    const gradcam_arguments *asked = (const gradcam_arguments *)vis->arguments;
    return cli_vis_draw_gradcam(vis, &asked->settings, &asked->common.paths);
}

const cli_verb cli_vis_gradcam = {
    .name = "visualize gradcam",
    .summary = "where in a photograph a class is seen",
    .usage = "IMAGE... [OPTION]...",
    .description =
        "Weights the maps of a layer by the gradient of a class there, and draws their sum over\n"
        "each photograph: bright is what speaks for the class. Selvaraju et al. (2017).",
    .examples = "  clvgg visualize gradcam cat.jpg --out figures\n"
                "  clvgg visualize gradcam *.jpg --class dog\n"
                "  clvgg visualize gradcam cat.jpg --layer conv4_3 --format svg\n",
    .options = options,
    .arguments_size = sizeof(gradcam_arguments),
    .defaults = &(const gradcam_arguments){.common = CLI_VIS_DEFAULTS},
    .check = cli_vis_check_photographs,
    .run = cli_vis_verb,
    .visualize = work_on,
};

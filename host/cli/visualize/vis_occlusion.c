/* cli/visualize/vis_occlusion.c — `clvgg visualize occlusion`: what of a photograph its
 * class rests on. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/visualize/vis_maps.h"

typedef struct occlusion_arguments {
    cli_vis_arguments common;
    cli_vis_occlusion_settings settings;
} occlusion_arguments;

#define AT(field) offsetof(occlusion_arguments, settings.field)

static const cli_option options[] = {
    {"class", 'c', CLI_OPTION_TEXT, AT(class_name), "CLASS", 0, 0,
     "Its label or number (the most probable)"},
    {"size", 0, CLI_OPTION_COUNT, AT(size), "N", 1, 65535,
     "Side of the square in pixels of the network's input (a fifth of it)"},
    {"stride", 0, CLI_OPTION_COUNT, AT(stride), "N", 1, 65535,
     "Pixels from one place of the square to the next (8 of 224)"},
    {"grey", 0, CLI_OPTION_CHOICE, AT(grey), "mean|mid", 0, 0,
     "Colour of the square: the preprocessing's mean, or middle grey (mean)"},
    {"layer", 0, CLI_OPTION_TEXT, AT(layer), "LAYER", 0, 0,
     "Layer of the map that is summed (the last convolution)"},
    {"map", 0, CLI_OPTION_COUNT, AT(map), "N", 0, 65535,
     "That map (the one with the greatest sum in the whole photograph)"},
    CLI_VIS_OPTIONS_COMMON,
    {0},
};

/* One run of the verb. */
typedef struct work {
    clvgg_occlusion *occlusion;
    int64_t class_index, map;
} work;

/* Cells of the map as pixels of the prepared image, each with its cell's value. */
static clvgg_status spread(const clvgg_occlusion_map *map, const float *values,
                           const vgg_pixels *image, float **out)
{
    float *pixels = NULL;
    VGG_MEMORY_NEW_PASS(pixels, (size_t)image->width * (size_t)image->height, "a map as pixels");
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) {
            const int row = (y - map->top) / map->stride, column = (x - map->left) / map->stride;
            pixels[y * image->width + x] = values[row * map->columns + column];
        }
    *out = pixels;
    return CLVGG_STATUS_OK;
}

/* The cell where the class is least likely; -1 where a value is no number. */
static int least_cell(const clvgg_occlusion_map *map)
{
    int least = 0;
    for (int i = 0; i < map->rows * map->columns; i++) {
        if (!isfinite(map->log_odds[i]) || !isfinite(map->activation[i]) || map->predicted[i] < 0)
            return -1;
        if (map->log_odds[i] < map->log_odds[least])
            least = i;
    }
    return least;
}

/* Pixels that the square of a cell hides: x0, y0, x1, y1. */
static void square_of(const clvgg_occlusion_map *map, int cell, const vgg_pixels *image,
                      int64_t box[4])
{
    const int corner[2] = {map->left + cell % map->columns * map->stride,
                           map->top + cell / map->columns * map->stride};
    const int sides[2] = {image->width, image->height};
    for (int i = 0; i < 2; i++) {
        const int begin = corner[i] + (int)floor((map->stride - map->size) / 2.0);
        box[i] = begin > 0 ? begin : 0;
        box[i + 2] = begin + map->size < sides[i] ? begin + map->size : sides[i];
    }
}

enum { MOST_SHOWN = 8 };

/* Predicted classes as numbers 0, 1 …, the most frequent first; what doesn't fit the legend is its
 * last number. Returns how many there are. */
static size_t rank_classes(const cli_vis *vis, const clvgg_occlusion_map *map, float *ranks,
                           const char *labels[MOST_SHOWN])
{
    const int cells = map->rows * map->columns;
    size_t count = 0;
    for (int i = 0; i < cells; i++)
        ranks[i] = -1;
    for (; count < MOST_SHOWN; count++) {
        int best = -1, best_times = 0;
        for (int i = 0; i < cells; i++) {
            int times = 0;
            for (int k = i; k < cells && ranks[i] < 0; k++)
                times += map->predicted[k] == map->predicted[i];
            if (times > best_times) {
                best = i;
                best_times = times;
            }
        }
        if (best < 0)
            break;
        const bool rest = count == MOST_SHOWN - 1;
        labels[count] = rest ? "others" : cli_vis_label(vis, (size_t)map->predicted[best]);
        for (int i = 0; i < cells; i++)
            if (ranks[i] < 0 && (rest || map->predicted[i] == map->predicted[best]))
                ranks[i] = (float)count;
    }
    return count;
}

static void fill_json(cli_vis *vis, const clvgg_occlusion_map *map, const char *figure, int least,
                      const int64_t box[4])
{
    vgg_json *json = &vis->json;
    vgg_json_string(json, "figure", figure);
    cli_vis_json_class(vis, "class", map->class_index);
    vgg_json_string(json, "layer", map->layer);
    vgg_json_integer(json, "map", map->map);
    vgg_json_integer(json, "size", map->size);
    vgg_json_integer(json, "stride", map->stride);
    vgg_json_integer(json, "top", map->top);
    vgg_json_integer(json, "left", map->left);
    vgg_json_begin_object(json, "unoccluded");
    vgg_json_number(json, "probability", map->unoccluded.probability);
    vgg_json_number(json, "log_odds", map->unoccluded.log_odds);
    vgg_json_number(json, "activation", map->unoccluded_activation);
    vgg_json_end(json);
    vgg_json_begin_object(json, "least");
    vgg_json_integer(json, "row", least / map->columns);
    vgg_json_integer(json, "column", least % map->columns);
    vgg_json_integers(json, "box", box, 4);
    vgg_json_end(json);
    cli_vis_json_map(json, "probability", map->probability, map->rows, map->columns);
    cli_vis_json_map(json, "log_odds", map->log_odds, map->rows, map->columns);
    cli_vis_json_map(json, "activation", map->activation, map->rows, map->columns);
    vgg_json_begin_array(json, "predicted");
    for (int row = 0; row < map->rows; row++) {
        vgg_json_begin_array(json, NULL);
        for (int column = 0; column < map->columns; column++)
            vgg_json_integer(json, NULL, map->predicted[row * map->columns + column]);
        vgg_json_end(json);
    }
    vgg_json_end(json);
}

enum { FALL, PROBABILITY, LOG_ODDS, ACTIVATION, CLASS, MAPS };

/* Says in words what a panel would show that is left out because it has one colour. */
static void say_what_is_flat(const char *label, const clvgg_occlusion_map *map,
                             bool probability_is_flat, bool class_is_flat, const char *class_name,
                             char words[256])
{
    float least = map->probability[0];
    for (int i = 0; i < map->rows * map->columns; i++)
        least = fminf(least, map->probability[i]);
    int length = 0;
    words[0] = '\0';
    if (class_is_flat)
        length = snprintf(words, 128, "; %.60s stays the most probable class", class_name);
    if (probability_is_flat)
        snprintf(words + length, 128, "; %.60s never falls below %.2f %%", label,
                 floor(1e4 * (double)least) / 100);
}

/* Says whether a map's values can hardly be told apart on a bar from 0 to 1. */
static bool is_flat(const float *values, const vgg_pixels *image)
{
    float least = values[0], most = values[0];
    for (int i = 0; i < image->height * image->width; i++) {
        least = fminf(least, values[i]);
        most = fmaxf(most, values[i]);
    }
    return most - least < 0.1F;
}

/* What a figure shows of a photograph. */
typedef struct figure {
    const cli_vis_photograph *photograph;
    const clvgg_occlusion_map *map;
    float *maps[MAPS]; /* [height][width], finite */
    const char *labels[MOST_SHOWN];
    size_t label_count;
    const int64_t *box;
} figure;

/* Up to six panels. */
static clvgg_status draw_panels(const char *path, cli_vis *vis, const figure *f)
{
    const cli_vis_photograph *photograph = f->photograph;
    const clvgg_occlusion_map *map = f->map;
    float *const *maps = f->maps;
    const char *label = cli_vis_label(vis, map->class_index);
    const bool probability_is_flat = is_flat(maps[PROBABILITY], &photograph->pixels);
    const bool class_is_flat = f->label_count == 1;
    char title[256], subtitle[512], layer[128], flat[256];
    say_what_is_flat(label, map, probability_is_flat, class_is_flat, f->labels[0], flat);
    snprintf(title, sizeof title, "%.120s: what %.100s rests on", photograph->file, label);
    snprintf(subtitle, sizeof subtitle,
             "a square of %d pixels hides one place after another; the whole photograph is %.60s "
             "with %.2f %%, log-odds %.2f%s",
             map->size, label, 100 * map->unoccluded.probability, map->unoccluded.log_odds, flat);
    snprintf(layer, sizeof layer, "sum of %.60s, map %lld", map->layer, (long long)map->map);
    vgg_panel panels[] = {
        {.title = "photograph, worst place", .photograph = photograph->pixels, .box = f->box},
        {.title = "fall of the log-odds",
         .photograph = photograph->pixels,
         .values = maps[FALL],
         .unit = "nats lost"},
        {.title = "probability", .values = maps[PROBABILITY], .low = 0, .high = 1, .unit = label},
        {.title = "log-odds", .values = maps[LOG_ODDS], .unit = label},
        {.title = layer, .values = maps[ACTIVATION], .unit = "activation"},
        {.title = "most probable class",
         .values = maps[CLASS],
         .colours = VGG_COLOURS_CLASSES,
         .labels = f->labels,
         .label_count = f->label_count},
    };
    size_t count = 1;
    for (size_t i = 1; i < sizeof panels / sizeof *panels; i++) {
        panels[i].rows = photograph->pixels.height;
        panels[i].columns = photograph->pixels.width;
        if ((panels[i].values != maps[PROBABILITY] || !probability_is_flat) &&
            (panels[i].values != maps[CLASS] || !class_is_flat))
            panels[count++] = panels[i];
    }
    return cli_vis_panels(vis, path,
                          &(vgg_panels){.title = title,
                                        .subtitle = subtitle,
                                        .panels = panels,
                                        .count = count,
                                        .columns = count == 4 ? 4 : 3});
}

static clvgg_status draw_figure(const char *path, cli_vis *vis,
                                const cli_vis_photograph *photograph,
                                const clvgg_occlusion_map *map, const int64_t box[4])
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int cells = map->rows * map->columns;
    figure f = {.photograph = photograph, .map = map, .box = box};
    float *falls = NULL, *ranks = NULL;
    VGG_MEMORY_NEW(falls, (size_t)cells, "the fall of the log-odds");
    VGG_MEMORY_NEW(ranks, (size_t)cells, "the most probable classes");
    for (int i = 0; i < cells; i++)
        falls[i] = fmaxf((float)map->unoccluded.log_odds - map->log_odds[i], 0);
    f.label_count = rank_classes(vis, map, ranks, f.labels);
    const float *const sources[MAPS] = {falls, map->probability, map->log_odds, map->activation,
                                        ranks};
    for (int i = 0; i < MAPS; i++)
        VGG_TRY(spread(map, sources[i], &photograph->pixels, &f.maps[i]));
    VGG_TRY(draw_panels(path, vis, &f));
cleanup:
    for (int i = 0; i < MAPS; i++)
        vgg_memory_free(f.maps[i]);
    vgg_memory_free(falls);
    vgg_memory_free(ranks);
    return status;
}

static clvgg_status draw(cli_vis *vis, const cli_vis_photograph *photograph, void *user)
{
    const work *w = user;
    const char *path = NULL;
    clvgg_occlusion_map map = {.struct_size = sizeof map};
    int64_t box[4];
    VGG_PASS(clvgg_occlusion_run(w->occlusion, photograph->input, w->class_index, w->map, &map));
    const int least = least_cell(&map);
    if (least < 0) {
        cli_vis_pass_over(vis, photograph->path, "the network gives no numbers for it");
        return CLVGG_STATUS_OK;
    }
    square_of(&map, least, &photograph->pixels, box);
    VGG_PASS(cli_vis_figure_of(vis, "occlusion", photograph->name, &path));
    VGG_PASS(draw_figure(path, vis, photograph, &map, box));
    if (vis->arguments->json)
        fill_json(vis, &map, path, least, box);
    cli_vis_wrote(vis, path);
    return CLVGG_STATUS_OK;
}

clvgg_status cli_vis_draw_occlusion(cli_vis *vis, const cli_vis_occlusion_settings *settings,
                                    const cli_operands *paths)
{
    clvgg_status status = CLVGG_STATUS_OK;
    work w = {.map = settings->map};
    clvgg_occlusion_options asked;
    clvgg_occlusion_options_defaults(&asked);
    asked.size = settings->size;
    asked.stride = settings->stride;
    asked.fill = settings->grey != 0 ? CLVGG_FILL_GREY : CLVGG_FILL_MEAN;
    asked.preprocess = &vis->context.preprocess;
    asked.layer = settings->layer;
    asked.max_batch = vis->arguments->execution.batch;
    asked.execution = cli_execution(&vis->arguments->execution);
    asked.progress = cli_vis_progress_step;
    asked.user = vis;
    VGG_TRY(cli_vis_find_class(vis, settings->class_name, &w.class_index));
    VGG_TRY(clvgg_occlusion_create(vis->context.device, vis->context.model, &asked, &w.occlusion));
    const long long maps = clvgg_occlusion_map_count(w.occlusion);
    VGG_REQUIRE(settings->map < maps, CLVGG_STATUS_INVALID_ARGUMENT,
                "there is no map %d; %s has maps 0 to %lld", settings->map,
                settings->layer != NULL ? settings->layer : "the last convolution", maps - 1);
    cli_vis_progress_begin(vis, "occluding", paths->count * clvgg_occlusion_places(w.occlusion));
    cli_vis_begin_array(vis, "occlusion");
    status = cli_vis_each(vis, paths, draw, &w);
    cli_vis_end_array(vis);
cleanup:
    vgg_progress_finish(&vis->progress);
    clvgg_occlusion_free(w.occlusion);
    return status;
}

static clvgg_status work_on(cli_vis *vis)
{
    const occlusion_arguments *asked = (const occlusion_arguments *)vis->arguments;
    return cli_vis_draw_occlusion(vis, &asked->settings, &asked->common.paths);
}

const cli_verb cli_vis_occlusion = {
    .name = "visualize occlusion",
    .summary = "what of a photograph its class rests on: a square hides it, place by place",
    .usage = "IMAGE... [OPTION]...",
    .description =
        "Slides a square of the mean colour over each photograph and draws, for every place, how\n"
        "sure the network still is of a class (probability, and log-odds, which go on where the\n"
        "probability is 100 % to all digits), the strongest map of a layer, and the class that is\n"
        "then the most probable: figure 7 of Zeiler & Fergus (2013).",
    .examples = "  clvgg visualize occlusion cat.jpg --out figures\n"
                "  clvgg visualize occlusion *.jpg --class cat --size 32 --stride 8\n"
                "  clvgg visualize occlusion cat.jpg --layer conv4_3 --map 17 --format pdf\n"
                "  clvgg visualize occlusion cat.jpg --json > occlusion.json\n",
    .options = options,
    .arguments_size = sizeof(occlusion_arguments),
    .defaults = &(const occlusion_arguments){.common = CLI_VIS_DEFAULTS, .settings.map = -1},
    .check = cli_vis_check_photographs,
    .run = cli_vis_verb,
    .visualize = work_on,
};

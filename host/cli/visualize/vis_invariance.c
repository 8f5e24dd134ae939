/* cli/visualize/vis_invariance.c — `clvgg visualize invariance`: how far features move
 * when the photograph is shifted, enlarged or turned. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/visualize/vis_maps.h"

typedef struct invariance_arguments {
    cli_vis_arguments common;
    cli_vis_invariance_settings settings;
} invariance_arguments;

#define AT(field) offsetof(invariance_arguments, settings.field)

static const cli_option options[] = {
    {"class", 'c', CLI_OPTION_TEXT, AT(class_name), "CLASS", 0, 0,
     "Its label or number (each photograph's most probable)"},
    {"layers", 0, CLI_OPTION_TEXT, AT(layers), "A,B", 0, 0,
     "Layers whose values are compared (the first pooling, and what the\n"
     "last dense layer reads: pool1,relu7)"},
    {"translation", 0, CLI_OPTION_REAL, AT(translation), "N", 1, 10000,
     "Greatest shift up and down, in pixels of the network's input (60 of 224)"},
    {"scale-to", 0, CLI_OPTION_REAL, AT(scale), "X", 1.01, 20, "Greatest enlargement (1.8)"},
    {"rotation", 0, CLI_OPTION_REAL, AT(rotation), "DEG", 1, 360, "Greatest turn (360)"},
    {"points", 0, CLI_OPTION_COUNT, AT(points), "N", 2, 1000, "Of each curve (33)"},
    {"fill", 0, CLI_OPTION_CHOICE, AT(fill), "edge|mean", 0, 0,
     "Beyond the photograph: its edge goes on, or the mean colour (edge)"},
    CLI_VIS_OPTIONS_COMMON,
    {0},
};

enum { TRANSFORMS = 3, MOST_LINES = 8, MOST_LAYERS = 16 };
static const char *const transform_names[TRANSFORMS] = {"translation", "scale", "rotation"};
static const char *const transform_labels[TRANSFORMS] = {"pixels down", "enlargement",
                                                         "degrees counter-clockwise"};

/* The curves of one photograph; row r of `values` is a layer's relative distances, or the
 * probability or the log-odds behind the layers: [TRANSFORMS][layers + 2][points]. */
typedef struct line {
    char *name;
    double *values;
} line;

/* One run of the verb. */
typedef struct work {
    clvgg_invariance *invariance;
    int64_t class_index;
    size_t layers, points;
    double *amounts; /* [TRANSFORMS][points] */
    line lines[MOST_LINES];
    size_t line_count;
} work;

static double *curve_at(const work *w, const line *l, size_t transform, size_t row)
{
    return l->values + (transform * (w->layers + 2) + row) * w->points;
}

static clvgg_status make_amounts(const cli_vis *vis, const cli_vis_invariance_settings *settings,
                                 work *w)
{
    const clvgg_preprocess *p = &vis->context.preprocess;
    const int shorter = p->height < p->width ? p->height : p->width;
    const double shift =
        settings->translation > 0 ? settings->translation : round(shorter * 60.0 / 224.0);
    const double scale = settings->scale > 0 ? settings->scale : 1.8;
    const double turn = settings->rotation > 0 ? settings->rotation : 360;
    w->points = settings->points > 0 ? (size_t)settings->points : 33;
    VGG_MEMORY_NEW_PASS(w->amounts, TRANSFORMS * w->points, "the steps of the transformations");
    for (size_t i = 0; i < w->points; i++) {
        const double share = (double)i / (double)(w->points - 1);
        double *amount = w->amounts + i; /* whole pixels need no interpolation */
        amount[CLVGG_TRANSFORM_TRANSLATION * w->points] = round(shift * (2 * share - 1));
        amount[CLVGG_TRANSFORM_SCALE * w->points] = 1 + (scale - 1) * share;
        amount[CLVGG_TRANSFORM_ROTATION * w->points] = turn * share;
    }
    return CLVGG_STATUS_OK;
}

static void fill_json(cli_vis *vis, const work *w, const clvgg_invariance_curve *curve,
                      const line *l)
{
    vgg_json *json = &vis->json;
    cli_vis_json_class(vis, "class", curve->class_index);
    vgg_json_number(json, "probability", curve->original.probability);
    vgg_json_number(json, "log_odds", curve->original.log_odds);
    vgg_json_begin_array(json, "layers");
    for (size_t i = 0; i < w->layers; i++) {
        vgg_json_begin_object(json, NULL);
        vgg_json_string(json, "name", clvgg_invariance_layer(w->invariance, i));
        vgg_json_number(json, "norm", curve->norms[i]);
        vgg_json_end(json);
    }
    vgg_json_end(json);
    for (size_t t = 0; t < TRANSFORMS; t++) {
        vgg_json_begin_object(json, transform_names[t]);
        vgg_json_numbers(json, "amounts", w->amounts + t * w->points, w->points);
        vgg_json_begin_array(json, "distances");
        for (size_t i = 0; i < w->layers; i++)
            vgg_json_numbers(json, NULL, curve_at(w, l, t, i), w->points);
        vgg_json_end(json);
        vgg_json_numbers(json, "probability", curve_at(w, l, t, w->layers), w->points);
        vgg_json_numbers(json, "log_odds", curve_at(w, l, t, w->layers + 1), w->points);
        vgg_json_end(json);
    }
}

/* Computes the curves of one transformation of a photograph. `scores` is scratch, [points]. */
static clvgg_status compute(const cli_vis_photograph *photograph, const work *w, size_t transform,
                            clvgg_invariance_curve *curve, line *l)
{
    curve->distances = curve_at(w, l, transform, 0);
    VGG_PASS(clvgg_invariance_run(w->invariance, photograph->image, (clvgg_transform)transform,
                                  w->amounts + transform * w->points, w->points, w->class_index,
                                  curve));
    for (size_t i = 0; i < w->layers; i++)
        for (size_t k = 0; k < w->points; k++)
            curve_at(w, l, transform, i)[k] /= curve->norms[i];
    for (size_t k = 0; k < w->points; k++) {
        curve_at(w, l, transform, w->layers)[k] = curve->scores[k].probability;
        curve_at(w, l, transform, w->layers + 1)[k] = curve->scores[k].log_odds;
    }
    return CLVGG_STATUS_OK;
}

static bool is_finite(const work *w, const line *l)
{
    for (size_t i = 0; i < TRANSFORMS * (w->layers + 2) * w->points; i++)
        if (!isfinite(l->values[i]))
            return false;
    return true;
}

static void free_line(line *l)
{
    vgg_memory_free(l->name);
    vgg_memory_free(l->values);
    *l = (line){0};
}

/* Adds a line; the figure comes when all are there. */
static clvgg_status draw(cli_vis *vis, const cli_vis_photograph *photograph, void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    work *w = user;
    line *l = &w->lines[w->line_count];
    double norms[MOST_LAYERS];
    bool added = false;
    clvgg_invariance_curve curve = {.struct_size = sizeof curve, .norms = norms};
    VGG_MEMORY_NEW(curve.scores, w->points, "a photograph's scores");
    VGG_MEMORY_NEW(l->values, TRANSFORMS * (w->layers + 2) * w->points, "a photograph's curves");
    VGG_MEMORY_NEW(l->name, 256, "the name of a curve");
    for (size_t t = 0; t < TRANSFORMS; t++)
        VGG_TRY(compute(photograph, w, t, &curve, l));
    snprintf(l->name, 256, "%.120s (%.120s)", photograph->name,
             cli_vis_label(vis, curve.class_index));
    added = is_finite(w, l);
    w->line_count += added;
    if (!added)
        cli_vis_pass_over(vis, photograph->path, "the network gives no numbers for it");
    else if (vis->arguments->json)
        fill_json(vis, w, &curve, l);
cleanup:
    vgg_memory_free(curve.scores);
    if (!added)
        free_line(l);
    return status;
}

/* A row of charts a transformation: a layer's distances each, probability, log-odds. */
static clvgg_status draw_charts(const char *path, const work *w)
{
    const size_t rows = w->layers + 2;
    enum { MOST_CHARTS = TRANSFORMS * (MOST_LAYERS + 2) };
    static vgg_line lines[MOST_CHARTS][MOST_LINES];
    static char titles[MOST_CHARTS][96];
    vgg_chart charts[MOST_CHARTS];
    for (size_t c = 0; c < TRANSFORMS * rows; c++) {
        const size_t transform = c / rows, row = c % rows;
        const bool is_layer = row < w->layers, is_probability = row == w->layers;
        if (is_layer)
            snprintf(titles[c], sizeof titles[c], "%.80s",
                     clvgg_invariance_layer(w->invariance, row));
        else
            snprintf(titles[c], sizeof titles[c], "%s of the class",
                     is_probability ? "probability" : "log-odds");
        for (size_t i = 0; i < w->line_count; i++)
            lines[c][i] = (vgg_line){.name = w->lines[i].name,
                                     .x = w->amounts + transform * w->points,
                                     .y = curve_at(w, &w->lines[i], transform, row),
                                     .count = w->points};
        charts[c] = (vgg_chart){.title = titles[c],
                                .x_label = transform_labels[transform],
                                .y_label = is_layer ? "relative distance" : NULL,
                                .lines = lines[c],
                                .line_count = w->line_count,
                                .high = is_probability ? 1 : 0};
    }
    const vgg_charts all = {
        .title = "Invariance to translation, scale and rotation",
        .subtitle = "Euclidean distance of a layer's values from those of the photograph as it is, "
                    "divided by their norm; and what becomes of the class",
        .charts = charts,
        .count = TRANSFORMS * rows,
        .columns = (int)rows};
    return vgg_figure_charts(path, &all);
}

/* Draws what there is and forgets it. `number` 0: the only figure. */
static clvgg_status draw_lines(cli_vis *vis, work *w, size_t number)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const char *path = NULL;
    char name[48] = "invariance";
    if (w->line_count == 0)
        return status;
    if (number > 0)
        snprintf(name, sizeof name, "invariance-%zu", number);
    VGG_TRY(cli_vis_figure_path(vis, name, &path));
    VGG_TRY(draw_charts(path, w));
    cli_vis_wrote(vis, path);
cleanup:
    for (size_t i = 0; i < w->line_count; i++)
        free_line(&w->lines[i]);
    w->line_count = 0;
    return status;
}

/* A figure shows the lines that there are, whatever kept a further one from being drawn. */
static clvgg_status work_in_parts(cli_vis *vis, work *w, const cli_operands *paths)
{
    for (size_t first = 0; first < paths->count && (first == 0 || cli_interrupt_signal() == 0);
         first += MOST_LINES) {
        const size_t rest = paths->count - first;
        const cli_operands some = {paths->items + first, rest < MOST_LINES ? rest : MOST_LINES};
        cli_vis_fail(vis, cli_vis_each(vis, &some, draw, w));
        vgg_progress_clear(&vis->progress);
        VGG_PASS(draw_lines(vis, w, paths->count > MOST_LINES ? first / MOST_LINES + 1 : 0));
    }
    return CLVGG_STATUS_OK;
}

/* "a,b" in place as names. False when there are too many. */
static bool split(char *text, const char *names[MOST_LAYERS], size_t *count)
{
    *count = 0;
    for (char *name = text; name != NULL;) {
        char *comma = strchr(name, ',');
        if (comma != NULL)
            *comma = '\0';
        if (*count == MOST_LAYERS)
            return false;
        names[(*count)++] = name;
        name = comma != NULL ? comma + 1 : NULL;
    }
    return true;
}

static clvgg_status start(cli_vis *vis, const cli_vis_invariance_settings *settings, work *w)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char *text = NULL;
    const char *names[MOST_LAYERS];
    clvgg_invariance_options asked;
    clvgg_invariance_options_defaults(&asked);
    asked.fill = settings->fill != 0 ? CLVGG_FILL_MEAN : CLVGG_FILL_EDGE;
    asked.preprocess = &vis->context.preprocess;
    asked.max_batch = vis->arguments->execution.batch;
    asked.execution = cli_execution(&vis->arguments->execution);
    asked.progress = cli_vis_progress_step;
    asked.user = vis;
    VGG_TRY(cli_vis_find_class(vis, settings->class_name, &w->class_index));
    VGG_TRY(make_amounts(vis, settings, w));
    if (settings->layers != NULL) {
        VGG_MEMORY_COPY(text, settings->layers, "the names of layers");
        VGG_REQUIRE(split(text, names, &asked.layer_count), CLVGG_STATUS_INVALID_ARGUMENT,
                    "--layers: at most %d", MOST_LAYERS);
        asked.layers = names;
    }
    VGG_TRY(clvgg_invariance_create(vis->context.device, vis->context.model, &asked,
                                    &w->invariance));
    w->layers = clvgg_invariance_layer_count(w->invariance);
cleanup:
    vgg_memory_free(text);
    return status;
}

clvgg_status cli_vis_draw_invariance(cli_vis *vis, const cli_vis_invariance_settings *settings,
                                     const cli_operands *paths)
{
    clvgg_status status = CLVGG_STATUS_OK;
    work w = {.class_index = -1};
    VGG_TRY(start(vis, settings, &w));
    cli_vis_progress_begin(vis, "transforming", paths->count * TRANSFORMS * w.points);
    cli_vis_begin_array(vis, "invariance");
    status = work_in_parts(vis, &w, paths);
    cli_vis_end_array(vis);
cleanup:
    vgg_progress_finish(&vis->progress);
    clvgg_invariance_free(w.invariance);
    vgg_memory_free(w.amounts);
    return status;
}

static clvgg_status work_on(cli_vis *vis)
{
    const invariance_arguments *asked = (const invariance_arguments *)vis->arguments;
    return cli_vis_draw_invariance(vis, &asked->settings, &asked->common.paths);
}

const cli_verb cli_vis_invariance = {
    .name = "visualize invariance",
    .summary = "how far features move when a photograph is shifted, enlarged or turned",
    .usage = "IMAGE... [OPTION]...",
    .description =
        "Shifts each photograph up and down, enlarges it and turns it, and draws how far the\n"
        "values of a first and of a high layer are then from those of the photograph as it is,\n"
        "and how sure the network still is of the class: figure 5 of Zeiler & Fergus (2013). A\n"
        "line a photograph, eight in a figure.",
    .examples = "  clvgg visualize invariance cat.jpg dog.jpg --out figures\n"
                "  clvgg visualize invariance *.jpg --layers pool1,pool3,pool5,relu7\n"
                "  clvgg visualize invariance cat.jpg --rotation 30 --points 31 --json\n",
    .options = options,
    .arguments_size = sizeof(invariance_arguments),
    .defaults = &(const invariance_arguments){.common = CLI_VIS_DEFAULTS},
    .check = cli_vis_check_photographs,
    .run = cli_vis_verb,
    .visualize = work_on,
};

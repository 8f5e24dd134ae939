/* cli/visualize/vis_all.c — `clvgg visualize all`: every kind of figure from one folder
 * of photographs, and a page that shows them. */
#include <stdio.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/visualize/vis_activations.h"
#include "cli/visualize/vis_maps.h"
#include "cli/visualize/vis_top.h"
#include "report/format.h"
#include "report/vis_figure.h"
#include "report/vis_report.h"

enum { MOST_SAMPLES = 50, DEFAULT_SAMPLES = 3, OCCLUSION_STEPS = 14 };

typedef struct all_arguments {
    cli_vis_arguments common;
    cli_list layers;
    const char *maps;
    int count, mode, samples;
    bool single_file;
    cli_allowance max_bad;
} all_arguments;

#define AT(field) offsetof(all_arguments, field)

static const cli_option options[] = {
    CLI_VIS_OPTIONS_IMAGES,
    CLI_OPTION_ROW_MAX_BAD(AT(max_bad)),
    {"layer", 0, CLI_OPTION_LIST, AT(layers), "L[,L...]", 0, 0,
     "Layers to show; repeatable (every convolution)"},
    {"maps", 0, CLI_OPTION_TEXT, AT(maps), "WHICH", 0, 0,
     "Of their maps: 0,5,10-20, all, \"strongest 16\" or \"random 16\"\n"
     "(\"strongest 16\": those with the largest peaks)"},
    {"count", 0, CLI_OPTION_COUNT, AT(count), "N", 1, 9,
     "Photographs of each map, the strongest first (9)"},
    {"mode", 0, CLI_OPTION_CHOICE, AT(mode), CLI_TOP_MODES, 0, 0,
     "How units are projected back (both: the page switches between\n"
     "deconv and guided; auto: of these what can be read, in less time)"},
    {"samples", 0, CLI_OPTION_COUNT, AT(samples), "N", 0, MOST_SAMPLES,
     "Photographs whose activations, Grad-CAM and occlusion are drawn (3)"},
    {"single-file", 0, CLI_OPTION_FLAG, AT(single_file), NULL, 0, 0,
     "Put small versions of all pictures into index.html, 25 MB at most"},
    CLI_VIS_OPTIONS_COMMON,
    {0},
};

/* One run of the verb. */
typedef struct all_work {
    cli_vis *vis;
    const all_arguments *arguments;
    cli_map_choice maps;
    cli_top_found found;
    const char *samples[MOST_SAMPLES]; /* files, owned by `found` */
    char folders[MOST_SAMPLES][300];   /* of their activations */
    size_t sample_count;
    size_t marks[MOST_SAMPLES + 4]; /* how many figures were there before each page's */
    size_t mark_count;
    vgg_report_page pages[MOST_SAMPLES + 4];
    char page_names[MOST_SAMPLES + 4][320];
    vgg_report_figure *figures; /* of all pages, one after the other */
} all_work;

/* Searches what excites every map most, and writes a picture of each projection and patch for the
 * page. */
static int search(all_work *w)
{
    const cli_vis_arguments *common = w->vis->arguments;
    const size_t count = common->images.count + common->run.path_count;
    const char **layers = NULL, **paths = vgg_calloc(count, sizeof *paths);
    size_t layer_count = 0;
    if (paths == NULL || !cli_vis_split_names(&w->arguments->layers, &layers, &layer_count)) {
        vgg_free(paths);
        return cli_fail(w->vis->cli, CLVGG_STATUS_OUT_OF_MEMORY);
    }
    for (size_t i = 0; i < count; i++)
        paths[i] = i < common->images.count ? common->images.items[i]
                                            : common->run.paths[i - common->images.count];
    const cli_top_request request = {.layers = layers,
                                     .layer_count = layer_count,
                                     .maps = w->maps,
                                     .count = w->arguments->count,
                                     .max_bad = w->arguments->max_bad,
                                     .mode = (cli_top_mode)w->arguments->mode,
                                     .pictures = true,
                                     .paths = paths,
                                     .path_count = count};
    const int exit_code = cli_top_draw(w->vis, &request, &w->found);
    vgg_free(layers);
    vgg_free(paths);
    return exit_code;
}

static bool has_sample(const all_work *w, const char *file)
{
    for (size_t i = 0; i < w->sample_count; i++)
        if (strcmp(w->samples[i], file) == 0)
            return true;
    return false;
}

/* Photographs that excite the deepest layer most, each once: the first of every map, then the
 * second ... */
static void choose_samples(all_work *w)
{
    const vgg_manifest *manifest = &w->found.manifest;
    for (size_t rank = 0; rank < VGG_FIGURE_NINE && manifest->count > 0; rank++) {
        const vgg_manifest_layer *layer = &manifest->layers[manifest->count - 1];
        for (size_t m = 0; m < layer->count; m++)
            if (rank < layer->maps[m].unit_count &&
                w->sample_count < (size_t)w->arguments->samples &&
                !has_sample(w, layer->maps[m].units[rank].file))
                w->samples[w->sample_count++] = layer->maps[m].units[rank].file;
    }
}

/* Figures drawn from here on are those of a page. */
static void begin_page(all_work *w, const char *group, const char *name, const char *note)
{
    const size_t page = w->mark_count++;
    snprintf(w->page_names[page], sizeof w->page_names[page], "%s", name);
    w->marks[page] = w->vis->page_count;
    w->pages[page] = (vgg_report_page){.group = group, .name = w->page_names[page], .note = note};
}

static int worse(int a, int b)
{
    return a != CLI_EXIT_OK ? a : b;
}

static int draw_activations(all_work *w)
{
    cli_vis *vis = w->vis;
    cli_activations a = {.vis = vis, .most = 64};
    const size_t elements = cli_run_input_elements(&vis->run);
    float *input = vgg_calloc(elements, sizeof *input);
    int exit_code = input != NULL ? cli_activations_start(&a, &w->arguments->layers)
                                  : cli_fail(vis->cli, CLVGG_STATUS_OUT_OF_MEMORY);
    cli_vis_progress_begin(vis, "activations", w->sample_count);
    for (size_t i = 0; i < w->sample_count && a.session != NULL && cli_interrupt_signal() == 0;
         i++) {
        cli_vis_progress_step(vis, 0, w->sample_count);
        const clvgg_status status = cli_vis_read_input(vis, w->samples[i], input);
        if (status != CLVGG_STATUS_OK) { /* it could be read before */
            exit_code = cli_fail(vis->cli, status);
            continue;
        }
        cli_vis_image_folder(vis, "activations", w->samples[i], w->folders[i],
                             sizeof w->folders[i]);
        begin_page(w, "Activations", w->folders[i] + strlen("activations/"),
                   "What the maps of each layer answer to this photograph");
        exit_code = worse(exit_code, cli_activations_draw(&a, w->samples[i], w->folders[i], input));
        vis->run.result_count++;
    }
    vgg_progress_finish(&vis->run.progress);
    cli_activations_stop(&a);
    vgg_free(input);
    return exit_code;
}

static int draw_samples(all_work *w)
{
    cli_vis *vis = w->vis;
    const int side = vis->run.preprocess.height < vis->run.preprocess.width
                         ? vis->run.preprocess.height
                         : vis->run.preprocess.width;
    const cli_vis_gradcam_settings gradcam = {0};
    const cli_vis_occlusion_settings occlusion = {
        .map = -1, .stride = side > OCCLUSION_STEPS ? side / OCCLUSION_STEPS : 1};
    int exit_code = draw_activations(w);
    if (cli_interrupt_signal() == 0) {
        begin_page(w, "Figures", "Grad-CAM",
                   "Where in a photograph its most probable class is seen");
        exit_code =
            worse(exit_code, cli_vis_draw_gradcam(vis, &gradcam, w->samples, w->sample_count));
    }
    if (cli_interrupt_signal() == 0) {
        begin_page(w, "Figures", "Occlusion",
                   "What of a photograph its most probable class rests on: a square hides one "
                   "place after another");
        exit_code =
            worse(exit_code, cli_vis_draw_occlusion(vis, &occlusion, w->samples, w->sample_count));
    }
    return exit_code;
}

/* ---- the page ---- */

/* Every figure drawn since the first mark, with the page that it belongs to. */
static bool fill_pages(all_work *w)
{
    const cli_vis *vis = w->vis;
    w->figures = vgg_calloc(vis->page_count + 1, sizeof *w->figures);
    if (w->figures == NULL || vis->page.failed)
        return false;
    const char *at = vis->page.bytes;
    for (size_t i = 0; i < vis->page_count; i++) {
        const char **parts[] = {&w->figures[i].file, &w->figures[i].sheet, &w->figures[i].about};
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++, at += strlen(at) + 1)
            *parts[p] = at;
    }
    for (size_t p = 0; p < w->mark_count; p++) {
        const size_t end = p + 1 < w->mark_count ? w->marks[p + 1] : vis->page_count;
        w->pages[p].figures = w->figures + w->marks[p];
        w->pages[p].count = end - w->marks[p];
    }
    return true;
}

/* "What vgg16-catdog learned", and what it was seen on. */
static void describe(const all_work *w, vgg_text *title, vgg_text *summary)
{
    static const char ending[] = ".safetensors";
    const vgg_manifest *manifest = &w->found.manifest;
    const char *model = clvgg_model_name(w->vis->run.model);
    const char *slash = strrchr(model, '/'), *name = slash != NULL ? slash + 1 : model;
    size_t length = strlen(name);
    if (length >= sizeof ending && strcmp(name + length - (sizeof ending - 1), ending) == 0)
        length -= sizeof ending - 1;
    vgg_text_puts(title, "What ");
    vgg_text_append(title, name, length);
    vgg_text_puts(title, " learned");
    vgg_text_printf(summary, "%s \xC2\xB7 ", clvgg_model_architecture(w->vis->run.model));
    vgg_text_count(summary, manifest->image_count);
    vgg_text_printf(summary, " photograph%s", manifest->image_count == 1 ? "" : "s");
    if (manifest->failed_count > 0)
        vgg_text_printf(summary, ", %llu more left out",
                        (unsigned long long)manifest->failed_count);
    vgg_text_puts(summary, " \xC2\xB7 ");
    vgg_text_puts(summary, w->vis->run.device_info.name);
}

static int write_report(all_work *w)
{
    cli_vis *vis = w->vis;
    vgg_text title = {0}, summary = {0};
    size_t left_out = 0;
    clvgg_status status = CLVGG_STATUS_OUT_OF_MEMORY;
    describe(w, &title, &summary);
    if (fill_pages(w) && !title.failed && !summary.failed) {
        const vgg_report report = {.runtime = vis->run.runtime,
                                   .title = title.bytes,
                                   .summary = summary.bytes,
                                   .manifest = &w->found.manifest,
                                   .pages = w->pages,
                                   .page_count = w->mark_count};
        status =
            vgg_report_write(vis->arguments->out, &report, w->arguments->single_file, &left_out);
    }
    vgg_text_free(&title);
    vgg_text_free(&summary);
    if (status != CLVGG_STATUS_OK)
        return cli_fail(vis->cli, status);
    if (left_out > 0)
        cli_note(vis->cli, "%zu %s into index.html: files beside it", left_out,
                 vgg_plural(left_out, "picture doesn't fit", "pictures don't fit"));
    const char *path = cli_vis_path(vis, "index.html");
    if (path == NULL)
        return CLI_EXIT_FAILED;
    cli_vis_wrote(vis, path);
    return CLI_EXIT_OK;
}

static int work(cli_vis *vis)
{
    const all_arguments *arguments = (const all_arguments *)vis->arguments;
    all_work *w = vgg_calloc(1, sizeof *w);
    if (w == NULL)
        return cli_fail(vis->cli, CLVGG_STATUS_OUT_OF_MEMORY);
    *w = (all_work){.vis = vis, .arguments = arguments};
    int exit_code = CLI_EXIT_FAILED;
    if (cli_map_choice_parse(arguments->maps, &w->maps)) /* it has been parsed before */
        exit_code = search(w);
    else
        cli_fail(vis->cli, CLVGG_STATUS_OUT_OF_MEMORY);
    if (exit_code == CLI_EXIT_OK || w->found.manifest.count > 0) {
        vis->for_page = true;
        begin_page(w, "Figures", "Filters", "What the first layer looks for");
        if (cli_interrupt_signal() == 0)
            exit_code = worse(exit_code, cli_vis_draw_filters(vis));
        choose_samples(w);
        if (w->sample_count > 0 && cli_interrupt_signal() == 0)
            exit_code = worse(exit_code, draw_samples(w));
        exit_code = worse(exit_code, write_report(w));
    }
    if (vis->arguments->run.json) {
        vgg_json_integer(&vis->json, "images", (int64_t)w->found.manifest.image_count);
        vgg_json_integer(&vis->json, "unreadable", (int64_t)w->found.manifest.failed_count);
        vgg_json_string(&vis->json, "report", "index.html");
    }
    cli_top_free(&w->found);
    cli_map_choice_free(&w->maps);
    vgg_free(w->figures);
    vgg_free(w);
    return exit_code;
}

static const char *check(const void *arguments)
{
    const all_arguments *asked = arguments;
    cli_map_choice choice;
    if (!cli_map_choice_parse(asked->maps, &choice))
        return "--maps: needs numbers and ranges such as 0,5,10-20, or all, \"strongest 16\" or "
               "\"random 16\"";
    cli_map_choice_free(&choice);
    if (asked->common.images.count + asked->common.run.path_count == 0)
        return "needs photographs: --images DIR";
    if (asked->common.format == CLI_VIS_PDF)
        return "--format pdf: a page can't show it; png or svg";
    if (asked->single_file && asked->common.format != CLI_VIS_PNG)
        return "--single-file makes its pictures from PNG files: leave --format out";
    return NULL;
}

static int run_all(cli_program *cli, int argc, char **argv)
{
    all_arguments arguments = {.common = CLI_VIS_DEFAULTS,
                               .count = VGG_FIGURE_NINE,
                               .mode = CLI_TOP_BOTH,
                               .samples = DEFAULT_SAMPLES,
                               .max_bad = CLI_ALLOWANCE_DEFAULT};
    const int exit_code =
        cli_vis_main(cli, &cli_vis_all, argc, argv, &arguments.common, check, work);
    vgg_free(arguments.layers.items);
    return exit_code;
}

const cli_verb cli_vis_all = {
    .name = "visualize all",
    .summary = "everything, as one report",
    .usage = "--images DIR [OPTION]...",
    .description =
        "Finds the photographs that excite the maps of every layer most and what of them does\n"
        "it; draws filters, and activations, Grad-CAM and occlusion of a few photographs; and\n"
        "writes DIR/index.html, which shows all of it in any browser, without a network.\n"
        "Memory doesn't grow with the number of photographs.",
    .examples = "  clvgg visualize all --images photographs/ --out report\n"
                "  clvgg visualize all --images photographs/ --layer conv3_3,conv5_3\n"
                "  clvgg visualize all --images photographs/ --single-file --samples 0\n",
    .options = options,
    .run = run_all,
};

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
    CLI_ROW_MAX_BAD(all_arguments, max_bad),
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
static clvgg_status search(all_work *w)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cli_top_request request = {.count = w->arguments->count,
                               .max_bad = w->arguments->max_bad,
                               .mode = (cli_top_mode)w->arguments->mode,
                               .pictures = true};
    VGG_TRY(cli_top_request_read(w->vis, &w->arguments->layers, w->arguments->maps, &request));
    VGG_TRY(cli_top_draw(w->vis, &request, &w->found));
cleanup:
    cli_top_request_free(&request);
    return status;
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

static clvgg_status draw_activations(all_work *w)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cli_vis *vis = w->vis;
    cli_activations a = {.vis = vis, .most = 64};
    float *input = NULL;
    VGG_MEMORY_NEW(input, cli_context_input_elements(&vis->context), "a photograph's input");
    VGG_TRY(cli_activations_start(&a, &w->arguments->layers));
    cli_vis_progress_begin(vis, "activations", w->sample_count);
    for (size_t i = 0; i < w->sample_count && cli_interrupt_signal() == 0; i++) {
        cli_vis_progress_step(vis, 0, w->sample_count);
        const clvgg_status read = cli_vis_read_input(vis, w->samples[i], input);
        cli_vis_fail(vis, read); /* it could be read before */
        if (read != CLVGG_STATUS_OK)
            continue;
        VGG_TRY(cli_vis_image_folder(vis, "activations", w->samples[i], w->folders[i],
                                     sizeof w->folders[i]));
        begin_page(w, "Activations", w->folders[i] + strlen("activations/"),
                   "What the maps of each layer answer to this photograph");
        cli_vis_fail(vis, cli_activations_draw(&a, w->samples[i], w->folders[i], input));
        vis->progress_done++;
    }
cleanup:
    vgg_progress_finish(&vis->progress);
    cli_activations_stop(&a);
    vgg_memory_free(input);
    return status;
}

/* Each kind of figure is drawn whatever becomes of the others. */
static void draw_samples(all_work *w)
{
    cli_vis *vis = w->vis;
    const clvgg_preprocess *p = &vis->context.preprocess;
    const int side = p->height < p->width ? p->height : p->width;
    const cli_operands samples = {w->samples, w->sample_count};
    const cli_vis_gradcam_settings gradcam = {0};
    const cli_vis_occlusion_settings occlusion = {
        .map = -1, .stride = side > OCCLUSION_STEPS ? side / OCCLUSION_STEPS : 1};
    cli_vis_fail(vis, draw_activations(w));
    if (clvgg_model_class_count(vis->context.model) == 0) {
        cli_note(vis->cli, "no Grad-CAM and no occlusion: the model has no classifier");
        return;
    }
    if (cli_interrupt_signal() == 0) {
        begin_page(w, "Figures", "Grad-CAM",
                   "Where in a photograph its most probable class is seen");
        cli_vis_fail(vis, cli_vis_draw_gradcam(vis, &gradcam, &samples));
    }
    if (cli_interrupt_signal() == 0) {
        begin_page(w, "Figures", "Occlusion",
                   "What of a photograph its most probable class rests on: a square hides one "
                   "place after another");
        cli_vis_fail(vis, cli_vis_draw_occlusion(vis, &occlusion, &samples));
    }
}

/* ---- the page ---- */

/* Every figure drawn since the first mark, with the page that it belongs to. */
static clvgg_status fill_pages(all_work *w)
{
    const cli_vis *vis = w->vis;
    VGG_PASS(vgg_text_check(&vis->page, "the list of the page's figures"));
    VGG_MEMORY_NEW_PASS(w->figures, vis->page_count + 1, "the page's figures");
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
    return CLVGG_STATUS_OK;
}

/* "What vgg16-catdog learned", and what it was seen on. */
static void describe(const all_work *w, vgg_text *title, vgg_text *summary)
{
    static const char ending[] = ".safetensors";
    const vgg_manifest *manifest = &w->found.manifest;
    const char *model = clvgg_model_name(w->vis->context.model);
    const char *slash = strrchr(model, '/'), *name = slash != NULL ? slash + 1 : model;
    size_t length = strlen(name);
    if (length >= sizeof ending && strcmp(name + length - (sizeof ending - 1), ending) == 0)
        length -= sizeof ending - 1;
    vgg_text_puts(title, "What ");
    vgg_text_append(title, name, length);
    vgg_text_puts(title, " learned");
    vgg_text_printf(summary, "%s \xC2\xB7 %s photograph%s",
                    clvgg_model_architecture(w->vis->context.model),
                    VGG_COUNT(manifest->image_count), manifest->image_count == 1 ? "" : "s");
    if (manifest->failed_count > 0)
        vgg_text_printf(summary, ", %llu more left out",
                        (unsigned long long)manifest->failed_count);
    vgg_text_printf(summary, " \xC2\xB7 %s", w->vis->context.device_info.name);
}

static clvgg_status write_report(all_work *w)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cli_vis *vis = w->vis;
    vgg_text title = {0}, summary = {0};
    const char *path = NULL;
    size_t left_out = 0;
    describe(w, &title, &summary);
    VGG_TRY(vgg_text_check(&title, "the page's title"));
    VGG_TRY(vgg_text_check(&summary, "the page's summary"));
    VGG_TRY(fill_pages(w));
    const vgg_report report = {.runtime = vis->context.runtime,
                               .title = title.bytes,
                               .summary = summary.bytes,
                               .manifest = &w->found.manifest,
                               .pages = w->pages,
                               .page_count = w->mark_count};
    VGG_TRY(vgg_report_write(vis->arguments->out, &report, w->arguments->single_file, &left_out));
    if (left_out > 0)
        cli_note(vis->cli, "%zu %s into index.html: files beside it", left_out,
                 vgg_plural(left_out, "picture doesn't fit", "pictures don't fit"));
    VGG_TRY(cli_vis_path(vis, "index.html", &path));
    cli_vis_wrote(vis, path);
cleanup:
    vgg_text_free(&title);
    vgg_text_free(&summary);
    return status;
}

static clvgg_status work(cli_vis *vis)
{
    clvgg_status status = CLVGG_STATUS_OK;
    all_work *w = NULL;
    const char *path = NULL;
    VGG_MEMORY_NEW(w, 1, "a report");
    w->vis = vis;
    w->arguments = (const all_arguments *)vis->arguments;
    VGG_TRY(cli_vis_path(vis, "index.html", &path)); /* one to be kept is named before the work */
    status = search(w);
    if (status != CLVGG_STATUS_OK && w->found.manifest.count == 0)
        goto cleanup;
    cli_vis_fail(vis, status); /* what was found is shown */
    vis->for_page = true;
    begin_page(w, "Figures", "Filters", "What the first layer looks for");
    if (cli_interrupt_signal() == 0)
        cli_vis_fail(vis, cli_vis_draw_filters(vis));
    choose_samples(w);
    if (w->sample_count > 0 && cli_interrupt_signal() == 0)
        draw_samples(w);
    VGG_TRY(write_report(w));
cleanup:
    if (w != NULL && vis->arguments->json) {
        vgg_json_integer(&vis->json, "images", (int64_t)w->found.manifest.image_count);
        vgg_json_integer(&vis->json, "unreadable", (int64_t)w->found.manifest.failed_count);
        vgg_json_string(&vis->json, "report", "index.html");
    }
    if (w != NULL) {
        cli_top_free(&w->found);
        vgg_memory_free(w->figures);
    }
    vgg_memory_free(w);
    return status;
}

static const char *check(const void *given)
{
    const all_arguments *arguments = given;
    if (arguments->common.images.count + arguments->common.paths.count == 0)
        return "needs photographs: --images DIR";
    if (arguments->common.format == CLI_VIS_PDF)
        return "--format pdf: a page can't show it; png or svg";
    if (arguments->single_file && arguments->common.format != CLI_VIS_PNG)
        return "--single-file makes its pictures from PNG files: leave --format out";
    return NULL;
}

static clvgg_status run_all(cli_program *cli, const void *given)
{
    const all_arguments *arguments = given;
    VGG_PASS(cli_top_check_maps(cli, arguments->maps));
    return cli_vis_run(cli, &arguments->common, work);
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
    .arguments_size = sizeof(all_arguments),
    .defaults = &(const all_arguments){.common = CLI_VIS_DEFAULTS,
                                       .count = VGG_FIGURE_NINE,
                                       .mode = CLI_TOP_BOTH,
                                       .samples = DEFAULT_SAMPLES,
                                       .max_bad = CLI_ALLOWANCE_DEFAULT},
    .check = check,
    .run = run_all,
};

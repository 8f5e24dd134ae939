/* cli/visualize/cmd_visualize.c — `clvgg visualize`: the table of its subverbs, and what
 * is around the work of each. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/closest.h"
#include "cli/interrupt.h"
#include "cli/visualize/visualize.h"
#include "report/clock.h"
#include "report/picture.h"

/* Sub-verbs, in the order of --help. */
static const cli_verb *const subverbs[] = {
    &cli_vis_all,        &cli_vis_top,         &cli_vis_project,
    &cli_vis_filters,    &cli_vis_activations, &cli_vis_occlusion,
    &cli_vis_invariance, &cli_vis_gradcam,     NULL,
};

/* "filters" of "visualize filters". */
static const char *short_name(const cli_verb *subverb)
{
    return strchr(subverb->name, ' ') + 1;
}

static const cli_verb *find_subverb(const char *name)
{
    for (size_t i = 0; subverbs[i] != NULL; i++)
        if (strcmp(short_name(subverbs[i]), name) == 0)
            return subverbs[i];
    return NULL;
}

static clvgg_status print_help(cli_program *cli)
{
    vgg_text *text = &cli->out.text;
    const char *bold = vgg_style_bold(&cli->out_style), *reset = vgg_style_reset(&cli->out_style);
    vgg_text_printf(text,
                    "%sUsage:%s clvgg visualize WHAT [OPTION]... [IMAGE]...\n\n%s\n\n%sWhat:%s\n",
                    bold, reset, cli_verb_visualize.description, bold, reset);
    for (size_t i = 0; subverbs[i] != NULL; i++)
        vgg_text_printf(text, "  %-12s %s\n", short_name(subverbs[i]), subverbs[i]->summary);
    vgg_text_printf(text, "\n'clvgg visualize WHAT --help' explains each.\n\n%sExamples:%s\n%s",
                    bold, reset, cli_verb_visualize.examples);
    return CLVGG_STATUS_OK;
}

/* Says what there is; `name` is NULL when nothing was asked for. */
static clvgg_status refuse_unknown(cli_program *cli, const char *name)
{
    cli_closest closest = {0};
    char list[256] = "";
    for (size_t i = 0; subverbs[i] != NULL; i++) {
        const size_t length = strlen(list);
        if (name != NULL)
            cli_closest_offer(&closest, name, short_name(subverbs[i]));
        snprintf(list + length, sizeof list - length, "%s%s", i > 0 ? ", " : "",
                 short_name(subverbs[i]));
    }
    return name == NULL ? cli_misuse(cli, "needs to be told what: one of %s", list)
           : closest.name != NULL
               ? cli_misuse(cli, "unknown '%s': did you mean '%s'?", name, closest.name)
               : cli_misuse(cli, "unknown '%s': needs one of %s", name, list);
}

static clvgg_status run_visualize(cli_program *cli, int argc, char **argv)
{
    if (argc < 2)
        return refuse_unknown(cli, NULL);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_help(cli);
    const cli_verb *subverb = find_subverb(argv[1]);
    if (subverb == NULL)
        return refuse_unknown(cli, argv[1]);
    cli->verb = subverb->name;
    return cli_call_verb(cli, subverb, argc - 1, argv + 1);
}

/* --out, with the folders that lead to it; whether files can be made there shows before the work.
 */
static clvgg_status make_out(const cli_vis *vis)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const char *out = vis->arguments->out;
    vgg_text path = {0};
    vgg_text_printf(&path, "%s/", out);
    VGG_TRY(vgg_text_check(&path, "the path of --out"));
    const int error = cli_vis_make_folders(path.bytes);
    VGG_REQUIRE(error == 0, CLVGG_STATUS_IO, "--out: %s can't be made: %s", out, strerror(error));
    VGG_REQUIRE(access(path.bytes, W_OK | X_OK) == 0, CLVGG_STATUS_IO,
                "--out: %s can't be written: %s", out, strerror(errno));
cleanup:
    vgg_text_free(&path);
    return status;
}

/* Opens all that can fail before the work begins. */
static clvgg_status open_all(cli_vis *vis)
{
    const char *figure = NULL;
    VGG_PASS(cli_context_begin(&vis->context, vis->cli, &vis->arguments->context));
    VGG_PASS(make_out(vis));
    VGG_PASS(cli_vis_figure_path(vis, "figure", &figure));
    VGG_PASS(vgg_picture_check(figure));
    vis->context.keep_batch_norm = true; /* what is before one can be seen, and what is behind */
    VGG_PASS(cli_context_load_model(&vis->context));
    VGG_PASS(cli_context_open_device(&vis->context));
    VGG_PASS(cli_context_settle_preprocess(&vis->context));
    if (vis->arguments->paths.count + vis->arguments->images.count > 0)
        VGG_PASS(cli_context_check_photographs(&vis->context));
    return CLVGG_STATUS_OK;
}

static void begin_json(cli_vis *vis)
{
    if (!vis->arguments->json)
        return;
    vgg_json_begin(&vis->json, &vis->json_text);
    vgg_json_string(&vis->json, "visualize", strchr(vis->cli->verb, ' ') + 1);
    vgg_json_string(&vis->json, "model", clvgg_model_name(vis->context.model));
    vgg_json_string(&vis->json, "device", vis->context.device_info.name);
}

/* Also after a failure: what was finished is there to be found. */
static void end_json(cli_vis *vis, clvgg_status status)
{
    if (!vis->arguments->json)
        return;
    while (vis->json.depth > 1)
        vgg_json_end(&vis->json);
    if (status != CLVGG_STATUS_OK)
        vgg_json_string(&vis->json, "error", vgg_message_of(status));
    else if (vis->cli->exit_code != CLI_EXIT_OK) /* of what was passed over */
        vgg_json_string(&vis->json, "error", vgg_message());
    vgg_json_begin_array(&vis->json, "files");
    const char *name = vis->files.bytes;
    for (size_t i = 0; i < vis->file_count && !vis->files.failed; i++, name += strlen(name) + 1)
        vgg_json_string(&vis->json, NULL, name);
    vis->json_text.failed |= vis->files.failed;
    vgg_json_end(&vis->json);
    vgg_json_number(&vis->json, "seconds", (vgg_report_now_ms() - vis->context.start_ms) / 1000);
    vgg_json_end(&vis->json);
    vgg_text_join(&vis->cli->out.text, &vis->json_text);
}

const char *cli_vis_check_photographs(const void *arguments)
{
    const cli_vis_arguments *common = arguments;
    return common->paths.count == 0 ? "needs a photograph" : NULL;
}

void cli_vis_fail(cli_vis *vis, clvgg_status status)
{
    if (status == CLVGG_STATUS_OK)
        return;
    vgg_progress_clear(&vis->progress);
    if (status != CLVGG_STATUS_CANCELLED)
        cli_fail(vis->cli, status);
}

clvgg_status cli_vis_run(cli_program *cli, const cli_vis_arguments *arguments,
                         clvgg_status (*work)(cli_vis *vis))
{
    clvgg_status status = CLVGG_STATUS_OK;
    cli_vis vis = {.cli = cli, .arguments = arguments};
    VGG_TRY(open_all(&vis));
    begin_json(&vis);
    cli_interrupt_watch();
    status = work(&vis);
    vgg_progress_finish(&vis.progress);
    if (status == CLVGG_STATUS_OK)
        status = vgg_text_check(&vis.files, "the list of finished files");
    if (cli_interrupt_signal() != 0) {
        cli_vis_fail(&vis, status);
        status = vgg_fail(CLVGG_STATUS_CANCELLED, "interrupted after %zu file%s", vis.file_count,
                          vis.file_count == 1 ? "" : "s");
    }
    vgg_message_hold(); /* a failure's, which is printed behind this */
    end_json(&vis, status);
    vgg_message_release();
cleanup:
    cli_context_close(&vis.context);
    vgg_text_free(&vis.json_text);
    vgg_text_free(&vis.files);
    vgg_text_free(&vis.scratch);
    vgg_text_free(&vis.page);
    vgg_text_free(&vis.sheet);
    return status;
}

clvgg_status cli_vis_verb(cli_program *cli, const void *arguments)
{
    return cli_vis_run(cli, arguments, find_subverb(strchr(cli->verb, ' ') + 1)->visualize);
}

const cli_verb cli_verb_visualize = {
    .name = "visualize",
    .summary = "see what each layer learned",
    .usage = "WHAT [OPTION]... [IMAGE]...",
    .description =
        "Draws what a network learned, from your own photographs: the filters of its first\n"
        "layer, what makes each map of a layer fire and what of the photograph does it, where in\n"
        "a photograph a class is seen. Everything is written as files; no display is needed.",
    .examples = "  clvgg visualize all --images photographs/ --out report\n"
                "  clvgg visualize filters\n"
                "  clvgg visualize activations --layer conv5_3 cat.jpg\n",
    .dispatch = run_visualize,
};

/* cli/visualize/cmd_visualize.c — `clvgg visualize`: the table of its subverbs, and what
 * is around the work of each. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/closest.h"
#include "cli/interrupt.h"
#include "cli/visualize/visualize.h"
#include "report/clock.h"
#include "report/device.h"
#include "report/format.h"
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

static int print_help(cli_program *cli)
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
    return CLI_EXIT_OK;
}

/* Says what there is; `name` is NULL when nothing was asked for. */
static int report_unknown(const cli_program *cli, const char *name)
{
    cli_closest closest = {0};
    vgg_text list = {0};
    for (size_t i = 0; subverbs[i] != NULL; i++) {
        if (name != NULL)
            cli_closest_offer(&closest, name, short_name(subverbs[i]));
        vgg_text_printf(&list, "%s%s", i > 0 ? ", " : "", short_name(subverbs[i]));
    }
    const char *all = list.failed || list.bytes == NULL ? "" : list.bytes;
    if (name == NULL)
        cli_error(cli, "needs to be told what: one of %s", all);
    else if (closest.name != NULL)
        cli_error(cli, "unknown '%s': did you mean '%s'?", name, closest.name);
    else
        cli_error(cli, "unknown '%s': needs one of %s", name, all);
    vgg_text_free(&list);
    return cli_options_try_help(cli);
}

static int run_visualize(cli_program *cli, int argc, char **argv)
{
    if (argc < 2)
        return report_unknown(cli, NULL);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_help(cli);
    const cli_verb *subverb = find_subverb(argv[1]);
    if (subverb == NULL)
        return report_unknown(cli, argv[1]);
    cli->verb = subverb->name;
    return subverb->run(cli, argc - 1, argv + 1);
}

/* --out, with the folders that lead to it; whether files can be made there shows before the work.
 */
static bool make_out(const cli_vis *vis)
{
    const char *out = vis->arguments->out;
    vgg_text path = {0};
    vgg_text_printf(&path, "%s/", out);
    bool made = !path.failed;
    for (char *slash = made ? strchr(path.bytes + 1, '/') : NULL; made && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        made = mkdir(path.bytes, 0777) == 0 || errno == EEXIST;
        *slash = '/';
    }
    if (!made)
        cli_error(vis->cli, "--out: %s can't be made: %s", out,
                  strerror(path.failed ? ENOMEM : errno));
    else if (!(made = access(path.bytes, W_OK | X_OK) == 0))
        cli_error(vis->cli, "--out: %s can't be written: %s", out, strerror(errno));
    vgg_text_free(&path);
    return made;
}

/* Opens all that can fail before the work begins. */
static int open_all(cli_vis *vis)
{
    const char *figure = NULL;
    clvgg_status status = cli_runtime(vis->cli, &vis->run.runtime);
    if (status == CLVGG_STATUS_OK && !make_out(vis))
        return CLI_EXIT_FAILED;
    if (status == CLVGG_STATUS_OK && (figure = cli_vis_figure_path(vis, "figure")) == NULL)
        return CLI_EXIT_FAILED;
    if (status == CLVGG_STATUS_OK)
        status = vgg_picture_check(figure);
    if (status != CLVGG_STATUS_OK)
        return cli_fail(vis->cli, status);
    const int exit_code = cli_run_setup(&vis->run);
    const bool photographs = vis->arguments->run.path_count + vis->arguments->images.count > 0;
    return exit_code == CLI_EXIT_OK && photographs && !cli_run_takes_photographs(&vis->run)
               ? CLI_EXIT_FAILED
               : exit_code;
}

static void begin_json(cli_vis *vis)
{
    if (!vis->arguments->run.json)
        return;
    vis->json = (vgg_json){.text = &vis->json_text};
    vgg_json_begin_object(&vis->json, NULL);
    vgg_json_integer(&vis->json, "schema", 1);
    vgg_json_string(&vis->json, "visualize", strchr(vis->cli->verb, ' ') + 1);
    vgg_json_string(&vis->json, "model", clvgg_model_name(vis->run.model));
    vgg_json_string(&vis->json, "device", vis->run.device_info.name);
}

/* Also after a failure: what was finished is there to be found. */
static void end_json(cli_vis *vis, int exit_code)
{
    if (!vis->arguments->run.json)
        return;
    while (vis->json.depth > 1)
        vgg_json_end(&vis->json);
    if (exit_code != CLI_EXIT_OK)
        vgg_json_string(&vis->json, "error", clvgg_status_message());
    vgg_json_begin_array(&vis->json, "files");
    const char *name = vis->files.bytes;
    for (size_t i = 0; i < vis->file_count && !vis->files.failed; i++, name += strlen(name) + 1)
        vgg_json_string(&vis->json, NULL, name);
    vis->json_text.failed |= vis->files.failed;
    vgg_json_end(&vis->json);
    vgg_json_number(&vis->json, "seconds", (vgg_clock_ms() - vis->run.start_ms) / 1000);
    vgg_json_end(&vis->json);
    vgg_text_join(&vis->cli->out.text, &vis->json_text);
}

static int work_with(cli_program *cli, const cli_vis_arguments *arguments,
                     int (*work)(cli_vis *vis))
{
    cli_vis vis = {.cli = cli,
                   .arguments = arguments,
                   .run = {.cli = cli, .arguments = &arguments->run, .start_ms = vgg_clock_ms()}};
    cli->silent = arguments->run.quiet;
    cli->no_cache = arguments->run.no_cache;
    int exit_code = open_all(&vis);
    if (exit_code == CLI_EXIT_OK) {
        begin_json(&vis);
        cli_interrupt_watch();
        exit_code = work(&vis);
        vgg_progress_finish(&vis.run.progress);
        if (cli_interrupt_signal() != 0) {
            cli_error(cli, "interrupted after %zu file%s", vis.file_count,
                      vis.file_count == 1 ? "" : "s");
            exit_code = CLI_EXIT_FAILED;
        }
        end_json(&vis, exit_code);
    }
    cli_run_release(&vis.run);
    vgg_text_free(&vis.json_text);
    vgg_text_free(&vis.files);
    vgg_text_free(&vis.scratch);
    vgg_text_free(&vis.page);
    vgg_text_free(&vis.sheet);
    return exit_code;
}

int cli_vis_main(cli_program *cli, const cli_verb *verb, int argc, char **argv,
                 cli_vis_arguments *arguments, const char *(*check)(const void *arguments),
                 int (*work)(cli_vis *vis))
{
    const cli_parsed parsed =
        cli_options_parse(cli, verb, argc, argv, arguments, &arguments->run.path_count);
    arguments->run.paths = (const char *const *)argv + 1;
    int exit_code = parsed == CLI_PARSED_HELP ? CLI_EXIT_OK : CLI_EXIT_USAGE;
    if (parsed == CLI_PARSED) {
        const char *wrong = check != NULL ? check(arguments) : NULL;
        if (wrong != NULL) {
            cli_error(cli, "%s", wrong);
            exit_code = cli_options_try_help(cli);
        } else {
            exit_code = work_with(cli, arguments, work);
        }
    }
    vgg_free(arguments->run.variants.items);
    vgg_free(arguments->images.items);
    return exit_code;
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
    .options = NULL,
    .run = run_visualize,
};

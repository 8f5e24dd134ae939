/* cli/cmd_report.c — `clvgg report`: results of `clvgg bench` as one HTML page. */
#include "cli/devices/scrub.h"
#include "cli/options.h"
#include "report/bench_page.h"
#include "report/text_file.h"

typedef struct report_arguments {
    cli_operands paths;
    const char *out;
} report_arguments;

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, offsetof(report_arguments, paths), "FILE", 0, 0, ""},
    {"out", 'o', CLI_OPTION_TEXT, offsetof(report_arguments, out), "FILE", 0, 0,
     "The page (required)"},
    {0},
};

static const char *check(const void *given)
{
    const report_arguments *arguments = given;
    return arguments->paths.count == 0 ? "needs files that clvgg bench wrote, or their folder"
           : arguments->out == NULL    ? "needs --out, the page to write"
                                       : NULL;
}

/* Every file is read, so that all bad ones are named. */
static void read_all(cli_program *cli, const report_arguments *arguments, vgg_bench_files *files)
{
    for (size_t i = 0; i < arguments->paths.count; i++)
        cli_fail(cli, vgg_bench_files_add(files, arguments->paths.items[i]));
}

static clvgg_status scrub_text(const cli_scrub *scrub, char **words)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text text = {0};
    char *shown = NULL;
    if (*words == NULL)
        return status;
    cli_scrub_append(scrub, *words, &text);
    VGG_TRY(vgg_text_check(&text, "a text of the page"));
    VGG_MEMORY_COPY(shown, vgg_text_string(&text), "a text of the page");
    vgg_memory_free(*words);
    *words = shown;
cleanup:
    vgg_text_free(&text);
    return status;
}

/* Pages are handed on: what programs said when they were run may hold paths and names. */
static clvgg_status scrub_files(const cli_program *cli, vgg_bench_files *files)
{
    cli_scrub scrub = {0};
    cli_scrub_learn(&scrub, cli);
    for (size_t i = 0; i < files->count; i++) {
        vgg_bench_file *file = &files->items[i];
        const vgg_bench_pairs *const pairs[] = {&file->options, &file->environment};
        VGG_PASS(scrub_text(&scrub, &file->error));
        for (size_t p = 0; p < 2; p++)
            for (size_t j = 0; j < pairs[p]->count; j++)
                VGG_PASS(scrub_text(&scrub, &pairs[p]->items[j].value));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status run_report(cli_program *cli, const void *given)
{
    const report_arguments *arguments = given;
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_bench_files files = {0};
    vgg_text html = {0};
    read_all(cli, arguments, &files);
    if (cli->exit_code != CLI_EXIT_OK)
        goto cleanup;
    for (size_t i = 0; i < files.count; i++)
        if (cli_replaces(arguments->out, files.items[i].path)) {
            status = cli_misuse(cli, "--out would replace %s", files.items[i].path);
            goto cleanup;
        }
    VGG_TRY(scrub_files(cli, &files));
    VGG_TRY(vgg_bench_page_put(&files, &html));
    VGG_TRY(vgg_text_save(&html, arguments->out, "the page"));
cleanup:
    vgg_text_free(&html);
    vgg_bench_files_free(&files);
    return status;
}

const cli_verb cli_verb_report = {
    .name = "report",
    .summary = "make a page of results of bench",
    .usage = "FILE|FOLDER... --out PAGE.html",
    .description =
        "Writes one HTML page, which needs no network, of any number of results of clvgg bench,\n"
        "and of other programs in its format: times, rooflines, layers, kernels, devices. Of a\n"
        "folder it takes the *.json that are results.",
    .examples = "  clvgg bench --per-layer --batch 1,16 --out results/before.json\n"
                "  clvgg report results/ --out page.html\n",
    .options = options,
    .arguments_size = sizeof(report_arguments),
    .check = check,
    .run = run_report,
};

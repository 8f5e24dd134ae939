/* cli/run/cmd_run.c — `clvgg run`: its options, the order of its work, its exit code. */

#include "cli/run/run.h"
#include "cli/run/run_options.h"
#include "report/clock.h"

#define AT(field) offsetof(cli_run_arguments, field)

static const cli_option options[] = {
    CLI_RUN_OPTIONS_DEVICE(AT),
    CLI_RUN_OPTIONS_CLASSES(AT),
    {"top", 'k', CLI_OPTION_COUNT, AT(top), "K", 0, 1000,
     "Print the K most probable classes (5); 0 prints all"},
    CLI_RUN_OPTIONS_BATCH(AT),
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Output"},
    {"json", 0, CLI_OPTION_FLAG, AT(json), NULL, 0, 0, "Print one JSON object"},
    {"csv", 0, CLI_OPTION_FLAG, AT(csv), NULL, 0, 0, "Print a line a class"},
    {"output", 'o', CLI_OPTION_TEXT, AT(output), "Y.npy", 0, 0,
     "Also write a layer's values, float32, images on axis 0"},
    {"layer", 0, CLI_OPTION_TEXT, AT(layer), "NAME", 0, 0,
     "The layer that --output writes (logits); see clvgg info"},
    {"profile", 0, CLI_OPTION_FLAG, AT(profile), NULL, 0, 0,
     "Time every step of the last batch (slows the run down)"},
    {"quiet", 'q', CLI_OPTION_FLAG, AT(quiet), NULL, 0, 0, "Nothing but errors on standard error"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Input"},
    {"input", 'i', CLI_OPTION_TEXT, AT(input), "X.npy", 0, 0,
     "Instead of images: float32 (n, C, H, W), preprocessed already"},
    CLI_RUN_OPTIONS_PREPROCESS(AT),
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Kernels"},
    CLI_RUN_OPTIONS_KERNELS(AT),
    {0},
};

/* Options that need or exclude each other, which the table can't say. */
static const char *contradiction(const cli_run_arguments *arguments)
{
    if (arguments->input == NULL && arguments->path_count == 0)
        return "needs at least one image or folder, or --input";
    if (arguments->input != NULL && arguments->path_count > 0)
        return "--input takes the place of images: give one or the other";
    if (arguments->json && arguments->csv)
        return "--json and --csv exclude each other";
    if (arguments->layer != NULL && arguments->output == NULL)
        return "--layer says what --output writes: give --output too";
    return NULL;
}

/* The file named by the arguments that --output would replace while it is read, or NULL. */
static const char *replaced_source(const cli_run_arguments *arguments)
{
    const char *const sources[] = {arguments->model, arguments->input, arguments->labels,
                                   arguments->map};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (cli_replaces(arguments->output, sources[i]))
            return sources[i];
    for (size_t i = 0; i < arguments->path_count; i++)
        if (cli_replaces(arguments->output, arguments->paths[i]))
            return arguments->paths[i];
    return NULL;
}

static int run_with(cli_program *cli, const cli_run_arguments *arguments)
{
    const char *wrong = contradiction(arguments);
    if (wrong != NULL) {
        cli_error(cli, "%s", wrong);
        return cli_options_try_help(cli);
    }
    const char *source = replaced_source(arguments);
    if (source != NULL) {
        cli_error(cli, "--output would replace '%s', which is to be read", source);
        return CLI_EXIT_USAGE;
    }
    cli_run run = {
        .cli = cli,
        .arguments = arguments,
        .format = arguments->json  ? &cli_run_json
                  : arguments->csv ? &cli_run_csv
                                   : &cli_run_text,
        .start_ms = vgg_clock_ms(),
    };
    cli->silent = arguments->quiet;
    cli->no_cache = arguments->no_cache;
    clvgg_status status = cli_runtime(cli, &run.runtime);
    int exit_code = status == CLVGG_STATUS_OK ? cli_run_setup(&run) : cli_fail(cli, status);
    if (exit_code == CLI_EXIT_OK && arguments->input == NULL && !cli_run_takes_photographs(&run))
        exit_code = CLI_EXIT_FAILED;
    if (exit_code == CLI_EXIT_OK)
        exit_code = cli_run_work(&run);
    cli_run_release(&run);
    return exit_code;
}

static int run_run(cli_program *cli, int argc, char **argv)
{
    cli_run_arguments arguments = {.top = 5, .resize_mode = -1, .channels = -1};
    cli_parsed parsed =
        cli_options_parse(cli, &cli_verb_run, argc, argv, &arguments, &arguments.path_count);
    arguments.paths = (const char *const *)argv + 1;
    int exit_code = parsed == CLI_PARSED        ? run_with(cli, &arguments)
                    : parsed == CLI_PARSED_HELP ? CLI_EXIT_OK
                                                : CLI_EXIT_USAGE;
    vgg_free(arguments.variants.items);
    return exit_code;
}

const cli_verb cli_verb_run = {
    .name = "run",
    .summary = "classify photographs",
    .usage = "[OPTION]... PATH...",
    .description =
        "Classifies PNG, JPEG and WebP files. A folder stands for the images below it, sorted by\n"
        "name; - is standard input.\n"
        "Results come in the order of the paths. An image that can't be read doesn't stop the\n"
        "others: the exit code is then 1.",
    .examples = "  clvgg run cat.jpg\n"
                "  curl -s https://example.org/cat.jpg | clvgg run -\n"
                "  clvgg run --json --top 0 photographs/ > results.json\n"
                "  clvgg run --device gpu --model vgg16.safetensors *.jpg\n"
                "  clvgg run --output pool5.npy --layer pool5 photographs/\n"
                "  clvgg run --model vgg16.safetensors --map imagenet-cat-dog.tsv cat.jpg\n",
    .options = options,
    .run = run_run,
};

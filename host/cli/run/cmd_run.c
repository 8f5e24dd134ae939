/* cli/run/cmd_run.c — `clvgg run`: its options, and the order of its work. */

#include "cli/run/run.h"

#define AT(field) offsetof(cli_run_arguments, field)

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, AT(paths), "PATH", 0, 0, ""},
    CLI_ROWS_DEVICE(cli_run_arguments, context),
    CLI_ROW_MODEL(cli_run_arguments, context),
    CLI_ROW_LABELS(cli_run_arguments, context),
    CLI_ROW_MAP(cli_run_arguments, map),
    {"top", 'k', CLI_OPTION_COUNT, AT(top), "K", 0, 1000,
     "Print the K most probable classes (5); 0 prints all"},
    CLI_ROWS_BATCH(cli_run_arguments, execution),
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Output"},
    CLI_ROW_JSON(cli_run_arguments, json),
    {"csv", 0, CLI_OPTION_FLAG, AT(csv), NULL, 0, 0, "Print a line a class"},
    {"output", 'o', CLI_OPTION_TEXT, AT(output), "Y.npy", 0, 0,
     "Also write a layer's values, float32, images on axis 0"},
    {"layer", 0, CLI_OPTION_TEXT, AT(layer), "NAME", 0, 0,
     "The layer that --output writes (logits); see clvgg info"},
    {"profile", 0, CLI_OPTION_FLAG, AT(profile), NULL, 0, 0,
     "Time every step of the last batch (slows the run down)"},
    CLI_ROW_QUIET(cli_run_arguments, context),
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Input"},
    {"input", 'i', CLI_OPTION_TEXT, AT(input), "X.npy", 0, 0,
     "Instead of images: float32 (n, C, H, W), preprocessed already"},
    CLI_ROWS_PREPROCESS(cli_run_arguments, context),
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Kernels"},
    CLI_ROWS_KERNELS(cli_run_arguments, context, execution),
    CLI_ROW_NO_VERIFY(cli_run_arguments, context),
    {0},
};

/* Options that need or exclude each other, which the table can't say. */
static const char *check(const void *given)
{
    const cli_run_arguments *arguments = given;
    if (arguments->input == NULL && arguments->paths.count == 0)
        return "needs at least one image or folder, or --input";
    if (arguments->input != NULL && arguments->paths.count > 0)
        return "--input takes the place of images: give one or the other";
    if (arguments->json && arguments->csv)
        return "--json and --csv exclude each other";
    if (arguments->layer != NULL && arguments->output == NULL)
        return "--layer says what --output writes: give --output too";
    return NULL;
}

/* The file named by the arguments that --output would replace while it is read, or NULL. The
 * model's are seen to when it is loaded. */
static const char *replaced_source(const cli_run_arguments *arguments)
{
    const char *const sources[] = {arguments->input, arguments->map};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (cli_replaces(arguments->output, sources[i]))
            return sources[i];
    for (size_t i = 0; i < arguments->paths.count; i++)
        if (cli_replaces(arguments->output, arguments->paths.items[i]))
            return arguments->paths.items[i];
    return NULL;
}

static clvgg_status run_run(cli_program *cli, const void *given)
{
    const cli_run_arguments *arguments = given;
    clvgg_status status = CLVGG_STATUS_OK;
    const char *source = replaced_source(arguments);
    cli_run run = {.cli = cli,
                   .arguments = arguments,
                   .format = arguments->json  ? &cli_run_json
                             : arguments->csv ? &cli_run_csv
                                              : &cli_run_text,
                   .paths = arguments->paths};
    VGG_REQUIRE(source == NULL, CLVGG_STATUS_INVALID_ARGUMENT,
                "--output would replace '%s', which is to be read", source);
    VGG_TRY(cli_context_begin(&run.context, cli, &arguments->context));
    VGG_TRY(cli_run_setup(&run));
    if (arguments->input == NULL)
        VGG_TRY(cli_context_check_photographs(&run.context));
    VGG_TRY(cli_run_work(&run));
cleanup:
    cli_run_release(&run);
    return status;
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
    .arguments_size = sizeof(cli_run_arguments),
    .defaults = &(const cli_run_arguments){.context = CLI_CONTEXT_DEFAULTS, .top = 5},
    .check = check,
    .run = run_run,
};

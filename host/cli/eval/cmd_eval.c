/* cli/eval/cmd_eval.c — `clvgg eval`: its options, the order of its work, its exit code. */

#include "cli/eval/eval.h"
#include "cli/interrupt.h"
#include "cli/run/run_options.h"
#include "report/clock.h"
#include "report/format.h"
#include "report/picture.h"

#define AT(field) offsetof(cli_eval_arguments, field)
#define RUN_AT(field) offsetof(cli_eval_arguments, run.field)

static const cli_option options[] = {
    {"data", 0, CLI_OPTION_TEXT, AT(data), "DIR", 0, 0,
     "The data set: a folder a class (DIR/cat/...), or names that begin\n"
     "with the class and a dot (DIR/cat.0.jpg)"},
    CLI_OPTION_ROW_MAX_BAD(AT(max_bad)),
    CLI_RUN_OPTIONS_DEVICE(RUN_AT),
    CLI_RUN_OPTIONS_CLASSES(RUN_AT),
    CLI_RUN_OPTIONS_BATCH(RUN_AT),
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Output"},
    {"json", 0, CLI_OPTION_FLAG, RUN_AT(json), NULL, 0, 0, "Print one JSON object"},
    {"mistakes", 0, CLI_OPTION_TEXT, AT(mistakes), "FILE.png", 0, 0,
     "Also draw the most confident mistakes, 48 at most"},
    {"quiet", 'q', CLI_OPTION_FLAG, RUN_AT(quiet), NULL, 0, 0,
     "Nothing but errors on standard error"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Input"},
    CLI_RUN_OPTIONS_PREPROCESS(RUN_AT),
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Kernels"},
    CLI_RUN_OPTIONS_KERNELS(RUN_AT),
    {0},
};

/* Lists the data set, and its paths as the run's arguments. */
static clvgg_status open_data(cli_eval *eval, cli_run_arguments *run_arguments)
{
    clvgg_status status =
        clvgg_dataset_open(eval->run.runtime, eval->arguments->data, &eval->dataset);
    if (status != CLVGG_STATUS_OK)
        return status;
    const size_t count = clvgg_dataset_count(eval->dataset);
    eval->paths = vgg_calloc(count, sizeof *eval->paths);
    eval->classes = vgg_calloc(clvgg_dataset_class_count(eval->dataset), sizeof *eval->classes);
    if (eval->paths == NULL || eval->classes == NULL)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) {
        clvgg_dataset_item item;
        clvgg_dataset_at(eval->dataset, i, &item);
        eval->paths[i] = item.path;
    }
    run_arguments->paths = eval->paths;
    run_arguments->path_count = count;
    return CLVGG_STATUS_OK;
}

/* Device and model are announced when the run starts; this is about the data. */
static void announce(const cli_eval *eval)
{
    enum { SHOWN_SKIPPED = 5 };
    const clvgg_dataset *dataset = eval->dataset;
    const size_t classes = clvgg_dataset_class_count(dataset);
    const size_t skipped = clvgg_dataset_skipped_count(dataset);
    vgg_text text = {0};
    vgg_text_puts(&text, "data: ");
    vgg_text_terminal(&text, eval->arguments->data);
    vgg_text_printf(&text, " (%zu image%s in %zu class%s", clvgg_dataset_count(dataset),
                    clvgg_dataset_count(dataset) == 1 ? "" : "s", classes,
                    classes == 1 ? "" : "es");
    if (eval->by_order)
        vgg_text_puts(&text, ", taken for the model's in order, which has no names for them");
    vgg_text_puts(&text, ")");
    for (size_t i = 0; i < skipped && i < SHOWN_SKIPPED; i++) {
        const char *path = NULL, *reason = NULL;
        clvgg_dataset_skipped(dataset, i, &path, &reason);
        vgg_text_puts(&text, "\nskipped: ");
        vgg_text_terminal(&text, path);
        vgg_text_puts(&text, ": ");
        vgg_text_terminal(&text, reason);
    }
    if (skipped > SHOWN_SKIPPED)
        vgg_text_printf(&text, "\nskipped: %zu more", skipped - SHOWN_SKIPPED);
    if (!text.failed)
        cli_note(eval->run.cli, "%s", text.bytes);
    vgg_text_free(&text);
}

/* The file that --mistakes would replace while it is read, or NULL. */
static const char *replaced_source(const cli_eval *eval)
{
    const cli_eval_arguments *arguments = eval->arguments;
    const char *const sources[] = {arguments->run.model, arguments->run.labels, arguments->run.map};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (cli_replaces(arguments->mistakes, sources[i]))
            return sources[i];
    for (size_t i = 0; i < clvgg_dataset_count(eval->dataset); i++)
        if (cli_replaces(arguments->mistakes, eval->paths[i]))
            return eval->paths[i];
    return NULL;
}

/* Checks everything that can be wrong with the arguments, before the work begins. */
static int prepare(cli_eval *eval, cli_eval_arguments *arguments)
{
    cli_program *cli = eval->run.cli;
    clvgg_status status = cli_runtime(cli, &eval->run.runtime);
    if (status == CLVGG_STATUS_OK && arguments->mistakes != NULL)
        status = vgg_picture_check(arguments->mistakes);
    if (status == CLVGG_STATUS_OK)
        status = open_data(eval, &arguments->run);
    if (status != CLVGG_STATUS_OK)
        return cli_fail(cli, status);
    const char *source = replaced_source(eval);
    if (source != NULL) {
        cli_error(cli, "--mistakes would replace '%s', which is to be read", source);
        return CLI_EXIT_USAGE;
    }
    int exit_code = cli_run_setup(&eval->run);
    if (exit_code != CLI_EXIT_OK)
        return exit_code;
    if (!cli_run_takes_photographs(&eval->run) || !cli_eval_match_classes(eval))
        return CLI_EXIT_FAILED;
    status = clvgg_evaluation_create(eval->run.runtime, eval->run.ranked_count, &eval->evaluation);
    return status == CLVGG_STATUS_OK ? CLI_EXIT_OK : cli_fail(cli, status);
}

static int run_with(cli_program *cli, cli_eval_arguments *arguments)
{
    cli_eval *eval = vgg_calloc(1, sizeof *eval);
    if (eval == NULL) {
        cli_error(cli, "out of memory");
        return CLI_EXIT_FAILED;
    }
    cli->silent = arguments->run.quiet;
    cli->no_cache = arguments->run.no_cache;
    eval->arguments = arguments;
    eval->run = (cli_run){.cli = cli,
                          .arguments = &arguments->run,
                          .format = &cli_eval_count,
                          .format_user = eval,
                          .max_bad = &arguments->max_bad,
                          .start_ms = vgg_clock_ms()};
    int exit_code = prepare(eval, arguments);
    if (exit_code == CLI_EXIT_OK) {
        if (!arguments->run.quiet)
            announce(eval);
        exit_code = cli_run_work(&eval->run);
        if (arguments->mistakes != NULL && eval->run.started && cli_interrupt_signal() == 0) {
            const int drawn = cli_eval_draw_mistakes(eval);
            exit_code = exit_code != CLI_EXIT_OK ? exit_code : drawn;
        }
    }
    clvgg_evaluation_free(eval->evaluation);
    clvgg_dataset_free(eval->dataset);
    vgg_free(eval->classes);
    vgg_free(eval->paths);
    cli_run_release(&eval->run);
    vgg_free(eval);
    return exit_code;
}

static int run_eval(cli_program *cli, int argc, char **argv)
{
    cli_eval_arguments arguments = {.run = {.top = 1, .resize_mode = -1, .channels = -1},
                                    .max_bad = CLI_ALLOWANCE_DEFAULT};
    size_t operand_count = 0;
    cli_parsed parsed =
        cli_options_parse(cli, &cli_verb_eval, argc, argv, &arguments, &operand_count);
    int exit_code = parsed == CLI_PARSED_HELP ? CLI_EXIT_OK : CLI_EXIT_USAGE;
    if (parsed == CLI_PARSED && operand_count > 0) {
        cli_error(cli, "takes no argument, got '%s': name the data set by --data", argv[1]);
        exit_code = cli_options_try_help(cli);
    } else if (parsed == CLI_PARSED && arguments.data == NULL) {
        cli_error(cli, "needs a data set: --data DIR");
        exit_code = cli_options_try_help(cli);
    } else if (parsed == CLI_PARSED) {
        exit_code = run_with(cli, &arguments);
    }
    vgg_free(arguments.run.variants.items);
    return exit_code;
}

const cli_verb cli_verb_eval = {
    .name = "eval",
    .summary = "measure a model on photographs whose classes are known",
    .usage = "--data DIR [OPTION]...",
    .description =
        "Classifies the images of a data set and says how well: accuracy, log loss, AUC of two\n"
        "classes, precision and recall of each class, what was taken for what, and the most\n"
        "confident mistakes. The data set's classes are found among the model's by their names.\n"
        "An image that can't be read is named, counted and left out; the exit code is 1 when "
        "there\n"
        "are more of them than --max-bad allows.",
    .examples = "  clvgg eval --data photographs/\n"
                "  clvgg eval --data photographs/ --model net.safetensors --mistakes wrong.png\n"
                "  clvgg eval --data photographs/ --json > result.json\n"
                "  clvgg eval --data pets/ --model vgg16.safetensors --map imagenet-cat-dog.tsv\n",
    .options = options,
    .run = run_eval,
};

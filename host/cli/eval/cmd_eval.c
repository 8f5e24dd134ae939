/* cli/eval/cmd_eval.c — `clvgg eval`: its options, and the order of its work. */
#include "cli/eval/eval.h"
#include "cli/interrupt.h"
#include "report/format.h"
#include "report/picture.h"

#define AT(field) offsetof(cli_eval_arguments, field)

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, 0, NULL, 0, 0, ": name the data set by --data"},
    {"data", 0, CLI_OPTION_TEXT, AT(data), "DIR", 0, 0,
     "The data set: a folder a class (DIR/cat/...), or names that begin\n"
     "with the class and a dot (DIR/cat.0.jpg)"},
    CLI_ROW_MAX_BAD(cli_eval_arguments, max_bad),
    CLI_ROWS_DEVICE(cli_eval_arguments, run.context),
    CLI_ROW_MODEL(cli_eval_arguments, run.context),
    CLI_ROW_LABELS(cli_eval_arguments, run.context),
    CLI_ROW_MAP(cli_eval_arguments, run.map),
    {"against", 0, CLI_OPTION_TEXT, AT(against), "FILE", 0, 0,
     "Also run this model, and say how far the two agree: the one that\n"
     "a quantised model was made of"},
    CLI_ROWS_BATCH(cli_eval_arguments, run.execution),
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Output"},
    CLI_ROW_JSON(cli_eval_arguments, run.json),
    {"mistakes", 0, CLI_OPTION_TEXT, AT(mistakes), "FILE.png", 0, 0,
     "Also draw the most confident mistakes, 48 at most"},
    CLI_ROW_QUIET(cli_eval_arguments, run.context),
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Input"},
    CLI_ROWS_PREPROCESS(cli_eval_arguments, run.context),
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Kernels"},
    CLI_ROWS_KERNELS(cli_eval_arguments, run.context, run.execution),
    CLI_ROW_NO_VERIFY(cli_eval_arguments, run.context),
    {0},
};

static const char *check(const void *arguments)
{
    return ((const cli_eval_arguments *)arguments)->data == NULL ? "needs a data set: --data DIR"
                                                                 : NULL;
}

/* Lists the data set, and its paths as the run's. */
static clvgg_status open_data(cli_eval *eval)
{
    VGG_PASS(clvgg_dataset_open(eval->run.context.runtime, eval->arguments->data, &eval->dataset));
    const size_t count = clvgg_dataset_count(eval->dataset);
    VGG_MEMORY_NEW_PASS(eval->paths, count, "the paths of the photographs");
    VGG_MEMORY_NEW_PASS(eval->classes, clvgg_dataset_class_count(eval->dataset),
                        "the data set's classes");
    for (size_t i = 0; i < count; i++) {
        clvgg_dataset_item item;
        clvgg_dataset_at(eval->dataset, i, &item);
        eval->paths[i] = item.path;
    }
    eval->run.paths = (cli_operands){eval->paths, count};
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
    vgg_text_name(&text, "data: ", eval->arguments->data, "");
    vgg_text_printf(&text, " (%zu image%s in %zu class%s", clvgg_dataset_count(dataset),
                    clvgg_dataset_count(dataset) == 1 ? "" : "s", classes,
                    classes == 1 ? "" : "es");
    if (eval->by_order)
        vgg_text_puts(&text, ", taken for the model's in order, which has no names for them");
    vgg_text_puts(&text, ")");
    for (size_t i = 0; i < skipped && i < SHOWN_SKIPPED; i++) {
        const char *path = NULL, *reason = NULL;
        clvgg_dataset_skipped(dataset, i, &path, &reason);
        vgg_text_name(&text, "\nskipped: ", path, ": ");
        vgg_text_terminal(&text, reason);
    }
    if (skipped > SHOWN_SKIPPED)
        vgg_text_printf(&text, "\nskipped: %zu more", skipped - SHOWN_SKIPPED);
    cli_note_text(eval->run.cli, &text, "the lines about the data set");
}

/* The file that --mistakes would replace while it is read, or NULL. The model's are seen to when it
 * is loaded. */
static const char *replaced_source(const cli_eval *eval)
{
    const cli_eval_arguments *arguments = eval->arguments;
    if (cli_replaces(arguments->mistakes, arguments->run.map))
        return arguments->run.map;
    if (cli_replaces(arguments->mistakes, arguments->against))
        return arguments->against;
    for (size_t i = 0; i < clvgg_dataset_count(eval->dataset); i++)
        if (cli_replaces(arguments->mistakes, eval->paths[i]))
            return eval->paths[i];
    return NULL;
}

/* Checks everything that can be wrong with the arguments, before the work begins. */
static clvgg_status prepare(cli_eval *eval)
{
    const cli_eval_arguments *arguments = eval->arguments;
    VGG_PASS(cli_context_begin(&eval->run.context, eval->run.cli, &arguments->run.context));
    if (arguments->mistakes != NULL)
        VGG_PASS(vgg_picture_check(arguments->mistakes));
    VGG_PASS(open_data(eval));
    const char *source = replaced_source(eval);
    VGG_CHECK(source == NULL, CLVGG_STATUS_INVALID_ARGUMENT,
              "--mistakes would replace '%s', which is to be read", source);
    VGG_PASS(cli_run_setup(&eval->run));
    VGG_PASS(cli_context_keep_model(&eval->run.context, "--mistakes", arguments->mistakes));
    VGG_PASS(cli_context_check_photographs(&eval->run.context));
    VGG_PASS(cli_eval_match_classes(eval));
    return clvgg_evaluation_create(eval->run.context.runtime, eval->run.ranked_count,
                                   &eval->evaluation);
}

static clvgg_status run_eval(cli_program *cli, const void *given)
{
    const cli_eval_arguments *arguments = given;
    clvgg_status status = CLVGG_STATUS_OK;
    cli_eval *eval = NULL;
    VGG_MEMORY_NEW(eval, 1, "an evaluation");
    eval->arguments = arguments;
    eval->run = (cli_run){.cli = cli,
                          .arguments = &arguments->run,
                          .format = &cli_eval_count,
                          .format_user = eval,
                          .max_bad = &arguments->max_bad};
    VGG_TRY(prepare(eval));
    if (!arguments->run.context.quiet)
        announce(eval);
    if (arguments->against != NULL)
        VGG_TRY(cli_eval_compare(eval));
    cli_fail(cli, cli_run_work(&eval->run));
    if (arguments->mistakes != NULL && eval->run.started && cli_interrupt_signal() == 0)
        VGG_TRY(cli_eval_draw_mistakes(eval));
cleanup:
    if (eval != NULL) {
        clvgg_evaluation_free(eval->evaluation);
        clvgg_dataset_free(eval->dataset);
        vgg_memory_free(eval->classes);
        vgg_memory_free(eval->paths);
        cli_run_release(&eval->run);
    }
    vgg_memory_free(eval);
    return status;
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
                "  clvgg eval --data photographs/ --model int8.safetensors --against net.safetensors\n"
                "  clvgg eval --data pets/ --model vgg16.safetensors --map imagenet-cat-dog.tsv\n",
    .options = options,
    .arguments_size = sizeof(cli_eval_arguments),
    .defaults = &(const cli_eval_arguments){.run = {.context = CLI_CONTEXT_DEFAULTS, .top = 1},
                                            .max_bad = CLI_ALLOWANCE_DEFAULT},
    .check = check,
    .run = run_eval,
};

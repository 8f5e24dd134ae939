/* cli/info/cmd_info.c — `clvgg info`: what a model is, and how a device would run it.
 *
 * This file parses and gathers; info_text.c and info_json.c print.
 */
#include <string.h>

#include "cli/info/info.h"

typedef struct info_arguments {
    cli_context_arguments context;
    cli_execution_arguments execution;
    bool json, dot, formats;
    cli_operands models;
} info_arguments;

#define AT(field) offsetof(info_arguments, field)

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, AT(models), "MODEL", 0, 0, ""},
    {"device", 'd', CLI_OPTION_TEXT, AT(context.device), "D", 0, 0,
     "Device of the memory plan: index, P:D, part of a name, gpu, cpu,\n"
     "accelerator, uuid:...; none leaves the plan out"},
    {"batch", 'b', CLI_OPTION_COUNT, AT(execution.batch), "N", 1, 4096,
     "Plan for N images at once (1)"},
    CLI_ROW_STORAGE(info_arguments, execution),
    CLI_ROW_INPUT_SIZE(info_arguments, context),
    {"model", 'm', CLI_OPTION_TEXT, AT(context.model), "FILE", 0, 0, "As the operand MODEL"},
    CLI_ROW_LABELS(info_arguments, context),
    CLI_ROW_JSON(info_arguments, json),
    {"dot", 0, CLI_OPTION_FLAG, AT(dot), NULL, 0, 0, "Print the graph in Graphviz's language"},
    {"formats", 0, CLI_OPTION_FLAG, AT(formats), NULL, 0, 0,
     "Instead: which formats of model files this build reads, and why\n"
     "not others, and which it writes"},
    CLI_ROW_NO_CACHE(info_arguments, context),
    {0},
};

static clvgg_status print_dot(cli_program *cli, const clvgg_model *model)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char *text = NULL;
    size_t length = 0;
    VGG_TRY(clvgg_model_print_graph(model, CLVGG_GRAPH_DOT, NULL, 0, &length));
    VGG_MEMORY_NEW(text, length + 1, "the graph as text");
    VGG_TRY(clvgg_model_print_graph(model, CLVGG_GRAPH_DOT, text, length + 1, &length));
    vgg_text_append(&cli->out.text, text, length);
cleanup:
    vgg_memory_free(text);
    return status;
}

/* Loads the model again as other verbs run it: with its batch normalisations folded. */
static clvgg_status load_as_run(cli_info *info, const info_arguments *arguments)
{
    cli_program *cli = info->context.cli;
    const bool silent = cli->silent;
    clvgg_model_options model_options;
    clvgg_model_options_defaults(&model_options);
    model_options.input_height = arguments->context.input_size.height;
    model_options.input_width = arguments->context.input_size.width;
    cli->silent = true; /* its warnings have been printed */
    const clvgg_status status =
        clvgg_model_load(info->context.runtime, clvgg_model_name(info->context.model),
                         &model_options, &info->as_run);
    cli->silent = silent;
    return status;
}

/* Opens the device and makes a session that is a plan only. A machine without a device is
 * no failure unless one was asked for: then there is no plan to show. */
static clvgg_status plan_on_device(cli_info *info, const info_arguments *arguments)
{
    cli_program *cli = info->context.cli;
    const char *spec = arguments->context.device != NULL ? arguments->context.device : cli->device;
    if (spec != NULL && strcmp(spec, "none") == 0)
        return CLVGG_STATUS_OK;
    const clvgg_status status = cli_context_open_device(&info->context);
    if (status == CLVGG_STATUS_NO_DEVICE && spec == NULL) {
        cli_note(cli, "no memory plan: %s", vgg_message_of(status));
        return CLVGG_STATUS_OK;
    }
    VGG_PASS(status);
    clvgg_session_options session_options;
    clvgg_session_options_defaults(&session_options);
    session_options.max_batch = arguments->execution.batch;
    session_options.execution = cli_execution(&arguments->execution);
    session_options.plan_only = 1;
    VGG_PASS(load_as_run(info, arguments));
    clvgg_layer_info last = {.struct_size = sizeof last};
    if (clvgg_model_class_count(info->as_run) == 0) { /* no logits: the plan is the last layer's */
        VGG_PASS(clvgg_model_layer(info->as_run, clvgg_model_layer_count(info->as_run) - 1, &last));
        session_options.outputs = &last.name;
        session_options.output_count = 1;
    }
    return clvgg_session_create(info->context.device, info->as_run, &session_options,
                                &info->session);
}

static clvgg_status run_info(cli_program *cli, const void *given)
{
    const info_arguments *arguments = given;
    const cli_operands *models = &arguments->models;
    cli_context_arguments context_arguments = arguments->context;
    clvgg_status status = CLVGG_STATUS_OK;
    cli_info info = {.batch = arguments->execution.batch};
    if (models->count + (arguments->context.model != NULL) > 1)
        return cli_misuse(cli, "takes one model, got '%s' too", models->items[models->count - 1]);
    if (arguments->json && arguments->dot)
        return cli_misuse(cli, "--json and --dot exclude each other");
    if (arguments->formats && (models->count > 0 || arguments->dot))
        return cli_misuse(cli, "--formats is about no model, and has no graph");
    if (arguments->formats)
        return cli_info_print_formats(cli, arguments->json);
    if (models->count == 1)
        context_arguments.model = models->items[0];
    VGG_TRY(cli_context_begin(&info.context, cli, &context_arguments));
    info.context.keep_batch_norm = true;
    VGG_TRY(cli_context_load_model(&info.context));
    if (arguments->dot) {
        VGG_TRY(print_dot(cli, info.context.model));
        goto cleanup;
    }
    VGG_TRY(plan_on_device(&info, arguments));
    VGG_TRY(arguments->json ? cli_info_print_json(&info, &cli->out.text)
                            : cli_info_print_text(&info, &cli->out_style, &cli->out.text));
cleanup:
    clvgg_session_free(info.session);
    clvgg_model_free(info.as_run);
    cli_context_close(&info.context);
    return status;
}

const cli_verb cli_verb_info = {
    .name = "info",
    .summary = "show a model's layers, sizes and memory plan",
    .usage = "[OPTION]... [MODEL]",
    .description =
        "Shows what a model file holds: layers with their shapes, parameters and FLOPs (two a\n"
        "multiply-add, one image), classes, preprocessing and origin; and, where there is a\n"
        "device, its memory plan and the kernels it would run. Without MODEL: the default model.",
    .examples = "  clvgg info\n"
                "  clvgg info --device none --json vgg16.safetensors\n"
                "  clvgg info --formats\n"
                "  clvgg info --dot vgg16.safetensors | dot -Tsvg > vgg16.svg\n",
    .options = options,
    .arguments_size = sizeof(info_arguments),
    .defaults = &(const info_arguments){.execution.batch = 1},
    .run = run_info,
};

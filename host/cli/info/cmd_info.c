/* cli/info/cmd_info.c — `clvgg info`: what a model is, and how a device would run it.
 *
 * This file parses and gathers; info_text.c and info_json.c print.
 */
#include <string.h>

#include "cli/info/info.h"
#include "cli/model_file.h"
#include "cli/options.h"

typedef struct info_arguments {
    bool json, dot, no_cache;
    const char *device, *model, *labels;
    int batch;
    clvgg_storage storage;
    cli_extent input_size;
} info_arguments;

#define AT(field) offsetof(info_arguments, field)

static const cli_option options[] = {
    {"device", 'd', CLI_OPTION_TEXT, AT(device), "D", 0, 0,
     "Device of the memory plan: index, P:D, part of a name, gpu, cpu,\n"
     "accelerator, uuid:...; none leaves the plan out"},
    {"batch", 'b', CLI_OPTION_COUNT, AT(batch), "N", 1, 4096, "Plan for N images at once (1)"},
    {"storage", 0, CLI_OPTION_STORAGE, AT(storage), CLVGG_STORAGE_NAMES, 0, 0,
     "Weights on the device in 32 bits, or in half the bytes: rounded;\n"
     "arithmetic stays float32 (f32)"},
    {"input-size", 0, CLI_OPTION_EXTENT, AT(input_size), "HxW", 1, 65535,
     "Input of H rows and W columns, or N for a square"},
    {"model", 'm', CLI_OPTION_TEXT, AT(model), "FILE", 0, 0, "As the operand MODEL"},
    {"labels", 'l', CLI_OPTION_TEXT, AT(labels), "FILE", 0, 0, "Names of the classes, one a line"},
    {"json", 0, CLI_OPTION_FLAG, AT(json), NULL, 0, 0, "Print one JSON object"},
    {"dot", 0, CLI_OPTION_FLAG, AT(dot), NULL, 0, 0, "Print the graph in Graphviz's language"},
    {"no-cache", 0, CLI_OPTION_FLAG, AT(no_cache), NULL, 0, 0,
     "Compile every program, and keep none"},
    {0},
};

static int print_dot(cli_program *cli, const clvgg_model *model)
{
    size_t length = 0;
    clvgg_status status = clvgg_model_print_graph(model, CLVGG_GRAPH_DOT, NULL, 0, &length);
    char *text = status == CLVGG_STATUS_OK ? vgg_calloc(length + 1, 1) : NULL;
    if (status == CLVGG_STATUS_OK && text == NULL)
        status = CLVGG_STATUS_OUT_OF_MEMORY;
    if (status == CLVGG_STATUS_OK)
        status = clvgg_model_print_graph(model, CLVGG_GRAPH_DOT, text, length + 1, &length);
    if (status == CLVGG_STATUS_OK)
        vgg_text_append(&cli->out.text, text, length);
    vgg_free(text);
    return status == CLVGG_STATUS_OK ? CLI_EXIT_OK : cli_fail(cli, status);
}

/* Opens the device and makes a session that is a plan only. A machine without a device is
 * no failure unless one was asked for: then there is no plan to show. */
static int plan_on_device(cli_program *cli, clvgg_runtime *runtime, const info_arguments *arguments,
                          cli_info *info)
{
    const char *spec = arguments->device != NULL ? arguments->device : cli->device;
    if (spec != NULL && strcmp(spec, "none") == 0)
        return CLI_EXIT_OK;
    clvgg_status status = clvgg_device_open(runtime, spec, NULL, &info->device);
    if (status == CLVGG_STATUS_NO_DEVICE && spec == NULL) {
        cli_note(cli, "no memory plan: %s", clvgg_status_message());
        return CLI_EXIT_OK;
    }
    if (status == CLVGG_STATUS_OK) {
        clvgg_session_options session_options;
        clvgg_session_options_defaults(&session_options);
        session_options.max_batch = arguments->batch;
        session_options.plan_only = 1;
        session_options.execution.storage = arguments->storage;
        status = clvgg_session_create(info->device, info->model, &session_options, &info->session);
    }
    return status == CLVGG_STATUS_OK ? CLI_EXIT_OK : cli_fail(cli, status);
}

static int gather_and_print(cli_program *cli, clvgg_runtime *runtime,
                            const info_arguments *arguments, cli_info *info)
{
    int exit_code = CLI_EXIT_OK;
    clvgg_model_options model_options;
    clvgg_model_options_defaults(&model_options);
    model_options.input_height = arguments->input_size.height;
    model_options.input_width = arguments->input_size.width;
    model_options.labels_path = arguments->labels;
    info->batch = arguments->batch;
    info->model = cli_load_model(cli, runtime, arguments->model, &model_options, &info->labels_path,
                                 &exit_code);
    if (info->model == NULL)
        return exit_code;
    if (arguments->dot)
        return print_dot(cli, info->model);
    exit_code = plan_on_device(cli, runtime, arguments, info);
    if (exit_code != CLI_EXIT_OK)
        return exit_code;
    if (arguments->json)
        cli_info_print_json(info, &cli->out.text);
    else
        cli_info_print_text(info, &cli->out_style, &cli->out.text);
    return CLI_EXIT_OK;
}

static int run_info(cli_program *cli, int argc, char **argv)
{
    info_arguments arguments = {.batch = 1};
    size_t operand_count = 0;
    cli_parsed parsed =
        cli_options_parse(cli, &cli_verb_info, argc, argv, &arguments, &operand_count);
    if (parsed != CLI_PARSED)
        return parsed == CLI_PARSED_HELP ? CLI_EXIT_OK : CLI_EXIT_USAGE;
    const size_t model_count = operand_count + (arguments.model != NULL);
    if (model_count > 1 || (arguments.json && arguments.dot)) {
        if (model_count > 1)
            cli_error(cli, "takes one model, got '%s' too", argv[operand_count]);
        else
            cli_error(cli, "--json and --dot exclude each other");
        return cli_options_try_help(cli);
    }
    if (operand_count == 1)
        arguments.model = argv[1];
    clvgg_runtime *runtime = NULL;
    cli->no_cache = arguments.no_cache;
    clvgg_status status = cli_runtime(cli, &runtime);
    if (status != CLVGG_STATUS_OK)
        return cli_fail(cli, status);
    cli_info info = {0};
    int exit_code = gather_and_print(cli, runtime, &arguments, &info);
    clvgg_session_free(info.session);
    clvgg_device_free(info.device);
    clvgg_model_free(info.model);
    clvgg_runtime_free(runtime);
    return exit_code;
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
                "  clvgg info --dot vgg16.safetensors | dot -Tsvg > vgg16.svg\n",
    .options = options,
    .run = run_info,
};

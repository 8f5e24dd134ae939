/* cli/cmd_convert.c — `clvgg convert`: a model in a file that other programs read. */
#include <stdio.h>
#include <string.h>

#include "cli/export.h"
#include "cli/interrupt.h"
#include "report/format.h"
#include "report/model.h"

typedef struct convert_arguments {
    cli_context_arguments context;
    const char *preprocess;
    int to, dtype; /* -1: by the suffix; each tensor's own */
    bool fold, no_check, json;
    cli_operands files;
} convert_arguments;

#define AT(field) offsetof(convert_arguments, field)

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, AT(files), "IN OUT", 0, 0, ""},
    {"to", 0, CLI_OPTION_CHOICE, AT(to), "safetensors|torchvision|onnx|npz", 0, 0,
     "What to write (by the suffix of OUT: .onnx, .npz, else\n"
     "safetensors); torchvision is safetensors with its names"},
    {"dtype", 0, CLI_OPTION_CHOICE, AT(dtype), "f32|f16|bf16", 0, 0,
     "Type of all values (each tensor's own)"},
    {"fold", 0, CLI_OPTION_FLAG, AT(fold), NULL, 0, 0,
     "Fold batch norms into the layers before them"},
    {"no-check", 0, CLI_OPTION_FLAG, AT(no_check), NULL, 0, 0,
     "Don't read OUT again to compare its answer with IN's"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "What OUT says"},
    CLI_ROW_LABELS(convert_arguments, context),
    {"preprocess", 0, CLI_OPTION_TEXT, AT(preprocess), "HOW", 0, 0,
     "Preprocessing instead of IN's: torchvision, caffe, or a file\n"
     "of JSON; the options below change it"},
    CLI_ROWS_PREPROCESS(convert_arguments, context),
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Others"},
    CLI_ROWS_DEVICE(convert_arguments, context),
    CLI_ROW_JSON(convert_arguments, json),
    CLI_ROW_QUIET(convert_arguments, context),
    CLI_ROW_NO_CACHE(convert_arguments, context),
    {0},
};

/* A conversion under way. */
typedef struct conversion {
    cli_context context;
    const convert_arguments *arguments;
    const char *in, *out;
    clvgg_preprocess stated;
    clvgg_export_options request;
    clvgg_export_report report;
    cli_export export;
} conversion;

static const char *check(const void *given)
{
    const convert_arguments *arguments = given;
    return arguments->files.count != 2 ? "needs two files: IN and OUT" : NULL;
}

/* ---- what was made ---- */

static void print_text(const conversion *run, vgg_text *text)
{
    const clvgg_export_report *report = &run->report;
    vgg_text_terminal(text, run->out);
    vgg_text_printf(text, ": %s, %zu tensors, %s", clvgg_export_format_name(run->request.format),
                    report->tensor_count, VGG_SIZE(report->bytes));
    vgg_text_puts(text, "\npreprocessing: ");
    vgg_report_preprocess(text, &run->context.preprocess);
    vgg_text_name(text, " (", run->context.preprocess_origin, ")\n");
    cli_export_print_check(&run->context, report, text);
}

static void print_json(const conversion *run, vgg_text *text)
{
    const clvgg_export_report *report = &run->report;
    vgg_json json = {0};
    vgg_json_begin(&json, text);
    vgg_json_string(&json, "input", run->in);
    vgg_json_string(&json, "output", run->out);
    vgg_json_string(&json, "format", clvgg_export_format_name(run->request.format));
    vgg_json_bytes(&json, "bytes", report->bytes);
    vgg_json_bytes(&json, "tensors", report->tensor_count);
    vgg_report_preprocess_json(&json, "preprocess", &run->context.preprocess,
                               run->context.preprocess_origin);
    cli_export_check_json(report, &json);
    vgg_json_end(&json);
}

/* ---- the work ---- */

/* A machine without a device is no failure unless one was asked for: then there is no check. */
static clvgg_status open_device(conversion *run)
{
    const cli_program *cli = run->context.cli;
    const bool asked = run->arguments->context.device != NULL || cli->device != NULL;
    if (run->arguments->no_check)
        return CLVGG_STATUS_OK;
    const clvgg_status status = cli_context_open_device(&run->context);
    if (status == CLVGG_STATUS_NO_DEVICE && !asked) {
        snprintf(run->report.unchecked, sizeof run->report.unchecked, "no device");
        return CLVGG_STATUS_OK;
    }
    run->request.check_device = run->context.device;
    return status;
}

static clvgg_status keep_what_is_read(const conversion *run)
{
    VGG_PASS(cli_context_keep_model(&run->context, "OUT", run->out));
    return cli_replaces(run->out, run->arguments->preprocess)
               ? cli_misuse(run->context.cli, "OUT would replace '%s', which is to be read",
                            run->out)
               : CLVGG_STATUS_OK;
}

static clvgg_status take_options(conversion *run)
{
    const convert_arguments *arguments = run->arguments;
    clvgg_export_options_defaults(&run->request);
    run->request.format =
        arguments->to >= 0 ? (clvgg_export_format)arguments->to : clvgg_export_format_of(run->out);
    run->request.keep_dtype = arguments->dtype < 0;
    if (arguments->dtype >= 0)
        run->request.dtype = (clvgg_dtype)arguments->dtype;
    if (arguments->preprocess != NULL) {
        VGG_PASS(clvgg_preprocess_read(run->context.model, arguments->preprocess, &run->stated));
        run->context.stated = &run->stated;
    }
    VGG_PASS(cli_context_settle_preprocess(&run->context));
    if (run->context.preprocess_origin != clvgg_model_preprocess_origin(run->context.model))
        run->request.preprocess = &run->context.preprocess;
    return CLVGG_STATUS_OK;
}

static clvgg_status run_convert(cli_program *cli, const void *given)
{
    const convert_arguments *arguments = given;
    clvgg_status status = CLVGG_STATUS_OK;
    cli_context_arguments context_arguments = arguments->context;
    conversion run = {
        .arguments = arguments, .in = arguments->files.items[0], .out = arguments->files.items[1]};
    context_arguments.model = run.in;
    VGG_TRY(cli_context_begin(&run.context, cli, &context_arguments));
    run.export = (cli_export){.cli = cli, .quiet = arguments->context.quiet};
    run.context.keep_batch_norm = !arguments->fold;
    VGG_TRY(cli_context_load_model(&run.context));
    VGG_TRY(keep_what_is_read(&run));
    VGG_TRY(take_options(&run));
    VGG_TRY(open_device(&run));
    VGG_TRY(cli_export_model(&run.export, run.context.model, run.out, &run.request, &run.report));
    (arguments->json ? print_json : print_text)(&run, &cli->out.text);
cleanup:
    cli_context_close(&run.context);
    return status;
}

const cli_verb cli_verb_convert = {
    .name = "convert",
    .summary = "write a model as a file that other programs read",
    .usage = "[OPTION]... IN OUT",
    .description =
        "Reads a model of any format ('clvgg info --formats' lists them) and writes it for clvgg,\n"
        "PyTorch (torchvision's names), ONNX Runtime, OpenCV and ncnn's pnnx (ONNX), or NumPy.\n"
        "Preprocessing, labels and the file it was made from are stored in OUT. Before OUT gets\n"
        "its name it is read again: its logits must be IN's (without a classifier, its last\n"
        "layer's values). An ONNX model ends with the logits.",
    .examples = "  clvgg convert vgg16.pth vgg16.safetensors\n"
                "  clvgg convert --dtype f16 --labels names.txt net.keras net.onnx\n"
                "  clvgg convert --to torchvision mine.safetensors for-torch.safetensors\n"
                "  clvgg convert --preprocess caffe arrays.npz vgg16.safetensors\n",
    .options = options,
    .arguments_size = sizeof(convert_arguments),
    .defaults = &(const convert_arguments){.context = CLI_CONTEXT_DEFAULTS, .to = -1, .dtype = -1},
    .check = check,
    .run = run_convert,
};

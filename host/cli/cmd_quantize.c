/* cli/cmd_quantize.c — `clvgg quantize`: a model of int8 weights and quantised inputs, made of one
 * in floats by what photographs give.
 */
#include <stdio.h>
#include <string.h>

#include "cli/export.h"
#include "cli/interrupt.h"
#include "cli/value.h"
#include "clvgg/quantize.h"
#include "report/format.h"
#include "report/table.h"

enum { DEFAULT_COUNT = 100 };

typedef struct quantize_arguments {
    cli_context_arguments context;
    cli_execution_arguments execution;
    cli_list calibrate, keep;
    cli_allowance max_bad;
    double percentile;
    int count, range; /* range: a clvgg_range_method */
    bool all, no_check, json;
    cli_operands files;
} quantize_arguments;

#define AT(field) offsetof(quantize_arguments, field)

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, AT(files), "MODEL OUT", 0, 0, ""},
    {"calibrate", 0, CLI_OPTION_LIST, AT(calibrate), "PATH", 0, 0,
     "Photographs like those that it is for, or a folder of them;\n"
     "repeatable"},
    {"count", 0, CLI_OPTION_COUNT, AT(count), "N", 1, 1000000,
     "Use N of them, taken evenly from first to last (100)"},
    CLI_ROW_MAX_BAD(quantize_arguments, max_bad),
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "What is quantised, and how"},
    {"range", 0, CLI_OPTION_CHOICE, AT(range), "mse|max|percentile", 0, 0,
     "The range of a layer's input: of least square error, all that\n"
     "was seen, or all but the largest values (mse)"},
    {"percentile", 0, CLI_OPTION_REAL, AT(percentile), "P", 50, 100,
     "With percentile: so many per cent of values are in range (99.99)"},
    {"keep", 0, CLI_OPTION_LIST, AT(keep), "LAYER", 0, 0,
     "Leave this layer as it is, beside the first convolution and the\n"
     "last dense layer; repeatable"},
    {"all", 0, CLI_OPTION_FLAG, AT(all), NULL, 0, 0,
     "Quantise the first convolution and the last dense layer too"},
    {"no-check", 0, CLI_OPTION_FLAG, AT(no_check), NULL, 0, 0,
     "Don't read OUT again to compare its answer"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Others"},
    CLI_ROWS_DEVICE(quantize_arguments, context),
    CLI_ROWS_BATCH(quantize_arguments, execution),
    CLI_ROW_JSON(quantize_arguments, json),
    CLI_ROW_QUIET(quantize_arguments, context),
    CLI_ROW_NO_CACHE(quantize_arguments, context),
    CLI_ROW_NO_VERIFY(quantize_arguments, context),
    {0},
};

static const char *check(const void *given)
{
    const quantize_arguments *arguments = given;
    if (arguments->files.count != 2)
        return "needs two files: MODEL and OUT";
    return arguments->calibrate.count == 0 ? "needs photographs: --calibrate PATH" : NULL;
}

/* A model being quantised. */
typedef struct quantization {
    cli_context context;
    const quantize_arguments *arguments;
    const char *in, *out;
    clvgg_calibration *calibration;
    clvgg_model *model; /* the quantised one */
    clvgg_export_report report;
    vgg_progress progress;
    size_t done, failed;
} quantization;

/* ---- photographs ---- */

static clvgg_status note_photograph(void *user, const clvgg_stream_item *item)
{
    quantization *run = user;
    VGG_CHECK(item->status != CLVGG_STATUS_OUT_OF_MEMORY, CLVGG_STATUS_OUT_OF_MEMORY, "%s",
              item->message); /* no fault of the photograph's */
    if (item->status != CLVGG_STATUS_OK) {
        vgg_progress_clear(&run->progress);
        cli_error(run->context.cli, "%s", item->message);
        run->failed++;
    }
    vgg_progress_update(&run->progress, ++run->done);
    VGG_CHECK(cli_interrupt_signal() == 0, CLVGG_STATUS_CANCELLED, "interrupted: %s wasn't written",
              run->out);
    return CLVGG_STATUS_OK;
}

static clvgg_status look_at_all(quantization *run)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const quantize_arguments *arguments = run->arguments;
    clvgg_image_stream *stream = NULL;
    clvgg_image_stream_options wanted;
    clvgg_image_stream_options_defaults(&wanted);
    wanted.preprocess = run->context.preprocess;
    wanted.max_batch =
        cli_execution_batch(&arguments->execution, cli_context_input_elements(&run->context), 0);
    wanted.memory_limit_bytes = arguments->execution.memory_limit_bytes;
    wanted.most = (size_t)arguments->count;
    VGG_TRY(clvgg_image_stream_open(run->context.runtime, arguments->calibrate.items,
                                    arguments->calibrate.count, &wanted, &stream));
    cli_say_skipped(run->context.cli, stream);
    if (!arguments->context.quiet)
        run->progress = vgg_progress_start(&run->context.cli->err_style, "calibrating",
                                           clvgg_image_stream_count(stream));
    VGG_TRY(clvgg_calibration_add_stream(run->calibration, stream, note_photograph, run));
cleanup:
    vgg_progress_finish(&run->progress);
    clvgg_image_stream_close(stream);
    return status;
}

static clvgg_status calibrate(quantization *run)
{
    const quantize_arguments *arguments = run->arguments;
    clvgg_calibration_options wanted;
    clvgg_calibration_options_defaults(&wanted);
    wanted.max_batch = arguments->execution.batch;
    wanted.memory_limit_bytes = arguments->execution.memory_limit_bytes;
    wanted.execution = cli_execution(&arguments->execution);
    VGG_PASS(clvgg_calibration_create(run->context.device, run->context.model, &wanted,
                                      &run->calibration));
    VGG_PASS(look_at_all(run));
    const size_t counted = (size_t)clvgg_calibration_image_count(run->calibration);
    VGG_CHECK(counted > 0, CLVGG_STATUS_NOT_FOUND, "none of the photographs can be read");
    VGG_CHECK(
        cli_allowance_permits(&arguments->max_bad, run->failed, run->done), CLVGG_STATUS_BAD_FILE,
        "%zu of %zu photographs can't be read, more than --max-bad allows", run->failed, run->done);
    return CLVGG_STATUS_OK;
}

/* ---- the file ---- */

static clvgg_status keep_what_is_read(const quantization *run)
{
    const cli_list *paths = &run->arguments->calibrate;
    VGG_PASS(cli_context_keep_model(&run->context, "OUT", run->out));
    for (size_t i = 0; i < paths->count; i++)
        if (cli_replaces(run->out, paths->items[i]))
            return cli_misuse(run->context.cli, "OUT would replace '%s', which is to be read",
                              paths->items[i]);
    return CLVGG_STATUS_OK;
}

/* Before minutes are spent on photographs. */
static clvgg_status check_kept(const quantization *run)
{
    const cli_list *keep = &run->arguments->keep;
    clvgg_layer_info layer;
    size_t index;
    for (size_t i = 0; i < keep->count; i++)
        VGG_PASS(cli_context_find_layer(&run->context, keep->items[i], &layer, &index));
    return CLVGG_STATUS_OK;
}

static clvgg_status write_model(quantization *run)
{
    const quantize_arguments *arguments = run->arguments;
    cli_export export = {.cli = run->context.cli, .quiet = arguments->context.quiet};
    clvgg_quantize_options wanted;
    clvgg_export_options request;
    clvgg_quantize_options_defaults(&wanted);
    wanted.method = (clvgg_range_method)arguments->range;
    wanted.percentile = arguments->percentile;
    wanted.quantize_ends = arguments->all;
    wanted.keep = arguments->keep.items;
    wanted.keep_count = arguments->keep.count;
    VGG_PASS(clvgg_calibration_quantize(run->calibration, &wanted, &run->model));
    clvgg_export_options_defaults(&request);
    request.check_device = arguments->no_check ? NULL : run->context.device;
    return cli_export_model(&export, run->model, run->out, &request, &run->report);
}

/* ---- what was made ---- */

static void put_levels(vgg_table *table, const clvgg_quantized_layer *layer)
{
    vgg_text *cell = vgg_table_cell(table);
    if (layer->quantized)
        vgg_text_printf(cell, "%d to %d", layer->low, layer->high);
    else
        vgg_text_printf(cell, "float: %s", layer->kept);
    vgg_table_next(table);
}

static void print_layers(const quantization *run, vgg_text *text)
{
    static const vgg_column columns[] = {
        {"layer", false},         {"largest", true},    {"range", true},   {"levels", false},
        {"error of input", true}, {"of weights", true}, {"together", true}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < clvgg_calibration_layer_count(run->calibration); i++) {
        clvgg_quantized_layer layer = {.struct_size = sizeof layer};
        if (clvgg_calibration_layer(run->calibration, i, &layer) != CLVGG_STATUS_OK)
            continue;
        vgg_table_put(&table, layer.name);
        vgg_table_measure(&table, (double)layer.largest, 3, "");
        vgg_table_measure(&table, (double)layer.range, 3, "");
        put_levels(&table, &layer);
        vgg_table_measure(&table, 100 * layer.input_error, 2, " %");
        vgg_table_measure(&table, 100 * layer.weight_error, 2, " %");
        vgg_table_measure(&table, 100 * layer.error, 2, " %");
    }
    vgg_table_finish(&table, &run->context.cli->out_style, text);
}

static void print_text(const quantization *run, vgg_text *text)
{
    const size_t images = (size_t)clvgg_calibration_image_count(run->calibration);
    print_layers(run, text);
    vgg_text_puts(text, "\n");
    vgg_text_terminal(text, run->out);
    vgg_text_printf(text, ": %s, int8 weights, %d quantised layers, by %zu photograph%s\n",
                    VGG_SIZE(run->report.bytes), clvgg_model_quantized_layers(run->model), images,
                    images == 1 ? "" : "s");
    cli_export_print_check(&run->context, &run->report, text);
}

static void layer_json(const clvgg_quantized_layer *layer, vgg_json *json)
{
    const double levels[] = {(double)layer->low, (double)layer->high};
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "name", layer->name);
    vgg_json_bool(json, "quantized", layer->quantized != 0);
    if (!layer->quantized)
        vgg_json_string(json, "kept", layer->kept);
    vgg_json_number(json, "largest", (double)layer->largest);
    vgg_json_number(json, "range", (double)layer->range);
    vgg_json_number(json, "scale", (double)layer->scale);
    vgg_json_numbers(json, "levels", levels, 2);
    vgg_json_number(json, "input_error", layer->input_error);
    vgg_json_number(json, "weight_error", layer->weight_error);
    vgg_json_number(json, "error", layer->error);
    vgg_json_end(json);
}

static void print_json(const quantization *run, vgg_text *text)
{
    static const char *const ranges[] = {"mse", "max", "percentile"};
    vgg_json json = {0};
    vgg_json_begin(&json, text);
    vgg_json_string(&json, "input", run->in);
    vgg_json_string(&json, "output", run->out);
    vgg_json_bytes(&json, "bytes", run->report.bytes);
    vgg_json_bytes(&json, "images", clvgg_calibration_image_count(run->calibration));
    vgg_json_bytes(&json, "failed", run->failed);
    vgg_json_string(&json, "range", ranges[run->arguments->range]);
    if (run->arguments->range == CLVGG_RANGE_PERCENTILE)
        vgg_json_number(&json, "percentile", run->arguments->percentile);
    vgg_json_integer(&json, "quantized_layers", clvgg_model_quantized_layers(run->model));
    vgg_json_begin_array(&json, "layers");
    for (size_t i = 0; i < clvgg_calibration_layer_count(run->calibration); i++) {
        clvgg_quantized_layer layer = {.struct_size = sizeof layer};
        if (clvgg_calibration_layer(run->calibration, i, &layer) == CLVGG_STATUS_OK)
            layer_json(&layer, &json);
    }
    vgg_json_end(&json);
    cli_export_check_json(&run->report, &json);
    vgg_json_end(&json);
}

static clvgg_status run_quantize(cli_program *cli, const void *given)
{
    const quantize_arguments *arguments = given;
    clvgg_status status = CLVGG_STATUS_OK;
    cli_context_arguments context_arguments = arguments->context;
    quantization run = {
        .arguments = arguments, .in = arguments->files.items[0], .out = arguments->files.items[1]};
    context_arguments.model = run.in;
    VGG_TRY(cli_context_begin(&run.context, cli, &context_arguments));
    VGG_TRY(cli_context_load_model(&run.context));
    VGG_TRY(keep_what_is_read(&run));
    VGG_TRY(check_kept(&run));
    VGG_TRY(cli_context_settle_preprocess(&run.context));
    VGG_TRY(cli_context_check_photographs(&run.context));
    VGG_TRY(cli_context_open_device(&run.context));
    cli_interrupt_watch();
    VGG_TRY(calibrate(&run));
    VGG_TRY(write_model(&run));
    (arguments->json ? print_json : print_text)(&run, &cli->out.text);
cleanup:
    vgg_message_hold(); /* a failure's, which is printed behind this */
    clvgg_model_free(run.model);
    clvgg_calibration_free(run.calibration);
    vgg_message_release();
    cli_context_close(&run.context);
    return status;
}

const cli_verb cli_verb_quantize = {
    .name = "quantize",
    .summary = "make a model of int8, by what photographs give",
    .usage = "[OPTION]... MODEL OUT --calibrate PATH",
    .description =
        "Runs a model over photographs and counts what its convolutions and dense layers take.\n"
        "OUT is the model with int8 weights and inputs held to 255 levels, about a quarter of the\n"
        "size in float32: a safetensors file that runs as any other. The error of a layer is\n"
        "relative (L2), of its input and its weights.",
    .examples =
        "  clvgg quantize vgg16.safetensors vgg16-int8.safetensors --calibrate photos/\n"
        "  clvgg quantize net.onnx net8.safetensors --calibrate photos/ --count 500 --keep fc6\n"
        "  clvgg eval --data photos/ --model vgg16-int8.safetensors\n",
    .options = options,
    .arguments_size = sizeof(quantize_arguments),
    .defaults = &(const quantize_arguments){.context = CLI_CONTEXT_DEFAULTS,
                                            .max_bad = CLI_ALLOWANCE_DEFAULT,
                                            .percentile = 99.99,
                                            .count = DEFAULT_COUNT},
    .check = check,
    .run = run_quantize,
};

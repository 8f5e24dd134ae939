/* cli/run/run_setup.c — from arguments to a device, a model, its preprocessing, and a running
 * start. */
#include <inttypes.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/model_file.h"
#include "cli/run/run.h"
#include "report/clock.h"
#include "report/device.h"
#include "report/format.h"
#include "report/model.h"

bool cli_run_takes_photographs(const cli_run *run)
{
    if (vgg_report_takes_photographs(&run->preprocess))
        return true;
    cli_error(run->cli,
              "%s: takes %d channels; a photograph gives 3, or 1 in grey ('clvgg run --input' "
              "gives it arrays)",
              clvgg_model_name(run->model), run->preprocess.channels);
    return false;
}

/* Values of --mean or --std: as many as the model's input has channels. */
static bool take_values(const cli_run *run, const char *option, const cli_values *given,
                        float values[3])
{
    const int channels = run->preprocess.channels;
    if (given->count > 0 && given->count != channels) {
        cli_error(run->cli, "--%s has %d value%s, %s has %d channel%s", option, given->count,
                  given->count == 1 ? "" : "s", clvgg_model_name(run->model), channels,
                  channels == 1 ? "" : "s");
        return false;
    }
    memcpy(values, given->values, (size_t)given->count * sizeof *values);
    return true;
}

/* Overrides the model's preprocessing by the user's options. */
static bool override_preprocess(cli_run *run)
{
    const cli_run_arguments *arguments = run->arguments;
    clvgg_preprocess *preprocess = &run->preprocess;
    clvgg_preprocess before = *preprocess;
    if (arguments->input_size.height > 0) {
        preprocess->height = arguments->input_size.height;
        preprocess->width = arguments->input_size.width;
        preprocess->resize_short = 0; /* in proportion */
    }
    if (arguments->resize_mode >= 0)
        preprocess->mode = (clvgg_resize_mode)arguments->resize_mode;
    if (arguments->resize_short > 0)
        preprocess->resize_short = arguments->resize_short;
    if (arguments->channels >= 0 && preprocess->channels != 3) {
        cli_error(run->cli, "--channels orders three, %s has %d", clvgg_model_name(run->model),
                  preprocess->channels);
        return false;
    }
    if (arguments->channels >= 0)
        preprocess->order = (clvgg_channel_order)arguments->channels;
    if (arguments->scale > 0)
        preprocess->scale = arguments->scale;
    if (!take_values(run, "mean", &arguments->mean, preprocess->mean) ||
        !take_values(run, "std", &arguments->std, preprocess->std))
        return false;
    bool changed = memcmp(&before, preprocess, sizeof before) != 0;
    run->preprocess_origin =
        changed ? "changed by options" : clvgg_model_preprocess_origin(run->model);
    return true;
}

static bool load_map(cli_run *run, int *exit_code)
{
    run->ranked_count = run->class_count = clvgg_model_class_count(run->model);
    if (run->arguments->map == NULL)
        return true;
    run->map = cli_load_map(run->cli, run->model, run->arguments->map, exit_code);
    if (run->map == NULL)
        return false;
    run->ranked_count = clvgg_class_map_count(run->map);
    run->has_other = clvgg_class_map_size(run->map, run->ranked_count) > 0;
    return true;
}

int cli_run_setup(cli_run *run)
{
    const cli_run_arguments *arguments = run->arguments;
    double start = vgg_clock_ms();
    clvgg_model_options model_options;
    clvgg_model_options_defaults(&model_options);
    model_options.input_height = arguments->input_size.height;
    model_options.input_width = arguments->input_size.width;
    model_options.labels_path = arguments->labels;
    int exit_code = CLI_EXIT_OK;
    run->model = cli_load_model(run->cli, run->runtime, arguments->model, &model_options,
                                &run->labels_path, &exit_code);
    if (run->model == NULL || !load_map(run, &exit_code))
        return exit_code;
    clvgg_device_options device_options;
    clvgg_device_options_defaults(&device_options);
    device_options.compute_units = (uint32_t)arguments->compute_units;
    const char *spec = arguments->device != NULL ? arguments->device : run->cli->device;
    clvgg_status status = clvgg_device_open(run->runtime, spec, &device_options, &run->device);
    run->device_info.struct_size = sizeof run->device_info;
    if (status == CLVGG_STATUS_OK)
        status = clvgg_device_get_info(run->device, &run->device_info);
    if (status != CLVGG_STATUS_OK)
        return cli_fail(run->cli, status);
    clvgg_preprocess_defaults(&run->preprocess);
    clvgg_model_preprocess(run->model, &run->preprocess);
    if (!override_preprocess(run))
        return CLI_EXIT_USAGE;
    run->load_ms = vgg_clock_ms() - start;
    return CLI_EXIT_OK;
}

size_t cli_run_input_elements(const cli_run *run)
{
    const clvgg_preprocess *p = &run->preprocess;
    return (size_t)p->channels * (size_t)p->height * (size_t)p->width;
}

/* Floats of one image that this process holds: its input, its classes, the layer written. */
static uint64_t host_elements(const cli_run *run)
{
    uint64_t elements = 2 * (uint64_t)run->class_count + cli_run_input_elements(run);
    const char *wanted = run->arguments->layer;
    for (size_t i = 0; wanted != NULL && i < clvgg_model_layer_count(run->model); i++) {
        clvgg_layer_info layer = {.struct_size = sizeof layer};
        if (clvgg_model_layer(run->model, i, &layer) != CLVGG_STATUS_OK ||
            strcmp(layer.name, wanted) != 0)
            continue;
        uint64_t values = 1;
        for (int d = 0; d < layer.output.rank; d++)
            values *= (uint64_t)layer.output.dims[d];
        elements += values;
    }
    return elements;
}

int cli_run_batch(const cli_run *run, size_t image_count)
{
    enum { DEFAULT_BATCH = 8 };
    uint64_t batch = run->arguments->batch > 0 ? (uint64_t)run->arguments->batch : DEFAULT_BATCH;
    if (image_count > 0 && batch > image_count)
        batch = image_count;
    if (run->arguments->memory_limit_bytes > 0) {
        uint64_t fit = run->arguments->memory_limit_bytes / (4 * host_elements(run));
        batch = batch > fit ? fit : batch;
    }
    return batch > 0 ? (int)batch : 1;
}

clvgg_execution cli_run_execution(const cli_run_arguments *arguments)
{
    return (clvgg_execution){.gemm = (clvgg_gemm)arguments->gemm,
                             .variants = arguments->variants.items,
                             .variant_count = arguments->variants.count,
                             .storage = arguments->storage,
                             .memory_limit_bytes = arguments->memory_limit_bytes};
}

static clvgg_status start_engine(cli_run *run, int batch)
{
    const cli_run_arguments *arguments = run->arguments;
    run->output_names[CLI_OUTPUT_LOGITS] = "logits";
    run->output_names[CLI_OUTPUT_PROB] = "prob";
    run->output_names[CLI_OUTPUT_LAYER] = arguments->layer != NULL ? arguments->layer : "logits";
    for (run->layer_index = 0;
         strcmp(run->output_names[run->layer_index], run->output_names[CLI_OUTPUT_LAYER]) != 0;)
        run->layer_index++;
    clvgg_session_options options;
    clvgg_session_options_defaults(&options);
    options.max_batch = batch;
    options.outputs = run->output_names;
    options.output_count =
        run->layer_index == CLI_OUTPUT_LAYER ? CLI_OUTPUT_COUNT : CLI_OUTPUT_LAYER;
    options.execution = cli_run_execution(arguments);
    options.profile = arguments->profile;
    run->engine = (cli_engine){
        .cli = run->cli, .device = run->device, .model = run->model, .options = options};
    return cli_engine_start(&run->engine);
}

/* Buffers for one batch, the ranking, and the writer of --output. */
static clvgg_status make_buffers(cli_run *run, int batch)
{
    size_t rows = (size_t)batch;
    clvgg_shape shape = {0};
    run->input = vgg_calloc(rows * run->engine.input_elements, sizeof *run->input);
    run->ranking = vgg_calloc(run->ranked_count, sizeof *run->ranking);
    run->groups = vgg_calloc(run->ranked_count, sizeof *run->groups);
    bool complete = run->input != NULL && run->ranking != NULL && run->groups != NULL;
    for (size_t i = 0; i < run->engine.options.output_count; i++) {
        clvgg_status status = clvgg_session_output_shape(run->engine.session, i, &shape);
        if (status != CLVGG_STATUS_OK)
            return status;
        run->sizes[i] = 1;
        for (int d = 0; d < shape.rank; d++)
            run->sizes[i] *= (size_t)shape.dims[d];
        run->outputs[i] = vgg_calloc(rows * run->sizes[i], sizeof *run->outputs[i]);
        complete = complete && run->outputs[i] != NULL;
    }
    if (!complete)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    if (run->arguments->output == NULL)
        return CLVGG_STATUS_OK;
    clvgg_status status = clvgg_session_output_shape(run->engine.session, run->layer_index, &shape);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_npy_create(run->runtime, run->arguments->output, &shape, &run->writer);
    return status;
}

/* Prints device, model and preprocessing, three lines for any number of images. */
static void announce(const cli_run *run)
{
    vgg_text text = {0};
    clvgg_session_stats stats = {.struct_size = sizeof stats};
    clvgg_session_get_stats(run->engine.session, &stats);
    vgg_text_puts(&text, "device: ");
    vgg_report_device_name(&text, &run->device_info);
    vgg_text_puts(&text, "; ");
    vgg_report_memory(&text, &stats);
    vgg_text_printf(&text, ", batch %d\nmodel: ", run->engine.options.max_batch);
    vgg_text_terminal(&text, clvgg_model_name(run->model));
    vgg_text_puts(&text, " (");
    vgg_text_terminal(&text, clvgg_model_architecture(run->model));
    vgg_text_printf(&text, ", %zu class%s", run->class_count,
                    vgg_plural(run->class_count, "", "es"));
    if (run->labels_path != NULL) {
        vgg_text_puts(&text, ", labels from ");
        vgg_text_terminal(&text, run->labels_path);
    }
    if (run->map != NULL) {
        vgg_text_printf(&text, ", %zu group%s from ", run->ranked_count,
                        vgg_plural(run->ranked_count, "", "s"));
        vgg_text_terminal(&text, run->arguments->map);
    }
    vgg_text_puts(&text, ")");
    if (run->arguments->input == NULL) {
        vgg_text_puts(&text, "\npreprocessing: ");
        vgg_report_preprocess(&text, &run->preprocess);
        vgg_text_printf(&text, " (%s)", run->preprocess_origin);
    }
    if (!text.failed)
        cli_note(run->cli, "%s", text.bytes);
    vgg_text_free(&text);
}

clvgg_status cli_run_start(cli_run *run, int batch)
{
    clvgg_status status = start_engine(run, batch);
    cli_interrupt_watch(); /* until here there is nothing to complete or to clean up */
    if (status == CLVGG_STATUS_OK)
        status = make_buffers(run, batch);
    if (status != CLVGG_STATUS_OK)
        return status;
    if (!run->arguments->quiet)
        announce(run);
    run->started = true;
    run->format->begin(run);
    return CLVGG_STATUS_OK;
}

/* cli/run/run_setup.c — from arguments to a running start: groups and session. */
#include <string.h>

#include "cli/interrupt.h"
#include "cli/run/run.h"
#include "report/clock.h"
#include "report/device.h"
#include "report/format.h"
#include "report/model.h"

static clvgg_status load_map(cli_run *run)
{
    run->ranked_count = run->class_count = clvgg_model_class_count(run->context.model);
    if (run->arguments->map == NULL)
        return CLVGG_STATUS_OK;
    VGG_PASS(cli_context_load_map(&run->context, run->arguments->map, &run->map));
    run->ranked_count = clvgg_class_map_count(run->map);
    run->has_other = clvgg_class_map_size(run->map, run->ranked_count) > 0;
    return CLVGG_STATUS_OK;
}

/* A layer's values need no probabilities. */
static bool takes_layer_alone(const cli_run *run)
{
    size_t prob;
    return run->arguments->layer != NULL && run->arguments->map == NULL &&
           clvgg_model_find_layer(run->context.model, "prob", &prob) != CLVGG_STATUS_OK;
}

clvgg_status cli_run_setup(cli_run *run)
{
    const double start = vgg_report_now_ms();
    VGG_PASS(cli_context_load_model(&run->context));
    VGG_PASS(cli_context_keep_model(&run->context, "--output", run->arguments->output));
    if (!takes_layer_alone(run)) {
        VGG_PASS(cli_context_check_classifier(&run->context));
        VGG_PASS(load_map(run));
    }
    VGG_PASS(cli_context_open_device(&run->context));
    VGG_PASS(cli_context_settle_preprocess(&run->context));
    run->load_ms = vgg_report_now_ms() - start;
    return CLVGG_STATUS_OK;
}

/* Floats of one image that this process holds: its input, its classes, the layer written. A layer
 * that doesn't exist is refused when the session is made. */
static uint64_t host_elements(const cli_run *run)
{
    uint64_t elements = 2 * (uint64_t)run->class_count + cli_context_input_elements(&run->context);
    clvgg_layer_info layer = {.struct_size = sizeof layer};
    size_t index = 0;
    if (run->arguments->layer != NULL &&
        cli_context_find_layer(&run->context, run->arguments->layer, &layer, &index) ==
            CLVGG_STATUS_OK) {
        uint64_t values = 1;
        for (int d = 0; d < layer.output.rank; d++)
            values *= (uint64_t)layer.output.dims[d];
        elements += values;
    }
    return elements;
}

int cli_run_batch(const cli_run *run, size_t image_count)
{
    return cli_execution_batch(&run->arguments->execution, host_elements(run), image_count);
}

static clvgg_status make_session(cli_run *run, int batch)
{
    const cli_run_arguments *arguments = run->arguments;
    const char *layer = arguments->layer != NULL ? arguments->layer : "logits";
    const bool classifies = run->class_count > 0;
    run->output_names[CLI_OUTPUT_LOGITS] = classifies ? "logits" : layer;
    run->output_names[CLI_OUTPUT_PROB] = "prob";
    run->output_names[CLI_OUTPUT_LAYER] = layer;
    for (run->layer_index = 0;
         strcmp(run->output_names[run->layer_index], run->output_names[CLI_OUTPUT_LAYER]) != 0;)
        run->layer_index++;
    run->output_count = !classifies                            ? 1
                        : run->layer_index == CLI_OUTPUT_LAYER ? CLI_OUTPUT_COUNT
                                                               : CLI_OUTPUT_LAYER;
    clvgg_session_options options;
    clvgg_session_options_defaults(&options);
    options.execution = cli_execution(&arguments->execution);
    options.max_batch = batch;
    options.shrink_to_fit = 1;
    options.outputs = run->output_names;
    options.output_count = run->output_count;
    options.profile = arguments->profile;
    return clvgg_session_create(run->context.device, run->context.model, &options, &run->session);
}

/* Room for the ranking, and the writer of --output. */
static clvgg_status make_buffers(cli_run *run)
{
    clvgg_shape shape = {0};
    VGG_MEMORY_NEW_PASS(run->ranking, run->ranked_count, "the ranking of classes");
    VGG_MEMORY_NEW_PASS(run->groups, run->ranked_count, "the probabilities of groups");
    if (run->arguments->output != NULL) {
        VGG_PASS(clvgg_session_output_shape(run->session, run->layer_index, &shape));
        VGG_PASS(
            clvgg_npy_create(run->context.runtime, run->arguments->output, &shape, &run->writer));
    }
    return CLVGG_STATUS_OK;
}

/* Prints device, model and preprocessing, three lines for any number of images. */
static void announce(const cli_run *run)
{
    vgg_text text = {0};
    clvgg_session_stats stats = {.struct_size = sizeof stats};
    clvgg_session_get_stats(run->session, &stats);
    vgg_text_puts(&text, "device: ");
    vgg_report_device_name(&text, &run->context.device_info);
    vgg_text_puts(&text, "; ");
    vgg_report_memory(&text, &stats);
    vgg_text_printf(&text, ", batch %d\nmodel: ", stats.max_batch);
    vgg_text_name(&text, "", clvgg_model_name(run->context.model), " (");
    vgg_text_terminal(&text, clvgg_model_architecture(run->context.model));
    const size_t classes = clvgg_model_class_count(run->context.model);
    vgg_text_printf(&text, ", %zu class%s", classes, vgg_plural(classes, "", "es"));
    if (run->context.labels_path != NULL) {
        vgg_text_name(&text, ", labels from ", run->context.labels_path, "");
    }
    if (run->map != NULL) {
        vgg_text_printf(&text, ", %zu group%s from ", run->ranked_count,
                        vgg_plural(run->ranked_count, "", "s"));
        vgg_text_terminal(&text, run->arguments->map);
    }
    vgg_text_puts(&text, ")");
    if (run->arguments->input == NULL) {
        vgg_text_puts(&text, "\npreprocessing: ");
        vgg_report_preprocess(&text, &run->context.preprocess);
        vgg_text_printf(&text, " (%s)", run->context.preprocess_origin);
    }
    cli_note_text(run->cli, &text, "the lines that say what runs where");
}

clvgg_status cli_run_start(cli_run *run, int batch)
{
    const clvgg_status status = make_session(run, batch);
    cli_interrupt_watch(); /* until here there is nothing to complete or to clean up */
    VGG_PASS(status);
    VGG_PASS(make_buffers(run));
    if (!run->arguments->context.quiet)
        announce(run);
    run->started = true;
    run->format->begin(run);
    return CLVGG_STATUS_OK;
}

/* cli/bench/cmd_bench.c — `clvgg bench`: how fast a model runs on a device, and what the device can
 * do.
 *
 * This file parses and measures; bench_text.c and bench_json.c show.
 */
#include "cli/bench/bench.h"
#include "cli/each_device.h"
#include "cli/interrupt.h"

#define AT(field) offsetof(cli_bench_arguments, field)

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, 0, NULL, 0, 0, ": name a model by --model"},
    {"device", 'd', CLI_OPTION_TEXT, AT(context.device), "D|all", 0, 0,
     "Device as 'clvgg devices' lists it, or all that can be used, one\n"
     "after the other"},
    {"compute-units", 0, CLI_OPTION_COUNT, AT(context.compute_units), "N", 1, 65535,
     "Use only N compute units of a CPU"},
    {"model", 'm', CLI_OPTION_TEXT, AT(context.model), "F", 0, 0,
     "File of weights; or vgg11, vgg13, vgg16, vgg19: random weights,\n"
     "1000 classes (CLVGG_MODEL, else vgg16)"},
    {"batch", 'b', CLI_OPTION_COUNTS, AT(batches), "N,...", 1, 4096,
     "Batches to time, one after the other (1)"},
    CLI_ROW_INPUT_SIZE(cli_bench_arguments, context),
    {"layer", 0, CLI_OPTION_TEXT, AT(layer), "NAME", 0, 0,
     "Stop behind this layer (logits); see clvgg info"},
    {"mode", 0, CLI_OPTION_CHOICE, AT(mode), "infer|finetune", 0, 0,
     "What to time: passes of the model, or training steps of its dense\n"
     "layers (infer)"},
    {"head", 0, CLI_OPTION_TEXT, AT(head), "N,N|none", 0, 0,
     "With finetune: widths of fc6 and fc7; none: fc8 alone (4096,4096)"},
    {"classes", 0, CLI_OPTION_COUNT, AT(classes), "N", 1, 1000000, "With finetune (2)"},
    {"optimizer", 0, CLI_OPTION_CHOICE, AT(optimizer), "sgd|adam|adamw", 0, 0,
     "With finetune (sgd)"},
    {"min-time", 0, CLI_OPTION_NUMBER, AT(min_time), "S", 0, 0,
     "Repeat for S seconds (1), nine times at least, and on until the\n"
     "median is known to 1 %"},
    {"max-time", 0, CLI_OPTION_NUMBER, AT(max_time), "S", 0, 0,
     "But no longer than S seconds (five times --min-time)"},
    {"no-cold", 0, CLI_OPTION_FLAG, AT(no_cold), NULL, 0, 0,
     "Time no passes with emptied caches"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Output"},
    {"per-layer", 0, CLI_OPTION_FLAG, AT(per_layer), NULL, 0, 0,
     "Time every step too, in passes of their own"},
    {"roof", 0, CLI_OPTION_FLAG, AT(roof), NULL, 0, 0,
     "Measure all that bounds the device first: arithmetic, memory,\n"
     "caches, launches, transfers"},
    CLI_ROW_JSON(cli_bench_arguments, json),
    {"out", 0, CLI_OPTION_TEXT, AT(out), "FILE", 0, 0,
     "Also write the JSON object to FILE, for clvgg compare"},
    {"submit", 0, CLI_OPTION_TEXT, AT(submit), "FILE", 0, 0,
     "Write a result to hand on, with --per-layer and --roof; nothing\n"
     "in it tells who or where you are; see clvgg check-result"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Kernels"},
    CLI_ROWS_KERNELS(cli_bench_arguments, context, execution),
    {0},
};

/* Says on a terminal what takes a while. */
static void announce(const cli_benchmark *run, const char *what)
{
    if (run->cli->err_style.terminal)
        cli_note(run->cli, "%s", what);
}

/* FLOPs of one image from the input to --layer. */
static clvgg_status count_flops(cli_benchmark *run)
{
    const cli_context *context = &run->context;
    clvgg_layer_info layer = {.struct_size = sizeof layer};
    size_t index = 0;
    run->flops = clvgg_model_flops(context->model);
    if (run->arguments->layer == NULL)
        return CLVGG_STATUS_OK;
    VGG_PASS(cli_context_find_layer(context, run->arguments->layer, &layer, &index));
    for (run->flops = layer.flops; layer.input >= 0; run->flops += layer.flops)
        VGG_PASS(clvgg_model_layer(context->model, (size_t)layer.input, &layer));
    return CLVGG_STATUS_OK;
}

static clvgg_status create_bench(cli_benchmark *run)
{
    const cli_bench_arguments *arguments = run->arguments;
    clvgg_bench_options bench_options;
    clvgg_bench_options_defaults(&bench_options);
    bench_options.execution = cli_execution(&arguments->execution);
    bench_options.output = arguments->layer;
    bench_options.min_seconds = (double)arguments->min_time;
    bench_options.max_seconds = (double)arguments->max_time;
    bench_options.cold = !arguments->no_cold;
    bench_options.per_layer = arguments->per_layer;
    VGG_PASS(count_flops(run));
    announce(run, "preparing the reference");
    VGG_PASS(
        clvgg_bench_create(run->context.device, run->context.model, &bench_options, &run->bench));
    run->seeded = run->context.random_weights;
    return run->seeded ? clvgg_bench_weights(run->bench, &run->seed, run->weights_sha256)
                       : CLVGG_STATUS_OK;
}

/* Prepares everything before the first batch, first of all --out, which may be refused. */
static clvgg_status prepare(cli_benchmark *run)
{
    const cli_bench_arguments *arguments = run->arguments;
    if (arguments->out != NULL)
        VGG_PASS(vgg_text_file_open(arguments->out, &run->file));
    if (arguments->submit != NULL) {
        VGG_PASS(vgg_text_file_open(arguments->submit, &run->submission));
        cli_bench_scrub_device(run);
    }
    cli_interrupt_watch(); /* from here on there is a file to remove */
    announce(run, arguments->roof ? "measuring the device's roof" : "measuring the device's peak");
    VGG_PASS(clvgg_device_has_clock(run->context.device, &run->has_clock));
    VGG_PASS(cli_bench_measure_limits(run));
    return arguments->mode == CLI_BENCH_FINETUNE ? cli_bench_training_create(run)
                                                 : create_bench(run);
}

static bool is_tuned(const clvgg_session *session)
{
    clvgg_step_info step = {.struct_size = sizeof step};
    for (size_t i = 0; i < clvgg_session_step_count(session); i++)
        if (clvgg_session_step(session, i, &step) == CLVGG_STATUS_OK && step.tuned)
            return true;
    return false;
}

static clvgg_status run_batch(cli_benchmark *run, int batch, clvgg_bench_result *result)
{
    return run->training != NULL ? clvgg_train_bench_run(run->training, batch, result)
                                 : clvgg_bench_run(run->bench, batch, result);
}

/* The object isn't built for nothing: a failed allocation of it would go unnoticed. */
static bool wants_json(const cli_benchmark *run)
{
    return run->arguments->json || run->file != NULL || run->submission != NULL;
}

/* Every batch; a wrong one is reported and doesn't stop the others. */
static clvgg_status measure(cli_benchmark *run)
{
    for (size_t i = 0; i < run->arguments->batches.count && cli_interrupt_signal() == 0; i++) {
        clvgg_bench_result *result = &run->results[i];
        result->struct_size = sizeof *result;
        announce(run, "timing");
        VGG_PASS(run_batch(run, run->arguments->batches.values[i], result));
        run->result_count++;
        if (run->bench != NULL)
            run->tuned = run->tuned || is_tuned(clvgg_bench_session(run->bench));
        if (wants_json(run))
            cli_bench_json_result(run);
        if (!run->arguments->json)
            cli_bench_text_result(run);
        vgg_out_flush(&run->cli->out);
    }
    return CLVGG_STATUS_OK;
}

static void report_wrong(const cli_benchmark *run)
{
    for (size_t i = 0; i < run->result_count; i++)
        if (run->results[i].wrong)
            cli_fail(run->cli, vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                                        "batch %d: the %s are wrong, %.3g off: not timed",
                                        run->results[i].batch,
                                        run->training != NULL ? "step's losses and weights"
                                        : run->arguments->layer != NULL ? "values"
                                                                        : "logits",
                                        run->results[i].error_l2));
}

/* Ends the output: `status` is what stopped the measuring, with its message. */
static void end(cli_benchmark *run, clvgg_status status)
{
    const bool interrupted = cli_interrupt_signal() != 0;
    const bool submits = run->submission != NULL && status == CLVGG_STATUS_OK && !interrupted;
    vgg_message_hold(); /* it is printed behind this */
    cli_bench_sensors_end(run);
    vgg_message_release();
    if (submits)
        status = cli_bench_submit_end(run);
    run->submitted = submits && status == CLVGG_STATUS_OK;
    vgg_message_hold();
    if (wants_json(run) && !submits)
        cli_bench_json_end(run, status != CLVGG_STATUS_OK ? vgg_message_of(status)
                                : interrupted             ? "interrupted"
                                                          : NULL);
    vgg_message_release();
    cli_fail(run->cli, status);
    report_wrong(run);
    if (status == CLVGG_STATUS_OK && interrupted)
        cli_error(run->cli, "interrupted after %zu %s", run->result_count,
                  vgg_plural(run->result_count, "result", "results"));
    if (!run->arguments->json)
        cli_bench_text_end(run);
    else if (run->devices != NULL)
        vgg_json_object(run->devices, &run->json_text);
    else
        vgg_text_join(&run->cli->out.text, &run->json_text);
}

/* What is benchmarked: one device, or several into `devices`. */
typedef struct benchmarks {
    cli_program *cli;
    const cli_bench_arguments *arguments;
    vgg_json *devices; /* NULL: one, or text */
} benchmarks;

static clvgg_status bench_one(void *user, const char *device)
{
    const benchmarks *all = user;
    cli_program *cli = all->cli;
    cli_bench_arguments with = *all->arguments, *arguments = &with;
    clvgg_status status = CLVGG_STATUS_OK;
    cli_benchmark run = {.cli = cli, .arguments = arguments, .devices = all->devices};
    arguments->context.device = device;
    VGG_TRY(cli_context_begin(&run.context, cli, &arguments->context));
    VGG_TRY(cli_context_find_model(&run.context));
    VGG_TRY(cli_context_keep_model(&run.context, "--out", arguments->out));
    VGG_TRY(cli_context_keep_model(&run.context, "--submit", arguments->submit));
    VGG_TRY(cli_context_open_device(&run.context));
    VGG_TRY(prepare(&run));
    if (wants_json(&run))
        cli_bench_json_begin(&run);
    if (!arguments->json)
        cli_bench_text_begin(&run);
    end(&run, measure(&run));
    if (run.file != NULL && cli_interrupt_signal() == 0)
        VGG_TRY(vgg_text_file_finish(run.file, &run.json_text, "the results"));
    if (run.submitted)
        VGG_TRY(vgg_text_file_finish(run.submission, &run.json_text, "the results"));
cleanup:
    vgg_text_free(&run.json_text);
    vgg_text_file_free(run.file);
    vgg_text_file_free(run.submission);
    clvgg_bench_free(run.bench);
    clvgg_train_bench_free(run.training);
    cli_context_close(&run.context);
    return status;
}

static clvgg_status bench_all(benchmarks *all)
{
    const bool json = all->arguments->json;
    vgg_json devices;
    vgg_text text = {0};
    if (all->arguments->out != NULL)
        return cli_misuse(all->cli, "--out is for one device");
    if (!json)
        return cli_each_device(all->cli, true, bench_one, all);
    all->devices = &devices;
    vgg_json_begin(&devices, &text);
    vgg_json_begin_array(&devices, "devices");
    const clvgg_status status = cli_each_device(all->cli, false, bench_one, all);
    vgg_json_end(&devices);
    vgg_json_end(&devices);
    if (status == CLVGG_STATUS_OK) /* there was a device */
        vgg_text_join(&all->cli->out.text, &text);
    vgg_text_free(&text);
    return status;
}

static clvgg_status run_bench(cli_program *cli, const void *given)
{
    cli_bench_arguments asked = *(const cli_bench_arguments *)given;
    benchmarks all = {.cli = cli, .arguments = &asked};
    const char *device = asked.context.device;
    cli->no_verify = true; /* a wrong result is one of the results */
    asked.per_layer = asked.per_layer || asked.submit != NULL;
    asked.roof = asked.roof || asked.submit != NULL;
    VGG_PASS(cli_bench_submit_check(cli, &asked));
    VGG_PASS(cli_bench_training_check(cli, &asked));
    return cli_wants_all_devices(device) ? bench_all(&all) : bench_one(&all, device);
}

const cli_verb cli_verb_bench = {
    .name = "bench",
    .summary = "time a model, layer by layer if wanted",
    .usage = "[OPTION]...",
    .description =
        "Times passes of a model on a device, beside what the device can do at most. Before that\n"
        "the logits are checked against float64 ones, or for networks that aren't standard against\n"
        "the layers' definition, which takes a while on a CPU; wrong ones aren't timed. GFLOP/s\n"
        "count direct convolution, whatever the kernel does.",
    .examples = "  clvgg bench --batch 1,16 --per-layer\n"
                "  clvgg bench --device all --json > devices.json\n"
                "  clvgg bench --model vgg19 --variant '*=winograd_f2_fused' --out f2.json\n"
                "  clvgg bench --layer pool5 --input-size 512 --compute-units 1\n"
                "  clvgg bench --mode finetune --batch 32 --optimizer adam --per-layer\n"
                "  clvgg bench --device gpu --model net.safetensors --json\n"
                "  clvgg bench --batch 1,16 --submit vgg16.json\n",
    .options = options,
    .arguments_size = sizeof(cli_bench_arguments),
    .defaults = &(const cli_bench_arguments){.batches = {.values = {1}, .count = 1},
                                             .min_time = 1,
                                             .optimizer = -1},
    .run = run_bench,
};

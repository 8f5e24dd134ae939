/* cli/bench/cmd_bench.c — `clvgg bench`: how fast a model runs on a device, and what the device can
 * do.
 *
 * This file parses and measures; bench_text.c and bench_json.c show.
 */
#include <math.h>
#include <string.h>

#include "cli/bench/bench.h"
#include "cli/interrupt.h"
#include "cli/model_file.h"

#define AT(field) offsetof(cli_bench_arguments, field)

static const cli_option options[] = {
    {"device", 'd', CLI_OPTION_TEXT, AT(device), "D", 0, 0,
     "Index, P:D, part of a name, gpu, cpu, accelerator or uuid:...\n"
     "(CLVGG_DEVICE, else the first GPU, else the first device)"},
    {"compute-units", 0, CLI_OPTION_COUNT, AT(compute_units), "N", 1, 65535,
     "Use only N compute units of a CPU"},
    {"model", 'm', CLI_OPTION_TEXT, AT(model), "F", 0, 0,
     "Safetensors file; or vgg11, vgg13, vgg16, vgg19: random weights,\n"
     "1000 classes (CLVGG_MODEL, else vgg16)"},
    {"batch", 'b', CLI_OPTION_COUNTS, AT(batches), "N,...", 1, 4096,
     "Batches to time, one after the other (1)"},
    {"input-size", 0, CLI_OPTION_EXTENT, AT(input_size), "HxW", 1, 65535,
     "Input of H rows and W columns, or N for a square"},
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
     "Repeat for S seconds (1), nine times at least"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Output"},
    {"per-layer", 0, CLI_OPTION_FLAG, AT(per_layer), NULL, 0, 0,
     "Time every step too, in passes of their own"},
    {"json", 0, CLI_OPTION_FLAG, AT(json), NULL, 0, 0, "Print one JSON object"},
    {"out", 0, CLI_OPTION_TEXT, AT(out), "FILE", 0, 0,
     "Also write the JSON object to FILE, for clvgg compare"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Kernels"},
    {"gemm", 0, CLI_OPTION_CHOICE, AT(gemm), "auto|own|clblast", 0, 0,
     "Whose matrix multiplication serves dense layers"},
    {"variant", 0, CLI_OPTION_LIST, AT(variants), "LAYER=NAME", 0, 0,
     "Force a kernel for a layer, or for all with *=NAME; repeatable"},
    {"storage", 0, CLI_OPTION_STORAGE, AT(storage), CLVGG_STORAGE_NAMES, 0, 0,
     "Weights on the device in 32 bits, or in half the bytes: rounded;\n"
     "arithmetic stays float32 (f32)"},
    {"no-cache", 0, CLI_OPTION_FLAG, AT(no_cache), NULL, 0, 0,
     "Compile every program, and keep none"},
    {0},
};

double cli_bench_gflops(uint64_t flops, int batch, double ms)
{
    return ms > 0 ? (double)flops * batch / ms * 1e-6 : NAN;
}

cli_bench_layer cli_bench_describe(const cli_benchmark *run, const clvgg_step_info *step)
{
    const int batch = run->results[run->result_count - 1].batch;
    const double ms = step->ms > 0 ? step->ms : NAN;
    cli_bench_layer layer = {
        .layers = step->layers, .variant = step->variant, .tuned = step->tuned != 0, .ms = ms};
    memcpy(layer.name, step->layers, strcspn(step->layers, "+"));
    layer.gflops = cli_bench_gflops(step->flops, batch, ms);
    layer.executed_gflops = cli_bench_gflops(step->executed_flops, batch, ms);
    layer.fma_share = layer.gflops / run->peak.fma_gflops;
    layer.read_share = (double)step->weight_bytes / ms * 1e-6 / run->peak.read_gbps;
    return layer;
}

/* Says on a terminal what takes a while. */
static void announce(const cli_benchmark *run, const char *what)
{
    if (run->cli->err_style.terminal)
        cli_note(run->cli, "%s", what);
}

/* Returns an exit code; failures have been reported. */
static int find_model(cli_benchmark *run, clvgg_runtime *runtime)
{
    const cli_bench_arguments *arguments = run->arguments;
    return cli_find_model(run->cli, runtime, arguments->model, &arguments->input_size, &run->model,
                          &run->random_weights);
}

static clvgg_status open_device(cli_benchmark *run, clvgg_runtime *runtime)
{
    const cli_bench_arguments *arguments = run->arguments;
    clvgg_device_options device_options;
    clvgg_device_options_defaults(&device_options);
    device_options.compute_units = (uint32_t)arguments->compute_units;
    const char *spec = arguments->device != NULL ? arguments->device : run->cli->device;
    clvgg_status status = clvgg_device_open(runtime, spec, &device_options, &run->device);
    run->device_info.struct_size = sizeof run->device_info;
    if (status == CLVGG_STATUS_OK)
        status = clvgg_device_get_info(run->device, &run->device_info);
    return status;
}

/* FLOPs of one image from the input to --layer. A layer that doesn't exist is refused when the
 * session is made. */
static uint64_t count_flops(const cli_benchmark *run)
{
    clvgg_layer_info layer = {.struct_size = sizeof layer, .input = -1};
    const char *last = run->arguments->layer;
    uint64_t flops = 0;
    bool found = false;
    for (size_t i = 0; last != NULL && !found && i < clvgg_model_layer_count(run->model); i++)
        found = clvgg_model_layer(run->model, i, &layer) == CLVGG_STATUS_OK &&
                strcmp(layer.name, last) == 0;
    if (!found)
        return clvgg_model_flops(run->model);
    for (flops = layer.flops; layer.input >= 0; flops += layer.flops)
        if (clvgg_model_layer(run->model, (size_t)layer.input, &layer) != CLVGG_STATUS_OK)
            break;
    return flops;
}

static clvgg_status create_bench(cli_benchmark *run)
{
    const cli_bench_arguments *arguments = run->arguments;
    clvgg_bench_options bench_options;
    clvgg_bench_options_defaults(&bench_options);
    bench_options.execution = (clvgg_execution){.gemm = (clvgg_gemm)arguments->gemm,
                                                .variants = arguments->variants.items,
                                                .variant_count = arguments->variants.count,
                                                .storage = arguments->storage};
    bench_options.output = arguments->layer;
    bench_options.min_seconds = (double)arguments->min_time;
    bench_options.per_layer = arguments->per_layer;
    run->flops = count_flops(run);
    announce(run, "computing the reference by the layers' definition");
    return clvgg_bench_create(run->device, run->model, &bench_options, &run->bench);
}

/* Prepares everything before the first batch, first of all --out, which may be refused. */
static clvgg_status prepare(cli_benchmark *run)
{
    const cli_bench_arguments *arguments = run->arguments;
    run->peak.struct_size = sizeof run->peak;
    clvgg_status status = CLVGG_STATUS_OK;
    if (arguments->out != NULL)
        status = vgg_writer_open(arguments->out, &run->writer);
    if (status != CLVGG_STATUS_OK)
        return status;
    cli_interrupt_watch(); /* from here on there is a file to remove */
    announce(run, "measuring the device's peak");
    status = clvgg_device_has_clock(run->device, &run->has_clock);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_device_measure_peak(run->device, &run->peak);
    if (status != CLVGG_STATUS_OK)
        return status;
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

/* Every batch; a wrong one is reported and doesn't stop the others. */
static clvgg_status measure(cli_benchmark *run)
{
    for (size_t i = 0; i < run->arguments->batches.count && cli_interrupt_signal() == 0; i++) {
        clvgg_bench_result *result = &run->results[i];
        result->struct_size = sizeof *result;
        announce(run, "timing");
        const clvgg_status status = run_batch(run, run->arguments->batches.values[i], result);
        if (status != CLVGG_STATUS_OK)
            return status;
        run->result_count++;
        if (run->bench != NULL)
            run->tuned = run->tuned || is_tuned(clvgg_bench_session(run->bench));
        cli_bench_json_result(run);
        if (!run->arguments->json)
            cli_bench_text_result(run);
        vgg_out_flush(&run->cli->out);
    }
    return CLVGG_STATUS_OK;
}

static int report_wrong(const cli_benchmark *run)
{
    int exit_code = CLI_EXIT_OK;
    for (size_t i = 0; i < run->result_count; i++)
        if (run->results[i].wrong) {
            cli_error(run->cli, "batch %d: the %s are wrong, %.3g off: not timed",
                      run->results[i].batch,
                      run->training != NULL           ? "step's losses and weights"
                      : run->arguments->layer != NULL ? "values"
                                                      : "logits",
                      run->results[i].error_l2);
            exit_code = CLI_EXIT_FAILED;
        }
    return exit_code;
}

/* Puts the JSON object where --out says. */
static bool save(cli_benchmark *run)
{
    const vgg_text *text = &run->json_text;
    clvgg_status status = CLVGG_STATUS_OUT_OF_MEMORY;
    if (!text->failed)
        status = vgg_writer_append(run->writer, text->bytes, text->length);
    if (status == CLVGG_STATUS_OK)
        status = vgg_writer_commit(run->writer);
    if (status != CLVGG_STATUS_OK)
        cli_fail(run->cli, status);
    return status == CLVGG_STATUS_OK;
}

static int work(cli_benchmark *run)
{
    const cli_bench_arguments *arguments = run->arguments;
    clvgg_status status = prepare(run);
    if (status != CLVGG_STATUS_OK)
        return cli_fail(run->cli, status);
    cli_bench_json_begin(run);
    if (!arguments->json)
        cli_bench_text_begin(run);
    status = measure(run);
    const bool interrupted = cli_interrupt_signal() != 0;
    cli_bench_json_end(run, status != CLVGG_STATUS_OK ? clvgg_status_message()
                            : interrupted             ? "interrupted"
                                                      : NULL);
    int exit_code = report_wrong(run);
    if (status != CLVGG_STATUS_OK)
        exit_code = cli_fail(run->cli, status);
    else if (interrupted)
        cli_error(run->cli, "interrupted after %zu %s", run->result_count,
                  vgg_plural(run->result_count, "result", "results"));
    if (!arguments->json)
        cli_bench_text_end(run);
    else
        vgg_text_join(&run->cli->out.text, &run->json_text);
    if (run->writer != NULL && !interrupted && !save(run))
        exit_code = CLI_EXIT_FAILED;
    return exit_code;
}

static int bench_with(cli_program *cli, const cli_bench_arguments *arguments)
{
    cli_benchmark run = {.cli = cli, .arguments = arguments};
    clvgg_runtime *runtime = NULL;
    if (!cli_bench_training_check(&run))
        return cli_options_try_help(cli);
    cli->no_cache = arguments->no_cache;
    clvgg_status status = cli_runtime(cli, &runtime);
    int exit_code = status == CLVGG_STATUS_OK ? find_model(&run, runtime) : CLI_EXIT_OK;
    if (status == CLVGG_STATUS_OK && exit_code == CLI_EXIT_OK)
        status = open_device(&run, runtime);
    if (status != CLVGG_STATUS_OK)
        exit_code = cli_fail(cli, status);
    if (exit_code == CLI_EXIT_OK)
        exit_code = work(&run);
    vgg_text_free(&run.json_text);
    vgg_writer_free(run.writer);
    clvgg_bench_free(run.bench);
    clvgg_train_bench_free(run.training);
    clvgg_device_free(run.device);
    clvgg_model_free(run.model);
    clvgg_runtime_free(runtime);
    return exit_code;
}

static int run_bench(cli_program *cli, int argc, char **argv)
{
    cli_bench_arguments arguments = {
        .batches = {.values = {1}, .count = 1}, .min_time = 1, .optimizer = -1};
    size_t operand_count = 0;
    int exit_code = CLI_EXIT_USAGE;
    cli_parsed parsed =
        cli_options_parse(cli, &cli_verb_bench, argc, argv, &arguments, &operand_count);
    if (parsed == CLI_PARSED_HELP) {
        exit_code = CLI_EXIT_OK;
    } else if (parsed == CLI_PARSED && operand_count > 0) {
        cli_error(cli, "takes no argument, got '%s': name a model by --model", argv[1]);
        cli_options_try_help(cli);
    } else if (parsed == CLI_PARSED) {
        exit_code = bench_with(cli, &arguments);
    }
    vgg_free(arguments.variants.items);
    return exit_code;
}

const cli_verb cli_verb_bench = {
    .name = "bench",
    .summary = "time a model, layer by layer if wanted",
    .usage = "[OPTION]...",
    .description =
        "Times passes of a model on a device, beside what the device can do at most. Before that\n"
        "the logits are checked against the layers' definition, which takes a while on a CPU;\n"
        "wrong ones aren't timed. GFLOP/s count direct convolution, whatever the kernel does.",
    .examples = "  clvgg bench --batch 1,16 --per-layer\n"
                "  clvgg bench --model vgg19 --variant '*=winograd_f2_fused' --out f2.json\n"
                "  clvgg bench --layer pool5 --input-size 512 --compute-units 1\n"
                "  clvgg bench --mode finetune --batch 32 --optimizer adam --per-layer\n"
                "  clvgg bench --device gpu --model net.safetensors --json\n",
    .options = options,
    .run = run_bench,
};

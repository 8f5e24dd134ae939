/* cli/bench/bench_json.c — `clvgg bench --json` and --out: one object, what `clvgg compare` reads.
 */
#include <math.h>

#include "cli/bench/bench.h"
#include "report/device.h"
#include "report/model.h"

void cli_bench_json_begin(cli_benchmark *run)
{
    vgg_json *json = &run->json;
    const clvgg_model *model = run->context.model;
    vgg_json_begin(json, &run->json_text);
    vgg_report_device_json(json, "device", &run->context.device_info);
    if (run->training != NULL) {
        cli_bench_training_json(run);
    } else {
        vgg_json_string(json, "model", clvgg_model_name(model));
        vgg_json_string(json, "architecture", clvgg_model_architecture(model));
        vgg_json_bool(json, "random_weights", run->context.random_weights);
    }
    if (run->arguments->layer != NULL)
        vgg_json_string(json, "layer", run->arguments->layer);
    vgg_json_bytes(json, "flops", run->flops);
    vgg_json_string(json, "storage", clvgg_storage_name(run->arguments->execution.storage));
    vgg_json_begin_object(json, "peak");
    vgg_json_number(json, "fma_gflops", run->peak.fma_gflops);
    vgg_json_number(json, "read_gbps", run->peak.read_gbps);
    vgg_json_end(json);
    vgg_json_string(json, "clock", run->has_clock ? "device" : "host");
    vgg_json_begin_array(json, "results");
}

static void print_layers(cli_benchmark *run)
{
    vgg_json *json = &run->json;
    vgg_json_begin_array(json, "layers");
    for (size_t i = 0; i < cli_bench_step_count(run); i++) {
        clvgg_step_info step;
        if (!cli_bench_step(run, i, &step))
            continue;
        const cli_bench_layer layer = cli_bench_describe(run, &step);
        vgg_json_begin_object(json, NULL);
        vgg_json_string(json, "name", layer.name);
        vgg_json_string(json, "layers", layer.layers);
        vgg_json_string(json, "variant", layer.variant);
        vgg_json_bool(json, "tuned", layer.tuned);
        vgg_json_number(json, "ms", layer.ms);
        vgg_json_number(json, "gflops", layer.gflops);
        vgg_json_number(json, "executed_gflops", layer.executed_gflops);
        vgg_json_number(json, "fma_share", layer.fma_share);
        vgg_json_number(json, "read_share", layer.read_share);
        vgg_json_end(json);
    }
    vgg_json_end(json);
}

static void print_times(cli_benchmark *run, const clvgg_bench_result *result)
{
    vgg_json *json = &run->json;
    vgg_json_integer(json, "repetitions", result->repetitions);
    vgg_json_number(json, "median_ms", result->median_ms);
    vgg_json_number(json, "min_ms", result->min_ms);
    vgg_json_number(json, "first_ms", result->first_ms);
    vgg_json_number(json, "gflops", cli_bench_gflops(run->flops, result->batch, result->median_ms));
    if (run->arguments->per_layer)
        vgg_json_number(json, "kernel_ms", result->kernel_ms > 0 ? result->kernel_ms : NAN);
}

static void print_session(vgg_json *json, const clvgg_session *session)
{
    clvgg_session_stats stats = {.struct_size = sizeof stats};
    clvgg_session_get_stats(session, &stats);
    vgg_json_number(json, "plan_ms", stats.plan_ms);
    vgg_json_number(json, "compile_ms", stats.compile_ms);
    vgg_json_number(json, "weights_ms", stats.weights_ms);
    vgg_report_memory_json(json, &stats);
    vgg_report_fingerprint_json(json, stats.fingerprint);
}

void cli_bench_json_result(cli_benchmark *run)
{
    vgg_json *json = &run->json;
    const clvgg_bench_result *result = &run->results[run->result_count - 1];
    vgg_json_begin_object(json, NULL);
    vgg_json_integer(json, "batch", result->batch);
    vgg_json_number(json, "error_l2", result->error_l2);
    vgg_json_bool(json, "wrong", result->wrong != 0);
    if (!result->wrong)
        print_times(run, result);
    if (run->training != NULL)
        cli_bench_training_result_json(run);
    else
        print_session(json, clvgg_bench_session(run->bench));
    if (run->arguments->per_layer && !result->wrong)
        print_layers(run);
    vgg_json_end(json);
}

void cli_bench_json_end(cli_benchmark *run, const char *error)
{
    vgg_json *json = &run->json;
    vgg_json_end(json); /* results */
    vgg_json_bool(json, "tuned", run->tuned);
    vgg_report_peak_json(json);
    if (error != NULL)
        vgg_json_string(json, "error", error);
    vgg_json_end(json);
}

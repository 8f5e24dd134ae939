/* cli/bench/bench_json.c — `clvgg bench --json` and --out: one object, what `clvgg compare` reads.
 */
#include <math.h>

#include "cli/bench/bench.h"
#include "report/device.h"
#include "report/model.h"

static void put_string(vgg_json *json, const char *key, const char *value)
{
    if (value != NULL)
        vgg_json_string(json, key, value);
    else
        vgg_json_raw(json, key, "null");
}

static void print_program(vgg_json *json)
{
    vgg_json_begin_object(json, "program");
    vgg_json_string(json, "name", "clvgg");
    vgg_json_string(json, "version", clvgg_version());
    put_string(json, "commit", cli_commit);
    vgg_json_end(json);
}

/* What was asked for. */
static void print_options(vgg_json *json, const cli_bench_arguments *arguments)
{
    static const char *const gemms[] = {"auto", "own", "clblast"};
    vgg_json_begin_object(json, "options");
    vgg_json_number(json, "min_time_s", round((double)arguments->min_time * 1e6) / 1e6);
    vgg_json_number(json, "max_time_s",
                    arguments->max_time > 0 ? round((double)arguments->max_time * 1e6) / 1e6 : NAN);
    vgg_json_bool(json, "cold", !arguments->no_cold);
    vgg_json_bool(json, "per_layer", arguments->per_layer);
    vgg_json_begin_array(json, "variants");
    for (size_t i = 0; i < arguments->execution.variants.count; i++)
        vgg_json_string(json, NULL, arguments->execution.variants.items[i]);
    vgg_json_end(json);
    vgg_json_string(json, "gemm", gemms[arguments->execution.gemm]);
    if (arguments->context.compute_units > 0)
        vgg_json_integer(json, "compute_units", arguments->context.compute_units);
    else
        vgg_json_raw(json, "compute_units", "null");
    put_string(json, "layer", arguments->layer);
    vgg_json_end(json);
}

static void print_weights(cli_benchmark *run)
{
    vgg_json *json = &run->json;
    vgg_json_begin_object(json, "weights");
    if (run->seeded)
        vgg_json_bytes(json, "seed", run->seed);
    else
        vgg_json_raw(json, "seed", "null");
    put_string(json, "sha256", run->seeded ? run->weights_sha256 : NULL);
    vgg_json_end(json);
}

static bool is_int8(const cli_benchmark *run)
{
    return run->arguments->execution.storage == CLVGG_STORAGE_INT8;
}

static void print_input(vgg_json *json, const clvgg_model *model)
{
    clvgg_layer_info input = {.struct_size = sizeof input};
    if (clvgg_model_layer(model, 0, &input) == CLVGG_STATUS_OK)
        vgg_json_integers(json, "input", input.output.dims, (size_t)input.output.rank);
}

void cli_bench_json_begin(cli_benchmark *run)
{
    vgg_json *json = &run->json;
    const clvgg_model *model = run->context.model;
    *json = (vgg_json){.text = &run->json_text};
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "schema", "clvgg-bench/1");
    print_program(json);
    vgg_report_device_json(json, "device", &run->context.device_info);
    if (run->training != NULL) {
        cli_bench_training_json(run);
    } else {
        vgg_json_string(json, "model", cli_bench_model_name(run));
        vgg_json_string(json, "architecture", clvgg_model_architecture(model));
        vgg_json_bool(json, "random_weights", run->context.random_weights);
        print_input(json, model);
    }
    print_weights(run);
    print_options(json, run->arguments);
    if (run->arguments->layer != NULL)
        vgg_json_string(json, "layer", run->arguments->layer);
    vgg_json_bytes(json, "flops", run->flops);
    vgg_json_string(json, "storage", clvgg_storage_name(run->arguments->execution.storage));
    vgg_json_string(json, "accumulation", is_int8(run) ? "int32" : "float32");
    if (is_int8(run) && run->seeded) /* else the model's file says */
        vgg_json_integer(json, "calibration_images", CLVGG_BENCH_CALIBRATION);
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
        vgg_json_bytes(json, "flops", layer.flops);
        vgg_json_bytes(json, "executed_flops", layer.executed_flops);
        vgg_json_bytes(json, "bytes", layer.bytes);
        vgg_json_bytes(json, "weight_bytes", layer.weight_bytes);
        vgg_json_number(json, "intensity", layer.intensity);
        vgg_json_number(json, "roof_share", layer.roof_share);
        vgg_json_string(json, "choice", layer.choice);
        size_t count = 0;
        const double *samples = cli_bench_step_samples(run, i, &count);
        vgg_json_numbers(json, "samples_ms", samples, count);
        vgg_json_end(json);
    }
    vgg_json_end(json);
}

static void print_samples(cli_benchmark *run, const char *key, clvgg_bench_series series)
{
    size_t count = 0;
    const double *samples = cli_bench_samples(run, series, &count);
    vgg_json_numbers(&run->json, key, samples, count);
}

/* Null where it wasn't measured. */
static void print_time(vgg_json *json, const char *key, double ms)
{
    vgg_json_number(json, key, ms > 0 ? ms : NAN);
}

static void print_times(cli_benchmark *run, const clvgg_bench_result *result)
{
    vgg_json *json = &run->json;
    vgg_json_integer(json, "repetitions", result->repetitions);
    vgg_json_number(json, "median_ms", result->median_ms);
    vgg_json_number(json, "min_ms", result->min_ms);
    vgg_json_number(json, "p90_ms", result->p90_ms);
    if (result->high_ms > 0)
        vgg_json_numbers(json, "interval_ms", (const double[]){result->low_ms, result->high_ms}, 2);
    else
        vgg_json_raw(json, "interval_ms", "null");
    vgg_json_number(json, "first_ms", result->first_ms);
    vgg_json_number(json, "gflops", cli_bench_gflops(run->flops, result->batch, result->median_ms));
    if (run->arguments->per_layer)
        print_time(json, "kernel_ms", result->kernel_ms);
    print_samples(run, "samples_ms", CLVGG_BENCH_PASSES);
    print_time(json, "cold_ms", result->cold_ms);
    print_samples(run, "cold_samples_ms", CLVGG_BENCH_COLD);
    print_time(json, "upload_ms", result->upload_ms);
    print_time(json, "download_ms", result->download_ms);
    vgg_json_number(json, "drift", result->drift);
    vgg_json_bool(json, "drifted", cli_bench_drifted(result));
    vgg_json_begin_array(json, "load_average");
    vgg_json_number(json, NULL, result->load_before >= 0 ? result->load_before : NAN);
    vgg_json_number(json, NULL, result->load_after >= 0 ? result->load_after : NAN);
    vgg_json_end(json);
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
    vgg_json_string(json, "reference",
                    result->reference == CLVGG_BENCH_FLOAT64 ? "float64" : "definition");
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

void cli_bench_json_members(cli_benchmark *run)
{
    vgg_json *json = &run->json;
    vgg_json_end(json); /* results */
    vgg_json_bool(json, "tuned", run->tuned);
    cli_bench_sensors_json(run);
    vgg_report_peak_json(json);
    cli_bench_roof_json(run);
    cli_bench_system_json(run);
}

void cli_bench_json_end(cli_benchmark *run, const char *error)
{
    vgg_json *json = &run->json;
    cli_bench_json_members(run);
    if (error != NULL)
        cli_bench_error_json(run, error);
    vgg_json_end(json);
}

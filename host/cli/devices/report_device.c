/* cli/devices/report_device.c — in a child of its own: what a device is, and whether a small
 * network's logits are right there. */
#include <stdio.h>

#include "cli/devices/report.h"
#include "clvgg/bench.h"
#include "clvgg/report.h"

/* Every kind of layer, in well under a second: 32 pixels a side leave one of conv5. */
static clvgg_status build_network(clvgg_runtime *runtime, clvgg_model **model)
{
    static uint64_t seed = 1;
    clvgg_model_description description;
    clvgg_model_description_defaults(&description);
    description.architecture = "vgg11";
    description.input_height = description.preprocess.height = 32;
    description.input_width = description.preprocess.width = 32;
    description.preprocess.resize_short = 0;
    description.head[0] = description.head[1] = 128;
    description.class_count = 10;
    description.source = clvgg_model_random_weights;
    description.source_user = &seed;
    return clvgg_model_build(runtime, &description, model);
}

static clvgg_status test_network(clvgg_runtime *runtime, clvgg_device *device, void *pipe)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char words[200];
    clvgg_model *model = NULL;
    clvgg_bench *bench = NULL;
    clvgg_bench_options options;
    clvgg_bench_result result = {.struct_size = sizeof result};
    clvgg_bench_options_defaults(&options);
    options.min_seconds = 0.05;
    VGG_TRY(build_network(runtime, &model));
    VGG_TRY(clvgg_bench_create(device, model, &options, &bench));
    VGG_TRY(clvgg_bench_run(bench, 2, &result));
    snprintf(words, sizeof words,
             "%s: two images of 32 pixels through VGG-11 are %.2g off the layers' definition; "
             "first pass %.0f ms, then %.2f ms",
             result.wrong ? "WRONG" : "right", result.error_l2, result.first_ms, result.min_ms);
    cli_isolated_send(pipe, result.wrong ? "PROBLEM" : CLI_REPORT_WORKS, words);
cleanup:
    clvgg_bench_free(bench);
    clvgg_model_free(model);
    return status;
}

static clvgg_status measure(clvgg_device *device, void *pipe)
{
    char words[100];
    clvgg_peak peak = {.struct_size = sizeof peak};
    VGG_PASS(clvgg_device_measure_peak(device, &peak));
    snprintf(words, sizeof words, "%.4g GFLOP/s multiplying and adding, %.3g GB/s reading",
             peak.fma_gflops, peak.read_gbps);
    cli_isolated_send(pipe, "peak", words);
    return CLVGG_STATUS_OK;
}

void cli_report_device_facts(cli_program *cli, void *index, void *pipe)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_runtime *runtime = NULL;
    clvgg_device *device = NULL;
    clvgg_device_info info = {.struct_size = sizeof info};
    const size_t number = *(const size_t *)index;
    char spec[24];
    snprintf(spec, sizeof spec, "%zu", number);
    VGG_TRY(cli_runtime(cli, &runtime));
    VGG_TRY(clvgg_report_device(runtime, number, cli_isolated_send, pipe));
    VGG_TRY(clvgg_device_query(runtime, number, &info));
    if (!info.usable)
        goto cleanup;
    VGG_TRY(clvgg_device_open(runtime, spec, NULL, &device));
    VGG_TRY(test_network(runtime, device, pipe));
    VGG_TRY(measure(device, pipe));
cleanup:
    if (status != CLVGG_STATUS_OK)
        cli_isolated_send(pipe, "PROBLEM", vgg_message_of(status));
    clvgg_device_free(device); /* keeps compiled programs */
    clvgg_runtime_free(runtime);
}

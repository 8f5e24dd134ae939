/* cli/run/run_json.c — results as one JSON object, written as they come. */
#include <math.h>

#include "cli/run/run.h"
#include "report/clock.h"
#include "report/device.h"
#include "report/model.h"

static void begin(cli_run *run)
{
    vgg_json *json = &run->json;
    vgg_json_begin(json, &run->cli->out.text);
    vgg_report_device_json(json, "device", &run->context.device_info);
    vgg_json_string(json, "model", clvgg_model_name(run->context.model));
    if (run->map != NULL)
        vgg_json_string(json, "map", run->arguments->map);
    if (run->arguments->input == NULL)
        vgg_report_preprocess_json(json, "preprocess", &run->context.preprocess,
                                   run->context.preprocess_origin);
    vgg_json_begin_array(json, "images");
}

static void print_result(cli_run *run, const vgg_result *result)
{
    vgg_json *json = &run->json;
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "file", result->file);
    if (result->row >= 0)
        vgg_json_integer(json, "row", result->row);
    if (result->output >= 0)
        vgg_json_integer(json, "output_row", result->output);
    if (result->warning_count > 0)
        vgg_json_integer(json, "warnings", result->warning_count);
    if (result->error != NULL) {
        vgg_json_string(json, "error", result->error);
    } else {
        vgg_json_begin_array(json, "top");
        for (size_t i = 0; i < result->top_count; i++) {
            const cli_ranked *ranked = &result->top[i];
            vgg_json_begin_object(json, NULL);
            vgg_json_bytes(json, "index", ranked->index);
            vgg_json_string(json, "label", ranked->label);
            vgg_json_number(json, "probability", (double)ranked->probability);
            if (run->map == NULL)
                vgg_json_number(json, "logit", (double)ranked->logit);
            vgg_json_end(json);
        }
        vgg_json_end(json);
        if (run->has_other)
            vgg_json_number(json, "other", (double)result->other);
    }
    vgg_json_end(json);
}

static void print_profile(vgg_json *json, const cli_run *run)
{
    const clvgg_session *session = run->session;
    int has_clock = 1;
    clvgg_device_has_clock(run->context.device, &has_clock); /* known since the first pass */
    vgg_json_string(json, "clock", has_clock ? "device" : "host");
    vgg_json_begin_array(json, "profile");
    for (size_t i = 0; i < clvgg_session_step_count(session); i++) {
        clvgg_step_info step = {.struct_size = sizeof step};
        if (clvgg_session_step(session, i, &step) != CLVGG_STATUS_OK)
            continue;
        vgg_json_begin_object(json, NULL);
        vgg_json_string(json, "layers", step.layers);
        vgg_json_string(json, "variant", step.variant);
        vgg_json_bytes(json, "flops", step.flops);
        vgg_json_number(json, "ms", step.ms > 0 ? step.ms : NAN);
        vgg_json_end(json);
    }
    vgg_json_end(json);
}

void cli_run_costs_json(const cli_run *run, vgg_json *json)
{
    clvgg_session_stats stats = {.struct_size = sizeof stats};
    if (run->session != NULL) {
        clvgg_session_get_stats(run->session, &stats);
        vgg_report_fingerprint_json(json, stats.fingerprint);
        vgg_json_begin_object(json, "memory");
        vgg_json_integer(json, "batch", stats.max_batch);
        vgg_report_memory_json(json, &stats);
        vgg_report_peak_json(json);
        vgg_json_end(json);
        if (run->arguments->profile)
            print_profile(json, run);
    }
    const double images = stats.image_count > 0 ? (double)stats.image_count : NAN;
    vgg_json_begin_object(json, "timing");
    vgg_json_number(json, "load_ms", run->load_ms);
    vgg_json_number(json, "plan_ms", stats.plan_ms);
    vgg_json_number(json, "compile_ms", stats.compile_ms);
    vgg_json_number(json, "weights_ms", stats.weights_ms);
    vgg_json_number(json, "forward_ms_per_image", stats.run_ms / images);
    vgg_json_number(json, "decode_wait_ms", stats.stream_wait_ms);
    vgg_json_number(json, "total_ms", vgg_report_now_ms() - run->context.start_ms);
    vgg_json_bytes(json, "images", stats.image_count);
    vgg_json_end(json);
}

static void end(cli_run *run, const char *error)
{
    vgg_json *json = &run->json;
    vgg_json_end(json); /* images */
    if (error != NULL)
        vgg_json_string(json, "error", error);
    cli_run_costs_json(run, json);
    vgg_json_end(json);
}

const cli_run_format cli_run_json = {begin, print_result, end};

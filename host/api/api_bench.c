/* api/api_bench.c — implements clvgg/bench.h: sessions checked against the definition, then timed
 * by measure/measure.c. */
#include "clvgg/bench.h"

#include <math.h>

#include "api/scope.h"
#include "api/session.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "measure/measure.h"
#include "measure/peak.h"

struct clvgg_bench {
    const vgg_scope *scope; /* the runtime's */
    clvgg_device *device;   /* retained, as the model is */
    clvgg_model *model;
    clvgg_bench_options options;
    size_t input_elements, output_elements;
    float *image;           /* [input_elements] */
    float *reference;       /* [output_elements] */
    clvgg_session *session; /* of the latest run */
};

static clvgg_status measure_peak(clvgg_device *device, clvgg_peak *peak)
{
    return vgg_peak_measure(device, &peak->fma_gflops, &peak->read_gbps);
}

clvgg_status clvgg_device_measure_peak(clvgg_device *device, clvgg_peak *peak)
{
    VGG_API_REQUIRE(device != NULL);
    VGG_API_REQUIRE(peak != NULL);
    VGG_API_REQUIRE(peak->struct_size == sizeof *peak);
    VGG_API_RETURN(&device->runtime->scope, measure_peak(device, peak));
}

void clvgg_bench_options_defaults(clvgg_bench_options *options)
{
    if (options != NULL)
        *options = (clvgg_bench_options){.struct_size = sizeof *options, .min_seconds = 1};
}

/* Uniform in −1…1, about what normalised photographs are; the same in every run. */
static void fill_noise(float *values, size_t count)
{
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
    }
}

/* `options` gets the bench's output, which must outlive them. */
static void choose_output(const clvgg_bench *bench, clvgg_session_options *options)
{
    if (bench->options.output == NULL)
        return;
    options->outputs = &bench->options.output;
    options->output_count = 1;
}

static clvgg_status compute_reference(clvgg_bench *bench)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_session *session = NULL;
    static const char *const definition[] = {"*=conv_direct", "*=dense_direct"};
    clvgg_session_options options;
    clvgg_session_options_defaults(&options);
    options.execution.variants = definition;
    options.execution.variant_count = sizeof definition / sizeof *definition;
    choose_output(bench, &options);
    VGG_TRY(clvgg_session_create(bench->device, bench->model, &options, &session));
    bench->input_elements = (size_t)vgg_plan_input_elements(session->plan);
    bench->output_elements = (size_t)vgg_plan_output_elements(session->plan, 0);
    VGG_NEW(bench->image, bench->input_elements);
    VGG_NEW(bench->reference, bench->output_elements);
    fill_noise(bench->image, bench->input_elements);
    VGG_TRY(vgg_plan_run(session->plan, 1, bench->image, &bench->reference));
cleanup:
    clvgg_session_free(session);
    return status;
}

static clvgg_status create(clvgg_device *device, clvgg_model *model,
                           const clvgg_bench_options *options, clvgg_bench **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_bench *bench = NULL;
    VGG_NEW(bench, 1);
    bench->scope = model->scope;
    bench->options = *options;
    vgg_device_retain(device);
    bench->device = device;
    vgg_model_retain(model);
    bench->model = model;
    VGG_TRY(compute_reference(bench));
    *out = bench;
    bench = NULL;
cleanup:
    clvgg_bench_free(bench);
    return status;
}

clvgg_status clvgg_bench_create(clvgg_device *device, clvgg_model *model,
                                const clvgg_bench_options *options, clvgg_bench **out)
{
    VGG_API_REQUIRE(out != NULL);
    *out = NULL;
    VGG_API_REQUIRE(device != NULL);
    VGG_API_REQUIRE(model != NULL);
    clvgg_bench_options defaults;
    clvgg_bench_options_defaults(&defaults);
    if (options == NULL)
        options = &defaults;
    VGG_API_REQUIRE(options->struct_size == sizeof *options);
    VGG_API_REQUIRE(options->min_seconds >= 0);
    VGG_API_REQUIRE_EXECUTION(options->execution);
    VGG_API_RETURN(model->scope, create(device, model, options, out));
}

void clvgg_bench_free(clvgg_bench *bench)
{
    if (bench == NULL)
        return;
    clvgg_session_free(bench->session);
    vgg_free(bench->image);
    vgg_free(bench->reference);
    vgg_model_free(bench->model);
    vgg_device_release(bench->device);
    vgg_free(bench);
}

/* ‖logits − reference‖ / ‖reference‖ over all rows; NaN where anything isn't finite. */
static double relative_error(const clvgg_bench *bench, int batch, const float *outputs)
{
    double difference = 0, size = 0;
    for (size_t row = 0; row < (size_t)batch; row++)
        for (size_t i = 0; i < bench->output_elements; i++) {
            const double expected = bench->reference[i];
            const double off = outputs[row * bench->output_elements + i] - expected;
            difference += off * off;
            size += expected * expected;
        }
    return difference == 0 ? 0 : sqrt(difference / size);
}

double clvgg_bench_error_limit(clvgg_storage storage)
{
    return storage == CLVGG_STORAGE_F32 ? 1e-4 : storage == CLVGG_STORAGE_F16 ? 2e-3 : 1.5e-2;
}

static clvgg_status make_session(clvgg_bench *bench, int batch)
{
    clvgg_session_options options;
    clvgg_session_options_defaults(&options);
    options.max_batch = batch;
    options.execution = bench->options.execution;
    choose_output(bench, &options);
    clvgg_session_free(bench->session); /* its memory first */
    return clvgg_session_create(bench->device, bench->model, &options, &bench->session);
}

static clvgg_status time_passes(const clvgg_bench *bench, const float *input, float *outputs,
                                clvgg_bench_result *result)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_measure measure;
    const double min_ms = bench->options.min_seconds * 1e3;
    vgg_plan *plan = bench->session->plan;
    VGG_TRY(vgg_measure_passes(plan, result->batch, input, &outputs, min_ms, &measure));
    if (bench->options.per_layer)
        VGG_TRY(vgg_measure_steps(plan, result->batch, input, &outputs, min_ms, &measure));
    result->repetitions = measure.repetitions;
    result->median_ms = measure.median_ms;
    result->min_ms = measure.min_ms;
    result->kernel_ms = measure.kernel_ms;
cleanup:
    return status;
}

static clvgg_status run(clvgg_bench *bench, int batch, clvgg_bench_result *result)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float *input = NULL, *outputs = NULL;
    VGG_NEW(input, (size_t)batch * bench->input_elements);
    VGG_NEW(outputs, (size_t)batch * bench->output_elements);
    for (size_t i = 0; i < (size_t)batch * bench->input_elements; i++)
        input[i] = bench->image[i % bench->input_elements];
    VGG_TRY(make_session(bench, batch));
    const double start = vgg_clock_ms();
    VGG_TRY(vgg_plan_run(bench->session->plan, batch, input, &outputs));
    result->first_ms = vgg_clock_ms() - start;
    result->error_l2 = relative_error(bench, batch, outputs);
    result->wrong =
        !(result->error_l2 <= clvgg_bench_error_limit(bench->options.execution.storage));
    if (!result->wrong)
        VGG_TRY(time_passes(bench, input, outputs, result));
cleanup:
    vgg_free(outputs);
    vgg_free(input);
    return status;
}

clvgg_status clvgg_bench_run(clvgg_bench *bench, int batch, clvgg_bench_result *result)
{
    VGG_API_REQUIRE(bench != NULL);
    VGG_API_REQUIRE(batch >= 1 && batch <= 65536);
    VGG_API_REQUIRE(result != NULL);
    VGG_API_REQUIRE(result->struct_size == sizeof *result);
    *result = (clvgg_bench_result){.struct_size = sizeof *result, .batch = batch};
    VGG_API_RETURN(bench->scope, run(bench, batch, result));
}

const clvgg_session *clvgg_bench_session(const clvgg_bench *bench)
{
    return bench->session;
}

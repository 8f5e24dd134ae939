/* api/api_bench.c — implements clvgg/bench.h: sessions, which measure/plan_bench.c checks and
 * times.
 */
#include "clvgg/bench.h"

#include <string.h>

#include "api/scope.h"
#include "api/session.h"
#include "base/alloc.h"
#include "measure/plan_bench.h"
#include "measure/reference.h"
#include "measure/roof.h"
#include "measure/sensors.h"
#include "measure/seeded_int8.h"
#include "model/quantize.h"
#include "tensor/shape.h"

struct clvgg_bench {
    const vgg_scope *scope; /* the runtime's */
    clvgg_device *device;   /* retained, as the model is */
    clvgg_model *given; /* retained, as is what is timed */
    clvgg_model *model; /* the same, or made of it */
    clvgg_bench_options options;
    const vgg_reference_logits *stored; /* NULL: no standard network */
    clvgg_bench_reference reference;
    vgg_plan_bench plans;
    clvgg_session *session; /* of the latest run, as is what follows */
    vgg_bench_record record;
};

clvgg_status clvgg_device_measure_peak(clvgg_device *device, clvgg_peak *peak)
{
    VGG_API_REQUIRE(device != NULL);
    VGG_API_STRUCT(peak);
    *peak = (clvgg_peak){.struct_size = sizeof *peak};
    VGG_API_RETURN(&device->runtime->scope, vgg_peak_measure(device, peak));
}

clvgg_status clvgg_device_measure_roof(clvgg_device *device, clvgg_roof *roof)
{
    VGG_API_REQUIRE(device != NULL);
    VGG_API_STRUCT(roof);
    *roof = (clvgg_roof){.struct_size = sizeof *roof};
    VGG_API_RETURN(&device->runtime->scope, vgg_roof_measure(device, roof));
}

clvgg_status clvgg_device_read_sensors(const clvgg_device *device, clvgg_sensors *sensors)
{
    VGG_API_REQUIRE(device != NULL);
    VGG_API_STRUCT(sensors);
    vgg_sensors_read(&vgg_sensor_places_system, &device->info, sensors);
    return CLVGG_STATUS_OK;
}

void clvgg_bench_options_defaults(clvgg_bench_options *options)
{
    if (options != NULL)
        *options =
            (clvgg_bench_options){.struct_size = sizeof *options, .min_seconds = 1, .cold = 1};
}

static clvgg_status open_session(const clvgg_bench *bench, int batch,
                                 const clvgg_execution *execution, clvgg_session **out)
{
    clvgg_session_options options;
    clvgg_session_options_defaults(&options);
    options.max_batch = batch;
    options.execution = *execution;
    if (bench->options.output != NULL) {
        options.outputs = &bench->options.output;
        options.output_count = 1;
    }
    return clvgg_session_create(bench->device, bench->model, &options, out);
}

static clvgg_status compute_reference(clvgg_bench *bench)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_session *session = NULL;
    vgg_definition_rules definition;
    const bool int8 = bench->options.execution.storage == CLVGG_STORAGE_INT8;
    const clvgg_storage storage = int8 ? CLVGG_STORAGE_INT8 : CLVGG_STORAGE_F32;
    vgg_definition_rules_list(storage, &definition);
    const clvgg_execution execution = {
        .variants = definition.rules, .variant_count = definition.count, .storage = storage};
    VGG_TRY(open_session(bench, 1, &execution, &session));
    VGG_TRY(vgg_plan_bench_define(&bench->plans, session->runner->plan));
cleanup:
    clvgg_session_free(session);
    return status;
}

static clvgg_status find_reference(clvgg_bench *bench)
{
    const char *output = bench->options.output;
    bench->stored = vgg_reference_find(bench->model);
    if (bench->stored == NULL || (output != NULL && strcmp(output, "logits") != 0))
        return compute_reference(bench);
    bench->reference = CLVGG_BENCH_FLOAT64;
    return vgg_plan_bench_take(&bench->plans,
                               (size_t)vgg_shape_elements(&bench->model->graph->nodes[0].output),
                               VGG_REFERENCE_CLASSES, bench->stored->logits);
}

/* Integers need quantised values, which networks of random weights don't have. */
static clvgg_status find_model(clvgg_bench *bench)
{
    uint64_t seed;
    if (bench->options.execution.storage == CLVGG_STORAGE_INT8 &&
        vgg_model_quantized_layers(bench->given) == 0 && vgg_reference_seed(bench->given, &seed))
        return vgg_seeded_int8(bench->device, bench->given, &bench->model);
    vgg_model_retain(bench->given);
    bench->model = bench->given;
    return CLVGG_STATUS_OK;
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
    bench->given = model;
    VGG_TRY(find_model(bench));
    VGG_TRY(find_reference(bench));
    VGG_GIVE(out, bench);
cleanup:
    clvgg_bench_free(bench);
    return status;
}

clvgg_status clvgg_bench_create(clvgg_device *device, clvgg_model *model,
                                const clvgg_bench_options *options, clvgg_bench **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(device, model);
    VGG_API_OPTIONS(clvgg_bench_options, options);
    VGG_API_REQUIRE(options->min_seconds >= 0);
    VGG_API_REQUIRE(options->max_seconds == 0 || options->max_seconds >= options->min_seconds);
    VGG_API_REQUIRE_EXECUTION(options->execution);
    VGG_API_RETURN(model->scope, create(device, model, options, out));
}

void clvgg_bench_free(clvgg_bench *bench)
{
    if (bench == NULL)
        return;
    vgg_bench_record_free(&bench->record);
    clvgg_session_free(bench->session);
    vgg_plan_bench_close(&bench->plans);
    vgg_model_free(bench->model);
    vgg_model_free(bench->given);
    vgg_device_release(bench->device);
    vgg_free(bench);
}

double clvgg_bench_error_limit(clvgg_storage storage)
{
    return vgg_bench_error_limit(storage);
}

static clvgg_status run(clvgg_bench *bench, clvgg_bench_result *result)
{
    clvgg_session_free(bench->session); /* its memory first */
    bench->session = NULL;
    vgg_bench_record_free(&bench->record);
    VGG_PASS(open_session(bench, result->batch, &bench->options.execution, &bench->session));
    const clvgg_bench_options *o = &bench->options;
    const vgg_bench_how how =
        vgg_bench_how_of(o->min_seconds, o->max_seconds, o->per_layer, o->cold);
    return vgg_plan_bench_run(&bench->plans, bench->session->runner->plan, &how, &bench->record,
                              result);
}

clvgg_status clvgg_bench_run(clvgg_bench *bench, int batch, clvgg_bench_result *result)
{
    VGG_API_REQUIRE(bench != NULL);
    VGG_API_REQUIRE(batch >= 1 && batch <= 65536);
    VGG_API_STRUCT(result);
    *result = (clvgg_bench_result){
        .struct_size = sizeof *result, .batch = batch, .reference = bench->reference};
    VGG_API_RETURN(bench->scope, run(bench, result));
}

const char *clvgg_bench_published_weights(const char *architecture)
{
    for (size_t i = 0; architecture != NULL && i < VGG_REFERENCE_NETWORKS; i++)
        if (strcmp(vgg_reference_networks[i].architecture, architecture) == 0)
            return vgg_reference_networks[i].sha256;
    return NULL;
}

const clvgg_session *clvgg_bench_session(const clvgg_bench *bench)
{
    return bench->session;
}

const double *clvgg_bench_samples(const clvgg_bench *bench, clvgg_bench_series series,
                                  size_t *count)
{
    return vgg_bench_record_samples(&bench->record, series, count);
}

const double *clvgg_bench_step_samples(const clvgg_bench *bench, size_t step, size_t *count)
{
    return vgg_bench_record_step_samples(&bench->record, step, count);
}

static clvgg_status weights_of(const clvgg_bench *bench, uint64_t *seed, char sha256[65])
{
    const vgg_reference_logits *published = vgg_reference_find(bench->given);
    VGG_CHECK(vgg_reference_seed(bench->given, seed), CLVGG_STATUS_NOT_FOUND,
              "the model's weights aren't random ones");
    if (published == NULL)
        return vgg_weights_hash(bench->given, sha256);
    memcpy(sha256, published->sha256, VGG_SHA256_HEX);
    return CLVGG_STATUS_OK;
}

clvgg_status clvgg_bench_weights(const clvgg_bench *bench, uint64_t *seed, char sha256[65])
{
    VGG_API_GIVEN(bench, seed, sha256);
    VGG_API_RETURN(bench->scope, weights_of(bench, seed, sha256));
}

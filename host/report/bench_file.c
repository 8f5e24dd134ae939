/* report/bench_file.c — the members of a benchmark's JSON, each checked. */
#include "report/bench_file.h"

#include <math.h>
#include <string.h>

#include "report/bench_fields.h"
#include "report/memory.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define LAYER(member, kind, need)                                                                  \
    {                                                                                              \
#member, kind, offsetof(vgg_bench_file_layer, member), need                                \
    }
#define RESULT(member, kind, need)                                                                 \
    {                                                                                              \
#member, kind, offsetof(vgg_bench_file_result, member), need                               \
    }
#define FILE_AT(name, kind, field, need)                                                           \
    {                                                                                              \
        name, kind, offsetof(vgg_bench_file, field), need                                          \
    }
#define TEXT VGG_FIELD_TEXT
#define FLAG VGG_FIELD_FLAG
#define NUMBER VGG_FIELD_NUMBER
#define MAY VGG_FIELD_MAY_LACK
#define NULLABLE VGG_FIELD_MAY_BE_NULL
#define MUST VGG_FIELD_MUST

static const vgg_field layer_fields[] = {
    LAYER(name, TEXT, MUST),
    LAYER(variant, TEXT, MUST),
    LAYER(layers, TEXT, MAY),
    LAYER(choice, TEXT, MAY),
    LAYER(tuned, FLAG, MAY),
    LAYER(ms, NUMBER, NULLABLE),
    LAYER(gflops, NUMBER, MAY),
    LAYER(executed_gflops, NUMBER, MAY),
    LAYER(fma_share, NUMBER, MAY),
    LAYER(read_share, NUMBER, MAY),
    LAYER(flops, NUMBER, MAY),
    LAYER(executed_flops, NUMBER, MAY),
    LAYER(bytes, NUMBER, MAY),
    LAYER(weight_bytes, NUMBER, MAY),
    LAYER(intensity, NUMBER, MAY),
    LAYER(roof_share, NUMBER, MAY),
    {"samples_ms", VGG_FIELD_SAMPLES, offsetof(vgg_bench_file_layer, samples), MAY},
};

static const vgg_field result_fields[] = {
    RESULT(wrong, FLAG, MAY),
    RESULT(drifted, FLAG, MAY),
    RESULT(reference, TEXT, MAY),
    RESULT(storage, TEXT, MAY),
    RESULT(fingerprint, TEXT, MAY),
    RESULT(error_l2, NUMBER, MAY),
    RESULT(repetitions, NUMBER, MAY),
    RESULT(median_ms, NUMBER, MAY),
    RESULT(min_ms, NUMBER, MAY),
    RESULT(first_ms, NUMBER, MAY),
    RESULT(p90_ms, NUMBER, MAY),
    RESULT(interval_ms, VGG_FIELD_TWO, MAY),
    RESULT(gflops, NUMBER, MAY),
    RESULT(kernel_ms, NUMBER, MAY),
    RESULT(cold_ms, NUMBER, MAY),
    RESULT(upload_ms, NUMBER, MAY),
    RESULT(download_ms, NUMBER, MAY),
    RESULT(drift, VGG_FIELD_SIGNED, MAY),
    RESULT(load_average, VGG_FIELD_TWO, MAY),
    RESULT(plan_ms, NUMBER, MAY),
    RESULT(compile_ms, NUMBER, MAY),
    RESULT(weights_ms, NUMBER, MAY),
    RESULT(weight_bytes, NUMBER, MAY),
    RESULT(arena_bytes, NUMBER, MAY),
    RESULT(unshared_bytes, NUMBER, MAY),
    RESULT(device_bytes, NUMBER, MAY),
    {"samples_ms", VGG_FIELD_SAMPLES, offsetof(vgg_bench_file_result, samples), MAY},
    {"cold_samples_ms", VGG_FIELD_SAMPLES, offsetof(vgg_bench_file_result, cold_samples), MAY},
};
/* What a result that isn't wrong has. */
static const vgg_field time_fields[] = {
    RESULT(median_ms, NUMBER, MUST),
    RESULT(min_ms, NUMBER, MUST),
};

#define ROOF(member) FILE_AT("roof." #member, NUMBER, roof.member, MAY)
#define SENSOR(when, member)                                                                       \
    FILE_AT("sensors." #when "." #member, VGG_FIELD_SIGNED, when.member, MAY)

static const vgg_field file_fields[] = {
    FILE_AT("device.name", TEXT, device, MUST),
    FILE_AT("device.platform", TEXT, platform, NULLABLE),
    FILE_AT("device.type", TEXT, device_type, MAY),
    FILE_AT("device.vendor", TEXT, vendor, MAY),
    FILE_AT("device.driver_version", TEXT, driver_version, MAY),
    FILE_AT("device.opencl_version", TEXT, opencl_version, MAY),
    FILE_AT("device.compute_units", NUMBER, compute_units, MAY),
    FILE_AT("device.clock_mhz", NUMBER, device_clock_mhz, MAY),
    FILE_AT("device.global_memory_bytes", NUMBER, global_memory_bytes, MAY),
    FILE_AT("device.native_float_width", NUMBER, native_float_width, MAY),
    FILE_AT("program.name", TEXT, program, MAY),
    FILE_AT("program.version", TEXT, program_version, MAY),
    FILE_AT("program.commit", TEXT, program_commit, MAY),
    FILE_AT("model", TEXT, model, MUST),
    FILE_AT("architecture", TEXT, architecture, MAY),
    FILE_AT("mode", TEXT, mode, MAY),
    FILE_AT("layer", TEXT, layer, MAY),
    FILE_AT("optimizer", TEXT, optimizer, MAY),
    FILE_AT("clock", TEXT, clock, MAY),
    FILE_AT("error", TEXT, error, MAY),
    FILE_AT("storage", TEXT, storage, MAY),
    FILE_AT("accumulation", TEXT, accumulation, MAY),
    FILE_AT("class", TEXT, class, MAY),
    FILE_AT("digest", TEXT, digest, MAY),
    FILE_AT("weights.sha256", TEXT, weights_sha256, MAY),
    FILE_AT("weights.seed", NUMBER, weights_seed, MAY),
    FILE_AT("classes", NUMBER, classes, MAY),
    FILE_AT("flops", NUMBER, flops, MAY),
    FILE_AT("random_weights", VGG_FIELD_ANSWER, random_weights, MAY),
    FILE_AT("tuned", FLAG, tuned, MAY),
    FILE_AT("peak.fma_gflops", NUMBER, fma_gflops, NULLABLE),
    FILE_AT("peak.read_gbps", NUMBER, read_gbps, NULLABLE),
    ROOF(fma_f32_gflops),
    ROOF(fma_f16_gflops),
    ROOF(matrix_bf16_gflops),
    ROOF(dot_int8_gops),
    ROOF(read_gbps),
    ROOF(write_gbps),
    ROOF(copy_gbps),
    ROOF(cache_read_gbps),
    ROOF(cache_bytes),
    ROOF(near_cache_read_gbps),
    ROOF(local_gbps),
    ROOF(launch_ms),
    ROOF(transfer_latency_ms),
    ROOF(upload_gbps),
    ROOF(download_gbps),
    SENSOR(before, clock_mhz),
    SENSOR(before, power_w),
    SENSOR(before, temperature_c),
    SENSOR(before, load_average),
    SENSOR(after, clock_mhz),
    SENSOR(after, power_w),
    SENSOR(after, temperature_c),
    SENSOR(after, load_average),
    FILE_AT("system.os", TEXT, os, MAY),
    FILE_AT("system.cpu", TEXT, cpu, MAY),
    FILE_AT("system.cores", NUMBER, cores, MAY),
    FILE_AT("system.memory_bytes", NUMBER, memory_bytes, MAY),
    FILE_AT("options", VGG_FIELD_PAIRS, options, MAY),
    FILE_AT("environment", VGG_FIELD_PAIRS, environment, MAY),
    FILE_AT("kernels", VGG_FIELD_PAIRS, kernels, MAY),
};

void vgg_bench_file_free(vgg_bench_file *file)
{
    for (size_t i = 0; i < file->result_count; i++) {
        vgg_bench_file_result *result = &file->results[i];
        for (size_t j = 0; j < result->layer_count; j++)
            vgg_fields_free(layer_fields, COUNT(layer_fields), &result->layers[j]);
        vgg_memory_free(result->layers);
        vgg_fields_free(result_fields, COUNT(result_fields), result);
    }
    vgg_memory_free(file->results);
    vgg_fields_free(file_fields, COUNT(file_fields), file);
    vgg_memory_free(file->path);
    *file = (vgg_bench_file){0};
}

const vgg_bench_file_result *vgg_bench_file_result_of(const vgg_bench_file *file, int batch)
{
    for (size_t i = 0; i < file->result_count; i++)
        if (file->results[i].batch == batch)
            return &file->results[i];
    return NULL;
}

const vgg_bench_file_layer *vgg_bench_file_layer_of(const vgg_bench_file_result *result,
                                                    const char *name)
{
    for (size_t i = 0; i < result->layer_count; i++)
        if (strcmp(result->layers[i].name, name) == 0)
            return &result->layers[i];
    return NULL;
}

const char *vgg_bench_pair_of(const vgg_bench_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    return NULL;
}

#ifdef CLVGG_HAVE_CJSON

enum { MOST_RESULTS = 256, MOST_LAYERS = 1024 };

static clvgg_status read_layers(const cJSON *array, vgg_bench_file_result *result)
{
    const cJSON *item = NULL;
    VGG_CHECK(cJSON_IsArray(array) && cJSON_GetArraySize(array) <= MOST_LAYERS,
              CLVGG_STATUS_BAD_FILE, "'layers' must be an array of at most %d", MOST_LAYERS);
    VGG_MEMORY_NEW_PASS(result->layers, (size_t)cJSON_GetArraySize(array), "a benchmark's layers");
    cJSON_ArrayForEach(item, array)
    {
        const size_t i = result->layer_count++;
        VGG_PASS(vgg_prefixed(
            vgg_fields_read(item, layer_fields, COUNT(layer_fields), &result->layers[i]),
            "layers[%zu]", i));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read_result(const cJSON *item, vgg_bench_file_result *result)
{
    const cJSON *batch = cJSON_GetObjectItemCaseSensitive(item, "batch");
    VGG_CHECK(cJSON_IsNumber(batch) && batch->valuedouble >= 1 && batch->valuedouble <= 65536,
              CLVGG_STATUS_BAD_FILE, "'batch' must be a number from 1 to 65536");
    result->batch = (int)batch->valuedouble;
    VGG_PASS(vgg_fields_read(item, result_fields, COUNT(result_fields), result));
    if (!result->wrong)
        VGG_PASS(vgg_fields_read(item, time_fields, COUNT(time_fields), result));
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(item, "layers");
    if (layers != NULL && !cJSON_IsNull(layers))
        VGG_PASS(read_layers(layers, result));
    return CLVGG_STATUS_OK;
}

static clvgg_status read_results(const cJSON *array, vgg_bench_file *file)
{
    const cJSON *item = NULL;
    VGG_CHECK(cJSON_IsArray(array) && cJSON_GetArraySize(array) <= MOST_RESULTS,
              CLVGG_STATUS_BAD_FILE, "'results' must be an array of at most %d", MOST_RESULTS);
    VGG_MEMORY_NEW_PASS(file->results, (size_t)cJSON_GetArraySize(array), "a benchmark's results");
    cJSON_ArrayForEach(item, array)
    {
        const size_t i = file->result_count++;
        VGG_PASS(vgg_prefixed(read_result(item, &file->results[i]), "results[%zu]", i));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read_input(const cJSON *array, vgg_bench_file *file)
{
    const cJSON *item = NULL;
    VGG_CHECK(cJSON_IsArray(array) && (size_t)cJSON_GetArraySize(array) <= COUNT(file->input),
              CLVGG_STATUS_BAD_FILE, "'input' must be an array of at most %zu", COUNT(file->input));
    cJSON_ArrayForEach(item, array)
    {
        VGG_CHECK(cJSON_IsNumber(item) && item->valuedouble >= 1 && item->valuedouble <= 1e9,
                  CLVGG_STATUS_BAD_FILE, "'input' must hold numbers from 1 to 1e9");
        file->input[file->input_count++] = (int)item->valuedouble;
    }
    return CLVGG_STATUS_OK;
}

/* Versions before there was a name for the schema wrote its number. */
static clvgg_status check_schema(const cJSON *root)
{
    static const char name[] = "clvgg-bench/";
    const cJSON *schema = cJSON_GetObjectItemCaseSensitive(root, "schema");
    if (cJSON_IsString(schema) && strncmp(schema->valuestring, name, strlen(name)) == 0) {
        VGG_CHECK(strcmp(schema->valuestring + strlen(name), "1") == 0, CLVGG_STATUS_UNSUPPORTED,
                  "schema %.40s, this version reads %s1", schema->valuestring, name);
        return CLVGG_STATUS_OK;
    }
    VGG_CHECK(cJSON_IsNumber(schema), CLVGG_STATUS_BAD_FILE, "'schema' must be \"%s1\", or 1",
              name);
    VGG_CHECK(schema->valuedouble == 1, CLVGG_STATUS_UNSUPPORTED, "schema %g, this version reads 1",
              schema->valuedouble);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_bench_file_parse(const cJSON *root, const char *path, vgg_bench_file *file)
{
    VGG_CHECK(cJSON_IsObject(root), CLVGG_STATUS_BAD_FILE, "not a JSON object");
    VGG_PASS(check_schema(root));
    VGG_PASS(vgg_fields_read(root, file_fields, COUNT(file_fields), file));
    const cJSON *roof = cJSON_GetObjectItemCaseSensitive(root, "roof");
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(root, "input");
    file->roof.measured = cJSON_IsObject(roof);
    if (input != NULL && !cJSON_IsNull(input))
        VGG_PASS(read_input(input, file));
    if (file->program == NULL)
        VGG_MEMORY_COPY_PASS(file->program, "clvgg", "a program's name");
    if (file->storage == NULL)
        VGG_MEMORY_COPY_PASS(file->storage, "f32", "a storage's name");
    if (file->accumulation == NULL)
        VGG_MEMORY_COPY_PASS(file->accumulation, "float32", "a name of arithmetic");
    VGG_MEMORY_COPY_PASS(file->path, path, "a file's name");
    return read_results(cJSON_GetObjectItemCaseSensitive(root, "results"), file);
}

#endif

/* report/bench_file.c — the members of a benchmark's JSON that are compared, each checked. */
#include "report/bench_file.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json_parse.h"
#include "report/memory.h"

void vgg_bench_file_free(vgg_bench_file *file)
{
    for (size_t i = 0; i < file->result_count; i++) {
        vgg_bench_file_result *result = &file->results[i];
        for (size_t j = 0; j < result->layer_count; j++) {
            vgg_memory_free(result->layers[j].name);
            vgg_memory_free(result->layers[j].variant);
        }
        vgg_memory_free(result->layers);
    }
    vgg_memory_free(file->results);
    vgg_memory_free(file->device);
    vgg_memory_free(file->platform);
    vgg_memory_free(file->model);
    vgg_memory_free(file->storage);
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

#ifdef CLVGG_HAVE_CJSON

static const uint64_t most_bytes = 16 << 20;
enum { MOST_RESULTS = 256, MOST_LAYERS = 4096 };

static clvgg_status read_number(const cJSON *object, const char *name, double *value)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    VGG_CHECK(cJSON_IsNumber(member) && isfinite(member->valuedouble) && member->valuedouble >= 0,
              CLVGG_STATUS_BAD_FILE, "'%s' must be a number, 0 or more", name);
    *value = member->valuedouble;
    return CLVGG_STATUS_OK;
}

static clvgg_status read_string(const cJSON *object, const char *name, char **value)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    VGG_CHECK(cJSON_IsString(member), CLVGG_STATUS_BAD_FILE, "'%s' must be a string", name);
    VGG_MEMORY_COPY_PASS(*value, member->valuestring, "a string of a benchmark");
    return CLVGG_STATUS_OK;
}

static clvgg_status read_layers(const cJSON *array, vgg_bench_file_result *result)
{
    const cJSON *item = NULL;
    VGG_CHECK(cJSON_IsArray(array) && cJSON_GetArraySize(array) <= MOST_LAYERS,
              CLVGG_STATUS_BAD_FILE, "'layers' must be an array of at most %d", MOST_LAYERS);
    VGG_MEMORY_NEW_PASS(result->layers, (size_t)cJSON_GetArraySize(array), "a benchmark's layers");
    cJSON_ArrayForEach(item, array)
    {
        vgg_bench_file_layer *layer = &result->layers[result->layer_count++];
        VGG_PASS(read_string(item, "name", &layer->name));
        VGG_PASS(read_string(item, "variant", &layer->variant));
        if (!cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(item, "ms"))) /* shorter than a tick */
            VGG_PASS(read_number(item, "ms", &layer->ms));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read_result(const cJSON *item, vgg_bench_file_result *result)
{
    double batch = 0;
    VGG_PASS(read_number(item, "batch", &batch));
    VGG_CHECK(batch >= 1 && batch <= 65536, CLVGG_STATUS_BAD_FILE,
              "'batch' must be from 1 to 65536");
    result->batch = (int)batch;
    result->wrong = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "wrong"));
    if (result->wrong)
        return CLVGG_STATUS_OK;
    VGG_PASS(read_number(item, "median_ms", &result->median_ms));
    VGG_PASS(read_number(item, "min_ms", &result->min_ms));
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(item, "layers");
    if (layers != NULL)
        VGG_PASS(read_layers(layers, result));
    return CLVGG_STATUS_OK;
}

static clvgg_status read_root(const cJSON *root, vgg_bench_file *file)
{
    double schema = 0;
    const cJSON *item = NULL;
    VGG_CHECK(cJSON_IsObject(root), CLVGG_STATUS_BAD_FILE, "not a JSON object");
    VGG_PASS(read_number(root, "schema", &schema));
    VGG_CHECK(schema == 1, CLVGG_STATUS_UNSUPPORTED, "schema %g, this version reads 1", schema);
    const cJSON *device = cJSON_GetObjectItemCaseSensitive(root, "device");
    const cJSON *peak = cJSON_GetObjectItemCaseSensitive(root, "peak");
    const cJSON *results = cJSON_GetObjectItemCaseSensitive(root, "results");
    VGG_PASS(read_string(device, "name", &file->device));
    VGG_PASS(read_string(device, "platform", &file->platform));
    VGG_PASS(read_string(root, "model", &file->model));
    if (cJSON_HasObjectItem(root, "storage"))
        VGG_PASS(read_string(root, "storage", &file->storage));
    VGG_PASS(read_number(peak, "fma_gflops", &file->fma_gflops));
    VGG_PASS(read_number(peak, "read_gbps", &file->read_gbps));
    VGG_CHECK(cJSON_IsArray(results) && cJSON_GetArraySize(results) <= MOST_RESULTS,
              CLVGG_STATUS_BAD_FILE, "'results' must be an array of at most %d", MOST_RESULTS);
    VGG_MEMORY_NEW_PASS(file->results, (size_t)cJSON_GetArraySize(results),
                        "a benchmark's results");
    cJSON_ArrayForEach(item, results)
        VGG_PASS(read_result(item, &file->results[file->result_count++]));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_bench_file_read(const char *path, vgg_bench_file *file)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char *bytes = NULL;
    size_t size = 0;
    cJSON *root = NULL;
    *file = (vgg_bench_file){0};
    VGG_TRY(vgg_memory_for(vgg_file_read_text(path, most_bytes, &bytes, &size), path));
    status = vgg_json_parse((const char *)bytes, size + 1, true, NULL, &root);
    if (status == CLVGG_STATUS_OK)
        status = read_root(root, file);
    if (status != CLVGG_STATUS_OK)
        vgg_message_prefix(
            status == CLVGG_STATUS_BAD_FILE ? "%s: not a result of clvgg bench" : "%s", path);
cleanup:
    if (status != CLVGG_STATUS_OK)
        vgg_bench_file_free(file);
    cJSON_Delete(root);
    vgg_free(bytes);
    return status;
}

#else

clvgg_status vgg_bench_file_read(const char *path, vgg_bench_file *file)
{
    *file = (vgg_bench_file){0};
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "%s: this program is built without cJSON", path);
}

#endif

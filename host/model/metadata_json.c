/* model/metadata_json.c — reads the JSON in a weight file's metadata: preprocessing and classes.
 * The only user of cJSON in this folder; without it both are refused.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_parse.h"
#include "model/labels.h"
#include "model/preprocess.h"

#ifdef CLVGG_HAVE_CJSON

/* cJSON takes some 64 bytes a value, so this bounds what a small file can make it allocate. */
#define MAX_JSON_BYTES ((size_t)4 << 20)

static clvgg_status parse(const char *json, const char *what, cJSON **out)
{
    size_t length = strlen(json);
    *out = NULL;
    VGG_CHECK(length <= MAX_JSON_BYTES, CLVGG_STATUS_BAD_FILE,
              "%s: %zu bytes of JSON, at most %zu are read", what, length, MAX_JSON_BYTES);
    VGG_PASS(vgg_json_parse(json, length, false, NULL, out));
    VGG_CHECK(*out != NULL, CLVGG_STATUS_BAD_FILE, "%s: not JSON", what);
    return CLVGG_STATUS_OK;
}

static bool read_float(const cJSON *json, float *value)
{
    if (!cJSON_IsNumber(json) || !(fabs(json->valuedouble) <= 1e30))
        return false;
    *value = (float)json->valuedouble;
    return true;
}

/* Reads one value or three and writes their number to *count. */
static bool read_values(const cJSON *json, float values[3], int *count)
{
    *count = cJSON_IsArray(json) ? cJSON_GetArraySize(json) : 0;
    if (*count != 1 && *count != 3)
        return false;
    const cJSON *item;
    cJSON_ArrayForEach(item, json) if (!read_float(item, values++)) return false;
    return true;
}

/* A whole number from 1 to what an int holds. */
static bool read_size(const cJSON *json, int *value)
{
    if (!cJSON_IsNumber(json) || !(json->valuedouble >= 1 && json->valuedouble <= 1e9) ||
        json->valuedouble != floor(json->valuedouble))
        return false;
    *value = (int)json->valuedouble;
    return true;
}

static bool read_crop(const cJSON *json, clvgg_preprocess *out)
{
    if (cJSON_IsArray(json))
        return cJSON_GetArraySize(json) == 2 && read_size(json->child, &out->height) &&
               read_size(json->child->next, &out->width);
    out->height = out->width = 0;
    return read_size(json, &out->height) && (out->width = out->height) > 0;
}

static bool is_string(const cJSON *json, const char *text)
{
    return cJSON_IsString(json) && strcmp(json->valuestring, text) == 0;
}

/* Number of channels that each required member is for, 0 where it is missing. */
typedef struct member_counts {
    int channels, mean, std;
} member_counts;

static clvgg_status read_member(const cJSON *item, clvgg_preprocess *out, member_counts *counts)
{
    const char *key = item->string;
    bool valid = true;
    if (strcmp(key, "channels") == 0) {
        out->order = is_string(item, "BGR") ? CLVGG_BGR : CLVGG_RGB;
        counts->channels = is_string(item, "grey") ? 1 : 3;
        valid = is_string(item, "BGR") || is_string(item, "RGB") || is_string(item, "grey");
    } else if (strcmp(key, "scale") == 0) {
        valid = read_float(item, &out->scale);
    } else if (strcmp(key, "mean") == 0) {
        valid = read_values(item, out->mean, &counts->mean);
    } else if (strcmp(key, "std") == 0) {
        valid = read_values(item, out->std, &counts->std);
    } else if (strcmp(key, "resize_short") == 0) {
        valid = read_size(item, &out->resize_short);
    } else if (strcmp(key, "crop") == 0) {
        valid = read_crop(item, out);
    } else if (strcmp(key, "mode") == 0) {
        out->mode = is_string(item, "squash") ? CLVGG_RESIZE_SQUASH : CLVGG_RESIZE_CROP;
        valid = is_string(item, "squash") || is_string(item, "crop");
    } else if (strcmp(key, "filter") == 0) {
        valid = is_string(item, "bilinear-antialias");
    } else {
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "clvgg.preprocess: unknown member '%.64s'", key);
    }
    if (!valid)
        return vgg_fail(CLVGG_STATUS_BAD_FILE, "clvgg.preprocess: '%s' has no valid value", key);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_model_preprocess_read_json(const char *json, clvgg_preprocess *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cJSON *root = NULL;
    member_counts counts = {0};
    *out = (clvgg_preprocess){.struct_size = sizeof *out, .scale = 1.0f};
    VGG_TRY(parse(json, "clvgg.preprocess", &root));
    VGG_REQUIRE(cJSON_IsObject(root), CLVGG_STATUS_BAD_FILE, "clvgg.preprocess: not an object");
    for (const cJSON *item = root->child; item != NULL; item = item->next)
        VGG_TRY(read_member(item, out, &counts));
    VGG_REQUIRE(counts.channels != 0 && counts.mean != 0 && counts.std != 0, CLVGG_STATUS_BAD_FILE,
                "clvgg.preprocess: needs 'channels', 'mean' and 'std'");
    VGG_REQUIRE(counts.mean == counts.channels && counts.std == counts.channels,
                CLVGG_STATUS_BAD_FILE,
                "clvgg.preprocess: %d channels, 'mean' has %d values and 'std' %d", counts.channels,
                counts.mean, counts.std);
    out->channels = counts.channels;
    if (vgg_model_preprocess_check(out) != CLVGG_STATUS_OK)
        status = vgg_fail_as(CLVGG_STATUS_BAD_FILE);
cleanup:
    cJSON_Delete(root);
    return status;
}

clvgg_status vgg_labels_read_json(const char *json, size_t count, char ***out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cJSON *root = NULL;
    char **labels = NULL;
    size_t i = 0;
    *out = NULL;
    VGG_TRY(parse(json, "clvgg.classes", &root));
    VGG_REQUIRE(cJSON_IsArray(root), CLVGG_STATUS_BAD_FILE, "clvgg.classes: not an array");
    size_t given = (size_t)cJSON_GetArraySize(root);
    VGG_REQUIRE(given == count, CLVGG_STATUS_BAD_FILE,
                "clvgg.classes: %zu label%s, the network has %zu class%s", given,
                given == 1 ? "" : "s", count, count == 1 ? "" : "es");
    VGG_NEW(labels, count);
    for (const cJSON *item = root->child; item != NULL; item = item->next, i++) {
        VGG_REQUIRE(cJSON_IsString(item) && strlen(item->valuestring) <= VGG_MAX_LABEL_BYTES,
                    CLVGG_STATUS_BAD_FILE,
                    "clvgg.classes: label %zu is not a string of at most %d bytes", i,
                    VGG_MAX_LABEL_BYTES);
        VGG_DUP(labels[i], item->valuestring);
    }
    VGG_GIVE(out, labels);
cleanup:
    vgg_labels_free(labels, count);
    cJSON_Delete(root);
    return status;
}

#else

clvgg_status vgg_model_preprocess_read_json(const char *json, clvgg_preprocess *out)
{
    (void)json;
    (void)out;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "built without cJSON: clvgg.preprocess can't be read");
}

clvgg_status vgg_labels_read_json(const char *json, size_t count, char ***out)
{
    (void)json;
    (void)count;
    *out = NULL;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "built without cJSON: clvgg.classes can't be read");
}

#endif

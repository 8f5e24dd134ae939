/* weights/sharded_index.c — reads the index of a network in several files; nothing in it is taken
 * on trust, its metadata.total_size not even looked at.
 *
 *     {"metadata": {"total_size": 553433088},
 *      "weight_map": {"features.0.weight": "model-00001-of-00002.safetensors", …}}
 */
#include "weights/sharded.h"

#ifdef CLVGG_HAVE_CJSON

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_parse.h"

/* A file's name and nothing more: it can't lead out of the folder. */
static bool is_plain_name(const char *name)
{
    if (name[0] == '\0' || name[0] == '.' || strlen(name) > 255)
        return false;
    for (const char *at = name; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || strchr("/\\:", *at) != NULL)
            return false;
    return true;
}

static int compare(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

/* Sorts; returns how many different ones there are, which then come first. */
static size_t sort_unique(const char **texts, size_t count)
{
    size_t unique = 0;
    qsort(texts, count, sizeof *texts, compare);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(texts[i], texts[unique - 1]) != 0)
            texts[unique++] = texts[i];
    return unique;
}

static clvgg_status check_doubled(const cJSON *map, const char **names, size_t count)
{
    const cJSON *item;
    size_t i = 0;
    cJSON_ArrayForEach(item, map) names[i++] = item->string;
    qsort(names, count, sizeof *names, compare);
    for (i = 1; i < count; i++)
        VGG_CHECK(strcmp(names[i - 1], names[i]) != 0, CLVGG_STATUS_BAD_FILE,
                  "weight_map has tensor \"%s\" twice", names[i]);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_map(vgg_shard_index *index)
{
    const cJSON *item;
    index->map = cJSON_GetObjectItemCaseSensitive(index->root, "weight_map");
    VGG_CHECK(cJSON_IsObject(index->map), CLVGG_STATUS_BAD_FILE, "has no object \"weight_map\"");
    const size_t count = (size_t)cJSON_GetArraySize(index->map);
    VGG_CHECK(count > 0 && count <= VGG_LARGEST_TENSOR_COUNT, CLVGG_STATUS_BAD_FILE,
              "weight_map has %zu tensors, not 1 to %d", count, VGG_LARGEST_TENSOR_COUNT);
    VGG_NEW_PASS(index->files, count);
    VGG_PASS(check_doubled(index->map, index->files, count));
    size_t i = 0;
    cJSON_ArrayForEach(item, index->map)
    {
        VGG_CHECK(cJSON_IsString(item) && is_plain_name(item->valuestring), CLVGG_STATUS_BAD_FILE,
                  "weight_map: tensor \"%s\" isn't in a file of this folder: %s", item->string,
                  cJSON_IsString(item) ? item->valuestring : "no name");
        index->files[i++] = item->valuestring;
    }
    index->file_count = sort_unique(index->files, count);
    VGG_CHECK(index->file_count <= VGG_MOST_SHARDS, CLVGG_STATUS_BAD_FILE,
              "weight_map names %zu files, more than %d", index->file_count, VGG_MOST_SHARDS);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_shard_index_read(const vgg_file *file, vgg_shard_index *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const uint64_t size = vgg_file_size(file);
    char *text = NULL;
    VGG_REQUIRE(size <= VGG_LARGEST_SHARD_INDEX, CLVGG_STATUS_BAD_FILE,
                "has %" PRIu64 " bytes, an index has at most %d", size, VGG_LARGEST_SHARD_INDEX);
    VGG_NEW(text, (size_t)size + 1);
    VGG_TRY(vgg_file_read(file, 0, text, (size_t)size));
    VGG_TRY(vgg_json_parse(text, (size_t)size + 1, true, NULL, &out->root));
    VGG_REQUIRE(out->root != NULL, CLVGG_STATUS_BAD_FILE, "isn't valid JSON");
    VGG_TRY(read_map(out));
cleanup:
    vgg_free(text);
    return status;
}

void vgg_shard_index_free(vgg_shard_index *index)
{
    cJSON_Delete(index->root);
    vgg_free(index->files);
    *index = (vgg_shard_index){0};
}

#else

typedef int vgg_cjson_is_absent; /* C wants something in every file */

#endif

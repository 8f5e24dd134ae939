/* weights/numpy/npz_metadata.c — see npz_metadata.h. Built without cJSON, metadata is left out,
 * which is said. */
#include "weights/numpy/npz_metadata.h"

#include <string.h>

#include "base/alloc.h"
#include "base/json_parse.h"

#ifdef CLVGG_HAVE_CJSON

enum { MAGIC_BYTES = 6, LONG_LENGTH_VERSION = 2, LARGEST_METADATA = 16 << 20, MOST_ENTRIES = 1024 };

/* Where the text begins behind the .npy header, or NULL. */
static const char *find_text(const char *data, uint64_t bytes)
{
    const unsigned char *head = (const unsigned char *)data;
    if (bytes < 12 || memcmp(data, "\x93NUMPY", MAGIC_BYTES) != 0)
        return NULL;
    const bool is_long = head[MAGIC_BYTES] >= LONG_LENGTH_VERSION;
    const uint64_t dictionary = is_long ? 12 : 10;
    uint64_t length = head[8] | (uint64_t)head[9] << 8;
    if (is_long)
        length |= (uint64_t)head[10] << 16 | (uint64_t)head[11] << 24;
    if (length > bytes - dictionary)
        return NULL;
    const char *kind = strstr(data + dictionary, "'|S"), *text = data + dictionary + length;
    return kind != NULL && kind < text ? text : NULL;
}

static clvgg_status take(vgg_weights *weights, const cJSON *root)
{
    VGG_CHECK(cJSON_IsObject(root), CLVGG_STATUS_BAD_FILE,
              "%s: " VGG_NPZ_METADATA " isn't a JSON object", weights->path);
    VGG_CHECK(cJSON_GetArraySize(root) <= MOST_ENTRIES, CLVGG_STATUS_BAD_FILE,
              "%s: " VGG_NPZ_METADATA " has more than %d members", weights->path, MOST_ENTRIES);
    for (const cJSON *item = root->child; item != NULL; item = item->next) {
        VGG_CHECK(cJSON_IsString(item), CLVGG_STATUS_BAD_FILE,
                  "%s: " VGG_NPZ_METADATA ": '%.64s' isn't a string", weights->path, item->string);
        VGG_CHECK(vgg_weights_metadata(weights, item->string) == NULL, CLVGG_STATUS_BAD_FILE,
                  "%s: " VGG_NPZ_METADATA " has '%.64s' twice", weights->path, item->string);
        VGG_PASS(vgg_weights_state(weights, item->string, item->valuestring));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_npz_read_metadata(vgg_weights *weights, const vgg_archive_member *member)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char *data = NULL;
    cJSON *root = NULL;
    VGG_TRY(vgg_archive_read_all(weights->archive, member, LARGEST_METADATA, &data));
    const char *text = find_text(data, member->bytes);
    VGG_REQUIRE(text != NULL, CLVGG_STATUS_BAD_FILE,
                "%s: " VGG_NPZ_METADATA " isn't an array of bytes (|S)", weights->path);
    VGG_TRY(vgg_json_parse(text, member->bytes - (uint64_t)(text - data), false, NULL, &root));
    VGG_TRY(take(weights, root));
cleanup:
    cJSON_Delete(root);
    vgg_free(data);
    return status;
}

#else

clvgg_status vgg_npz_read_metadata(vgg_weights *weights, const vgg_archive_member *member)
{
    (void)member;
    vgg_weights_note(weights, "its " VGG_NPZ_METADATA " isn't read: built without cJSON");
    return CLVGG_STATUS_OK;
}

#endif

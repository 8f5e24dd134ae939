/* weights/weights_sharded.c — a network in several files beside each other, and the index that says
 * which tensor is where: as Hugging Face's libraries write safetensors and pytorch_model.bin. The
 * index is named, or their folder (folder.c).
 *
 * Each file is opened as any file of weights is, whatever its format; one that is such an index or
 * a network itself is refused.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/format.h"
#include "weights/sharded.h"

enum { LONGEST_PATH = 4096 };

static bool join(const char *folder, size_t length, const char *name, char path[LONGEST_PATH])
{
    return length + strlen(name) + 2 <= LONGEST_PATH &&
           snprintf(path, LONGEST_PATH, "%.*s/%s", (int)length, folder, name) > 0;
}

/* Says whether a JSON file has the index's key; that of Keras names .weights.h5 files. */
static bool matches(const vgg_candidate *candidate)
{
    char text[65536];
    size_t at = 0;
    while (at < candidate->bytes && strchr(" \t\r\n", candidate->head[at]) != NULL &&
           candidate->head[at] != '\0')
        at++;
    if (at == candidate->bytes || candidate->head[at] != '{')
        return false;
    const uint64_t size = vgg_file_size(candidate->file);
    const size_t bytes = size < sizeof text ? (size_t)size : sizeof text - 1;
    if (vgg_file_read(candidate->file, 0, text, bytes) != CLVGG_STATUS_OK)
        return false;
    text[bytes] = '\0';
    return strstr(text, "\"weight_map\"") != NULL && strstr(text, ".weights.h5\"") == NULL;
}

#ifdef CLVGG_HAVE_CJSON

/* Where a tensor lies. */
typedef struct shard_tensor {
    size_t shard, slot;
} shard_tensor;

typedef struct shard_set {
    vgg_shard_index index;
    size_t shard_count;
    vgg_weights **shards;
    size_t tensor_count, tensor_capacity;
    shard_tensor *tensors;
} shard_set;

/* Opening files of an index: none of them may be an index itself. */
static _Thread_local bool is_inside;

static clvgg_status open_shard(const char *path, vgg_weights **shard)
{
    VGG_CHECK(!is_inside, CLVGG_STATUS_BAD_FILE, "is an index inside of an index");
    is_inside = true;
    const clvgg_status status = vgg_weights_open(path, shard);
    is_inside = false;
    VGG_PASS(status);
    VGG_CHECK((*shard)->graph == NULL, CLVGG_STATUS_UNSUPPORTED,
              "%s: is %s, a network of its own and not a part of one", path,
              (*shard)->format->name);
    return CLVGG_STATUS_OK;
}

static const char *shard_name(const vgg_weights *shard)
{
    const char *slash = strrchr(shard->path, '/');
    return slash != NULL ? slash + 1 : shard->path;
}

static clvgg_status add_tensors(vgg_weights *weights, shard_set *own, size_t shard)
{
    const vgg_weights *from = own->shards[shard];
    VGG_PASS(vgg_weights_take_parts(weights, from));
    for (size_t i = 0; i < from->slot_count; i++) {
        const vgg_tensor_slot *slot = &from->slots[i];
        VGG_GROW_PASS(own->tensors, own->tensor_count, own->tensor_capacity, 64);
        own->tensors[own->tensor_count] = (shard_tensor){shard, i};
        VGG_PASS(vgg_weights_add(weights, slot->entry.name, &slot->entry.shape, slot->entry.dtype,
                                 slot->foreign_dtype, own->tensor_count++));
        weights->slots[weights->slot_count - 1].entry.int8 = slot->entry.int8;
    }
    for (size_t i = 0; i < from->metadata_count; i++)
        if (vgg_weights_metadata(weights, from->metadata[i].key) == NULL)
            VGG_PASS(vgg_weights_state(weights, from->metadata[i].key, from->metadata[i].value));
    if (from->notes.length > 0)
        vgg_weights_note(weights, "%s: %s", shard_name(from), vgg_weights_notes(from));
    return CLVGG_STATUS_OK;
}

static bool has_tensor(const vgg_weights *shard, const char *name)
{
    return vgg_weights_find(shard, name) != NULL || vgg_weights_foreign_dtype(shard, name) != NULL;
}

/* Every tensor is in the file that the index says, and in no other. */
static clvgg_status check_tensors(const vgg_weights *weights, const shard_set *own)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, own->index.map)
    {
        for (size_t i = 0; i < own->shard_count; i++) {
            const bool wanted = strcmp(own->index.files[i], item->valuestring) == 0;
            VGG_CHECK(has_tensor(own->shards[i], item->string) == wanted, CLVGG_STATUS_BAD_FILE,
                      "%s: tensor \"%s\" is to be in %s alone, and %s %s it", weights->path,
                      item->string, item->valuestring, own->index.files[i],
                      wanted ? "doesn't have" : "has");
        }
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status open_shards(vgg_weights *weights, shard_set *own)
{
    const char *index_path = weights->path;
    const char *slash = strrchr(index_path, '/');
    const char *folder = slash != NULL ? index_path : ".";
    const size_t length = slash != NULL ? (size_t)(slash - index_path) : 1;
    VGG_NEW_PASS(own->shards, own->index.file_count);
    for (size_t i = 0; i < own->index.file_count; i++) {
        char path[LONGEST_PATH];
        VGG_CHECK(join(folder, length, own->index.files[i], path), CLVGG_STATUS_BAD_FILE,
                  "%s: the path to \"%s\" is too long", index_path, own->index.files[i]);
        own->shard_count++;
        VGG_PASS(vgg_prefixed(open_shard(path, &own->shards[i]), "%s", index_path));
    }
    VGG_PASS(check_tensors(weights, own));
    for (size_t i = 0; i < own->shard_count; i++)
        VGG_PASS(add_tensors(weights, own, i));
    vgg_weights_note(weights, "%zu tensors from %zu files", own->tensor_count, own->shard_count);
    return CLVGG_STATUS_OK;
}

static clvgg_status open_index(vgg_weights *weights)
{
    shard_set *own = NULL;
    VGG_NEW_PASS(own, 1);
    weights->own = own;
    VGG_PASS(vgg_prefixed(vgg_shard_index_read(weights->file, &own->index), "%s", weights->path));
    return open_shards(weights, own);
}

static clvgg_status read_values(const vgg_weights *weights, size_t slot, uint64_t first,
                                uint64_t count, void *data)
{
    const shard_set *own = weights->own;
    const shard_tensor *tensor = &own->tensors[weights->slots[slot].place];
    const vgg_weights *shard = own->shards[tensor->shard];
    return shard->format->read(shard, tensor->slot, first, count, data);
}

static void close_shards(vgg_weights *weights)
{
    shard_set *own = weights->own;
    if (own == NULL)
        return;
    for (size_t i = 0; i < own->shard_count; i++)
        vgg_weights_close(own->shards[i]);
    vgg_shard_index_free(&own->index);
    vgg_free(own->shards);
    vgg_free(own->tensors);
    vgg_free(own);
}

const vgg_weights_format vgg_weights_sharded = {.name = "several files with an index (.index.json)",
                                                .matches = matches,
                                                .open = open_index,
                                                .read = read_values,
                                                .close = close_shards};

#else

const vgg_weights_format vgg_weights_sharded = {
    .name = "several files with an index (.index.json)", .matches = matches, .needs = "cJSON"};

#endif

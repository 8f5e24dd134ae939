/* weights/torch/weights_torch_stream.c — what torch.save() wrote until 2020: pickles one behind
 * another, then raw values.
 *
 * The pickles: a magic number, the protocol 1001, facts about the writer's machine, the object, a
 * list of keys of storages. Then for each key the number of its elements in 8 bytes, and their
 * values; how large one is, only the storage's class in the object says. Source:
 * torch/serialization.py (_legacy_save, _legacy_load).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/torch/torch.h"

static bool matches(const vgg_candidate *candidate)
{
    const unsigned char *head = candidate->head;
    return candidate->bytes >= 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5;
}

typedef struct stored {
    const char *key;
    unsigned element_bytes;
    vgg_torch_storage place; /* bytes are UINT64_MAX until the stream has given them */
} stored;

typedef struct storages {
    stored *all; /* sorted by key */
    size_t count;
} storages;

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const stored *)a)->key, ((const stored *)b)->key);
}

static stored *find(const storages *in, const char *key)
{
    const stored wanted = {.key = key};
    return in->count > 0 ? bsearch(&wanted, in->all, in->count, sizeof wanted, compare_keys) : NULL;
}

static clvgg_status find_storage(const vgg_torch_reader *reader, const char *key,
                                 vgg_torch_storage *out)
{
    const stored *found = find(reader->user, key);
    VGG_CHECK(found != NULL && found->place.bytes != UINT64_MAX, CLVGG_STATUS_BAD_FILE,
              "storage \"%s\" isn't in the file", key);
    *out = found->place;
    return CLVGG_STATUS_OK;
}

/* Lists each storage that the object names, once, with its elements' size. */
static clvgg_status list_storages(const vgg_pickle *object, storages *out)
{
    size_t count = 0;
    VGG_NEW_PASS(out->all, object->persistent_count);
    for (size_t i = 0; i < object->persistent_count; i++) {
        const vgg_pickled *id = object->persistent[i]->arguments, *class = vgg_pickled_item(id, 1);
        const vgg_torch_type *type = vgg_torch_type_of(class);
        const char *key = vgg_pickled_text(vgg_pickled_item(id, 2));
        if (!vgg_pickled_is(vgg_pickled_item(id, 0), "storage") || key == NULL || class == NULL)
            continue;
        VGG_CHECK(type != NULL, CLVGG_STATUS_UNSUPPORTED,
                  "storage \"%s\" is of an unknown class, %s", key,
                  class->kind == VGG_PICKLED_GLOBAL ? class->text : "without a name");
        out->all[count++] = (stored){key, type->bytes, {.bytes = UINT64_MAX}};
    }
    qsort(out->all, count, sizeof *out->all, compare_keys);
    for (size_t i = 0; i < count; i++) {
        stored *last = out->count > 0 ? &out->all[out->count - 1] : NULL;
        if (last == NULL || compare_keys(last, &out->all[i]) != 0)
            out->all[out->count++] = out->all[i];
        else
            VGG_CHECK(last->element_bytes == out->all[i].element_bytes, CLVGG_STATUS_BAD_FILE,
                      "storage \"%s\" has two classes", last->key);
    }
    return CLVGG_STATUS_OK;
}

/* Finds where each storage of the list lies. */
static clvgg_status place_storages(const vgg_file *file, vgg_pickle_source *source,
                                   const vgg_pickled *keys, storages *in)
{
    VGG_CHECK(keys != NULL && keys->kind == VGG_PICKLED_SEQUENCE, CLVGG_STATUS_BAD_FILE,
              "the keys of its storages aren't a list");
    for (size_t i = 0; i < keys->count; i++) {
        const char *key = vgg_pickled_text(keys->items[i]);
        stored *found = key != NULL ? find(in, key) : NULL;
        unsigned char number[8];
        uint64_t count = 0, left = source->end - source->offset;
        VGG_CHECK(found != NULL && found->place.bytes == UINT64_MAX, CLVGG_STATUS_BAD_FILE,
                  "storage \"%s\" belongs to no tensor, or is there twice", key ? key : "");
        VGG_CHECK(left >= sizeof number, CLVGG_STATUS_BAD_FILE,
                  "ends at storage \"%s\", the %zu of %" PRIu32, key, i + 1, keys->count);
        VGG_PASS(vgg_file_read(file, source->offset, number, sizeof number));
        for (int byte = 8; byte-- > 0;)
            count = count << 8 | number[byte];
        left -= sizeof number;
        VGG_CHECK(count <= left / found->element_bytes, CLVGG_STATUS_BAD_FILE,
                  "storage \"%s\" is said to have %" PRIu64 " elements of %u bytes, but %" PRIu64
                  " bytes are left of the file",
                  key, count, found->element_bytes, left);
        found->place.offset = source->offset + sizeof number;
        found->place.bytes = count * found->element_bytes;
        source->offset = found->place.offset + found->place.bytes;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status check_magic(vgg_pickle_heap *heap, vgg_pickle_source *source)
{
    static const unsigned char magic[] = {0x6C, 0xFC, 0x9C, 0x46, 0xF9,
                                          0x20, 0x6A, 0xA8, 0x50, 0x19};
    vgg_pickle pickle;
    uint64_t version = 0;
    VGG_PASS(vgg_pickle_read(heap, source, &pickle));
    VGG_CHECK(pickle.root->kind == VGG_PICKLED_OTHER && pickle.root->count == sizeof magic &&
                  memcmp(pickle.root->text, magic, sizeof magic) == 0,
              CLVGG_STATUS_UNSUPPORTED,
              "is a pickle, but not one of torch.save(); save the weights with torch.save() or as "
              "safetensors");
    VGG_PASS(vgg_pickle_read(heap, source, &pickle));
    VGG_CHECK(vgg_pickled_count(pickle.root, &version) && version == 1001, CLVGG_STATUS_UNSUPPORTED,
              "is of PyTorch's protocol %" PRIu64 "; 1001 is read", version);
    return vgg_pickle_read(heap, source, &pickle); /* the writer's machine */
}

static clvgg_status open_stream(vgg_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    storages in = {0};
    vgg_torch_reader reader = {.weights = weights, .find_storage = find_storage, .user = &in};
    vgg_pickle_source source = {.read = vgg_strided_from_file,
                                .source = weights->file,
                                .end = vgg_file_size(weights->file)};
    vgg_pickle object, keys;
    VGG_TRY(check_magic(&reader.heap, &source));
    VGG_TRY(vgg_pickle_read(&reader.heap, &source, &object));
    VGG_TRY(vgg_pickle_read(&reader.heap, &source, &keys));
    VGG_TRY(list_storages(&object, &in));
    VGG_TRY(place_storages(weights->file, &source, keys.root, &in));
    VGG_TRY(vgg_torch_add_state(&reader, object.root));
cleanup:
    vgg_free(in.all);
    return vgg_torch_finish(&reader, status);
}

const vgg_weights_format vgg_weights_torch_stream = {.name = "a PyTorch checkpoint (pickle)",
                                                     .matches = matches,
                                                     .open = open_stream,
                                                     .read = vgg_torch_read,
                                                     .close = vgg_torch_close};

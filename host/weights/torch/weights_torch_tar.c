/* weights/torch/weights_torch_tar.c — what torch.save() wrote before 2017: a tar archive.
 *
 * Its files: "storages", a pickled number of them, for each the pickle (key, location, class), the
 * number of elements in 8 bytes and their values, then a pickled list of views (key, key of the
 * storage, first element, elements). "tensors", a pickled number of them, for each the pickle (key,
 * storage's key, class), the rank in 4 bytes, 4 more, sizes, strides and the offset in 8 bytes
 * each. "pickle", the object, which names tensors by their keys. Source: torch/serialization.py
 * (legacy_load in _legacy_load), the only code that remains.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/torch/torch.h"

enum { KEY_BYTES = 24 };
enum { STORAGES, TENSORS, PICKLE, FILES };
static const char *const file_names[FILES] = {"storages", "tensors", "pickle"};

static bool matches(const vgg_candidate *candidate)
{
    return vgg_torch_is_tar(candidate->head, candidate->bytes);
}

typedef struct tar_storage {
    int64_t key;
    const vgg_torch_type *type;
    vgg_torch_storage place;
} tar_storage;

typedef struct tar_tensor {
    int64_t key;
    vgg_torch_tensor tensor;
} tar_tensor;

typedef struct torch_tar {
    vgg_pickle_heap *heap;
    vgg_pickle_source files[FILES];
    tar_storage *storage; /* the first sorted_count by key */
    size_t storage_count, storage_capacity, sorted_count;
    tar_tensor *tensor; /* by key */
    size_t tensor_count, tensor_capacity;
} torch_tar;

/* ---- keys ---- */

static int compare_keys(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* Keys are addresses: integers, or their digits. */
static bool key_of(const vgg_pickled *value, int64_t *key)
{
    const char *digits = vgg_pickled_text(value);
    char *end = NULL;
    if (value != NULL && value->kind == VGG_PICKLED_INTEGER) {
        *key = value->integer;
        return true;
    }
    if (digits == NULL || digits[0] == '\0')
        return false;
    *key = strtoll(digits, &end, 10);
    return *end == '\0';
}

static clvgg_status check_keys(const void *all, size_t count, size_t size, const char *what)
{
    for (size_t i = 1; i < count; i++) {
        const char *at = (const char *)all + i * size;
        VGG_CHECK(compare_keys(at - size, at) != 0, CLVGG_STATUS_BAD_FILE, "has two %s %" PRId64,
                  what, *(const int64_t *)(const void *)at);
    }
    return CLVGG_STATUS_OK;
}

static const tar_storage *find(const torch_tar *tar, int64_t key)
{
    return tar->storage_count > 0
               ? bsearch(&key, tar->storage, tar->storage_count, sizeof *tar->storage, compare_keys)
               : NULL;
}

/* ---- storages ---- */

/* `count` little-endian numbers of 8 bytes. */
static clvgg_status read_numbers(vgg_pickle_source *source, size_t count, uint64_t *numbers)
{
    VGG_CHECK(source->end - source->offset >= 8 * count, CLVGG_STATUS_BAD_FILE,
              "ends within a storage's or a tensor's description");
    VGG_PASS(source->read(source->source, source->offset, numbers, 8 * count));
    source->offset += 8 * count;
    return CLVGG_STATUS_OK;
}

static clvgg_status read_count(torch_tar *tar, int file, uint64_t *count)
{
    const char *what = file_names[file];
    vgg_pickle pickle;
    VGG_PASS(vgg_prefixed(vgg_pickle_read(tar->heap, &tar->files[file], &pickle), "%s", what));
    VGG_CHECK(vgg_pickled_count(pickle.root, count) && *count <= VGG_LARGEST_TENSOR_COUNT,
              CLVGG_STATUS_BAD_FILE, "the number of its %s isn't one up to %d", what,
              VGG_LARGEST_TENSOR_COUNT);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_storage(torch_tar *tar)
{
    vgg_pickle_source *source = &tar->files[STORAGES];
    tar_storage made = {0};
    vgg_pickle pickle;
    uint64_t count;
    VGG_PASS(vgg_prefixed(vgg_pickle_read(tar->heap, source, &pickle), "storages"));
    const vgg_pickled *class = vgg_pickled_item(pickle.root, 2);
    made.type = vgg_torch_type_of(class);
    VGG_CHECK(key_of(vgg_pickled_item(pickle.root, 0), &made.key), CLVGG_STATUS_BAD_FILE,
              "a storage has no key");
    VGG_CHECK(made.type != NULL, CLVGG_STATUS_UNSUPPORTED,
              "storage %" PRId64 " is of an unknown class, %s", made.key,
              class != NULL && class->kind == VGG_PICKLED_GLOBAL ? class->text : "without a name");
    VGG_PASS(read_numbers(source, 1, &count));
    VGG_CHECK(count <= (source->end - source->offset) / made.type->bytes, CLVGG_STATUS_BAD_FILE,
              "storage %" PRId64 " is said to have %" PRIu64 " elements of %s, more than are there",
              made.key, count, made.type->name);
    made.place = (vgg_torch_storage){NULL, source->offset, count * made.type->bytes};
    source->offset += made.place.bytes;
    VGG_GROW_PASS(tar->storage, tar->storage_count, tar->storage_capacity, 64);
    tar->storage[tar->storage_count++] = made;
    return CLVGG_STATUS_OK;
}

/* (key, key of the storage, first element, elements) */
static clvgg_status read_storage_view(torch_tar *tar, const vgg_pickled *view)
{
    int64_t key, root_key;
    uint64_t first, count;
    VGG_CHECK(key_of(vgg_pickled_item(view, 0), &key) &&
                  key_of(vgg_pickled_item(view, 1), &root_key) &&
                  vgg_pickled_count(vgg_pickled_item(view, 2), &first) &&
                  vgg_pickled_count(vgg_pickled_item(view, 3), &count),
              CLVGG_STATUS_BAD_FILE, "a view of a storage isn't four numbers");
    const tar_storage *root = find(tar, root_key);
    VGG_CHECK(root != NULL && first <= root->place.bytes / root->type->bytes &&
                  count <= root->place.bytes / root->type->bytes - first,
              CLVGG_STATUS_BAD_FILE, "view %" PRId64 " doesn't lie in its storage", key);
    tar_storage made = *root;
    made.key = key;
    made.place.offset += first * root->type->bytes;
    made.place.bytes = count * root->type->bytes;
    VGG_GROW_PASS(tar->storage, tar->storage_count, tar->storage_capacity, 64);
    tar->storage[tar->storage_count++] = made;
    return CLVGG_STATUS_OK;
}

static void sort_storages(torch_tar *tar)
{
    tar->sorted_count = tar->storage_count;
    if (tar->storage_count > 0)
        qsort(tar->storage, tar->storage_count, sizeof *tar->storage, compare_keys);
}

static clvgg_status read_storages(torch_tar *tar)
{
    vgg_pickle pickle;
    uint64_t count;
    VGG_PASS(read_count(tar, STORAGES, &count));
    for (uint64_t i = 0; i < count; i++)
        VGG_PASS(read_storage(tar));
    sort_storages(tar);
    VGG_PASS(vgg_prefixed(vgg_pickle_read(tar->heap, &tar->files[STORAGES], &pickle), "storages"));
    const vgg_pickled *views = pickle.root;
    VGG_CHECK(views->kind == VGG_PICKLED_SEQUENCE && views->count <= VGG_LARGEST_TENSOR_COUNT,
              CLVGG_STATUS_BAD_FILE, "the views of its storages aren't a list");
    for (size_t i = 0; i < views->count; i++)
        VGG_PASS(read_storage_view(tar, views->items[i]));
    sort_storages(tar);
    return check_keys(tar->storage, tar->storage_count, sizeof *tar->storage, "storages");
}

/* ---- tensors ---- */

static clvgg_status read_tensor(torch_tar *tar)
{
    vgg_pickle_source *source = &tar->files[TENSORS];
    uint64_t numbers[2 * CLVGG_MAX_RANK + 1], rank;
    tar_tensor made = {0};
    vgg_pickle pickle;
    int64_t storage_key;
    void *text = NULL;
    VGG_PASS(vgg_prefixed(vgg_pickle_read(tar->heap, source, &pickle), "tensors"));
    VGG_CHECK(key_of(vgg_pickled_item(pickle.root, 0), &made.key) &&
                  key_of(vgg_pickled_item(pickle.root, 1), &storage_key),
              CLVGG_STATUS_BAD_FILE, "a tensor has no key, or no storage");
    const tar_storage *storage = find(tar, storage_key);
    VGG_CHECK(storage != NULL, CLVGG_STATUS_BAD_FILE, "tensor %" PRId64 " views no storage",
              made.key);
    VGG_PASS(read_numbers(source, 1, &rank));
    rank &= UINT32_MAX; /* the other four bytes mean nothing */
    VGG_CHECK(rank <= CLVGG_MAX_RANK, CLVGG_STATUS_UNSUPPORTED,
              "tensor %" PRId64 " has %" PRIu64 " dimensions, more than %d", made.key, rank,
              CLVGG_MAX_RANK);
    VGG_PASS(read_numbers(source, 2 * (size_t)rank + 1, numbers));
    for (size_t i = 0; i <= 2 * rank; i++)
        VGG_CHECK(numbers[i] <= INT64_MAX, CLVGG_STATUS_BAD_FILE,
                  "tensor %" PRId64 " has a dimension, a stride or an offset below 0", made.key);
    VGG_PASS(vgg_pickle_allocate(tar->heap, KEY_BYTES, &text));
    snprintf(text, KEY_BYTES, "%" PRId64, storage_key);
    made.tensor = (vgg_torch_tensor){.type = storage->type,
                                     .storage = text,
                                     .offset = numbers[2 * rank],
                                     .limit = storage->place.bytes / storage->type->bytes,
                                     .rank = (int)rank};
    memcpy(made.tensor.dims, numbers, 8 * rank);
    memcpy(made.tensor.strides, numbers + rank, 8 * rank);
    VGG_GROW_PASS(tar->tensor, tar->tensor_count, tar->tensor_capacity, 64);
    tar->tensor[tar->tensor_count++] = made;
    return CLVGG_STATUS_OK;
}

static clvgg_status read_tensors(torch_tar *tar)
{
    uint64_t count;
    VGG_PASS(read_count(tar, TENSORS, &count));
    for (uint64_t i = 0; i < count; i++)
        VGG_PASS(read_tensor(tar));
    if (tar->tensor_count > 0)
        qsort(tar->tensor, tar->tensor_count, sizeof *tar->tensor, compare_keys);
    return check_keys(tar->tensor, tar->tensor_count, sizeof *tar->tensor, "tensors");
}

static bool find_tensor(const vgg_torch_reader *reader, const vgg_pickled *value,
                        vgg_torch_tensor *out)
{
    const torch_tar *tar = reader->user;
    int64_t key;
    const tar_tensor *found =
        tar->tensor_count > 0 && key_of(value->arguments, &key)
            ? bsearch(&key, tar->tensor, tar->tensor_count, sizeof *tar->tensor, compare_keys)
            : NULL;
    if (found != NULL)
        *out = found->tensor;
    return found != NULL;
}

static clvgg_status find_storage(const vgg_torch_reader *reader, const char *key,
                                 vgg_torch_storage *out)
{
    const tar_storage *found = find(reader->user, strtoll(key, NULL, 10));
    VGG_CHECK(found != NULL, CLVGG_STATUS_BAD_FILE, "storage %s isn't in the file", key);
    *out = found->place;
    return CLVGG_STATUS_OK;
}

static clvgg_status open_tar(vgg_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    torch_tar tar = {0};
    vgg_torch_reader reader = {
        .weights = weights, .find_storage = find_storage, .find_tensor = find_tensor, .user = &tar};
    vgg_pickle object;
    tar.heap = &reader.heap;
    VGG_TRY(vgg_torch_find_in_tar(weights->file, file_names, FILES, tar.files));
    VGG_TRY(read_storages(&tar));
    VGG_TRY(read_tensors(&tar));
    VGG_TRY(vgg_prefixed(vgg_pickle_read(tar.heap, &tar.files[PICKLE], &object), "pickle"));
    VGG_TRY(vgg_torch_add_state(&reader, object.root));
cleanup:
    vgg_free(tar.storage);
    vgg_free(tar.tensor);
    return vgg_torch_finish(&reader, status);
}

const vgg_weights_format vgg_weights_torch_tar = {.name = "a PyTorch checkpoint (tar)",
                                                  .matches = matches,
                                                  .open = open_tar,
                                                  .read = vgg_torch_read,
                                                  .close = vgg_torch_close};

/* weights/weights.c — opens a file of named tensors: the format table, look-up, reading values.
 *
 * A format is recognised by its first bytes, never by the file's name. A new one is a row in the
 * table below and a reader weights_z.c.
 */
#include "weights/weights.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/dtype.h"
#include "weights/format.h"

/* ---- the formats ---- */

static bool begins_with(const unsigned char *head, size_t bytes, const char *magic, size_t length)
{
    return bytes >= length && memcmp(head, magic, length) == 0;
}

/* A zip archive; the name of its first member lies at byte 30, its length at byte 26. */
static bool matches_zip(const unsigned char *head, size_t bytes)
{
    return begins_with(head, bytes, "PK\3\4", 4);
}

static bool matches_npz(const unsigned char *head, size_t bytes)
{
    size_t end =
        matches_zip(head, bytes) && bytes >= 30 ? 30 + (head[26] | (size_t)head[27] << 8) : 0;
    return end >= 34 && end <= bytes && memcmp(head + end - 4, ".npy", 4) == 0;
}

static bool matches_pickle(const unsigned char *head, size_t bytes)
{
    return bytes >= 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5;
}

static bool matches_hdf5(const unsigned char *head, size_t bytes)
{
    return begins_with(head, bytes, "\x89HDF\r\n\x1a\n", 8);
}

static bool matches_npy(const unsigned char *head, size_t bytes)
{
    return begins_with(head, bytes, "\x93NUMPY", 6);
}

/* Protobuf has no magic. ONNX begins with ir_version (field 1, a small integer) and then a string
 * (producer_name, field 2), the graph (7) or the operator set (8); or with the graph, a message
 * whose length is a varint of up to five bytes and whose first field is a node (1). */
static bool matches_onnx(const unsigned char *head, size_t bytes)
{
    if (bytes < 8)
        return false;
    if (head[0] == 0x08)
        return head[1] >= 1 && head[1] <= 32 &&
               (head[2] == 0x12 || head[2] == 0x3A || head[2] == 0x42);
    size_t at = 1;
    while (at < 5 && head[at] >= 0x80)
        at++;
    return head[0] == 0x3A && at > 1 && head[at + 1] == 0x0A;
}

/* Caffe's network begins with its name (field 1, a string of printable characters). */
static bool matches_caffe(const unsigned char *head, size_t bytes)
{
    if (bytes < 8 || head[0] != 0x0A || head[1] == 0 || head[1] > 127 || head[1] + 2u > bytes)
        return false;
    for (size_t i = 2; i < head[1] + 2u; i++)
        if (head[i] < 0x20 || head[i] > 0x7E)
            return false;
    return true;
}

static const vgg_weights_format formats[] = {
    {"a NumPy archive (.npz)", matches_npz, NULL},
    {"a PyTorch checkpoint (zip of pickles)", matches_zip, NULL},
    /* safetensors stands before pickles: the length in its front can look like a pickle's
     * beginning, but a pickle has no '{' at byte 8. */
    {"safetensors", vgg_safetensors_matches, vgg_safetensors_read},
    {"a PyTorch checkpoint (pickle)", matches_pickle, NULL},
    {"an HDF5 file (Keras)", matches_hdf5, NULL},
    {"a single NumPy array (.npy)", matches_npy, NULL},
    {"an ONNX model", matches_onnx, NULL},
    {"a Caffe model", matches_caffe, NULL},
};

static clvgg_status identify(vgg_file *file, const vgg_weights_format **out)
{
    unsigned char head[512];
    uint64_t size = vgg_file_size(file);
    size_t bytes = size < sizeof head ? (size_t)size : sizeof head;
    clvgg_status status = vgg_file_read(file, 0, head, bytes);
    if (status != CLVGG_STATUS_OK)
        return status;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (!formats[i].matches(head, bytes))
            continue;
        *out = &formats[i];
        if (formats[i].read != NULL)
            return CLVGG_STATUS_OK;
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                        "%s: is %s, which this version doesn't read; convert it to safetensors",
                        vgg_file_path(file), formats[i].name);
    }
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: %s; a safetensors file is needed",
                    vgg_file_path(file),
                    size == 0 ? "is empty" : "isn't a weight file of a known format");
}

/* ---- opening ---- */

static int compare_names(const void *a, const void *b)
{
    const vgg_tensor_slot *const *left = a, *const *right = b;
    return strcmp((*left)->entry.name, (*right)->entry.name);
}

static clvgg_status index_names(vgg_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_NEW(weights->by_name, weights->slot_count);
    for (size_t i = 0; i < weights->slot_count; i++)
        weights->by_name[i] = &weights->slots[i];
    qsort(weights->by_name, weights->slot_count, sizeof *weights->by_name, compare_names);
    for (size_t i = 1; i < weights->slot_count; i++)
        VGG_REQUIRE(compare_names(&weights->by_name[i - 1], &weights->by_name[i]) != 0,
                    CLVGG_STATUS_BAD_FILE, "%s: has two tensors named \"%s\"",
                    vgg_file_path(weights->file), weights->by_name[i]->entry.name);
cleanup:
    return status;
}

clvgg_status vgg_weights_open(const char *path, vgg_weights **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_weights *weights = NULL;
    const vgg_weights_format *format = NULL;
    *out = NULL;
    VGG_NEW(weights, 1);
    VGG_TRY(vgg_file_open(path, &weights->file));
    VGG_TRY(identify(weights->file, &format));
    VGG_TRY(format->read(weights));
    VGG_TRY(index_names(weights));
    *out = weights;
    weights = NULL;
cleanup:
    vgg_weights_close(weights);
    return status;
}

void vgg_weights_close(vgg_weights *weights)
{
    if (weights == NULL)
        return;
    vgg_file_close(weights->file);
    vgg_free(weights->strings);
    vgg_free(weights->slots);
    vgg_free(weights->by_name);
    vgg_free(weights->metadata);
    vgg_free(weights);
}

/* ---- access ---- */

const char *vgg_weights_path(const vgg_weights *weights)
{
    return vgg_file_path(weights->file);
}

size_t vgg_weights_count(const vgg_weights *weights)
{
    return weights->readable_count;
}

const vgg_tensor_entry *vgg_weights_entry(const vgg_weights *weights, size_t index)
{
    return &weights->slots[index].entry;
}

static const vgg_tensor_slot *find_slot(const vgg_weights *weights, const char *name)
{
    const vgg_tensor_slot wanted = {.entry = {.name = name}}, *key = &wanted;
    const vgg_tensor_slot **found = bsearch(&key, weights->by_name, weights->slot_count,
                                            sizeof *weights->by_name, compare_names);
    return found != NULL ? *found : NULL;
}

const vgg_tensor_entry *vgg_weights_find(const vgg_weights *weights, const char *name)
{
    const vgg_tensor_slot *slot = find_slot(weights, name);
    return slot != NULL && slot->foreign_dtype == NULL ? &slot->entry : NULL;
}

const char *vgg_weights_foreign_dtype(const vgg_weights *weights, const char *name)
{
    const vgg_tensor_slot *slot = find_slot(weights, name);
    return slot != NULL ? slot->foreign_dtype : NULL;
}

const char *vgg_weights_metadata(const vgg_weights *weights, const char *key)
{
    for (size_t i = 0; i < weights->metadata_count; i++)
        if (strcmp(weights->metadata[i].key, key) == 0)
            return weights->metadata[i].value;
    return NULL;
}

size_t vgg_weights_metadata_count(const vgg_weights *weights)
{
    return weights->metadata_count;
}

void vgg_weights_metadata_at(const vgg_weights *weights, size_t index, const char **key,
                             const char **value)
{
    *key = weights->metadata[index].key;
    *value = weights->metadata[index].value;
}

/* Doubles, rounded to float32; what is too large becomes infinite, which callers refuse. */
static clvgg_status read_doubles(const vgg_weights *weights, uint64_t offset, uint64_t count,
                                 float *values)
{
    double piece[1024];
    clvgg_status status = CLVGG_STATUS_OK;
    while (count > 0) {
        const size_t some = count < 1024 ? (size_t)count : 1024;
        VGG_TRY(vgg_file_read(weights->file, offset, piece, some * sizeof *piece));
        for (size_t i = 0; i < some; i++)
            *values++ = (float)piece[i];
        offset += some * sizeof *piece;
        count -= some;
    }
cleanup:
    return status;
}

clvgg_status vgg_weights_read(const vgg_weights *weights, const vgg_tensor_entry *entry,
                              uint64_t first, uint64_t count, void *data)
{
    uint64_t size = entry->is_double ? sizeof(double) : vgg_dtype_bytes(entry->dtype);
    if (first > entry->count || count > entry->count - first || count > SIZE_MAX / size)
        return vgg_fail(CLVGG_STATUS_INVALID_ARGUMENT,
                        "%s: elements %" PRIu64 " and %" PRIu64 " more were asked for, it has "
                        "%" PRIu64,
                        entry->name, first, count, entry->count);
    const uint64_t offset = entry->offset + first * size;
    clvgg_status status = entry->is_double
                              ? read_doubles(weights, offset, count, data)
                              : vgg_file_read(weights->file, offset, data, (size_t)(count * size));
    if (status != CLVGG_STATUS_OK)
        vgg_message_prefix("tensor %s", entry->name);
    return status;
}

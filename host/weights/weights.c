/* weights/weights.c — opens a file of named tensors: look-up, reading values. */
#include "weights/weights.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/dtype.h"
#include "weights/identify.h"
#include "weights/strided.h"

/* ---- opening ---- */

/* Says what the file is instead of one that can be opened. */
static clvgg_status check_format(const vgg_weights *weights)
{
    const vgg_weights_format *format = weights->format;
    if (format == NULL)
        return vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: %s", weights->path,
                        weights->file != NULL && vgg_file_size(weights->file) == 0
                            ? "is empty; a weight file is needed"
                            : "isn't a weight file of a known format");
    if (format->open != NULL)
        return CLVGG_STATUS_OK;
    if (format->needs != NULL)
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                        "%s: is %s, which this build doesn't read: it was built without %s",
                        weights->path, format->name, format->needs);
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "%s: is %s, which this version doesn't read; %s",
                    weights->path, format->name,
                    format->advice != NULL ? format->advice : "convert it to safetensors");
}

static int compare_names(const void *a, const void *b)
{
    const vgg_tensor_slot *const *left = a, *const *right = b;
    return strcmp((*left)->entry.name, (*right)->entry.name);
}

/* Moves slots of foreign types behind the others; both parts stay in order. */
static clvgg_status part_slots(vgg_weights *weights)
{
    vgg_tensor_slot *parted = NULL;
    size_t next = 0;
    VGG_NEW_PASS(parted, weights->slot_count);
    for (int foreign = 0; foreign < 2; foreign++) {
        for (size_t i = 0; i < weights->slot_count; i++)
            if ((weights->slots[i].foreign_dtype != NULL) == foreign)
                parted[next++] = weights->slots[i];
        if (!foreign)
            weights->readable_count = next;
    }
    vgg_free(weights->slots);
    weights->slots = parted;
    return CLVGG_STATUS_OK;
}

static clvgg_status index_names(vgg_weights *weights)
{
    VGG_NEW_PASS(weights->by_name, weights->slot_count);
    for (size_t i = 0; i < weights->slot_count; i++)
        weights->by_name[i] = &weights->slots[i];
    qsort(weights->by_name, weights->slot_count, sizeof *weights->by_name, compare_names);
    for (size_t i = 1; i < weights->slot_count; i++)
        VGG_CHECK(compare_names(&weights->by_name[i - 1], &weights->by_name[i]) != 0,
                  CLVGG_STATUS_BAD_FILE, "%s: has two tensors named \"%s\"", weights->path,
                  weights->by_name[i]->entry.name);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_weights_open(const char *path, vgg_weights **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_weights *weights = NULL;
    *out = NULL;
    VGG_NEW(weights, 1);
    VGG_DUP(weights->path, path);
    VGG_TRY(vgg_weights_enter_folder(weights));
    VGG_TRY(vgg_weights_identify(weights));
    VGG_TRY(check_format(weights));
    if (weights->file != NULL)
        VGG_TRY(vgg_weights_add_part(weights, weights->file));
    VGG_TRY(weights->format->open(weights));
    VGG_TRY(vgg_text_check(&weights->notes, "notes on a file"));
    VGG_TRY(part_slots(weights));
    VGG_TRY(index_names(weights));
    vgg_weights_sign(weights);
    VGG_GIVE(out, weights);
cleanup:
    vgg_weights_close(weights);
    return status;
}

void vgg_weights_close(vgg_weights *weights)
{
    if (weights == NULL)
        return;
    if (weights->format != NULL && weights->format->close != NULL)
        weights->format->close(weights);
    vgg_archive_close(weights->archive);
    vgg_file_close(weights->file);
    vgg_graph_free(weights->graph);
    vgg_text_free(&weights->notes);
    vgg_weights_free_kept(weights);
    vgg_free(weights->parts);
    vgg_free(weights->folder);
    vgg_free(weights->path);
    vgg_free(weights->strings);
    vgg_free(weights->slots);
    vgg_free(weights->by_name);
    vgg_free(weights->metadata);
    vgg_free(weights);
}

/* ---- access ---- */

const char *vgg_weights_path(const vgg_weights *weights)
{
    return weights->path;
}

const vgg_graph *vgg_weights_graph(const vgg_weights *weights)
{
    return weights->graph;
}

const char *vgg_weights_preprocess_origin(const vgg_weights *weights)
{
    return weights->preprocess_origin;
}

const char *vgg_weights_notes(const vgg_weights *weights)
{
    return vgg_text_string(&weights->notes);
}

const char *vgg_weights_format_name(const vgg_weights *weights)
{
    return weights->format->name;
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

static size_t slot_of(const vgg_weights *weights, const vgg_tensor_entry *entry)
{
    return (size_t)((const vgg_tensor_slot *)entry - weights->slots);
}

static clvgg_status check_range(const vgg_tensor_entry *entry, uint64_t first, uint64_t count)
{
    if (first > entry->count || count > entry->count - first || count > SIZE_MAX / sizeof(double))
        return vgg_fail(CLVGG_STATUS_INVALID_ARGUMENT,
                        "%s: elements %" PRIu64 " and %" PRIu64 " more were asked for, it has "
                        "%" PRIu64,
                        entry->name, first, count, entry->count);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_weights_read(const vgg_weights *weights, const vgg_tensor_entry *entry,
                              uint64_t first, uint64_t count, void *data)
{
    VGG_PASS(check_range(entry, first, count));
    return vgg_prefixed(weights->format->read(weights, slot_of(weights, entry), first, count, data),
                        "tensor %s", entry->name);
}

static const vgg_strided *strided_of(const vgg_weights *weights, const vgg_tensor_entry *entry)
{
    return weights->format->strided != NULL
               ? weights->format->strided(weights, slot_of(weights, entry))
               : NULL;
}

uint64_t vgg_weights_inner(const vgg_weights *weights, const vgg_tensor_entry *entry)
{
    const vgg_strided *from = strided_of(weights, entry);
    return from != NULL && from->dims[0] == entry->shape.dims[0] ? vgg_strided_inner(from) : 0;
}

clvgg_status vgg_weights_read_turned(const vgg_weights *weights, const vgg_tensor_entry *entry,
                                     uint64_t first, uint64_t count, void *data)
{
    const vgg_strided *from = strided_of(weights, entry);
    const size_t size = vgg_dtype_bytes(entry->dtype);
    VGG_PASS(check_range(entry, first, count));
    return vgg_prefixed(
        from->read_bytes(from->source, from->offset + first * size, data, (size_t)count * size),
        "tensor %s", entry->name);
}

/* weights/weights.c — opens a file of named tensors: which format's it is, look-up, reading values.
 *
 * A format is recognised by its first bytes, never by the file's name.
 */
#include "weights/weights.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/format.h"

#define FORMAT_ADDRESS(name) &vgg_weights_##name,
static const vgg_weights_format *const formats[] = {VGG_WEIGHTS_FORMATS(FORMAT_ADDRESS)};

/* Opens what lies at the path, and asks the formats. */
static clvgg_status identify(vgg_weights *weights)
{
    vgg_candidate candidate = {.path = weights->path};
    uint64_t size = 0;
    if (!vgg_file_is_folder(weights->path)) {
        VGG_PASS(vgg_file_open(weights->path, &weights->file));
        size = vgg_file_size(weights->file);
        candidate.bytes = size < sizeof candidate.head ? (size_t)size : sizeof candidate.head;
        candidate.file = weights->file;
        VGG_PASS(vgg_file_read(weights->file, 0, candidate.head, candidate.bytes));
        if (vgg_archive_matches(candidate.head, candidate.bytes))
            VGG_PASS(vgg_archive_open(weights->file, &weights->archive));
        candidate.archive = weights->archive;
    }
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (!formats[i]->matches(&candidate))
            continue;
        weights->format = formats[i];
        if (formats[i]->open != NULL)
            return CLVGG_STATUS_OK;
        if (formats[i]->needs != NULL)
            return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                            "%s: is %s, which this build doesn't read: it was built without %s",
                            weights->path, formats[i]->name, formats[i]->needs);
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "%s: is %s, which this version doesn't read; %s",
                        weights->path, formats[i]->name,
                        formats[i]->advice != NULL ? formats[i]->advice
                                                   : "convert it to safetensors");
    }
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: %s", weights->path,
                    weights->file == NULL ? "is a folder without weights of a known format"
                    : size == 0           ? "is empty; a weight file is needed"
                                          : "isn't a weight file of a known format");
}

/* ---- opening ---- */

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
    VGG_TRY(identify(weights));
    VGG_TRY(weights->format->open(weights));
    VGG_TRY(vgg_text_check(&weights->notes, "notes on a file"));
    VGG_TRY(part_slots(weights));
    VGG_TRY(index_names(weights));
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

const char *vgg_weights_format_at(size_t index, bool *reads, const char **needs)
{
    if (index >= sizeof formats / sizeof *formats)
        return NULL;
    *needs = formats[index]->needs;
    *reads = formats[index]->open != NULL;
    return formats[index]->name;
}

const char *vgg_weights_format_advice(size_t index)
{
    return formats[index]->advice;
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

clvgg_status vgg_weights_read(const vgg_weights *weights, const vgg_tensor_entry *entry,
                              uint64_t first, uint64_t count, void *data)
{
    const size_t slot = (size_t)((const vgg_tensor_slot *)entry - weights->slots);
    if (first > entry->count || count > entry->count - first || count > SIZE_MAX / sizeof(double))
        return vgg_fail(CLVGG_STATUS_INVALID_ARGUMENT,
                        "%s: elements %" PRIu64 " and %" PRIu64 " more were asked for, it has "
                        "%" PRIu64,
                        entry->name, first, count, entry->count);
    return vgg_prefixed(weights->format->read(weights, slot, first, count, data), "tensor %s",
                        entry->name);
}

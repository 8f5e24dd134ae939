/* train/features.c — opening a feature file, sharing out memory, and what is there already. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checksum.h"
#include "train/dataset.h"
#include "train/features_inside.h"

/* More than this in chunks reads longer runs from the disk, but leaves the processor's caches. */
enum { MOST_CHUNK_ROWS = 4096, MOST_CHUNKS_BYTES = 128 << 20, MOST_DECODE_BYTES = 256 << 20 };

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* An image in a batch: prepared, its features, and those in the two buffers that are handed on. */
static uint64_t image_bytes(const vgg_features_options *options)
{
    return options->input_count * sizeof(float) +
           options->feature_count * (sizeof(float) + 2 * sizeof(uint16_t));
}

/* A feature in both chunks, with its place on the disk. */
static uint64_t row_bytes(const vgg_features_options *options)
{
    return 2 * (options->feature_count * sizeof(uint16_t) + sizeof(uint64_t));
}

/* Shares the memory limit: batches on their way to and from the device get at most half of it. */
static void share_memory(vgg_features *features)
{
    const vgg_features_options *options = &features->options;
    const uint64_t limit = options->memory_limit_bytes;
    features->device_batch =
        (size_t)clamp(limit / 2 / image_bytes(options), 1, (uint64_t)options->source_batch);
    const uint64_t batch_bytes = features->device_batch * image_bytes(options);
    features->decode_bytes =
        clamp(limit > batch_bytes ? limit - batch_bytes : 1, 1, MOST_DECODE_BYTES);
    const uint64_t chunks_bytes = clamp(limit, 0, MOST_CHUNKS_BYTES);
    features->chunk_rows = features->file != NULL ? (size_t)clamp(chunks_bytes / row_bytes(options),
                                                                  1, MOST_CHUNK_ROWS)
                                                  : features->device_batch;
}

uint64_t vgg_features_buffer_bytes(const vgg_features *features)
{
    const uint64_t compute =
        features->device_batch * image_bytes(&features->options) + features->decode_bytes;
    const uint64_t stream = features->chunk_rows * row_bytes(&features->options);
    return features->file != NULL && stream > compute ? stream : compute;
}

uint64_t vgg_features_index_bytes(const vgg_features *features)
{
    if (features->file == NULL)
        return 0;
    const vgg_feature_index *index = &features->file->index;
    return index->capacity * sizeof *index->slots + index->bucket_count * sizeof *index->buckets;
}

/* All that a view depends on but the image and its number. */
static uint64_t variation_of(const vgg_features_options *options)
{
    enum { VERSION = 2 }; /* of how views are read, drawn and prepared: another makes new records */
    const uint64_t parts[3] = {VERSION, options->augment, options->view_seed};
    return vgg_checksum(parts, sizeof parts, 0);
}

clvgg_status vgg_features_open(const vgg_features_options *options, vgg_features **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_features *features = NULL;
    *out = NULL;
    VGG_NEW(features, 1);
    features->options = *options;
    features->options.directory = features->options.layer = NULL;
    if (options->layer != NULL)
        snprintf(features->layer, sizeof features->layer, "%s: ", options->layer);
    features->variation = variation_of(options);
    if (options->directory != NULL) {
        VGG_TRY(vgg_feature_file_open(options->directory, options->cache_limit_bytes,
                                      options->digest, options->feature_count, &features->file));
        VGG_TRY(vgg_feature_folder_reserve(&features->file->folder, features->file->name, 0));
    }
    share_memory(features);
    VGG_GIVE(out, features);
cleanup:
    vgg_features_close(features);
    return status;
}

void vgg_features_close(vgg_features *features)
{
    if (features == NULL)
        return;
    vgg_feature_file_close(features->file);
    vgg_free(features);
}

vgg_feature_id vgg_features_id(const vgg_features *features, const vgg_feature_item *item)
{
    vgg_feature_id id = {.variation = item->view != 0 ? features->variation : 0,
                         .view = item->view};
    memcpy(id.digest, vgg_dataset_image_at(item->dataset, item->image)->digest, sizeof id.digest);
    return id;
}

static uint32_t state_of(const vgg_features *features, const vgg_feature_item *item)
{
    const vgg_feature_index *index = &features->file->index;
    const vgg_feature_id id = vgg_features_id(features, item);
    const uint32_t slot = vgg_feature_index_find(index, &id);
    return slot != VGG_FEATURE_NO_SLOT ? index->slots[slot].state : VGG_FEATURE_FREE;
}

bool vgg_features_has(const vgg_features *features, const vgg_feature_item *item)
{
    return state_of(features, item) >= VGG_FEATURE_PRESENT;
}

size_t vgg_features_present(const vgg_features *features, const vgg_feature_item *items,
                            size_t count)
{
    size_t present = 0;
    for (size_t i = 0; i < count && features->file != NULL; i++)
        present += vgg_features_has(features, &items[i]);
    return present;
}

uint64_t vgg_features_record_bytes(const vgg_features *features)
{
    return features->file != NULL ? vgg_feature_file_record_bytes(features->file) : 0;
}

clvgg_status vgg_features_room(const vgg_features *features, uint64_t *bytes)
{
    *bytes = UINT64_MAX;
    if (features->file == NULL)
        return CLVGG_STATUS_OK;
    return vgg_feature_folder_room(&features->file->folder, features->file->name, bytes);
}

uint64_t vgg_features_missing_bytes(const vgg_features *features, const vgg_feature_item *items,
                                    size_t count, bool discarding)
{
    const vgg_feature_index *index = &features->file->index;
    size_t missing = 0, asked = 0, free_slots = vgg_feature_index_count(index, VGG_FEATURE_FREE);
    for (size_t i = 0; i < count; i++) {
        const uint32_t state = state_of(features, &items[i]);
        missing += state < VGG_FEATURE_PRESENT;
        asked += state == VGG_FEATURE_PRESENT;
    }
    const size_t present = vgg_feature_index_count(index, VGG_FEATURE_PRESENT);
    if (discarding && present > asked && vgg_feature_is_alone(features->file->descriptor))
        free_slots += present - asked;
    if (missing <= free_slots)
        return 0;
    /* A group begins with all its heads: up to 4 KiB that no record has asked for. */
    return (missing - free_slots) * vgg_feature_file_record_bytes(features->file) + 4096;
}

clvgg_status vgg_features_require_room(const vgg_features *features, const vgg_feature_item *items,
                                       size_t count)
{
    if (features->file == NULL)
        return CLVGG_STATUS_OK;
    return vgg_feature_folder_require(&features->file->folder, features->file->name,
                                      vgg_features_missing_bytes(features, items, count, true));
}

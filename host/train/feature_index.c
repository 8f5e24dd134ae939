/* train/feature_index.c — a hash table whose hash is the key: digests are random already. */
#include "train/feature_index.h"

#include <string.h>

#include "base/alloc.h"

static void make_key(const vgg_feature_id *id, uint64_t key[2])
{
    memcpy(key, id->digest, 2 * sizeof *key);
    key[0] ^= id->variation;
    key[1] ^= id->view * 0x9E3779B97F4A7C15u; /* odd: no two views are the same */
}

static uint32_t *bucket_of(const vgg_feature_index *index, const uint64_t key[2])
{
    return &index->buckets[(key[0] ^ key[1]) & (index->bucket_count - 1)];
}

static void chain(vgg_feature_index *index, uint32_t slot)
{
    uint32_t *bucket = bucket_of(index, index->slots[slot].key);
    index->slots[slot].next = *bucket;
    *bucket = slot;
}

static clvgg_status grow_buckets(vgg_feature_index *index, size_t wanted)
{
    size_t count = 64;
    while (count < wanted)
        count *= 2;
    uint32_t *buckets = NULL;
    VGG_NEW_PASS(buckets, count);
    memset(buckets, 0xFF, count * sizeof *buckets); /* VGG_FEATURE_NO_SLOT */
    vgg_free(index->buckets);
    index->buckets = buckets;
    index->bucket_count = count;
    for (size_t slot = 0; slot < index->count; slot++)
        if (index->slots[slot].state != VGG_FEATURE_FREE)
            chain(index, (uint32_t)slot);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_feature_index_grow(vgg_feature_index *index, size_t count)
{
    VGG_CHECK(count < VGG_FEATURE_NO_SLOT, CLVGG_STATUS_UNSUPPORTED,
              "%zu records are too many for a feature file", count);
    if (count > index->capacity) {
        vgg_feature_slot *slots = vgg_realloc(index->slots, count, sizeof *slots);
        if (slots == NULL)
            return CLVGG_STATUS_OUT_OF_MEMORY;
        index->slots = slots;
        index->capacity = count;
    }
    if (count > index->bucket_count)
        VGG_PASS(grow_buckets(index, count));
    if (count > index->count) {
        memset(index->slots + index->count, 0, (count - index->count) * sizeof *index->slots);
        index->count = count;
    }
    return CLVGG_STATUS_OK;
}

uint32_t vgg_feature_index_find(const vgg_feature_index *index, const vgg_feature_id *id)
{
    uint64_t key[2];
    if (index->bucket_count == 0)
        return VGG_FEATURE_NO_SLOT;
    make_key(id, key);
    uint32_t slot = *bucket_of(index, key);
    while (slot != VGG_FEATURE_NO_SLOT && memcmp(index->slots[slot].key, key, sizeof key) != 0)
        slot = index->slots[slot].next;
    return slot;
}

void vgg_feature_index_put(vgg_feature_index *index, uint32_t slot, const vgg_feature_id *id,
                           vgg_feature_state state, uint64_t checksum)
{
    vgg_feature_slot *entry = &index->slots[slot];
    *entry = (vgg_feature_slot){.checksum = checksum, .state = state};
    make_key(id, entry->key);
    chain(index, slot);
}

uint32_t vgg_feature_index_free_slot(vgg_feature_index *index)
{
    while (index->first_free < index->count &&
           index->slots[index->first_free].state != VGG_FEATURE_FREE)
        index->first_free++;
    return (uint32_t)index->first_free;
}

size_t vgg_feature_index_count(const vgg_feature_index *index, vgg_feature_state state)
{
    size_t end = index->count, count = 0;
    while (end > 0 && index->slots[end - 1].state == VGG_FEATURE_FREE)
        end--;
    for (size_t slot = 0; slot < end; slot++)
        count += index->slots[slot].state == (uint32_t)state;
    return count;
}

void vgg_feature_index_free(vgg_feature_index *index)
{
    vgg_free(index->slots);
    vgg_free(index->buckets);
    *index = (vgg_feature_index){0};
}

/* train/feature_index.h — which record of a feature file lies in which slot.
 *
 * 32 bytes a slot, and a table of 4 to 8 bytes more: buckets of chains.
 */
#ifndef VGG_TRAIN_FEATURE_INDEX_H
#define VGG_TRAIN_FEATURE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Identity of a record: an image's file and one of its views. */
typedef struct vgg_feature_id {
    uint8_t digest[32]; /* of the image's file */
    uint64_t variation; /* how views are drawn; 0 for view 0, which is always the same */
    uint32_t view;
} vgg_feature_id;

typedef enum vgg_feature_state {
    VGG_FEATURE_FREE,    /* no record */
    VGG_FEATURE_ABSENT,  /* the slot of a record that isn't there yet, or was found damaged */
    VGG_FEATURE_WANTED,  /* ABSENT, and about to be computed */
    VGG_FEATURE_PRESENT, /* its head is sound */
    VGG_FEATURE_DOUBTED, /* PRESENT, and about to be verified */
    VGG_FEATURE_VERIFIED /* its values were found sound too */
} vgg_feature_state;

typedef struct vgg_feature_slot {
    uint64_t key[2];   /* of the id: digests are random, so that 16 bytes of them tell all apart */
    uint64_t checksum; /* of the values */
    uint32_t next;     /* in the chain; VGG_FEATURE_NO_SLOT ends it */
    uint32_t state;
} vgg_feature_slot;

#define VGG_FEATURE_NO_SLOT UINT32_MAX

/* Zero-initialise; free with vgg_feature_index_free(). */
typedef struct vgg_feature_index {
    vgg_feature_slot *slots; /* [capacity] */
    uint32_t *buckets;       /* [bucket_count], a power of two */
    size_t count, capacity, bucket_count;
    size_t first_free; /* no slot before it is FREE */
} vgg_feature_index;

/* Makes room for slots up to `count`, FREE ones. */
clvgg_status vgg_feature_index_grow(vgg_feature_index *index, size_t count);
/* The slot of an id, whatever its state, or VGG_FEATURE_NO_SLOT. */
uint32_t vgg_feature_index_find(const vgg_feature_index *index, const vgg_feature_id *id);
/* Enters an id that isn't there into a FREE slot below the count grown to. */
void vgg_feature_index_put(vgg_feature_index *index, uint32_t slot, const vgg_feature_id *id,
                           vgg_feature_state state, uint64_t checksum);
/* The first FREE slot; `count` when there is none. */
uint32_t vgg_feature_index_free_slot(vgg_feature_index *index);
/* Number of slots in a state; FREE ones count only before the last that isn't. */
size_t vgg_feature_index_count(const vgg_feature_index *index, vgg_feature_state state);
void vgg_feature_index_free(vgg_feature_index *index);

#endif

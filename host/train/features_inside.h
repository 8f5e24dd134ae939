/* train/features_inside.h — what vgg_features is inside, for those who compute, fill and stream.
 *
 * Memory is shared out once, when it is opened: computing and streaming take at most the limit
 * each, and don't run together, except in streams without a folder, whose chunks are a batch.
 */
#ifndef VGG_TRAIN_FEATURES_INSIDE_H
#define VGG_TRAIN_FEATURES_INSIDE_H

#include "train/feature_file.h"
#include "train/features.h"

struct vgg_features {
    vgg_features_options options; /* without the directory */
    char layer[64];               /* "" or "relu6: " */
    vgg_feature_file *file;       /* NULL: nothing is kept */
    uint64_t variation;           /* vgg_feature_id's, of views but the first */
    size_t device_batch;          /* images a call of compute takes */
    uint64_t decode_bytes;        /* limit of the stream of images */
    size_t chunk_rows;            /* features read ahead; there are two chunks */
};

vgg_feature_id vgg_features_id(const vgg_features *features, const vgg_feature_item *item);
/* Says whether the file, which must exist, has a record. */
bool vgg_features_has(const vgg_features *features, const vgg_feature_item *item);
/* Bytes by which the file grows for what it lacks of the items; if `discarding`, after records that
 * aren't asked for have made room, where they may. */
uint64_t vgg_features_missing_bytes(const vgg_features *features, const vgg_feature_item *items,
                                    size_t count, bool discarding);

#endif

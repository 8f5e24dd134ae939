/* train/features.h — what the frozen layers give for images: computed once, kept on disk, streamed.
 *
 * A feature file belongs to one frozen part of a network and one preprocessing (its name is the
 * hash of both); a record is one view of one image, found by the image's content: a file is shared
 * by data sets and by runs, and an interrupted run's records are used by the next. Records are
 * float16 with a checksum each; a damaged or torn one counts as absent. (train/feature_file.c)
 *
 * Memory doesn't depend on the number of images but for an index of 40 bytes each, and 8 more while
 * what is missing is computed.
 */
#ifndef VGG_TRAIN_FEATURES_H
#define VGG_TRAIN_FEATURES_H

#include "clvgg/dataset.h"
#include "image/view.h"
#include "plan/plan.h"

/* An image, a view of it. */
typedef struct vgg_feature_item {
    const clvgg_dataset *dataset;
    uint32_t image; /* of the data set */
    uint32_t view;  /* 0: the image as it is */
} vgg_feature_item;

/* The frozen part on the device. It is made when features are first needed, by the owner. */
typedef struct vgg_feature_source {
    void *user;
    /* Called by one thread at a time: the one that fills, or, without a folder, a stream's own.
     * Features float32 [count][feature_count] of prepared images float32 [count][input_count]. */
    clvgg_status (*compute)(void *user, int count, const float *images, float *features);
} vgg_feature_source;

/* Handler of items whose image can't be read or decoded. */
typedef struct vgg_features_unreadable {
    void *user;
    /* Called by the thread that fills or checks, with the image's failure: OK leaves the item out,
     * anything else ends the work. NULL: the failure itself does. */
    clvgg_status (*leave_out)(void *user, const vgg_feature_item *item, const char *message);
} vgg_features_unreadable;

typedef struct vgg_features_options {
    vgg_feature_source source;
    vgg_features_unreadable unreadable;
    int source_batch; /* most images a call of compute takes */
    size_t input_count, feature_count;
    uint8_t digest[32]; /* of frozen weights, preprocessing, and whatever else decides bits */
    clvgg_preprocess preprocess;
    unsigned augment; /* which transformations views have */
    uint64_t view_seed;
    const char *directory; /* NULL: nothing is kept, features are computed as they are asked for.
                              Made where it is missing; this user's alone */
    uint64_t cache_limit_bytes, memory_limit_bytes;
    int threads;       /* that decode */
    const char *layer; /* whose values features are, for messages; NULL: none is named */
} vgg_features_options;

typedef struct vgg_features vgg_features;

/* Opens or makes the file and reads its index; the options' strings needn't outlive the call. The
 * least recently used other feature files of the folder are removed if the limit asks for it, never
 * one that a process has open. Errors: IO, OUT_OF_MEMORY. */
clvgg_status vgg_features_open(const vgg_features_options *options, vgg_features **out);
void vgg_features_close(vgg_features *features);
/* Number of the items that are on disk already. */
size_t vgg_features_present(const vgg_features *features, const vgg_feature_item *items,
                            size_t count);
/* Bytes of a record on disk; 0 without a folder. */
uint64_t vgg_features_record_bytes(const vgg_features *features);
/* Bytes that can be added: by the disk and by the folder's limit, other files that aren't open
 * anywhere counted as free. ~0 without a folder. */
clvgg_status vgg_features_room(const vgg_features *features, uint64_t *bytes);
/* Fails unless vgg_features_fill() will find room for these items: it removes other files that
 * aren't open anywhere and, where that isn't enough, records of this one that are not among the
 * items of any call, unless another process has it open. Errors: IO, with both numbers. */
clvgg_status vgg_features_require_room(const vgg_features *features, const vgg_feature_item *items,
                                       size_t count);
/* Most bytes of host memory that computing and streaming take. */
uint64_t vgg_features_buffer_bytes(const vgg_features *features);
/* Bytes of host memory that the index takes beside the buffers. */
uint64_t vgg_features_index_bytes(const vgg_features *features);

/* Called with how many of the missing items are done; returns false to stop: CANCELLED. */
typedef bool (*vgg_features_progress)(void *user, uint64_t done, uint64_t total);
/* Computes what is missing of the items, in their order, decoding ahead of the device; each record
 * is on disk as soon as its batch is done. Views of an image that are neighbours are decoded once.
 * Records that are there are verified first, once a process: damaged ones count as missing. While
 * another process fills the file it waits. Does nothing without a folder. Errors: BAD_FILE (an
 * image: its path and why), NON_FINITE (a feature that is no number, or too large for float16), IO
 * (disk full, the limit: what was written stays valid), CANCELLED, source's. Items that were left
 * out stay missing. */
clvgg_status vgg_features_fill(vgg_features *features, const vgg_feature_item *items, size_t count,
                               vgg_features_progress progress, void *user);
/* Reads and prepares the images of the items that aren't on disk, and computes nothing: whether
 * vgg_features_fill(), or a stream without a folder, will meet one that can't be read. Errors: an
 * image's, CANCELLED. */
clvgg_status vgg_features_check(vgg_features *features, const vgg_feature_item *items, size_t count,
                                vgg_features_progress progress, void *user);

/* Streams items in the order given, read (or, without a folder, decoded and computed) ahead. One
 * stream of a file at a time. The items must outlive the stream. Errors: NOT_FOUND (an item that
 * the file lacks), OUT_OF_MEMORY. */
typedef struct vgg_feature_stream vgg_feature_stream;
clvgg_status vgg_feature_stream_open(vgg_features *features, const vgg_feature_item *items,
                                     size_t count, int batch, vgg_feature_stream **out);
/* The next items, `batch` of them while there are so many: float32 [*count][feature_count]. *count
 * is 0 at the end. Errors: BAD_FILE (a record was damaged since it was verified; the next fill
 * computes it), IO; without a folder those of vgg_features_fill(). */
clvgg_status vgg_feature_stream_next(vgg_feature_stream *stream, float *values, int *count);
void vgg_feature_stream_close(vgg_feature_stream *stream);

/* The order of an epoch: a permutation of 0…count−1 by seed and epoch alone, whatever is cached and
 * however much memory there is. It is drawn in two steps, so that a disk reads runs: runs of 16
 * neighbours of one fixed shuffle are shuffled, then windows of 4096 images. vgg_features_fill()
 * should be given that fixed shuffle (epoch −1), so that neighbours lie side by side. */
void vgg_epoch_order(uint64_t seed, int epoch, size_t count, uint32_t *order);
/* The view of an image that an epoch takes: 0…views−1, each once in `views` epochs. */
uint32_t vgg_epoch_view(uint64_t seed, int epoch, uint32_t image, int views);

#endif

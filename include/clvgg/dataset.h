/* clvgg/dataset.h — photographs with classes: what there is, how it is split, how well a model does.
 *
 * Two layouts are known: a folder with a folder a class (train/cat/…, train/dog/…; the class is the
 * folder's name, images may lie deeper), and a flat folder of Kaggle names (cat.0.jpg, dog.12.jpg;
 * the class is what stands before the first dot). Classes are sorted bytewise, images too.
 */
#ifndef CLVGG_DATASET_H
#define CLVGG_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clvgg_dataset clvgg_dataset;

enum { CLVGG_DATASET_DIGEST_BYTES = 32 };

/* Lists a folder and reads every file once, for its digest, with the runtime's threads. Links are
 * followed. Left out, see clvgg_dataset_skipped(): files that aren't images by content (their
 * first bytes are looked at), what can't be read, what is hidden (.name), links that lead back.
 * Reference-counted, immutable. Errors: NOT_FOUND, IO, BAD_FILE (no image at all, neither layout,
 * images of both layouts side by side, a class folder without images, a folder of train and val
 * instead of one of these), OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_dataset_open(clvgg_runtime *runtime, const char *path,
                                          clvgg_dataset **out);
CLVGG_API void clvgg_dataset_free(clvgg_dataset *dataset);

CLVGG_API const char *clvgg_dataset_path(const clvgg_dataset *dataset);
CLVGG_API size_t clvgg_dataset_count(const clvgg_dataset *dataset);
CLVGG_API size_t clvgg_dataset_class_count(const clvgg_dataset *dataset);
/* Name of a class and how many images it has. Parts of a data set have all of its classes. */
CLVGG_API const char *clvgg_dataset_class_name(const clvgg_dataset *dataset, size_t class_index);
CLVGG_API size_t clvgg_dataset_class_size(const clvgg_dataset *dataset, size_t class_index);

typedef struct clvgg_dataset_item {
    const char *path; /* owned by the data set */
    size_t class_index;
    uint8_t digest[CLVGG_DATASET_DIGEST_BYTES]; /* SHA-256 of the file */
} clvgg_dataset_item;
CLVGG_API void clvgg_dataset_at(const clvgg_dataset *dataset, size_t index,
                                clvgg_dataset_item *item);

/* Files and folders that were left out, and why, in words. None of a part. */
CLVGG_API size_t clvgg_dataset_skipped_count(const clvgg_dataset *dataset);
CLVGG_API void clvgg_dataset_skipped(const clvgg_dataset *dataset, size_t index, const char **path,
                                     const char **reason);

/* Parts a data set in two, each class by itself: `fraction` (above 0, below 1) of a class, rounded
 * to the nearest, but at least one image and not all of classes of two and more, becomes the second
 * part. Copies of one file stay in one part, so the second may be a little smaller. The same seed
 * and files give the same parts, whatever the files' names. Errors: INVALID_ARGUMENT,
 * OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_dataset_split(const clvgg_dataset *dataset, double fraction,
                                           uint64_t seed, clvgg_dataset **first,
                                           clvgg_dataset **second);
/* Files of `second` that are in `first` too, by content; the first such pair's indices, where there
 * is one, go to *first_index and *second_index (may be NULL). Errors: OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_dataset_common(const clvgg_dataset *first, const clvgg_dataset *second,
                                            size_t *count, size_t *first_index,
                                            size_t *second_index);

#ifdef __cplusplus
}
#endif
#endif

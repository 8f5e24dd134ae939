/* train/dataset.h — photographs with classes: folder → list → digests → classes → parts.
 *
 * The walk is pipeline/paths.c's. dataset_check.c reads every file once, dataset_classes.c finds
 * out which folder or name says the class, dataset.c keeps the result, dataset_split.c parts it.
 * Files are listed once, their paths in one block; a data set chooses from the list, so that parts
 * cost 4 bytes an image. What the calls mean is written in clvgg/dataset.h.
 */
#ifndef VGG_TRAIN_DATASET_H
#define VGG_TRAIN_DATASET_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/runtime.h"
#include "base/text.h"
#include "clvgg/dataset.h"

typedef struct vgg_dataset_image {
    size_t path; /* into `paths` */
    uint32_t class_index;
    uint8_t digest[CLVGG_DATASET_DIGEST_BYTES];
} vgg_dataset_image;

typedef struct vgg_dataset_skip {
    size_t path;   /* into `paths` */
    size_t reason; /* into `words` */
} vgg_dataset_skip;

/* All that was found in a folder. Shared by the data set that was opened and its parts. */
typedef struct vgg_dataset_files {
    atomic_int references;
    char *root;
    vgg_text paths, words;     /* NUL-terminated each; words: class names and reasons */
    vgg_dataset_image *images; /* [image_count], bytewise sorted by path */
    size_t image_count;
    vgg_dataset_skip *skipped; /* [skipped_count] */
    size_t skipped_count;
    size_t *class_names; /* [class_count], into `words`, bytewise sorted */
    size_t class_count;
} vgg_dataset_files;

struct clvgg_dataset {
    atomic_int references;
    const vgg_scope *scope;
    vgg_dataset_files *files;
    bool part;        /* a part reports no skipped files: the whole did */
    uint32_t *chosen; /* [count] indices into files->images, ascending */
    size_t count;
    size_t *class_sizes; /* [class_count] */
};

/* `threads` read files. */
clvgg_status vgg_dataset_open(int threads, const char *path, clvgg_dataset **out);
clvgg_dataset *vgg_dataset_retain(const clvgg_dataset *dataset);
void vgg_dataset_free(clvgg_dataset *dataset);

static inline const vgg_dataset_image *vgg_dataset_image_at(const clvgg_dataset *dataset,
                                                            size_t index)
{
    return &dataset->files->images[dataset->chosen[index]];
}

/* Path of an image, the same pointer for the same image in a data set and in its parts, as a stream
 * source needs. */
static inline const char *vgg_dataset_image_path(const clvgg_dataset *dataset, size_t index)
{
    return dataset->files->paths.bytes + vgg_dataset_image_at(dataset, index)->path;
}

const char *vgg_dataset_class_name(const clvgg_dataset *dataset, size_t class_index);

/* A new data set of the images for which choose[i] is `value`, of all where it is NULL. */
clvgg_status vgg_dataset_choose(vgg_dataset_files *files, const uint8_t *choose, uint8_t value,
                                clvgg_dataset **out);

clvgg_status vgg_dataset_split(const clvgg_dataset *dataset, double fraction, uint64_t seed,
                               clvgg_dataset **first, clvgg_dataset **second);
clvgg_status vgg_dataset_common(const clvgg_dataset *first, const clvgg_dataset *second,
                                size_t *count, size_t *first_index, size_t *second_index);

#endif

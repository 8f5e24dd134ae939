/* train/dataset_build.h — steps of opening a data set. Private to dataset*.c. */
#ifndef VGG_TRAIN_DATASET_BUILD_H
#define VGG_TRAIN_DATASET_BUILD_H

#include "pipeline/paths.h"
#include "train/dataset.h"

/* Reasons for leaving a file or folder out, beside errno and VGG_PATH_…; 0: an image, which stays.
 */
enum {
    VGG_DATASET_EMPTY = -16,
    VGG_DATASET_NOT_IMAGE = -17,
    VGG_DATASET_TOO_LARGE = -18,
    VGG_DATASET_NO_CLASS = -19
};

/* Facts about one entry of a path list. */
typedef struct vgg_dataset_entry {
    int problem;
    uint32_t class_index;
    uint8_t digest[CLVGG_DATASET_DIGEST_BYTES];
} vgg_dataset_entry;

enum { VGG_DATASET_REASON_BYTES = 128 };
/* A problem in words. */
void vgg_dataset_reason(int problem, char words[VGG_DATASET_REASON_BYTES]);

/* Fills problem and digest of every entry, reading each file once. */
clvgg_status vgg_dataset_check_files(int threads, const vgg_path_list *list,
                                     vgg_dataset_entry *entries);

/* Tells the layout, fills class_index (and problem NO_CLASS), class_names and class_count. The
 * images' folder is files->root. */
clvgg_status vgg_dataset_find_classes(vgg_dataset_files *files, const vgg_path_list *list,
                                      vgg_dataset_entry *entries);

#endif

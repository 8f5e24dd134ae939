/* support/feature_set.h — a data set of small pictures, and a frozen part that is arithmetic. */
#ifndef TEST_SUPPORT_FEATURE_SET_H
#define TEST_SUPPORT_FEATURE_SET_H

#include <stdatomic.h>

#include "train/dataset.h"
#include "train/features.h"

enum {
    FEATURE_SIDE = 8,
    FEATURE_INPUTS = 3 * FEATURE_SIDE * FEATURE_SIDE,
    FEATURE_COUNT = 40,
    FEATURE_RECORD = FEATURE_COUNT * 2 + 64
};

/* Images whose digests are made up; no two pictures are the same. */
typedef struct feature_set {
    clvgg_dataset dataset;
    vgg_dataset_files files;
} feature_set;

/* Writes the pictures into the test's folder (support/files.h): "image-7.png". */
void feature_set_make(feature_set *set, size_t images);
void feature_set_free(feature_set *set);

/* A frozen part that can be made to fail, with counts of its calls and images. */
typedef struct frozen_part {
    atomic_long calls, images;
    long fail_at;    /* the call that fails with OPENCL; negative: none */
    long special_at; /* the image whose last feature is `special`; negative: none */
    float special;
    long delay_us;  /* of a call */
    size_t largest; /* images in a call */
} frozen_part;

/* Options for a file in `directory` (may be NULL) with plenty of memory and room. */
vgg_features_options feature_options(frozen_part *part, const char *directory);

/* Opens, or fails the test. */
vgg_features *feature_open(const vgg_features_options *options);
/* float32 [FEATURE_COUNT], as any stream must give them. */
void feature_expected(const vgg_features_options *options, const vgg_feature_item *item,
                      float *values);
/* Streams all items and fails the test unless each has the expected bits. */
void feature_check_stream(vgg_features *features, const vgg_features_options *options,
                          const vgg_feature_item *items, size_t count, int batch);
/* Removes a folder with the files in it, if it is there. */
void feature_folder_remove(const char *path);

#endif

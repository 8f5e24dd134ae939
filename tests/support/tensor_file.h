/* support/tensor_file.h — safetensors files of a small VGG under any names, whole or damaged. */
#ifndef TEST_SUPPORT_TENSOR_FILE_H
#define TEST_SUPPORT_TENSOR_FILE_H

#include "weights/weights.h"

#define TENSOR_FILE_MAX 64

/* A safetensors file to be written. Value i of a tensor is (i % 7) / 8, which every type holds
 * exactly. */
typedef struct tensor_file {
    char names[TENSOR_FILE_MAX][128];
    vgg_tensor_entry tensors[TENSOR_FILE_MAX];
    size_t count;
    vgg_metadata_entry metadata[8];
    size_t metadata_count;
    long nan_tensor; /* its element `nan_element` is NaN; −1: none */
    uint64_t nan_element;
} tensor_file;

enum { SMALL_CHANNELS = 4, SMALL_FC6 = 12, SMALL_FC7 = 10, SMALL_CLASSES = 3 };

/* A VGG for 32 × 32 pixels: the convolutions called names[i] ("features.0"), the dense layers
 * head[0…2]. */
void tensor_file_vgg(tensor_file *file, const char *const *names, size_t count,
                     const char *const head[3]);
void tensor_file_add(tensor_file *file, const char *name, const clvgg_shape *shape);
void tensor_file_remove(tensor_file *file, const char *name);
/* The tensor of that name, to be changed. Fails the running test when there is none. */
vgg_tensor_entry *tensor_file_get(tensor_file *file, const char *name);
void tensor_file_state(tensor_file *file, const char *key, const char *value);
/* Puts a prefix before every name. */
void tensor_file_prefix(tensor_file *file, const char *prefix);
void tensor_file_write(tensor_file *file, const char *path);

#endif

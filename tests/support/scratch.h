/* support/scratch.h — a folder for a test's files, and a small network to run in it. */
#ifndef TEST_SUPPORT_SCRATCH_H
#define TEST_SUPPORT_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/tensor.h"

/* Makes a folder; its name stays valid until test_scratch_remove(), which removes what is in it. */
const char *test_scratch_make(void);
void test_scratch_remove(void);
/* cmocka group fixtures: a folder with test_scratch_net("net.safetensors"); its removal. */
int test_scratch_setup(void **state);
int test_scratch_teardown(void **state);
/* A path in the folder; valid until the next 8 calls. */
const char *test_scratch_path(const char *name);
void test_scratch_write(const char *name, const void *bytes, size_t size);
/* A PNG of 40 × 40 noise that `seed` tells from others. */
void test_scratch_image(const char *name, unsigned seed);
void test_scratch_folder(const char *name);
/* A PNG of stripes and checks, which a network finds less alike than noise. */
enum { TEST_PICTURE_SIDE = 40 };
void test_scratch_picture(const char *name, unsigned seed);
/* A PNG whose rows are missing: its first bytes are an image's. */
void test_scratch_broken_image(const char *name);
/* A data set: TEST_PICTURES pictures, every other one in the folder `first`. */
enum { TEST_PICTURES = 24 };
void test_scratch_pictures(const char *name, const char *first, const char *second);
/* Copies a file into the folder. */
void test_scratch_copy(const char *name, const char *source);

/* A VGG-11 for 32×32 images with TEST_NET_CLASSES classes and fixed weights, saved as `name`. */
enum { TEST_NET_CLASSES = 4, TEST_NET_SIDE = 32, TEST_NET_PARAMETERS = 9224692 };
extern const char *const test_net_labels[TEST_NET_CLASSES];
void test_scratch_net(const char *name);
/* Makes a network with any number of classes, which have no names. */
void test_scratch_nameless_net(const char *name, int class_count);
/* Writes / reads a whole float32 array; the reader's values are freed by free(). */
void test_scratch_write_npy(const char *name, const clvgg_shape *shape, const float *values);
float *test_scratch_read_npy(const char *name, clvgg_shape *shape);

#endif

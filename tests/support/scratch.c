/* support/scratch.c — files for end-to-end tests; the network's weights come from a hash. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "support/scratch.h"

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "clvgg/model.h"

static char folder[64];

const char *const test_net_labels[TEST_NET_CLASSES] = {"cat", "a \"dog\", big", "esc\033[31m",
                                                       "\xC3\xA9tang"};

const char *test_scratch_make(void)
{
    strcpy(folder, "/tmp/clvgg-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *position)
{
    (void)info;
    (void)kind;
    (void)position;
    return remove(path);
}

void test_scratch_remove(void)
{
    assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

int test_scratch_setup(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    return 0;
}

int test_scratch_teardown(void **state)
{
    (void)state;
    test_scratch_remove();
    return 0;
}

const char *test_scratch_path(const char *name)
{
    static char paths[8][256];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void test_scratch_write(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(test_scratch_path(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void test_scratch_copy(const char *name, const char *source)
{
    FILE *file = fopen(source, "rb");
    assert_non_null(file);
    char *bytes = malloc(1 << 20);
    assert_non_null(bytes);
    size_t size = fread(bytes, 1, 1 << 20, file);
    assert_in_range(size, 1, (1 << 20) - 1);
    fclose(file);
    test_scratch_write(name, bytes, size);
    free(bytes);
}

static void write_png(const char *name, int side, const uint8_t *pixels)
{
    clvgg_runtime *runtime = NULL;
    assert_int_equal(clvgg_runtime_create(NULL, &runtime), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_image_write_png(runtime, test_scratch_path(name), side, side, pixels),
                     CLVGG_STATUS_OK);
    clvgg_runtime_free(runtime);
}

void test_scratch_image(const char *name, unsigned seed)
{
    enum { SIDE = 40 };
    uint8_t pixels[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof pixels; i++) {
        vgg_random_next(&seed);
        pixels[i] = (uint8_t)(seed >> 24);
    }
    write_png(name, SIDE, pixels);
}

void test_scratch_folder(const char *name)
{
    assert_int_equal(mkdir(test_scratch_path(name), 0700), 0);
}

void test_scratch_picture(const char *name, unsigned seed)
{
    uint8_t pixels[TEST_PICTURE_SIDE][TEST_PICTURE_SIDE][3];
    const unsigned wide = seed % 4 + 1;
    for (unsigned y = 0; y < TEST_PICTURE_SIDE; y++)
        for (unsigned x = 0; x < TEST_PICTURE_SIDE; x++)
            for (unsigned c = 0; c < 3; c++) {
                const unsigned bright = (x / wide + y / wide * (seed % 3) + c * seed) % 2;
                pixels[y][x][c] =
                    (uint8_t)(bright * (100 + 10 * seed % 150) + seed * 37 * (c + 1) % 100);
            }
    write_png(name, TEST_PICTURE_SIDE, pixels[0][0]);
}

void test_scratch_broken_image(const char *name)
{
    test_scratch_write(name, "\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08\x08\x02\0\0\0", 30);
}

void test_scratch_pictures(const char *name, const char *first, const char *second)
{
    const char *const classes[] = {first, second};
    char path[128];
    test_scratch_folder(name);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", name, classes[i]);
        test_scratch_folder(path);
    }
    for (unsigned i = 0; i < TEST_PICTURES; i++) {
        snprintf(path, sizeof path, "%s/%s/%02u.png", name, classes[i % 2], i);
        test_scratch_picture(path, i);
    }
}

/* Uniform with He's variance, so that activations keep their size through the layers. */
static clvgg_status net_values(void *user, const char *tensor, const clvgg_shape *shape,
                               uint64_t first, uint64_t count, float *values)
{
    (void)user;
    double fan_in = 1;
    for (int i = 1; i < shape->rank; i++)
        fan_in *= (double)shape->dims[i];
    double range = shape->rank > 1 ? sqrt(6 / fan_in) : 0.1;
    uint64_t seed = (unsigned char)tensor[strlen(tensor) - 1];
    for (uint64_t i = 0; i < count; i++) {
        uint64_t hash = (first + i + seed * 1000003) * 0x9E3779B97F4A7C15u;
        hash = (hash ^ hash >> 29) * 0xBF58476D1CE4E5B9u;
        values[i] = (float)(range * ((double)(hash >> 40) / (1 << 23) - 1));
    }
    return CLVGG_STATUS_OK;
}

static void make_net(const char *name, int class_count, const char *const *labels)
{
    clvgg_runtime *runtime = NULL;
    clvgg_model *model = NULL;
    clvgg_model_description description;
    clvgg_model_description_defaults(&description);
    description.architecture = "vgg11";
    description.input_height = description.input_width = TEST_NET_SIDE;
    description.head[0] = description.head[1] = 8;
    description.class_count = class_count;
    description.labels = labels;
    description.preprocess.height = description.preprocess.width = TEST_NET_SIDE;
    description.preprocess.resize_short = 0;
    description.source = net_values;
    assert_int_equal(clvgg_runtime_create(NULL, &runtime), CLVGG_STATUS_OK);
    clvgg_status status = clvgg_model_build(runtime, &description, &model);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_model_save(model, test_scratch_path(name), CLVGG_DTYPE_F16);
    if (status != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    clvgg_model_free(model);
    clvgg_runtime_free(runtime);
}

void test_scratch_net(const char *name)
{
    make_net(name, TEST_NET_CLASSES, test_net_labels);
}

void test_scratch_nameless_net(const char *name, int class_count)
{
    make_net(name, class_count, NULL);
}

void test_scratch_write_npy(const char *name, const clvgg_shape *shape, const float *values)
{
    clvgg_runtime *runtime = NULL;
    clvgg_npy_writer *writer = NULL;
    clvgg_shape row = {.rank = shape->rank - 1};
    memcpy(row.dims, shape->dims + 1, (size_t)row.rank * sizeof *row.dims);
    assert_int_equal(clvgg_runtime_create(NULL, &runtime), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_npy_create(runtime, test_scratch_path(name), &row, &writer), 0);
    assert_int_equal(clvgg_npy_append(writer, shape->dims[0], values), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_npy_commit(writer), CLVGG_STATUS_OK);
    clvgg_npy_writer_free(writer);
    clvgg_runtime_free(runtime);
}

float *test_scratch_read_npy(const char *name, clvgg_shape *shape)
{
    clvgg_runtime *runtime = NULL;
    clvgg_npy_reader *reader = NULL;
    assert_int_equal(clvgg_runtime_create(NULL, &runtime), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_npy_open(runtime, test_scratch_path(name), &reader, shape), 0);
    size_t count = 1;
    for (int i = 0; i < shape->rank; i++)
        count *= (size_t)shape->dims[i];
    float *values = calloc(count, sizeof *values);
    assert_non_null(values);
    assert_int_equal(clvgg_npy_read(reader, 0, shape->dims[0], values), CLVGG_STATUS_OK);
    clvgg_npy_close(reader);
    clvgg_runtime_free(runtime);
    return values;
}

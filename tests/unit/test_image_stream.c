/* Streaming: order, errors in place, batches, folders, memory, closing early, failing memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "clvgg/image.h"
#include "support/files.h"
#include "support/image_fixture.h"
#include "support/meter.h"

#define IMAGES TEST_DATA "/images/"
enum { SIDE = 24, ROW = 3 * SIDE * SIDE, BATCH_MAX = 8 };

static clvgg_image_stream_options small_options(int max_batch)
{
    clvgg_image_stream_options options;
    clvgg_image_stream_options_defaults(&options);
    options.preprocess.height = options.preprocess.width = SIDE;
    options.preprocess.resize_short = SIDE;
    options.max_batch = max_batch;
    return options;
}

/* Prepares the row that a stream should give for this file; false when the file has an error. */
static int prepare_alone(clvgg_runtime *runtime, const char *path, float *row)
{
    clvgg_image *image = NULL;
    clvgg_image_stream_options options = small_options(1);
    int good = clvgg_image_read(runtime, path, &image) == CLVGG_STATUS_OK &&
               clvgg_image_prepare(image, &options.preprocess, row) == CLVGG_STATUS_OK;
    clvgg_image_free(image);
    return good;
}

/* Streams `paths` and checks each item against the path expected there, read alone. */
static void stream_delivers(clvgg_runtime *runtime, const char *const *paths, size_t path_count,
                            const char *const *expected, size_t expected_count, int max_batch,
                            size_t max_items)
{
    static float data[BATCH_MAX * ROW], alone[ROW];
    clvgg_stream_item items[64];
    clvgg_image_stream *stream = NULL;
    clvgg_image_stream_options options = small_options(max_batch);
    assert_int_equal(clvgg_image_stream_open(runtime, paths, path_count, &options, &stream),
                     CLVGG_STATUS_OK);
    assert_int_equal(clvgg_image_stream_count(stream), expected_count);
    size_t index = 0, count = 0;
    do {
        size_t rows = 0;
        assert_int_equal(clvgg_image_stream_next(stream, data, items, max_items, &count),
                         CLVGG_STATUS_OK);
        assert_true(count <= max_items);
        for (size_t i = 0; i < count; i++, index++) {
            assert_string_equal(items[i].path, expected[index]);
            if (prepare_alone(runtime, expected[index], alone)) {
                assert_int_equal(items[i].status, CLVGG_STATUS_OK);
                assert_null(items[i].message);
                assert_memory_equal(data + rows++ * ROW, alone, sizeof alone);
            } else {
                assert_int_not_equal(items[i].status, CLVGG_STATUS_OK);
                assert_ptr_equal(strstr(items[i].message, expected[index]), items[i].message);
            }
        }
        assert_true(rows <= (size_t)max_batch);
    } while (count > 0);
    assert_int_equal(index, expected_count);
    clvgg_image_stream_close(stream);
}

static void items_come_in_order_with_their_errors(void **state)
{
    (void)state;
    const char *paths[40];
    for (size_t i = 0; i < 40; i++)
        paths[i] = i % 7 == 3   ? IMAGES "generate.py"
                   : i % 7 == 6 ? "/does/not/exist"
                   : i % 2      ? IMAGES "jpeg-progressive.jpg"
                                : IMAGES "tall.png";
    meter m;
    for (int threads = 1; threads <= 5; threads += 2) {
        clvgg_runtime *runtime = meter_runtime(&m, threads);
        stream_delivers(runtime, paths, 40, paths, 40, 1, 1);
        stream_delivers(runtime, paths, 40, paths, 40, BATCH_MAX, 64);
        stream_delivers(runtime, paths, 40, paths, 40, 3, 5);
        stream_delivers(runtime, paths, 0, paths, 0, 3, 5);
        clvgg_runtime_free(runtime);
        assert_int_equal(m.held_blocks, 0);
    }
}

/* `most` takes images from all over the list, the first always. */
static void some_come_evenly(void **state)
{
    (void)state;
    static const struct {
        size_t most, taken[10], count;
    } cases[] = {{3, {0, 3, 6}, 3},
                 {1, {0}, 1},
                 {4, {0, 2, 5, 7}, 4},
                 {9, {0, 1, 2, 3, 4, 5, 6, 7, 8}, 9},
                 {10, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 10},
                 {500, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 10}};
    char names[10][32];
    const char *paths[10];
    meter m;
    clvgg_runtime *runtime = meter_runtime(&m, 2);
    for (size_t i = 0; i < 10; i++) {
        snprintf(names[i], sizeof names[i], "/does/not/exist/%zu", i);
        paths[i] = names[i];
    }
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        static float data[BATCH_MAX * ROW];
        clvgg_stream_item items[64];
        size_t count;
        clvgg_image_stream *stream;
        clvgg_image_stream_options options = small_options(BATCH_MAX);
        options.most = cases[c].most;
        assert_int_equal(clvgg_image_stream_open(runtime, paths, 10, &options, &stream),
                         CLVGG_STATUS_OK);
        assert_int_equal(clvgg_image_stream_count(stream), cases[c].count);
        assert_int_equal(clvgg_image_stream_next(stream, data, items, 64, &count), CLVGG_STATUS_OK);
        assert_int_equal(count, cases[c].count);
        for (size_t i = 0; i < count; i++)
            assert_string_equal(items[i].path, paths[cases[c].taken[i]]);
        clvgg_image_stream_close(stream);
    }
    clvgg_runtime_free(runtime);
    assert_int_equal(m.held_blocks, 0);
}

static void put_image(const char *path)
{
    size_t size = 0;
    char *bytes = file_read(IMAGES "jpeg-grey.jpg", &size);
    file_write(path, bytes, size);
    free(bytes);
}

/* A tree with every oddity; `paths` are made within it and removed in reverse. */
static void folders_are_walked_in_byte_order(void **state)
{
    (void)state;
    static const char *const names[] = {"f/",         "f/b/",     "f/b/2.jpg", "f/b.PNG",
                                        "f/a.jpeg",   "f/Z.JpG",  "f/b/1.png", "f/notes.txt",
                                        "f/.hid.jpg", "f/empty/", "f/dir.png/"};
    enum { NAMES = sizeof names / sizeof *names };
    char made[NAMES][512];
    for (size_t i = 0; i < NAMES; i++) {
        strcpy(made[i], temp_path(names[i]));
        if (made[i][strlen(made[i]) - 1] == '/')
            assert_int_equal(mkdir(made[i], 0777), 0);
        else
            put_image(made[i]);
    }
    char loop[512], dangling[512];
    strcpy(loop, temp_path("f/b/loop"));
    strcpy(dangling, temp_path("f/dangling.png"));
    assert_int_equal(symlink("..", loop), 0);
    assert_int_equal(symlink("nowhere", dangling), 0);

    static const char *const sorted[] = {"f/.hid.jpg", "f/Z.JpG",   "f/a.jpeg",      "f/b.PNG",
                                         "f/b/1.png",  "f/b/2.jpg", "f/dangling.png"};
    enum { SORTED = sizeof sorted / sizeof *sorted };
    char text[SORTED + 2][512];
    const char *expected[SORTED + 2];
    for (size_t i = 0; i < SORTED; i++)
        expected[i] = strcpy(text[i], temp_path(sorted[i]));
    /* Given by name, a folder without images is an item, and so is a file, whatever its name. */
    expected[SORTED] = strcpy(text[SORTED], temp_path("f/empty"));
    expected[SORTED + 1] = strcpy(text[SORTED + 1], temp_path("f/notes.txt"));
    char folder[512];
    strcpy(folder, temp_path("f"));
    const char *given[] = {folder, expected[SORTED], expected[SORTED + 1]};
    meter m;
    clvgg_runtime *runtime = meter_runtime(&m, 2);
    stream_delivers(runtime, given, 3, expected, SORTED + 2, 4, 64);
    clvgg_runtime_free(runtime);
    assert_int_equal(m.held_blocks, 0);

    assert_int_equal(remove(loop) | remove(dangling), 0);
    for (size_t i = NAMES; i-- > 0;)
        assert_int_equal(remove(made[i]), 0);
}

static void unreadable_folder_is_an_item(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        fprintf(stderr, "SKIPPED: root reads every folder\n");
        skip();
    }
    char folder[512];
    strcpy(folder, temp_path("closed"));
    assert_int_equal(mkdir(folder, 0), 0);
    const char *paths[] = {folder};
    meter m;
    clvgg_runtime *runtime = meter_runtime(&m, 1);
    stream_delivers(runtime, paths, 1, paths, 1, 1, 1);
    clvgg_runtime_free(runtime);
    assert_int_equal(remove(folder), 0);
}

/* Peak memory, less that of the paths, while `count` copies pass through four workers. */
static long long peak_of(const char *path, size_t count, int side, uint64_t limit_bytes)
{
    meter m;
    clvgg_stream_item items[BATCH_MAX];
    clvgg_runtime *runtime = meter_runtime(&m, 4);
    const char **paths = calloc(count, sizeof *paths);
    float *data = calloc((size_t)BATCH_MAX * 3 * (size_t)(side * side), sizeof *data);
    for (size_t i = 0; i < count; i++)
        paths[i] = path;
    clvgg_image_stream *stream = NULL;
    clvgg_image_stream_options options = small_options(BATCH_MAX);
    options.preprocess.height = options.preprocess.width = side;
    options.preprocess.resize_short = side;
    options.memory_limit_bytes = limit_bytes;
    assert_int_equal(clvgg_image_stream_open(runtime, paths, count, &options, &stream),
                     CLVGG_STATUS_OK);
    size_t got = 0, total = 0;
    do {
        assert_int_equal(clvgg_image_stream_next(stream, data, items, BATCH_MAX, &got),
                         CLVGG_STATUS_OK);
        for (size_t i = 0; i < got; i++)
            assert_int_equal(items[i].status, CLVGG_STATUS_OK);
        total += got;
    } while (got > 0);
    assert_int_equal(total, count);
    clvgg_image_stream_close(stream);
    clvgg_runtime_free(runtime);
    free(data);
    free(paths);
    assert_int_equal(m.held_blocks, 0);
    /* The list of paths is text and 16 bytes each, in blocks that double. */
    return m.peak_bytes - 2 * (long long)(count * (strlen(path) + 1 + 16));
}

static void memory_stays_within_the_limit(void **state)
{
    (void)state;
    /* 16 slots of 150 KB, four pictures of 800 KB in work: too much on either count. */
    const char *chelsea = TEST_DATA "/chelsea.png";
    long long slack = 300000; /* libpng's own buffers */
    assert_true(peak_of(chelsea, 50, 112, 1600000) <= 1600000 + slack);
    assert_true(peak_of(IMAGES "tall.png", 3000, SIDE, 200000) <=
                peak_of(IMAGES "tall.png", 100, SIDE, 200000) + slack);
    /* Less than one row or one picture still makes progress. */
    peak_of(chelsea, 10, 112, 1);
}

static void closes_at_any_time(void **state)
{
    (void)state;
    meter m;
    static float data[BATCH_MAX * ROW];
    clvgg_stream_item items[BATCH_MAX];
    const char *paths[] = {IMAGES, "/none", IMAGES};
    for (size_t calls = 0; calls < 24; calls++) {
        clvgg_runtime *runtime = meter_runtime(&m, 3);
        clvgg_image_stream *stream = NULL;
        clvgg_image_stream_options options = small_options(BATCH_MAX);
        size_t got = 0;
        assert_int_equal(clvgg_image_stream_open(runtime, paths, 3, &options, &stream),
                         CLVGG_STATUS_OK);
        for (size_t i = 0; i < calls; i++)
            assert_int_equal(clvgg_image_stream_next(stream, data, items, BATCH_MAX, &got),
                             CLVGG_STATUS_OK);
        clvgg_image_stream_close(stream);
        clvgg_runtime_free(runtime);
        assert_int_equal(m.held_blocks, 0);
    }
    clvgg_image_stream_close(NULL);
}

/* Every allocation fails in turn: at opening it is the call's error, later the item's. */
static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    static float data[BATCH_MAX * ROW];
    clvgg_stream_item items[BATCH_MAX];
    const char *paths[] = {IMAGES "tall.png", IMAGES "jpeg-orientation5.jpg", "/none"};
    int failures = 1;
    for (long n = 0; failures > 0; n++) {
        meter m;
        clvgg_runtime *runtime = meter_runtime(&m, 2);
        long long held = m.held_blocks;
        clvgg_image_stream *stream = NULL;
        clvgg_image_stream_options options = small_options(BATCH_MAX);
        m.left = n;
        clvgg_status status = clvgg_image_stream_open(runtime, paths, 3, &options, &stream);
        failures = 0;
        if (status == CLVGG_STATUS_OK) {
            size_t got = 0;
            assert_int_equal(clvgg_image_stream_next(stream, data, items, BATCH_MAX, &got),
                             CLVGG_STATUS_OK);
            assert_int_equal(got, 3);
            for (size_t i = 0; i < 3; i++) {
                clvgg_status wanted = i < 2 ? CLVGG_STATUS_OK : CLVGG_STATUS_NOT_FOUND;
                assert_true(items[i].status == wanted ||
                            items[i].status == CLVGG_STATUS_OUT_OF_MEMORY);
                assert_int_equal(items[i].status == CLVGG_STATUS_OK, items[i].message == NULL);
            }
            failures = m.left <= 0;
        } else {
            assert_int_equal(status, CLVGG_STATUS_OUT_OF_MEMORY);
            assert_null(stream);
            failures = 1;
        }
        clvgg_image_stream_close(stream);
        assert_int_equal(m.held_blocks, held);
        m.left = -1;
        clvgg_runtime_free(runtime);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_in_order_with_their_errors),
        cmocka_unit_test(some_come_evenly),
        cmocka_unit_test(folders_are_walked_in_byte_order),
        cmocka_unit_test(unreadable_folder_is_an_item),
        cmocka_unit_test(memory_stays_within_the_limit),
        cmocka_unit_test(closes_at_any_time),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

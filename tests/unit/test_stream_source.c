/* Streams of a source: the same files many times, each item prepared in its own way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/runtime.h"
#include "image/image.h"
#include "pipeline/stream.h"
#include "support/files.h"
#include "support/meter.h"

#define IMAGES TEST_DATA "/images/"
enum { SIDE = 16, ROW = 3 * SIDE * SIDE, BATCH_MAX = 8, ITEMS_MAX = 6000 };

/* Items and what became of them. */
typedef struct requests {
    const char *paths[ITEMS_MAX];
    size_t count;
    size_t bad;                     /* this item's preparation fails; `count`: none */
    const char *unlinked;           /* a file that goes as soon as it is decoded, or NULL */
    atomic_int prepared[ITEMS_MAX]; /* how often */
} requests;

static const char *path_of(void *user, size_t index)
{
    return ((const requests *)user)->paths[index];
}

/* A row says which item it is, and of which picture. */
static void write_row(size_t index, const clvgg_image *image, float *data)
{
    for (size_t i = 0; i < ROW; i++)
        data[i] = (float)(index + i);
    data[0] = (float)clvgg_image_width(image);
    data[1] = (float)clvgg_image_height(image);
}

static clvgg_status prepare(void *user, size_t index, const clvgg_image *image, float *data)
{
    requests *r = user;
    atomic_fetch_add(&r->prepared[index], 1);
    if (r->unlinked != NULL && strcmp(r->unlinked, r->paths[index]) == 0)
        remove(r->unlinked);
    if (index == r->bad)
        return vgg_fail(CLVGG_STATUS_NON_FINITE, "item %zu is bad", index);
    write_row(index, image, data);
    return CLVGG_STATUS_OK;
}

static clvgg_image_stream *open_stream(const clvgg_runtime *runtime, requests *r, int threads,
                                       int max_batch, uint64_t limit_bytes)
{
    clvgg_image_stream *stream = NULL;
    clvgg_image_stream_options options;
    clvgg_image_stream_options_defaults(&options);
    options.preprocess.height = options.preprocess.width = SIDE;
    options.max_batch = max_batch;
    options.memory_limit_bytes = limit_bytes;
    vgg_stream_source source = {r, r->count, path_of, prepare};
    for (size_t i = 0; i < r->count; i++)
        r->prepared[i] = 0;
    const vgg_scope *previous = vgg_scope_enter(&runtime->scope);
    clvgg_status status = vgg_stream_open_source(threads, &source, &options, &stream);
    vgg_scope_leave(previous);
    assert_int_equal(status, CLVGG_STATUS_OK);
    assert_int_equal(vgg_stream_count(stream), r->count);
    return stream;
}

static void check_item(const requests *r, size_t index, const clvgg_stream_item *item,
                       const float *row)
{
    float expected[ROW];
    clvgg_image *image = NULL;
    assert_ptr_equal(item->path, r->paths[index]);
    if (vgg_image_read(item->path, &image) != CLVGG_STATUS_OK) {
        assert_int_not_equal(item->status, CLVGG_STATUS_OK);
        assert_ptr_equal(strstr(item->message, item->path), item->message);
        assert_int_equal(r->prepared[index], 0);
        return;
    }
    assert_int_equal(r->prepared[index], 1);
    if (index == r->bad) {
        assert_int_equal(item->status, CLVGG_STATUS_NON_FINITE);
        assert_non_null(strstr(item->message, "is bad"));
    } else {
        assert_int_equal(item->status, CLVGG_STATUS_OK);
        write_row(index, image, expected);
        assert_memory_equal(row, expected, sizeof expected);
    }
    vgg_image_free(image);
}

/* Streams everything; returns the peak of memory. */
static long long delivers(requests *r, int threads, int max_batch, uint64_t limit_bytes, bool check)
{
    static float data[BATCH_MAX * ROW];
    clvgg_stream_item items[2 * BATCH_MAX];
    meter m;
    clvgg_runtime *runtime = meter_runtime(&m, threads);
    clvgg_image_stream *stream = open_stream(runtime, r, threads, max_batch, limit_bytes);
    size_t index = 0, got = 0;
    do {
        size_t row = 0;
        assert_int_equal(vgg_stream_next(stream, data, items, 2 * BATCH_MAX, &got),
                         CLVGG_STATUS_OK);
        for (size_t i = 0; i < got; i++, index++) {
            if (check)
                check_item(r, index, &items[i], data + row * ROW);
            row += items[i].status == CLVGG_STATUS_OK;
        }
        assert_true(row <= (size_t)max_batch);
    } while (got > 0);
    assert_int_equal(index, r->count);
    vgg_stream_close(stream);
    clvgg_runtime_free(runtime);
    assert_int_equal(m.held_blocks, 0);
    return m.peak_bytes;
}

/* Runs of 1 to `longest` items, among them files that don't exist and files that aren't images. */
static void fill(requests *r, size_t count, unsigned longest)
{
    static const char *const files[] = {IMAGES "tall.png", IMAGES "jpeg-420.jpg", "/none",
                                        IMAGES "grey8.png", IMAGES "generate.py"};
    unsigned random = 1;
    *r = (requests){.count = count, .bad = count};
    for (size_t i = 0; i < count;) {
        random = random * 1103515245u + 12345u;
        const char *path = files[random / 65536u % 5];
        for (unsigned run = random / 7u % longest + 1; run > 0 && i < count; run--)
            r->paths[i++] = path;
    }
}

static void every_item_comes_in_order_prepared_once(void **state)
{
    (void)state;
    static requests r;
    for (int threads = 1; threads <= 5; threads += 2)
        for (unsigned longest = 1; longest <= 64; longest *= 8) {
            fill(&r, 150, longest);
            r.bad = 77;
            delivers(&r, threads, 1, 0, true);
            delivers(&r, threads, BATCH_MAX, 0, true);
            /* Rings of one slot and of a few. */
            delivers(&r, threads, BATCH_MAX, 1, true);
            delivers(&r, threads, 3, 14 * ROW * sizeof(float), true);
        }
    fill(&r, 0, 1);
    delivers(&r, 2, 1, 0, true);
}

/* A file that is gone after its first view has all of them, if it was decoded once. */
static void neighbours_of_one_file_are_decoded_once(void **state)
{
    (void)state;
    static requests r;
    char path[512];
    strcpy(path, temp_path("once.png"));
    for (int threads = 1; threads <= 4; threads++) {
        size_t size = 0;
        char *bytes = file_read(IMAGES "tall.png", &size);
        file_write(path, bytes, size);
        free(bytes);
        fill(&r, 200, 3);
        for (size_t i = 100; i < 108; i++)
            r.paths[i] = path;
        r.unlinked = path;
        delivers(&r, threads, BATCH_MAX, 0, false);
        assert_false(file_exists(path));
        for (size_t i = 100; i < 108; i++)
            assert_int_equal(r.prepared[i], 1);
    }
}

static void memory_does_not_grow_with_the_views(void **state)
{
    (void)state;
    static requests r;
    /* Two runs of 50 views for each worker would take 950 KB; libpng takes its own buffers. */
    const long long limit = 400000, slack = 300000;
    r = (requests){.count = ITEMS_MAX, .bad = ITEMS_MAX};
    for (size_t i = 0; i < r.count; i++)
        r.paths[i] = i / 50 % 2 ? IMAGES "tall.png" : IMAGES "grey8.png";
    assert_true(delivers(&r, 3, BATCH_MAX, (uint64_t)limit, false) <= limit + slack);
}

static void closes_at_any_time(void **state)
{
    (void)state;
    static requests r;
    static float data[BATCH_MAX * ROW];
    clvgg_stream_item items[BATCH_MAX];
    fill(&r, 100, 8);
    for (int calls = 0; calls < 12; calls++) {
        meter m;
        size_t got = 0;
        clvgg_runtime *runtime = meter_runtime(&m, 3);
        clvgg_image_stream *stream = open_stream(runtime, &r, 3, BATCH_MAX, 0);
        for (int i = 0; i < calls; i++)
            assert_int_equal(vgg_stream_next(stream, data, items, BATCH_MAX, &got),
                             CLVGG_STATUS_OK);
        vgg_stream_close(stream);
        clvgg_runtime_free(runtime);
        assert_int_equal(m.held_blocks, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_comes_in_order_prepared_once),
        cmocka_unit_test(neighbours_of_one_file_are_decoded_once),
        cmocka_unit_test(memory_does_not_grow_with_the_views),
        cmocka_unit_test(closes_at_any_time),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

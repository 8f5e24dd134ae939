/* tests/unit/test_features_failures.c — what was computed before something failed, before a kill,
 * or by another process, is kept and used; memory is bounded. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "base/runtime.h"
#include "support/feature_items.h"
#include "support/feature_records.h"
#include "support/files.h"
#include "support/meter.h"
#include "train/features_inside.h"

/* ---- failures ---- */

static void cancelling_keeps_what_is_done(void **state)
{
    (void)state;
    vgg_features_options options = feature_options(&part, folder);
    vgg_features *features = feature_open(&options);
    progress p = {.stop_at = 30};
    assert_int_equal(vgg_features_fill(features, items, ITEMS, note, &p), CLVGG_STATUS_CANCELLED);
    message_has("cancelled with");
    const size_t present = vgg_features_present(features, items, ITEMS);
    assert_in_range(present, 30, ITEMS - 1);
    vgg_features_close(features);
    features = feature_open(&options);
    assert_int_equal(vgg_features_present(features, items, ITEMS), present);
    assert_int_equal(computed_by_fill(features, ITEMS), (long)(ITEMS - present));
    feature_check_stream(features, &options, items, ITEMS, 9);
    vgg_features_close(features);
}

/* The status of filling, or, without a folder, of streaming. `sound` items precede the failure. */
static clvgg_status try_all(const char *directory, size_t sound,
                            void (*break_it)(vgg_features_options *options))
{
    vgg_features_options options = feature_options(&part, directory);
    break_it(&options);
    vgg_features *features = feature_open(&options);
    clvgg_status status = vgg_features_fill(features, items, ITEMS, NULL, NULL);
    if (directory == NULL) {
        vgg_feature_stream *stream = NULL;
        float values[4 * FEATURE_COUNT];
        int count = 0;
        status = vgg_feature_stream_open(features, items, ITEMS, 4, &stream);
        for (bool more = status == CLVGG_STATUS_OK; more; more = status == 0 && count > 0)
            status = vgg_feature_stream_next(stream, values, &count);
        vgg_feature_stream_close(stream);
    } else {
        assert_int_equal(vgg_features_present(features, items, ITEMS), sound);
    }
    char message[400];
    snprintf(message, sizeof message, "%s", vgg_message());
    vgg_features_close(features);
    vgg_fail(status, "%s", message);
    return status;
}

static void break_device(vgg_features_options *options)
{
    (void)options;
    part.fail_at = 3;
}

static void break_with_nan(vgg_features_options *options)
{
    (void)options;
    part.special_at = 25;
    part.special = NAN;
}

static void break_with_large(vgg_features_options *options)
{
    (void)options;
    part.special_at = 25;
    part.special = 65520;
}

static void break_image(vgg_features_options *options)
{
    (void)options;
    file_write(vgg_dataset_image_path(&set.dataset, items[25].image), "no image", 8);
}

static void failures_name_what_failed(void **state)
{
    (void)state;
    const char *path = vgg_dataset_image_path(&set.dataset, items[25].image);
    size_t bytes = 0;
    char *content = file_read(path, &bytes);
    size_t first_of_image = 0;
    while (items[first_of_image].image != items[25].image)
        first_of_image++;
    for (int kept = 0; kept < 2; kept++) {
        const char *directory = kept ? folder : NULL;
        assert_int_equal(try_all(directory, 21, break_device), CLVGG_STATUS_OPENCL);
        message_has("the device has failed");
        feature_folder_remove(folder);
        assert_int_equal(try_all(directory, 25, break_with_nan), CLVGG_STATUS_NON_FINITE);
        message_has("relu6: feature 39 is NaN");
        message_has(path);
        feature_folder_remove(folder);
        assert_int_equal(try_all(directory, 25, break_with_large), CLVGG_STATUS_NON_FINITE);
        message_has("relu6: feature 39 is 65520, more than float16 can hold (65504)");
        message_has(path);
        feature_folder_remove(folder);
        assert_int_equal(try_all(directory, first_of_image, break_image), CLVGG_STATUS_BAD_FILE);
        message_has(path);
        file_write(path, content, bytes);
        feature_folder_remove(folder);
    }
    free(content);
}

static void the_limit_is_checked_first(void **state)
{
    (void)state;
    vgg_features_options options = feature_options(&part, folder);
    uint64_t room = 0;
    options.cache_limit_bytes = 8192 + 10 * FEATURE_RECORD;
    vgg_features *features = feature_open(&options);
    assert_int_equal(vgg_features_room(features, &room), CLVGG_STATUS_OK);
    assert_int_equal(room, options.cache_limit_bytes - 64);
    assert_int_equal(vgg_features_fill(features, items, ITEMS, NULL, NULL), CLVGG_STATUS_IO);
    message_has("limit");
    assert_int_equal(part.images, 0);
    fill(features, 10);
    vgg_features_close(features);
    options.directory = NULL;
    features = feature_open(&options);
    assert_int_equal(vgg_features_room(features, &room), CLVGG_STATUS_OK);
    assert_true(room == UINT64_MAX);
    vgg_features_close(features);
}

/* The limit allows 60 records, of which 50 are another run's. */
static void old_records_make_room(void **state)
{
    (void)state;
    struct stat info;
    vgg_features_options options = feature_options(&part, folder);
    options.cache_limit_bytes = 3 * 4096 + 60 * FEATURE_RECORD;
    vgg_features *features = feature_open(&options);
    fill(features, 50);
    assert_int_equal(vgg_features_fill(features, items + 50, 50, NULL, NULL), CLVGG_STATUS_IO);
    assert_int_equal(vgg_features_present(features, items, 50), 50); /* this process wants both */
    vgg_features_close(features);

    features = feature_open(&options);
    vgg_features *reader = feature_open(&options);
    assert_int_equal(vgg_features_require_room(features, items + 50, 50), CLVGG_STATUS_IO);
    assert_int_equal(vgg_features_fill(features, items + 50, 50, NULL, NULL), CLVGG_STATUS_IO);
    message_has("limit");
    feature_check_stream(reader, &options, items, 50, 9);
    vgg_features_close(reader);
    assert_int_equal(vgg_features_require_room(features, items + 50, 50), CLVGG_STATUS_OK);
    assert_int_equal(vgg_features_require_room(features, items + 50, 85), CLVGG_STATUS_IO);
    assert_int_equal(vgg_features_fill(features, items + 50, 85, NULL, NULL), CLVGG_STATUS_IO);
    assert_int_equal(vgg_features_present(features, items, 50), 50); /* wouldn't do: they stay */
    assert_int_equal(vgg_features_fill(features, items + 40, 55, NULL, NULL), CLVGG_STATUS_OK);
    assert_int_equal(fstat(features->file->descriptor, &info), 0);
    assert_true(info.st_size <= (off_t)options.cache_limit_bytes);
    assert_int_equal(vgg_features_present(features, items, 40), 0);
    feature_check_stream(features, &options, items + 40, 55, 9);
    vgg_features_close(features);
}

static void a_full_disk_is_an_error_that_keeps_what_is_there(void **state)
{
    (void)state;
    struct rlimit limit, small;
    vgg_features_options options = feature_options(&part, folder);
    vgg_features *features = feature_open(&options);
    getrlimit(RLIMIT_FSIZE, &limit);
    small = limit;
    small.rlim_cur = 8192 + 30 * FEATURE_COUNT * 2 + 11; /* in the midst of the 31st */
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    clvgg_status status = vgg_features_fill(features, items, ITEMS, NULL, NULL);
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, CLVGG_STATUS_IO);
    message_has("can't be written: File too large (30 of 135 features are written, and kept)");
    assert_int_equal(vgg_features_present(features, items, ITEMS), 30);
    assert_int_equal(computed_by_fill(features, ITEMS), ITEMS - 30);
    feature_check_stream(features, &options, items, ITEMS, 9);
    vgg_features_close(features);
}

/* ---- processes ---- */

static void sleep_us(long us)
{
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static void killed_at_any_moment_the_next_run_goes_on(void **state)
{
    (void)state;
    vgg_features_options options = feature_options(&part, folder);
    size_t present = 0;
    part.delay_us = 1000;
    options.source_batch = 3;
    for (uint64_t kill_number = 0; kill_number < 10; kill_number++) {
        pid_t child = fork();
        if (child == 0) {
            vgg_features *own = feature_open(&options);
            vgg_features_fill(own, items, ITEMS, NULL, NULL);
            _exit(0);
        }
        sleep_us(1000 + (long)(vgg_random_bits(kill_number) % 12000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        vgg_features *features = feature_open(&options);
        const size_t now = vgg_features_present(features, items, ITEMS);
        assert_in_range(now, present, ITEMS);
        present = now;
        vgg_features_close(features);
    }
    vgg_features *features = feature_open(&options);
    assert_int_equal(computed_by_fill(features, ITEMS), (long)(ITEMS - present));
    feature_check_stream(features, &options, items, ITEMS, 9);
    vgg_features_close(features);
}

/* Two at once: the second waits, and finds everything there. */
static void two_processes_compute_each_image_once(void **state)
{
    (void)state;
    frozen_part *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    vgg_features_options options = feature_options(shared, folder);
    shared->delay_us = 2000;
    pid_t child = fork();
    if (child == 0) {
        vgg_features *own = feature_open(&options);
        _exit(vgg_features_fill(own, items, ITEMS, NULL, NULL) != CLVGG_STATUS_OK ||
              vgg_features_present(own, items, ITEMS) != ITEMS);
    }
    vgg_features *features = feature_open(&options);
    fill(features, ITEMS);
    int result = -1;
    waitpid(child, &result, 0);
    assert_int_equal(result, 0);
    assert_int_equal(shared->images, ITEMS);
    feature_check_stream(features, &options, items, ITEMS, 9);
    vgg_features_close(features);
    munmap(shared, sizeof *shared);
}

static void waiting_can_be_cancelled(void **state)
{
    (void)state;
    vgg_features_options options = feature_options(&part, folder);
    vgg_features *holder = feature_open(&options), *features = feature_open(&options);
    bool locked = false;
    assert_int_equal(vgg_feature_lock(&holder->file->folder, holder->file->descriptor, &locked),
                     CLVGG_STATUS_OK);
    progress p = {.stop_at = 0};
    assert_int_equal(vgg_features_fill(features, items, ITEMS, note, &p), CLVGG_STATUS_CANCELLED);
    assert_int_equal(part.images, 0);
    vgg_feature_unlock(holder->file->descriptor);
    vgg_features_close(holder);
    vgg_features_close(features);
}

/* ---- memory ---- */

/* The most bytes held while filling and streaming twice. */
static long long peak_of(size_t count, uint64_t limit_bytes, const char *directory)
{
    meter m;
    float values[16 * FEATURE_COUNT];
    clvgg_runtime *runtime = meter_runtime(&m, 2);
    const long long before = m.held_bytes;
    const vgg_scope *previous = vgg_scope_enter(&runtime->scope);
    vgg_features_options options = feature_options(&part, directory);
    options.source_batch = 500;
    options.memory_limit_bytes = limit_bytes;
    vgg_features *features = feature_open(&options);
    assert_true(vgg_features_buffer_bytes(features) <= limit_bytes);
    assert_int_equal(vgg_features_fill(features, items, count, NULL, NULL), CLVGG_STATUS_OK);
    for (int epoch = 0; epoch < 2; epoch++) {
        vgg_feature_stream *stream = NULL;
        int got = 1;
        assert_int_equal(vgg_feature_stream_open(features, items, count, 16, &stream),
                         CLVGG_STATUS_OK);
        while (got > 0)
            assert_int_equal(vgg_feature_stream_next(stream, values, &got), CLVGG_STATUS_OK);
        vgg_feature_stream_close(stream);
    }
    const long long index = (long long)vgg_features_index_bytes(features);
    if (directory != NULL)
        assert_in_range(index, 1, 40 * 2 * (count + 64));
    vgg_features_close(features);
    vgg_scope_leave(previous);
    clvgg_runtime_free(runtime);
    assert_int_equal(m.held_blocks, 0);
    feature_folder_remove(folder);
    return m.peak_bytes - before - index;
}

static void memory_stays_within_the_limit(void **state)
{
    (void)state;
    /* Structures, tables of resampling, and the list of what is missing. */
    const long long slack = 30000 + ITEMS * 8;
    for (int kept = 0; kept < 2; kept++) {
        const char *directory = kept ? folder : NULL;
        const long long few = peak_of(ITEMS / 3, 64000, directory);
        const long long many = peak_of(ITEMS, 64000, directory);
        assert_in_range(few, 1, 300000 + slack);
        assert_in_range(many, 1, few + slack);
    }
}

/* Opens, fills, streams: the failing allocation may be any thread's. */
static clvgg_status everything(const char *directory)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_features_options options = feature_options(&part, directory);
    vgg_features *features = NULL;
    vgg_feature_stream *stream = NULL;
    float values[4 * FEATURE_COUNT];
    int count = 1;
    VGG_TRY(vgg_features_open(&options, &features));
    VGG_TRY(vgg_features_fill(features, items, 12, NULL, NULL));
    VGG_TRY(vgg_feature_stream_open(features, items, 12, 4, &stream));
    while (count > 0)
        VGG_TRY(vgg_feature_stream_next(stream, values, &count));
cleanup:
    vgg_feature_stream_close(stream);
    vgg_features_close(features);
    feature_folder_remove(folder);
    return status;
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    for (int kept = 0; kept < 2; kept++) {
        bool failed = true;
        long n = 0;
        for (; failed; n++) {
            meter m;
            clvgg_runtime *runtime = meter_runtime(&m, 2);
            const vgg_scope *previous = vgg_scope_enter(&runtime->scope);
            const long held = m.held_blocks;
            m.left = n;
            const clvgg_status status = everything(kept ? folder : NULL);
            failed = status != CLVGG_STATUS_OK;
            if (failed)
                assert_int_equal(status, CLVGG_STATUS_OUT_OF_MEMORY);
            assert_int_equal(m.held_blocks, held);
            m.left = -1;
            vgg_scope_leave(previous);
            clvgg_runtime_free(runtime);
        }
        assert_true(n > 20);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, feature_items_clear)
    const struct CMUnitTest tests[] = {
        TEST(cancelling_keeps_what_is_done),
        TEST(failures_name_what_failed),
        TEST(the_limit_is_checked_first),
        TEST(old_records_make_room),
        TEST(a_full_disk_is_an_error_that_keeps_what_is_there),
        TEST(killed_at_any_moment_the_next_run_goes_on),
        TEST(two_processes_compute_each_image_once),
        TEST(waiting_can_be_cancelled),
        TEST(memory_stays_within_the_limit),
        TEST(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, feature_items_setup, feature_items_teardown);
}

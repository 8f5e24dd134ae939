/* tests/unit/test_features.c — features are the same bits whether computed, kept, or read; what is
 * asked for is computed once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/feature_items.h"
#include "support/feature_records.h"
#include "support/files.h"
#include "train/features_inside.h"

/* ---- the same bits ---- */

static void streams_are_the_same_with_and_without_a_folder(void **state)
{
    (void)state;
    vgg_features_options options = feature_options(&part, folder);
    for (int kept = 0; kept < 3; kept++) { /* nowhere, in a new file, in one that was there */
        options.directory = kept ? folder : NULL;
        vgg_features *features = feature_open(&options);
        assert_int_equal(vgg_features_present(features, items, ITEMS), kept == 2 ? ITEMS : 0);
        assert_int_equal(vgg_features_fill(features, items, ITEMS, NULL, NULL), CLVGG_STATUS_OK);
        assert_int_equal(vgg_features_record_bytes(features), kept ? FEATURE_RECORD : 0);
        for (int batch = 1; batch <= 200; batch = batch * 3 + 2)
            feature_check_stream(features, &options, items, ITEMS, batch);
        feature_check_stream(features, &options, items, 0, 5);
        vgg_feature_item backwards[ITEMS];
        for (size_t i = 0; i < ITEMS; i++)
            backwards[i] = items[(ITEMS - 1 - i) * 7 % ITEMS];
        feature_check_stream(features, &options, backwards, ITEMS, 16);
        vgg_features_close(features);
    }
    vgg_features_close(NULL);
}

static void small_chunks_give_the_same(void **state)
{
    (void)state;
    vgg_features_options options = feature_options(&part, folder);
    vgg_features *features = feature_open(&options);
    fill(features, ITEMS);
    vgg_features_close(features);
    for (options.memory_limit_bytes = 0; options.memory_limit_bytes < 20000;
         options.memory_limit_bytes = options.memory_limit_bytes * 3 + 500) {
        features = feature_open(&options);
        feature_check_stream(features, &options, items, ITEMS, 10);
        vgg_features_close(features);
    }
}

static void a_stream_may_be_closed_anywhere(void **state)
{
    (void)state;
    vgg_features_options options = feature_options(&part, folder);
    float values[4 * FEATURE_COUNT];
    for (int kept = 0; kept < 2; kept++) {
        options.directory = kept ? folder : NULL;
        options.memory_limit_bytes = 5000;
        vgg_features *features = feature_open(&options);
        fill(features, kept ? ITEMS : 0);
        for (int calls = 0; calls < 12; calls++) {
            vgg_feature_stream *stream = NULL;
            int count = 0;
            assert_int_equal(vgg_feature_stream_open(features, items, ITEMS, 4, &stream),
                             CLVGG_STATUS_OK);
            for (int i = 0; i < calls; i++)
                assert_int_equal(vgg_feature_stream_next(stream, values, &count), CLVGG_STATUS_OK);
            vgg_feature_stream_close(stream);
        }
        vgg_features_close(features);
    }
    vgg_feature_stream_close(NULL);
}

/* ---- what is computed ---- */

static void only_what_is_missing_is_computed(void **state)
{
    (void)state;
    vgg_features_options options = feature_options(&part, folder);
    vgg_features *features = feature_open(&options);
    assert_int_equal(computed_by_fill(features, 20), 20);
    assert_int_equal(computed_by_fill(features, 50), 30);
    assert_int_equal(computed_by_fill(features, ITEMS), ITEMS - 50);
    assert_int_equal(part.largest, 7);
    vgg_features_close(features);
    features = feature_open(&options);
    assert_int_equal(computed_by_fill(features, ITEMS), 0);
    vgg_features_close(features);

    options.view_seed++; /* other views, the same pictures */
    features = feature_open(&options);
    size_t plain = 0;
    for (size_t i = 0; i < ITEMS; i++)
        plain += items[i].view == 0;
    assert_int_equal(vgg_features_present(features, items, ITEMS), plain);
    vgg_features_close(features);
    options.view_seed--;
    options.augment = VGG_VIEW_COLOR;
    features = feature_open(&options);
    assert_int_equal(vgg_features_present(features, items, ITEMS), plain);
    vgg_features_close(features);
    options.digest[31] ^= 1; /* other weights */
    features = feature_open(&options);
    assert_int_equal(vgg_features_present(features, items, ITEMS), 0);
    vgg_features_close(features);
}

static void copies_of_an_image_are_computed_once(void **state)
{
    (void)state;
    vgg_features_options options = feature_options(&part, folder);
    vgg_feature_item twice[6] = {{&set.dataset, 1, 0}, {&set.dataset, 2, 0}, {&set.dataset, 1, 0},
                                 {&set.dataset, 2, 1}, {&set.dataset, 2, 0}, {&set.dataset, 1, 0}};
    progress p = {.stop_at = UINT64_MAX};
    vgg_features *features = feature_open(&options);
    assert_int_equal(vgg_features_fill(features, twice, 6, note, &p), CLVGG_STATUS_OK);
    assert_int_equal(p.total, 3);
    assert_int_equal(part.images, 3);
    feature_check_stream(features, &options, twice, 6, 4);
    vgg_features_close(features);
}

static void damaged_records_are_computed_again(void **state)
{
    (void)state;
    vgg_features_options options = feature_options(&part, folder);
    vgg_features *features = feature_open(&options);
    fill(features, ITEMS);
    vgg_features_close(features);
    features = feature_open(&options);
    struct stat info;
    const int descriptor = features->file->descriptor;
    assert_int_equal(fstat(descriptor, &info), 0);
    const off_t last = info.st_size - 1;
    assert_int_equal(pwrite(descriptor, "\x7f", 1, last), 1);              /* a value */
    assert_int_equal(pwrite(descriptor, "\x7f", 1, 4096 + 3 * 64 + 5), 1); /* a head */
    assert_int_equal(vgg_features_present(features, items, ITEMS), ITEMS);
    assert_int_equal(computed_by_fill(features, ITEMS), 2);
    feature_check_stream(features, &options, items, ITEMS, 9);
    assert_int_equal(fstat(descriptor, &info), 0);
    assert_int_equal(info.st_size, last + 1); /* in their own places */

    assert_int_equal(pwrite(descriptor, "\x7e", 1, last), 1); /* after it was verified */
    vgg_feature_stream *stream = NULL;
    float values[4 * FEATURE_COUNT];
    int count = 0;
    clvgg_status status = CLVGG_STATUS_OK;
    assert_int_equal(vgg_feature_stream_open(features, items, ITEMS, 4, &stream), CLVGG_STATUS_OK);
    do
        status = vgg_feature_stream_next(stream, values, &count);
    while (status == CLVGG_STATUS_OK && count > 0);
    assert_int_equal(status, CLVGG_STATUS_BAD_FILE);
    message_has("were damaged since they were verified");
    message_has(".png");
    message_has(folder);
    vgg_feature_stream_close(stream);
    assert_int_equal(vgg_feature_stream_open(features, items, ITEMS, 4, &stream),
                     CLVGG_STATUS_NOT_FOUND);
    assert_int_equal(computed_by_fill(features, ITEMS), 1);
    feature_check_stream(features, &options, items, ITEMS, 9);
    vgg_features_close(features);
}

static void a_stream_needs_what_it_streams(void **state)
{
    (void)state;
    vgg_features_options options = feature_options(&part, folder);
    vgg_features *features = feature_open(&options);
    vgg_feature_stream *stream = (vgg_feature_stream *)1;
    fill(features, 5);
    assert_int_equal(vgg_feature_stream_open(features, items, 6, 4, &stream),
                     CLVGG_STATUS_NOT_FOUND);
    assert_null(stream);
    message_has(vgg_dataset_image_path(&set.dataset, items[5].image));
    vgg_features_close(features);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, feature_items_clear)
    const struct CMUnitTest tests[] = {
        TEST(streams_are_the_same_with_and_without_a_folder),
        TEST(small_chunks_give_the_same),
        TEST(a_stream_may_be_closed_anywhere),
        TEST(only_what_is_missing_is_computed),
        TEST(copies_of_an_image_are_computed_once),
        TEST(damaged_records_are_computed_again),
        TEST(a_stream_needs_what_it_streams),
    };
    return cmocka_run_group_tests(tests, feature_items_setup, feature_items_teardown);
}

/* e2e/test_session_stream.c — photographs of a stream through a session, and into a search for the
 * strongest activations: results in the order of the paths, as they are of one image after another,
 * files that can't be read in their places.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/visualize.h"
#include "support/cl_faults.h"
#include "support/networks.h"
#include "support/scratch.h"
#include "support/text.h"

enum { FILES = 13, SIDE = 32, INPUT = 3 * SIDE * SIDE, MISSING = 5, BROKEN = 8 };

static const float SCALE = 1.0f / 255.0f;

static test_device device;
static clvgg_model *model;
static char paths[FILES][300];
static float *expected[FILES]; /* logits of each, NULL where it can't be read */
static size_t elements;

/* All files as the model takes them, with pixels times `scale`. */
static clvgg_image_stream *open_stream(int max_batch, int side, float scale)
{
    const char *list[FILES];
    clvgg_image_stream *stream = NULL;
    clvgg_image_stream_options options;
    clvgg_image_stream_options_defaults(&options);
    clvgg_model_preprocess(model, &options.preprocess);
    options.preprocess.height = options.preprocess.width = side;
    options.preprocess.scale = scale;
    options.max_batch = max_batch;
    for (int i = 0; i < FILES; i++)
        list[i] = paths[i];
    must(clvgg_image_stream_open(device.runtime, list, FILES, &options, &stream));
    return stream;
}

typedef struct witness {
    int next, stop_at;
    int rejected;
} witness;

static clvgg_status take(void *user, const clvgg_stream_item *item, const float *const *outputs)
{
    witness *w = user;
    const int i = w->next++;
    assert_string_equal(item->path, paths[i]);
    assert_int_equal(outputs != NULL, expected[i] != NULL);
    assert_int_equal(item->status == CLVGG_STATUS_OK, outputs != NULL);
    if (outputs != NULL)
        assert_true(relative_l2(outputs[0], expected[i], elements) < 1e-5);
    else
        assert_contains(item->message, paths[i]);
    return i == w->stop_at ? CLVGG_STATUS_CANCELLED : CLVGG_STATUS_OK;
}

/* Streams and sessions of any batch, also of one that shrinks in the midst of a delivery. */
static void results_come_in_order(void **state)
{
    (void)state;
    for (int most = 1; most <= 8; most *= 2)
        for (int batch = 1; batch <= 16; batch *= 4) {
            clvgg_session *session = session_make(
                device.device, model, &(session_request){.max_batch = most, .shrink_to_fit = 1});
            clvgg_image_stream *stream = open_stream(batch, SIDE, SCALE);
            clvgg_session_stats stats;
            witness w = {.stop_at = -1};
            cl_faults_fail_call("clEnqueueReadBuffer", 1, CL_OUT_OF_RESOURCES);
            if (most == 1)
                cl_faults_stop();
            must(clvgg_session_run_stream(session, stream, take, &w));
            assert_int_equal(w.next, FILES);
            clvgg_session_get_stats(session, &stats);
            assert_int_equal(stats.image_count, FILES - 2);
            assert_true(stats.stream_wait_ms > 0);
            assert_int_equal(stats.max_batch, cl_faults_stop() ? most / 2 : most);
            clvgg_image_stream_close(stream);
            clvgg_session_free(session);
        }
}

static void what_ends_a_run(void **state)
{
    (void)state;
    clvgg_session *session = session_make(device.device, model, &(session_request){.max_batch = 4});
    for (int stop = 0; stop < FILES; stop++) {
        clvgg_image_stream *stream = open_stream(4, SIDE, SCALE);
        witness w = {.stop_at = stop};
        assert_int_equal(clvgg_session_run_stream(session, stream, take, &w),
                         CLVGG_STATUS_CANCELLED);
        assert_int_equal(w.next, stop + 1);
        clvgg_image_stream_close(stream);
    }
    clvgg_image_stream *stream = open_stream(4, SIDE + 1, SCALE);
    witness w = {.stop_at = -1};
    assert_int_equal(clvgg_session_run_stream(session, stream, take, &w),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_contains(clvgg_status_message(), "prepared as 3 x 33 x 33");
    assert_contains(clvgg_status_message(), "input is 3 x 32 x 32");
    assert_int_equal(w.next, 0);
    clvgg_image_stream_close(stream);
    clvgg_session_free(session);
}

static clvgg_status note(void *user, const clvgg_stream_item *item,
                         const clvgg_top_rejected *rejected)
{
    witness *w = user;
    const int i = w->next++;
    assert_string_equal(item->path, paths[i]);
    assert_int_equal(item->status == CLVGG_STATUS_OK, expected[i] != NULL);
    w->rejected += rejected != NULL;
    return CLVGG_STATUS_OK;
}

/* A search finds in a stream what it finds in the same images one by one. */
static void a_search_takes_a_stream(void **state)
{
    (void)state;
    const clvgg_top_layer wanted = {.name = "conv2"};
    clvgg_top_options options;
    clvgg_top_options_defaults(&options);
    options.layers = &wanted;
    options.layer_count = 1;
    options.max_batch = 3;
    clvgg_top_search *streamed = NULL, *added = NULL;
    must(clvgg_top_search_create(device.device, model, &options, &streamed));
    must(clvgg_top_search_create(device.device, model, &options, &added));
    clvgg_image_stream *stream = open_stream(4, SIDE, SCALE);
    witness w = {0};
    must(clvgg_top_search_add_stream(streamed, stream, note, &w));
    assert_int_equal(w.next, FILES);
    assert_int_equal(w.rejected, 0);
    clvgg_image_stream_close(stream);
    stream = open_stream(1, SIDE, SCALE);
    float *image = malloc(INPUT * sizeof *image);
    for (size_t count = 1; count > 0;) {
        clvgg_stream_item item;
        must(clvgg_image_stream_next(stream, image, &item, 1, &count));
        if (count > 0 && item.status == CLVGG_STATUS_OK)
            must(clvgg_top_search_add(added, 1, image, NULL, NULL));
    }
    assert_int_equal(clvgg_top_search_image_count(streamed), FILES - 2);
    assert_int_equal(clvgg_top_search_image_count(added), FILES - 2);
    for (int64_t map = 0; map < 5; map++) {
        clvgg_top_entry a[9], b[9];
        size_t a_count, b_count;
        must(clvgg_top_search_entries(streamed, 0, map, a, &a_count));
        must(clvgg_top_search_entries(added, 0, map, b, &b_count));
        assert_int_equal(a_count, b_count);
        for (size_t i = 0; i < a_count; i++)
            assert_int_equal(a[i].image, b[i].image);
    }
    free(image);
    clvgg_image_stream_close(stream);
    clvgg_top_search_free(streamed);
    clvgg_top_search_free(added);
}

static clvgg_status expect_rejected(void *user, const clvgg_stream_item *item,
                                    const clvgg_top_rejected *rejected)
{
    witness *w = user;
    if (item->status == CLVGG_STATUS_OK) {
        assert_non_null(rejected);
        assert_int_equal(rejected->image, w->rejected);
        w->rejected++;
    } else {
        assert_null(rejected);
    }
    w->next++;
    return CLVGG_STATUS_OK;
}

/* Images whose activations are no numbers are left out, and each is said to be. */
static void a_search_says_what_it_leaves_out(void **state)
{
    (void)state;
    const clvgg_top_layer wanted = {.name = "conv2"};
    clvgg_top_options options;
    clvgg_top_options_defaults(&options);
    options.layers = &wanted;
    options.layer_count = 1;
    clvgg_top_search *search = NULL;
    must(clvgg_top_search_create(device.device, model, &options, &search));
    clvgg_image_stream *stream = open_stream(4, SIDE, 1e38f);
    witness w = {0};
    must(clvgg_top_search_add_stream(search, stream, expect_rejected, &w));
    assert_int_equal(w.next, FILES);
    assert_int_equal(w.rejected, FILES - 2);
    clvgg_image_stream_close(stream);
    clvgg_top_search_free(search);
}

/* Logits of each file that can be read, by sessions of one image. */
static void compute_expected(void)
{
    clvgg_session *one = session_make(device.device, model, &(session_request){.max_batch = 1});
    clvgg_image_stream *stream = open_stream(1, SIDE, SCALE);
    float *image = malloc(INPUT * sizeof *image);
    elements = session_output_elements(one, 0);
    for (int i = 0; i < FILES; i++) {
        clvgg_stream_item item;
        size_t count = 0;
        must(clvgg_image_stream_next(stream, image, &item, 1, &count));
        assert_int_equal(count, 1);
        if (item.status == CLVGG_STATUS_OK)
            expected[i] = session_run_one(one, 1, image);
    }
    free(image);
    clvgg_image_stream_close(stream);
    clvgg_session_free(one);
    assert_null(expected[MISSING]);
    assert_null(expected[BROKEN]);
    assert_true(relative_l2(expected[0], expected[1], elements) > 1e-3);
}

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    for (int i = 0; i < FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, "%02d.png", i);
        snprintf(paths[i], sizeof paths[i], "%s", test_scratch_path(name));
        if (i == BROKEN)
            test_scratch_broken_image(name);
        else if (i != MISSING)
            test_scratch_picture(name, (unsigned)i + 1);
    }
    test_device_open(&device, NULL);
    model = network_make(device.runtime, NETWORK_VGG);
    compute_expected();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < FILES; i++)
        free(expected[i]);
    clvgg_model_free(model);
    test_device_close(&device);
    test_scratch_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_come_in_order),
        cmocka_unit_test(what_ends_a_run),
        cmocka_unit_test(a_search_takes_a_stream),
        cmocka_unit_test(a_search_says_what_it_leaves_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

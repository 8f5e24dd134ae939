/* kernel/test_runner.c — any number of images in batches that fit: what a batch that shrinks, when
 * a session or a projector is made or in the midst of images, leaves of the results (all) and of
 * the batch (half).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/session.h"
#include "clvgg/visualize.h"
#include "support/cl_faults.h"
#include "support/networks.h"
#include "support/text.h"

enum { IMAGES = 7, BATCH = 4 };

static test_device device;
static clvgg_model *model; /* of integers: sums are exact, so any batch gives the same bits */
static float *images;      /* [IMAGES][input] */
static float *expected;    /* [IMAGES][elements], logits of one image at a time */
static size_t input, elements;

static clvgg_session *shrinking(int max_batch)
{
    return session_make(device.device, model,
                        &(session_request){.max_batch = max_batch, .shrink_to_fit = 1});
}

static clvgg_session_stats stats_of(const clvgg_session *session)
{
    clvgg_session_stats stats = {.struct_size = sizeof stats};
    clvgg_session_get_stats(session, &stats);
    return stats;
}

static void expect_all_images(clvgg_session *session)
{
    float *logits = session_run_one(session, IMAGES, images);
    assert_memory_equal(logits, expected, IMAGES * elements * sizeof *logits);
    free(logits);
}

/* More images than a batch are run a batch at a time, and an output may be left out. */
static void any_number_of_images(void **state)
{
    (void)state;
    for (int batch = 1; batch <= IMAGES; batch++) {
        static const char *const names[] = {"pool3", "logits", NULL};
        clvgg_session *session = session_make(
            device.device, model, &(session_request){.outputs = names, .max_batch = batch});
        float *logits = calloc(IMAGES * elements, sizeof *logits);
        must(clvgg_session_run(session, IMAGES, images, (float *const[]){NULL, logits}));
        assert_memory_equal(logits, expected, IMAGES * elements * sizeof *logits);
        assert_int_equal(stats_of(session).max_batch, batch);
        assert_int_equal(stats_of(session).image_count, IMAGES);
        assert_true(stats_of(session).run_ms > 0);
        free(logits);
        clvgg_session_free(session);
    }
}

/* What one image takes is within the limit, what more take isn't. */
static void a_limit_halves_the_batch(void **state)
{
    (void)state;
    clvgg_session *one = session_make(device.device, model, &(session_request){.max_batch = 1});
    session_request request = {
        .max_batch = 5, .shrink_to_fit = 1, .memory_limit_bytes = stats_of(one).arena_bytes};
    clvgg_session *session = session_make(device.device, model, &request);
    assert_int_equal(stats_of(session).max_batch, 1);
    expect_all_images(session);
    clvgg_session_free(session);
    clvgg_session_free(one);
    request.shrink_to_fit = 0;
    assert_int_equal(session_try(device.device, model, &request, &session),
                     CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
    request.shrink_to_fit = 1;
    request.memory_limit_bytes = 1;
    assert_int_equal(session_try(device.device, model, &request, &session),
                     CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
    assert_contains(clvgg_status_message(), "a batch of 1 needs");
}

/* Memory that fails while a session is made or, at any pass, while it runs. */
static void short_memory_halves_the_batch(void **state)
{
    (void)state;
    cl_faults_fail_call("clCreateBuffer", 0, CL_MEM_OBJECT_ALLOCATION_FAILURE);
    clvgg_session *session = shrinking(BATCH);
    assert_true(cl_faults_stop());
    assert_int_equal(stats_of(session).max_batch, BATCH / 2);
    expect_all_images(session);
    clvgg_session_free(session);
    for (size_t call = 0; call < 2; call++) { /* IMAGES take two batches */
        session = shrinking(BATCH);
        cl_faults_fail_call("clEnqueueReadBuffer", call, CL_OUT_OF_RESOURCES);
        expect_all_images(session);
        assert_true(cl_faults_stop());
        assert_int_equal(stats_of(session).max_batch, BATCH / 2);
        assert_int_equal(stats_of(session).image_count, IMAGES);
        clvgg_session_free(session);
    }
}

static cl_int no_buffers(const char *function)
{
    return strcmp(function, "clCreateBuffer") == 0        ? CL_MEM_OBJECT_ALLOCATION_FAILURE
           : strcmp(function, "clEnqueueReadBuffer") == 0 ? CL_OUT_OF_RESOURCES
                                                          : CL_SUCCESS;
}

/* Without memory for a single image a run fails, the session can be asked, and runs later. */
static void a_session_outlives_the_want_of_memory(void **state)
{
    (void)state;
    clvgg_session *session = shrinking(BATCH);
    clvgg_shape shape;
    float *logits = calloc(IMAGES * elements, sizeof *logits);
    cl_faults_ask(no_buffers);
    assert_int_equal(clvgg_session_run(session, IMAGES, images, &logits),
                     CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
    cl_faults_ask(NULL);
    assert_int_equal(stats_of(session).max_batch, 1);
    assert_int_equal(stats_of(session).arena_bytes, 0);
    assert_int_equal(clvgg_session_step_count(session), 0);
    must(clvgg_session_output_shape(session, 0, &shape));
    assert_int_equal(shape.dims[0], elements);
    expect_all_images(session);
    assert_true(stats_of(session).arena_bytes > 0 && clvgg_session_step_count(session) > 0);
    free(logits);
    clvgg_session_free(session);
}

static void a_session_of_fixed_batches_fails(void **state)
{
    (void)state;
    clvgg_session *session =
        session_make(device.device, model, &(session_request){.max_batch = BATCH});
    float *logits = calloc(IMAGES * elements, sizeof *logits);
    cl_faults_fail_call("clEnqueueReadBuffer", 1, CL_OUT_OF_RESOURCES);
    assert_int_equal(clvgg_session_run(session, IMAGES, images, &logits),
                     CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
    assert_true(cl_faults_stop());
    assert_int_equal(stats_of(session).max_batch, BATCH);
    expect_all_images(session);
    free(logits);
    clvgg_session_free(session);
}

/* A projector's smaller plan needs the transposed weights again. */
static void a_projector_shrinks(void **state)
{
    (void)state;
    float *whole = calloc(IMAGES * input, sizeof *whole);
    float *halved = calloc(IMAGES * input, sizeof *halved);
    clvgg_seed seeds[IMAGES];
    for (int i = 0; i < IMAGES; i++)
        seeds[i] = (clvgg_seed){.map = i % 5, .position = -1};
    for (int way = 0; way < 4; way++) {
        clvgg_projector *projector = NULL;
        clvgg_projector_options options;
        clvgg_projector_options_defaults(&options);
        options.max_batch = BATCH;
        must(clvgg_projector_create(device.device, model, way < 2 ? "conv1" : "conv2", &options, &projector));
        if (way % 2 == 1)
            cl_faults_fail_call("clEnqueueReadBuffer", 1, CL_OUT_OF_RESOURCES);
        must(clvgg_projector_run(projector, IMAGES, images, seeds, way % 2 == 0 ? whole : halved,
                                 NULL, NULL));
        assert_int_equal(cl_faults_stop(), way % 2);
        clvgg_projector_free(projector);
        if (way % 2 == 1)
            assert_memory_equal(whole, halved, IMAGES * input * sizeof *whole);
    }
    free(whole);
    free(halved);
}

static int set_up(void **state)
{
    (void)state;
    test_device_open(&device, NULL);
    model = network_make(device.runtime, NETWORK_INTEGERS);
    images = network_input(model, NETWORK_INTEGERS, IMAGES);
    clvgg_session *one = session_make(device.device, model, &(session_request){.max_batch = 1});
    input = session_input_elements(one);
    elements = session_output_elements(one, 0);
    expected = malloc(IMAGES * elements * sizeof *expected);
    for (size_t i = 0; i < IMAGES; i++)
        must(clvgg_session_run(one, 1, images + i * input,
                               (float *const[]){expected + i * elements}));
    clvgg_session_free(one);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(images);
    free(expected);
    clvgg_model_free(model);
    test_device_close(&device);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_images),
        cmocka_unit_test(a_limit_halves_the_batch),
        cmocka_unit_test(short_memory_halves_the_batch),
        cmocka_unit_test(a_session_outlives_the_want_of_memory),
        cmocka_unit_test(a_session_of_fixed_batches_fails),
        cmocka_unit_test(a_projector_shrinks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* e2e/test_session_life.c — sessions through the public API: sharing of weights, threads,
 * lifetimes, and what a pass does not do. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/session.h"
#include "clvgg/interop.h"
#include "support/cl_faults.h"
#include "support/device_fixture.h"
#include "support/networks.h"

static void sessions_of_a_model_share_weights(void **state)
{
    (void)state;
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    const size_t before = cl_faults_calls("clCreateBuffer");
    clvgg_session *first = session_make(device.device, model, &(session_request){0});
    const size_t between = cl_faults_calls("clCreateBuffer");
    clvgg_session *second = session_make(device.device, model, &(session_request){0});
    const size_t after = cl_faults_calls("clCreateBuffer");
    clvgg_session_stats a, b;
    clvgg_session_get_stats(first, &a);
    clvgg_session_get_stats(second, &b);
    assert_true(a.weight_bytes > 0 && a.weight_bytes == b.weight_bytes);
    assert_int_equal(after - between, 1); /* the arena */
    assert_true(between - before > 10);   /* five layers' weights, biases, staging */
    assert_true(b.compile_ms == 0.0);     /* so are programs */
    float *input = network_input(model, NETWORK_VGG, 1);
    float *expected = session_run_one(first, 1, input);
    clvgg_session_free(first); /* the weights stay for the second */
    float *output = session_run_one(second, 1, input);
    assert_memory_equal(output, expected, 5 * sizeof *output);
    free(output);
    free(expected);
    free(input);
    clvgg_session_free(second);
    clvgg_model_free(model);
}

enum { THREADS = 3, ROUNDS = 25 };

typedef struct worker {
    pthread_t thread;
    clvgg_model *model;
    const float *input, *expected;
    clvgg_gemm gemm;
    int wrong; /* passes that failed or differed */
} worker;

/* The cost of a session is known before anything is on the device, at no cost. */
static void a_plan_alone_says_what_a_session_costs(void **state)
{
    (void)state;
    const network_kind kind = NETWORK_VGG;
    clvgg_model *model = network_make(device.runtime, kind);
    float *input = network_input(model, kind, 1);
    clvgg_session *whole = session_make(device.device, model, &(session_request){.max_batch = 2});
    const char *const calls[] = {"clCreateBuffer", "clCreateKernel", "clBuildProgram"};
    size_t before[3];
    for (int i = 0; i < 3; i++)
        before[i] = cl_faults_calls(calls[i]);
    clvgg_session *plan =
        session_make(device.device, model, &(session_request){.max_batch = 2, .plan_only = 1});
    for (int i = 0; i < 3; i++)
        assert_int_equal(cl_faults_calls(calls[i]), before[i]);

    clvgg_session_stats a, b;
    clvgg_session_get_stats(whole, &a);
    clvgg_session_get_stats(plan, &b);
    assert_true(a.weight_bytes > 0 && a.arena_bytes > 0);
    assert_int_equal(b.weight_bytes, a.weight_bytes);
    assert_int_equal(b.arena_bytes, a.arena_bytes);
    assert_true(b.fingerprint == a.fingerprint);
    uint64_t held = 0; /* what the whole session's buffers really take */
    for (int i = 0; i < whole->runner->plan->step_count; i++)
        if (whole->runner->plan->steps[i].weights != NULL)
            held += whole->runner->plan->steps[i].weights->bytes +
                    whole->runner->plan->steps[i].bias->bytes;
    assert_int_equal(held, a.weight_bytes);
    assert_int_equal(clvgg_session_step_count(plan), clvgg_session_step_count(whole));
    for (size_t i = 0; i < clvgg_session_step_count(plan); i++) {
        clvgg_step_info x = {.struct_size = sizeof x}, y = x;
        must(clvgg_session_step(whole, i, &x));
        must(clvgg_session_step(plan, i, &y));
        assert_string_equal(x.layers, y.layers);
        assert_ptr_equal(x.variant, y.variant);
        assert_int_equal(x.weight_bytes, y.weight_bytes);
    }
    float *outputs[] = {input};
    assert_int_equal(clvgg_session_run(plan, 1, input, outputs), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(clvgg_status_message(), "plan_only"));
    clvgg_session_free(plan);
    clvgg_session_free(whole);
    clvgg_model_free(model);
    free(input);
}

static void *work(void *user)
{
    worker *w = user;
    clvgg_session *session = NULL;
    float output[5], *outputs[] = {output};
    const session_request request = {.gemm = w->gemm};
    if (session_try(device.device, w->model, &request, &session) != CLVGG_STATUS_OK)
        w->wrong = ROUNDS;
    for (int i = 0; i < ROUNDS && session != NULL; i++)
        w->wrong += clvgg_session_run(session, 1, w->input, outputs) != CLVGG_STATUS_OK ||
                    memcmp(output, w->expected, sizeof output) != 0;
    clvgg_session_free(session);
    return NULL;
}

static void threads_compute_what_each_does_alone(void **state)
{
    (void)state;
    for (clvgg_gemm gemm = CLVGG_GEMM_OWN; gemm <= CLVGG_GEMM_CLBLAST; gemm++) {
        clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
        float *input = network_input(model, NETWORK_VGG, THREADS), *expected[THREADS];
        worker workers[THREADS];
        clvgg_session *alone = session_make(device.device, model, &(session_request){.gemm = gemm});
        const size_t elements = session_input_elements(alone);
        for (int i = 0; i < THREADS; i++)
            expected[i] = session_run_one(alone, 1, input + (size_t)i * elements);
        clvgg_session_free(alone); /* so that the threads upload and build together */
        for (int i = 0; i < THREADS; i++) {
            workers[i] = (worker){.model = model,
                                  .input = input + (size_t)i * elements,
                                  .expected = expected[i],
                                  .gemm = gemm};
            assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(workers[i].thread, NULL);
            assert_int_equal(workers[i].wrong, 0);
            free(expected[i]);
        }
        clvgg_model_free(model);
        free(input);
    }
}

static void a_session_outlives_its_model_and_device(void **state)
{
    (void)state;
    const size_t live = cl_faults_live();
    clvgg_device *second = NULL;
    clvgg_device_info info = {.struct_size = sizeof info};
    char spec[16];
    must(clvgg_device_get_info(device.device, &info));
    snprintf(spec, sizeof spec, "%d", info.index);
    must(clvgg_device_open(device.runtime, spec, NULL, &second));
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    float *input = network_input(model, NETWORK_VGG, 1);
    clvgg_session *session = session_make(second, model, &(session_request){0});
    float *expected = session_run_one(session, 1, input);
    clvgg_model_free(model);
    clvgg_device_free(second);
    float *output = session_run_one(session, 1, input);
    assert_memory_equal(output, expected, 5 * sizeof *output);
    clvgg_session_free(session);
    assert_int_equal(cl_faults_live(), live);
    free(output);
    free(expected);
    free(input);
}

/* Enqueueing a pass builds, makes and waits for nothing. */
static void enqueueing_neither_builds_nor_waits(void **state)
{
    (void)state;
    static const char *const forbidden[] = {"clBuildProgram",  "clCreateKernel",
                                            "clCreateBuffer",  "clFinish",
                                            "clWaitForEvents", "clEnqueueMapBuffer"};
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    clvgg_session *session = session_make(device.device, model, &(session_request){0});
    float *input = network_input(model, NETWORK_VGG, 1);
    float *expected = session_run_one(session, 1, input), output[5];
    const cl_context context = device.device->context;
    cl_command_queue queue = clCreateCommandQueue(context, device.device->id, 0, NULL);
    assert_non_null(queue);
    const size_t bytes = session_input_elements(session) * sizeof(float);
    cl_mem from =
        clCreateBuffer(context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, bytes, input, NULL);
    cl_mem to = clCreateBuffer(context, CL_MEM_READ_WRITE, sizeof output, NULL, NULL);
    size_t before[6];
    for (int i = 0; i < 6; i++)
        before[i] = cl_faults_calls(forbidden[i]);
    const clvgg_buffer in = {from, 0}, out = {to, 0};
    for (int i = 0; i < 3; i++)
        must(clvgg_session_enqueue(session, queue, 1, &in, &out, 0, NULL, NULL));
    for (int i = 0; i < 6; i++)
        assert_int_equal(cl_faults_calls(forbidden[i]), before[i]);
    clEnqueueReadBuffer(queue, to, CL_TRUE, 0, sizeof output, output, 0, NULL, NULL);
    assert_memory_equal(output, expected, sizeof output);
    clReleaseMemObject(from);
    clReleaseMemObject(to);
    clReleaseCommandQueue(queue);
    clvgg_session_free(session);
    clvgg_model_free(model);
    free(expected);
    free(input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_of_a_model_share_weights),
        cmocka_unit_test(a_plan_alone_says_what_a_session_costs),
        cmocka_unit_test(threads_compute_what_each_does_alone),
        cmocka_unit_test(a_session_outlives_its_model_and_device),
        cmocka_unit_test(enqueueing_neither_builds_nor_waits),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}

/* kernel/test_arguments.c — arguments are bound once: a pass sets those that changed, and no other;
 * what a refused call or a caller's buffer left behind is bound again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/interop.h"
#include "support/cl_faults.h"
#include "support/device_fixture.h"
#include "support/networks.h"

enum { BATCH = 3 };

static clvgg_model *model;
static clvgg_session *session;
static float *images, *expected[BATCH + 1]; /* expected[n]: of the first n images */
static size_t in, out;

static size_t bound(void)
{
    return cl_faults_calls("clSetKernelArg");
}

/* A session of a network whose steps launch each kernel once, and what it answers: by sessions of
 * their own, whose kernels never saw another count. */
static void set_up_network(network_kind kind)
{
    const session_request request = {.gemm = CLVGG_GEMM_OWN, .max_batch = BATCH};
    model = network_make(device.runtime, kind);
    images = network_input(model, kind, BATCH);
    for (int count = 1; count <= BATCH; count++) {
        clvgg_session *fresh = session_make(device.device, model, &request);
        expected[count] = session_run_one(fresh, count, images);
        clvgg_session_free(fresh);
    }
    session = session_make(device.device, model, &request);
    in = session_input_elements(session);
    out = session_output_elements(session, 0);
}

static void tear_down_network(void)
{
    clvgg_session_free(session);
    clvgg_model_free(model);
    free(images);
    for (int count = 1; count <= BATCH; count++)
        free(expected[count]);
}

/* Runs, with the right answer; how many arguments were bound. */
static size_t run(int count)
{
    const size_t before = bound();
    float *output = session_run_one(session, count, images);
    assert_memory_equal(output, expected[count], (size_t)count * out * sizeof *output);
    free(output);
    return bound() - before;
}

static void a_pass_like_the_one_before_binds_nothing(void **state)
{
    (void)state;
    for (network_kind kind = 0; kind < NETWORK_COUNT; kind++) {
        set_up_network(kind);
        const size_t first = run(BATCH);
        assert_true(first > 30);
        assert_int_equal(run(BATCH), 0);
        const size_t fewer_images = run(1); /* counts only */
        assert_true(fewer_images > 0 && fewer_images < first / 4);
        assert_int_equal(run(1), 0);
        assert_int_equal(run(BATCH), fewer_images);
        assert_int_equal(run(BATCH), 0);
        print_message("%s: %zu arguments, %zu of them with the count\n", network_names[kind], first,
                      fewer_images);
        tear_down_network();
    }
}

/* An argument whose clSetKernelArg fails, whichever it is, is bound by the next pass. */
static void a_refused_argument_is_bound_again(void **state)
{
    (void)state;
    set_up_network(NETWORK_INTEGERS);
    run(BATCH);
    size_t refused = 0;
    for (bool failed = true; failed; refused += failed) {
        float *outputs[] = {malloc(out * sizeof(float))};
        cl_faults_fail_call("clSetKernelArg", refused, CL_OUT_OF_RESOURCES);
        const clvgg_status status = clvgg_session_run(session, 1, images, outputs);
        failed = cl_faults_stop();
        assert_int_equal(status, failed ? CLVGG_STATUS_OUT_OF_DEVICE_MEMORY : CLVGG_STATUS_OK);
        free(outputs[0]);
        if (failed)
            assert_true(run(1) > 0);
        run(BATCH);
    }
    assert_true(refused > 2);
    tear_down_network();
}

static cl_mem buffer_of(const float *data, size_t count)
{
    cl_int error = CL_SUCCESS;
    cl_mem memory = clCreateBuffer(device.device->context,
                                   CL_MEM_READ_WRITE | (data != NULL ? CL_MEM_COPY_HOST_PTR : 0),
                                   count * sizeof *data, (void *)data, &error);
    assert_int_equal(error, CL_SUCCESS);
    return memory;
}

/* A buffer's handle doesn't tell whether it is the one of the pass before. */
static void a_callers_buffer_is_bound_every_time(void **state)
{
    (void)state;
    set_up_network(NETWORK_INTEGERS);
    cl_mem input = buffer_of(images, BATCH * in), output = buffer_of(NULL, BATCH * out);
    for (int pass = 0; pass < 4; pass++) {
        const clvgg_buffer from = {input, 0}, to = {output, 0};
        float answer[64];
        assert_true(BATCH * out <= 64);
        const size_t before = bound();
        must(clvgg_session_enqueue(session, device.queue, BATCH, &from, &to, 0, NULL, NULL));
        const size_t spent = bound() - before;
        if (pass > 0) /* the input, and its offset where run() had another */
            assert_in_range(spent, 1, 2);
        assert_int_equal(clEnqueueReadBuffer(device.queue, output, CL_TRUE, 0,
                                             BATCH * out * sizeof *answer, answer, 0, NULL, NULL),
                         CL_SUCCESS);
        assert_memory_equal(answer, expected[BATCH], BATCH * out * sizeof *answer);
        if (pass == 2)
            run(BATCH);
    }
    clReleaseMemObject(input);
    clReleaseMemObject(output);
    tear_down_network();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass_like_the_one_before_binds_nothing),
        cmocka_unit_test(a_refused_argument_is_bound_again),
        cmocka_unit_test(a_callers_buffer_is_bound_every_time),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}

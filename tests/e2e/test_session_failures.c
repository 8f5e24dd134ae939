/* e2e/test_session_failures.c — every allocation and every OpenCL call of a session's life fails
 * once: a defined error with words, no leak, and the next call works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/interop.h"
#include "support/cl_faults.h"
#include "support/failing_allocator.h"
#include "support/networks.h"

static struct {
    failing_allocator allocator;
    clvgg_runtime *runtime;
    clvgg_device *device;
    clvgg_model *model;
    cl_command_queue queues[2];
    cl_mem input, output;
    float *image, expected[3];
} fixture;

/* One pass by enqueue; a failure leaves nothing in flight. */
static clvgg_status pass(clvgg_session *session, int queue, float *output)
{
    const clvgg_buffer from = {fixture.input, 0}, to = {fixture.output, 0};
    cl_event done = NULL;
    const clvgg_status status =
        clvgg_session_enqueue(session, fixture.queues[queue], 1, &from, &to, 0, NULL, &done);
    assert_true((status == CLVGG_STATUS_OK) == (done != NULL));
    if (status == CLVGG_STATUS_OK) {
        memset(output, 0, sizeof fixture.expected);
        if (clWaitForEvents(1, &done) == CL_SUCCESS)
            clEnqueueReadBuffer(fixture.queues[0], fixture.output, CL_TRUE, 0,
                                sizeof fixture.expected, output, 0, NULL, NULL);
        clReleaseEvent(done);
    }
    return status;
}

/* A session's whole life: made, run, enqueued on queues of both kinds, freed. */
static clvgg_status live_and_die(void)
{
    clvgg_session *session = NULL;
    float output[3], *outputs[] = {output};
    clvgg_status status =
        session_try(fixture.device, fixture.model,
                    &(session_request){.gemm = CLVGG_GEMM_OWN, .max_batch = 2}, &session);
    assert_true((status == CLVGG_STATUS_OK) == (session != NULL));
    if (status == CLVGG_STATUS_OK)
        status = clvgg_session_run(session, 1, fixture.image, outputs);
    for (int queue = 0; status == CLVGG_STATUS_OK && queue < 2; queue++)
        status = pass(session, queue, output);
    clvgg_session_free(session);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    const long held = fixture.allocator.held;
    const size_t live = cl_faults_live();
    long failures = 0;
    for (bool failed = true; failed; failures++) {
        fixture.allocator.before_failure = failures;
        const clvgg_status status = live_and_die();
        failed = fixture.allocator.before_failure == 0 && status != CLVGG_STATUS_OK;
        fixture.allocator.before_failure = -1;
        if (failed)
            assert_int_equal(status, CLVGG_STATUS_OUT_OF_MEMORY);
        else
            must(status);
        assert_int_equal(fixture.allocator.held, held);
        assert_int_equal(cl_faults_live(), live);
    }
    print_message("%ld allocations failed, one after the other\n", failures - 1);
    assert_true(failures > 20);
}

static void every_call_may_fail(void **state)
{
    (void)state;
    const cl_int errors[] = {CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY, CL_INVALID_VALUE};
    const clvgg_status statuses[] = {CLVGG_STATUS_OUT_OF_DEVICE_MEMORY, CLVGG_STATUS_OUT_OF_MEMORY,
                                     CLVGG_STATUS_OPENCL};
    const long held = fixture.allocator.held;
    const size_t live = cl_faults_live();
    const size_t stride = getenv("CLVGG_TEST_SMALL") != NULL ? 11 : 1; /* slow devices */
    size_t failures = 0;
    for (bool failed = true; failed; failures += stride) {
        cl_faults_fail_at(failures, errors[failures % 3]);
        const clvgg_status status = live_and_die();
        failed = cl_faults_stop();
        /* Calls that free or clean up may fail unnoticed, and the test's own calls are among them.
         */
        if (status != CLVGG_STATUS_OK) {
            assert_true(failed);
            assert_int_equal(status, statuses[failures % 3]);
            assert_non_null(strstr(clvgg_status_message(), cl_faults_failed_function()));
        }
        if (cl_faults_live() != live || fixture.allocator.held != held) {
            cl_faults_print_live();
            fail_msg("call %zu, %s: leaks", failures, cl_faults_failed_function());
        }
    }
    print_message("%zu calls failed, one after the other\n", failures / stride - 1);
    assert_true(failures > 100);
    must(live_and_die());
}

/* After each failed call of run and enqueue the same session gives the right bits. */
static void a_session_goes_on_after_a_failure(void **state)
{
    (void)state;
    clvgg_session *session = NULL;
    float output[3], *outputs[] = {output};
    must(session_try(fixture.device, fixture.model, &(session_request){.max_batch = 2}, &session));
    for (int way = 0; way < 3; way++) {
        const size_t stride = getenv("CLVGG_TEST_SMALL") != NULL ? 11 : 1;
        size_t i = 0, refused = 0;
        for (bool failed = true; failed; i += stride) {
            cl_faults_fail_at(i, CL_MEM_OBJECT_ALLOCATION_FAILURE);
            const clvgg_status status = way < 2
                                            ? pass(session, way, output)
                                            : clvgg_session_run(session, 1, fixture.image, outputs);
            failed = cl_faults_stop();
            refused += status != CLVGG_STATUS_OK;
            if (status != CLVGG_STATUS_OK)
                assert_int_equal(status, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
            /* on the other queue, behind what was left half-way on this one */
            must(pass(session, 1 - way % 2, output));
            assert_memory_equal(output, fixture.expected, sizeof output);
            must(clvgg_session_run(session, 1, fixture.image, outputs));
            assert_memory_equal(output, fixture.expected, sizeof output);
        }
        assert_true(refused > 10 / stride);
    }
    clvgg_session_free(session);
}

static void a_lost_device_ends_the_session_only(void **state)
{
    (void)state;
    clvgg_session *session = NULL;
    float output[3], *outputs[] = {output};
    const size_t live = cl_faults_live();
    for (int way = 0; way < 2; way++) {
        must(session_try(fixture.device, fixture.model, &(session_request){.max_batch = 2},
                         &session));
        cl_faults_fail_call("clEnqueueNDRangeKernel", 1, CL_DEVICE_NOT_AVAILABLE);
        assert_int_equal(way ? pass(session, 0, output)
                             : clvgg_session_run(session, 1, fixture.image, outputs),
                         CLVGG_STATUS_DEVICE_LOST);
        assert_true(cl_faults_stop());
        assert_non_null(strstr(clvgg_status_message(), "CL_DEVICE_NOT_AVAILABLE"));
        assert_int_equal(clvgg_session_run(session, 1, fixture.image, outputs),
                         CLVGG_STATUS_DEVICE_LOST);
        assert_non_null(strstr(clvgg_status_message(), "lost in an earlier call"));
        assert_int_equal(pass(session, 1, output), CLVGG_STATUS_DEVICE_LOST);
        clvgg_session_free(session);
        assert_int_equal(cl_faults_live(), live);
        must(live_and_die()); /* another session of the same model */
    }
}

static int set_up(void **state)
{
    (void)state;
    clvgg_runtime_options options;
    clvgg_runtime_options_defaults(&options);
    fixture.allocator.before_failure = -1;
    options.allocate = failing_allocate;
    options.release = failing_release;
    options.allocator_user = &fixture.allocator;
    must(clvgg_runtime_create(&options, &fixture.runtime));
    must(clvgg_device_open(fixture.runtime, getenv("CLVGG_DEVICE"), NULL, &fixture.device));
    fixture.model = network_make(fixture.runtime, NETWORK_INTEGERS);
    fixture.image = network_input(fixture.model, NETWORK_INTEGERS, 1);
    cl_command_queue_properties can = 0;
    const cl_context context = fixture.device->context;
    clGetDeviceInfo(fixture.device->id, CL_DEVICE_QUEUE_PROPERTIES, sizeof can, &can, NULL);
    for (int i = 0; i < 2; i++)
        fixture.queues[i] =
            clCreateCommandQueue(context, fixture.device->id,
                                 i > 0 ? can & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE : 0, NULL);
    fixture.input = clCreateBuffer(context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                   3 * 10 * 12 * sizeof(float), fixture.image, NULL);
    fixture.output =
        clCreateBuffer(context, CL_MEM_READ_WRITE, sizeof fixture.expected, NULL, NULL);
    /* Builds the programs, which the device keeps. */
    clvgg_session *session = NULL;
    must(session_try(fixture.device, fixture.model, &(session_request){.max_batch = 2}, &session));
    must(clvgg_session_run(session, 1, fixture.image, (float *[]){fixture.expected}));
    clvgg_session_free(session);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(fixture.image);
    clReleaseMemObject(fixture.input);
    clReleaseMemObject(fixture.output);
    clReleaseCommandQueue(fixture.queues[0]);
    clReleaseCommandQueue(fixture.queues[1]);
    clvgg_model_free(fixture.model);
    clvgg_device_free(fixture.device);
    clvgg_runtime_free(fixture.runtime);
    if (cl_faults_live() != 0)
        cl_faults_print_live();
    return cl_faults_live() == 0 && fixture.allocator.held == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_call_may_fail),
        cmocka_unit_test(a_session_goes_on_after_a_failure),
        cmocka_unit_test(a_lost_device_ends_the_session_only),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

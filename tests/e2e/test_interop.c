/* e2e/test_interop.c — sessions on a caller's context, queues, buffers, wait lists and events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "clvgg/interop.h"
#include "support/cl_faults.h"
#include "support/interop.h"
#include "support/networks.h"
#include "support/program.h"
#include "support/scratch.h"

static void both_kinds_of_queue_give_the_bits_of_run(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        clvgg_session *session =
            own_session(&(session_request){.max_batch = OWN_BATCH,
                                           .gemm = way % 2 ? CLVGG_GEMM_CLBLAST : CLVGG_GEMM_OWN,
                                           .variant = way > 1 ? "*=conv_im2col_clblast" : NULL});
        const size_t in = session_input_elements(session),
                     out = session_output_elements(session, 0);
        for (int count = 1; count <= OWN_BATCH; count++)
            for (int queue = 0; queue < 2; queue++) {
                float *expected = session_run_one(session, count, own.images);
                cl_mem input = own_buffer(own.images, (size_t)count * in);
                cl_mem output = own_buffer(NULL, (size_t)count * out);
                cl_event done = NULL;
                must(own_enqueue(session, queue, count, input, output, NULL, &done));
                own_wait(done);
                assert_true(own_holds(output, expected, (size_t)count * out));
                clReleaseMemObject(input);
                clReleaseMemObject(output);
                free(expected);
            }
        clvgg_session_free(session);
    }
}

/* No pass is waited for before the next; each has buffers of its own, given back at once; queues
 * alternate, so that the second pass must wait for the first on another queue. */
static void passes_in_flight_stay_apart(void **state)
{
    (void)state;
    enum { PASSES = 12 };
    for (int way = 0; way < 2; way++) {
        clvgg_session *session =
            own_session(&(session_request){.gemm = way ? CLVGG_GEMM_CLBLAST : CLVGG_GEMM_OWN});
        const size_t in = session_input_elements(session),
                     out = session_output_elements(session, 0);
        cl_mem outputs[PASSES];
        cl_event done[PASSES];
        for (int i = 0; i < PASSES; i++) {
            cl_mem input = own_buffer(own.images + (size_t)(i % OWN_BATCH) * in, in);
            outputs[i] = own_buffer(NULL, out);
            must(own_enqueue(session, i / 2 % 2, 1, input, outputs[i], NULL, &done[i]));
            clReleaseMemObject(input);
        }
        own_cl(clWaitForEvents(PASSES, done));
        for (int i = 0; i < PASSES; i++) {
            float *expected =
                session_run_one(session, 1, own.images + (size_t)(i % OWN_BATCH) * in);
            assert_true(own_holds(outputs[i], expected, out));
            clReleaseMemObject(outputs[i]);
            clReleaseEvent(done[i]);
            free(expected);
        }
        clvgg_session_free(session);
    }
}

/* Weights must be on the device when the session is there, whichever queue reads them. */
static void a_new_session_may_be_used_at_once(void **state)
{
    (void)state;
    cl_mem input = own_buffer(own.images, 3 * 32 * 32);
    for (int round = 0; round < 20; round++) {
        clvgg_session *session =
            own_session(&(session_request){0}); /* no other holds its weights */
        const size_t out = session_output_elements(session, 0);
        cl_mem output = own_buffer(NULL, out);
        cl_event done = NULL;
        must(own_enqueue(session, round % 2, 1, input, output, NULL, &done));
        own_wait(done);
        float *expected = session_run_one(session, 1, own.images);
        assert_true(own_holds(output, expected, out));
        free(expected);
        clReleaseMemObject(output);
        clvgg_session_free(session);
    }
    clReleaseMemObject(input);
}

/* run() behind a pass that is still in flight on the caller's queue. */
static void run_waits_for_a_pass_in_flight(void **state)
{
    (void)state;
    clvgg_session *session = own_session(&(session_request){0});
    const size_t in = session_input_elements(session), out = session_output_elements(session, 0);
    float *expected = session_run_one(session, 1, own.images);
    cl_mem input = own_buffer(own.images, in), output = own_buffer(NULL, out);
    for (int i = 0; i < 8; i++) {
        must(own_enqueue(session, i % 2, 1, input, output, NULL, NULL));
        float *second = session_run_one(session, 1, own.images + in);
        free(second);
        assert_true(own_holds(output, expected, out));
    }
    clReleaseMemObject(input);
    clReleaseMemObject(output);
    clvgg_session_free(session);
    free(expected);
}

static void nothing_starts_before_the_wait_list(void **state)
{
    (void)state;
    const struct timespec moment = {0, 30000000};
    clvgg_session *session = own_session(&(session_request){0});
    const size_t in = session_input_elements(session), out = session_output_elements(session, 0);
    float *expected = session_run_one(session, 1, own.images);
    for (int queue = 0; queue < 2; queue++) {
        cl_int error = CL_SUCCESS, progress = CL_COMPLETE;
        cl_event gate = clCreateUserEvent(own.context, &error), done = NULL;
        own_cl(error);
        cl_mem input = own_buffer(own.images, in), output = own_buffer(NULL, out);
        must(own_enqueue(session, queue, 1, input, output, gate, &done));
        own_cl(clFlush(own.queues[queue]));
        nanosleep(&moment, NULL);
        assert_true(own_holds(output, NULL, out));
        own_cl(clGetEventInfo(done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof progress, &progress,
                              NULL));
        assert_true(progress > CL_COMPLETE);
        own_cl(clSetUserEventStatus(gate, CL_COMPLETE));
        own_wait(done);
        assert_true(own_holds(output, expected, out));
        clReleaseEvent(gate);
        clReleaseMemObject(input);
        clReleaseMemObject(output);
    }
    clvgg_session_free(session);
    free(expected);
}

/* PoCL 3.1 ends the process when a command waits for a user event that is set to an error; Intel's
 * runtime only when that command's queue is out of order. */
static bool survives_cancelled_events(void)
{
    clvgg_device_info info = {.struct_size = sizeof info};
    must(clvgg_device_get_info(own.device, &info));
    return strcmp(info.platform, "Portable Computing Language") != 0;
}

/* A pass whose wait list failed: drivers differ in what still runs, but the session goes on. */
static void a_cancelled_pass_does_not_spoil_the_next(void **state)
{
    (void)state;
    if (!survives_cancelled_events()) {
        fprintf(stderr, "SKIPPED: this driver aborts on cancelled events\n");
        skip();
    }
    clvgg_session *session = own_session(&(session_request){0});
    const size_t in = session_input_elements(session), out = session_output_elements(session, 0);
    cl_int error = CL_SUCCESS;
    cl_event gate = clCreateUserEvent(own.context, &error), done = NULL;
    own_cl(error);
    cl_mem input = own_buffer(own.images, in), output = own_buffer(NULL, out);
    must(own_enqueue(session, 0, 1, input, output, gate, &done));
    own_cl(clSetUserEventStatus(gate, -1));
    clWaitForEvents(1, &done);
    clReleaseEvent(done);
    clReleaseEvent(gate);
    for (int queue = 0; queue < 2; queue++) {
        float *expected = session_run_one(session, 1, own.images);
        must(own_enqueue(session, queue, 1, input, output, NULL, &done));
        own_wait(done);
        assert_true(own_holds(output, expected, out));
        free(expected);
    }
    clReleaseMemObject(input);
    clReleaseMemObject(output);
    clvgg_session_free(session);
}

/* Outputs that are the input by another name, outputs not wanted. */
static void an_output_may_be_the_input_itself(void **state)
{
    (void)state;
    static const char *const outputs[] = {"flatten0", "conv1", "logits", NULL};
    clvgg_model *model = network_make(own.runtime, NETWORK_BRANCHES);
    clvgg_session *session = session_make(
        own.device, model, &(session_request){.outputs = outputs, .max_batch = OWN_BATCH});
    const size_t in = session_input_elements(session), out = session_output_elements(session, 2);
    float *images = network_input(model, NETWORK_BRANCHES, OWN_BATCH), *expected[3] = {NULL};
    expected[2] = malloc(OWN_BATCH * out * sizeof(float));
    must(clvgg_session_run(session, OWN_BATCH, images, expected));
    float *others = calloc(OWN_BATCH * in, sizeof *others); /* to lie in the arena instead */
    must(clvgg_session_run(session, OWN_BATCH, others, (float *[]){NULL, NULL, NULL}));
    free(others);
    cl_mem input = own_buffer(images, OWN_BATCH * in), same = own_buffer(NULL, OWN_BATCH * in);
    cl_mem logits = own_buffer(NULL, OWN_BATCH * out);
    for (int queue = 0; queue < 2; queue++) {
        const clvgg_buffer from = {input, OWN_GUARD},
                           to[3] = {{same, OWN_GUARD}, {NULL, 0}, {logits, OWN_GUARD}};
        cl_event done = NULL;
        must(clvgg_session_enqueue(session, own.queues[queue], OWN_BATCH, &from, to, 0, NULL,
                                   &done));
        own_wait(done);
        assert_true(own_holds(same, images, OWN_BATCH * in));
        assert_true(own_holds(logits, expected[2], OWN_BATCH * out));
    }
    clReleaseMemObject(input);
    clReleaseMemObject(same);
    clReleaseMemObject(logits);
    free(expected[2]);
    free(images);
    clvgg_session_free(session);
    clvgg_model_free(model);
}

/* The driver's references of the caller's context and buffers. It drops its own to finished
 * commands a moment later, so wait until there are no more than `expected`, for `seconds` at most.
 */
static cl_uint references(const cl_mem buffers[2], cl_uint expected, int seconds)
{
    const struct timespec moment = {0, 10000000};
    cl_uint sum = 0;
    for (int tries = 0; tries < 100 * seconds && (tries == 0 || sum > expected); tries++) {
        cl_uint context = 0, buffer[2] = {0, 0};
        nanosleep(&moment, NULL);
        own_cl(clGetContextInfo(own.context, CL_CONTEXT_REFERENCE_COUNT, sizeof context, &context,
                                NULL));
        for (int i = 0; i < 2; i++)
            own_cl(clGetMemObjectInfo(buffers[i], CL_MEM_REFERENCE_COUNT, sizeof buffer[i],
                                      &buffer[i], NULL));
        sum = context + buffer[0] + buffer[1];
    }
    return sum;
}

static void reference_counts_come_back(void **state)
{
    (void)state;
    enum { FLOATS = 1 << 14 };
    const cl_mem buffers[2] = {own_buffer(NULL, FLOATS), own_buffer(NULL, FLOATS)};
    own_cl(clFinish(own.queues[0]));
    own_cl(clFinish(own.queues[1]));
    const cl_uint before = references(buffers, 0, 1); /* late: what was pending is gone */
    const size_t live = cl_faults_live(); /* queues too, of which drivers keep references */
    clvgg_device *device = NULL;
    must(clvgg_device_from_context(own.runtime, own.context, own.id, &device));
    clvgg_session *session = session_make(device, own.model, &(session_request){0});
    clvgg_device_free(device); /* the session keeps it */
    for (int i = 0; i < 4; i++)
        must(own_enqueue(session, i % 2, 1, buffers[0], buffers[1], NULL, NULL));
    clvgg_session_free(session); /* waits for the passes */
    own_cl(clFinish(own.queues[0]));
    own_cl(clFinish(own.queues[1]));
    assert_true(references(buffers, before, 60) <= before);
    assert_int_equal(cl_faults_live(), live);
    clReleaseMemObject(buffers[0]);
    clReleaseMemObject(buffers[1]);
}

static void clblast_lets_go_of_a_context(void **state)
{
    (void)state;
    const struct timespec moment = {0, 10000000};
    cl_int error = CL_SUCCESS;
    cl_context context = clCreateContext(NULL, 1, &own.id, NULL, NULL, &error);
    own_cl(error);
    clvgg_device *device = NULL;
    must(clvgg_device_from_context(own.runtime, context, own.id, &device));
    clvgg_session *session =
        session_make(device, own.model, &(session_request){.gemm = CLVGG_GEMM_CLBLAST});
    free(session_run_one(session, 1, own.images));
    clvgg_session_free(session);
    clvgg_device_free(device);
    cl_uint references = 0;
    for (int tries = 0; tries < 1000 && references != 1; tries++) {
        nanosleep(&moment, NULL); /* the driver drops some of its own late */
        own_cl(clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, sizeof references, &references,
                                NULL));
    }
    assert_int_equal(references, 1);
    clReleaseContext(context);
}

/* The example program, `clvgg run` and a session give the same bits. */
static void the_example_prints_the_bits_of_the_program(void **state)
{
    (void)state;
    const clvgg_shape shape = {4, {2, 3, TEST_NET_SIDE, TEST_NET_SIDE}};
    test_program example = {0}, program = {0};
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_write_npy("in.npy", &shape, own.images);
    const char *model = test_scratch_path("net.safetensors"), *in = test_scratch_path("in.npy");
    test_program_run(&example, (const char *[]){EXAMPLE "interop", model, in, NULL});
    if (example.exit_code != 0)
        fail_msg("%s", example.err);
    char *name = strtok(example.err, "\n");
    test_program_run(&program, (const char *[]){PROGRAM, "run", "--device", name, "--gemm", "own",
                                                "--model", model, "--input", in, "--output",
                                                test_scratch_path("out.npy"), NULL});
    if (program.exit_code != 0)
        fail_msg("%s", program.err);
    clvgg_shape written;
    float *logits = test_scratch_read_npy("out.npy", &written);
    assert_int_equal(written.dims[0], 2);
    char *at = example.out;
    for (int i = 0; i < 2 * TEST_NET_CLASSES; i++)
        assert_true((float)strtod(at, &at) == logits[i]);
    assert_string_equal(at, "\n");
    free(logits);
    test_program_free(&example);
    test_program_free(&program);
    test_scratch_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_of_queue_give_the_bits_of_run),
        cmocka_unit_test(passes_in_flight_stay_apart),
        cmocka_unit_test(a_new_session_may_be_used_at_once),
        cmocka_unit_test(run_waits_for_a_pass_in_flight),
        cmocka_unit_test(nothing_starts_before_the_wait_list),
        cmocka_unit_test(a_cancelled_pass_does_not_spoil_the_next),
        cmocka_unit_test(an_output_may_be_the_input_itself),
        cmocka_unit_test(reference_counts_come_back),
        cmocka_unit_test(clblast_lets_go_of_a_context),
        cmocka_unit_test(the_example_prints_the_bits_of_the_program),
    };
    return cmocka_run_group_tests(tests, own_setup, own_teardown);
}

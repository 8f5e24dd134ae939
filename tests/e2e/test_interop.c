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
#include "support/networks.h"
#include "support/program.h"
#include "support/scratch.h"

enum { BATCH = 3, GUARD = 7, ABSENT = 0x7fc0dead };

/* Objects that a program which embeds clvgg has already. */
static struct {
    clvgg_runtime *runtime;
    cl_device_id id;
    cl_context context;
    cl_command_queue queues[2]; /* in order; out of order where the device can, else in order */
    clvgg_device *device;
    clvgg_model *model;
    float *images;
} own;

static void cl(cl_int error)
{
    if (error != CL_SUCCESS)
        fail_msg("%s", vgg_cl_error_name(error));
}

/* A buffer of `count` floats between guards, holding `data` or marks. */
static cl_mem buffer_of(const float *data, size_t count)
{
    cl_int error = CL_SUCCESS;
    uint32_t *content = malloc((count + 2 * GUARD) * sizeof *content);
    for (size_t i = 0; i < count + 2 * GUARD; i++)
        content[i] = ABSENT;
    if (data != NULL)
        memcpy(content + GUARD, data, count * sizeof *data);
    cl_mem buffer = clCreateBuffer(own.context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                   (count + 2 * GUARD) * sizeof *content, content, &error);
    cl(error);
    free(content);
    return buffer;
}

/* Whether the buffer holds exactly `expected` (NULL: nothing yet) between its guards; read on a
 * queue of its own. */
static bool buffer_holds(cl_mem buffer, const float *expected, size_t count)
{
    cl_int error = CL_SUCCESS;
    uint32_t *content = malloc((count + 2 * GUARD) * sizeof *content);
    cl_command_queue queue = clCreateCommandQueue(own.context, own.id, 0, &error);
    cl(error);
    cl(clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, (count + 2 * GUARD) * sizeof *content,
                           content, 0, NULL, NULL));
    bool holds = true;
    for (size_t i = 0; i < count + 2 * GUARD; i++) {
        uint32_t wanted = ABSENT;
        if (expected != NULL && i >= GUARD && i < count + GUARD)
            memcpy(&wanted, expected + i - GUARD, sizeof wanted);
        holds = holds && content[i] == wanted;
    }
    clReleaseCommandQueue(queue);
    free(content);
    return holds;
}

static clvgg_session *make(const session_request *request)
{
    return session_make(own.device, own.model, request);
}

static clvgg_status enqueue(clvgg_session *session, int queue, int count, cl_mem input,
                            cl_mem output, cl_event wait, cl_event *event)
{
    const clvgg_buffer from = {input, GUARD}, to = {output, GUARD};
    return clvgg_session_enqueue(session, own.queues[queue], count, &from, &to, wait != NULL,
                                 wait != NULL ? &wait : NULL, event);
}

static void wait_for(cl_event event)
{
    cl(clWaitForEvents(1, &event));
    clReleaseEvent(event);
}

static void both_kinds_of_queue_give_the_bits_of_run(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        clvgg_session *session =
            make(&(session_request){.max_batch = BATCH,
                                    .gemm = way % 2 ? CLVGG_GEMM_CLBLAST : CLVGG_GEMM_OWN,
                                    .variant = way > 1 ? "*=conv_im2col_clblast" : NULL});
        const size_t in = session_input_elements(session),
                     out = session_output_elements(session, 0);
        for (int count = 1; count <= BATCH; count++)
            for (int queue = 0; queue < 2; queue++) {
                float *expected = session_run_one(session, count, own.images);
                cl_mem input = buffer_of(own.images, (size_t)count * in);
                cl_mem output = buffer_of(NULL, (size_t)count * out);
                cl_event done = NULL;
                must(enqueue(session, queue, count, input, output, NULL, &done));
                wait_for(done);
                assert_true(buffer_holds(output, expected, (size_t)count * out));
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
            make(&(session_request){.gemm = way ? CLVGG_GEMM_CLBLAST : CLVGG_GEMM_OWN});
        const size_t in = session_input_elements(session),
                     out = session_output_elements(session, 0);
        cl_mem outputs[PASSES];
        cl_event done[PASSES];
        for (int i = 0; i < PASSES; i++) {
            cl_mem input = buffer_of(own.images + (size_t)(i % BATCH) * in, in);
            outputs[i] = buffer_of(NULL, out);
            must(enqueue(session, i / 2 % 2, 1, input, outputs[i], NULL, &done[i]));
            clReleaseMemObject(input);
        }
        cl(clWaitForEvents(PASSES, done));
        for (int i = 0; i < PASSES; i++) {
            float *expected = session_run_one(session, 1, own.images + (size_t)(i % BATCH) * in);
            assert_true(buffer_holds(outputs[i], expected, out));
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
    cl_mem input = buffer_of(own.images, 3 * 32 * 32);
    for (int round = 0; round < 20; round++) {
        clvgg_session *session = make(&(session_request){0}); /* no other holds its weights */
        const size_t out = session_output_elements(session, 0);
        cl_mem output = buffer_of(NULL, out);
        cl_event done = NULL;
        must(enqueue(session, round % 2, 1, input, output, NULL, &done));
        wait_for(done);
        float *expected = session_run_one(session, 1, own.images);
        assert_true(buffer_holds(output, expected, out));
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
    clvgg_session *session = make(&(session_request){0});
    const size_t in = session_input_elements(session), out = session_output_elements(session, 0);
    float *expected = session_run_one(session, 1, own.images);
    cl_mem input = buffer_of(own.images, in), output = buffer_of(NULL, out);
    for (int i = 0; i < 8; i++) {
        must(enqueue(session, i % 2, 1, input, output, NULL, NULL));
        float *second = session_run_one(session, 1, own.images + in);
        free(second);
        assert_true(buffer_holds(output, expected, out));
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
    clvgg_session *session = make(&(session_request){0});
    const size_t in = session_input_elements(session), out = session_output_elements(session, 0);
    float *expected = session_run_one(session, 1, own.images);
    for (int queue = 0; queue < 2; queue++) {
        cl_int error = CL_SUCCESS, progress = CL_COMPLETE;
        cl_event gate = clCreateUserEvent(own.context, &error), done = NULL;
        cl(error);
        cl_mem input = buffer_of(own.images, in), output = buffer_of(NULL, out);
        must(enqueue(session, queue, 1, input, output, gate, &done));
        cl(clFlush(own.queues[queue]));
        nanosleep(&moment, NULL);
        assert_true(buffer_holds(output, NULL, out));
        cl(clGetEventInfo(done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof progress, &progress,
                          NULL));
        assert_true(progress > CL_COMPLETE);
        cl(clSetUserEventStatus(gate, CL_COMPLETE));
        wait_for(done);
        assert_true(buffer_holds(output, expected, out));
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
    clvgg_session *session = make(&(session_request){0});
    const size_t in = session_input_elements(session), out = session_output_elements(session, 0);
    cl_int error = CL_SUCCESS;
    cl_event gate = clCreateUserEvent(own.context, &error), done = NULL;
    cl(error);
    cl_mem input = buffer_of(own.images, in), output = buffer_of(NULL, out);
    must(enqueue(session, 0, 1, input, output, gate, &done));
    cl(clSetUserEventStatus(gate, -1));
    clWaitForEvents(1, &done);
    clReleaseEvent(done);
    clReleaseEvent(gate);
    for (int queue = 0; queue < 2; queue++) {
        float *expected = session_run_one(session, 1, own.images);
        must(enqueue(session, queue, 1, input, output, NULL, &done));
        wait_for(done);
        assert_true(buffer_holds(output, expected, out));
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
    clvgg_session *session =
        session_make(own.device, model, &(session_request){.outputs = outputs, .max_batch = BATCH});
    const size_t in = session_input_elements(session), out = session_output_elements(session, 2);
    float *images = network_input(model, NETWORK_BRANCHES, BATCH), *expected[3] = {NULL};
    expected[2] = malloc(BATCH * out * sizeof(float));
    must(clvgg_session_run(session, BATCH, images, expected));
    float *others = calloc(BATCH * in, sizeof *others); /* to lie in the arena instead */
    must(clvgg_session_run(session, BATCH, others, (float *[]){NULL, NULL, NULL}));
    free(others);
    cl_mem input = buffer_of(images, BATCH * in), same = buffer_of(NULL, BATCH * in);
    cl_mem logits = buffer_of(NULL, BATCH * out);
    for (int queue = 0; queue < 2; queue++) {
        const clvgg_buffer from = {input, GUARD},
                           to[3] = {{same, GUARD}, {NULL, 0}, {logits, GUARD}};
        cl_event done = NULL;
        must(clvgg_session_enqueue(session, own.queues[queue], BATCH, &from, to, 0, NULL, &done));
        wait_for(done);
        assert_true(buffer_holds(same, images, BATCH * in));
        assert_true(buffer_holds(logits, expected[2], BATCH * out));
    }
    clReleaseMemObject(input);
    clReleaseMemObject(same);
    clReleaseMemObject(logits);
    free(expected[2]);
    free(images);
    clvgg_session_free(session);
    clvgg_model_free(model);
}

static void expect_words(clvgg_status got, clvgg_status expected, const char *a, const char *b)
{
    assert_int_equal(got, expected);
    if (strstr(clvgg_status_message(), a) == NULL || strstr(clvgg_status_message(), b) == NULL)
        fail_msg("no '%s' and '%s' in: %s", a, b, clvgg_status_message());
}

static void wrong_arguments_are_named(void **state)
{
    (void)state;
    cl_int error = CL_SUCCESS;
    clvgg_session *session = make(&(session_request){0});
    cl_context other = clCreateContext(NULL, 1, &own.id, NULL, NULL, &error);
    cl(error);
    cl_command_queue foreign = clCreateCommandQueue(other, own.id, 0, &error);
    cl(error);
    cl_mem small = clCreateBuffer(own.context, CL_MEM_READ_WRITE, 400, NULL, &error);
    cl(error);
    cl_mem stray = clCreateBuffer(other, CL_MEM_READ_WRITE, 1 << 20, NULL, &error);
    cl(error);
    cl_mem input = buffer_of(own.images, session_input_elements(session));
    cl_event event = (cl_event)1;
    const clvgg_status invalid = CLVGG_STATUS_INVALID_ARGUMENT;
    const size_t live = cl_faults_live();
    expect_words(enqueue(session, 0, 1, small, small, NULL, &event), invalid, "3072", "400 bytes");
    assert_null(event);
    const clvgg_buffer from = {input, GUARD}, late = {small, 97}, beyond = {small, SIZE_MAX};
    expect_words(clvgg_session_enqueue(session, own.queues[0], 1, &from, &late, 0, NULL, NULL),
                 invalid, "offset 97", "400 bytes");
    expect_words(clvgg_session_enqueue(session, own.queues[0], 1, &from, &beyond, 0, NULL, NULL),
                 invalid, "output 0", "400 bytes");
    expect_words(enqueue(session, 0, 1, stray, small, NULL, NULL), invalid, "input 0", "context");
    expect_words(clvgg_session_enqueue(session, foreign, 1, &from, &late, 0, NULL, NULL), invalid,
                 "queue", "context");
    expect_words(enqueue(session, 0, 2, input, small, NULL, NULL), invalid, "count", "max_batch");
    expect_words(clvgg_session_enqueue(session, own.queues[0], 1, &from, &late, 1, NULL, NULL),
                 invalid, "wait_count", "wait_list");
    assert_int_equal(cl_faults_live(), live);
    clReleaseMemObject(small);
    clReleaseMemObject(stray);
    clReleaseMemObject(input);
    clReleaseCommandQueue(foreign);
    clReleaseContext(other);
    clvgg_session_free(session);
}

/* An image is a cl_mem too; a kernel can't read a buffer that is for writing. Sub-buffers are
 * buffers, and outputs are copies, which may fill what kernels only read. */
static void only_buffers_that_can_be_read_are_taken(void **state)
{
    (void)state;
    cl_int error = CL_SUCCESS;
    cl_bool images = CL_FALSE;
    clvgg_session *session = make(&(session_request){0});
    const size_t in = session_input_elements(session), out = session_output_elements(session, 0);
    float *expected = session_run_one(session, 1, own.images);
    const size_t bytes = (in + GUARD) * sizeof(float);
    cl_mem input = buffer_of(own.images, in);
    cl_mem output = clCreateBuffer(own.context, CL_MEM_READ_ONLY, 1 << 16, NULL, &error);
    cl(error);
    cl_mem unreadable = clCreateBuffer(own.context, CL_MEM_WRITE_ONLY, bytes, NULL, &error);
    cl(error);
    const clvgg_status invalid = CLVGG_STATUS_INVALID_ARGUMENT;
    expect_words(enqueue(session, 0, 1, unreadable, output, NULL, NULL), invalid, "input 0",
                 "CL_MEM_WRITE_ONLY");
    cl(clGetDeviceInfo(own.id, CL_DEVICE_IMAGE_SUPPORT, sizeof images, &images, NULL));
    if (images) {
        const cl_image_format format = {CL_RGBA, CL_FLOAT};
        const cl_image_desc description = {
            .image_type = CL_MEM_OBJECT_IMAGE2D, .image_width = 128, .image_height = 128};
        cl_mem image =
            clCreateImage(own.context, CL_MEM_READ_WRITE, &format, &description, NULL, &error);
        cl(error);
        expect_words(enqueue(session, 0, 1, image, output, NULL, NULL), invalid, "input 0",
                     "an image, not a buffer");
        expect_words(enqueue(session, 0, 1, input, image, NULL, NULL), invalid, "output 0",
                     "an image, not a buffer");
        clReleaseMemObject(image);
    }
    const cl_buffer_region region = {0, bytes};
    cl_mem part =
        clCreateSubBuffer(input, CL_MEM_READ_ONLY, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
    cl(error);
    must(enqueue(session, 0, 1, part, output, NULL, NULL));
    float *values = malloc(out * sizeof *values);
    cl(clEnqueueReadBuffer(own.queues[0], output, CL_TRUE, GUARD * sizeof(float),
                           out * sizeof *values, values, 0, NULL, NULL));
    assert_memory_equal(values, expected, out * sizeof *values);
    free(values);
    free(expected);
    clReleaseMemObject(part);
    clReleaseMemObject(unreadable);
    clReleaseMemObject(output);
    clReleaseMemObject(input);
    clvgg_session_free(session);
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
        cl(clGetContextInfo(own.context, CL_CONTEXT_REFERENCE_COUNT, sizeof context, &context,
                            NULL));
        for (int i = 0; i < 2; i++)
            cl(clGetMemObjectInfo(buffers[i], CL_MEM_REFERENCE_COUNT, sizeof buffer[i], &buffer[i],
                                  NULL));
        sum = context + buffer[0] + buffer[1];
    }
    return sum;
}

static void reference_counts_come_back(void **state)
{
    (void)state;
    enum { FLOATS = 1 << 14 };
    const cl_mem buffers[2] = {buffer_of(NULL, FLOATS), buffer_of(NULL, FLOATS)};
    cl(clFinish(own.queues[0]));
    cl(clFinish(own.queues[1]));
    const cl_uint before = references(buffers, 0, 1); /* late: what was pending is gone */
    const size_t live = cl_faults_live(); /* queues too, of which drivers keep references */
    clvgg_device *device = NULL;
    must(clvgg_device_from_context(own.runtime, own.context, own.id, &device));
    clvgg_session *session = session_make(device, own.model, &(session_request){0});
    clvgg_device_free(device); /* the session keeps it */
    for (int i = 0; i < 4; i++)
        must(enqueue(session, i % 2, 1, buffers[0], buffers[1], NULL, NULL));
    clvgg_session_free(session); /* waits for the passes */
    cl(clFinish(own.queues[0]));
    cl(clFinish(own.queues[1]));
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
    cl(error);
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
        cl(clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, sizeof references, &references,
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

static int set_up(void **state)
{
    (void)state;
    test_device chosen;
    cl_int error = CL_SUCCESS;
    cl_command_queue_properties can = 0;
    test_device_open(&chosen, NULL);
    own.id = chosen.device->id;
    test_device_close(&chosen);
    must(clvgg_runtime_create(NULL, &own.runtime));
    own.context = clCreateContext(NULL, 1, &own.id, NULL, NULL, &error);
    cl(error);
    cl(clGetDeviceInfo(own.id, CL_DEVICE_QUEUE_PROPERTIES, sizeof can, &can, NULL));
    for (int i = 0; i < 2; i++) {
        own.queues[i] = clCreateCommandQueue(
            own.context, own.id, i > 0 ? can & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE : 0, &error);
        cl(error);
    }
    must(clvgg_device_from_context(own.runtime, own.context, own.id, &own.device));
    own.model = network_make(own.runtime, NETWORK_VGG);
    own.images = network_input(own.model, NETWORK_VGG, BATCH);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(own.images);
    clvgg_model_free(own.model);
    clvgg_device_free(own.device);
    clvgg_runtime_free(own.runtime);
    clReleaseCommandQueue(own.queues[0]);
    clReleaseCommandQueue(own.queues[1]);
    clReleaseContext(own.context);
    if (cl_faults_live() != 0)
        cl_faults_print_live();
    return cl_faults_live() == 0 ? 0 : -1;
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
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(only_buffers_that_can_be_read_are_taken),
        cmocka_unit_test(reference_counts_come_back),
        cmocka_unit_test(clblast_lets_go_of_a_context),
        cmocka_unit_test(the_example_prints_the_bits_of_the_program),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* e2e/test_interop_arguments.c — what a session refuses of a caller's queues and buffers, and what
 * it takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/cl_faults.h"
#include "support/interop.h"

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
    clvgg_session *session = own_session(&(session_request){0});
    cl_context other = clCreateContext(NULL, 1, &own.id, NULL, NULL, &error);
    own_cl(error);
    cl_command_queue foreign = clCreateCommandQueue(other, own.id, 0, &error);
    own_cl(error);
    cl_mem small = clCreateBuffer(own.context, CL_MEM_READ_WRITE, 400, NULL, &error);
    own_cl(error);
    cl_mem stray = clCreateBuffer(other, CL_MEM_READ_WRITE, 1 << 20, NULL, &error);
    own_cl(error);
    cl_mem input = own_buffer(own.images, session_input_elements(session));
    cl_event event = (cl_event)1;
    const clvgg_status invalid = CLVGG_STATUS_INVALID_ARGUMENT;
    const size_t live = cl_faults_live();
    expect_words(own_enqueue(session, 0, 1, small, small, NULL, &event), invalid, "3072",
                 "400 bytes");
    assert_null(event);
    const clvgg_buffer from = {input, OWN_GUARD}, late = {small, 97}, beyond = {small, SIZE_MAX};
    expect_words(clvgg_session_enqueue(session, own.queues[0], 1, &from, &late, 0, NULL, NULL),
                 invalid, "offset 97", "400 bytes");
    expect_words(clvgg_session_enqueue(session, own.queues[0], 1, &from, &beyond, 0, NULL, NULL),
                 invalid, "output 0", "400 bytes");
    expect_words(own_enqueue(session, 0, 1, stray, small, NULL, NULL), invalid, "input 0",
                 "context");
    expect_words(clvgg_session_enqueue(session, foreign, 1, &from, &late, 0, NULL, NULL), invalid,
                 "queue", "context");
    expect_words(own_enqueue(session, 0, 2, input, small, NULL, NULL), invalid, "count",
                 "max_batch");
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
    clvgg_session *session = own_session(&(session_request){0});
    const size_t in = session_input_elements(session), out = session_output_elements(session, 0);
    float *expected = session_run_one(session, 1, own.images);
    const size_t bytes = (in + OWN_GUARD) * sizeof(float);
    cl_mem input = own_buffer(own.images, in);
    cl_mem output = clCreateBuffer(own.context, CL_MEM_READ_ONLY, 1 << 16, NULL, &error);
    own_cl(error);
    cl_mem unreadable = clCreateBuffer(own.context, CL_MEM_WRITE_ONLY, bytes, NULL, &error);
    own_cl(error);
    const clvgg_status invalid = CLVGG_STATUS_INVALID_ARGUMENT;
    expect_words(own_enqueue(session, 0, 1, unreadable, output, NULL, NULL), invalid, "input 0",
                 "CL_MEM_WRITE_ONLY");
    own_cl(clGetDeviceInfo(own.id, CL_DEVICE_IMAGE_SUPPORT, sizeof images, &images, NULL));
    if (images) {
        const cl_image_format format = {CL_RGBA, CL_FLOAT};
        const cl_image_desc description = {
            .image_type = CL_MEM_OBJECT_IMAGE2D, .image_width = 128, .image_height = 128};
        cl_mem image =
            clCreateImage(own.context, CL_MEM_READ_WRITE, &format, &description, NULL, &error);
        own_cl(error);
        expect_words(own_enqueue(session, 0, 1, image, output, NULL, NULL), invalid, "input 0",
                     "an image, not a buffer");
        expect_words(own_enqueue(session, 0, 1, input, image, NULL, NULL), invalid, "output 0",
                     "an image, not a buffer");
        clReleaseMemObject(image);
    }
    const cl_buffer_region region = {0, bytes};
    cl_mem part =
        clCreateSubBuffer(input, CL_MEM_READ_ONLY, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
    own_cl(error);
    must(own_enqueue(session, 0, 1, part, output, NULL, NULL));
    float *values = malloc(out * sizeof *values);
    own_cl(clEnqueueReadBuffer(own.queues[0], output, CL_TRUE, OWN_GUARD * sizeof(float),
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(only_buffers_that_can_be_read_are_taken),
    };
    return cmocka_run_group_tests(tests, own_setup, own_teardown);
}

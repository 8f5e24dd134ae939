/* api/api_interop.c — implements clvgg/interop.h. */
#include "clvgg/interop.h"

#include "api/scope.h"
#include "api/session.h"
#include "base/alloc.h"
#include "ocl/device.h"

clvgg_status clvgg_device_from_context(clvgg_runtime *runtime, cl_context context,
                                       cl_device_id device, clvgg_device **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(runtime, context, device);
    VGG_API_RETURN(&runtime->scope, vgg_device_from_context(runtime, context, device, out));
}

/* The queue works on the session's device in its context. */
static clvgg_status check_queue(const clvgg_session *session, cl_command_queue queue)
{
    cl_context context = NULL;
    cl_device_id device = NULL;
    VGG_CL_PASS(clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof context, &context, NULL));
    VGG_CL_PASS(clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL));
    VGG_CHECK(context == session->runner->device->context, CLVGG_STATUS_INVALID_ARGUMENT,
              "the queue belongs to another context than the session's device");
    VGG_CHECK(device == session->runner->device->id, CLVGG_STATUS_INVALID_ARGUMENT,
              "the queue belongs to another device than the session's");
    return CLVGG_STATUS_OK;
}

/* Checks that a cl_mem is a buffer, not an image or a pipe. */
static clvgg_status check_type(cl_mem memory, const char *what, size_t index)
{
    enum { PIPE = 0x10F7 }; /* OpenCL 2.0's */
    cl_mem_object_type type = 0;
    VGG_CL_PASS(clGetMemObjectInfo(memory, CL_MEM_TYPE, sizeof type, &type, NULL));
    VGG_CHECK(type == CL_MEM_OBJECT_BUFFER, CLVGG_STATUS_INVALID_ARGUMENT,
              "%s %zu is %s, not a buffer", what, index, type == PIPE ? "a pipe" : "an image");
    return CLVGG_STATUS_OK;
}

/* The buffer is of the session's context and holds `elements` float32 behind its offset. */
static clvgg_status check_buffer(const clvgg_session *session, const clvgg_buffer *buffer,
                                 const char *what, size_t index, uint64_t elements)
{
    cl_context context = NULL;
    size_t bytes = 0;
    VGG_CL_PASS(clGetMemObjectInfo(buffer->memory, CL_MEM_CONTEXT, sizeof context, &context, NULL));
    VGG_CHECK(context == session->runner->device->context, CLVGG_STATUS_INVALID_ARGUMENT,
              "%s %zu belongs to another context than the session's device", what, index);
    VGG_PASS(check_type(buffer->memory, what, index));
    VGG_CL_PASS(clGetMemObjectInfo(buffer->memory, CL_MEM_SIZE, sizeof bytes, &bytes, NULL));
    VGG_CHECK(buffer->offset_elements <= bytes / sizeof(float) &&
                  elements <= bytes / sizeof(float) - buffer->offset_elements,
              CLVGG_STATUS_INVALID_ARGUMENT,
              "%s %zu: %llu float32 behind offset %zu don't fit a buffer of %zu bytes", what, index,
              (unsigned long long)elements, buffer->offset_elements, bytes);
    return CLVGG_STATUS_OK;
}

/* `pass` knows how many images, and what to wait for. */
static clvgg_status enqueue(clvgg_session *session, cl_command_queue queue, vgg_plan_pass pass,
                            const clvgg_buffer *input, const clvgg_buffer *outputs, cl_event *event)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_plan *plan = session->runner->plan;
    vgg_buffer *to = NULL;
    cl_mem_flags flags = 0;
    const uint64_t count = (uint64_t)pass.count;
    VGG_REQUIRE(plan != NULL, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY,
                "an earlier call left the session without memory on the device");
    VGG_TRY(check_queue(session, queue));
    VGG_TRY(check_buffer(session, input, "input", 0, count * vgg_plan_input_elements(plan)));
    VGG_CL(clGetMemObjectInfo(input->memory, CL_MEM_FLAGS, sizeof flags, &flags, NULL));
    VGG_REQUIRE((flags & CL_MEM_WRITE_ONLY) == 0, CLVGG_STATUS_INVALID_ARGUMENT,
                "input 0 is CL_MEM_WRITE_ONLY: kernels can't read it");
    VGG_NEW(to, (size_t)plan->output_count);
    for (int i = 0; i < plan->output_count; i++) {
        if (outputs[i].memory != NULL)
            VGG_TRY(check_buffer(session, &outputs[i], "output", (size_t)i,
                                 count * vgg_plan_output_elements(plan, i)));
        to[i] = (vgg_buffer){outputs[i].memory, outputs[i].offset_elements};
    }
    pass.input = (vgg_buffer){input->memory, input->offset_elements};
    pass.outputs = to;
    VGG_TRY(vgg_plan_enqueue(plan, queue, &pass, event));
cleanup:
    vgg_free(to);
    return status;
}

clvgg_status clvgg_session_enqueue(clvgg_session *session, cl_command_queue queue, int count,
                                   const clvgg_buffer *input, const clvgg_buffer *outputs,
                                   cl_uint wait_count, const cl_event *wait_list, cl_event *event)
{
    if (event != NULL)
        *event = NULL;
    VGG_API_GIVEN(session, queue);
    VGG_API_REQUIRE(count >= 1 && count <= session->runner->options.max_batch);
    VGG_API_REQUIRE(input != NULL && input->memory != NULL);
    VGG_API_REQUIRE(outputs != NULL);
    VGG_API_REQUIRE((wait_count == 0) == (wait_list == NULL));
    const vgg_plan_pass pass = {.count = count, .wait_count = wait_count, .wait_list = wait_list};
    VGG_API_RETURN(session->scope, enqueue(session, queue, pass, input, outputs, event));
}

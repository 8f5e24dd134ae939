#include "support/interop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/cl_faults.h"

enum { ABSENT = 0x7fc0dead };

own_objects own;

void own_cl(cl_int error)
{
    if (error != CL_SUCCESS)
        fail_msg("%s", vgg_cl_error_name(error));
}

cl_mem own_buffer(const float *data, size_t count)
{
    cl_int error = CL_SUCCESS;
    uint32_t *content = malloc((count + 2 * OWN_GUARD) * sizeof *content);
    for (size_t i = 0; i < count + 2 * OWN_GUARD; i++)
        content[i] = ABSENT;
    if (data != NULL)
        memcpy(content + OWN_GUARD, data, count * sizeof *data);
    cl_mem buffer = clCreateBuffer(own.context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                   (count + 2 * OWN_GUARD) * sizeof *content, content, &error);
    own_cl(error);
    free(content);
    return buffer;
}

bool own_holds(cl_mem buffer, const float *expected, size_t count)
{
    cl_int error = CL_SUCCESS;
    uint32_t *content = malloc((count + 2 * OWN_GUARD) * sizeof *content);
    cl_command_queue queue = clCreateCommandQueue(own.context, own.id, 0, &error);
    own_cl(error);
    own_cl(clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, (count + 2 * OWN_GUARD) * sizeof *content,
                               content, 0, NULL, NULL));
    bool holds = true;
    for (size_t i = 0; i < count + 2 * OWN_GUARD; i++) {
        uint32_t wanted = ABSENT;
        if (expected != NULL && i >= OWN_GUARD && i < count + OWN_GUARD)
            memcpy(&wanted, expected + i - OWN_GUARD, sizeof wanted);
        holds = holds && content[i] == wanted;
    }
    clReleaseCommandQueue(queue);
    free(content);
    return holds;
}

clvgg_session *own_session(const session_request *request)
{
    return session_make(own.device, own.model, request);
}

clvgg_status own_enqueue(clvgg_session *session, int queue, int count, cl_mem input, cl_mem output,
                         cl_event wait, cl_event *event)
{
    const clvgg_buffer from = {input, OWN_GUARD}, to = {output, OWN_GUARD};
    return clvgg_session_enqueue(session, own.queues[queue], count, &from, &to, wait != NULL,
                                 wait != NULL ? &wait : NULL, event);
}

void own_wait(cl_event event)
{
    own_cl(clWaitForEvents(1, &event));
    clReleaseEvent(event);
}

int own_setup(void **state)
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
    own_cl(error);
    own_cl(clGetDeviceInfo(own.id, CL_DEVICE_QUEUE_PROPERTIES, sizeof can, &can, NULL));
    for (int i = 0; i < 2; i++) {
        own.queues[i] = clCreateCommandQueue(
            own.context, own.id, i > 0 ? can & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE : 0, &error);
        own_cl(error);
    }
    must(clvgg_device_from_context(own.runtime, own.context, own.id, &own.device));
    own.model = network_make(own.runtime, NETWORK_VGG);
    own.images = network_input(own.model, NETWORK_VGG, OWN_BATCH);
    return 0;
}

int own_teardown(void **state)
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

/* support/interop.h — a program that embeds clvgg: its own context, queues and buffers. */
#ifndef TEST_SUPPORT_INTEROP_H
#define TEST_SUPPORT_INTEROP_H

#include <stdbool.h>

#include "clvgg/interop.h"
#include "support/networks.h"

enum { OWN_BATCH = 3, OWN_GUARD = 7 };

/* Objects that a program which embeds clvgg has already. */
typedef struct own_objects {
    clvgg_runtime *runtime;
    cl_device_id id;
    cl_context context;
    cl_command_queue queues[2]; /* in order; out of order where the device can, else in order */
    clvgg_device *device;
    clvgg_model *model;
    float *images;
} own_objects;
extern own_objects own;

/* cmocka group fixtures for `own`; teardown fails where OpenCL objects are left. */
int own_setup(void **state);
int own_teardown(void **state);
void own_cl(cl_int error);
/* A buffer of `count` floats between guards, holding `data` or marks. */
cl_mem own_buffer(const float *data, size_t count);
/* Whether the buffer holds exactly `expected` (NULL: nothing yet) between its guards; read on a
 * queue of its own. */
bool own_holds(cl_mem buffer, const float *expected, size_t count);
clvgg_session *own_session(const session_request *request);
/* clvgg_session_enqueue() on queue 0 or 1 with buffers of own_buffer(). */
clvgg_status own_enqueue(clvgg_session *session, int queue, int count, cl_mem input, cl_mem output,
                         cl_event wait, cl_event *event);
void own_wait(cl_event event);

#endif

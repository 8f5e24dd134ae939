/* ops/launch.c — wait lists and events of a chain of commands. */
#include "ops/launch.h"

#include <stddef.h>

vgg_launch vgg_launch_begin(cl_command_queue queue, bool chained, cl_uint wait_count,
                            const cl_event *wait_list)
{
    return (vgg_launch){.queue = queue,
                        .chained = chained,
                        .wait_count = wait_count,
                        .wait_list = wait_count ? wait_list : NULL};
}

/* The command just enqueued is what the next one waits for. */
static void advance(vgg_launch *launch, cl_event event)
{
    if (launch->chained) {
        VGG_RELEASE(Event, launch->last);
        launch->last = event;
    }
    launch->wait_count = 0;
    launch->wait_list = NULL;
}

static cl_uint wait_count(const vgg_launch *launch)
{
    return launch->last != NULL ? 1 : launch->wait_count;
}

static const cl_event *wait_list(const vgg_launch *launch)
{
    return launch->last != NULL ? &launch->last : launch->wait_list;
}

clvgg_status vgg_launch_kernel(vgg_launch *launch, const vgg_args *args, cl_uint dimensions,
                               const size_t *global, const size_t *local)
{
    cl_event event = NULL;
    VGG_PASS(vgg_args_end(args));
    VGG_CL_PASS(clEnqueueNDRangeKernel(launch->queue, args->kernel->handle, dimensions, NULL,
                                       global, local, wait_count(launch), wait_list(launch),
                                       launch->chained ? &event : NULL));
    advance(launch, event);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_launch_linear(vgg_launch *launch, const vgg_args *args, uint64_t count)
{
    const size_t local = VGG_LINEAR_LOCAL;
    const size_t global = ((size_t)count + local - 1) / local * local;
    return vgg_launch_kernel(launch, args, 1, &global, &local);
}

clvgg_status vgg_launch_copy(vgg_launch *launch, cl_mem from, uint64_t from_offset, cl_mem to,
                             uint64_t to_offset, uint64_t count)
{
    cl_event event = NULL;
    VGG_CL_PASS(clEnqueueCopyBuffer(launch->queue, from, to, (size_t)from_offset * sizeof(float),
                                    (size_t)to_offset * sizeof(float),
                                    (size_t)count * sizeof(float), wait_count(launch),
                                    wait_list(launch), launch->chained ? &event : NULL));
    advance(launch, event);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_launch_also_wait(vgg_launch *launch, cl_event event)
{
    cl_event marker = NULL;
    if (launch->chained) { /* one event for all: a marker waits without holding others up */
        if (launch->wait_count > 0) {
            VGG_CL_PASS(clEnqueueMarkerWithWaitList(launch->queue, launch->wait_count,
                                                    launch->wait_list, &marker));
            advance(launch, marker);
        }
        const cl_event both[2] = {event, launch->last};
        VGG_CL_PASS(clEnqueueMarkerWithWaitList(launch->queue, launch->last != NULL ? 2 : 1, both,
                                                &marker));
        advance(launch, marker);
    } else {
        VGG_PASS(vgg_launch_fence(launch));
        VGG_CL_PASS(clEnqueueBarrierWithWaitList(launch->queue, 1, &event, NULL));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_launch_fence(vgg_launch *launch)
{
    cl_event event = NULL;
    if (wait_count(launch) > 0) {
        VGG_CL_PASS(clEnqueueBarrierWithWaitList(
            launch->queue, wait_count(launch), wait_list(launch), launch->chained ? &event : NULL));
        advance(launch, event);
    }
    return CLVGG_STATUS_OK;
}

void vgg_launch_adopt(vgg_launch *launch, cl_event event)
{
    advance(launch, event);
}

clvgg_status vgg_launch_end(vgg_launch *launch, cl_event *event)
{
    *event = NULL;
    if (launch->last != NULL) {
        *event = launch->last;
        launch->last = NULL;
    } else {
        VGG_CL_PASS(clEnqueueMarkerWithWaitList(launch->queue, launch->wait_count,
                                                launch->wait_list, event));
    }
    return CLVGG_STATUS_OK;
}

void vgg_launch_abandon(vgg_launch *launch)
{
    VGG_RELEASE(Event, launch->last);
    launch->last = NULL;
}

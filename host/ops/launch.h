/* ops/launch.h — putting kernels on a queue, in order, whatever kind of queue it is.
 *
 * On an in-order queue only the first command carries the caller's wait list. On an out-of-order
 * queue each command waits for the one before, so nothing else on the queue is held up.
 */
#ifndef VGG_OPS_LAUNCH_H
#define VGG_OPS_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "ocl/args.h"

typedef struct vgg_launch {
    cl_command_queue queue;
    bool chained;              /* every command has an event: out-of-order queue or profiling */
    cl_uint wait_count;        /* of the next command */
    const cl_event *wait_list; /* borrowed */
    cl_event last;             /* of the latest command when chained; owned */
} vgg_launch;

/* Begins a chain of commands behind `wait_list` (borrowed until the first command). */
vgg_launch vgg_launch_begin(cl_command_queue queue, bool chained, cl_uint wait_count,
                            const cl_event *wait_list);
/* Holds the chain's first command back behind `event` too. */
clvgg_status vgg_launch_also_wait(vgg_launch *launch, cl_event event);
/* Enqueues the kernel that the arguments, all of them by now, are of. */
clvgg_status vgg_launch_kernel(vgg_launch *launch, const vgg_args *args, cl_uint dimensions,
                               const size_t *global, const size_t *local);
/* Enqueues a one-dimensional kernel with one work-item for each of `count`, in groups of
 * VGG_LINEAR_LOCAL; the kernel guards its end. */
enum { VGG_LINEAR_LOCAL = 64 };
clvgg_status vgg_launch_linear(vgg_launch *launch, const vgg_args *args, uint64_t count);
/* Copies elements of float32 between two buffers. */
clvgg_status vgg_launch_copy(vgg_launch *launch, cl_mem from, uint64_t from_offset, cl_mem to,
                             uint64_t to_offset, uint64_t count);
/* Makes commands that take no wait list (CLBlast's) wait all the same: to be called before them …
 */
clvgg_status vgg_launch_fence(vgg_launch *launch);
/* … and hand over their event after (NULL on an unchained queue). */
void vgg_launch_adopt(vgg_launch *launch, cl_event event);
/* An event that completes with the chain; the caller releases it. Ends the chain. */
clvgg_status vgg_launch_end(vgg_launch *launch, cl_event *event);
/* Releases what a chain that failed half-way holds. */
void vgg_launch_abandon(vgg_launch *launch);

#endif

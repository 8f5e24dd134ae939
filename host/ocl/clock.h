/* ocl/clock.h — when commands ended: by the device's clock, or by the host's where a device has
 * none that can be believed.
 */
#ifndef VGG_OCL_CLOCK_H
#define VGG_OCL_CLOCK_H

#include <stdbool.h>

#include "ocl/device.h"

/* Finds out whether the device says that it has a clock, and the clock agrees with the host's about
 * how long some work took. The answer is remembered for the device. */
clvgg_status vgg_clock_check(clvgg_device *device, bool *works);

/* Makes a queue in order; `timed`: one whose commands can be stamped, and the clock is checked now,
 * not within the first pass. A queue that *queue holds is finished and replaced; on failure it
 * stays. */
clvgg_status vgg_clock_queue(clvgg_device *device, bool timed, cl_command_queue *queue);

/* The end of a command. Begins as {0}. */
typedef struct vgg_stamp {
    cl_event event; /* owned; NULL where the host's clock was read */
    double host_ms;
} vgg_stamp;

/* Stamps the end of `event`'s command on a queue that profiles; the caller keeps its event. Where
 * the device has no clock, waits until the command has ended. */
clvgg_status vgg_stamp_take(clvgg_device *device, cl_event event, vgg_stamp *stamp);
/* Milliseconds from one stamp to another; both commands must have ended. */
clvgg_status vgg_stamp_between(const vgg_stamp *before, const vgg_stamp *after, double *ms);
void vgg_stamp_release(vgg_stamp *stamp);

/* Milliseconds from the start of `first`'s command to the end of `last`'s, by the device's clock,
 * trusted or not. */
clvgg_status vgg_clock_read(cl_event first, cl_event last, double *ms);

#endif

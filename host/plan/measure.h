/* plan/measure.h — timing a plan's passes in the steady state: warm-up, enough repetitions,
 * medians.
 */
#ifndef VGG_PLAN_MEASURE_H
#define VGG_PLAN_MEASURE_H

#include "plan/plan.h"

enum { VGG_MEASURE_WARM_UPS = 2, VGG_MEASURE_LEAST = 9, VGG_MEASURE_MOST = 100000 };

/* Of a pass of `count` images. */
typedef struct vgg_measure {
    int repetitions;
    double median_ms, min_ms; /* by the host's clock: upload, steps, download */
    double kernel_ms;         /* by the device's clock: all steps; 0 where they weren't timed */
} vgg_measure;

/* Repeats vgg_plan_run() VGG_MEASURE_LEAST times or more, until `min_ms` have passed. */
clvgg_status vgg_measure_passes(vgg_plan *plan, int count, const float *input,
                                float *const *outputs, double min_ms, vgg_measure *measure);
/* The same with every step timed: sets only kernel_ms, and each step's `ms`, to medians. */
clvgg_status vgg_measure_steps(vgg_plan *plan, int count, const float *input, float *const *outputs,
                               double min_ms, vgg_measure *measure);

#endif

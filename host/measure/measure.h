/* measure/measure.h — timing a plan's passes in the steady state: warm-up, enough repetitions,
 * medians.
 */
#ifndef VGG_MEASURE_MEASURE_H
#define VGG_MEASURE_MEASURE_H

#include "plan/plan.h"

enum { VGG_MEASURE_WARM_UPS = 2, VGG_MEASURE_LEAST = 9, VGG_MEASURE_MOST = 100000 };
#define VGG_MEASURE_PATIENCE_MS 60e3

/* Says whether another pass is to be timed: until VGG_MEASURE_LEAST passes are done and `min_ms`
 * have gone by, or fewer after a minute. */
static inline bool vgg_measure_more(size_t done, double spent_ms, double min_ms)
{
    if (done < VGG_MEASURE_LEAST)
        return done == 0 || spent_ms < VGG_MEASURE_PATIENCE_MS;
    return spent_ms < min_ms && done < VGG_MEASURE_MOST;
}
/* Says whether a pass that took `ms` counts as a warm-up, after `done` warm-ups; slow passes don't.
 */
static inline bool vgg_measure_is_warm_up(int done, double ms)
{
    return done < VGG_MEASURE_WARM_UPS && ms < VGG_MEASURE_PATIENCE_MS / 10;
}

/* Times of a pass of `count` images. */
typedef struct vgg_measure {
    int repetitions;
    double median_ms, min_ms; /* by the host's clock: upload, steps, download */
    double kernel_ms;         /* all steps (ocl/clock.h); 0 where they weren't timed */
} vgg_measure;

/* Repeats vgg_plan_run() and sets all but kernel_ms. */
clvgg_status vgg_measure_passes(vgg_plan *plan, int count, const float *input,
                                float *const *outputs, double min_ms, vgg_measure *measure);
/* Repeats passes with every step timed; sets kernel_ms and each step's `ms` to medians. */
clvgg_status vgg_measure_steps(vgg_plan *plan, int count, const float *input, float *const *outputs,
                               double min_ms, vgg_measure *measure);

#endif

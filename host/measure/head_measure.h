/* measure/head_measure.h — timing a head's steps in the steady state. */
#ifndef VGG_MEASURE_HEAD_MEASURE_H
#define VGG_MEASURE_HEAD_MEASURE_H

#include "train/head.h"

typedef struct vgg_head_measurement {
    int repetitions;
    double median_ms, min_ms; /* of a step, by the host's clock */
    double kernel_ms;         /* median of all stages (ocl/clock.h); 0 unless they were timed */
    int stage_count;
    vgg_head_stage stages[VGG_HEAD_MOST_STAGES]; /* with medians */
} vgg_head_measurement;

/* Warms up, then repeats as vgg_measure_more() says; `stages`: as many again with their stages
 * timed. Errors: those of vgg_head_train(). */
clvgg_status vgg_head_time_steps(vgg_head *head, int count, const float *features,
                                 const int32_t *labels, const vgg_head_step *step, double min_ms,
                                 bool stages, vgg_head_measurement *out);

#endif

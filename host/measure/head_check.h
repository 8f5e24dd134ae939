/* measure/head_check.h — a head's first step on a device against its definition. */
#ifndef VGG_MEASURE_HEAD_CHECK_H
#define VGG_MEASURE_HEAD_CHECK_H

#include "train/head.h"

/* A head that hasn't trained, what it was made with, and images to train on. */
typedef struct vgg_head_example {
    vgg_head *head;
    const vgg_head_options *options;
    vgg_head_source source; /* of its first weights: the same ones at each call */
    void *user;
    int count;
    const float *features; /* [count][inputs] */
    const int32_t *labels; /* [count] */
} vgg_head_example;

/* Has the head make one step and compares: every loss; of each layer some outputs' weights, of the
 * optimiser's state beside them, and all biases. *error is the worst relative L2 of these, NaN
 * where anything isn't finite; *first_ms the time of the step. The learning rate is chosen so that
 * weights move by about a tenth; step->clip_norm is ignored. */
clvgg_status vgg_head_check(const vgg_head_example *example, const vgg_head_step *step,
                            double *error, double *first_ms);

#endif

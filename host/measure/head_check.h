/* measure/head_check.h — one step of a head against plain loops in double precision on the host. */
#ifndef VGG_MEASURE_HEAD_CHECK_H
#define VGG_MEASURE_HEAD_CHECK_H

#include "train/head.h"

/* Has a head that was made with `options`, `source` and `user`, and hasn't trained, make one step
 * on `count` images, and compares: every loss; of each layer some outputs' weights, of the
 * optimiser's state beside them, and all biases. *error is the worst relative L2 of these, NaN
 * where anything isn't finite. The learning rate is chosen so that weights move by about a tenth;
 * step->clip_norm isn't looked at. `source` must give the same values each time it is asked. */
clvgg_status vgg_head_check(vgg_head *head, const vgg_head_options *options, vgg_head_source source,
                            void *user, int count, const float *features, const int32_t *labels,
                            const vgg_head_step *step, double *error, double *first_ms);

#endif

/* verify/candidate.h — one op by itself, with made-up weights, between guards: held against the
 * definition at sampled places, and against what the defining variant gives everywhere else.
 */
#ifndef VGG_VERIFY_CANDIDATE_H
#define VGG_VERIFY_CANDIDATE_H

#include "verify/probe.h"

/* What candidates for a layer are held against. */
typedef struct vgg_reference {
    clvgg_device *device;
    cl_command_queue queue; /* in order */
    int repeats, samples;
    float *values; /* what the defining variant gives for the layer alone, without ReLU and pooling:
                      [max_batch] plain; NULL: nothing to trust */
} vgg_reference;

typedef struct vgg_candidate_finding {
    vgg_finding finding;
    double l2; /* relative error of the whole output; of the samples where there is no reference */
    double bound; /* what it may be */
} vgg_candidate_finding;

/* Runs an op for its max_batch images. `answers`, NULL or as large as the output, receives it in
 * plain layout. Errors: BUILD_FAILED, OUT_OF_DEVICE_MEMORY, OUT_OF_MEMORY, OPENCL, DEVICE_LOST. */
clvgg_status vgg_candidate_run(const vgg_reference *reference, const vgg_op *op, float *answers,
                               vgg_candidate_finding *found);

#endif

/* verify/probe.h — one op on one device, held against its layers' definition: values at sampled
 * places, bits over several runs, zeros in the channels past the last, a NaN let through.
 *
 * A wrong op is a finding, not an error: whoever asked decides what to do about it.
 */
#ifndef VGG_VERIFY_PROBE_H
#define VGG_VERIFY_PROBE_H

#include "exec/chain.h"
#include "verify/definition.h"

typedef struct vgg_probe {
    const vgg_stage *stage; /* ready to run; its buffers are written */
    cl_command_queue queue; /* in order */
    int images;             /* at most the problem's max_batch */
    int repeats;            /* runs that must give the same bits, at least 2; two, where they take
                               long */
    int samples;            /* about so many places */
    int64_t channels;       /* of so many channels at least */
    bool whole_numbers;     /* inputs are 0 … 3, for parameters by which sums are exact; else
                               normal, behind a ReLU where a sum of products reads them */
    uint64_t seed;
    vgg_channel_source parameters;
    float *answers; /* receives the output, [images] plain; NULL: not wanted */
} vgg_probe;

enum { VGG_FINDING_WORDS = 256 };

typedef struct vgg_finding {
    bool right;
    char words[VGG_FINDING_WORDS]; /* what is wrong */
    double largest;                /* error of an element, as a part of what it may be */
    double l2;                     /* relative, over the samples */
    int samples;
} vgg_finding;

#define VGG_PROBE_COARSE 1e-4 /* bounds above are of weights rounded after their transform */
/* The op's error bound (vgg_op_error_bound()) for a probe's inputs and parameters. */
double vgg_probe_bound(const vgg_op *op, bool whole_numbers);

/* Errors: OUT_OF_MEMORY, OPENCL, the source's. */
clvgg_status vgg_probe_run(const vgg_probe *probe, vgg_finding *finding);

#endif

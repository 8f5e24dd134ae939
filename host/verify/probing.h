/* verify/probing.h — a probe under way: what verify/probe.c, probe_input.c and probe_judge.c share.
 */
#ifndef VGG_VERIFY_PROBING_H
#define VGG_VERIFY_PROBING_H

#include "verify/probe.h"
#include "verify/samples.h"

typedef struct vgg_probing {
    const vgg_probe *probe;
    const vgg_op *op;
    vgg_finding *finding;
    vgg_definition definition;
    vgg_samples samples;
    uint64_t input_elements, second_elements, output_elements; /* of one image, in their layouts */
    uint64_t plain_elements, plain_second;                     /* the same of inputs, plain */
    bool signs;                                                /* inputs may be below 0 */
    float *x;                                                  /* [images], plain */
    uint32_t *second; /* the same of a second input: bits of float32 or int32 values */
    float *input;     /* as they lie on the device */
    uint32_t *second_input;
    float *first, *again; /* outputs of two runs */
    int32_t *side;        /* what was written beside the first; NULL: nothing is */
    double run_ms;        /* of the latest run */
} vgg_probing;

/* Where an element lies in a layout. */
uint64_t vgg_probing_place(const clvgg_shape *shape, int block, const int64_t at[3]);
/* The image that a sample is of. */
vgg_definition_image vgg_probing_image(const vgg_probing *p, const vgg_sample *sample);

/* Makes up inputs, in both layouts. */
void vgg_probing_make_inputs(vgg_probing *p);
/* Puts NaNs into the input where some samples read it. */
void vgg_probing_put_nans(vgg_probing *p);
/* Errors: OPENCL. */
clvgg_status vgg_probing_write_inputs(const vgg_probing *p);

/* Notes what is wrong, the first that is. */
void vgg_probing_wrong(vgg_finding *finding, const char *format, ...) VGG_PRINTF(2, 3);
/* Holds the samples of the first run, and of what it wrote beside its output, against the
 * definition. Errors: the source's. */
clvgg_status vgg_probing_judge_values(vgg_probing *p);
/* Kernels read whole vectors of channels: what is past the last must be zero. */
void vgg_probing_judge_padding(const vgg_probing *p);
/* With NaNs in the input, of the second run: whatever the definition makes a NaN must be one.
 * Errors: the source's. */
clvgg_status vgg_probing_judge_nans(vgg_probing *p);
/* Copies the first run's output to the probe's `answers`. */
void vgg_probing_give_answers(const vgg_probing *p);

#endif

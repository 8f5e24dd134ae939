/* measure/head_definition.h — what a head's training step is by definition: plain loops in double
 * precision on the host. `bench` holds a device's first step against it, tests every step.
 */
#ifndef VGG_MEASURE_HEAD_DEFINITION_H
#define VGG_MEASURE_HEAD_DEFINITION_H

#include "train/head.h"

/* Values are [feature][image]: with images innermost a compiler makes vectors of the loops. */
typedef struct vgg_head_definition {
    const vgg_head_options *options; /* borrowed; max_batch is ignored */
    int count;                       /* images */
    /* Gives row `output` of a layer's weight, [inputs], or with output −1 its bias, [outputs]. */
    clvgg_status (*read)(void *user, int layer, int64_t output, double *row);
    void *user;
    double *inputs[VGG_HEAD_MOST_LAYERS + 1]; /* what a layer reads; the last: logits */
    double *activated[VGG_HEAD_MOST_LAYERS];  /* before dropout */
    double *deltas[VGG_HEAD_MOST_LAYERS]; /* the mean loss's gradient behind a layer's products */
    double *losses;                       /* [count] */
    double *row, *bias;                   /* as long as a layer's longest side */
} vgg_head_definition;

/* Allocates the arrays. The caller has set options, count, read and user, and closes the definition
 * even where this fails. */
clvgg_status vgg_head_definition_open(vgg_head_definition *d);
void vgg_head_definition_close(vgg_head_definition *d);

/* Activations and losses, with the dropout of a step (0: none). Errors: those of `read`. */
clvgg_status vgg_head_definition_forward(vgg_head_definition *d, const float *features,
                                         const int32_t *labels, uint64_t step);
/* Deltas of all layers, from the last layer's and what `activated` holds. */
clvgg_status vgg_head_definition_backward(vgg_head_definition *d, uint64_t step);
/* Gradient of a weight, or with input −1 of a bias. */
double vgg_head_definition_gradient(const vgg_head_definition *d, int layer, int64_t output,
                                    int64_t input);
/* One step of the options' optimiser: what a parameter and its state become. */
void vgg_head_definition_update(const vgg_head_options *options, const vgg_head_step *step,
                                double gradient, double *value, double moments[2]);

/* Philox4x32-10, as cl/dropout.cl has it. */
void vgg_head_definition_philox(const uint32_t counter[4], const uint32_t key[2],
                                uint32_t random[4]);

#endif

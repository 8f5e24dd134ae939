/* vis/forward.h — a model's forward pass for figures: chosen values, in batches that fit. */
#ifndef VGG_VIS_FORWARD_H
#define VGG_VIS_FORWARD_H

#include "model/model.h"
#include "pipeline/runner.h"

enum { VGG_FORWARD_MOST_OUTPUTS = 17 };

typedef struct vgg_forward {
    clvgg_model *model; /* retained */
    vgg_runner *runner;
    int max_batch; /* that the outputs have room for: the one asked for, or less */
    int nodes[VGG_FORWARD_MOST_OUTPUTS], count;
    size_t input_elements, elements[VGG_FORWARD_MOST_OUTPUTS]; /* of one image */
    float *outputs[VGG_FORWARD_MOST_OUTPUTS];                  /* [max_batch][elements] */
} vgg_forward;

enum { VGG_FORWARD_BATCH = 8 };

/* Plans the model with the values of `nodes` kept, in batches of `max_batch` (0:
 * VGG_FORWARD_BATCH). The batch shrinks so that outputs take at most 256 MiB of the host's memory,
 * and where the device's is short.
 * Errors: those of vgg_plan_create(). */
clvgg_status vgg_forward_create(clvgg_device *device, clvgg_model *model, const int *nodes,
                                int count, int max_batch, const clvgg_execution *execution,
                                vgg_forward **out);
void vgg_forward_free(vgg_forward *forward);
/* Runs 1…max_batch images [count][c][h][w] into `outputs`. */
clvgg_status vgg_forward_run(vgg_forward *forward, int count, const float *images);

/* Node of the logits, one a class, two classes at least, whose number goes to *classes.
 * Errors: UNSUPPORTED, in words. */
clvgg_status vgg_forward_logits(const clvgg_model *model, int *node, size_t *classes);

#endif

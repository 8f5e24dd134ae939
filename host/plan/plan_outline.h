/* plan/plan_outline.h — what plans of a graph would run untuned, with nothing on the device. */
#ifndef VGG_PLAN_PLAN_OUTLINE_H
#define VGG_PLAN_PLAN_OUTLINE_H

#include "plan/plan.h"
#include "tune/tune_chains.h"

typedef struct vgg_plan_outline {
    vgg_plan **plans; /* one a batch */
    size_t plan_count;
    vgg_tune_chain *chains; /* those with weights, in the order of batches and then of steps */
    size_t chain_count;
} vgg_plan_outline;

/* Lists the chains that lead to the graph's logits, for the options' batches and storage. The graph
 * must outlive the outline, which the caller frees even where this fails. */
clvgg_status vgg_plan_outline_make(clvgg_device *device, const vgg_graph *graph,
                                   const clvgg_tune_options *options, vgg_plan_outline *out);
void vgg_plan_outline_free(vgg_plan_outline *outline);

#endif

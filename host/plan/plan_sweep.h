/* plan/plan_sweep.h — the chains that networks' plans run, and those of small networks of odd
 * shapes, for all variants to be checked on (verify/sweep.h). */
#ifndef VGG_PLAN_PLAN_SWEEP_H
#define VGG_PLAN_PLAN_SWEEP_H

#include "clvgg/verify.h"
#include "plan/plan.h"

/* A network to check; of its source it counts how weights lie, not which. Borrowed. */
typedef struct vgg_sweep_network {
    const vgg_graph *graph;
    const int *outputs; /* nodes */
    int output_count;
    const vgg_parameter_source *source;
    const char *name; /* in words */
} vgg_sweep_network;

/* Does the work of clvgg_verify_model(), network by network. One behind the first that the device
 * has no memory for is named in the log and counted in summary->left; of the first, fine-tuning may
 * train dense layers; `keeper` as for vgg_verify_sweep(). */
clvgg_status vgg_plan_sweep(clvgg_device *device, clvgg_device *keeper,
                            const vgg_sweep_network *networks, size_t count,
                            const clvgg_verify_options *options, clvgg_verify_summary *summary);

#endif

/* plan/plan_sweep.h — the chains that a network's plan runs, and those of small networks of odd
 * shapes, for all variants to be checked on (verify/sweep.h). */
#ifndef VGG_PLAN_PLAN_SWEEP_H
#define VGG_PLAN_PLAN_SWEEP_H

#include "clvgg/verify.h"
#include "plan/plan.h"

/* Does the work of clvgg_verify_model(); `keeper` as for vgg_verify_sweep(). */
clvgg_status vgg_plan_sweep(clvgg_device *device, clvgg_device *keeper, const vgg_graph *graph,
                            const clvgg_verify_options *options, clvgg_verify_summary *summary);

#endif

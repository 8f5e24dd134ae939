/* plan/tune_model.h — tuning every chain of a graph, one after the other, each result kept at once.
 */
#ifndef VGG_PLAN_TUNE_MODEL_H
#define VGG_PLAN_TUNE_MODEL_H

#include "clvgg/tune.h"
#include "plan/plan.h"

/* Does the work of clvgg_tune_model(); the device's runtime must have a cache. */
clvgg_status vgg_tune_model(clvgg_device *device, const vgg_graph *graph,
                            const clvgg_tune_options *options, clvgg_tune_summary *summary);

#endif

/* plan/plan_choose.h — by which variant, with which values, a chain of layers is computed: what the
 * caller asked for by name, else what was tuned, else the first by rank that can; but nothing that
 * is known to be wrong on the device, unless it was asked for.
 */
#ifndef VGG_PLAN_PLAN_CHOOSE_H
#define VGG_PLAN_PLAN_CHOOSE_H

#include "plan/plan.h"
#include "tune/tuning.h"

/* What the chains of one plan are chosen by; the plan and its options are borrowed. */
typedef struct vgg_chooser {
    const vgg_plan *plan;
    const vgg_plan_options *options;
    vgg_tuning_source tuning;
    bool tuned; /* chains are looked up in `tuning` */
} vgg_chooser;

/* Checks the options' rules first. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
clvgg_status vgg_chooser_open(const vgg_plan *plan, const vgg_plan_options *options,
                              vgg_chooser *chooser);
void vgg_chooser_close(vgg_chooser *chooser);

/* Why a variant was chosen. */
typedef struct vgg_chosen {
    bool tuned;  /* variant and values come from a tuning result */
    bool forced; /* the variant was asked for by name */
} vgg_chosen;

/* Configures `op` for the chain, with the pooling `pool` (or NULL) where the variant can take it
 * along; *problem becomes the op's, without a ReLU that the variant leaves to others. Errors:
 * UNSUPPORTED, in words: the last refusal. */
clvgg_status vgg_choose(const vgg_chooser *chooser, vgg_problem *problem, const vgg_node *pool,
                        vgg_op *op, vgg_chosen *how);
/* Fails with UNSUPPORTED where an op is known to be wrong on this device, or not to build. */
clvgg_status vgg_chooser_check_trust(const vgg_chooser *chooser, const vgg_op *op);

#endif

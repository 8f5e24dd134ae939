/* verify/sweep.h — all variants for some chains of layers, and for the gradients of dense ones,
 * each held against their definition. */
#ifndef VGG_VERIFY_SWEEP_H
#define VGG_VERIFY_SWEEP_H

#include "clvgg/verify.h"
#include "ops/op.h"

/* A chain to check, as a plan has it. What it points to is borrowed. */
typedef struct vgg_sweep_chain {
    const vgg_op *op;         /* whose problem and layouts are the chain's */
    const vgg_node *poolable; /* the pooling behind it that a variant may take along, or NULL */
    const char *layers;       /* in words */
    bool trained;             /* fine-tuning may train it: a dense layer's gradients are checked */
} vgg_sweep_chain;

/* Does the work of clvgg_verify_model(): chains of the same problem are checked once. Programs live
 * as long as the device; what is found is kept with `keeper`, the same device, opened elsewhere. */
clvgg_status vgg_verify_sweep(clvgg_device *device, clvgg_device *keeper,
                              const vgg_sweep_chain *chains, size_t count,
                              const clvgg_verify_options *options, clvgg_verify_summary *summary);

#endif

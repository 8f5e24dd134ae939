/* tune/tune_chains.h — tunes chains of layers, one after the other; each result is kept at once. */
#ifndef VGG_TUNE_TUNE_CHAINS_H
#define VGG_TUNE_TUNE_CHAINS_H

#include "clvgg/tune.h"
#include "ops/op.h"

/* A chain to tune. What it points to is borrowed. */
typedef struct vgg_tune_chain {
    const vgg_op *untuned;    /* what runs where nothing was tuned, for a batch of its max_batch */
    const vgg_node *poolable; /* the pooling behind it that a variant may take along, or NULL */
    const char *layers;       /* in words */
    double cost;              /* about its time in a pass, to be compared within a batch */
} vgg_tune_chain;

/* Does the work of clvgg_tune_model(): one batch after the other, in a batch the costliest chain
 * first; chains of the same problem are tuned once. Candidates run on `device`, whose runtime must
 * have a cache; their programs live as long as the device. */
clvgg_status vgg_tune_chains(clvgg_device *device, const vgg_tune_chain *chains, size_t count,
                             const clvgg_tune_options *options, clvgg_tune_summary *summary);

#endif

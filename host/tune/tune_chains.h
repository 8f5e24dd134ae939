/* tune/tune_chains.h — tuning chains of layers, one after the other, each result kept at once.
 */
#ifndef VGG_TUNE_TUNE_CHAINS_H
#define VGG_TUNE_TUNE_CHAINS_H

#include "clvgg/tune.h"
#include "ops/op.h"

/* A chain to tune. What it points to is borrowed. */
typedef struct vgg_tune_chain {
    const vgg_op *untuned;    /* what runs where nothing was tuned, for a batch of its max_batch */
    const vgg_node *poolable; /* the pooling behind it that a variant may take along, or NULL */
    const char *layers;       /* in words */
    double cost;              /* about its share of a pass, against other chains of its batch */
} vgg_tune_chain;

/* Does the work of clvgg_tune_model(): chains of one batch behind those of another, within a batch
 * the dearest first; chains that are the same problem are one. Candidates run on `device`, whose
 * runtime must have a cache; what is compiled for them goes with the device. */
clvgg_status vgg_tune_chains(clvgg_device *device, const vgg_tune_chain *chains, size_t count,
                             const clvgg_tune_options *options, clvgg_tune_summary *summary);

#endif

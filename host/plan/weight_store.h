/* plan/weight_store.h — packed weights of a device, shared by the plans that read them alike. */
#ifndef VGG_PLAN_WEIGHT_STORE_H
#define VGG_PLAN_WEIGHT_STORE_H

#include "graph/graph.h"
#include "ops/upload.h"

/* What a node's weight is known by in other processes too. */
typedef struct vgg_weight_name {
    const char *name;      /* "fc6.weight" */
    const char *signature; /* of what it is read from: other values have another one */
} vgg_weight_name;

/* The source of a graph's parameters. `id` tells sources apart: plans whose sources have the same
 * id share weights on a device. */
typedef struct vgg_parameter_source {
    void *user;
    uint64_t id;
    /* `parameter` is a position in the layer's list: VGG_WEIGHT, VGG_BIAS. */
    clvgg_dtype (*dtype)(void *user, int node, int parameter);
    /* Elements [first, first + count) in canonical order (convolution OIHW, dense [out][in]). */
    clvgg_status (*read)(void *user, int node, int parameter, uint64_t first, uint64_t count,
                         void *data);
    /* Gives a number that identifies the node's parameters within the source; NULL: its index does.
     */
    int (*key)(void *user, int node);
    /* Where a node's weight lies turned: its `inner` (vgg_upload_turned()), and its elements in
     * that order. 0: it doesn't; NULL: none does. */
    uint64_t (*inner)(void *user, int node);
    clvgg_status (*read_turned)(void *user, int node, uint64_t first, uint64_t count, void *data);
    /* False: the node's weight isn't known; NULL: none is. */
    bool (*name)(void *user, int node, vgg_weight_name *out);
} vgg_parameter_source;

/* Packed weights of a node, uploaded unless some plan has them already. Thread-safe; a second
 * thread asking for the same waits until the first has read them. vgg_weight_store_wait() before
 * use. */
clvgg_status vgg_weight_store_weights(clvgg_device *device, vgg_uploader *uploader,
                                      const vgg_parameter_source *source, int node,
                                      const vgg_pack *pack, const vgg_packed_weights **out);
/* Its bias, padded with zeros to whole panels; all zeros when has_bias is false. */
clvgg_status vgg_weight_store_bias(clvgg_device *device, const vgg_parameter_source *source,
                                   int node, bool has_bias, const vgg_pack *pack,
                                   const vgg_packed_weights **out);
/* Has them kept in a file for later processes when they are released, where that pays: they turned
 * out to be right. */
void vgg_weight_store_keep(const vgg_packed_weights *weights);
/* Waits until they are on the device, whichever plan's queue brings them. */
clvgg_status vgg_weight_store_wait(const vgg_packed_weights *weights);
/* Gives one use back; the last frees the memory. Accepts NULL. */
void vgg_weight_store_release(clvgg_device *device, const vgg_packed_weights *weights);

#endif

/* verify/sweep_list.h — what a sweep has to check: chains of layers, and gradients of dense ones,
 * each problem once. */
#ifndef VGG_VERIFY_SWEEP_LIST_H
#define VGG_VERIFY_SWEEP_LIST_H

#include "verify/gradient.h"
#include "verify/sweep.h"

typedef struct vgg_sweep_item {
    const vgg_sweep_chain *what; /* borrowed */
    char problem[512];           /* as of vgg_subject */
    bool is_gradient;            /* of its dense layer, which `gradient` tells */
    vgg_grad_problem gradient;
    bool defined; /* the defining variant was found right on it */
} vgg_sweep_item;

typedef struct vgg_sweep_list {
    vgg_sweep_item *items; /* owned: vgg_free() */
    size_t count;
} vgg_sweep_list;

/* Lists chains that have a definition, then gradients of the dense layers among them that may be
 * trained; with `all`, every update of large ones too. `keeper` as of vgg_verify_sweep().
 * Errors: OUT_OF_MEMORY, what forward variants of training fail with. */
clvgg_status vgg_sweep_list_make(clvgg_device *keeper, const vgg_traits *traits,
                                 const vgg_sweep_chain *chains, size_t count, bool all,
                                 vgg_sweep_list *list);

#endif

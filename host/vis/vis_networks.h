/* vis/vis_networks.h — the networks that visualising a model runs, for their kernels to be checked:
 * walks back through all of it in every mode, and the search for the strongest activations.
 */
#ifndef VGG_VIS_VIS_NETWORKS_H
#define VGG_VIS_VIS_NETWORKS_H

#include "plan/plan_sweep.h"
#include "vis/transposed_weights.h"

enum { VGG_WALKS = CLVGG_PROJECTION_GRADIENT + 1, VGG_VIS_NETWORKS = VGG_WALKS + 1 };

typedef struct vgg_vis_networks {
    vgg_reverse_graph walks[VGG_WALKS];
    vgg_transposed_weights weights[VGG_WALKS];
    vgg_graph *peaks;
    int *peak_outputs;
    vgg_parameter_source sources[VGG_VIS_NETWORKS];
    vgg_sweep_network networks[VGG_VIS_NETWORKS]; /* these borrow from what is above */
    size_t count;
} vgg_vis_networks;

/* `out` mustn't move, and the model must outlive it; the caller frees it even where this fails.
 * Ways back that there aren't are left out. Errors: OUT_OF_MEMORY. */
clvgg_status vgg_vis_networks_make(const clvgg_model *model, vgg_vis_networks *out);
void vgg_vis_networks_free(vgg_vis_networks *networks);

#endif

/* cli/vis_activations.h — figures of a photograph's activation maps, for the subverb and the
 * report.
 */
#ifndef VGG_CLI_VIS_ACTIVATIONS_H
#define VGG_CLI_VIS_ACTIVATIONS_H

#include "cli/visualize.h"

typedef enum vgg_activations_pick {
    VGG_ACTIVATIONS_STRONGEST,
    VGG_ACTIVATIONS_FIRST,
    VGG_ACTIVATIONS_ALL
} vgg_activations_pick;

typedef enum vgg_activations_scale {
    VGG_ACTIVATIONS_PER_MAP,
    VGG_ACTIVATIONS_PER_LAYER
} vgg_activations_scale;

typedef struct vgg_activations_layer {
    const char *name, *output; /* as asked for; the layer whose values are shown */
    size_t maps;
    int height, width;
    float *values; /* [maps][height][width] of one photograph */
} vgg_activations_layer;

typedef struct vgg_activations {
    vgg_vis *vis; /* these four are set before the start */
    vgg_activations_pick pick;
    vgg_activations_scale scale;
    int most;                      /* maps of a figure, unless all are drawn */
    vgg_activations_layer *layers; /* [count] */
    size_t count;
    clvgg_session *session;
} vgg_activations;

/* Chooses layers (an empty list: every convolution) and makes a session. Returns an exit code;
 * failures have been reported. Stop it in either case. */
int vgg_activations_start(vgg_activations *activations, const vgg_list *layers);
/* Draws a figure a layer, OUT/folder/LAYER.png. `input` is [channels][height][width]; of `file` the
 * last part is shown. Returns an exit code; failures have been reported. */
int vgg_activations_draw(vgg_activations *activations, const char *file, const char *folder,
                         const float *input);
void vgg_activations_stop(vgg_activations *activations);

#endif

/* cli/visualize/vis_activations.h — figures of a photograph's activation maps, for the
 * subverb and the report. */
#ifndef CLI_VIS_ACTIVATIONS_H
#define CLI_VIS_ACTIVATIONS_H

#include "cli/visualize/visualize.h"

typedef enum cli_activations_pick {
    CLI_ACTIVATIONS_STRONGEST,
    CLI_ACTIVATIONS_FIRST,
    CLI_ACTIVATIONS_ALL
} cli_activations_pick;

typedef enum cli_activations_scale {
    CLI_ACTIVATIONS_PER_MAP,
    CLI_ACTIVATIONS_PER_LAYER
} cli_activations_scale;

typedef struct cli_activations_layer {
    const char *name, *output; /* as asked for; the layer whose values are shown */
    size_t maps;
    int height, width;
    float *values; /* [maps][height][width] of one photograph */
} cli_activations_layer;

typedef struct cli_activations {
    cli_vis *vis; /* these four are set before the start */
    cli_activations_pick pick;
    cli_activations_scale scale;
    int most;                      /* maps of a figure, unless all are drawn */
    cli_activations_layer *layers; /* [count] */
    size_t count;
    clvgg_session *session;
} cli_activations;

/* Chooses layers (an empty list: every convolution) and makes a session. Stop it in either case. */
clvgg_status cli_activations_start(cli_activations *activations, const cli_list *layers);
/* Draws a figure a layer, OUT/folder/LAYER.png. `input` is [channels][height][width]; of `file` the
 * last part is shown. */
clvgg_status cli_activations_draw(cli_activations *activations, const char *file,
                                  const char *folder, const float *input);
void cli_activations_stop(cli_activations *activations);

#endif

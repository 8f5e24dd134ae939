/* model/model_load.h — the state of loading a model, and the parts of that work; of model_load*.c
 * alone.
 */
#ifndef VGG_MODEL_LOAD_H
#define VGG_MODEL_LOAD_H

#include "graph/fold.h"
#include "model/bind.h"
#include "model/model.h"

typedef struct vgg_load {
    const vgg_weights *weights;
    vgg_binding binding;
    clvgg_preprocess preprocess;
    const char *stated; /* preprocessing, or NULL */
    const char *origin; /* of the preprocessing */
    bool assumed;       /* the file states it, and that nobody had */
    vgg_graph *graph;   /* the file's network */
    vgg_folded folded;  /* the model's, where layers take others in; graph NULL: the file's */
    size_t fold_count;  /* of those bound so far */
} vgg_load;

/* ---- model_load_graph.c ---- */

/* Finds the file's network and preprocessing: stated, else told by names and shapes. Errors:
 * BAD_FILE, UNSUPPORTED, INVALID_ARGUMENT (an input's size that the network can't have). */
clvgg_status vgg_load_graph(vgg_load *load, const clvgg_model_options *options);

/* ---- model_load_bind.c ---- */

/* Gives each parameter of the assembled model its tensor, and each layer that another took in its
 * own. Errors: BAD_FILE, SHAPE_MISMATCH, UNSUPPORTED. */
clvgg_status vgg_load_parameters(vgg_load *load, clvgg_model *model);
/* Logs a line about tensors that no layer uses, if there are any. */
void vgg_load_warn_of_unused(const vgg_load *load, const clvgg_model *model);

#endif

/* model/norm_fold.h — weights of a layer that took a batch normalisation in (graph/fold.h): row r
 * is w · scale[r], its bias b · scale[r] + shift[r], computed in double and rounded to float32
 * whenever they are read.
 */
#ifndef VGG_MODEL_NORM_FOLD_H
#define VGG_MODEL_NORM_FOLD_H

#include "model/model.h"

/* What one layer took in. */
typedef struct vgg_norm_fold {
    vgg_node norm;                                   /* its type and attributes alone */
    const vgg_tensor_entry *parts[VGG_VARIANCE + 1]; /* its parameters; NULL: it hasn't got one */
    const vgg_tensor_entry *bias;                    /* the layer's own; NULL: it has none */
} vgg_norm_fold;

/* The work of vgg_model_read_parameter() for a layer that took one in. */
clvgg_status vgg_norm_fold_read(const clvgg_model *model, const vgg_parameter *parameter,
                                uint64_t first, uint64_t count, float *values);

#endif

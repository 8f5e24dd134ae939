/* model/quantize.h — a model whose layers of sums take quantised values times int8 weights, made of
 * one in float32.
 *
 * The network gets a `quantize` layer in front of each such convolution or dense layer; their
 * weights are int8 times a scale for each row, as float32 holds it exactly (tensor/int8_row.h).
 * Float kernels compute what int8 kernels do, but for the order of sums.
 */
#ifndef VGG_MODEL_QUANTIZE_H
#define VGG_MODEL_QUANTIZE_H

#include "model/model.h"

/* What a node of the network takes. */
typedef struct vgg_quantized_input {
    bool quantized; /* else the rest doesn't matter */
    vgg_quantize_attributes how;
} vgg_quantized_input;

/* `inputs` [nodes of the base's graph]; `how` is JSON for the file's metadata. Retains the base,
 * whose values it has. Errors: those of vgg_graph_add(). */
clvgg_status vgg_model_quantize(clvgg_model *base, const vgg_quantized_input *inputs,
                                const char *how, clvgg_model **out);
/* How many layers take quantised values. */
int vgg_model_quantized_layers(const clvgg_model *model);
/* UNSUPPORTED, with what to do instead of `what` ("fine-tuned"), where there are any. */
clvgg_status vgg_model_require_float(const clvgg_model *model, const char *what);

#endif

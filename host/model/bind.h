/* model/bind.h — whose tensor names a file has, and what they say about the network.
 *
 * Canonical (conv1_1.weight … fc8.bias), torchvision and timm; the block structure comes from which
 * convolutions there are, every width from the tensors' shapes.
 */
#ifndef VGG_MODEL_BIND_H
#define VGG_MODEL_BIND_H

#include "graph/graph.h"
#include "model/preprocess.h"
#include "weights/weights.h"

#define VGG_TENSOR_NAME_CAPACITY 384

typedef struct vgg_name_scheme vgg_name_scheme;

typedef struct vgg_binding {
    const vgg_name_scheme *scheme; /* NULL: tensors are named after the graph's layers */
    char prefix[64];               /* before every name: "module.", "state_dict.model." … */
    const char *architecture;      /* "vgg16"; NULL without a scheme */
} vgg_binding;

/* Finds the scheme and the architecture. Errors: UNSUPPORTED (another network), NOT_FOUND (the
 * tensor that is missing). */
clvgg_status vgg_binding_detect(const vgg_weights *weights, vgg_binding *out);
/* Says that the file lacks a tensor, or has it in a type that isn't read; returns the status. */
clvgg_status vgg_binding_fail_missing(const vgg_weights *weights, const char *tensor);
/* The preprocessing that goes with the scheme, and where that knowledge comes from, in words. */
clvgg_preprocess vgg_binding_preprocess(const vgg_binding *binding, const char **origin);
/* The input's {height, width} that fc6's weights ask for. Errors: SHAPE_MISMATCH. */
clvgg_status vgg_binding_input(const vgg_binding *binding, const vgg_weights *weights,
                               int64_t input[2]);
/* The network with the tensors' widths behind an input of this size. */
clvgg_status vgg_binding_graph(const vgg_binding *binding, const vgg_weights *weights,
                               const int64_t input[2], vgg_graph **out);
/* The file's name for the parameter at a position of a node's list. */
void vgg_binding_tensor_name(const vgg_binding *binding, const vgg_graph *graph, int node,
                             int position, char name[VGG_TENSOR_NAME_CAPACITY]);
/* A tensor fits where its values in order are the parameter's: trailing ones don't matter, nor how
 * the inputs of a dense layer are split ([4096, 512, 7, 7] for [4096, 25088]). */
bool vgg_binding_shape_fits(const clvgg_shape *tensor, const clvgg_shape *parameter);

#endif

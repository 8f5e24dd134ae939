/* model/bind.h — whose tensor names a file has, and what they say about the network.
 *
 * Canonical (conv1_1.weight … fc8.bias), torchvision and timm, behind any prefix; where none of
 * them fits, the shapes of the tensors and their order. The block structure comes from which
 * convolutions there are, every width from the tensors' shapes. bind_scheme.c knows names,
 * bind_order.c knows shapes.
 */
#ifndef VGG_MODEL_BIND_H
#define VGG_MODEL_BIND_H

#include "graph/vgg_family.h"
#include "model/preprocess.h"
#include "weights/weights.h"

#define VGG_TENSOR_NAME_CAPACITY 384

typedef struct vgg_name_scheme vgg_name_scheme;

typedef struct vgg_binding {
    const char *architecture;      /* "vgg16"; NULL: tensors are named after the graph's layers */
    const vgg_name_scheme *scheme; /* NULL: by shape and order */
    char prefix[64];               /* before a scheme's names: "module.", "state_dict.model." … */
    bool batch_norm;               /* behind each convolution */
    vgg_batch_norm_attributes norm;
    bool bare; /* convolutions have no bias */
    /* By shape and order: weights, and running variances. */
    const vgg_tensor_entry *convolutions[VGG_FAMILY_MAX_CONVOLUTIONS];
    const vgg_tensor_entry *norms[VGG_FAMILY_MAX_CONVOLUTIONS];
    int dense_count;
    const char *const *head;          /* the dense layers' names in the scheme, or NULL: */
    const vgg_tensor_entry *dense[3]; /* their weights, by shape */
    bool left_out;  /* the dense layers' values are NaN: the network ends before them */
    vgg_text notes; /* a line each: what isn't plain in how tensors were bound */
} vgg_binding;

/* Finds the names and the architecture; free with vgg_binding_free(), on failure too. Errors:
 * UNSUPPORTED (another network), NOT_FOUND (the tensor that is missing). */
clvgg_status vgg_binding_detect(const vgg_weights *weights, vgg_binding *out);
void vgg_binding_free(vgg_binding *binding);
/* Says that the file lacks a tensor, or has it in a type that isn't read; returns the status. */
clvgg_status vgg_binding_fail_missing(const vgg_weights *weights, const char *tensor);
/* The preprocessing that goes with the names, and where that knowledge comes from, in words. */
clvgg_preprocess vgg_binding_preprocess(const vgg_binding *binding, const char **origin);
/* The input's {height, width} that the first dense layer's weights ask for; 224 without one.
 * Errors: SHAPE_MISMATCH. */
clvgg_status vgg_binding_input(const vgg_binding *binding, const vgg_weights *weights,
                               int64_t input[2]);
/* The network with the tensors' widths behind an input of this size. */
clvgg_status vgg_binding_graph(const vgg_binding *binding, const vgg_weights *weights,
                               const int64_t input[2], vgg_graph **out);
/* The file's name for the parameter at a position of a node's list. */
void vgg_binding_tensor_name(const vgg_binding *binding, const vgg_graph *graph, int node,
                             int position, char name[VGG_TENSOR_NAME_CAPACITY]);
/* Says whether a tensor is left out on purpose. */
bool vgg_binding_leaves_out(const vgg_binding *binding, const char *tensor);
/* A tensor fits where its values in order are the parameter's: trailing ones don't matter, nor how
 * the inputs of a dense layer are split ([4096, 512, 7, 7] for [4096, 25088]). */
bool vgg_binding_shape_fits(const clvgg_shape *tensor, const clvgg_shape *parameter);

#endif

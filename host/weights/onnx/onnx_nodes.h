/* weights/onnx/onnx_nodes.h — a network's layers as ONNX's operators, opset 13. */
#ifndef VGG_WEIGHTS_ONNX_NODES_H
#define VGG_WEIGHTS_ONNX_NODES_H

#include "graph/graph.h"
#include "weights/write.h"

enum { ONNX_OPSET = 13, ONNX_IR_VERSION = 7 };

typedef struct vgg_onnx_nodes {
    vgg_text nodes, constants; /* fields of the graph's message */
    int output;                /* the layer whose values are the network's: its logits */
    const char *output_name;
} vgg_onnx_nodes;

/* Writes the layers up to the logits, which a network without dense layers hasn't: then all. The
 * caller frees both texts. Errors: UNSUPPORTED (a layer that no operator computes, in words). */
clvgg_status vgg_onnx_list_nodes(const vgg_weights_output *output, vgg_onnx_nodes *out);

#endif

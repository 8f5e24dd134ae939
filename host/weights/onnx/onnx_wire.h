/* weights/onnx/onnx_wire.h — ONNX's messages, written by hand: the few of them that a network
 * takes.
 *
 * Field numbers: onnx.proto of ONNX 1.8 (IR version 7). Wire format:
 * https://protobuf.dev/programming-guides/encoding/.
 */
#ifndef VGG_WEIGHTS_ONNX_WIRE_H
#define VGG_WEIGHTS_ONNX_WIRE_H

#include "base/text.h"
#include "clvgg/tensor.h"

enum { /* fields, named after their messages */
       ONNX_MODEL_IR_VERSION = 1,
       ONNX_MODEL_PRODUCER = 2,
       ONNX_MODEL_PRODUCER_VERSION = 3,
       ONNX_MODEL_GRAPH = 7,
       ONNX_MODEL_OPSET = 8,
       ONNX_MODEL_METADATA = 14,
       ONNX_OPSET_VERSION = 2,
       ONNX_ENTRY_KEY = 1,
       ONNX_ENTRY_VALUE = 2,
       ONNX_GRAPH_NODE = 1,
       ONNX_GRAPH_NAME = 2,
       ONNX_GRAPH_INITIALIZER = 5,
       ONNX_GRAPH_INPUT = 11,
       ONNX_GRAPH_OUTPUT = 12,
       ONNX_NODE_INPUT = 1,
       ONNX_NODE_OUTPUT = 2,
       ONNX_NODE_NAME = 3,
       ONNX_NODE_OPERATOR = 4,
       ONNX_NODE_ATTRIBUTE = 5,
       ONNX_TENSOR_DIMS = 1,
       ONNX_TENSOR_TYPE = 2,
       ONNX_TENSOR_NAME = 8,
       ONNX_TENSOR_RAW = 9
};

void vgg_onnx_put_varint(vgg_text *text, uint64_t value);
void vgg_onnx_put_integer(vgg_text *text, int field, int64_t value);
void vgg_onnx_put_string(vgg_text *text, int field, const char *value);
/* The front of a field of bytes, `length` of which follow. */
void vgg_onnx_put_length(vgg_text *text, int field, uint64_t length);
/* A message, which is freed; its failure becomes the text's. */
void vgg_onnx_put_message(vgg_text *text, int field, vgg_text *message);

/* Attributes of a node, as fields of its message. */
void vgg_onnx_put_int(vgg_text *node, const char *name, int64_t value);
void vgg_onnx_put_ints(vgg_text *node, const char *name, const int64_t *values, int count);
void vgg_onnx_put_float(vgg_text *node, const char *name, float value);

/* The number of an element type in ONNX. */
int vgg_onnx_type(clvgg_dtype dtype);
/* A graph's input or output: float32 [N, shape]. */
void vgg_onnx_put_value(vgg_text *graph, int field, const char *name, const clvgg_shape *shape);
/* A tensor's message but for its values, which follow. */
void vgg_onnx_put_tensor_head(vgg_text *tensor, const char *name, clvgg_dtype dtype,
                              const clvgg_shape *shape, uint64_t value_bytes);

#endif

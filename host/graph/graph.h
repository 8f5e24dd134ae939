/* graph/graph.h — what is computed: layers, shapes, parameters. Pure C, knows nothing of OpenCL.
 *
 * A graph is a list of nodes in topological order; node 0 is the input. A network's nodes have one
 * input each; walks back add nodes with two, and inputs of their own. Shapes are of one image:
 * {3, {c, h, w}} or {1, {features}}. What is true of a layer type alone is in its row (layer.h), in
 * a file layer_x.c; a new type is such a file and a line in layer_list.h.
 *
 * Letters used throughout: n image of the batch, c input channel, h row, w column, k output
 * channel.
 */
#ifndef VGG_GRAPH_GRAPH_H
#define VGG_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"
#include "clvgg/receptive_field.h"
#include "clvgg/tensor.h"
#include "graph/layer_list.h"

#define VGG_LAYER_NUMBER(number, row) VGG_LAYER_##number,
typedef enum vgg_layer_type {
    VGG_LAYER_LIST(VGG_LAYER_NUMBER) VGG_LAYER_TYPE_COUNT
} vgg_layer_type;
#undef VGG_LAYER_NUMBER

enum { VGG_TOP, VGG_LEFT, VGG_BOTTOM, VGG_RIGHT }; /* order of pad[4] */

/* Output extent: floor((in + pad − dilation·(kernel − 1) − 1) / stride) + 1. */
typedef struct vgg_conv_attributes {
    int64_t out_channels;
    int64_t kernel[2], stride[2], dilation[2]; /* {height, width} */
    int64_t pad[4];
    int64_t groups;
    bool bias;
} vgg_conv_attributes;

typedef struct vgg_pool_attributes {
    int64_t kernel[2], stride[2], pad[4];
    bool ceil_mode;         /* round the output extent up; a last window starts inside the input */
    bool count_include_pad; /* average pooling: padding counts in the divisor */
    bool switches;          /* max pooling: record the argmax as a second output, int32, index
                               h·W + w inside the channel; ties: lowest index */
    int64_t adaptive[2];    /* output extent wanted, 0 0: not adaptive (kernel, stride rule) */
} vgg_pool_attributes;

typedef struct vgg_dense_attributes {
    int64_t out_features;
    bool bias;
} vgg_dense_attributes;

/* y = x / (k + alpha / size · Σ x²)^beta, over `size` channels around each. */
typedef struct vgg_lrn_attributes {
    int64_t size;
    float alpha, beta, k;
} vgg_lrn_attributes;

/* y = (x − mean) / √(variance + epsilon), times weight plus bias where it is affine. */
typedef struct vgg_batch_norm_attributes {
    float epsilon;
    bool affine;
} vgg_batch_norm_attributes;

/* y = scale · q: a quantised value, q an integer from `low` to `high`, 0 among them. */
typedef struct vgg_quantize_attributes {
    float scale;
    int64_t low, high;
} vgg_quantize_attributes;

/* Attributes of layers that undo a pooling or convolution; `extent` is that of its input, which is
 * their output. */
typedef struct vgg_unpool_attributes {
    vgg_pool_attributes pool;
    int64_t extent[2];
} vgg_unpool_attributes;

typedef struct vgg_col2im_attributes {
    vgg_conv_attributes conv; /* kernel, stride, dilation, pad */
    int64_t channels, extent[2];
} vgg_col2im_attributes;

typedef enum vgg_slope {
    VGG_SLOPE_RELU = 1,
    VGG_SLOPE_GUIDED, /* ReLU's, where the signal is positive too (Springenberg et al. 2014) */
    VGG_SLOPE_SIGMOID,
    VGG_SLOPE_TANH
} vgg_slope;

typedef union vgg_attributes {
    vgg_conv_attributes conv;
    vgg_pool_attributes pool;
    vgg_dense_attributes dense;
    float dropout_rate;
    vgg_lrn_attributes lrn;
    vgg_batch_norm_attributes batch_norm;
    vgg_quantize_attributes quantize;
    vgg_unpool_attributes unpool;
    vgg_col2im_attributes col2im;
    vgg_slope slope;
    bool seed_ones;       /* a seed gives 1 where it is, not its input's value */
    int64_t unflatten[3]; /* {c, h, w} */
} vgg_attributes;

enum { VGG_MOST_INPUTS = 2 };

typedef struct vgg_node {
    char *name;
    vgg_layer_type type;
    int inputs[VGG_MOST_INPUTS]; /* indices of the nodes whose outputs it reads; −1 elsewhere */
    int input_count;             /* 0 for input nodes */
    vgg_attributes attributes;
    clvgg_shape output;
} vgg_node;

typedef struct vgg_graph {
    vgg_node *nodes;
    int count, capacity;
} vgg_graph;

clvgg_status vgg_graph_create(int64_t channels, int64_t height, int64_t width, vgg_graph **out);
void vgg_graph_free(vgg_graph *graph);
/* Adds a node behind node `input`, infers its shape, validates. attributes may be NULL where the
 * type has none. *index (may be NULL) receives its index. Errors: INVALID_ARGUMENT (a duplicate
 * name, a bad attribute: layer, expected, actual), SHAPE_MISMATCH, OUT_OF_MEMORY. */
clvgg_status vgg_graph_add(vgg_graph *graph, const char *name, vgg_layer_type type,
                           const vgg_attributes *attributes, int input, int *index);
/* Adds a layer with two inputs. Errors: those of vgg_graph_add(). */
clvgg_status vgg_graph_add_pair(vgg_graph *graph, const char *name, vgg_layer_type type,
                                const vgg_attributes *attributes, int input, int second,
                                int *index);
/* Another input beside node 0, of any rank. */
clvgg_status vgg_graph_add_input(vgg_graph *graph, const char *name, const clvgg_shape *shape,
                                 int *index);
typedef struct vgg_graph_copy_options {
    int count;         /* nodes to copy, from the first on; 0: all */
    int64_t extent[2]; /* {height, width} of another input; 0, 0: the same */
    bool for_walks;    /* layers keep what the way back through them needs: poolings' switches */
} vgg_graph_copy_options;
/* Copies a graph's first nodes, all their inputs included; they keep their indices. `options` may
 * be NULL. Errors: those of vgg_graph_add(). */
clvgg_status vgg_graph_copy(const vgg_graph *graph, const vgg_graph_copy_options *options,
                            vgg_graph **out);
/* Index of a node by name; "logits" is the last dense node (or, without one, the last before
 * softmax), "prob" the last softmax. −1 when there is none. */
int vgg_graph_find(const vgg_graph *graph, const char *name);
/* The same of a name that a caller gave; the input isn't a layer. `what` is " to project to", say,
 * for the message, or "". Errors, which list the layers: INVALID_ARGUMENT; UNSUPPORTED where the
 * network has no logits or prob. */
clvgg_status vgg_graph_require(const vgg_graph *graph, const char *name, const char *what,
                               int *node);
/* " conv1_1 relu1_1 …" for messages, cut where the capacity ends. */
void vgg_graph_list_layers(const vgg_graph *graph, char *names, size_t capacity);

/* Positions of parameters in a layer's list (layer.h), which is also their order in files. */
enum { VGG_WEIGHT, VGG_BIAS, VGG_MEAN, VGG_VARIANCE };
/* Says whether a node has the parameter at a position of its layer's list. */
bool vgg_node_has_parameter(const vgg_node *node, int parameter);
/* The parameter's shape; rank 0 where the node doesn't have it. Weights: convolution OIHW
 * {4, {k, c/groups, kernel h, kernel w}}, dense {2, {out, in}}. */
clvgg_shape vgg_graph_parameter_shape(const vgg_graph *graph, int index, int parameter);
/* Values of all of a node's parameters. */
uint64_t vgg_graph_node_parameters(const vgg_graph *graph, int index);
/* FLOPs of a node for one image, two a multiply-add; 0 for layers without multiplications to speak
 * of. */
uint64_t vgg_graph_node_flops(const vgg_graph *graph, int index);

/* Receptive field of a node's units: see clvgg_receptive_field. */
clvgg_receptive_field vgg_graph_receptive_field(const vgg_graph *graph, int index);

const char *vgg_layer_type_name(vgg_layer_type type); /* "conv2d", "max_pool", … as in JSON */
/* "3x3 stride 1 pad 1", and dilation, groups … where they aren't the default; for people. */
void vgg_node_describe(const vgg_node *node, char *text, size_t capacity);

/* The VGG family as tables: "vgg11", "vgg13", "vgg16", "vgg19". Nodes conv1_1 relu1_1 … pool5,
 * flatten, fc6 relu6 drop6 fc7 relu7 drop7 fc8 prob. head = {fc6, fc7, fc8} widths. */
clvgg_status vgg_graph_build_vgg(const char *architecture, int64_t channels, int64_t height,
                                 int64_t width, const int64_t head[3], vgg_graph **out);
/* Number of convolutions in each of the five blocks, or NULL when unknown. */
const int *vgg_architecture_blocks(const char *architecture);

/* {"input": [3, 224, 224], "layers": [{"name": "conv1_1", "type": "conv2d", "input": "input",
 * "out_channels": 64, "kernel": [3, 3], …}, …]}; attributes that have their default are left out.
 */
void vgg_graph_write_json(const vgg_graph *graph, vgg_text *text);
void vgg_graph_write_dot(const vgg_graph *graph, vgg_text *text);
/* Reads what vgg_graph_write_json() wrote, or a hostile imitation. Errors: BAD_FILE, UNSUPPORTED
 * (built without cJSON), and those of vgg_graph_add(). */
clvgg_status vgg_graph_read_json(const char *json, size_t length, vgg_graph **out);

#endif

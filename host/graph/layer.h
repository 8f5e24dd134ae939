/* graph/layer.h — what a layer type is: one row of functions and data, private to graph/.
 *
 * A layer type is a file layer_x.c that defines `const vgg_layer vgg_layer_x`, and a row in
 * layer_table.c. Parameter counts, FLOPs, JSON and Graphviz are derived from the row.
 */
#ifndef VGG_GRAPH_LAYER_H
#define VGG_GRAPH_LAYER_H

#include "graph/graph.h"

#define VGG_MAX_DIM INT64_C(2147483647)         /* of any extent, kernel, stride or padding */
#define VGG_MAX_ELEMENTS (UINT64_C(1) << 40)    /* of any activation or parameter */
#define VGG_MAX_LAYER_FLOPS (UINT64_C(1) << 49) /* so that a whole graph's sum fits 64 bits */
#define VGG_MAX_NODES 10000
#define VGG_MAX_NAME_LENGTH 255

/* Description of one attribute for JSON. */
typedef struct vgg_field {
    const char *name;
    enum { VGG_FIELD_INTEGER, VGG_FIELD_BOOL, VGG_FIELD_FLOAT } kind;
    int count;     /* integers in a row: 1, 2 {height, width} or 4 {top, left, bottom, right} */
    size_t offset; /* in vgg_attributes */
    bool required;
    int64_t missing; /* the value of a field that isn't required where it isn't given */
} vgg_field;

typedef struct vgg_layer {
    const char *name;  /* as in JSON and messages */
    const char *color; /* in pictures */
    const vgg_field *fields;
    int field_count;
    /* Validates the node's attributes against its input's shape and gives the output's. Fails by
     * vgg_layer_fail(). */
    clvgg_status (*infer)(const vgg_node *node, const clvgg_shape *input, clvgg_shape *output);
    /* NULL for a layer without weights. The first dimension is the output's first, and every output
     * element uses each of the others once: FLOPs follow from that. */
    clvgg_shape (*weight_shape)(const vgg_node *node, const clvgg_shape *input);
    bool (*has_bias)(const vgg_node *node); /* NULL: never. One value an output channel. */
    void (*describe)(const vgg_node *node, char *text, size_t capacity); /* NULL: nothing to say */
    /* Says whether the second input of a layer with two has the right shape. NULL: the layer has
     * one input. */
    bool (*takes_second)(const clvgg_shape *input, const clvgg_shape *second);
    bool internal; /* made by walks back and searches alone: not in files */
} vgg_layer;

extern const vgg_layer vgg_layer_conv2d, vgg_layer_max_pool, vgg_layer_avg_pool, vgg_layer_dense,
    vgg_layer_flatten, vgg_layer_relu, vgg_layer_sigmoid, vgg_layer_tanh, vgg_layer_softmax,
    vgg_layer_dropout, vgg_layer_local_response_norm, vgg_layer_lrn_grad, vgg_layer_switches,
    vgg_layer_seed, vgg_layer_unpool, vgg_layer_avg_unpool, vgg_layer_col2im,
    vgg_layer_activation_grad, vgg_layer_unflatten, vgg_layer_map_peak;

const vgg_layer *vgg_layer_of(vgg_layer_type type);
/* False when no layer type that files may have has this name. */
bool vgg_layer_type_from_name(const char *name, vgg_layer_type *type);

/* Writes "conv2d 'conv1_1': …" as the message and returns `code`. */
clvgg_status vgg_layer_fail(const vgg_node *node, clvgg_status code, const char *format, ...)
    VGG_PRINTF(3, 4);
/* Every one of `count` values lies in [minimum, VGG_MAX_DIM], or a message that names them. */
clvgg_status vgg_layer_check_range(const vgg_node *node, const char *what, const int64_t *values,
                                   int count, int64_t minimum);
/* The input is {3, {c, h, w}}. */
clvgg_status vgg_layer_check_image(const vgg_node *node, const clvgg_shape *input);
/* The input is {1, {features}}. */
clvgg_status vgg_layer_check_flat(const vgg_node *node, const clvgg_shape *input);

/* Appends to a description. */
void vgg_describe(char *text, size_t capacity, const char *format, ...) VGG_PRINTF(3, 4);
/* " stride 2", or " stride 2x1" where height and width differ. */
void vgg_describe_pair(char *text, size_t capacity, const char *what, const int64_t pair[2]);
/* " pad 1", or " pad 0 0 1 1" (top, left, bottom, right); nothing without padding. */
void vgg_describe_pad(char *text, size_t capacity, const int64_t pad[4]);

#endif

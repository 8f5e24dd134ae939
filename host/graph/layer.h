/* graph/layer.h — what a layer type is: one row of functions and data.
 *
 * A layer type is a file layer_x.c that defines `const vgg_layer vgg_layer_x`, and a line in
 * layer_list.h. Whoever has to know something of a layer asks its row: no other code compares a
 * node's type. Parameter counts, FLOPs, receptive fields, JSON, Graphviz, the chains that a plan
 * fuses and the way back through a network are derived from rows.
 */
#ifndef VGG_GRAPH_LAYER_H
#define VGG_GRAPH_LAYER_H

#include "clvgg/finetune.h"
#include "graph/graph.h"
#include "graph/walk.h"

#define VGG_MAX_DIM INT64_C(2147483647)         /* of any extent, kernel, stride or padding */
#define VGG_MAX_ELEMENTS (UINT64_C(1) << 40)    /* of any activation or parameter */
#define VGG_MAX_LAYER_FLOPS (UINT64_C(1) << 49) /* so that a whole graph's sum fits 64 bits */
#define VGG_MAX_NODES 10000
#define VGG_MOST_LEVEL 255 /* of a quantised value, and distance between two */
#define VGG_MAX_NAME_LENGTH 255

/* Description of one attribute for JSON. */
typedef struct vgg_field {
    const char *name;
    enum { VGG_FIELD_INTEGER, VGG_FIELD_BOOL, VGG_FIELD_FLOAT } kind;
    int count;     /* integers in a row: 1, 2 {height, width} or 4 {top, left, bottom, right} */
    size_t offset; /* in vgg_attributes */
    bool required;
    int64_t missing; /* the value where the field is absent, if it isn't required */
} vgg_field;

/* A tensor of values that a model brings for a layer. */
typedef struct vgg_layer_parameter {
    const char *name; /* "weight": behind the layer's name in files */
    clvgg_shape (*shape)(const vgg_node *node, const clvgg_shape *input);
    bool (*is_there)(const vgg_node *node); /* NULL: always */
    bool variance;                          /* no value of it may be below 0 */
} vgg_layer_parameter;

/* y = x · scale + shift: what some layers are in each channel. */
typedef struct vgg_scale_and_shift {
    double scale, shift;
} vgg_scale_and_shift;

/* The part of one axis that a unit reads, and the steps between units. */
typedef struct vgg_window {
    int64_t kernel, stride, dilation, pad;
} vgg_window;

/* What one element of a layer's output is defined by. */
typedef struct vgg_element {
    const vgg_node *node;
    const clvgg_shape *input;            /* of one image */
    const float *x;                      /* its values, plain layout */
    const void *second;                  /* a second input's, float32 or int32; NULL: it has none */
    int64_t at[3];                       /* in the output: {k, row, column}, or {feature, 0, 0} */
    const float *rows[VGG_VARIANCE + 1]; /* of each parameter what belongs to output channel k: a
                                            weight's row, one value of others; NULL: not there */
} vgg_element;

/* The roles in which an op takes a layer behind its own along. */
enum { VGG_FUSED_RELU = 1, VGG_FUSED_POOL = 2 };

/* A function of each value alone. */
typedef struct vgg_activation {
    int function;    /* FUNCTION of cl/activation.cl and cl/dropout.cl; 0: kernels of its own */
    vgg_slope slope; /* of cl/activation_grad.cl */
    bool moves_zero; /* f(0) isn't 0 */
    bool rectifies;  /* its output has no value below 0 */
    double (*value)(double x);      /* the definition: f(x) */
    double (*derivative)(double y); /* f'(x) from y = f(x) */
    bool in_heads;                  /* a head that trains may have it, by the name `head` */
    clvgg_activation head;
} vgg_activation;

typedef struct vgg_layer {
    const char *name;  /* as in JSON and messages */
    const char *color; /* in pictures */
    const vgg_field *fields;
    int field_count;
    /* Validates the node's attributes against its input's shape and gives the output's. Fails by
     * vgg_layer_fail(). */
    clvgg_status (*infer)(const vgg_node *node, const clvgg_shape *input, clvgg_shape *output);
    void (*describe)(const vgg_node *node, char *text, size_t capacity); /* NULL: nothing to say */

    /* Inputs beside the first, and whether one has a shape that goes with the first's. */
    int further_inputs;
    bool (*takes_further)(const clvgg_shape *input, const clvgg_shape *further);

    const vgg_layer_parameter *parameters;
    int parameter_count;
    /* The convolution that a layer of sums of products is; NULL for others. Its first parameter's
     * first dimension is the output's first, and every output element uses each of the others once:
     * FLOPs follow from that. */
    vgg_conv_attributes (*as_convolution)(const vgg_node *node);
    /* A channel's scale and shift from the values [VGG_VARIANCE + 1] of its parameters, by their
     * positions, 0 where the layer doesn't have one; NULL: the layer is no such function. */
    vgg_scale_and_shift (*scale_and_shift)(const vgg_node *node, const double *values);
    void (*give_bias)(vgg_attributes *attributes); /* NULL: the layer has no bias to give */
    int fuses; /* VGG_FUSED_… bits of layers that its op may take along, the ReLU before the pool */

    /* The definition: an element of the output, in double precision, by plain loops. NULL: layers
     * that compute nothing. */
    double (*element)(const vgg_element *element);
    /* The same of an int32 output beside it, and whether a layer writes one; NULL: none does. */
    int32_t (*side_element)(const vgg_element *element);
    bool (*has_side)(const vgg_node *node);
    /* Of layers, without weights, whose elements are sums of their input's values, each times a
     * number above 0: of so many at most. */
    int64_t (*most_addends)(const vgg_node *node);
    /* Element i of a second input of int32, made up of a random number so that it makes sense;
     * NULL: a second input has values. */
    int32_t (*make_second)(const vgg_node *node, const clvgg_shape *input, uint64_t i,
                           uint64_t random);

    int fused_as;                     /* VGG_FUSED_… */
    const vgg_activation *activation; /* NULL: it is none */
    bool alias;    /* its value is its input's, under another shape perhaps: nothing is computed */
    bool flattens; /* makes features of an image */
    bool keeps_sign;    /* its output has no value below 0 where its input has none */
    bool probabilities; /* its output is the network's answer, "prob" */
    bool quantizes;     /* holds values to steps; layers that read it may do so themselves */
    bool side_output;   /* it is a second output, which the layer that it reads writes */
    float (*dropout_rate)(const vgg_node *node); /* NULL: nothing is dropped in training */

    /* Gives what a unit reads along an axis of its input; NULL: one position, or with reads_all
     * everything. False: the units' windows differ. */
    bool (*window)(const vgg_node *node, const clvgg_shape *input, int axis, vgg_window *window);
    bool reads_all;

    /* Adds the nodes that lead from node `at`'s output back to its input; NULL: there is no way. */
    clvgg_status (*step_back)(vgg_walk *walk, int at);
    /* Makes a forward layer keep what its step back needs; NULL: nothing. */
    void (*keep_for_walks)(vgg_attributes *attributes);
    bool internal; /* made by walks back and searches alone: not in files */
} vgg_layer;

#define VGG_LAYER_EXTERN(number, row) extern const vgg_layer vgg_layer_##row;
VGG_LAYER_LIST(VGG_LAYER_EXTERN)
#undef VGG_LAYER_EXTERN

const vgg_layer *vgg_layer_of(vgg_layer_type type);
/* False when no layer type that files may have has this name. */
bool vgg_layer_type_from_name(const char *name, vgg_layer_type *type);
/* The layer type of a head's activation. False: there is none. */
bool vgg_layer_type_of_activation(clvgg_activation activation, vgg_layer_type *type);

/* What stands in a layer's input where the element is in its output, and where that is. */
double vgg_element_input(const vgg_element *element);
int64_t vgg_element_place(const vgg_element *element);
/* Rows (axis 0) or columns (axis 1) [*begin, *end), inside an input's `extent`, of a pooling's
 * window `at`; returns how many there are with padding. */
int64_t vgg_pool_window(const vgg_pool_attributes *pool, int64_t extent, int axis, int64_t at,
                        int64_t *begin, int64_t *end);

/* scale · q, in exact arithmetic: the definition of VGG_LAYER_QUANTIZE; NaN stays NaN. */
double vgg_quantized(const vgg_quantize_attributes *quantize, float x);

/* Layers of sums of products: over a window of an image, or over all features. */
bool vgg_node_is_convolution(const vgg_node *node);
bool vgg_node_is_dense(const vgg_node *node);
/* The last node of a graph for which `is` is true, or 0. */
int vgg_graph_last(const vgg_graph *graph, bool (*is)(const vgg_node *node));

/* Writes "conv2d 'conv1_1': …" as the message and returns `code`. */
clvgg_status vgg_layer_fail(const vgg_node *node, clvgg_status code, const char *format, ...)
    VGG_PRINTF(3, 4);
/* Fails with a message that names them unless `count` values lie in [minimum, VGG_MAX_DIM]. */
clvgg_status vgg_layer_check_range(const vgg_node *node, const char *what, const int64_t *values,
                                   int count, int64_t minimum);
/* Fails unless the input is {3, {c, h, w}}. */
clvgg_status vgg_layer_check_image(const vgg_node *node, const clvgg_shape *input);
/* Fails unless the input is {1, {features}}. */
clvgg_status vgg_layer_check_flat(const vgg_node *node, const clvgg_shape *input);

/* infer() of layers that keep their input's shape. */
clvgg_status vgg_layer_infer_same(const vgg_node *node, const clvgg_shape *input,
                                  clvgg_shape *output);

/* Appends to a description. */
void vgg_describe(char *text, size_t capacity, const char *format, ...) VGG_PRINTF(3, 4);
/* " stride 2", or " stride 2x1" where height and width differ. */
void vgg_describe_pair(char *text, size_t capacity, const char *what, const int64_t pair[2]);
/* " pad 1", or " pad 0 0 1 1" (top, left, bottom, right); nothing without padding. */
void vgg_describe_pad(char *text, size_t capacity, const int64_t pad[4]);

#endif

/* weights/onnx/weights_onnx.h — what the parts of the ONNX reader share.
 *
 * The file's structure is unpacked by protobuf-c, its values stay where they are
 * (protobuf_skeleton.h). weights_onnx_walk.c follows the one path that leads from the model's input
 * to its output; each operator on it has a function, which adds layers to the network or changes
 * what is known of the value that flows there. A layer's parameters are views of the file's
 * tensors.
 *
 * Operators: https://onnx.ai/onnx/operators/
 */
#ifndef VGG_WEIGHTS_WEIGHTS_ONNX_H
#define VGG_WEIGHTS_WEIGHTS_ONNX_H

#include "onnx.pb-c.h"
#include "weights/format.h"
#include "weights/protobuf_unpack.h"

/* Element types, as the format numbers them. */
enum {
    VGG_ONNX_FLOAT = 1,
    VGG_ONNX_INT32 = 6,
    VGG_ONNX_INT64 = 7,
    VGG_ONNX_FLOAT16 = 10,
    VGG_ONNX_DOUBLE = 11,
    VGG_ONNX_BFLOAT16 = 16
};

enum { VGG_ONNX_MOST_EXTERNAL = 16, VGG_ONNX_MOST_LAYERS = 2000, VGG_ONNX_DEEPEST = 64 };

/* Who makes or takes the value `name`: output or input `slot` of a node, or initializer `node`. */
typedef struct vgg_onnx_edge {
    const char *name;
    size_t node, slot;
} vgg_onnx_edge;
typedef struct vgg_onnx_edges {
    vgg_onnx_edge *edges; /* sorted by name, then node */
    size_t count;
} vgg_onnx_edges;

/* A tensor's description, and where its values lie: side by side from `offset` of `file` on, or in
 * places of the model's own file. */
typedef struct vgg_onnx_tensor {
    const char *name;
    int type;
    clvgg_shape shape;
    uint64_t count;
    const vgg_file *file;
    uint64_t offset;
    const vgg_protobuf_skeleton *skeleton; /* NULL: side by side */
    const uint32_t *places;
    size_t place_count;
    bool is_varints; /* integers in the places are varints */
} vgg_onnx_tensor;

/* A tensor with its axes in another order, split, or one value everywhere. */
typedef struct vgg_onnx_view {
    vgg_onnx_tensor tensor;
    bool is_inverse; /* the values are 1 divided by the tensor's, which are float or double */
    bool is_filled;  /* every value is `fill`; there is no tensor */
    float fill;
    int rank;
    int64_t dims[CLVGG_MAX_RANK], strides[CLVGG_MAX_RANK];
} vgg_onnx_view;

typedef struct vgg_onnx_external {
    const char *location; /* as the model names it */
    vgg_file *file;
} vgg_onnx_external;

/* What `own` of the opened weights is. */
typedef struct vgg_onnx {
    vgg_weights *weights;
    vgg_protobuf_skeleton skeleton;
    VggOnnx__Model *model;
    const VggOnnx__Graph *graph;
    int64_t opset;
    vgg_onnx_edges producers, consumers, initializers;
    vgg_onnx_external external[VGG_ONNX_MOST_EXTERNAL];
    size_t external_count;
    struct vgg_row_cache *rows;
    vgg_strided *strided; /* of views: the cache knows them by their place in memory */
    vgg_onnx_view *views; /* of slots, by place */
    size_t view_count, view_capacity;
} vgg_onnx;

enum { VGG_ONNX_PARAMETERS = 4 }; /* VGG_WEIGHT … VGG_VARIANCE */

/* Parameters of the graph's node of the same index. */
typedef struct vgg_onnx_layer {
    vgg_onnx_view parameters[VGG_ONNX_PARAMETERS];
    /* A batch norm made of arithmetic: the operands that it has. */
    bool is_arithmetic, has_mean, has_weight, has_bias;
} vgg_onnx_layer;

/* A value of the path whose shape may be asked for: extents in the file's order. */
typedef struct vgg_onnx_step {
    const char *name;
    int rank;
    int64_t dims[5];
} vgg_onnx_step;

enum { VGG_ONNX_N, VGG_ONNX_C, VGG_ONNX_H, VGG_ONNX_W };

/* The walk along the path. The value that flows is the output of the graph's last node; the file
 * has its axes in an order of its own. */
typedef struct vgg_onnx_walk {
    vgg_onnx *onnx;
    vgg_graph *graph;
    vgg_onnx_layer *layers; /* by node */
    size_t layer_capacity;
    vgg_onnx_step *steps;
    size_t step_count, step_capacity;
    const char *value;         /* its name */
    const VggOnnx__Node *node; /* that takes it */
    const char *skip_to; /* set by an operator that took further nodes along: their last value */
    int rank;            /* 4: an image; 2: features */
    int order[4];        /* of an image: which axis (VGG_ONNX_N …) each of its axes is */
    /* Features that were an image: its canonical extents, and the order in which the file counts
     * them. is_flat: they are still in that order. */
    bool is_flat;
    int64_t flat_dims[3];
    int flat_order[3]; /* VGG_ONNX_C … */
    int64_t pad[4];    /* of a Pad before a convolution or pooling */
    float pad_value;   /* 0, or below every number */
    bool is_padded, is_softmax, is_class;
    int64_t batch;   /* 0: any */
    int fold_budget; /* of values that shapes are computed from */
    bool is_open;    /* the file leaves the input's size open */
    bool is_misfit;  /* … and another one may fit a dense layer */
} vgg_onnx_walk;

/* ---- the file (weights_onnx_file.c) ---- */

clvgg_status vgg_onnx_load(vgg_onnx *onnx);
void vgg_onnx_free(vgg_onnx *onnx);
/* Edges of a name, which lie side by side: the first, and how many. */
const vgg_onnx_edge *vgg_onnx_find(const vgg_onnx_edges *edges, const char *name, size_t *count);
/* A text of the file's; "" where there is none. */
const char *vgg_onnx_text(const char *text);
const VggOnnx__Attribute *vgg_onnx_attribute(const VggOnnx__Node *node, const char *name);
int64_t vgg_onnx_int(const VggOnnx__Node *node, const char *name, int64_t absent);
float vgg_onnx_float(const VggOnnx__Node *node, const char *name, float absent);
/* Up to `most` integers; *count is −1 where the attribute is absent. */
clvgg_status vgg_onnx_ints(const VggOnnx__Node *node, const char *name, int64_t *values, int most,
                           int *count);
/* Name of input `index`, or NULL: it is left out. */
const char *vgg_onnx_input(const VggOnnx__Node *node, size_t index);
/* A node's name, or that of its output. */
const char *vgg_onnx_name(const VggOnnx__Node *node);
/* "node 'x' (Conv): …" */
clvgg_status vgg_onnx_fail(const VggOnnx__Node *node, clvgg_status code, const char *format, ...)
    VGG_PRINTF(3, 4);

/* ---- tensors (weights_onnx_tensor.c, weights_onnx_external.c) ---- */

/* Checks a tensor: its shape, and its values' place against both. */
clvgg_status vgg_onnx_tensor_open(vgg_onnx *onnx, const VggOnnx__Tensor *tensor,
                                  vgg_onnx_tensor *out);
/* Bytes of an element; 0: a type that isn't read. */
unsigned vgg_onnx_element_bytes(int type);
bool vgg_onnx_is_float(int type);
/* Opens the file beside the model that the tensor names, and finds the values there. */
clvgg_status vgg_onnx_external_find(vgg_onnx *onnx, const VggOnnx__Tensor *tensor, uint64_t bytes,
                                    vgg_onnx_tensor *out);
/* Integers of a small tensor. */
clvgg_status vgg_onnx_tensor_ints(const vgg_onnx_tensor *tensor, int64_t *values, size_t most,
                                  size_t *count);
void vgg_onnx_view_whole(const vgg_onnx_tensor *tensor, vgg_onnx_view *out);
vgg_onnx_view vgg_onnx_view_filled(float fill, int64_t count);
clvgg_dtype vgg_onnx_view_dtype(const vgg_onnx_view *view);
clvgg_status vgg_onnx_view_read(const vgg_onnx_view *view, uint64_t first, uint64_t count,
                                void *data);

/* How its values lie; it points to the view. */
vgg_strided vgg_onnx_view_strided(const vgg_onnx_view *view);

/* ---- values that don't depend on the input (weights_onnx_constant.c, weights_onnx_fold….c) ----
 */

/* *found is false where the value is computed from the input, or isn't of floats. */
clvgg_status vgg_onnx_constant(vgg_onnx_walk *walk, const char *name, vgg_onnx_view *out,
                               bool *found);
/* The same for operand `index` of a node; fails where it is none. */
clvgg_status vgg_onnx_operand(vgg_onnx_walk *walk, const VggOnnx__Node *node, size_t index,
                              vgg_onnx_view *out);
/* The same where it is one number. */
clvgg_status vgg_onnx_number(vgg_onnx_walk *walk, const VggOnnx__Node *node, size_t index,
                             float *value);
/* A tensor that an initializer or a Constant node is, without regard to its type. */
clvgg_status vgg_onnx_constant_tensor(vgg_onnx *onnx, const char *name, vgg_onnx_tensor *out,
                                      bool *found);

enum { VGG_ONNX_MOST_EXTENTS = 16 };
#define VGG_ONNX_BATCH INT64_MIN /* an extent that is the batch's, whatever that is */
typedef struct vgg_onnx_extents {
    int64_t values[VGG_ONNX_MOST_EXTENTS];
    int count;
    int columns; /* of a table, row by row; 0: the values have one axis, or none */
} vgg_onnx_extents;
/* Integers that are constant, or follow from shapes of values on the path. */
clvgg_status vgg_onnx_fold(vgg_onnx_walk *walk, const char *name, vgg_onnx_extents *out);
/* The same for input `index` of a node, `depth` nodes away from what is asked for. */
clvgg_status vgg_onnx_fold_input(vgg_onnx_walk *walk, const VggOnnx__Node *node, size_t index,
                                 int depth, vgg_onnx_extents *out);
/* What a node computes of numbers; fails where that is none of the operators that are read. */
clvgg_status vgg_onnx_fold_arithmetic(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                                      vgg_onnx_extents *out);
/* Integers that are an attribute in old operator sets and input `index` in newer ones; count is −1
 * where both are absent. */
clvgg_status vgg_onnx_fold_setting(vgg_onnx_walk *walk, const VggOnnx__Node *node, const char *name,
                                   size_t index, vgg_onnx_extents *out);

/* ---- the walk (weights_onnx_walk.c) ---- */

/* Makes the network, with its parameters, behind an input of this size where the file leaves it
 * open. *misfit: the first dense layer takes another number of features than this size gives. */
clvgg_status vgg_onnx_walk_run(vgg_onnx_walk *walk, int64_t side);
void vgg_onnx_walk_free(vgg_onnx_walk *walk);
/* The one node that takes a value, those aside that ask for its shape; NULL: the path ends. */
clvgg_status vgg_onnx_next(const vgg_onnx *onnx, const char *value, const VggOnnx__Node **out);
/* Lets the shape of a value be asked for: dims are the file's, VGG_ONNX_BATCH among them. */
clvgg_status vgg_onnx_record(vgg_onnx_walk *walk, const char *name, int rank, const int64_t *dims);
/* Adds a layer behind the last. */
clvgg_status vgg_onnx_add(vgg_onnx_walk *walk, vgg_layer_type type,
                          const vgg_attributes *attributes, vgg_onnx_layer **layer);
/* The last layer, if it is of this type; NULL else. */
vgg_onnx_layer *vgg_onnx_last(vgg_onnx_walk *walk, vgg_layer_type type);
/* Shape of the value that flows, in the graph: {3, {c, h, w}} or {1, {features}}. */
const clvgg_shape *vgg_onnx_shape(const vgg_onnx_walk *walk);
/* Fails unless the value is an image, its axes N, C, H, W. */
clvgg_status vgg_onnx_check_image(const vgg_onnx_walk *walk, const VggOnnx__Node *node);
/* Where the file keeps an axis of the image that flows. */
int vgg_onnx_axis(const vgg_onnx_walk *walk, int axis);
/* Finds which axes (a bit for each of VGG_ONNX_N …) a node of an operator with `axes` goes over, or
 * a run of such nodes, each over some of them; `keeps` them as extents of 1. The walk skips to the
 * last. */
clvgg_status vgg_onnx_axes(vgg_onnx_walk *walk, const VggOnnx__Node *node, bool keeps,
                           unsigned *over);
enum { VGG_ONNX_PLANE = 1 << VGG_ONNX_H | 1 << VGG_ONNX_W };
/* Adds the layer that makes features of an image, which the file counts in its own order. */
clvgg_status vgg_onnx_flatten(vgg_onnx_walk *walk);
/* Splits axis `axis` of a view, whose extent is that of the features that flow, into an image's
 * axes, so that they are in the canonical order. */
clvgg_status vgg_onnx_split_features(const vgg_onnx_walk *walk, const VggOnnx__Node *node, int axis,
                                     vgg_onnx_view *view);

typedef clvgg_status (*vgg_onnx_operator)(vgg_onnx_walk *walk, const VggOnnx__Node *node);
#define VGG_ONNX_OPERATORS(row)                                                                    \
    row(Conv) row(MaxPool) row(AveragePool) row(GlobalAveragePool) row(GlobalMaxPool)              \
        row(ReduceMean) row(ReduceMax) row(LRN) row(Pad) row(Transpose) row(Flatten) row(Reshape)  \
            row(Squeeze) row(Gemm) row(MatMul) row(Softmax) row(LogSoftmax) row(ArgMax) row(Relu)  \
                row(Clip) row(Sigmoid) row(Tanh) row(Dropout) row(Identity) row(Cast) row(Add)     \
                    row(Sub) row(Mul) row(Div) row(BatchNormalization)
#define VGG_ONNX_DECLARE(name)                                                                     \
    clvgg_status vgg_onnx_##name(vgg_onnx_walk *walk, const VggOnnx__Node *node);
VGG_ONNX_OPERATORS(VGG_ONNX_DECLARE)
#undef VGG_ONNX_DECLARE

/* Reads adaptive pooling that begins with this Transpose, up to its last node; *taken is false
 * where the Transpose is one for itself. */
clvgg_status vgg_onnx_take_adaptive(vgg_onnx_walk *walk, const VggOnnx__Node *node, bool *taken);
/* Reads local response normalisation made of operators that begin at the value that flows; *taken
 * is false where none begins there. */
clvgg_status vgg_onnx_take_lrn(vgg_onnx_walk *walk, bool *taken);

/* ---- names (weights_onnx_names.c) ---- */

/* Names the layers: as VGG's where the network is one, else by their kind and number. */
clvgg_status vgg_onnx_name_layers(vgg_onnx_walk *walk);

#endif

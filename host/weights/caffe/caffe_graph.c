/* weights/caffe/caffe_graph.c — a .caffemodel's layers as a network.
 *
 * A file holds the network that was trained: layers of data, accuracy and loss stand around the one
 * that is wanted, and copies ("Split") where one output goes to two of them. Source: BVLC/caffe,
 * src/caffe/proto/caffe.proto and src/caffe/layers/.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "weights/caffe/caffe.h"
#include "weights/sequence.h"

typedef VggCaffe__Layer caffe_layer;

typedef struct builder {
    const vgg_caffe *caffe;
    vgg_caffe_network *out;
    size_t capacity;  /* of out's lists */
    const char *blob; /* that the latest layer gives; NULL before the first */
    int64_t input[3];
} builder;

static bool is(const caffe_layer *layer, const char *type)
{
    return strcmp(layer->type, type) == 0;
}

static clvgg_status unsupported(const caffe_layer *layer, const char *what)
{
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "layer '%s' (%s): %s", layer->name, layer->type,
                    what);
}

static const clvgg_shape *current(const builder *b)
{
    return &b->out->graph->nodes[b->out->graph->count - 1].output;
}

static clvgg_status add(builder *b, const caffe_layer *layer, const char *name, vgg_layer_type type,
                        const vgg_attributes *attributes)
{
    vgg_caffe_network *out = b->out;
    int index;
    VGG_PASS(vgg_graph_add(out->graph, name, type, attributes, out->graph->count - 1, &index));
    VGG_CHECK((size_t)index < b->capacity, CLVGG_STATUS_UNSUPPORTED, "has too many layers");
    out->layer_of[index] = layer;
    return CLVGG_STATUS_OK;
}

/* A value of its own for an axis, else that of the list for it, else its only one. */
static int64_t pick(int has, uint32_t own, size_t count, const uint32_t *list, size_t axis,
                    int64_t absent)
{
    if (has)
        return own;
    return count == 0 ? absent : list[axis < count ? axis : count - 1];
}

/* ---- layers ---- */

static clvgg_status add_convolution(builder *b, const caffe_layer *layer)
{
    const VggCaffe__Convolution *p = layer->convolution_param;
    vgg_attributes attributes = {
        .conv = {.out_channels = p->num_output, .groups = p->group, .bias = p->bias_term != 0}};
    vgg_conv_attributes *conv = &attributes.conv;
    if (p->axis != 1)
        return unsupported(layer, "it is along another axis than the channels");
    for (size_t axis = 0; axis < 2; axis++) {
        conv->kernel[axis] =
            pick(axis == 0 ? p->has_kernel_h : p->has_kernel_w,
                 axis == 0 ? p->kernel_h : p->kernel_w, p->n_kernel_size, p->kernel_size, axis, 0);
        conv->stride[axis] =
            pick(axis == 0 ? p->has_stride_h : p->has_stride_w,
                 axis == 0 ? p->stride_h : p->stride_w, p->n_stride, p->stride, axis, 1);
        conv->pad[axis] = pick(axis == 0 ? p->has_pad_h : p->has_pad_w,
                               axis == 0 ? p->pad_h : p->pad_w, p->n_pad, p->pad, axis, 0);
        conv->pad[axis + 2] = conv->pad[axis];
        conv->dilation[axis] = pick(0, 0, p->n_dilation, p->dilation, axis, 1);
    }
    return add(b, layer, layer->name, VGG_LAYER_CONV2D, &attributes);
}

static clvgg_status add_dense(builder *b, const caffe_layer *layer)
{
    const VggCaffe__InnerProduct *p = layer->inner_product_param;
    const vgg_attributes attributes = {
        .dense = {.out_features = p->num_output, .bias = p->bias_term != 0}};
    if (p->axis != 1 || p->transpose)
        return unsupported(layer, "its weights are transposed, or it is along another axis");
    if (current(b)->rank != 1)
        VGG_PASS(add(b, NULL, vgg_graph_find(b->out->graph, "flatten") < 0 ? "flatten" : "flatten2",
                     VGG_LAYER_FLATTEN, NULL));
    return add(b, layer, layer->name, VGG_LAYER_DENSE, &attributes);
}

static clvgg_status add_pooling(builder *b, const caffe_layer *layer)
{
    const VggCaffe__Pooling *p = layer->pooling_param;
    const vgg_layer_type type = p->pool == 0 ? VGG_LAYER_MAX_POOL : VGG_LAYER_AVG_POOL;
    vgg_attributes attributes = {
        .pool = {.ceil_mode = p->round_mode == 0, .count_include_pad = type == VGG_LAYER_AVG_POOL}};
    vgg_pool_attributes *pool = &attributes.pool;
    if (p->pool != 0 && p->pool != 1)
        return unsupported(layer, "it is neither a max nor an average pooling");
    if (p->global_pooling) {
        const vgg_attributes all = {.pool = {.adaptive = {1, 1}}};
        return add(b, layer, layer->name, type, &all);
    }
    for (size_t axis = 0; axis < 2; axis++) {
        pool->kernel[axis] =
            pick(axis == 0 ? p->has_kernel_h : p->has_kernel_w,
                 axis == 0 ? p->kernel_h : p->kernel_w, 1, &p->kernel_size, axis, 0);
        pool->stride[axis] = pick(axis == 0 ? p->has_stride_h : p->has_stride_w,
                                  axis == 0 ? p->stride_h : p->stride_w, 1, &p->stride, axis, 1);
        pool->pad[axis] = pick(axis == 0 ? p->has_pad_h : p->has_pad_w,
                               axis == 0 ? p->pad_h : p->pad_w, 1, &p->pad, axis, 0);
        pool->pad[axis + 2] = pool->pad[axis];
    }
    return add(b, layer, layer->name, type, &attributes);
}

static clvgg_status add_lrn(builder *b, const caffe_layer *layer)
{
    static const VggCaffe__Lrn usual = VGG_CAFFE__LRN__INIT;
    const VggCaffe__Lrn *p = layer->lrn_param != NULL ? layer->lrn_param : &usual;
    const vgg_attributes attributes = {
        .lrn = {.size = p->local_size, .alpha = p->alpha, .beta = p->beta, .k = p->k}};
    if (p->norm_region != 0 || p->local_size % 2 == 0)
        return unsupported(layer, "it normalises within channels, or over an even number of them");
    return add(b, layer, layer->name, VGG_LAYER_LOCAL_RESPONSE_NORM, &attributes);
}

static clvgg_status add_relu(builder *b, const caffe_layer *layer)
{
    if (layer->relu_param != NULL && layer->relu_param->negative_slope != 0)
        return unsupported(layer, "a leaky ReLU; plain ones are read");
    return add(b, layer, layer->name, VGG_LAYER_RELU, NULL);
}

static clvgg_status add_sigmoid(builder *b, const caffe_layer *layer)
{
    return add(b, layer, layer->name, VGG_LAYER_SIGMOID, NULL);
}

static clvgg_status add_tanh(builder *b, const caffe_layer *layer)
{
    return add(b, layer, layer->name, VGG_LAYER_TANH, NULL);
}

static clvgg_status add_dropout(builder *b, const caffe_layer *layer)
{
    const vgg_attributes attributes = {
        .dropout_rate = layer->dropout_param != NULL ? layer->dropout_param->dropout_ratio : 0.5f};
    return add(b, layer, layer->name, VGG_LAYER_DROPOUT, &attributes);
}

static clvgg_status add_flatten(builder *b, const caffe_layer *layer)
{
    return add(b, layer, layer->name, VGG_LAYER_FLATTEN, NULL);
}

/* The loss is what follows the logits while a network is trained. */
static clvgg_status add_softmax(builder *b, const caffe_layer *layer)
{
    if (current(b)->rank != 1)
        return unsupported(layer, "it reads an image; classifiers of whole images are read");
    return add(b, layer, is(layer, "Softmax") ? layer->name : "prob", VGG_LAYER_SOFTMAX, NULL);
}

static clvgg_status add_batch_norm(builder *b, const caffe_layer *layer)
{
    const VggCaffe__BatchNorm *p = layer->batch_norm_param;
    const vgg_attributes attributes = {.batch_norm = {.epsilon = p != NULL ? p->eps : 1e-5f}};
    return add(b, layer, layer->name, VGG_LAYER_BATCH_NORM, &attributes);
}

/* Belongs to the BatchNorm before it; by itself it is one that has neither mean nor variance. */
static clvgg_status add_scale(builder *b, const caffe_layer *layer)
{
    const VggCaffe__Scale *p = layer->scale_param;
    const int last = b->out->graph->count - 1;
    vgg_node *node = &b->out->graph->nodes[last];
    if (p != NULL && (p->axis != 1 || p->num_axes != 1))
        return unsupported(layer, "it isn't one factor for each channel");
    if (node->type != VGG_LAYER_BATCH_NORM || b->out->scale_of[last] != NULL) {
        const vgg_attributes plain = {.batch_norm = {.epsilon = 0, .affine = true}};
        VGG_PASS(add(b, NULL, layer->name, VGG_LAYER_BATCH_NORM, &plain));
    }
    node = &b->out->graph->nodes[b->out->graph->count - 1];
    node->attributes.batch_norm.affine = true;
    b->out->scale_of[b->out->graph->count - 1] = layer;
    return CLVGG_STATUS_OK;
}

static const struct {
    const char *type;
    clvgg_status (*add)(builder *b, const caffe_layer *layer); /* NULL: left out */
    size_t parameters; /* offset of what the layer must have; 0: nothing */
} layer_types[] = {
    {"Convolution", add_convolution, offsetof(caffe_layer, convolution_param)},
    {"InnerProduct", add_dense, offsetof(caffe_layer, inner_product_param)},
    {"Pooling", add_pooling, offsetof(caffe_layer, pooling_param)},
    {"LRN", add_lrn, 0},
    {"ReLU", add_relu, 0},
    {"Sigmoid", add_sigmoid, 0},
    {"TanH", add_tanh, 0},
    {"Dropout", add_dropout, 0},
    {"Flatten", add_flatten, 0},
    {"Softmax", add_softmax, 0},
    {"SoftmaxWithLoss", add_softmax, 0},
    {"BatchNorm", add_batch_norm, 0},
    {"Scale", add_scale, 0},
    {"Input", NULL, 0},
    {"Data", NULL, 0},
    {"ImageData", NULL, 0},
    {"HDF5Data", NULL, 0},
    {"MemoryData", NULL, 0},
    {"DummyData", NULL, 0},
    {"WindowData", NULL, 0},
    {"Split", NULL, 0},
    {"Silence", NULL, 0},
    {"Accuracy", NULL, 0},
    {"ArgMax", NULL, 0},
};
enum { LAYER_TYPES = sizeof layer_types / sizeof *layer_types };

static size_t find_type(const caffe_layer *layer)
{
    size_t type = 0;
    while (type < LAYER_TYPES && !is(layer, layer_types[type].type))
        type++;
    return type;
}

static bool has_parameters(const caffe_layer *layer, size_t offset)
{
    return offset == 0 || *(void *const *)(const void *)((const char *)layer + offset) != NULL;
}

/* ---- the chain ---- */

/* Says whether a blob is what the latest layer gives, or a copy of it, which Caffe names
 * BLOB_LAYER_INDEX_split_NUMBER. */
static bool is_current(const builder *b, const char *blob)
{
    const size_t length = b->blob != NULL ? strlen(b->blob) : 0;
    return b->blob == NULL || strcmp(blob, b->blob) == 0 ||
           (strncmp(blob, b->blob, length) == 0 && blob[length] == '_' &&
            strstr(blob + length, "_split_") != NULL);
}

static clvgg_status check_chain(builder *b, const caffe_layer *layer)
{
    const size_t most = is(layer, "SoftmaxWithLoss") ? 2 : 1; /* with the label */
    VGG_CHECK(layer->n_bottom >= 1 && layer->n_bottom <= most && layer->n_top <= 1,
              CLVGG_STATUS_UNSUPPORTED,
              "layer '%s' (%s) has %zu inputs and %zu outputs; networks of layers one behind "
              "another are read",
              layer->name, layer->type, layer->n_bottom, layer->n_top);
    VGG_CHECK(is_current(b, layer->bottom[0]), CLVGG_STATUS_UNSUPPORTED,
              "layer '%s' reads '%s', not what the layer before it gives, '%s'; networks of layers "
              "one behind another are read",
              layer->name, layer->bottom[0], b->blob);
    b->blob = layer->n_top == 1 ? layer->top[0] : "";
    return CLVGG_STATUS_OK;
}

static clvgg_status add_layer(builder *b, const caffe_layer *layer)
{
    const size_t type = find_type(layer);
    if (type == LAYER_TYPES)
        return unsupported(layer, "layers of this type aren't read");
    if (layer_types[type].add == NULL)
        return CLVGG_STATUS_OK;
    if (!has_parameters(layer, layer_types[type].parameters))
        return unsupported(layer, "the file doesn't hold its parameters");
    /* Another loss, of an auxiliary classifier or of the other phase. */
    if (is(layer, "SoftmaxWithLoss") && vgg_graph_find(b->out->graph, "prob") >= 0)
        return CLVGG_STATUS_OK;
    VGG_PASS(check_chain(b, layer));
    return layer_types[type].add(b, layer);
}

/* ---- the input ---- */

static const caffe_layer *first_of(const vgg_caffe *caffe, const char *type)
{
    for (size_t i = 0; i < caffe->count; i++)
        if (is(&caffe->layers[i], type))
            return &caffe->layers[i];
    return NULL;
}

/* Dimension `axis` of the first weights of a type, counted from 0 over the four of old. */
static int64_t dim_of(const vgg_caffe *caffe, const char *type, int axis)
{
    const caffe_layer *layer = first_of(caffe, type);
    clvgg_shape shape;
    if (layer == NULL || layer->n_blobs == 0 ||
        vgg_caffe_shape(caffe, layer, 0, &shape) != CLVGG_STATUS_OK || shape.rank < 2)
        return 0;
    return axis == 3 ? shape.dims[shape.rank - 1] : shape.dims[axis];
}

static void take_shape(const VggCaffe__BlobShape *shape, int64_t input[3])
{
    if (shape->n_dim == 4)
        memcpy(input, shape->dim + 1, 3 * sizeof *input);
}

/* What the file states; 0 where it doesn't. */
static void find_input(const vgg_caffe *caffe, int64_t input[3])
{
    const VggCaffe__Net *net = caffe->net;
    const caffe_layer *layer = first_of(caffe, "Input");
    if (net->n_input_shape > 0)
        take_shape(net->input_shape[0], input);
    else if (net->n_input_dim >= 4)
        for (int i = 0; i < 3; i++)
            input[i] = net->input_dim[i + 1];
    else if (layer != NULL && layer->input_param != NULL && layer->input_param->n_shape > 0)
        take_shape(layer->input_param->shape[0], input);
    for (size_t i = 0; i < caffe->count && input[1] == 0; i++)
        if (caffe->layers[i].transform_param != NULL)
            input[1] = input[2] = caffe->layers[i].transform_param->crop_size;
    if (input[0] == 0) {
        layer = first_of(caffe, "Convolution");
        const VggCaffe__Convolution *p = layer != NULL ? layer->convolution_param : NULL;
        input[0] = dim_of(caffe, "Convolution", 1) * (p != NULL ? p->group : 1);
        if (input[0] == 0)
            input[0] = 3; /* what is wrong with the weights is said where they are read */
    }
}

/* ---- the whole ---- */

static clvgg_status build(builder *b)
{
    vgg_caffe_network *out = b->out;
    b->blob = NULL;
    b->capacity = 2 * b->caffe->count + 3;
    VGG_PASS(vgg_graph_create(b->input[0], b->input[1], b->input[2], &out->graph));
    VGG_NEW_PASS(out->layer_of, b->capacity);
    VGG_NEW_PASS(out->scale_of, b->capacity);
    for (size_t i = 0; i < b->caffe->count; i++)
        VGG_PASS(add_layer(b, &b->caffe->layers[i]));
    const vgg_node *last = &out->graph->nodes[out->graph->count - 1];
    VGG_CHECK(out->graph->count > 1, CLVGG_STATUS_UNSUPPORTED, "has no layer that computes");
    return last->type == VGG_LAYER_DENSE ? add(b, NULL, "prob", VGG_LAYER_SOFTMAX, NULL)
                                         : CLVGG_STATUS_OK;
}

static clvgg_status build_square(void *user, int64_t side, vgg_graph **out)
{
    builder *b = user;
    vgg_caffe_network network = {0};
    b->out = &network;
    b->input[1] = b->input[2] = side;
    const clvgg_status status = build(b);
    if (status == CLVGG_STATUS_OK)
        VGG_GIVE(out, network.graph);
    vgg_caffe_network_free(&network);
    return status;
}

bool vgg_caffe_has_network(const vgg_caffe *caffe)
{
    size_t weighted = 0;
    for (size_t i = 0; i < caffe->count; i++) {
        const caffe_layer *layer = &caffe->layers[i];
        const size_t type = find_type(layer);
        if (layer->n_blobs > 0 && type < LAYER_TYPES) {
            if (!has_parameters(layer, layer_types[type].parameters) || layer->n_bottom == 0)
                return false;
            weighted++;
        }
    }
    return weighted > 0;
}

clvgg_status vgg_caffe_graph(const vgg_caffe *caffe, vgg_caffe_network *out)
{
    builder b = {.caffe = caffe};
    find_input(caffe, b.input);
    if (b.input[1] == 0 || b.input[2] == 0) {
        int64_t side;
        VGG_PASS(vgg_sequence_find_side(build_square, &b, dim_of(caffe, "InnerProduct", 3), &side));
        b.input[1] = b.input[2] = side;
    }
    b.out = out;
    return build(&b);
}

void vgg_caffe_network_free(vgg_caffe_network *network)
{
    vgg_graph_free(network->graph);
    vgg_free(network->layer_of);
    vgg_free(network->scale_of);
    *network = (vgg_caffe_network){0};
}

#else

typedef int vgg_caffe_graph_is_absent; /* C wants something in every file */

#endif

/* weights/caffe/caffe_layers.c — layers of a .caffemodel as nodes of ours, a row for each type.
 *
 * Source: BVLC/caffe, src/caffe/proto/caffe.proto and src/caffe/layers/.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <stddef.h>
#include <string.h>

#include "weights/caffe/caffe_layers.h"

typedef VggCaffe__Layer caffe_layer;

bool vgg_caffe_is(const caffe_layer *layer, const char *type)
{
    return strcmp(layer->type, type) == 0;
}

clvgg_status vgg_caffe_unsupported(const caffe_layer *layer, const char *what)
{
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "layer '%s' (%s): %s", layer->name, layer->type,
                    what);
}

static clvgg_status add(vgg_caffe_network *out, const caffe_layer *of, const char *name,
                        vgg_layer_type type, const vgg_attributes *attributes)
{
    vgg_graph *graph = out->sequence.graph;
    VGG_PASS(vgg_graph_add(graph, name, type, attributes, graph->count - 1, NULL));
    out->layer_of[graph->count - 1] = of;
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

#define PICK(p, what, axis, count, list, absent)                                                   \
    pick((axis) == 0 ? (p)->has_##what##_h : (p)->has_##what##_w,                                  \
         (axis) == 0 ? (p)->what##_h : (p)->what##_w, count, list, axis, absent)

static clvgg_status add_convolution(vgg_caffe_network *out, const caffe_layer *layer)
{
    const VggCaffe__Convolution *p = layer->convolution_param;
    vgg_attributes attributes = {
        .conv = {.out_channels = p->num_output, .groups = p->group, .bias = p->bias_term != 0}};
    vgg_conv_attributes *conv = &attributes.conv;
    if (p->axis != 1)
        return vgg_caffe_unsupported(layer, "it is along another axis than the channels");
    for (size_t axis = 0; axis < 2; axis++) {
        conv->kernel[axis] = PICK(p, kernel, axis, p->n_kernel_size, p->kernel_size, 0);
        conv->stride[axis] = PICK(p, stride, axis, p->n_stride, p->stride, 1);
        conv->pad[axis] = conv->pad[axis + 2] = PICK(p, pad, axis, p->n_pad, p->pad, 0);
        conv->dilation[axis] = pick(false, 0, p->n_dilation, p->dilation, axis, 1);
    }
    return add(out, layer, layer->name, VGG_LAYER_CONV2D, &attributes);
}

static clvgg_status add_dense(vgg_caffe_network *out, const caffe_layer *layer)
{
    const VggCaffe__InnerProduct *p = layer->inner_product_param;
    const vgg_attributes attributes = {
        .dense = {.out_features = p->num_output, .bias = p->bias_term != 0}};
    if (p->axis != 1 || p->transpose)
        return vgg_caffe_unsupported(layer,
                                     "its weights are transposed, or it is along another axis");
    VGG_PASS(vgg_sequence_flatten(&out->sequence));
    return add(out, layer, layer->name, VGG_LAYER_DENSE, &attributes);
}

static clvgg_status add_pooling(vgg_caffe_network *out, const caffe_layer *layer)
{
    const VggCaffe__Pooling *p = layer->pooling_param;
    const vgg_layer_type type = p->pool == 0 ? VGG_LAYER_MAX_POOL : VGG_LAYER_AVG_POOL;
    vgg_attributes attributes = {
        .pool = {.ceil_mode = p->round_mode == 0, .count_include_pad = type == VGG_LAYER_AVG_POOL}};
    vgg_pool_attributes *pool = &attributes.pool;
    if (p->pool != 0 && p->pool != 1)
        return vgg_caffe_unsupported(layer, "it is neither a max nor an average pooling");
    if (p->global_pooling) {
        const vgg_attributes all = {.pool = {.adaptive = {1, 1}}};
        return add(out, layer, layer->name, type, &all);
    }
    for (size_t axis = 0; axis < 2; axis++) {
        pool->kernel[axis] = PICK(p, kernel, axis, 1, &p->kernel_size, 0);
        pool->stride[axis] = PICK(p, stride, axis, 1, &p->stride, 1);
        pool->pad[axis] = pool->pad[axis + 2] = PICK(p, pad, axis, 1, &p->pad, 0);
    }
    return add(out, layer, layer->name, type, &attributes);
}

static clvgg_status add_lrn(vgg_caffe_network *out, const caffe_layer *layer)
{
    static const VggCaffe__Lrn usual = VGG_CAFFE__LRN__INIT;
    const VggCaffe__Lrn *p = layer->lrn_param != NULL ? layer->lrn_param : &usual;
    const vgg_attributes attributes = {
        .lrn = {.size = p->local_size, .alpha = p->alpha, .beta = p->beta, .k = p->k}};
    if (p->norm_region != 0 || p->local_size % 2 == 0)
        return vgg_caffe_unsupported(
            layer, "it normalises within channels, or over an even number of them");
    return add(out, layer, layer->name, VGG_LAYER_LOCAL_RESPONSE_NORM, &attributes);
}

static clvgg_status add_relu(vgg_caffe_network *out, const caffe_layer *layer)
{
    if (layer->relu_param != NULL && layer->relu_param->negative_slope != 0)
        return vgg_caffe_unsupported(layer, "a leaky ReLU; plain ones are read");
    return add(out, layer, layer->name, VGG_LAYER_RELU, NULL);
}

static clvgg_status add_dropout(vgg_caffe_network *out, const caffe_layer *layer)
{
    const vgg_attributes attributes = {
        .dropout_rate = layer->dropout_param != NULL ? layer->dropout_param->dropout_ratio : 0.5f};
    return add(out, layer, layer->name, VGG_LAYER_DROPOUT, &attributes);
}

/* The loss is what follows the logits while a network is trained. */
static clvgg_status add_softmax(vgg_caffe_network *out, const caffe_layer *layer)
{
    if (vgg_sequence_last(&out->sequence)->output.rank != 1)
        return vgg_caffe_unsupported(layer,
                                     "it reads an image; classifiers of whole images are read");
    return add(out, layer, vgg_caffe_is(layer, "Softmax") ? layer->name : "prob", VGG_LAYER_SOFTMAX,
               NULL);
}

static clvgg_status add_batch_norm(vgg_caffe_network *out, const caffe_layer *layer)
{
    const VggCaffe__BatchNorm *p = layer->batch_norm_param;
    const vgg_attributes attributes = {.batch_norm = {.epsilon = p != NULL ? p->eps : 1e-5f}};
    return add(out, layer, layer->name, VGG_LAYER_BATCH_NORM, &attributes);
}

/* Belongs to the BatchNorm before it; by itself it is one that has neither mean nor variance. */
static clvgg_status add_scale(vgg_caffe_network *out, const caffe_layer *layer)
{
    const VggCaffe__Scale *p = layer->scale_param;
    const vgg_graph *graph = out->sequence.graph;
    const int last = graph->count - 1;
    if (p != NULL && (p->axis != 1 || p->num_axes != 1))
        return vgg_caffe_unsupported(layer, "it isn't one factor for each channel");
    if (graph->nodes[last].type != VGG_LAYER_BATCH_NORM || out->scale_of[last] != NULL) {
        const vgg_attributes plain = {.batch_norm = {.epsilon = 0, .affine = true}};
        VGG_PASS(add(out, NULL, layer->name, VGG_LAYER_BATCH_NORM, &plain));
    }
    graph->nodes[graph->count - 1].attributes.batch_norm.affine = true;
    out->scale_of[graph->count - 1] = layer;
    return CLVGG_STATUS_OK;
}

static const vgg_caffe_layer_type layer_types[] = {
    {"Convolution", offsetof(caffe_layer, convolution_param), .add = add_convolution},
    {"InnerProduct", offsetof(caffe_layer, inner_product_param), .add = add_dense},
    {"Pooling", offsetof(caffe_layer, pooling_param), .add = add_pooling},
    {"LRN", .add = add_lrn},
    {"ReLU", .add = add_relu},
    {"Sigmoid", .plain = VGG_LAYER_SIGMOID},
    {"TanH", .plain = VGG_LAYER_TANH},
    {"Dropout", .add = add_dropout},
    {"Flatten", .plain = VGG_LAYER_FLATTEN},
    {"Softmax", .add = add_softmax},
    {"SoftmaxWithLoss", .add = add_softmax},
    {"BatchNorm", .add = add_batch_norm},
    {"Scale", .add = add_scale},
    {.type = "Input"},
    {.type = "Data"},
    {.type = "ImageData"},
    {.type = "HDF5Data"},
    {.type = "MemoryData"},
    {.type = "DummyData"},
    {.type = "WindowData"},
    {.type = "Split"},
    {.type = "Silence"},
    {.type = "Accuracy"},
    {.type = "ArgMax"},
};

const vgg_caffe_layer_type *vgg_caffe_type_of(const caffe_layer *layer)
{
    for (size_t i = 0; i < sizeof layer_types / sizeof *layer_types; i++)
        if (vgg_caffe_is(layer, layer_types[i].type))
            return &layer_types[i];
    return NULL;
}

bool vgg_caffe_has_parameters(const caffe_layer *layer, const vgg_caffe_layer_type *type)
{
    const char *at = (const char *)layer + type->parameters;
    return type->parameters == 0 || *(void *const *)(const void *)at != NULL;
}

clvgg_status vgg_caffe_add(vgg_caffe_network *out, const caffe_layer *layer,
                           const vgg_caffe_layer_type *type)
{
    return type->add != NULL ? type->add(out, layer)
                             : add(out, layer, layer->name, type->plain, NULL);
}

#else

typedef int vgg_caffe_layers_are_absent; /* C wants something in every file */

#endif

/* weights/onnx/weights_onnx_affine.c — ONNX operators on each value by itself: activations, batch
 * norm, and sums and products with constants, which are biases or batch norm in other words.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <float.h>
#include <string.h>

#include "weights/onnx/weights_onnx.h"

static clvgg_status add_plain(vgg_onnx_walk *walk, vgg_layer_type type)
{
    vgg_onnx_layer *layer;
    return vgg_onnx_add(walk, type, NULL, &layer);
}

clvgg_status vgg_onnx_Relu(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    (void)node;
    return add_plain(walk, VGG_LAYER_RELU);
}

/* From 0 on, without an end. */
clvgg_status vgg_onnx_Clip(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    float low = vgg_onnx_float(node, "min", -FLT_MAX), high = vgg_onnx_float(node, "max", FLT_MAX);
    if (vgg_onnx_input(node, 1) != NULL) /* since operator set 11 */
        VGG_PASS(vgg_onnx_number(walk, node, 1, &low));
    if (vgg_onnx_input(node, 2) != NULL)
        VGG_PASS(vgg_onnx_number(walk, node, 2, &high));
    if (low != 0.0f || high < FLT_MAX)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "clips to %g … %g; 0 without a largest value, which is ReLU, is read",
                             (double)low, (double)high);
    return add_plain(walk, VGG_LAYER_RELU);
}

clvgg_status vgg_onnx_Sigmoid(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    (void)node;
    return add_plain(walk, VGG_LAYER_SIGMOID);
}

clvgg_status vgg_onnx_Tanh(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    (void)node;
    return add_plain(walk, VGG_LAYER_TANH);
}

clvgg_status vgg_onnx_Dropout(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    vgg_attributes a = {.dropout_rate = vgg_onnx_float(node, "ratio", 0.5f)};
    vgg_onnx_layer *layer;
    if (vgg_onnx_input(node, 1) != NULL) /* since operator set 12 */
        VGG_PASS(vgg_onnx_number(walk, node, 1, &a.dropout_rate));
    return vgg_onnx_add(walk, VGG_LAYER_DROPOUT, &a, &layer);
}

clvgg_status vgg_onnx_Identity(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    (void)walk;
    (void)node;
    return CLVGG_STATUS_OK;
}

/* From one floating type to another. */
clvgg_status vgg_onnx_Cast(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    const int64_t to = vgg_onnx_int(node, "to", 0);
    if (!walk->is_class && (!vgg_onnx_is_float((int)to) || to > VGG_ONNX_BFLOAT16))
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "makes ONNX's type %lld of the values",
                             (long long)to);
    return CLVGG_STATUS_OK;
}

/* ---- one value a channel ---- */

/* Makes a constant that is added or multiplied an array of one value for each channel, or feature.
 */
static clvgg_status as_channels(const vgg_onnx_walk *walk, const VggOnnx__Node *node,
                                vgg_onnx_view *view)
{
    const int64_t channels = vgg_onnx_shape(walk)->dims[0];
    const int at = walk->rank == 4 ? vgg_onnx_axis(walk, VGG_ONNX_C) : 1;
    const int first = walk->rank - view->rank; /* axes are matched from the last one on */
    int64_t stride = 0;
    for (int i = 0; i < view->rank; i++) {
        if (view->dims[i] == 1)
            continue;
        if (first + i != at || view->dims[i] != channels)
            return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                                 "tensor '%.200s' isn't one value for each of %lld channels",
                                 view->tensor.name, (long long)channels);
        stride = view->strides[i];
    }
    view->rank = 1;
    view->dims[0] = channels;
    view->strides[0] = stride;
    return vgg_onnx_split_features(walk, node, 0, view);
}

/* The operand that isn't the value that flows. */
static clvgg_status read_channels(vgg_onnx_walk *walk, const VggOnnx__Node *node,
                                  vgg_onnx_view *view)
{
    if (node->n_input != 2)
        return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE, "has %zu inputs", node->n_input);
    const size_t other = strcmp(node->input[0], walk->value) == 0 ? 1 : 0;
    VGG_PASS(vgg_onnx_operand(walk, node, other, view));
    return as_channels(walk, node, view);
}

/* A batch norm that does nothing yet. */
static clvgg_status add_affine(vgg_onnx_walk *walk, vgg_onnx_layer **layer)
{
    const vgg_attributes a = {.batch_norm = {.epsilon = 0.0f, .affine = true}};
    const int64_t channels = vgg_onnx_shape(walk)->dims[0];
    static const float nothing[VGG_ONNX_PARAMETERS] = {
        [VGG_WEIGHT] = 1.0f, [VGG_BIAS] = 0.0f, [VGG_MEAN] = 0.0f, [VGG_VARIANCE] = 1.0f};
    VGG_PASS(vgg_onnx_add(walk, VGG_LAYER_BATCH_NORM, &a, layer));
    for (int i = 0; i < VGG_ONNX_PARAMETERS; i++)
        (*layer)->parameters[i] = vgg_onnx_view_filled(nothing[i], channels);
    (*layer)->is_arithmetic = true;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_Add(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    vgg_onnx_view view;
    VGG_PASS(read_channels(walk, node, &view));
    vgg_node *last = &walk->graph->nodes[walk->graph->count - 1];
    vgg_onnx_layer *layer = vgg_onnx_last(walk, VGG_LAYER_CONV2D);
    bool *bias = &last->attributes.conv.bias;
    if (layer == NULL) {
        layer = vgg_onnx_last(walk, VGG_LAYER_DENSE);
        bias = &last->attributes.dense.bias;
    }
    if (layer != NULL && !*bias) {
        *bias = true;
        layer->parameters[VGG_BIAS] = view;
        return CLVGG_STATUS_OK;
    }
    layer = vgg_onnx_last(walk, VGG_LAYER_BATCH_NORM);
    if (layer == NULL || !layer->is_arithmetic || layer->has_bias)
        VGG_PASS(add_affine(walk, &layer));
    layer->parameters[VGG_BIAS] = view;
    layer->has_bias = true;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_Sub(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    vgg_onnx_view view;
    vgg_onnx_layer *layer;
    if (node->n_input != 2 || strcmp(node->input[0], walk->value) != 0)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "subtracts the value from a constant");
    VGG_PASS(read_channels(walk, node, &view));
    VGG_PASS(add_affine(walk, &layer));
    layer->parameters[VGG_MEAN] = view;
    layer->has_mean = true;
    return CLVGG_STATUS_OK;
}

static clvgg_status scale(vgg_onnx_walk *walk, const vgg_onnx_view *by)
{
    vgg_onnx_layer *layer = vgg_onnx_last(walk, VGG_LAYER_BATCH_NORM);
    if (layer == NULL || !layer->is_arithmetic || layer->has_weight || layer->has_bias)
        VGG_PASS(add_affine(walk, &layer));
    layer->parameters[VGG_WEIGHT] = *by;
    layer->has_weight = true;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_Mul(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    vgg_onnx_view view;
    VGG_PASS(read_channels(walk, node, &view));
    return scale(walk, &view);
}

clvgg_status vgg_onnx_Div(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    vgg_onnx_view view;
    if (node->n_input != 2 || strcmp(node->input[0], walk->value) != 0)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "divides a constant by the value");
    VGG_PASS(read_channels(walk, node, &view));
    if (!view.is_filled && view.tensor.type != VGG_ONNX_FLOAT &&
        view.tensor.type != VGG_ONNX_DOUBLE)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "divides by tensor '%.200s', which has 16-bit values",
                             view.tensor.name);
    view.fill = 1.0f / view.fill;
    view.is_inverse = !view.is_filled;
    return scale(walk, &view);
}

clvgg_status vgg_onnx_BatchNormalization(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    const vgg_attributes a = {
        .batch_norm = {.epsilon = vgg_onnx_float(node, "epsilon", 1e-5f), .affine = true}};
    vgg_onnx_view views[VGG_ONNX_PARAMETERS];
    vgg_onnx_layer *layer;
    if (vgg_onnx_int(node, "training_mode", 0) != 0)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "is in training mode: it would take its statistics from the batch");
    if (walk->rank == 4 && walk->order[1] != VGG_ONNX_C)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "isn't over channels");
    /* scale, B, input_mean, input_var: in the order of a layer's parameters. */
    for (int i = 0; i < VGG_ONNX_PARAMETERS; i++) {
        VGG_PASS(vgg_onnx_operand(walk, node, (size_t)i + 1, &views[i]));
        if (views[i].rank != 1 || views[i].dims[0] != vgg_onnx_shape(walk)->dims[0])
            return vgg_onnx_fail(node, CLVGG_STATUS_SHAPE_MISMATCH,
                                 "tensor '%.200s' isn't of %lld channels", views[i].tensor.name,
                                 (long long)vgg_onnx_shape(walk)->dims[0]);
        VGG_PASS(vgg_onnx_split_features(walk, node, 0, &views[i]));
    }
    VGG_PASS(vgg_onnx_add(walk, VGG_LAYER_BATCH_NORM, &a, &layer));
    memcpy(layer->parameters, views, sizeof views);
    return CLVGG_STATUS_OK;
}

#else
typedef int vgg_onnx_affine_is_absent; /* C wants something in every file */
#endif

/* graph/layer_activation.c — layers that keep their input's shape: activations and dropout. */
#include <math.h>
#include <stddef.h>

#include "graph/layer.h"

static clvgg_status add_slope(vgg_walk *walk, int at, vgg_slope slope)
{
    const vgg_attributes attributes = {.slope = slope};
    return vgg_walk_add(walk, "slope of", at, VGG_LAYER_ACTIVATION_GRAD, &attributes, at);
}

static clvgg_status activation_back(vgg_walk *walk, int at)
{
    return add_slope(walk, at, vgg_layer_of(vgg_walk_node(walk, at)->type)->activation->slope);
}

static clvgg_status relu_back(vgg_walk *walk, int at)
{
    if (walk->mode == CLVGG_PROJECTION_DECONV)
        return vgg_walk_add(walk, "rectified", at, VGG_LAYER_RELU, NULL, -1);
    return add_slope(walk, at,
                     walk->mode == CLVGG_PROJECTION_GUIDED ? VGG_SLOPE_GUIDED : VGG_SLOPE_RELU);
}

static double relu_value(double x)
{
    return x < 0 ? 0 : x;
}

static double relu_derivative(double y)
{
    return y > 0;
}

static double sigmoid_value(double x)
{
    return 1 / (1 + exp(-x));
}

static double sigmoid_derivative(double y)
{
    return y * (1 - y);
}

static double tangent_derivative(double y)
{
    return 1 - y * y;
}

static double activation_element(const vgg_element *e)
{
    return vgg_layer_of(e->node->type)->activation->value(vgg_element_input(e));
}

static const vgg_activation relu = {.function = 1,
                                    .slope = VGG_SLOPE_RELU,
                                    .rectifies = true,
                                    .value = relu_value,
                                    .derivative = relu_derivative,
                                    .in_heads = true,
                                    .head = CLVGG_ACTIVATION_RELU};
const vgg_layer vgg_layer_relu = {
    .name = "relu",
    .color = "#b2df8a",
    .infer = vgg_layer_infer_same,
    .element = activation_element,
    .fused_as = VGG_FUSED_RELU,
    .activation = &relu,
    .step_back = relu_back,
};

static const vgg_activation sigmoid = {.function = 2,
                                       .slope = VGG_SLOPE_SIGMOID,
                                       .moves_zero = true,
                                       .value = sigmoid_value,
                                       .derivative = sigmoid_derivative,
                                       .in_heads = true,
                                       .head = CLVGG_ACTIVATION_SIGMOID};
const vgg_layer vgg_layer_sigmoid = {
    .name = "sigmoid",
    .color = "#b2df8a",
    .infer = vgg_layer_infer_same,
    .element = activation_element,
    .activation = &sigmoid,
    .step_back = activation_back,
};

static const vgg_activation tangent = {.function = 3,
                                       .slope = VGG_SLOPE_TANH,
                                       .value = tanh,
                                       .derivative = tangent_derivative,
                                       .in_heads = true,
                                       .head = CLVGG_ACTIVATION_TANH};
const vgg_layer vgg_layer_tanh = {
    .name = "tanh",
    .color = "#b2df8a",
    .infer = vgg_layer_infer_same,
    .element = activation_element,
    .activation = &tangent,
    .step_back = activation_back,
};

static clvgg_status infer_softmax(const vgg_node *node, const clvgg_shape *input,
                                  clvgg_shape *output)
{
    *output = *input;
    return vgg_layer_check_flat(node, input);
}

static double softmax_element(const vgg_element *e)
{
    double largest = -INFINITY, sum = 0;
    for (int64_t i = 0; i < e->input->dims[0]; i++)
        largest = (double)e->x[i] > largest ? (double)e->x[i] : largest;
    for (int64_t i = 0; i < e->input->dims[0]; i++)
        sum += exp((double)e->x[i] - largest);
    return exp(vgg_element_input(e) - largest) / sum;
}

const vgg_layer vgg_layer_softmax = {
    .name = "softmax",
    .color = "#fb9a99",
    .infer = infer_softmax,
    .element = softmax_element,
    .probabilities = true,
    .reads_all = true,
};

static clvgg_status infer_dropout(const vgg_node *node, const clvgg_shape *input,
                                  clvgg_shape *output)
{
    float rate = node->attributes.dropout_rate;
    if (!(rate >= 0.0f && rate < 1.0f))
        return vgg_layer_fail(node, CLVGG_STATUS_INVALID_ARGUMENT,
                              "rate is %g, must be at least 0 and below 1", (double)rate);
    *output = *input;
    return CLVGG_STATUS_OK;
}

static void describe_dropout(const vgg_node *node, char *text, size_t capacity)
{
    vgg_describe(text, capacity, "rate %g", (double)node->attributes.dropout_rate);
}

static float dropout_rate(const vgg_node *node)
{
    return node->attributes.dropout_rate;
}

static const vgg_field dropout_fields[] = {
    {"rate", VGG_FIELD_FLOAT, 1, offsetof(vgg_attributes, dropout_rate), true, 0},
};

const vgg_layer vgg_layer_dropout = {
    .name = "dropout",
    .color = "#eeeeee",
    .fields = dropout_fields,
    .field_count = 1,
    .infer = infer_dropout,
    .describe = describe_dropout,
    .alias = true, /* identity outside training */
    .keeps_sign = true,
    .dropout_rate = dropout_rate,
    .step_back = vgg_walk_pass,
};

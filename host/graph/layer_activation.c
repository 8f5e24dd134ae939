/* graph/layer_activation.c — layers that keep their input's shape: activations and dropout. */
#include <stddef.h>

#include "graph/layer.h"

static clvgg_status infer_same(const vgg_node *node, const clvgg_shape *input, clvgg_shape *output)
{
    (void)node;
    *output = *input;
    return CLVGG_STATUS_OK;
}

const vgg_layer vgg_layer_relu = {.name = "relu", .color = "#b2df8a", .infer = infer_same};
const vgg_layer vgg_layer_sigmoid = {.name = "sigmoid", .color = "#b2df8a", .infer = infer_same};
const vgg_layer vgg_layer_tanh = {.name = "tanh", .color = "#b2df8a", .infer = infer_same};

static clvgg_status infer_softmax(const vgg_node *node, const clvgg_shape *input,
                                  clvgg_shape *output)
{
    *output = *input;
    return vgg_layer_check_flat(node, input);
}

const vgg_layer vgg_layer_softmax = {.name = "softmax", .color = "#fb9a99", .infer = infer_softmax};

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
};

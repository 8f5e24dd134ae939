/* graph/layer_dense.c — the fully connected layer, and the flattening before it (CHW order). */
#include <stddef.h>

#include "graph/layer.h"
#include "tensor/shape.h"

static clvgg_status infer_dense(const vgg_node *node, const clvgg_shape *input, clvgg_shape *output)
{
    const vgg_dense_attributes *dense = &node->attributes.dense;
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_TRY(vgg_layer_check_flat(node, input));
    VGG_TRY(vgg_layer_check_range(node, "out_features", &dense->out_features, 1, 1));
    *output = (clvgg_shape){1, {dense->out_features}};
cleanup:
    return status;
}

static clvgg_shape weight_shape(const vgg_node *node, const clvgg_shape *input)
{
    return (clvgg_shape){2, {node->attributes.dense.out_features, input->dims[0]}};
}

static bool has_bias(const vgg_node *node)
{
    return node->attributes.dense.bias;
}

static void describe(const vgg_node *node, char *text, size_t capacity)
{
    if (!node->attributes.dense.bias)
        vgg_describe(text, capacity, "no bias");
}

static const vgg_field fields[] = {
    {"out_features", VGG_FIELD_INTEGER, 1, offsetof(vgg_attributes, dense.out_features), true, 0},
    {"bias", VGG_FIELD_BOOL, 1, offsetof(vgg_attributes, dense.bias), false, true},
};

const vgg_layer vgg_layer_dense = {
    .name = "dense",
    .color = "#cab2d6",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .infer = infer_dense,
    .weight_shape = weight_shape,
    .has_bias = has_bias,
    .describe = describe,
};

static clvgg_status infer_flatten(const vgg_node *node, const clvgg_shape *input,
                                  clvgg_shape *output)
{
    (void)node;
    *output = (clvgg_shape){1, {(int64_t)vgg_shape_elements(input)}};
    return CLVGG_STATUS_OK;
}

const vgg_layer vgg_layer_flatten = {.name = "flatten", .color = "#ffffff", .infer = infer_flatten};

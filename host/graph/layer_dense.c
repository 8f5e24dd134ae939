/* graph/layer_dense.c — the fully connected layer, and the flattening before it (CHW order). */
#include <stddef.h>

#include "graph/layer.h"
#include "tensor/shape.h"

static clvgg_status infer_dense(const vgg_node *node, const clvgg_shape *input, clvgg_shape *output)
{
    const vgg_dense_attributes *dense = &node->attributes.dense;
    VGG_PASS(vgg_layer_check_flat(node, input));
    VGG_PASS(vgg_layer_check_range(node, "out_features", &dense->out_features, 1, 1));
    *output = (clvgg_shape){1, {dense->out_features}};
    return CLVGG_STATUS_OK;
}

static clvgg_shape weight_shape(const vgg_node *node, const clvgg_shape *input)
{
    return (clvgg_shape){2, {node->attributes.dense.out_features, input->dims[0]}};
}

static clvgg_shape bias_shape(const vgg_node *node, const clvgg_shape *input)
{
    (void)input;
    return (clvgg_shape){1, {node->attributes.dense.out_features}};
}

static bool has_bias(const vgg_node *node)
{
    return node->attributes.dense.bias;
}

/* 1x1 on {features, 1, 1}. */
static vgg_conv_attributes as_convolution(const vgg_node *node)
{
    return (vgg_conv_attributes){.out_channels = node->attributes.dense.out_features,
                                 .kernel = {1, 1},
                                 .stride = {1, 1},
                                 .dilation = {1, 1},
                                 .groups = 1,
                                 .bias = node->attributes.dense.bias};
}

static clvgg_status dense_back(vgg_walk *walk, int at)
{
    const clvgg_shape in = vgg_walk_input(walk, at);
    const vgg_attributes attributes = {.dense = {(int64_t)vgg_shape_elements(&in), false}};
    return vgg_walk_add_transposed(walk, at, VGG_LAYER_DENSE, &attributes);
}

static void describe(const vgg_node *node, char *text, size_t capacity)
{
    if (!node->attributes.dense.bias)
        vgg_describe(text, capacity, "no bias");
}

static void give_bias(vgg_attributes *attributes)
{
    attributes->dense.bias = true;
}

static double element_of(const vgg_element *e)
{
    double sum = e->rows[VGG_BIAS] != NULL ? (double)*e->rows[VGG_BIAS] : 0;
    for (int64_t i = 0; i < e->input->dims[0]; i++)
        sum += (double)e->x[i] * (double)e->rows[VGG_WEIGHT][i];
    return sum;
}

static const vgg_field fields[] = {
    {"out_features", VGG_FIELD_INTEGER, 1, offsetof(vgg_attributes, dense.out_features), true, 0},
    {"bias", VGG_FIELD_BOOL, 1, offsetof(vgg_attributes, dense.bias), false, true},
};

static const vgg_layer_parameter parameters[] = {
    [VGG_WEIGHT] = {"weight", weight_shape, NULL},
    [VGG_BIAS] = {"bias", bias_shape, has_bias},
};

const vgg_layer vgg_layer_dense = {
    .name = "dense",
    .color = "#cab2d6",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .infer = infer_dense,
    .describe = describe,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .as_convolution = as_convolution,
    .give_bias = give_bias,
    .element = element_of,
    .fuses = VGG_FUSED_RELU,
    .reads_all = true,
    .step_back = dense_back,
};

static clvgg_status infer_flatten(const vgg_node *node, const clvgg_shape *input,
                                  clvgg_shape *output)
{
    (void)node;
    *output = (clvgg_shape){1, {(int64_t)vgg_shape_elements(input)}};
    return CLVGG_STATUS_OK;
}

static clvgg_status flatten_back(vgg_walk *walk, int at)
{
    const clvgg_shape in = vgg_walk_input(walk, at);
    if (in.rank != 3)
        return CLVGG_STATUS_OK;
    const vgg_attributes attributes = {.unflatten = {in.dims[0], in.dims[1], in.dims[2]}};
    return vgg_walk_add(walk, "image of", at, VGG_LAYER_UNFLATTEN, &attributes, -1);
}

const vgg_layer vgg_layer_flatten = {
    .name = "flatten",
    .color = "#ffffff",
    .infer = infer_flatten,
    .alias = true,
    .flattens = true,
    .keeps_sign = true,
    .reads_all = true,
    .step_back = flatten_back,
};

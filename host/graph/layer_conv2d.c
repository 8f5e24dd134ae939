/* graph/layer_conv2d.c — convolution: any kernel, stride, four-sided padding, dilation, groups.
 *
 * Output extent: floor((in + pad − dilation·(kernel − 1) − 1) / stride) + 1, as in PyTorch.
 */
#include <stddef.h>

#include "graph/layer.h"

static clvgg_status check_attributes(const vgg_node *node)
{
    const vgg_conv_attributes *conv = &node->attributes.conv;
    VGG_PASS(vgg_layer_check_range(node, "out_channels", &conv->out_channels, 1, 1));
    VGG_PASS(vgg_layer_check_range(node, "kernel", conv->kernel, 2, 1));
    VGG_PASS(vgg_layer_check_range(node, "stride", conv->stride, 2, 1));
    VGG_PASS(vgg_layer_check_range(node, "dilation", conv->dilation, 2, 1));
    VGG_PASS(vgg_layer_check_range(node, "pad", conv->pad, 4, 0));
    return vgg_layer_check_range(node, "groups", &conv->groups, 1, 1);
}

static clvgg_status infer(const vgg_node *node, const clvgg_shape *input, clvgg_shape *output)
{
    const vgg_conv_attributes *conv = &node->attributes.conv;
    VGG_PASS(vgg_layer_check_image(node, input));
    VGG_PASS(check_attributes(node));
    if (input->dims[0] % conv->groups != 0)
        return vgg_layer_fail(node, CLVGG_STATUS_SHAPE_MISMATCH,
                              "groups %lld don't divide %lld input channels",
                              (long long)conv->groups, (long long)input->dims[0]);
    if (conv->out_channels % conv->groups != 0)
        return vgg_layer_fail(node, CLVGG_STATUS_SHAPE_MISMATCH,
                              "groups %lld don't divide %lld output channels",
                              (long long)conv->groups, (long long)conv->out_channels);
    *output = (clvgg_shape){3, {conv->out_channels}};
    for (int axis = 0; axis < 2; axis++) {
        int64_t padded = input->dims[1 + axis] + conv->pad[axis] + conv->pad[axis + 2];
        int64_t reach = conv->dilation[axis] * (conv->kernel[axis] - 1) + 1;
        if (padded < reach)
            return vgg_layer_fail(node, CLVGG_STATUS_SHAPE_MISMATCH,
                                  "the kernel reaches over %lld %s, the padded input has %lld",
                                  (long long)reach, axis == 0 ? "rows" : "columns",
                                  (long long)padded);
        output->dims[1 + axis] = (padded - reach) / conv->stride[axis] + 1;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_shape weight_shape(const vgg_node *node, const clvgg_shape *input)
{
    const vgg_conv_attributes *conv = &node->attributes.conv;
    return (clvgg_shape){
        4, {conv->out_channels, input->dims[0] / conv->groups, conv->kernel[0], conv->kernel[1]}};
}

static clvgg_shape bias_shape(const vgg_node *node, const clvgg_shape *input)
{
    (void)input;
    return (clvgg_shape){1, {node->attributes.conv.out_channels}};
}

static bool has_bias(const vgg_node *node)
{
    return node->attributes.conv.bias;
}

static vgg_conv_attributes as_convolution(const vgg_node *node)
{
    return node->attributes.conv;
}

static bool window_of(const vgg_node *node, const clvgg_shape *input, int axis, vgg_window *window)
{
    const vgg_conv_attributes *conv = &node->attributes.conv;
    (void)input;
    *window =
        (vgg_window){conv->kernel[axis], conv->stride[axis], conv->dilation[axis], conv->pad[axis]};
    return true;
}

/* A stride of 1 makes the transposed convolution one with the window turned round. */
static bool turns_round(const vgg_conv_attributes *conv)
{
    bool turns = conv->groups == 1;
    for (int axis = 0; axis < 2; axis++) {
        const int64_t reach = conv->dilation[axis] * (conv->kernel[axis] - 1);
        turns = turns && conv->stride[axis] == 1 && conv->pad[axis] <= reach &&
                conv->pad[axis + 2] <= reach;
    }
    return turns;
}

/* Goes back as a convolution where the window can be turned round, else by spreading each value
 * over its window (a 1×1 convolution makes the windows, col2im adds them). */
static clvgg_status step_back(vgg_walk *walk, int at)
{
    const clvgg_shape in = vgg_walk_input(walk, at);
    const vgg_conv_attributes conv = vgg_walk_node(walk, at)->attributes.conv;
    vgg_attributes attributes = {.conv = conv};
    attributes.conv.bias = false;
    attributes.conv.out_channels = in.dims[0];
    if (turns_round(&conv)) {
        for (int side = 0; side < 4; side++)
            attributes.conv.pad[side] =
                conv.dilation[side % 2] * (conv.kernel[side % 2] - 1) - conv.pad[side];
        return vgg_walk_add_transposed(walk, at, VGG_LAYER_CONV2D, &attributes);
    }
    attributes.conv = (vgg_conv_attributes){
        .out_channels = in.dims[0] * conv.kernel[0] * conv.kernel[1],
        .kernel = {1, 1},
        .stride = {1, 1},
        .dilation = {1, 1},
        .groups = 1,
    };
    VGG_PASS(vgg_walk_add_transposed(walk, at, VGG_LAYER_CONV2D, &attributes));
    attributes.col2im = (vgg_col2im_attributes){conv, in.dims[0], {in.dims[1], in.dims[2]}};
    return vgg_walk_add(walk, "windows of", at, VGG_LAYER_COL2IM, &attributes, -1);
}

static void describe(const vgg_node *node, char *text, size_t capacity)
{
    const vgg_conv_attributes *conv = &node->attributes.conv;
    vgg_describe(text, capacity, "%lldx%lld", (long long)conv->kernel[0],
                 (long long)conv->kernel[1]);
    vgg_describe_pair(text, capacity, "stride", conv->stride);
    vgg_describe_pad(text, capacity, conv->pad);
    if (conv->dilation[0] != 1 || conv->dilation[1] != 1)
        vgg_describe_pair(text, capacity, "dilation", conv->dilation);
    if (conv->groups != 1)
        vgg_describe(text, capacity, " groups %lld", (long long)conv->groups);
    if (!conv->bias)
        vgg_describe(text, capacity, " no bias");
}

static void give_bias(vgg_attributes *attributes)
{
    attributes->conv.bias = true;
}

static double element_of(const vgg_element *e)
{
    const vgg_conv_attributes *conv = &e->node->attributes.conv;
    const int64_t height = e->input->dims[1], width = e->input->dims[2];
    const int64_t channels = e->input->dims[0] / conv->groups;
    const int64_t group = e->at[0] / (conv->out_channels / conv->groups);
    const float *plane = e->x + group * channels * height * width, *weight = e->rows[VGG_WEIGHT];
    double sum = e->rows[VGG_BIAS] != NULL ? (double)*e->rows[VGG_BIAS] : 0;
    for (int64_t c = 0; c < channels; c++, plane += height * width)
        for (int64_t i = 0; i < conv->kernel[0] * conv->kernel[1]; i++, weight++) {
            const int64_t y = e->at[1] * conv->stride[0] - conv->pad[VGG_TOP] +
                              i / conv->kernel[1] * conv->dilation[0];
            const int64_t x = e->at[2] * conv->stride[1] - conv->pad[VGG_LEFT] +
                              i % conv->kernel[1] * conv->dilation[1];
            if (y >= 0 && y < height && x >= 0 && x < width)
                sum += (double)plane[y * width + x] * (double)*weight;
        }
    return sum;
}

static const vgg_field fields[] = {
    {"out_channels", VGG_FIELD_INTEGER, 1, offsetof(vgg_attributes, conv.out_channels), true, 0},
    {"kernel", VGG_FIELD_INTEGER, 2, offsetof(vgg_attributes, conv.kernel), true, 0},
    {"stride", VGG_FIELD_INTEGER, 2, offsetof(vgg_attributes, conv.stride), false, 1},
    {"dilation", VGG_FIELD_INTEGER, 2, offsetof(vgg_attributes, conv.dilation), false, 1},
    {"pad", VGG_FIELD_INTEGER, 4, offsetof(vgg_attributes, conv.pad), false, 0},
    {"groups", VGG_FIELD_INTEGER, 1, offsetof(vgg_attributes, conv.groups), false, 1},
    {"bias", VGG_FIELD_BOOL, 1, offsetof(vgg_attributes, conv.bias), false, true},
};

static const vgg_layer_parameter parameters[] = {
    [VGG_WEIGHT] = {"weight", weight_shape, NULL},
    [VGG_BIAS] = {"bias", bias_shape, has_bias},
};

const vgg_layer vgg_layer_conv2d = {
    .name = "conv2d",
    .color = "#a6cee3",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .infer = infer,
    .describe = describe,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .as_convolution = as_convolution,
    .give_bias = give_bias,
    .element = element_of,
    .fuses = VGG_FUSED_RELU | VGG_FUSED_POOL,
    .window = window_of,
    .step_back = step_back,
};

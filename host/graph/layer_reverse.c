/* graph/layer_reverse.c — layers of walks back through a network (vis/reverse_graph.h): each undoes
 * a forward layer, as its adjoint or as Zeiler & Fergus (2013) take it. Transposed convolutions and
 * dense layers are none of them: they are conv2d and dense with other weights.
 */
#include <stddef.h>

#include "graph/layer.h"
#include "tensor/shape.h"

/* Of the max pooling before it: its argmax, int32. */
const vgg_layer vgg_layer_switches = {
    .name = "switches",
    .color = "#eeeeee",
    .infer = vgg_layer_infer_same,
    .side_output = true,
    .internal = true,
};

/* The map and the position h·W + w in it that are kept, int32; −1: all of them. */
static bool is_unit(const clvgg_shape *input, const clvgg_shape *second)
{
    (void)input;
    return second->rank == 1 && second->dims[0] == 2;
}

static void describe_seed(const vgg_node *node, char *text, size_t capacity)
{
    vgg_describe(text, capacity, node->attributes.seed_ones ? "of ones" : "of values");
}

const vgg_layer vgg_layer_seed = {
    .name = "seed",
    .color = "#cab2d6",
    .infer = vgg_layer_infer_same,
    .further_inputs = 1,
    .takes_further = is_unit,
    .describe = describe_seed,
    .internal = true,
};

/* The maker of the graph must see to it that the input has as many windows as the pooling makes of
 * this extent. */
static clvgg_status infer_unpool(const vgg_node *node, const clvgg_shape *input,
                                 clvgg_shape *output)
{
    const vgg_unpool_attributes *unpool = &node->attributes.unpool;
    VGG_PASS(vgg_layer_check_image(node, input));
    VGG_PASS(vgg_layer_check_range(node, "extent", unpool->extent, 2, 1));
    *output = (clvgg_shape){3, {input->dims[0], unpool->extent[0], unpool->extent[1]}};
    return CLVGG_STATUS_OK;
}

static void describe_unpool(const vgg_node *node, char *text, size_t capacity)
{
    const vgg_pool_attributes *pool = &node->attributes.unpool.pool;
    vgg_describe(text, capacity, "%lldx%lld", (long long)pool->kernel[0],
                 (long long)pool->kernel[1]);
    vgg_describe_pair(text, capacity, "stride", pool->stride);
    vgg_describe_pad(text, capacity, pool->pad);
    if (pool->count_include_pad)
        vgg_describe(text, capacity, " counts pad");
}

const vgg_layer vgg_layer_unpool = {
    .name = "unpool",
    .color = "#fdbf6f",
    .infer = infer_unpool,
    .further_inputs = 1,
    .takes_further = vgg_shape_equal,
    .describe = describe_unpool,
    .internal = true,
};

const vgg_layer vgg_layer_avg_unpool = {
    .name = "avg_unpool",
    .color = "#ffe0a3",
    .infer = infer_unpool,
    .describe = describe_unpool,
    .internal = true,
};

static clvgg_status infer_col2im(const vgg_node *node, const clvgg_shape *input,
                                 clvgg_shape *output)
{
    const vgg_col2im_attributes *col2im = &node->attributes.col2im;
    VGG_PASS(vgg_layer_check_image(node, input));
    VGG_PASS(vgg_layer_check_range(node, "extent", col2im->extent, 2, 1));
    const int64_t window = col2im->conv.kernel[0] * col2im->conv.kernel[1];
    VGG_CHECK(input->dims[0] == col2im->channels * window, CLVGG_STATUS_SHAPE_MISMATCH,
              "layer '%s': %lld channels, not %lld windows of %lld", node->name,
              (long long)input->dims[0], (long long)col2im->channels, (long long)window);
    *output = (clvgg_shape){3, {col2im->channels, col2im->extent[0], col2im->extent[1]}};
    return CLVGG_STATUS_OK;
}

static void describe_col2im(const vgg_node *node, char *text, size_t capacity)
{
    const vgg_conv_attributes *conv = &node->attributes.col2im.conv;
    vgg_describe(text, capacity, "%lldx%lld", (long long)conv->kernel[0],
                 (long long)conv->kernel[1]);
    vgg_describe_pair(text, capacity, "stride", conv->stride);
    vgg_describe_pair(text, capacity, "dilation", conv->dilation);
    vgg_describe_pad(text, capacity, conv->pad);
}

const vgg_layer vgg_layer_col2im = {
    .name = "col2im",
    .color = "#a6cee3",
    .infer = infer_col2im,
    .describe = describe_col2im,
    .internal = true,
};

static void describe_slope(const vgg_node *node, char *text, size_t capacity)
{
    static const char *const names[] = {
        [VGG_SLOPE_RELU] = "relu",
        [VGG_SLOPE_GUIDED] = "guided relu",
        [VGG_SLOPE_SIGMOID] = "sigmoid",
        [VGG_SLOPE_TANH] = "tanh",
    };
    vgg_describe(text, capacity, "%s", names[node->attributes.slope]);
}

const vgg_layer vgg_layer_activation_grad = {
    .name = "activation_grad",
    .color = "#b2df8a",
    .infer = vgg_layer_infer_same,
    .further_inputs = 1,
    .takes_further = vgg_shape_equal,
    .describe = describe_slope,
    .internal = true,
};

static clvgg_status infer_unflatten(const vgg_node *node, const clvgg_shape *input,
                                    clvgg_shape *output)
{
    const int64_t *to = node->attributes.unflatten;
    VGG_PASS(vgg_layer_check_range(node, "extent", to, 3, 1));
    *output = (clvgg_shape){3, {to[0], to[1], to[2]}};
    VGG_CHECK(vgg_shape_elements(output) == vgg_shape_elements(input), CLVGG_STATUS_SHAPE_MISMATCH,
              "layer '%s': %llu features, not %lld x %lld x %lld", node->name,
              (unsigned long long)vgg_shape_elements(input), (long long)to[0], (long long)to[1],
              (long long)to[2]);
    return CLVGG_STATUS_OK;
}

const vgg_layer vgg_layer_unflatten = {
    .name = "unflatten", .color = "#d9d9d9", .infer = infer_unflatten, .internal = true};

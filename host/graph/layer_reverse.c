/* graph/layer_reverse.c — layers of walks back through a network (vis/reverse_graph.h): each undoes
 * a forward layer, as its adjoint or as Zeiler & Fergus (2013) take it. Transposed convolutions and
 * dense layers are none of them: they are conv2d and dense with other weights.
 */
#include <math.h>
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

/* A map and a position of it, or all. */
static int32_t make_unit(const vgg_node *node, const clvgg_shape *input, uint64_t i,
                         uint64_t random)
{
    const clvgg_shape *shape = input;
    const uint64_t maps = (uint64_t)shape->dims[0];
    (void)node;
    return (int32_t)(random % ((i % 2 == 0 ? maps : vgg_shape_elements(shape) / maps) + 1)) - 1;
}

static double seed_element(const vgg_element *e)
{
    const int32_t *unit = e->second;
    const int64_t pixels = (int64_t)vgg_shape_elements(e->input) / e->input->dims[0];
    const bool kept = (unit[0] < 0 || unit[0] == e->at[0]) &&
                      (unit[1] < 0 || unit[1] == vgg_element_place(e) - e->at[0] * pixels);
    return !kept ? 0 : e->node->attributes.seed_ones ? 1 : vgg_element_input(e);
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
    .element = seed_element,
    .make_second = make_unit,
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

/* Windows that hold a pixel, at most, along both axes; of adaptive ones two along each. */
static int64_t most_windows(const vgg_node *node)
{
    const vgg_pool_attributes *pool = &node->attributes.unpool.pool;
    int64_t most = 1;
    for (int axis = 0; axis < 2; axis++)
        most *= pool->adaptive[0] != 0
                    ? 2
                    : (pool->kernel[axis] + pool->stride[axis] - 1) / pool->stride[axis];
    return most;
}

/* The switch of window i of all channels' is some pixel of it. */
static int32_t make_switch(const vgg_node *node, const clvgg_shape *input, uint64_t i,
                           uint64_t random)
{
    const vgg_unpool_attributes *unpool = &node->attributes.unpool;
    const int64_t window = (int64_t)i % (input->dims[1] * input->dims[2]), width = input->dims[2];
    int64_t top, bottom, left, right;
    vgg_pool_window(&unpool->pool, unpool->extent[0], 0, window / width, &top, &bottom);
    vgg_pool_window(&unpool->pool, unpool->extent[1], 1, window % width, &left, &right);
    const int64_t pixel = (int64_t)(random % (uint64_t)((bottom - top) * (right - left)));
    return (int32_t)((top + pixel / (right - left)) * unpool->extent[1] + left +
                     pixel % (right - left));
}

static double unpool_element(const vgg_element *e)
{
    const int64_t windows = e->input->dims[1] * e->input->dims[2];
    const float *x = e->x + e->at[0] * windows;
    const int32_t *switches = (const int32_t *)e->second + e->at[0] * windows;
    double sum = 0;
    for (int64_t i = 0; i < windows; i++)
        if (switches[i] == e->at[1] * e->node->attributes.unpool.extent[1] + e->at[2])
            sum += (double)x[i];
    return sum;
}

/* The part of a window `at` along an axis by which a pixel is divided; 0: it isn't in it. */
static int64_t window_size(const vgg_element *e, int axis, int64_t at)
{
    const vgg_unpool_attributes *unpool = &e->node->attributes.unpool;
    int64_t begin, end;
    const int64_t padded =
        vgg_pool_window(&unpool->pool, unpool->extent[axis], axis, at, &begin, &end);
    return e->at[1 + axis] < begin || e->at[1 + axis] >= end ? 0
           : unpool->pool.count_include_pad                  ? padded
                                                             : end - begin;
}

static double avg_unpool_element(const vgg_element *e)
{
    const int64_t height = e->input->dims[1], width = e->input->dims[2];
    double sum = 0;
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            const int64_t size = window_size(e, 0, y) * window_size(e, 1, x);
            if (size > 0)
                sum += (double)e->x[(e->at[0] * height + y) * width + x] / (double)size;
        }
    return sum;
}

const vgg_layer vgg_layer_unpool = {
    .name = "unpool",
    .color = "#fdbf6f",
    .infer = infer_unpool,
    .further_inputs = 1,
    .takes_further = vgg_shape_equal,
    .describe = describe_unpool,
    .element = unpool_element,
    .most_addends = most_windows,
    .make_second = make_switch,
    .internal = true,
};

const vgg_layer vgg_layer_avg_unpool = {
    .name = "avg_unpool",
    .color = "#ffe0a3",
    .infer = infer_unpool,
    .describe = describe_unpool,
    .element = avg_unpool_element,
    .most_addends = most_windows,
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

static int64_t window_elements(const vgg_node *node)
{
    const vgg_conv_attributes *conv = &node->attributes.col2im.conv;
    return conv->kernel[0] * conv->kernel[1];
}

/* The window along an axis whose element `tap` falls on an output's position; −1: there is none. */
static int64_t window_at(const vgg_element *e, int axis, int64_t tap)
{
    const vgg_conv_attributes *conv = &e->node->attributes.col2im.conv;
    const int64_t from = e->at[1 + axis] + conv->pad[axis] - tap * conv->dilation[axis];
    return from < 0 || from % conv->stride[axis] != 0 ||
                   from / conv->stride[axis] >= e->input->dims[1 + axis]
               ? -1
               : from / conv->stride[axis];
}

static double col2im_element(const vgg_element *e)
{
    const int64_t *kernel = e->node->attributes.col2im.conv.kernel;
    double sum = 0;
    for (int64_t kh = 0; kh < kernel[0]; kh++)
        for (int64_t kw = 0; kw < kernel[1]; kw++) {
            const int64_t y = window_at(e, 0, kh), x = window_at(e, 1, kw);
            const int64_t channel = (e->at[0] * kernel[0] + kh) * kernel[1] + kw;
            if (y >= 0 && x >= 0)
                sum += (double)e->x[(channel * e->input->dims[1] + y) * e->input->dims[2] + x];
        }
    return sum;
}

const vgg_layer vgg_layer_col2im = {
    .name = "col2im",
    .color = "#a6cee3",
    .infer = infer_col2im,
    .describe = describe_col2im,
    .element = col2im_element,
    .most_addends = window_elements,
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

/* A NaN of the activation stays one. */
static double activation_grad_element(const vgg_element *e)
{
    const double signal = vgg_element_input(e);
    const double y = (double)((const float *)e->second)[vgg_element_place(e)];
    if (isnan(y))
        return y;
    switch (e->node->attributes.slope) {
    case VGG_SLOPE_RELU:
        return y > 0 ? signal : 0;
    case VGG_SLOPE_GUIDED:
        return y > 0 && !(signal < 0) ? signal : 0;
    case VGG_SLOPE_SIGMOID:
        return signal * y * (1 - y);
    default:
        return signal * (1 - y * y);
    }
}

const vgg_layer vgg_layer_activation_grad = {
    .name = "activation_grad",
    .color = "#b2df8a",
    .infer = vgg_layer_infer_same,
    .further_inputs = 1,
    .takes_further = vgg_shape_equal,
    .describe = describe_slope,
    .element = activation_grad_element,
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

static double unflatten_element(const vgg_element *e)
{
    const int64_t *to = e->node->attributes.unflatten;
    return (double)e->x[(e->at[0] * to[1] + e->at[1]) * to[2] + e->at[2]];
}

const vgg_layer vgg_layer_unflatten = {.name = "unflatten",
                                       .color = "#d9d9d9",
                                       .infer = infer_unflatten,
                                       .element = unflatten_element,
                                       .internal = true};

/* weights/onnx/weights_onnx_image.c — ONNX operators on images: convolution, pooling. */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <string.h>

#include "graph/layer.h"
#include "weights/onnx/weights_onnx.h"
#include "weights/same_padding.h"

/* Values of an attribute with one for each of two axes; *pair stays where it is absent. */
static clvgg_status read_pair(const VggOnnx__Node *node, const char *name, int64_t pair[2])
{
    int count;
    VGG_PASS(vgg_onnx_ints(node, name, pair, 2, &count));
    if (count >= 0 && count != 2)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "%s has %d value%s, images have two axes", name, count,
                             count == 1 ? "" : "s");
    return CLVGG_STATUS_OK;
}

/* Everything that is a window's. */
typedef struct window {
    int64_t kernel[2], stride[2], dilation[2], pad[4];
} window;

static clvgg_status read_pads(vgg_onnx_walk *walk, const VggOnnx__Node *node, window *w)
{
    const VggOnnx__Attribute *automatic = vgg_onnx_attribute(node, "auto_pad");
    clvgg_shape in = *vgg_onnx_shape(walk); /* with what a Pad puts around it */
    int count;
    VGG_PASS(vgg_onnx_ints(node, "pads", w->pad, 4, &count));
    if (count >= 0 && count != 4)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "pads has %d values", count);
    for (int side = 0; side < 4; side++)
        if (w->pad[side] < 0 || w->pad[side] > 1 << 20)
            return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE, "pads must be 0 or more, and small");
    if (automatic == NULL || automatic->s.len == 0)
        return CLVGG_STATUS_OK;
    const char *text = (const char *)automatic->s.data;
    const size_t length = automatic->s.len;
    if (length == 6 && memcmp(text, "NOTSET", 6) == 0)
        return CLVGG_STATUS_OK;
    memset(w->pad, 0, sizeof w->pad);
    if (length == 5 && memcmp(text, "VALID", 5) == 0)
        return CLVGG_STATUS_OK;
    if (length != 10 || memcmp(text, "SAME_", 5) != 0)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "auto_pad is unknown");
    for (int axis = 0; axis < 2; axis++)
        in.dims[1 + axis] += walk->pad[axis] + walk->pad[axis + 2];
    vgg_pad_same(&in, w->kernel, w->dilation, w->stride, text[5] == 'L', w->pad);
    return CLVGG_STATUS_OK;
}

/* All within 2^20, so that sums and products of them fit. */
static clvgg_status read_window(vgg_onnx_walk *walk, const VggOnnx__Node *node, window *w)
{
    VGG_PASS(read_pair(node, "kernel_shape", w->kernel));
    VGG_PASS(read_pair(node, "strides", w->stride));
    VGG_PASS(read_pair(node, "dilations", w->dilation));
    for (int axis = 0; axis < 2; axis++)
        if (w->kernel[axis] < 1 || w->stride[axis] < 1 || w->dilation[axis] < 1 ||
            w->kernel[axis] > 1 << 20 || w->stride[axis] > 1 << 20 || w->dilation[axis] > 1 << 20)
            return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE,
                                 "kernel, strides and dilations must be 1 or more");
    return read_pads(walk, node, w);
}

/* A convolution's weight, which must take as many channels as come in, and the kernel's extent. */
static clvgg_status read_weight(vgg_onnx_walk *walk, const VggOnnx__Node *node, int64_t groups,
                                vgg_onnx_view *weight, window *w)
{
    const int64_t channels = vgg_onnx_shape(walk)->dims[0];
    VGG_PASS(vgg_onnx_operand(walk, node, 1, weight));
    const char *name = weight->tensor.name;
    if (weight->rank != 4)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "its weight '%.200s' has %d dimensions, an image's has 4", name,
                             weight->rank);
    if (groups < 1 || channels % groups != 0 || weight->dims[1] != channels / groups)
        return vgg_onnx_fail(
            node, CLVGG_STATUS_SHAPE_MISMATCH,
            "its weight '%.200s' takes %lld channels, %lld come in, in %lld groups", name,
            (long long)weight->dims[1], (long long)channels, (long long)groups);
    for (int axis = 0; axis < 2; axis++)
        w->kernel[axis] = weight->dims[2 + axis];
    VGG_PASS(read_window(walk, node, w));
    if (w->kernel[0] != weight->dims[2] || w->kernel[1] != weight->dims[3])
        return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE,
                             "kernel_shape isn't that of its weight '%.200s'", name);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_Conv(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    vgg_onnx_view weight, bias;
    vgg_onnx_layer *layer;
    window w = {.stride = {1, 1}, .dilation = {1, 1}};
    const int64_t groups = vgg_onnx_int(node, "group", 1);
    const bool has_bias = vgg_onnx_input(node, 2) != NULL;
    VGG_PASS(vgg_onnx_check_image(walk, node));
    if (walk->is_padded && walk->pad_value != 0.0f)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "follows a Pad by other than zeros");
    VGG_PASS(read_weight(walk, node, groups, &weight, &w));
    if (has_bias)
        VGG_PASS(vgg_onnx_operand(walk, node, 2, &bias));
    if (has_bias && (bias.rank != 1 || bias.dims[0] != weight.dims[0]))
        return vgg_onnx_fail(node, CLVGG_STATUS_SHAPE_MISMATCH,
                             "its bias '%.200s' isn't of %lld channels", bias.tensor.name,
                             (long long)weight.dims[0]);
    vgg_attributes a = {.conv = {.out_channels = weight.dims[0],
                                 .kernel = {w.kernel[0], w.kernel[1]},
                                 .stride = {w.stride[0], w.stride[1]},
                                 .dilation = {w.dilation[0], w.dilation[1]},
                                 .groups = groups,
                                 .bias = has_bias}};
    for (int side = 0; side < 4; side++)
        a.conv.pad[side] = w.pad[side] + walk->pad[side];
    memset(walk->pad, 0, sizeof walk->pad);
    walk->is_padded = false;
    VGG_PASS(vgg_onnx_add(walk, VGG_LAYER_CONV2D, &a, &layer));
    layer->parameters[VGG_WEIGHT] = weight;
    if (has_bias)
        layer->parameters[VGG_BIAS] = bias;
    return CLVGG_STATUS_OK;
}

/* ---- pooling ---- */

/* Says whether no value is below zero, as a ReLU leaves them. */
static bool is_positive(const vgg_graph *graph)
{
    int last = graph->count - 1;
    while (vgg_layer_of(graph->nodes[last].type)->keeps_sign)
        last--;
    return graph->nodes[last].type == VGG_LAYER_RELU;
}

/* Where the extents divide evenly, rounding them up changes nothing. Elsewhere a last window may
 * begin in what a Pad put there, but not in a pooling's own padding. */
static bool divides(const clvgg_shape *image, const vgg_pool_attributes *pool)
{
    for (int axis = 0; axis < 2; axis++)
        if ((image->dims[1 + axis] + pool->pad[axis] + pool->pad[axis + 2] - pool->kernel[axis]) %
                pool->stride[axis] !=
            0)
            return false;
    return true;
}

/* Zeros in front of a pooling: an average counts them, and they are no maximum where no value is
 * below them. */
static clvgg_status take_padding(vgg_onnx_walk *walk, const VggOnnx__Node *node,
                                 vgg_layer_type type, vgg_pool_attributes *pool)
{
    const bool is_zero = walk->pad_value == 0.0f;
    bool fits = type == VGG_LAYER_AVG_POOL ? is_zero : !is_zero || is_positive(walk->graph);
    for (int side = 0; side < 4; side++) {
        fits =
            fits && (pool->pad[side] == 0 || pool->count_include_pad || type == VGG_LAYER_MAX_POOL);
        pool->pad[side] += walk->pad[side];
        fits = fits && pool->pad[side] < pool->kernel[side % 2];
    }
    if (!fits)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "follows a Pad, whose values would be more than a ReLU's or fill "
                             "a window");
    if (pool->ceil_mode && !divides(vgg_onnx_shape(walk), pool))
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "follows a Pad, and rounds its output's extent up (ceil_mode)");
    pool->count_include_pad = type == VGG_LAYER_AVG_POOL;
    memset(walk->pad, 0, sizeof walk->pad);
    walk->is_padded = false;
    return CLVGG_STATUS_OK;
}

static clvgg_status add_pooling(vgg_onnx_walk *walk, const VggOnnx__Node *node, vgg_layer_type type)
{
    window w = {.stride = {1, 1}, .dilation = {1, 1}};
    vgg_onnx_layer *layer;
    VGG_PASS(vgg_onnx_check_image(walk, node));
    VGG_PASS(read_window(walk, node, &w));
    if (w.dilation[0] != 1 || w.dilation[1] != 1)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "dilated pooling");
    vgg_attributes a = {.pool = {.kernel = {w.kernel[0], w.kernel[1]},
                                 .stride = {w.stride[0], w.stride[1]},
                                 .ceil_mode = vgg_onnx_int(node, "ceil_mode", 0) != 0}};
    memcpy(a.pool.pad, w.pad, sizeof w.pad);
    if (type == VGG_LAYER_AVG_POOL)
        a.pool.count_include_pad = vgg_onnx_int(node, "count_include_pad", 0) != 0;
    if (walk->is_padded)
        VGG_PASS(take_padding(walk, node, type, &a.pool));
    bool is_one = true; /* a window of one value changes nothing */
    for (int axis = 0; axis < 2; axis++)
        is_one = is_one && w.kernel[axis] == 1 && w.stride[axis] == 1 && w.pad[axis] == 0 &&
                 w.pad[axis + 2] == 0;
    return is_one ? CLVGG_STATUS_OK : vgg_onnx_add(walk, type, &a, &layer);
}

clvgg_status vgg_onnx_MaxPool(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    return add_pooling(walk, node, VGG_LAYER_MAX_POOL);
}

clvgg_status vgg_onnx_AveragePool(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    return add_pooling(walk, node, VGG_LAYER_AVG_POOL);
}

static clvgg_status add_global(vgg_onnx_walk *walk, vgg_layer_type type)
{
    const vgg_attributes one = {.pool = {.adaptive = {1, 1}}};
    vgg_onnx_layer *layer;
    return vgg_onnx_add(walk, type, &one, &layer);
}

clvgg_status vgg_onnx_GlobalAveragePool(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    VGG_PASS(vgg_onnx_check_image(walk, node));
    return add_global(walk, VGG_LAYER_AVG_POOL);
}

clvgg_status vgg_onnx_GlobalMaxPool(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    VGG_PASS(vgg_onnx_check_image(walk, node));
    return add_global(walk, VGG_LAYER_MAX_POOL);
}

/* The mean or maximum over height and width, in whichever order the axes are. */
static clvgg_status reduce(vgg_onnx_walk *walk, const VggOnnx__Node *node, vgg_layer_type type)
{
    const bool keeps = vgg_onnx_int(node, "keepdims", 1) != 0;
    unsigned over;
    VGG_PASS(vgg_onnx_axes(walk, node, keeps, &over));
    if (over != VGG_ONNX_PLANE)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "is over other axes than height and width");
    VGG_PASS(add_global(walk, type));
    return keeps ? CLVGG_STATUS_OK : vgg_onnx_flatten(walk);
}

clvgg_status vgg_onnx_ReduceMean(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    return reduce(walk, node, VGG_LAYER_AVG_POOL);
}

clvgg_status vgg_onnx_ReduceMax(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    return reduce(walk, node, VGG_LAYER_MAX_POOL);
}

#else
typedef int vgg_onnx_image_is_absent; /* C wants something in every file */
#endif

/* weights/ncnn/ncnn_layers.c — ncnn's layers as nodes of ours, a row for each type.
 *
 * What each parameter's number means: ncnn's docs/developer-guide/operators.md.
 */
#include "graph/layer.h"
#include "weights/ncnn/ncnn.h"
#include "weights/same_padding.h"

enum { PAD_FULL = 0, PAD_SAME_UPPER = 2, PAD_SAME_LOWER = 3 };
enum { SAME_UPPER = -233, SAME_LOWER = -234 };

static clvgg_status unsupported(const vgg_ncnn_layer *layer, const char *what)
{
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "layer '%.64s' (%.64s): %s", layer->name, layer->type,
                    what);
}

static bool are_positive(const int64_t pair[2])
{
    return pair[0] >= 1 && pair[0] <= VGG_MAX_DIM && pair[1] >= 1 && pair[1] <= VGG_MAX_DIM;
}

/* ---- activations that are part of a layer ---- */

static clvgg_status add_activation(vgg_sequence *s, const vgg_ncnn_layer *layer)
{
    switch (vgg_ncnn_integer(layer, 9, 0)) {
    case 0:
        return CLVGG_STATUS_OK;
    case 1:
        return vgg_sequence_add(s, VGG_LAYER_RELU, NULL);
    case 4:
        return vgg_sequence_add(s, VGG_LAYER_SIGMOID, NULL);
    default:
        return unsupported(layer, "its activation (parameter 9) is neither ReLU nor sigmoid");
    }
}

/* ---- layers ---- */

static clvgg_status read_convolution(const vgg_sequence *s, const vgg_ncnn_layer *layer,
                                     vgg_conv_attributes *conv)
{
    const bool grouped = vgg_ncnn_is(layer, "ConvolutionDepthWise");
    const int64_t width = vgg_ncnn_integer(layer, 1, 0), step = vgg_ncnn_integer(layer, 3, 1);
    const int64_t apart = vgg_ncnn_integer(layer, 2, 1), left = vgg_ncnn_integer(layer, 4, 0);
    const int64_t top = vgg_ncnn_integer(layer, 14, left);
    *conv = (vgg_conv_attributes){
        .out_channels = vgg_ncnn_integer(layer, 0, 0),
        .kernel = {vgg_ncnn_integer(layer, 11, width), width},
        .stride = {vgg_ncnn_integer(layer, 13, step), step},
        .dilation = {vgg_ncnn_integer(layer, 12, apart), apart},
        .pad = {top, left, vgg_ncnn_integer(layer, 16, top), vgg_ncnn_integer(layer, 15, left)},
        .groups = grouped ? vgg_ncnn_integer(layer, 7, 1) : 1,
        .bias = vgg_ncnn_integer(layer, 5, 0) != 0};
    if (!are_positive(conv->kernel) || !are_positive(conv->stride) || !are_positive(conv->dilation))
        return unsupported(layer, "its kernel, stride or dilation is no positive number");
    if (vgg_ncnn_float(layer, 18, 0) != 0 || vgg_ncnn_integer(layer, 19, 0) != 0)
        return unsupported(layer, "it pads with other values than 0, or has no weights of its own");
    if (left == SAME_UPPER || left == SAME_LOWER)
        vgg_pad_same(&vgg_sequence_last(s)->output, conv->kernel, conv->dilation, conv->stride,
                     left == SAME_LOWER, conv->pad);
    return CLVGG_STATUS_OK;
}

static clvgg_status add_convolution(vgg_sequence *s, const vgg_ncnn_layer *layer)
{
    vgg_attributes attributes = {0};
    if (vgg_sequence_last(s)->output.rank != 3)
        return unsupported(layer, "it reads features; a convolution of images is read");
    VGG_PASS(read_convolution(s, layer, &attributes.conv));
    VGG_PASS(vgg_sequence_add(s, VGG_LAYER_CONV2D, &attributes));
    return add_activation(s, layer);
}

static clvgg_status add_dense(vgg_sequence *s, const vgg_ncnn_layer *layer)
{
    VGG_PASS(vgg_sequence_add_dense(s, vgg_ncnn_integer(layer, 0, 0),
                                    vgg_ncnn_integer(layer, 1, 0) != 0));
    return add_activation(s, layer);
}

/* What ncnn gives: with full padding, and none of its own rules for windows beyond the input. */
static clvgg_status check_extent(const vgg_sequence *s, const vgg_ncnn_layer *layer,
                                 const clvgg_shape *input, const vgg_pool_attributes *pool)
{
    const clvgg_shape *output = &vgg_sequence_last(s)->output;
    for (int axis = 0; axis < 2; axis++) {
        const int64_t room =
            input->dims[1 + axis] + pool->pad[axis] + pool->pad[axis + 2] - pool->kernel[axis];
        const int64_t rest = room % pool->stride[axis];
        const bool more = pool->ceil_mode && rest != 0;
        if (output->dims[1 + axis] != room / pool->stride[axis] + 1 + more)
            return unsupported(layer, "its last windows lie in the padding alone");
        if (more && pool->count_include_pad)
            return unsupported(layer, "it averages over padding that the input's size adds");
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status add_windows(vgg_sequence *s, const vgg_ncnn_layer *layer, vgg_layer_type type)
{
    const clvgg_shape input = vgg_sequence_last(s)->output;
    const int64_t width = vgg_ncnn_integer(layer, 1, 0), step = vgg_ncnn_integer(layer, 2, 1);
    const int64_t left = vgg_ncnn_integer(layer, 3, 0), top = vgg_ncnn_integer(layer, 13, left);
    const int64_t mode = vgg_ncnn_integer(layer, 5, PAD_FULL);
    vgg_attributes attributes = {
        .pool = {
            .kernel = {vgg_ncnn_integer(layer, 11, width), width},
            .stride = {vgg_ncnn_integer(layer, 12, step), step},
            .pad = {top, left, vgg_ncnn_integer(layer, 15, top), vgg_ncnn_integer(layer, 14, left)},
            .ceil_mode = mode == PAD_FULL,
            .count_include_pad = type == VGG_LAYER_AVG_POOL && vgg_ncnn_integer(layer, 6, 0) != 0}};
    vgg_pool_attributes *pool = &attributes.pool;
    if (!are_positive(pool->kernel) || !are_positive(pool->stride) || mode < PAD_FULL ||
        mode > PAD_SAME_LOWER)
        return unsupported(layer, "its kernel, stride or kind of padding isn't one that is known");
    if (mode == PAD_SAME_UPPER || mode == PAD_SAME_LOWER)
        vgg_pad_same(&input, pool->kernel, (const int64_t[]){1, 1}, pool->stride,
                     mode == PAD_SAME_LOWER, pool->pad);
    VGG_PASS(vgg_sequence_add(s, type, &attributes));
    return check_extent(s, layer, &input, pool);
}

static clvgg_status add_pooling(vgg_sequence *s, const vgg_ncnn_layer *layer)
{
    const int64_t kind = vgg_ncnn_integer(layer, 0, 0);
    const vgg_layer_type type = kind == 0 ? VGG_LAYER_MAX_POOL : VGG_LAYER_AVG_POOL;
    const bool global = vgg_ncnn_integer(layer, 4, 0) != 0;
    if (kind != 0 && kind != 1)
        return unsupported(layer, "it is neither a max nor an average pooling");
    if (vgg_sequence_last(s)->output.rank != 3)
        return unsupported(layer, "it reads features; a pooling of images is read");
    if (!global && vgg_ncnn_integer(layer, 7, 0) == 0)
        return add_windows(s, layer, type);
    const int64_t width = global ? 1 : vgg_ncnn_integer(layer, 8, 0);
    const vgg_attributes adaptive = {
        .pool = {.adaptive = {global ? 1 : vgg_ncnn_integer(layer, 18, width), width}}};
    VGG_PASS(vgg_sequence_add(s, type, &adaptive));
    /* ncnn gives a value a channel, not an image of one pixel. */
    return global ? vgg_sequence_add(s, VGG_LAYER_FLATTEN, NULL) : CLVGG_STATUS_OK;
}

static clvgg_status add_batch_norm(vgg_sequence *s, const vgg_ncnn_layer *layer)
{
    const vgg_attributes attributes = {
        .batch_norm = {.epsilon = vgg_ncnn_float(layer, 1, 0), .affine = true}};
    return vgg_sequence_add(s, VGG_LAYER_BATCH_NORM, &attributes);
}

static clvgg_status add_lrn(vgg_sequence *s, const vgg_ncnn_layer *layer)
{
    const vgg_attributes attributes = {.lrn = {.size = vgg_ncnn_integer(layer, 1, 5),
                                               .alpha = vgg_ncnn_float(layer, 2, 1),
                                               .beta = vgg_ncnn_float(layer, 3, 0.75f),
                                               .k = vgg_ncnn_float(layer, 4, 1)}};
    if (vgg_ncnn_integer(layer, 0, 0) != 0)
        return unsupported(layer, "it normalises within channels; across channels is read");
    if (attributes.lrn.size % 2 == 0)
        return unsupported(layer, "its size is even; odd ones are read");
    return vgg_sequence_add(s, VGG_LAYER_LOCAL_RESPONSE_NORM, &attributes);
}

static clvgg_status add_relu(vgg_sequence *s, const vgg_ncnn_layer *layer)
{
    if (vgg_ncnn_float(layer, 0, 0) != 0)
        return unsupported(layer, "a leaky ReLU; plain ones are read");
    return vgg_sequence_add(s, VGG_LAYER_RELU, NULL);
}

static clvgg_status add_flatten(vgg_sequence *s, const vgg_ncnn_layer *layer)
{
    (void)layer;
    return vgg_sequence_flatten(s);
}

/* To one dimension: all that networks with dense layers need. */
static clvgg_status add_reshape(vgg_sequence *s, const vgg_ncnn_layer *layer)
{
    const clvgg_shape *input = &vgg_sequence_last(s)->output;
    const int64_t width = vgg_ncnn_integer(layer, 0, SAME_UPPER);
    const int64_t all = input->rank == 3 ? input->dims[0] * input->dims[1] * input->dims[2] : width;
    if (vgg_ncnn_integer(layer, 1, SAME_UPPER) != SAME_UPPER ||
        vgg_ncnn_integer(layer, 2, SAME_UPPER) != SAME_UPPER || (width != -1 && width != all))
        return unsupported(layer, "it makes something else than one row of features");
    return add_flatten(s, layer);
}

/* The share of what is dropped isn't stored; ncnn's models had Caffe's, mostly. */
static clvgg_status add_dropout(vgg_sequence *s, const vgg_ncnn_layer *layer)
{
    const vgg_attributes half = {.dropout_rate = 0.5f};
    if (vgg_ncnn_float(layer, 0, 1) != 1)
        return unsupported(layer, "it scales what passes");
    return vgg_sequence_add(s, VGG_LAYER_DROPOUT, &half);
}

static clvgg_status add_softmax(vgg_sequence *s, const vgg_ncnn_layer *layer)
{
    if (vgg_ncnn_integer(layer, 0, 0) != 0)
        return unsupported(layer, "it is along another axis than the first");
    return vgg_sequence_add(s, VGG_LAYER_SOFTMAX, NULL);
}

/* A layer is what add() makes of it, without it a `plain` one; INPUT: nothing. */
static const struct {
    const char *type;
    vgg_layer_type plain;
    clvgg_status (*add)(vgg_sequence *s, const vgg_ncnn_layer *layer);
} layer_types[] = {
    {.type = "Input"},
    {.type = "Noop"},
    {.type = "Split"},
    {"Convolution", .add = add_convolution},
    {"ConvolutionDepthWise", .add = add_convolution},
    {"InnerProduct", .add = add_dense},
    {"Pooling", .add = add_pooling},
    {"BatchNorm", .add = add_batch_norm},
    {"LRN", .add = add_lrn},
    {"ReLU", .add = add_relu},
    {"Sigmoid", .plain = VGG_LAYER_SIGMOID},
    {"TanH", .plain = VGG_LAYER_TANH},
    {"Flatten", .add = add_flatten},
    {"Reshape", .add = add_reshape},
    {"Dropout", .add = add_dropout},
    {"Softmax", .add = add_softmax},
};

clvgg_status vgg_ncnn_add(vgg_sequence *s, const vgg_ncnn_layer *layer)
{
    for (size_t i = 0; i < sizeof layer_types / sizeof *layer_types; i++) {
        if (!vgg_ncnn_is(layer, layer_types[i].type))
            continue;
        if (layer_types[i].add == NULL && layer_types[i].plain == VGG_LAYER_INPUT)
            return CLVGG_STATUS_OK;
        return layer_types[i].add != NULL ? layer_types[i].add(s, layer)
                                          : vgg_sequence_add(s, layer_types[i].plain, NULL);
    }
    return unsupported(layer, "layers of this type aren't read");
}

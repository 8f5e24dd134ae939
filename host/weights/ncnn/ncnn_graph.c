/* weights/ncnn/ncnn_graph.c — ncnn's layers as a network.
 *
 * What each parameter's number means: ncnn's docs/developer-guide/operators.md.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "weights/ncnn/ncnn.h"
#include "weights/sequence.h"

enum { PAD_FULL = 0, PAD_SAME_UPPER = 2, PAD_SAME_LOWER = 3 };
enum { SAME_UPPER = -233, SAME_LOWER = -234 };

typedef struct builder {
    const vgg_ncnn_network *network;
    vgg_sequence sequence;
    int *nodes;
} builder;

static clvgg_status unsupported(const vgg_ncnn_layer *layer, const char *what)
{
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "layer '%.64s' (%.64s): %s", layer->name, layer->type,
                    what);
}

/* Padding such that the output has one unit for each `stride` of the input's; what is left over
 * lies behind, or before. */
static void pad_to_same(const builder *b, const int64_t reach[2], const int64_t stride[2],
                        bool before, int64_t pad[4])
{
    const clvgg_shape *input = &vgg_sequence_last(&b->sequence)->output;
    for (int axis = 0; axis < 2; axis++) {
        const int64_t extent = input->dims[1 + axis];
        const int64_t wanted = reach[axis] + (extent - 1) / stride[axis] * stride[axis] - extent;
        const int64_t all = wanted > 0 ? wanted : 0;
        pad[axis] = before ? all - all / 2 : all / 2;
        pad[axis + 2] = all - pad[axis];
    }
}

static bool in_range(const int64_t *values, int count, int64_t least)
{
    for (int i = 0; i < count; i++)
        if (values[i] < least || values[i] > VGG_MAX_DIM)
            return false;
    return true;
}

/* ---- activations that are part of a layer ---- */

static clvgg_status add_activation(builder *b, const vgg_ncnn_layer *layer)
{
    switch (vgg_ncnn_integer(layer, 9, 0)) {
    case 0:
        return CLVGG_STATUS_OK;
    case 1:
        return vgg_sequence_add(&b->sequence, VGG_LAYER_RELU, NULL);
    case 4:
        return vgg_sequence_add(&b->sequence, VGG_LAYER_SIGMOID, NULL);
    default:
        return unsupported(layer, "its activation (parameter 9) is neither ReLU nor sigmoid");
    }
}

/* ---- layers ---- */

static clvgg_status read_convolution(const builder *b, const vgg_ncnn_layer *layer,
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
    if (!in_range(conv->kernel, 2, 1) || !in_range(conv->stride, 2, 1) ||
        !in_range(conv->dilation, 2, 1))
        return unsupported(layer, "its kernel, stride or dilation is no positive number");
    if (vgg_ncnn_float(layer, 18, 0) != 0 || vgg_ncnn_integer(layer, 19, 0) != 0)
        return unsupported(layer, "it pads with other values than 0, or has no weights of its own");
    if (left == SAME_UPPER || left == SAME_LOWER) {
        const int64_t reach[] = {conv->dilation[0] * (conv->kernel[0] - 1) + 1,
                                 conv->dilation[1] * (conv->kernel[1] - 1) + 1};
        pad_to_same(b, reach, conv->stride, left == SAME_LOWER, conv->pad);
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status add_convolution(builder *b, const vgg_ncnn_layer *layer)
{
    vgg_attributes attributes = {0};
    if (vgg_sequence_last(&b->sequence)->output.rank != 3)
        return unsupported(layer, "it reads features; a convolution of images is read");
    VGG_PASS(read_convolution(b, layer, &attributes.conv));
    VGG_PASS(vgg_sequence_add(&b->sequence, VGG_LAYER_CONV2D, &attributes));
    return CLVGG_STATUS_OK;
}

static clvgg_status add_dense(builder *b, const vgg_ncnn_layer *layer)
{
    return vgg_sequence_add_dense(&b->sequence, vgg_ncnn_integer(layer, 0, 0),
                                  vgg_ncnn_integer(layer, 1, 0) != 0);
}

/* What ncnn gives: with full padding, and none of its own rules for windows beyond the input. */
static clvgg_status check_extent(const builder *b, const vgg_ncnn_layer *layer,
                                 const clvgg_shape *input, const vgg_pool_attributes *pool)
{
    const clvgg_shape *output = &vgg_sequence_last(&b->sequence)->output;
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

static clvgg_status add_windows(builder *b, const vgg_ncnn_layer *layer, vgg_layer_type type)
{
    const clvgg_shape input = vgg_sequence_last(&b->sequence)->output;
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
    if (!in_range(pool->kernel, 2, 1) || !in_range(pool->stride, 2, 1) || mode < PAD_FULL ||
        mode > PAD_SAME_LOWER)
        return unsupported(layer, "its kernel, stride or kind of padding isn't one that is known");
    if (mode == PAD_SAME_UPPER || mode == PAD_SAME_LOWER)
        pad_to_same(b, pool->kernel, pool->stride, mode == PAD_SAME_LOWER, pool->pad);
    VGG_PASS(vgg_sequence_add(&b->sequence, type, &attributes));
    return check_extent(b, layer, &input, pool);
}

static clvgg_status add_pooling(builder *b, const vgg_ncnn_layer *layer)
{
    const int64_t kind = vgg_ncnn_integer(layer, 0, 0);
    const vgg_layer_type type = kind == 0 ? VGG_LAYER_MAX_POOL : VGG_LAYER_AVG_POOL;
    const bool global = vgg_ncnn_integer(layer, 4, 0) != 0;
    if (kind != 0 && kind != 1)
        return unsupported(layer, "it is neither a max nor an average pooling");
    if (vgg_sequence_last(&b->sequence)->output.rank != 3)
        return unsupported(layer, "it reads features; a pooling of images is read");
    if (!global && vgg_ncnn_integer(layer, 7, 0) == 0)
        return add_windows(b, layer, type);
    const int64_t width = global ? 1 : vgg_ncnn_integer(layer, 8, 0);
    const vgg_attributes adaptive = {
        .pool = {.adaptive = {global ? 1 : vgg_ncnn_integer(layer, 18, width), width}}};
    VGG_PASS(vgg_sequence_add(&b->sequence, type, &adaptive));
    /* ncnn gives a value a channel, not an image of one pixel. */
    return global ? vgg_sequence_add(&b->sequence, VGG_LAYER_FLATTEN, NULL) : CLVGG_STATUS_OK;
}

static clvgg_status add_batch_norm(builder *b, const vgg_ncnn_layer *layer)
{
    const vgg_attributes attributes = {
        .batch_norm = {.epsilon = vgg_ncnn_float(layer, 1, 0), .affine = true}};
    return vgg_sequence_add(&b->sequence, VGG_LAYER_BATCH_NORM, &attributes);
}

static clvgg_status add_lrn(builder *b, const vgg_ncnn_layer *layer)
{
    const vgg_attributes attributes = {.lrn = {.size = vgg_ncnn_integer(layer, 1, 5),
                                               .alpha = vgg_ncnn_float(layer, 2, 1),
                                               .beta = vgg_ncnn_float(layer, 3, 0.75f),
                                               .k = vgg_ncnn_float(layer, 4, 1)}};
    if (vgg_ncnn_integer(layer, 0, 0) != 0)
        return unsupported(layer, "it normalises within channels; across channels is read");
    if (attributes.lrn.size % 2 == 0)
        return unsupported(layer, "its size is even; odd ones are read");
    return vgg_sequence_add(&b->sequence, VGG_LAYER_LOCAL_RESPONSE_NORM, &attributes);
}

static clvgg_status add_relu(builder *b, const vgg_ncnn_layer *layer)
{
    if (vgg_ncnn_float(layer, 0, 0) != 0)
        return unsupported(layer, "a leaky ReLU; plain ones are read");
    return vgg_sequence_add(&b->sequence, VGG_LAYER_RELU, NULL);
}

static clvgg_status add_sigmoid(builder *b, const vgg_ncnn_layer *layer)
{
    (void)layer;
    return vgg_sequence_add(&b->sequence, VGG_LAYER_SIGMOID, NULL);
}

static clvgg_status add_tanh(builder *b, const vgg_ncnn_layer *layer)
{
    (void)layer;
    return vgg_sequence_add(&b->sequence, VGG_LAYER_TANH, NULL);
}

static clvgg_status add_flatten(builder *b, const vgg_ncnn_layer *layer)
{
    (void)layer;
    return vgg_sequence_last(&b->sequence)->output.rank == 1
               ? CLVGG_STATUS_OK
               : vgg_sequence_add(&b->sequence, VGG_LAYER_FLATTEN, NULL);
}

/* To one dimension: all that networks with dense layers need. */
static clvgg_status add_reshape(builder *b, const vgg_ncnn_layer *layer)
{
    const clvgg_shape *input = &vgg_sequence_last(&b->sequence)->output;
    const int64_t width = vgg_ncnn_integer(layer, 0, SAME_UPPER);
    const int64_t all = input->rank == 3 ? input->dims[0] * input->dims[1] * input->dims[2] : width;
    if (vgg_ncnn_integer(layer, 1, SAME_UPPER) != SAME_UPPER ||
        vgg_ncnn_integer(layer, 2, SAME_UPPER) != SAME_UPPER || (width != -1 && width != all))
        return unsupported(layer, "it makes something else than one row of features");
    return add_flatten(b, layer);
}

/* The share of what is dropped isn't stored; ncnn's models had Caffe's, mostly. */
static clvgg_status add_dropout(builder *b, const vgg_ncnn_layer *layer)
{
    const vgg_attributes half = {.dropout_rate = 0.5f};
    if (vgg_ncnn_float(layer, 0, 1) != 1)
        return unsupported(layer, "it scales what passes");
    return vgg_sequence_add(&b->sequence, VGG_LAYER_DROPOUT, &half);
}

static clvgg_status add_softmax(builder *b, const vgg_ncnn_layer *layer)
{
    if (vgg_ncnn_integer(layer, 0, 0) != 0)
        return unsupported(layer, "it is along another axis than the first");
    return vgg_sequence_add(&b->sequence, VGG_LAYER_SOFTMAX, NULL);
}

static clvgg_status add_nothing(builder *b, const vgg_ncnn_layer *layer)
{
    (void)b;
    (void)layer;
    return CLVGG_STATUS_OK;
}

static const struct {
    const char *type;
    clvgg_status (*add)(builder *b, const vgg_ncnn_layer *layer);
} layer_types[] = {
    {"Input", add_nothing},
    {"Noop", add_nothing},
    {"Split", add_nothing},
    {"Convolution", add_convolution},
    {"ConvolutionDepthWise", add_convolution},
    {"InnerProduct", add_dense},
    {"Pooling", add_pooling},
    {"BatchNorm", add_batch_norm},
    {"LRN", add_lrn},
    {"ReLU", add_relu},
    {"Sigmoid", add_sigmoid},
    {"TanH", add_tanh},
    {"Flatten", add_flatten},
    {"Reshape", add_reshape},
    {"Dropout", add_dropout},
    {"Softmax", add_softmax},
};

static clvgg_status add_layer(builder *b, size_t index)
{
    const vgg_ncnn_layer *layer = &b->network->layers[index];
    const int first = b->sequence.graph->count;
    for (size_t i = 0; i < sizeof layer_types / sizeof *layer_types; i++) {
        if (!vgg_ncnn_is(layer, layer_types[i].type))
            continue;
        VGG_PASS(layer_types[i].add(b, layer));
        for (int node = first; node < b->sequence.graph->count; node++)
            if (vgg_layer_of(b->sequence.graph->nodes[node].type)->parameter_count > 0)
                b->nodes[index] = node;
        return vgg_ncnn_is_convolution(layer) || vgg_ncnn_is(layer, "InnerProduct")
                   ? add_activation(b, layer)
                   : CLVGG_STATUS_OK;
    }
    return unsupported(layer, "layers of this type aren't read");
}

/* ---- the whole ---- */

static clvgg_status build(const vgg_ncnn_network *network, const int64_t input[3], vgg_graph **out,
                          int *nodes)
{
    clvgg_status status = CLVGG_STATUS_OK;
    builder b = {.network = network, .nodes = nodes};
    *out = NULL;
    VGG_TRY(vgg_graph_create(input[0], input[1], input[2], &b.sequence.graph));
    for (size_t i = 0; i < network->count; i++) {
        nodes[i] = -1;
        VGG_TRY(add_layer(&b, i));
    }
    VGG_TRY(vgg_sequence_end(&b.sequence));
    VGG_GIVE(out, b.sequence.graph);
cleanup:
    vgg_graph_free(b.sequence.graph);
    return status;
}

/* Channels that the first convolution reads; 3, where that can't be told. */
static int64_t find_channels(const vgg_ncnn_network *network)
{
    for (size_t i = 0; i < network->count; i++) {
        const vgg_ncnn_layer *layer = &network->layers[i];
        if (!vgg_ncnn_is_convolution(layer))
            continue;
        const double width = (double)vgg_ncnn_integer(layer, 1, 0);
        const double each = (double)vgg_ncnn_integer(layer, 0, 0) * width *
                            (double)vgg_ncnn_integer(layer, 11, (int64_t)width);
        const double groups =
            vgg_ncnn_is(layer, "Convolution") ? 1 : (double)vgg_ncnn_integer(layer, 7, 1);
        const double channels = (double)vgg_ncnn_integer(layer, 6, 0) * groups / each;
        return each > 0 && channels >= 1 && channels <= 65536 ? (int64_t)channels : 3;
    }
    return 3;
}

/* Features that the first dense layer reads; 0: there is none. */
static int64_t find_features(const vgg_ncnn_network *network)
{
    for (size_t i = 0; i < network->count; i++)
        if (vgg_ncnn_is(&network->layers[i], "InnerProduct")) {
            const int64_t out = vgg_ncnn_integer(&network->layers[i], 0, 0);
            return out > 0 ? vgg_ncnn_integer(&network->layers[i], 2, 0) / out : 0;
        }
    return 0;
}

typedef struct square {
    const vgg_ncnn_network *network;
    int64_t channels;
    int *nodes;
} square;

static clvgg_status build_square(void *user, int64_t side, vgg_graph **out)
{
    const square *s = user;
    return build(s->network, (const int64_t[]){s->channels, side, side}, out, s->nodes);
}

clvgg_status vgg_ncnn_graph(const vgg_ncnn_network *network, vgg_graph **out, int **nodes)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_ncnn_layer *first = &network->layers[0];
    int64_t input[3] = {vgg_ncnn_integer(first, 2, 0), vgg_ncnn_integer(first, 1, 0),
                        vgg_ncnn_integer(first, 0, 0)};
    int *found = NULL;
    VGG_NEW(found, network->count);
    if (input[0] == 0)
        input[0] = find_channels(network);
    if (input[1] == 0 || input[2] == 0) {
        square s = {network, input[0], found};
        VGG_TRY(vgg_sequence_find_side(build_square, &s, find_features(network), &input[1]));
        input[2] = input[1];
    }
    VGG_TRY(build(network, input, out, found));
    VGG_GIVE(nodes, found);
cleanup:
    vgg_free(found);
    return status;
}

/* weights/onnx/weights_onnx_flat.c — ONNX operators that make features of images, and on features:
 * dense layers, softmax.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <stdio.h>
#include <string.h>

#include "tensor/shape.h"
#include "weights/onnx/weights_onnx.h"

clvgg_status vgg_onnx_flatten(vgg_onnx_walk *walk)
{
    vgg_onnx_layer *layer;
    const clvgg_shape image = *vgg_onnx_shape(walk);
    walk->is_flat = true;
    for (int i = 0; i < 3; i++) {
        walk->flat_dims[i] = image.dims[i];
        walk->flat_order[i] = walk->order[i + 1];
    }
    walk->rank = 2;
    return vgg_onnx_add(walk, VGG_LAYER_FLATTEN, NULL, &layer);
}

clvgg_status vgg_onnx_split_features(const vgg_onnx_walk *walk, const VggOnnx__Node *node, int axis,
                                     vgg_onnx_view *view)
{
    const int64_t stride = view->strides[axis];
    int64_t steps[3], step = stride; /* by canonical axis */
    if (!walk->is_flat)
        return CLVGG_STATUS_OK;
    if (view->rank + 2 > CLVGG_MAX_RANK)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "too many axes");
    for (int i = 2; i >= 0; i--) {
        const int canonical = walk->flat_order[i] - VGG_ONNX_C;
        steps[canonical] = step;
        step *= walk->flat_dims[canonical];
    }
    for (int i = view->rank - 1; i > axis; i--) {
        view->dims[i + 2] = view->dims[i];
        view->strides[i + 2] = view->strides[i];
    }
    memcpy(view->dims + axis, walk->flat_dims, sizeof walk->flat_dims);
    memcpy(view->strides + axis, steps, sizeof steps);
    view->rank += 2;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_Flatten(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    const int64_t axis = vgg_onnx_int(node, "axis", 1);
    if (axis != 1 && axis != 1 - walk->rank)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "flattens from axis %lld",
                             (long long)axis);
    return walk->rank == 4 ? vgg_onnx_flatten(walk) : CLVGG_STATUS_OK;
}

/* Whether a Reshape leaves an axis as it is: an extent of −1 is what the others leave. */
static bool keeps_extent(const vgg_onnx_walk *walk, int axis, int64_t to)
{
    const clvgg_shape *shape = vgg_onnx_shape(walk);
    const int canonical = walk->rank == 4 ? walk->order[axis] : axis;
    if (canonical == 0)
        return to == VGG_ONNX_BATCH || to == 0 || to == -1 || walk->batch == 0 || to == walk->batch;
    return to == shape->dims[canonical - 1] || to == 0 || to == -1;
}

/* Fails for a size of the input that doesn't leave as many features as are taken. */
static clvgg_status misfit(vgg_onnx_walk *walk, const VggOnnx__Node *node, const char *what,
                           int64_t wanted)
{
    const int64_t *input = walk->graph->nodes[0].output.dims;
    walk->is_misfit = walk->is_open;
    return vgg_onnx_fail(node, CLVGG_STATUS_SHAPE_MISMATCH,
                         "%s takes %lld features, an input of %lld x %lld leaves %lld", what,
                         (long long)wanted, (long long)input[1], (long long)input[2],
                         (long long)vgg_shape_elements(vgg_onnx_shape(walk)));
}

/* To two axes: the batch, which isn't bound by what the file has, and everything else. */
clvgg_status vgg_onnx_Reshape(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    vgg_onnx_extents to;
    VGG_PASS(vgg_onnx_fold_setting(walk, node, "shape", 1, &to));
    const int64_t features = (int64_t)vgg_shape_elements(vgg_onnx_shape(walk));
    int open = 0;
    for (int i = 0; i < to.count; i++)
        open += to.values[i] == -1;
    const bool to_batch = to.count > 0 && (to.values[0] == VGG_ONNX_BATCH || walk->batch == 0 ||
                                           to.values[0] <= 0 || to.values[0] == walk->batch);
    if (to.count == 2 && to_batch && open <= 1 &&
        (to.values[1] == features || to.values[1] == -1 || (to.values[1] == 0 && walk->rank == 2)))
        return walk->rank == 4 ? vgg_onnx_flatten(walk) : CLVGG_STATUS_OK;
    if (walk->rank == 4 && to.count == 2 && to_batch && to.values[1] > 0)
        return misfit(walk, node, "the new shape", to.values[1]);
    bool keeps = to.count == walk->rank && open <= 1;
    for (int i = 0; i < to.count && keeps; i++)
        keeps = keeps_extent(walk, i, to.values[i]);
    if (!keeps)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "reshapes to something else than the batch and %lld features",
                             (long long)features);
    return CLVGG_STATUS_OK;
}

/* Height and width of 1 go away. */
clvgg_status vgg_onnx_Squeeze(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    unsigned over;
    VGG_PASS(vgg_onnx_axes(walk, node, false, &over));
    const clvgg_shape *shape = vgg_onnx_shape(walk);
    if (over != VGG_ONNX_PLANE || shape->dims[1] != 1 || shape->dims[2] != 1)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "takes away other axes than a height and width of 1");
    return vgg_onnx_flatten(walk);
}

/* ---- dense ---- */

/* A dense layer by its weight as [out][in]. */
static clvgg_status add_dense(vgg_onnx_walk *walk, const VggOnnx__Node *node,
                              const vgg_onnx_view *weight, vgg_onnx_layer **layer)
{
    vgg_onnx_view split = *weight;
    char what[256];
    const int64_t features = vgg_onnx_shape(walk)->dims[0];
    const vgg_attributes a = {.dense = {.out_features = weight->dims[0], .bias = false}};
    if (weight->dims[1] != features) {
        snprintf(what, sizeof what, "its weight '%.200s'", weight->tensor.name);
        return misfit(walk, node, what, weight->dims[1]);
    }
    VGG_PASS(vgg_onnx_split_features(walk, node, 1, &split));
    VGG_PASS(vgg_onnx_add(walk, VGG_LAYER_DENSE, &a, layer));
    (*layer)->parameters[VGG_WEIGHT] = split;
    walk->is_flat = false;
    return CLVGG_STATUS_OK;
}

static clvgg_status read_matrix(vgg_onnx_walk *walk, const VggOnnx__Node *node, bool transposed,
                                vgg_onnx_view *weight)
{
    if (walk->rank != 2)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "multiplies an image that wasn't flattened");
    if (node->n_input < 2 || strcmp(node->input[0], walk->value) != 0)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "multiplies from the left");
    VGG_PASS(vgg_onnx_operand(walk, node, 1, weight));
    if (weight->rank != 2)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "its weight '%.200s' has %d dimensions, a dense layer's has 2",
                             weight->tensor.name, weight->rank);
    if (!transposed) {
        const vgg_onnx_view in_out = *weight;
        for (int i = 0; i < 2; i++) {
            weight->dims[i] = in_out.dims[1 - i];
            weight->strides[i] = in_out.strides[1 - i];
        }
    }
    return CLVGG_STATUS_OK;
}

/* [out], [1, out], or one value for all. */
static bool as_bias(vgg_onnx_view *bias, int64_t out)
{
    int64_t count = 1, stride = 0;
    for (int i = 0; i < bias->rank; i++) {
        if (bias->dims[i] == 1)
            continue;
        if (count != 1 || i != bias->rank - 1)
            return false;
        count = bias->dims[i];
        stride = bias->strides[i];
    }
    bias->rank = 1;
    bias->dims[0] = out;
    bias->strides[0] = stride;
    return count == out || count == 1;
}

clvgg_status vgg_onnx_Gemm(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    vgg_onnx_view weight, bias;
    vgg_onnx_layer *layer;
    const bool has_bias = vgg_onnx_input(node, 2) != NULL;
    if (vgg_onnx_int(node, "transA", 0) != 0 || vgg_onnx_float(node, "alpha", 1.0f) != 1.0f ||
        (has_bias && vgg_onnx_float(node, "beta", 1.0f) != 1.0f))
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "transA must be 0, alpha and beta 1");
    VGG_PASS(read_matrix(walk, node, vgg_onnx_int(node, "transB", 0) != 0, &weight));
    if (has_bias)
        VGG_PASS(vgg_onnx_operand(walk, node, 2, &bias));
    VGG_PASS(add_dense(walk, node, &weight, &layer));
    if (!has_bias)
        return CLVGG_STATUS_OK;
    if (!as_bias(&bias, weight.dims[0]))
        return vgg_onnx_fail(node, CLVGG_STATUS_SHAPE_MISMATCH,
                             "its bias '%.200s' isn't of %lld features", bias.tensor.name,
                             (long long)weight.dims[0]);
    layer->parameters[VGG_BIAS] = bias;
    walk->graph->nodes[walk->graph->count - 1].attributes.dense.bias = true;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_MatMul(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    vgg_onnx_view weight;
    vgg_onnx_layer *layer;
    VGG_PASS(read_matrix(walk, node, false, &weight));
    return add_dense(walk, node, &weight, &layer);
}

/* ---- softmax, at the end alone ---- */

static clvgg_status end_with_classes(vgg_onnx_walk *walk, const VggOnnx__Node *node, int64_t axis)
{
    const int channel = walk->rank == 4 ? vgg_onnx_axis(walk, VGG_ONNX_C) : 1;
    const clvgg_shape *shape = vgg_onnx_shape(walk);
    const bool is_flat = shape->rank == 1 || (shape->dims[1] == 1 && shape->dims[2] == 1);
    if (!is_flat ||
        (axis != channel && axis != channel - walk->rank && !(walk->onnx->opset < 13 && axis == 1)))
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "isn't over the classes of an image");
    walk->is_softmax = true;
    return walk->rank == 4 ? vgg_onnx_flatten(walk) : CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_Softmax(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    return end_with_classes(walk, node,
                            vgg_onnx_int(node, "axis", walk->onnx->opset < 13 ? 1 : -1));
}

clvgg_status vgg_onnx_LogSoftmax(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    return vgg_onnx_Softmax(walk, node);
}

/* The best class, of which the probability is told with it. */
clvgg_status vgg_onnx_ArgMax(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    VGG_PASS(end_with_classes(walk, node, vgg_onnx_int(node, "axis", 0)));
    walk->is_class = true;
    return CLVGG_STATUS_OK;
}

#else
typedef int vgg_onnx_flat_is_absent; /* C wants something in every file */
#endif

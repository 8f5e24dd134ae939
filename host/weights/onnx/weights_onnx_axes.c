/* weights/onnx/weights_onnx_axes.c — ONNX operators that leave an image's values as they are: zeros
 * around it, its axes in another order.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <string.h>

#include "weights/onnx/weights_onnx.h"

/* Zeros around an image become the padding of the convolution behind them. */
clvgg_status vgg_onnx_Pad(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    const VggOnnx__Attribute *mode = vgg_onnx_attribute(node, "mode");
    vgg_onnx_extents pads = {.count = 0};
    vgg_onnx_view value;
    float fill = vgg_onnx_float(node, "value", 0.0f);
    int count;
    VGG_PASS(vgg_onnx_ints(node, "pads", pads.values, 8, &count));
    pads.count = count > 0 ? count : 0;
    if (count < 0 && vgg_onnx_input(node, 1) != NULL)
        VGG_PASS(vgg_onnx_fold(walk, vgg_onnx_input(node, 1), &pads));
    if (vgg_onnx_input(node, 2) != NULL) {
        VGG_PASS(vgg_onnx_operand(walk, node, 2, &value));
        if (value.tensor.count != 1 || value.tensor.type != VGG_ONNX_FLOAT)
            return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "its value isn't one float");
        VGG_PASS(vgg_onnx_view_read(&value, 0, 1, &fill));
    }
    const bool is_constant =
        mode == NULL || (mode->s.len == 8 && memcmp(mode->s.data, "constant", 8) == 0);
    if (walk->rank != 4 || pads.count != 8 || !is_constant || fill != 0.0f ||
        vgg_onnx_input(node, 3) != NULL)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "pads with something else than zeros around an image");
    for (int axis = 0; axis < 4; axis++) {
        const int64_t before = pads.values[axis], after = pads.values[axis + 4];
        const int to = walk->order[axis] - VGG_ONNX_H;
        if (before < 0 || after < 0 || before > 1 << 20 || after > 1 << 20 ||
            (to < 0 && (before != 0 || after != 0)))
            return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "crops, or pads channels");
        if (to >= 0) {
            walk->pad[to] += before;
            walk->pad[to + 2] += after;
        }
        walk->is_padded = walk->is_padded || before > 0 || after > 0;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_Transpose(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    int64_t perm[4];
    int count, order[4] = {0};
    unsigned seen = 0;
    bool taken;
    VGG_PASS(vgg_onnx_take_adaptive(walk, node, &taken));
    if (taken)
        return CLVGG_STATUS_OK;
    VGG_PASS(vgg_onnx_ints(node, "perm", perm, 4, &count));
    if (count != walk->rank)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "perm doesn't have %d axes",
                             walk->rank);
    for (int i = 0; i < count; i++) {
        if (perm[i] < 0 || perm[i] >= count)
            return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE, "perm isn't an order of the axes");
        seen |= 1u << perm[i];
        order[i] = count == 4 ? walk->order[perm[i]] : (int)perm[i];
    }
    if (seen != (1u << count) - 1 || order[0] != 0 || (count == 2 && order[1] != 1))
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "moves the batch's axis");
    if (count == 4)
        memcpy(walk->order, order, sizeof order);
    return CLVGG_STATUS_OK;
}

#else
typedef int vgg_onnx_axes_is_absent; /* C wants something in every file */
#endif

/* weights/onnx/weights_onnx_axes.c — ONNX operators that leave an image's values as they are: zeros
 * around it, its axes in another order.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <float.h>
#include <string.h>

#include "weights/onnx/weights_onnx.h"

/* Zeros around an image become the padding of the convolution or pooling behind them. */
clvgg_status vgg_onnx_Pad(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    const VggOnnx__Attribute *mode = vgg_onnx_attribute(node, "mode");
    vgg_onnx_extents pads;
    float fill = vgg_onnx_float(node, "value", 0.0f);
    VGG_PASS(vgg_onnx_fold_setting(walk, node, "pads", 1, &pads));
    if (vgg_onnx_input(node, 2) != NULL)
        VGG_PASS(vgg_onnx_number(walk, node, 2, &fill));
    const bool is_constant =
        mode == NULL || (mode->s.len == 8 && memcmp(mode->s.data, "constant", 8) == 0);
    const bool is_low = fill <= -FLT_MAX; /* as in front of a maximum */
    if (walk->rank != 4 || pads.count != 8 || !is_constant || (fill != 0.0f && !is_low) ||
        (walk->is_padded && fill != walk->pad_value) || vgg_onnx_input(node, 3) != NULL)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "pads with something else than zeros around an image");
    walk->pad_value = fill;
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

/* Axes of one node, of those that are `left`, which are `rank`. */
static clvgg_status read_axes(vgg_onnx_walk *walk, const VggOnnx__Node *node, bool keeps,
                              int left[4], int *rank, unsigned *over)
{
    vgg_onnx_extents axes;
    unsigned here = 0;
    int kept = 0;
    VGG_PASS(vgg_onnx_fold_setting(walk, node, "axes", 1, &axes));
    for (int i = 0; i < axes.count; i++) {
        const int64_t axis = axes.values[i] < 0 ? axes.values[i] + *rank : axes.values[i];
        if (axis < 0 || axis >= *rank)
            return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE,
                                 "names an axis of %d that isn't there", *rank);
        here |= 1u << left[axis];
    }
    for (int i = 0; i < *rank; i++)
        if (keeps || (here >> left[i] & 1) == 0)
            left[kept++] = left[i];
    *rank = kept;
    *over |= here;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_axes(vgg_onnx_walk *walk, const VggOnnx__Node *node, bool keeps,
                           unsigned *over)
{
    int left[4], rank = walk->rank;
    *over = 0;
    if (rank != 4)
        return CLVGG_STATUS_OK;
    memcpy(left, walk->order, sizeof left);
    VGG_PASS(read_axes(walk, node, keeps, left, &rank, over));
    /* One axis, and another node of the kind for the other. */
    const VggOnnx__Node *next = NULL;
    if (*over == 1u << VGG_ONNX_H || *over == 1u << VGG_ONNX_W)
        VGG_PASS(vgg_onnx_next(walk->onnx, node->output[0], &next));
    if (next == NULL || next->n_output < 1 || next->output[0][0] == '\0' ||
        strcmp(vgg_onnx_text(next->op_type), vgg_onnx_text(node->op_type)) != 0 ||
        vgg_onnx_int(next, "keepdims", 1) != vgg_onnx_int(node, "keepdims", 1))
        return CLVGG_STATUS_OK;
    walk->skip_to = next->output[0];
    return read_axes(walk, next, keeps, left, &rank, over);
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

/* weights/onnx/weights_onnx_constant.c — ONNX values that don't depend on the input: tensors of the
 * file, and what nodes that only rename or rearrange make of them.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <string.h>

#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "weights/onnx/weights_onnx.h"

clvgg_status vgg_onnx_constant_tensor(vgg_onnx *onnx, const char *name, vgg_onnx_tensor *out,
                                      bool *found)
{
    size_t count;
    const vgg_onnx_edge *edge = vgg_onnx_find(&onnx->initializers, name, &count);
    *found = edge != NULL;
    if (edge != NULL)
        return vgg_onnx_tensor_open(onnx, onnx->graph->initializer[edge->node], out);
    edge = vgg_onnx_find(&onnx->producers, name, &count);
    if (edge == NULL)
        return CLVGG_STATUS_OK;
    const VggOnnx__Node *node = onnx->graph->node[edge->node];
    const VggOnnx__Attribute *value = vgg_onnx_attribute(node, "value");
    if (strcmp(vgg_onnx_text(node->op_type), "Constant") != 0 || value == NULL || value->t == NULL)
        return CLVGG_STATUS_OK;
    *found = true;
    VGG_PASS(vgg_onnx_tensor_open(onnx, value->t, out));
    out->name = name;
    return CLVGG_STATUS_OK;
}

static clvgg_status transpose(const VggOnnx__Node *node, vgg_onnx_view *view)
{
    const vgg_onnx_view before = *view;
    int64_t perm[CLVGG_MAX_RANK];
    int count;
    unsigned seen = 0;
    VGG_PASS(vgg_onnx_ints(node, "perm", perm, CLVGG_MAX_RANK, &count));
    for (int i = 0; count < 0 && i < view->rank; i++)
        perm[i] = view->rank - 1 - i;
    if (count >= 0 && count != view->rank)
        return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE, "perm has %d axes, the tensor %d", count,
                             view->rank);
    for (int i = 0; i < view->rank; i++) {
        if (perm[i] < 0 || perm[i] >= view->rank || (seen >> perm[i] & 1) != 0)
            return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE, "perm isn't an order of the axes");
        seen |= 1u << perm[i];
        view->dims[i] = before.dims[perm[i]];
        view->strides[i] = before.strides[perm[i]];
    }
    return CLVGG_STATUS_OK;
}

/* Another shape of the same values, which must lie side by side. */
static clvgg_status reshape(vgg_onnx_walk *walk, const VggOnnx__Node *node, vgg_onnx_view *view)
{
    vgg_onnx_extents to;
    vgg_onnx_view whole;
    uint64_t known = 1, count = view->tensor.count;
    const char *shape = vgg_onnx_input(node, 1);
    int open = -1;
    vgg_onnx_view_whole(&view->tensor, &whole);
    if (shape == NULL || whole.rank != view->rank ||
        memcmp(whole.strides, view->strides, sizeof whole.strides) != 0)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "a weight is reshaped in a way that "
                             "isn't read");
    VGG_PASS(vgg_onnx_fold(walk, shape, &to));
    if (to.count > CLVGG_MAX_RANK)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "more than %d axes", CLVGG_MAX_RANK);
    vgg_onnx_tensor reshaped = view->tensor;
    reshaped.shape = (clvgg_shape){.rank = to.count};
    for (int i = 0; i < to.count; i++) {
        const int64_t extent = to.values[i] == 0 && i < view->rank ? view->dims[i] : to.values[i];
        reshaped.shape.dims[i] = extent;
        if (extent == -1 && open < 0)
            open = i;
        else if (extent <= 0 || __builtin_mul_overflow(known, (uint64_t)extent, &known))
            known = 0;
    }
    if (open >= 0 && known > 0)
        reshaped.shape.dims[open] = (int64_t)(count / known);
    uint64_t total;
    if (known == 0 || !vgg_shape_count(&reshaped.shape, &total) || total != count)
        return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE, "a weight's values don't fill the shape");
    vgg_onnx_view_whole(&reshaped, view);
    return CLVGG_STATUS_OK;
}

/* Follows nodes with one input that rearrange: at most so many, since they could be in a circle. */
static clvgg_status follow(vgg_onnx_walk *walk, const char *name, int depth, vgg_onnx_view *out,
                           bool *found)
{
    vgg_onnx *onnx = walk->onnx;
    vgg_onnx_tensor tensor;
    size_t count;
    VGG_PASS(vgg_onnx_constant_tensor(onnx, name, &tensor, found));
    if (*found) {
        *found = vgg_onnx_is_float(tensor.type);
        vgg_onnx_view_whole(&tensor, out);
        return CLVGG_STATUS_OK;
    }
    const vgg_onnx_edge *edge = vgg_onnx_find(&onnx->producers, name, &count);
    if (edge == NULL || depth >= VGG_ONNX_DEEPEST)
        return CLVGG_STATUS_OK;
    const VggOnnx__Node *node = onnx->graph->node[edge->node];
    const char *kind = vgg_onnx_text(node->op_type), *input = vgg_onnx_input(node, 0);
    const VggOnnx__Attribute *number = vgg_onnx_attribute(node, "value_float");
    if (strcmp(kind, "Constant") == 0 && number != NULL) {
        *out = vgg_onnx_view_filled(number->f, 1);
        out->tensor.name = name;
        *found = true;
        return CLVGG_STATUS_OK;
    }
    const bool is_same = strcmp(kind, "Identity") == 0 || strcmp(kind, "Cast") == 0;
    const bool is_transposed = strcmp(kind, "Transpose") == 0;
    if (input == NULL || (!is_same && !is_transposed && strcmp(kind, "Reshape") != 0))
        return CLVGG_STATUS_OK;
    VGG_PASS(follow(walk, input, depth + 1, out, found));
    if (!*found || is_same)
        return CLVGG_STATUS_OK;
    return is_transposed ? transpose(node, out) : reshape(walk, node, out);
}

clvgg_status vgg_onnx_constant(vgg_onnx_walk *walk, const char *name, vgg_onnx_view *out,
                               bool *found)
{
    *found = false;
    return follow(walk, name, 0, out, found);
}

clvgg_status vgg_onnx_operand(vgg_onnx_walk *walk, const VggOnnx__Node *node, size_t index,
                              vgg_onnx_view *out)
{
    const char *name = vgg_onnx_input(node, index);
    bool found = false;
    if (name == NULL)
        return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE, "lacks input %zu", index);
    VGG_PASS(vgg_onnx_constant(walk, name, out, &found));
    if (!found)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "its input '%.200s' isn't a tensor of the file", name);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_number(vgg_onnx_walk *walk, const VggOnnx__Node *node, size_t index,
                             float *value)
{
    vgg_onnx_view view;
    float stored;
    VGG_PASS(vgg_onnx_operand(walk, node, index, &view));
    for (int i = 0; i < view.rank; i++)
        if (view.dims[i] != 1)
            return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "tensor '%.200s' isn't one number",
                                 view.tensor.name);
    VGG_PASS(vgg_onnx_view_read(&view, 0, 1, &stored));
    vgg_to_f32(vgg_onnx_view_dtype(&view), &stored, 1, value);
    return CLVGG_STATUS_OK;
}

#else
typedef int vgg_onnx_constant_is_absent; /* C wants something in every file */
#endif

/* weights/onnx/weights_onnx_fold.c — integers that ONNX models compute from shapes, to say where a
 * Reshape leads: "the batch, and whatever is left" takes exporters up to seven nodes.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <string.h>

#include "weights/onnx/weights_onnx.h"

static clvgg_status fold(vgg_onnx_walk *walk, const char *name, int depth, vgg_onnx_extents *out);

static clvgg_status fold_input(vgg_onnx_walk *walk, const VggOnnx__Node *node, size_t index,
                               int depth, vgg_onnx_extents *out)
{
    const char *name = vgg_onnx_input(node, index);
    if (name == NULL)
        return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE, "lacks input %zu", index);
    return fold(walk, name, depth + 1, out);
}

static clvgg_status fold_shape(vgg_onnx_walk *walk, const VggOnnx__Node *node,
                               vgg_onnx_extents *out)
{
    const char *name = vgg_onnx_input(node, 0);
    for (size_t i = walk->step_count; name != NULL && i-- > 0;) {
        const vgg_onnx_step *step = &walk->steps[i];
        if (strcmp(step->name, name) != 0)
            continue;
        out->count = step->rank;
        for (int axis = 0; axis < step->rank; axis++)
            out->values[axis] = step->dims[axis];
        return CLVGG_STATUS_OK;
    }
    return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                         "asks for the shape of a value that isn't on the path to the output");
}

static clvgg_status fold_gather(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                                vgg_onnx_extents *out)
{
    vgg_onnx_extents from, indices;
    VGG_PASS(fold_input(walk, node, 0, depth, &from));
    VGG_PASS(fold_input(walk, node, 1, depth, &indices));
    out->count = indices.count;
    for (int i = 0; i < indices.count; i++) {
        int64_t index = indices.values[i];
        index += index < 0 && index >= -from.count ? from.count : 0;
        if (index < 0 || index >= from.count)
            return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE, "an index beyond %d values",
                                 from.count);
        out->values[i] = from.values[index];
    }
    return CLVGG_STATUS_OK;
}

/* A bound of a slice: an attribute in old models, input `index` in newer ones. */
static clvgg_status slice_bound(vgg_onnx_walk *walk, const VggOnnx__Node *node, const char *name,
                                size_t index, int depth, int64_t absent, int64_t *value)
{
    vgg_onnx_extents bound = {.count = 0};
    int count;
    VGG_PASS(vgg_onnx_ints(node, name, bound.values, VGG_ONNX_MOST_EXTENTS, &count));
    bound.count = count < 0 ? 0 : count;
    if (count < 0 && vgg_onnx_input(node, index) != NULL)
        VGG_PASS(fold_input(walk, node, index, depth, &bound));
    if (bound.count > 1 || (bound.count == 1 && bound.values[0] == VGG_ONNX_BATCH))
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "%s isn't one number", name);
    *value = bound.count == 1 ? bound.values[0] : absent;
    return CLVGG_STATUS_OK;
}

static clvgg_status fold_slice(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                               vgg_onnx_extents *out)
{
    vgg_onnx_extents from;
    int64_t start, end, step;
    VGG_PASS(fold_input(walk, node, 0, depth, &from));
    VGG_PASS(slice_bound(walk, node, "starts", 1, depth, 0, &start));
    VGG_PASS(slice_bound(walk, node, "ends", 2, depth, from.count, &end));
    VGG_PASS(slice_bound(walk, node, "steps", 4, depth, 1, &step));
    start = start < -from.count ? 0 : start < 0 ? start + from.count : start;
    end = end < -from.count ? 0 : end < 0 ? end + from.count : end;
    end = end > from.count ? from.count : end;
    if (step != 1)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "slices with steps");
    out->count = 0;
    for (int64_t i = start; i < end; i++)
        out->values[out->count++] = from.values[i];
    return CLVGG_STATUS_OK;
}

static clvgg_status fold_concat(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                                vgg_onnx_extents *out)
{
    out->count = 0;
    for (size_t input = 0; input < node->n_input; input++) {
        vgg_onnx_extents part;
        VGG_PASS(fold_input(walk, node, input, depth, &part));
        if (part.count > VGG_ONNX_MOST_EXTENTS - out->count)
            return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "more than %d extents",
                                 VGG_ONNX_MOST_EXTENTS);
        memcpy(out->values + out->count, part.values, (size_t)part.count * sizeof *part.values);
        out->count += part.count;
    }
    return CLVGG_STATUS_OK;
}

/* The product of one input's values, or of two inputs' by pairs. */
static clvgg_status fold_product(vgg_onnx_walk *walk, const VggOnnx__Node *node, bool of_one,
                                 int depth, vgg_onnx_extents *out)
{
    vgg_onnx_extents right = {.count = 0};
    bool fits = true;
    VGG_PASS(fold_input(walk, node, 0, depth, out));
    if (!of_one)
        VGG_PASS(fold_input(walk, node, 1, depth, &right));
    for (int i = of_one ? 1 : 0; i < out->count; i++) {
        int64_t *a = of_one ? &out->values[0] : &out->values[i];
        const int64_t b = of_one             ? out->values[i]
                          : right.count == 1 ? right.values[0]
                          : i < right.count  ? right.values[i]
                                             : VGG_ONNX_BATCH;
        fits = fits && *a != VGG_ONNX_BATCH && b != VGG_ONNX_BATCH &&
               !__builtin_mul_overflow(*a, b, a);
    }
    out->count = of_one && out->count > 1 ? 1 : out->count;
    if (!fits)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "a product with the batch's size");
    return CLVGG_STATUS_OK;
}

static clvgg_status fold_node(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                              vgg_onnx_extents *out)
{
    static const char *const same[] = {"Identity", "Cast", "Unsqueeze", "Squeeze"};
    const char *kind = vgg_onnx_text(node->op_type);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (strcmp(kind, same[i]) == 0)
            return fold_input(walk, node, 0, depth, out);
    if (strcmp(kind, "Shape") == 0)
        return fold_shape(walk, node, out);
    if (strcmp(kind, "Gather") == 0)
        return fold_gather(walk, node, depth, out);
    if (strcmp(kind, "Slice") == 0)
        return fold_slice(walk, node, depth, out);
    if (strcmp(kind, "Concat") == 0)
        return fold_concat(walk, node, depth, out);
    if (strcmp(kind, "Mul") == 0 || strcmp(kind, "ReduceProd") == 0)
        return fold_product(walk, node, kind[0] == 'R', depth, out);
    return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                         "a shape is computed by an operator that isn't read");
}

/* A Constant node may hold its integers as attributes by themselves. */
static bool fold_attributes(const VggOnnx__Node *node, vgg_onnx_extents *out)
{
    const VggOnnx__Attribute *one = vgg_onnx_attribute(node, "value_int");
    const VggOnnx__Attribute *many = vgg_onnx_attribute(node, "value_ints");
    if (strcmp(vgg_onnx_text(node->op_type), "Constant") != 0 || (one == NULL && many == NULL))
        return false;
    *out = (vgg_onnx_extents){.count = one != NULL ? 1 : 0};
    if (one != NULL)
        out->values[0] = one->i;
    for (size_t i = 0; one == NULL && i < many->n_ints && i < VGG_ONNX_MOST_EXTENTS; i++)
        out->values[out->count++] = many->ints[i];
    return true;
}

static clvgg_status fold(vgg_onnx_walk *walk, const char *name, int depth, vgg_onnx_extents *out)
{
    vgg_onnx_tensor tensor;
    bool found;
    size_t count;
    VGG_CHECK(depth < VGG_ONNX_DEEPEST && --walk->fold_budget > 0, CLVGG_STATUS_UNSUPPORTED,
              "the shape '%.200s' takes too many nodes to compute", name);
    VGG_PASS(vgg_onnx_constant_tensor(walk->onnx, name, &tensor, &found));
    if (found) {
        VGG_PASS(vgg_onnx_tensor_ints(&tensor, out->values, VGG_ONNX_MOST_EXTENTS, &count));
        out->count = (int)count;
        return CLVGG_STATUS_OK;
    }
    const vgg_onnx_edge *edge = vgg_onnx_find(&walk->onnx->producers, name, &count);
    VGG_CHECK(edge != NULL, CLVGG_STATUS_BAD_FILE, "the shape '%.200s' is given by no node", name);
    const VggOnnx__Node *node = walk->onnx->graph->node[edge->node];
    if (fold_attributes(node, out))
        return CLVGG_STATUS_OK;
    return fold_node(walk, node, depth, out);
}

clvgg_status vgg_onnx_fold(vgg_onnx_walk *walk, const char *name, vgg_onnx_extents *out)
{
    return fold(walk, name, 0, out);
}

#else
typedef int vgg_onnx_fold_is_absent; /* C wants something in every file */
#endif

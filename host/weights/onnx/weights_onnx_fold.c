/* weights/onnx/weights_onnx_fold.c — integers that ONNX models compute from shapes, to say where a
 * Reshape leads: "the batch, and whatever is left" takes exporters up to seven nodes.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <string.h>

#include "weights/onnx/weights_onnx.h"

static clvgg_status fold(vgg_onnx_walk *walk, const char *name, int depth, vgg_onnx_extents *out);

clvgg_status vgg_onnx_fold_input(vgg_onnx_walk *walk, const VggOnnx__Node *node, size_t index,
                                 int depth, vgg_onnx_extents *out)
{
    const char *name = vgg_onnx_input(node, index);
    if (name == NULL)
        return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE, "lacks input %zu", index);
    return fold(walk, name, depth + 1, out);
}

static clvgg_status fold_setting(vgg_onnx_walk *walk, const VggOnnx__Node *node, const char *name,
                                 size_t index, int depth, vgg_onnx_extents *out)
{
    out->columns = 0;
    VGG_PASS(vgg_onnx_ints(node, name, out->values, VGG_ONNX_MOST_EXTENTS, &out->count));
    if (out->count >= 0 || vgg_onnx_input(node, index) == NULL)
        return CLVGG_STATUS_OK;
    return vgg_onnx_fold_input(walk, node, index, depth, out);
}

/* Where a range that an operator states ends up among `count` values. */
static int64_t clamp(int64_t at, int64_t count, int64_t least, int64_t most)
{
    at += at < 0 && at >= -count ? count : 0;
    return at < least ? least : at > most ? most : at;
}

/* The shape of a value on the path, of a tensor of the file or of a shape, or some of its extents.
 */
static clvgg_status fold_shape(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                               vgg_onnx_extents *out)
{
    const char *name = vgg_onnx_input(node, 0);
    const int64_t *dims = NULL;
    int64_t rank = 0;
    vgg_onnx_tensor tensor;
    bool found = false;
    if (name != NULL)
        VGG_PASS(vgg_onnx_constant_tensor(walk->onnx, name, &tensor, &found));
    if (found) {
        dims = tensor.shape.dims;
        rank = tensor.shape.rank;
    }
    for (size_t i = walk->step_count; name != NULL && dims == NULL && i-- > 0;) {
        if (strcmp(walk->steps[i].name, name) == 0) {
            dims = walk->steps[i].dims;
            rank = walk->steps[i].rank;
        }
    }
    if (dims == NULL) { /* of a shape, then */
        VGG_PASS(vgg_onnx_fold_input(walk, node, 0, depth, out));
        if (out->columns > 0)
            return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "asks for the shape of a table");
        *out = (vgg_onnx_extents){.values = {out->count}, .count = 1};
        return CLVGG_STATUS_OK;
    }
    const int64_t start = clamp(vgg_onnx_int(node, "start", 0), rank, 0, rank);
    const int64_t end = clamp(vgg_onnx_int(node, "end", rank), rank, 0, rank);
    *out = (vgg_onnx_extents){.count = 0};
    for (int64_t axis = start; axis < end; axis++)
        out->values[out->count++] = dims[axis];
    return CLVGG_STATUS_OK;
}

static clvgg_status fold_gather(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                                vgg_onnx_extents *out)
{
    vgg_onnx_extents from, indices;
    VGG_PASS(vgg_onnx_fold_input(walk, node, 0, depth, &from));
    VGG_PASS(vgg_onnx_fold_input(walk, node, 1, depth, &indices));
    if (from.columns > 0 || indices.columns > 0)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "rows of a table");
    *out = (vgg_onnx_extents){.count = indices.count};
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

/* A bound of a slice. */
static clvgg_status slice_bound(vgg_onnx_walk *walk, const VggOnnx__Node *node, const char *name,
                                size_t index, int depth, int64_t absent, int64_t *value)
{
    vgg_onnx_extents bound;
    VGG_PASS(fold_setting(walk, node, name, index, depth, &bound));
    if (bound.count > 1 || (bound.count == 1 && bound.values[0] == VGG_ONNX_BATCH))
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "%s isn't one number", name);
    *value = bound.count == 1 ? bound.values[0] : absent;
    return CLVGG_STATUS_OK;
}

/* Values, or the rows of a table, one after the other or in reverse. */
static clvgg_status fold_slice(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                               vgg_onnx_extents *out)
{
    vgg_onnx_extents from;
    int64_t start, end, axis, step;
    VGG_PASS(vgg_onnx_fold_input(walk, node, 0, depth, &from));
    const int64_t width = from.columns > 0 ? from.columns : 1, rows = from.count / width;
    VGG_PASS(slice_bound(walk, node, "starts", 1, depth, 0, &start));
    VGG_PASS(slice_bound(walk, node, "ends", 2, depth, rows, &end));
    VGG_PASS(slice_bound(walk, node, "axes", 3, depth, 0, &axis));
    VGG_PASS(slice_bound(walk, node, "steps", 4, depth, 1, &step));
    if ((step != 1 && step != -1) || (axis != 0 && (axis != -1 || from.columns > 0)))
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "slices a shape with steps, or along another axis than the first");
    start = step > 0 ? clamp(start, rows, 0, rows) : clamp(start, rows, -1, rows - 1);
    end = step > 0 ? clamp(end, rows, 0, rows) : clamp(end, rows, -1, rows - 1);
    *out = (vgg_onnx_extents){.columns = from.columns};
    for (int64_t row = start; step > 0 ? row < end : row > end; row += step)
        for (int64_t i = 0; i < width; i++)
            out->values[out->count++] = from.values[row * width + i];
    return CLVGG_STATUS_OK;
}

static clvgg_status fold_concat(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                                vgg_onnx_extents *out)
{
    *out = (vgg_onnx_extents){.count = 0};
    for (size_t input = 0; input < node->n_input; input++) {
        vgg_onnx_extents part;
        VGG_PASS(vgg_onnx_fold_input(walk, node, input, depth, &part));
        if (part.count > VGG_ONNX_MOST_EXTENTS - out->count || part.columns > 0)
            return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "more than %d extents, or a table",
                                 VGG_ONNX_MOST_EXTENTS);
        memcpy(out->values + out->count, part.values, (size_t)part.count * sizeof *part.values);
        out->count += part.count;
    }
    return CLVGG_STATUS_OK;
}

/* One axis, or a table. */
static clvgg_status fold_reshape(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                                 vgg_onnx_extents *out)
{
    vgg_onnx_extents to;
    VGG_PASS(vgg_onnx_fold_input(walk, node, 0, depth, out));
    VGG_PASS(vgg_onnx_fold_input(walk, node, 1, depth, &to));
    const int64_t columns = to.count == 2 ? to.values[1] : 0;
    const int64_t first = to.count > 0 ? to.values[0] : out->count;
    const int64_t rows = columns > 0 ? out->count / columns : out->count;
    if (to.count > 2 || (to.count == 2 && (columns < 1 || out->count % columns != 0)) ||
        (first != -1 && first != rows))
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "makes something else of a shape than a list or a table");
    out->columns = (int)columns;
    return CLVGG_STATUS_OK;
}

static clvgg_status fold_transpose(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                                   vgg_onnx_extents *out)
{
    vgg_onnx_extents from;
    int64_t perm[2];
    int count;
    VGG_PASS(vgg_onnx_ints(node, "perm", perm, 2, &count));
    VGG_PASS(vgg_onnx_fold_input(walk, node, 0, depth, &from));
    if (from.columns < 1 || (count >= 0 && (count != 2 || perm[0] != 1 || perm[1] != 0)))
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "what it transposes isn't a table");
    const int rows = from.count / from.columns;
    *out = (vgg_onnx_extents){.count = from.count, .columns = rows};
    for (int i = 0; i < from.count; i++)
        out->values[i % from.columns * rows + i / from.columns] = from.values[i];
    return CLVGG_STATUS_OK;
}

/* So many times one value, which is 0 unless an attribute states it. */
static clvgg_status fold_filled(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                                vgg_onnx_extents *out)
{
    const VggOnnx__Attribute *attribute = vgg_onnx_attribute(node, "value");
    vgg_onnx_extents shape;
    vgg_onnx_tensor tensor;
    int64_t value = 0;
    size_t count = 1;
    VGG_PASS(vgg_onnx_fold_input(walk, node, 0, depth, &shape));
    if (attribute != NULL && attribute->t != NULL) {
        VGG_PASS(vgg_onnx_tensor_open(walk->onnx, attribute->t, &tensor));
        VGG_PASS(vgg_onnx_tensor_ints(&tensor, &value, 1, &count));
    }
    if (shape.count != 1 || shape.values[0] < 0 || shape.values[0] > VGG_ONNX_MOST_EXTENTS ||
        count != 1)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "isn't a list of at most %d extents",
                             VGG_ONNX_MOST_EXTENTS);
    *out = (vgg_onnx_extents){.count = (int)shape.values[0]};
    for (int i = 0; i < out->count; i++)
        out->values[i] = value;
    return CLVGG_STATUS_OK;
}

static clvgg_status fold_node(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                              vgg_onnx_extents *out)
{
    static const char *const same[] = {"Identity", "Cast", "Unsqueeze", "Squeeze"};
    const char *kind = vgg_onnx_text(node->op_type);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (strcmp(kind, same[i]) == 0)
            return vgg_onnx_fold_input(walk, node, 0, depth, out);
    if (strcmp(kind, "Shape") == 0)
        return fold_shape(walk, node, depth, out);
    if (strcmp(kind, "Gather") == 0)
        return fold_gather(walk, node, depth, out);
    if (strcmp(kind, "Slice") == 0)
        return fold_slice(walk, node, depth, out);
    if (strcmp(kind, "Concat") == 0)
        return fold_concat(walk, node, depth, out);
    if (strcmp(kind, "Reshape") == 0)
        return fold_reshape(walk, node, depth, out);
    if (strcmp(kind, "Transpose") == 0)
        return fold_transpose(walk, node, depth, out);
    if (strcmp(kind, "ConstantOfShape") == 0)
        return fold_filled(walk, node, depth, out);
    return vgg_onnx_fold_arithmetic(walk, node, depth, out);
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
        out->columns = 0;
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

clvgg_status vgg_onnx_fold_setting(vgg_onnx_walk *walk, const VggOnnx__Node *node, const char *name,
                                   size_t index, vgg_onnx_extents *out)
{
    return fold_setting(walk, node, name, index, 0, out);
}

#else
typedef int vgg_onnx_fold_is_absent; /* C wants something in every file */
#endif

/* weights/onnx/weights_onnx_adaptive.c — adaptive average pooling as PyTorch's exporter takes it
 * apart where the output's extent doesn't divide the input's: VGG made for 256 x 256 images pools 8
 * x 8 to 7 x 7.
 *
 * Transpose to H, W, N, C; GatherND of all windows, [out h, k, out w, k, 2] being the rows and
 * columns of each; Transpose back; ReduceMean over the windows. Windows of different sizes are put
 * together by dozens of further nodes, which aren't read.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <string.h>

#include "base/alloc.h"
#include "weights/onnx/weights_onnx.h"

static bool has_ints(const VggOnnx__Node *node, const char *name, int count, const int64_t *values)
{
    const VggOnnx__Attribute *a = vgg_onnx_attribute(node, name);
    if (a == NULL || a->n_ints != (size_t)count)
        return false;
    for (int i = 0; i < count; i++)
        if (a->ints[i] != values[i])
            return false;
    return true;
}

/* The one node that takes what `node` gives, if it is of this kind; NULL else. */
static const VggOnnx__Node *follower(const vgg_onnx *onnx, const VggOnnx__Node *node,
                                     const char *kind)
{
    size_t count = 0;
    const vgg_onnx_edge *edge =
        node->n_output > 0 ? vgg_onnx_find(&onnx->consumers, node->output[0], &count) : NULL;
    if (count != 1 || edge->slot != 0)
        return NULL;
    const VggOnnx__Node *next = onnx->graph->node[edge->node];
    return strcmp(vgg_onnx_text(next->op_type), kind) == 0 ? next : NULL;
}

/* Says whether indices [out h, k, out w, k, 2] are those of adaptive pooling: the windows
 * [floor(i·in/out), ceil((i + 1)·in/out)). */
static bool are_windows(const int64_t *index, const int64_t dims[5], const int64_t in[2])
{
    for (int axis = 0; axis < 2; axis++) {
        const int64_t out = dims[2 * axis], size = dims[2 * axis + 1];
        for (int64_t i = 0; i < out; i++)
            if (((i + 1) * in[axis] + out - 1) / out - i * in[axis] / out != size)
                return false;
    }
    for (int64_t i = 0; i < dims[0]; i++)
        for (int64_t a = 0; a < dims[1]; a++)
            for (int64_t j = 0; j < dims[2]; j++)
                for (int64_t b = 0; b < dims[3]; b++, index += 2)
                    if (index[0] != i * in[0] / dims[0] + a || index[1] != j * in[1] / dims[2] + b)
                        return false;
    return true;
}

/* Reads the indices; *out is {0, 0} where they aren't those of adaptive pooling. */
static clvgg_status read_extent(vgg_onnx_walk *walk, const VggOnnx__Node *gather, int64_t out[2])
{
    enum { MOST = 65536 };
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_onnx_tensor tensor;
    const char *name = vgg_onnx_input(gather, 1);
    int64_t *index = NULL;
    bool found = false;
    size_t count;
    if (name != NULL)
        VGG_TRY(vgg_onnx_constant_tensor(walk->onnx, name, &tensor, &found));
    if (!found || tensor.shape.rank != 5 || tensor.shape.dims[4] != 2 || tensor.count == 0 ||
        tensor.count > MOST || vgg_onnx_int(gather, "batch_dims", 0) != 0)
        return status;
    VGG_NEW(index, (size_t)tensor.count);
    VGG_TRY(vgg_onnx_tensor_ints(&tensor, index, MOST, &count));
    if (are_windows(index, tensor.shape.dims, vgg_onnx_shape(walk)->dims + 1)) {
        out[0] = tensor.shape.dims[0];
        out[1] = tensor.shape.dims[2];
    }
cleanup:
    vgg_free(index);
    return status;
}

clvgg_status vgg_onnx_take_adaptive(vgg_onnx_walk *walk, const VggOnnx__Node *node, bool *taken)
{
    const VggOnnx__Node *gather = follower(walk->onnx, node, "GatherND"), *back, *mean = NULL;
    vgg_onnx_extents axes = {.count = 0};
    vgg_attributes a = {.pool = {.adaptive = {0, 0}}};
    vgg_onnx_layer *layer;
    *taken = gather != NULL && has_ints(node, "perm", 4, (const int64_t[]){2, 3, 0, 1});
    if (!*taken)
        return CLVGG_STATUS_OK;
    VGG_PASS(vgg_onnx_check_image(walk, node));
    VGG_PASS(read_extent(walk, gather, a.pool.adaptive));
    back = follower(walk->onnx, gather, "Transpose");
    if (back != NULL && has_ints(back, "perm", 6, (const int64_t[]){4, 5, 0, 1, 2, 3}))
        mean = follower(walk->onnx, back, "ReduceMean");
    if (mean != NULL && vgg_onnx_input(mean, 1) != NULL && mean->n_output > 0)
        VGG_PASS(vgg_onnx_fold(walk, vgg_onnx_input(mean, 1), &axes));
    for (int i = 0; i < axes.count; i++)
        axes.values[i] += axes.values[i] < 0 ? 6 : 0;
    if (a.pool.adaptive[0] == 0 || axes.count != 2 || axes.values[0] != 3 || axes.values[1] != 5 ||
        vgg_onnx_int(mean, "keepdims", 1) != 0)
        return vgg_onnx_fail(gather, CLVGG_STATUS_UNSUPPORTED,
                             "adaptive pooling with windows of different sizes; export the model "
                             "for images of another size, as 224 x 224 for VGG");
    walk->skip_to = mean->output[0];
    return vgg_onnx_add(walk, VGG_LAYER_AVG_POOL, &a, &layer);
}

#else
typedef int vgg_onnx_adaptive_is_absent; /* C wants something in every file */
#endif

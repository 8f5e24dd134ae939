/* weights/onnx/weights_onnx.c — ONNX models: networks of one path, with their weights inside or in
 * files beside them.
 *
 * Read: what PyTorch's two exporters, Keras's, tf2onnx and the model zoo's authors write; float,
 * float16, bfloat16, double. How images are prepared the format can't say. The public schema:
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
#include "weights/format.h"

/* Protobuf has no magic. ONNX begins with ir_version (field 1, a small integer) and then another
 * field of the model; pnnx's imitation with the graph (7), a message whose length is a varint of up
 * to five bytes and whose first field is a node (1). */
static bool matches(const vgg_candidate *candidate)
{
    const unsigned char *head = candidate->head;
    const size_t bytes = candidate->bytes;
    if (bytes < 8)
        return false;
    if (head[0] == 0x08)
        return head[1] >= 1 && head[1] <= 32 &&
               (head[2] == 0x12 || head[2] == 0x1A || head[2] == 0x22 || head[2] == 0x28 ||
                head[2] == 0x32 || head[2] == 0x3A || head[2] == 0x42);
    size_t at = 1;
    while (at < 5 && head[at] >= 0x80)
        at++;
    return head[0] == 0x3A && at > 1 && head[at + 1] == 0x0A;
}

#ifdef CLVGG_HAVE_PROTOBUF_C

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "tensor/shape.h"
#include "weights/onnx/weights_onnx.h"
#include "weights/strided.h"

/* ---- tensors of the layers ---- */

static clvgg_status add_parameter(vgg_onnx *onnx, const vgg_graph *graph, int index, int parameter,
                                  const vgg_onnx_view *view)
{
    char name[VGG_MAX_NAME_LENGTH + 32];
    const vgg_node *node = &graph->nodes[index];
    const clvgg_shape shape = vgg_graph_parameter_shape(graph, index, parameter);
    uint64_t count = 1;
    for (int i = 0; i < view->rank; i++)
        count *= (uint64_t)view->dims[i];
    snprintf(name, sizeof name, "%s.%s", node->name,
             vgg_layer_of(node->type)->parameters[parameter].name);
    VGG_CHECK(count == vgg_shape_elements(&shape), CLVGG_STATUS_SHAPE_MISMATCH,
              "tensor '%.200s' doesn't fill %s", view->is_filled ? "" : view->tensor.name, name);
    VGG_GROW_PASS(onnx->views, onnx->view_count, onnx->view_capacity, 64);
    onnx->views[onnx->view_count] = *view;
    return vgg_weights_add(onnx->weights, name, &shape, vgg_onnx_view_dtype(view), NULL,
                           onnx->view_count++);
}

static clvgg_status add_parameters(vgg_onnx *onnx, const vgg_onnx_walk *walk)
{
    for (int i = 1; i < walk->graph->count; i++)
        for (int p = 0; p < VGG_ONNX_PARAMETERS; p++)
            if (vgg_node_has_parameter(&walk->graph->nodes[i], p))
                VGG_PASS(add_parameter(onnx, walk->graph, i, p, &walk->layers[i].parameters[p]));
    return CLVGG_STATUS_OK;
}

/* ---- the input's size ---- */

/* Where the model leaves it open, 224; or else the multiple of 32 that its first dense layer fits;
 * or else the smallest size of all, as 28 or 227.
 */
static clvgg_status find_network(vgg_onnx_walk *walk)
{
    enum { USUAL = 224, STEP = 32, LARGEST = 1024, LARGEST_ODD = 512 };
    clvgg_status status = vgg_onnx_walk_run(walk, USUAL);
    if (status != CLVGG_STATUS_SHAPE_MISMATCH || !walk->is_misfit)
        return status;
    for (int64_t side = STEP; side <= LARGEST + LARGEST_ODD;) {
        vgg_onnx_walk_free(walk);
        if (vgg_onnx_walk_run(walk, side <= LARGEST ? side : side - LARGEST) == CLVGG_STATUS_OK)
            return CLVGG_STATUS_OK;
        side += side < LARGEST ? STEP : 1;
    }
    vgg_onnx_walk_free(walk);
    return vgg_onnx_walk_run(walk, USUAL); /* for its message */
}

/* ---- metadata ---- */

/* What the model says of itself, and clvgg of a model that it wrote; but for a network, which would
 * be another where the file was changed. */
static clvgg_status take_metadata(vgg_weights *weights, const VggOnnx__Model *model)
{
    enum { MOST = 1024 };
    for (size_t i = 0; i < model->n_metadata_props && i < MOST; i++) {
        const VggOnnx__StringStringEntry *entry = model->metadata_props[i];
        if (entry->key != NULL && entry->value != NULL && strcmp(entry->key, "clvgg.graph") != 0 &&
            vgg_text_is_utf8(entry->key) && vgg_text_is_utf8(entry->value) &&
            vgg_weights_metadata(weights, entry->key) == NULL)
            VGG_PASS(vgg_weights_state(weights, entry->key, entry->value));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status open_model(vgg_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_onnx_walk walk = {0};
    vgg_onnx *onnx = NULL;
    VGG_NEW(onnx, 1);
    weights->own = onnx;
    onnx->weights = weights;
    walk.onnx = onnx;
    VGG_TRY(vgg_row_cache_create(&onnx->rows));
    VGG_TRY(vgg_onnx_load(onnx));
    VGG_TRY(take_metadata(weights, onnx->model));
    VGG_TRY(find_network(&walk));
    VGG_TRY(vgg_onnx_name_layers(&walk));
    VGG_TRY(add_parameters(onnx, &walk));
    VGG_NEW(onnx->strided, onnx->view_count);
    for (size_t i = 0; i < onnx->view_count; i++)
        onnx->strided[i] = vgg_onnx_view_strided(&onnx->views[i]);
    VGG_GIVE(&weights->graph, walk.graph);
cleanup:
    vgg_onnx_walk_free(&walk);
    if (status != CLVGG_STATUS_OK && status != CLVGG_STATUS_OUT_OF_MEMORY &&
        strncmp(vgg_message(), weights->path, strlen(weights->path)) != 0)
        vgg_message_prefix("%s", weights->path);
    /* The arguments that a layer can't have are the file's. */
    return status == CLVGG_STATUS_INVALID_ARGUMENT ? vgg_fail_as(CLVGG_STATUS_BAD_FILE) : status;
}

static clvgg_status read_values(const vgg_weights *weights, size_t slot, uint64_t first,
                                uint64_t count, void *data)
{
    const vgg_onnx *onnx = weights->own;
    const size_t place = weights->slots[slot].place;
    const vgg_onnx_view *view = &onnx->views[place];
    if (view->is_filled)
        return vgg_onnx_view_read(view, first, count, data);
    VGG_PASS(vgg_row_cache_read(onnx->rows, &onnx->strided[place], vgg_onnx_view_dtype(view), first,
                                count, data));
    for (uint64_t i = 0; view->is_inverse && i < count; i++)
        ((float *)data)[i] = 1.0f / ((float *)data)[i];
    return CLVGG_STATUS_OK;
}

static const vgg_strided *strided_of(const vgg_weights *weights, size_t slot)
{
    const vgg_onnx *onnx = weights->own;
    const size_t place = weights->slots[slot].place;
    return onnx->views[place].is_filled ? NULL : &onnx->strided[place];
}

static void close_model(vgg_weights *weights)
{
    vgg_onnx_free(weights->own);
}

const vgg_weights_format vgg_weights_onnx = {.name = "an ONNX model",
                                             .matches = matches,
                                             .open = open_model,
                                             .read = read_values,
                                             .strided = strided_of,
                                             .close = close_model};

#else

const vgg_weights_format vgg_weights_onnx = {
    .name = "an ONNX model", .matches = matches, .needs = "protobuf-c"};

#endif

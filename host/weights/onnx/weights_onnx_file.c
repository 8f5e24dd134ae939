/* weights/onnx/weights_onnx_file.c — an ONNX model's structure: unpacked, and its values' names
 * indexed.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/onnx/weights_onnx.h"
#include "weights/strided.h"

/* The path along them is walked once for each size that the input may have. */
enum { MOST_NODES = 8192 };

#define KEEP(number)                                                                               \
    {                                                                                              \
        number, VGG_PROTOBUF_KEEP, NULL                                                            \
    }
#define LEAVE(number)                                                                              \
    {                                                                                              \
        number, VGG_PROTOBUF_LEAVE, NULL                                                           \
    }
#define INTO(number, message)                                                                      \
    {                                                                                              \
        number, VGG_PROTOBUF_INTO, &message                                                        \
    }
#define ONCE(number, message)                                                                      \
    {                                                                                              \
        number, VGG_PROTOBUF_ONCE, &message                                                        \
    }
#define MESSAGE(name, text, ...)                                                                   \
    static const vgg_protobuf_field name##_fields[] = {__VA_ARGS__};                               \
    static const vgg_protobuf_message name = {text, name##_fields,                                 \
                                              sizeof name##_fields / sizeof *name##_fields};
/* What of onnx.proto is copied: see protobuf_skeleton.h. */
MESSAGE(pair, "StringStringEntryProto", KEEP(1), KEEP(2))
MESSAGE(operator_set, "OperatorSetIdProto", KEEP(1), KEEP(2))
MESSAGE(tensor, "TensorProto", KEEP(1), KEEP(2), LEAVE(3), LEAVE(4), LEAVE(5), LEAVE(6), LEAVE(7),
        KEEP(8), LEAVE(9), LEAVE(10), LEAVE(11), INTO(13, pair), KEEP(14))
/* The branches of an If hold nodes, but no branches of their own. */
MESSAGE(inner_attribute, "AttributeProto", KEEP(1), KEEP(3), ONCE(5, tensor), KEEP(8))
MESSAGE(inner_node, "NodeProto", KEEP(1), KEEP(2), KEEP(3), KEEP(4), INTO(5, inner_attribute),
        KEEP(7))
MESSAGE(branch, "GraphProto", INTO(1, inner_node), INTO(5, tensor))
MESSAGE(attribute, "AttributeProto", KEEP(1), KEEP(2), KEEP(3), KEEP(4), ONCE(5, tensor),
        ONCE(6, branch), KEEP(7), KEEP(8), KEEP(20), KEEP(21))
MESSAGE(node, "NodeProto", KEEP(1), KEEP(2), KEEP(3), KEEP(4), INTO(5, attribute), KEEP(7))
MESSAGE(dimension, "Dimension", KEEP(1), KEEP(2))
MESSAGE(shape, "TensorShapeProto", INTO(1, dimension))
MESSAGE(tensor_type, "TypeProto.Tensor", KEEP(1), ONCE(2, shape))
MESSAGE(value_type, "TypeProto", ONCE(1, tensor_type))
MESSAGE(value_info, "ValueInfoProto", KEEP(1), ONCE(2, value_type))
MESSAGE(graph, "GraphProto", INTO(1, node), KEEP(2), INTO(5, tensor), INTO(11, value_info),
        INTO(12, value_info))
MESSAGE(model, "ModelProto", KEEP(1), KEEP(2), ONCE(7, graph), INTO(8, operator_set),
        INTO(14, pair))

const char *vgg_onnx_text(const char *text)
{
    return text != NULL ? text : "";
}

const char *vgg_onnx_name(const VggOnnx__Node *n)
{
    const char *name = vgg_onnx_text(n->name);
    return name[0] == '\0' && n->n_output > 0 ? n->output[0] : name;
}

clvgg_status vgg_onnx_fail(const VggOnnx__Node *n, clvgg_status code, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return vgg_fail(code, "node '%.200s' (%.64s): %s", vgg_onnx_name(n), vgg_onnx_text(n->op_type),
                    text);
}

/* ---- attributes ---- */

const VggOnnx__Attribute *vgg_onnx_attribute(const VggOnnx__Node *n, const char *name)
{
    for (size_t i = 0; i < n->n_attribute; i++)
        if (strcmp(vgg_onnx_text(n->attribute[i]->name), name) == 0)
            return n->attribute[i];
    return NULL;
}

int64_t vgg_onnx_int(const VggOnnx__Node *n, const char *name, int64_t absent)
{
    const VggOnnx__Attribute *a = vgg_onnx_attribute(n, name);
    return a != NULL ? a->i : absent;
}

float vgg_onnx_float(const VggOnnx__Node *n, const char *name, float absent)
{
    const VggOnnx__Attribute *a = vgg_onnx_attribute(n, name);
    return a != NULL ? a->f : absent;
}

clvgg_status vgg_onnx_ints(const VggOnnx__Node *n, const char *name, int64_t *values, int most,
                           int *count)
{
    const VggOnnx__Attribute *a = vgg_onnx_attribute(n, name);
    *count = -1;
    if (a == NULL)
        return CLVGG_STATUS_OK;
    if (a->n_ints > (size_t)most)
        return vgg_onnx_fail(n, CLVGG_STATUS_UNSUPPORTED, "%s has %zu values, more than %d", name,
                             a->n_ints, most);
    for (size_t i = 0; i < a->n_ints; i++)
        values[i] = a->ints[i];
    *count = (int)a->n_ints;
    return CLVGG_STATUS_OK;
}

const char *vgg_onnx_input(const VggOnnx__Node *n, size_t index)
{
    return index < n->n_input && n->input[index][0] != '\0' ? n->input[index] : NULL;
}

/* ---- index ---- */

static int compare_edges(const void *a, const void *b)
{
    const vgg_onnx_edge *left = a, *right = b;
    const int order = strcmp(left->name, right->name);
    if (order != 0 || left->node == right->node)
        return order;
    return left->node < right->node ? -1 : 1;
}

const vgg_onnx_edge *vgg_onnx_find(const vgg_onnx_edges *edges, const char *name, size_t *count)
{
    size_t low = 0, high = edges->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(edges->edges[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < edges->count && strcmp(edges->edges[low + *count].name, name) == 0)
        ++*count;
    return *count > 0 ? &edges->edges[low] : NULL;
}

/* What the branches of node `index` take, from outside or of their own, is taken by the node, as an
 * input behind those that it lists. Returns how many inputs that are; adds them where `in` isn't
 * NULL. */
static size_t index_branches(const VggOnnx__Node *n, size_t index, vgg_onnx_edges *in)
{
    size_t count = 0;
    if (strcmp(vgg_onnx_text(n->op_type), "If") != 0)
        return 0;
    for (size_t a = 0; a < n->n_attribute; a++) {
        const VggOnnx__Graph *g = n->attribute[a]->g;
        for (size_t i = 0; g != NULL && i < g->n_node; i++) {
            const VggOnnx__Node *inner = g->node[i];
            count += inner->n_input;
            for (size_t slot = 0; in != NULL && slot < inner->n_input; slot++)
                if (inner->input[slot][0] != '\0')
                    in->edges[in->count++] = (vgg_onnx_edge){inner->input[slot], index, n->n_input};
        }
    }
    return count;
}

static clvgg_status index_nodes(vgg_onnx *onnx)
{
    const VggOnnx__Graph *g = onnx->graph;
    vgg_onnx_edges *in = &onnx->consumers, *out = &onnx->producers;
    size_t inputs = 0, outputs = 0;
    for (size_t i = 0; i < g->n_node; i++) {
        inputs += g->node[i]->n_input + index_branches(g->node[i], i, NULL);
        outputs += g->node[i]->n_output;
    }
    VGG_NEW_PASS(in->edges, inputs);
    VGG_NEW_PASS(out->edges, outputs);
    for (size_t i = 0; i < g->n_node; i++) {
        const VggOnnx__Node *n = g->node[i];
        for (size_t slot = 0; slot < n->n_input; slot++)
            if (n->input[slot][0] != '\0')
                in->edges[in->count++] = (vgg_onnx_edge){n->input[slot], i, slot};
        for (size_t slot = 0; slot < n->n_output; slot++)
            if (n->output[slot][0] != '\0')
                out->edges[out->count++] = (vgg_onnx_edge){n->output[slot], i, slot};
        index_branches(n, i, in);
    }
    qsort(in->edges, in->count, sizeof *in->edges, compare_edges);
    qsort(out->edges, out->count, sizeof *out->edges, compare_edges);
    return CLVGG_STATUS_OK;
}

static clvgg_status index_initializers(vgg_onnx *onnx)
{
    const VggOnnx__Graph *g = onnx->graph;
    vgg_onnx_edges *all = &onnx->initializers;
    VGG_NEW_PASS(all->edges, g->n_initializer);
    for (size_t i = 0; i < g->n_initializer; i++)
        all->edges[all->count++] = (vgg_onnx_edge){vgg_onnx_text(g->initializer[i]->name), i, 0};
    qsort(all->edges, all->count, sizeof *all->edges, compare_edges);
    return CLVGG_STATUS_OK;
}

/* Every name is given to one value alone: else the path could lead in a circle. */
static clvgg_status check_names(const vgg_onnx *onnx)
{
    const vgg_onnx_edges *out = &onnx->producers, *constant = &onnx->initializers;
    size_t count;
    for (size_t i = 1; i < out->count; i++)
        VGG_CHECK(strcmp(out->edges[i - 1].name, out->edges[i].name) != 0, CLVGG_STATUS_BAD_FILE,
                  "two nodes give the value '%.200s'", out->edges[i].name);
    for (size_t i = 1; i < constant->count; i++)
        VGG_CHECK(strcmp(constant->edges[i - 1].name, constant->edges[i].name) != 0,
                  CLVGG_STATUS_BAD_FILE, "has two tensors named '%.200s'", constant->edges[i].name);
    for (size_t i = 0; i < constant->count; i++)
        VGG_CHECK(vgg_onnx_find(out, constant->edges[i].name, &count) == NULL,
                  CLVGG_STATUS_BAD_FILE, "a node gives the value of tensor '%.200s'",
                  constant->edges[i].name);
    return CLVGG_STATUS_OK;
}

/* ---- what isn't read at all ---- */

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool is_quantised(const char *operator_name)
{
    static const char *const names[] = {"QuantizeLinear", "DequantizeLinear",
                                        "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(operator_name, names[i]) == 0)
            return true;
    return begins_with(operator_name, "QLinear");
}

static clvgg_status check_kind(vgg_onnx *onnx)
{
    const VggOnnx__Graph *g = onnx->graph;
    for (size_t i = 0; i < onnx->model->n_opset_import; i++) {
        const VggOnnx__OperatorSetId *set = onnx->model->opset_import[i];
        const char *domain = vgg_onnx_text(set->domain);
        if (domain[0] == '\0' || strcmp(domain, "ai.onnx") == 0)
            onnx->opset = set->version;
    }
    for (size_t i = 0; i < g->n_node; i++) {
        const char *name = vgg_onnx_text(g->node[i]->op_type);
        if (begins_with(name, "pnnx.") || begins_with(name, "nn.") || begins_with(name, "F."))
            return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                            "is pnnx's own file, which isn't ONNX (operator %.64s); take the "
                            ".ncnn.param and .ncnn.bin beside it, or torch.onnx.export()",
                            name);
        if (is_quantised(name))
            return vgg_onnx_fail(g->node[i], CLVGG_STATUS_UNSUPPORTED,
                                 "the model is quantised, which isn't read; take the file that it "
                                 "was made from, with float weights");
    }
    VGG_CHECK(onnx->opset > 0, CLVGG_STATUS_BAD_FILE,
              "states no version of ONNX's operators (opset_import)");
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_load(vgg_onnx *onnx)
{
    const vgg_file *file = onnx->weights->file;
    ProtobufCMessage *message = NULL;
    VGG_PASS(vgg_protobuf_skeleton_read(file, &model, &onnx->skeleton));
    VGG_PASS(vgg_protobuf_unpack(vgg_file_path(file), &onnx->skeleton, &vgg_onnx__model__descriptor,
                                 &message));
    onnx->model = (VggOnnx__Model *)(void *)message;
    onnx->graph = onnx->model->graph;
    VGG_CHECK(onnx->graph != NULL && onnx->graph->n_node > 0, CLVGG_STATUS_BAD_FILE,
              "is an ONNX model without a graph");
    VGG_CHECK(onnx->graph->n_node <= MOST_NODES, CLVGG_STATUS_UNSUPPORTED,
              "has %zu nodes; networks of up to %d are read", onnx->graph->n_node, MOST_NODES);
    VGG_PASS(check_kind(onnx));
    VGG_PASS(index_nodes(onnx));
    VGG_PASS(index_initializers(onnx));
    return check_names(onnx);
}

void vgg_onnx_free(vgg_onnx *onnx)
{
    if (onnx == NULL)
        return;
    for (size_t i = 0; i < onnx->external_count; i++)
        vgg_file_close(onnx->external[i].file);
    vgg_free(onnx->producers.edges);
    vgg_free(onnx->consumers.edges);
    vgg_free(onnx->initializers.edges);
    vgg_row_cache_free(onnx->rows);
    vgg_free(onnx->strided);
    vgg_free(onnx->views);
    if (onnx->model != NULL)
        vgg_protobuf_free(&onnx->model->base);
    vgg_protobuf_skeleton_free(&onnx->skeleton);
    vgg_free(onnx);
}

#else
typedef int vgg_onnx_file_is_absent; /* C wants something in every file */
#endif

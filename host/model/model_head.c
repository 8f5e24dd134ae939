/* model/model_head.c — a model whose dense head is another than its base's: other widths, other
 * classes, other values. The base's layers up to its flatten stay as they are, and so do the values
 * of what is inherited.
 */
#include "base/alloc.h"
#include "graph/layer.h"
#include "model/assemble.h"
#include "model/labels.h"
#include "tensor/shape.h"

clvgg_status vgg_model_head_nodes(const clvgg_model *model, int nodes[3], int *count)
{
    const vgg_graph *graph = model->graph;
    int flatten = 0;
    *count = 0;
    while (flatten < graph->count && !vgg_layer_of(graph->nodes[flatten].type)->flattens)
        flatten++;
    for (int i = flatten + 1; i < graph->count; i++) {
        const vgg_node *node = &graph->nodes[i];
        VGG_CHECK(node->inputs[0] == i - 1 && !vgg_node_is_convolution(node) &&
                      !vgg_layer_of(node->type)->flattens,
                  CLVGG_STATUS_UNSUPPORTED,
                  "%s: '%s' behind the flatten layer isn't part of a chain of dense layers",
                  model->name, node->name);
        if (!vgg_node_is_dense(node))
            continue;
        if (*count < 3)
            nodes[*count] = i;
        ++*count;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status append(vgg_graph *graph, vgg_layer_type type, const vgg_attributes *attributes,
                           const char *name, int number)
{
    vgg_text full = {0};
    vgg_text_puts(&full, name);
    if (number > 0)
        vgg_text_printf(&full, "%d", number);
    const clvgg_status status =
        full.failed ? CLVGG_STATUS_OUT_OF_MEMORY
                    : vgg_graph_add(graph, full.bytes, type, attributes, graph->count - 1, NULL);
    vgg_text_free(&full);
    return status;
}

/* fc6 relu6 drop6 fc7 relu7 drop7 fc8 prob; the last dense layer is fc8 whatever comes before. */
static clvgg_status append_head(vgg_graph *graph, const vgg_model_head *head)
{
    for (int i = 0; i < head->hidden_count; i++) {
        const vgg_attributes dense = {.dense = {.out_features = head->widths[i], .bias = true}};
        const vgg_attributes dropout = {.dropout_rate = head->dropout[i]};
        const vgg_layer_type activation = head->activations[i];
        VGG_PASS(append(graph, VGG_LAYER_DENSE, &dense, "fc", 6 + i));
        VGG_PASS(append(graph, activation, NULL, vgg_layer_type_name(activation), 6 + i));
        VGG_PASS(append(graph, VGG_LAYER_DROPOUT, &dropout, "drop", 6 + i));
    }
    const vgg_attributes last = {
        .dense = {.out_features = (int64_t)head->class_count, .bias = true}};
    VGG_PASS(append(graph, VGG_LAYER_DENSE, &last, "fc", 8));
    return append(graph, VGG_LAYER_SOFTMAX, NULL, "prob", 0);
}

/* Takes a node's parameter over from the base. */
static clvgg_status inherit(const clvgg_model *base, int base_node, vgg_parameter *parameter)
{
    char ours[128], theirs[128];
    const vgg_parameter *from = vgg_model_parameter(base, base_node, parameter->position);
    VGG_CHECK(from != NULL, CLVGG_STATUS_SHAPE_MISMATCH, "%s has no %s to keep", base->name,
              parameter->name);
    VGG_CHECK(vgg_shape_equal(&from->shape, &parameter->shape), CLVGG_STATUS_SHAPE_MISMATCH,
              "%s has shape %s, %s of %s has %s", parameter->name,
              vgg_shape_text(&parameter->shape, ours, sizeof ours), from->name, base->name,
              vgg_shape_text(&from->shape, theirs, sizeof theirs));
    parameter->inherited = from;
    parameter->dtype = from->dtype;
    return CLVGG_STATUS_OK;
}

/* The base's node whose parameters a node has, or -1. */
static int origin_of(int node, const vgg_model_head *head, const int nodes[3],
                     const int base_nodes[3], int count, int base_count)
{
    for (int d = 0; d < count; d++)
        if (nodes[d] == node)
            return head->inherited[d] && count == base_count ? base_nodes[d] : -1;
    return node; /* of the convolutional base, where the graphs are the same */
}

static clvgg_status inherit_all(clvgg_model *model, const vgg_model_head *head,
                                const int base_nodes[3], int base_count)
{
    int nodes[3], count;
    VGG_PASS(vgg_model_head_nodes(model, nodes, &count));
    for (size_t i = 0; i < model->parameter_count; i++) {
        vgg_parameter *parameter = &model->parameters[i];
        const int origin = origin_of(parameter->node, head, nodes, base_nodes, count, base_count);
        if (origin < 0)
            continue;
        VGG_PASS(inherit(model->base, origin, parameter));
        model->head_kept |= parameter->node >= nodes[0];
    }
    return CLVGG_STATUS_OK;
}

/* Names, classes and preprocessing. */
static clvgg_status describe(clvgg_model *model, const vgg_model_head *head)
{
    VGG_DUP_PASS(model->name, model->base->name);
    VGG_DUP_PASS(model->architecture, model->base->architecture);
    if (head->training != NULL)
        VGG_DUP_PASS(model->training, head->training);
    VGG_PASS(
        vgg_model_set_preprocess(model, &model->base->preprocess, model->base->preprocess_origin));
    return vgg_labels_copy(head->labels, head->class_count, &model->labels);
}

clvgg_status vgg_model_with_head(clvgg_model *base, const vgg_model_head *head, clvgg_model **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *graph = NULL;
    clvgg_model *model = NULL;
    int base_nodes[3], base_count;
    *out = NULL;
    VGG_TRY(vgg_model_head_nodes(base, base_nodes, &base_count));
    const vgg_graph_copy_options before = {
        .count = base_count > 0 ? base->graph->nodes[base_nodes[0]].inputs[0] + 1 : 0};
    VGG_TRY(vgg_graph_copy(base->graph, &before, &graph));
    if (graph->nodes[graph->count - 1].output.rank > 1)
        VGG_TRY(append(graph, VGG_LAYER_FLATTEN, NULL, "flatten", 0));
    VGG_TRY(append_head(graph, head));
    VGG_TRY(vgg_model_assemble(base->scope, graph, &model));
    graph = NULL;
    vgg_model_retain(base);
    model->base = base;
    model->source = head->source;
    model->source_user = head->source_user;
    VGG_TRY(describe(model, head));
    VGG_TRY(inherit_all(model, head, base_nodes, base_count));
    VGG_GIVE(out, model);
cleanup:
    vgg_graph_free(graph);
    vgg_model_free(model);
    return status;
}

/* model/quantize.c — see quantize.h. */
#include "model/quantize.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "model/assemble.h"
#include "model/labels.h"

/* The network, and the base's node that each of its nodes is; −1: a quantize layer. */
typedef struct quantized_graph {
    vgg_graph *graph;
    int *origin; /* [2 × base's nodes] */
    int *moved;  /* [base's nodes] where each is in the new graph */
} quantized_graph;

/* "conv1_2_input", or the first unused "quantize1": a model may call its layers anything. */
static clvgg_status add_quantize(quantized_graph *to, const vgg_graph *base, int node,
                                 const vgg_quantize_attributes *how, int *index)
{
    char name[VGG_MAX_NAME_LENGTH + 16];
    const vgg_node *from = &base->nodes[node];
    const vgg_attributes attributes = {.quantize = *how};
    snprintf(name, sizeof name, "%s_input", from->name);
    for (int i = 1; strlen(name) > VGG_MAX_NAME_LENGTH || vgg_graph_find(base, name) >= 0 ||
                    vgg_graph_find(to->graph, name) >= 0;
         i++)
        snprintf(name, sizeof name, "quantize%d", i);
    VGG_PASS(vgg_graph_add(to->graph, name, VGG_LAYER_QUANTIZE, &attributes,
                           to->moved[from->inputs[0]], index));
    to->origin[*index] = -1;
    return CLVGG_STATUS_OK;
}

static clvgg_status build_graph(const vgg_graph *base, const vgg_quantized_input *inputs,
                                quantized_graph *to)
{
    const int64_t *input = base->nodes[0].output.dims;
    VGG_NEW_PASS(to->origin, 2 * (size_t)base->count);
    VGG_NEW_PASS(to->moved, (size_t)base->count);
    VGG_PASS(vgg_graph_create(input[0], input[1], input[2], &to->graph));
    for (int i = 1; i < base->count; i++) {
        const vgg_node *from = &base->nodes[i];
        int before = to->moved[from->inputs[0]];
        if (inputs[i].quantized)
            VGG_PASS(add_quantize(to, base, i, &inputs[i].how, &before));
        VGG_PASS(vgg_graph_add(to->graph, from->name, from->type, &from->attributes, before,
                               &to->moved[i]));
        to->origin[to->moved[i]] = i;
    }
    return CLVGG_STATUS_OK;
}

static void inherit_all(clvgg_model *model, const vgg_quantized_input *inputs, const int *origin)
{
    for (size_t i = 0; i < model->parameter_count; i++) {
        vgg_parameter *parameter = &model->parameters[i];
        const int node = origin[parameter->node];
        parameter->inherited = vgg_model_parameter(model->base, node, parameter->position);
        parameter->int8 = inputs[node].quantized && parameter->position == VGG_WEIGHT;
        parameter->dtype = parameter->int8 ? CLVGG_DTYPE_F32 : parameter->inherited->dtype;
    }
}

static clvgg_status describe(clvgg_model *model, const clvgg_model *base, const char *how)
{
    VGG_DUP_PASS(model->name, base->name);
    VGG_DUP_PASS(model->architecture, base->architecture);
    VGG_DUP_PASS(model->quantized, how);
    VGG_PASS(vgg_model_set_preprocess(model, &base->preprocess, base->preprocess_origin));
    model->preprocess_assumed = base->preprocess_assumed;
    return base->labels == NULL ? CLVGG_STATUS_OK
                                : vgg_labels_copy((const char *const *)base->labels,
                                                  base->class_count, &model->labels);
}

clvgg_status vgg_model_quantize(clvgg_model *base, const vgg_quantized_input *inputs,
                                const char *how, clvgg_model **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_model *model = NULL;
    quantized_graph made = {0};
    *out = NULL;
    VGG_TRY(build_graph(base->graph, inputs, &made));
    VGG_TRY(vgg_model_assemble(base->scope, made.graph, &model));
    made.graph = NULL;
    vgg_model_retain(base);
    model->base = base;
    VGG_TRY(describe(model, base, how));
    inherit_all(model, inputs, made.origin);
    VGG_GIVE(out, model);
cleanup:
    vgg_graph_free(made.graph);
    vgg_free(made.origin);
    vgg_free(made.moved);
    vgg_model_free(model);
    return status;
}

int vgg_model_quantized_layers(const clvgg_model *model)
{
    const vgg_graph *graph = model->graph;
    int count = 0;
    for (int i = 1; i < graph->count; i++)
        count += vgg_layer_of(graph->nodes[i].type)->as_convolution != NULL &&
                 vgg_layer_of(graph->nodes[graph->nodes[i].inputs[0]].type)->quantizes;
    return count;
}

clvgg_status vgg_model_require_float(const clvgg_model *model, const char *what)
{
    VGG_CHECK(
        vgg_model_quantized_layers(model) == 0, CLVGG_STATUS_UNSUPPORTED,
        "%s: is quantised, and only a model in floats can be %s: use the one that it was made "
        "from",
        model->name, what);
    return CLVGG_STATUS_OK;
}

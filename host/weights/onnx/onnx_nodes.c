/* weights/onnx/onnx_nodes.c — a network's layers as ONNX's operators, opset 13.
 *
 * A layer's output is a value of its name, and so is the node that computes it; its parameters are
 * initialisers of the names that they have in every file. Weights of half precision are made
 * float32 by a Cast, as the network computes in float32. Dropout, and pooling that leaves all as it
 * is, have no node.
 */
#include "weights/onnx/onnx_nodes.h"

#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "weights/onnx/onnx_wire.h"

typedef struct onnx_state {
    const vgg_weights_output *output;
    vgg_onnx_nodes *out;
    const char **values;   /* name of each node's value */
    const vgg_node *node;  /* at work */
    const clvgg_shape *in; /* its input's */
    const char *input;     /* its input's value */
    size_t next;           /* tensor: those of a network are in its layers' order */
} onnx_state;

/* ---- the parts of a node ---- */

/* Names the input of a node that is a parameter of the layer: the next tensor. */
static void put_parameter(onnx_state *state, vgg_text *node)
{
    const vgg_tensor_entry *tensor = &state->output->tensors[state->next++];
    vgg_text cast = {0}, name = {0};
    if (tensor->dtype == CLVGG_DTYPE_F32) {
        vgg_onnx_put_string(node, ONNX_NODE_INPUT, tensor->name);
        return;
    }
    vgg_text_printf(&name, "%s.float32", tensor->name);
    vgg_onnx_put_string(&cast, ONNX_NODE_INPUT, tensor->name);
    vgg_onnx_put_string(&cast, ONNX_NODE_OUTPUT, vgg_text_string(&name));
    vgg_onnx_put_string(&cast, ONNX_NODE_NAME, vgg_text_string(&name));
    vgg_onnx_put_string(&cast, ONNX_NODE_OPERATOR, "Cast");
    vgg_onnx_put_int(&cast, "to", vgg_onnx_type(CLVGG_DTYPE_F32));
    vgg_onnx_put_message(&state->out->nodes, ONNX_GRAPH_NODE, &cast);
    vgg_onnx_put_string(node, ONNX_NODE_INPUT, vgg_text_string(&name));
    node->failed = node->failed || name.failed;
    vgg_text_free(&name);
}

/* The same where the layer has that parameter. */
static void put_if_there(onnx_state *state, vgg_text *node, int position)
{
    if (vgg_node_has_parameter(state->node, position))
        put_parameter(state, node);
}

/* Ends the node at work, whose inputs and attributes are in `node`. */
static void finish(onnx_state *state, vgg_text *node, const char *operator_name)
{
    const int index = (int)(state->node - state->output->graph->nodes);
    vgg_onnx_put_string(node, ONNX_NODE_OUTPUT, state->values[index]);
    vgg_onnx_put_string(node, ONNX_NODE_NAME, state->node->name);
    vgg_onnx_put_string(node, ONNX_NODE_OPERATOR, operator_name);
    vgg_onnx_put_message(&state->out->nodes, ONNX_GRAPH_NODE, node);
}

/* Begins a node with the layer's input. */
static vgg_text begin(const onnx_state *state)
{
    vgg_text node = {0};
    vgg_onnx_put_string(&node, ONNX_NODE_INPUT, state->input);
    return node;
}

/* Leaves the layer out: its value is its input's. */
static void skip(onnx_state *state)
{
    state->values[state->node - state->output->graph->nodes] = state->input;
}

/* ---- layers ---- */

static clvgg_status put_conv2d(onnx_state *state)
{
    const vgg_conv_attributes *conv = &state->node->attributes.conv;
    vgg_text node = begin(state);
    put_parameter(state, &node);
    put_if_there(state, &node, VGG_BIAS);
    vgg_onnx_put_ints(&node, "kernel_shape", conv->kernel, 2);
    vgg_onnx_put_ints(&node, "strides", conv->stride, 2);
    vgg_onnx_put_ints(&node, "pads", conv->pad, 4); /* top, left, bottom, right: the same order */
    vgg_onnx_put_ints(&node, "dilations", conv->dilation, 2);
    vgg_onnx_put_int(&node, "group", conv->groups);
    finish(state, &node, "Conv");
    return CLVGG_STATUS_OK;
}

static clvgg_status put_dense(onnx_state *state)
{
    vgg_text node = begin(state);
    put_parameter(state, &node);
    put_if_there(state, &node, VGG_BIAS);
    vgg_onnx_put_int(&node, "transB", 1);
    finish(state, &node, "Gemm");
    return CLVGG_STATUS_OK;
}

/* Pooling to a fixed extent, where windows of one size do that. */
static clvgg_status put_adaptive(onnx_state *state, const char *operator_name,
                                 const char *global_name)
{
    const int64_t *wanted = state->node->attributes.pool.adaptive, *in = state->in->dims + 1;
    int64_t kernel[2];
    for (int axis = 0; axis < 2; axis++) {
        if (in[axis] % wanted[axis] != 0)
            return vgg_layer_fail(state->node, CLVGG_STATUS_UNSUPPORTED,
                                  "ONNX has no pooling to %lld x %lld of %lld x %lld: windows of "
                                  "one size don't give that",
                                  (long long)wanted[0], (long long)wanted[1], (long long)in[0],
                                  (long long)in[1]);
        kernel[axis] = in[axis] / wanted[axis];
    }
    if (kernel[0] == 1 && kernel[1] == 1) {
        skip(state);
        return CLVGG_STATUS_OK;
    }
    vgg_text node = begin(state);
    if (wanted[0] == 1 && wanted[1] == 1) {
        finish(state, &node, global_name);
        return CLVGG_STATUS_OK;
    }
    vgg_onnx_put_ints(&node, "kernel_shape", kernel, 2);
    vgg_onnx_put_ints(&node, "strides", kernel, 2);
    finish(state, &node, operator_name);
    return CLVGG_STATUS_OK;
}

/* A last window that reaches beyond the padding, where the extent is rounded up, is written as so
 * much more padding: runtimes differ in how they round. */
static clvgg_status put_pool(onnx_state *state, const char *operator_name, const char *global_name)
{
    const vgg_pool_attributes *pool = &state->node->attributes.pool;
    int64_t pads[4];
    if (pool->adaptive[0] != 0)
        return put_adaptive(state, operator_name, global_name);
    memcpy(pads, pool->pad, sizeof pads);
    for (int axis = 0; axis < 2; axis++) {
        const int64_t out = state->node->output.dims[1 + axis];
        const int64_t reach = (out - 1) * pool->stride[axis] + pool->kernel[axis];
        const int64_t beyond = reach - state->in->dims[1 + axis] - pads[axis] - pads[axis + 2];
        if (beyond > 0 && pool->count_include_pad)
            return vgg_layer_fail(state->node, CLVGG_STATUS_UNSUPPORTED,
                                  "ONNX has no average that counts padding, but not what a window "
                                  "has beyond it");
        pads[axis + 2] += beyond > 0 ? beyond : 0;
    }
    vgg_text node = begin(state);
    vgg_onnx_put_ints(&node, "kernel_shape", pool->kernel, 2);
    vgg_onnx_put_ints(&node, "strides", pool->stride, 2);
    vgg_onnx_put_ints(&node, "pads", pads, 4);
    if (pool->count_include_pad)
        vgg_onnx_put_int(&node, "count_include_pad", 1);
    finish(state, &node, operator_name);
    return CLVGG_STATUS_OK;
}

static clvgg_status put_max_pool(onnx_state *state)
{
    return put_pool(state, "MaxPool", "GlobalMaxPool");
}

static clvgg_status put_avg_pool(onnx_state *state)
{
    return put_pool(state, "AveragePool", "GlobalAveragePool");
}

static clvgg_status put_flatten(onnx_state *state)
{
    vgg_text node = begin(state);
    vgg_onnx_put_int(&node, "axis", 1);
    finish(state, &node, "Flatten");
    return CLVGG_STATUS_OK;
}

static clvgg_status put_unary(onnx_state *state, const char *operator_name)
{
    vgg_text node = begin(state);
    finish(state, &node, operator_name);
    return CLVGG_STATUS_OK;
}

static clvgg_status put_relu(onnx_state *state)
{
    return put_unary(state, "Relu");
}

static clvgg_status put_sigmoid(onnx_state *state)
{
    return put_unary(state, "Sigmoid");
}

static clvgg_status put_tanh(onnx_state *state)
{
    return put_unary(state, "Tanh");
}

static clvgg_status put_softmax(onnx_state *state)
{
    vgg_text node = begin(state);
    vgg_onnx_put_int(&node, "axis", 1);
    finish(state, &node, "Softmax");
    return CLVGG_STATUS_OK;
}

static clvgg_status put_dropout(onnx_state *state)
{
    skip(state);
    return CLVGG_STATUS_OK;
}

/* An even number of channels reaches one further back here, one further on in ONNX. */
static clvgg_status put_lrn(onnx_state *state)
{
    const vgg_lrn_attributes *lrn = &state->node->attributes.lrn;
    if (lrn->size % 2 == 0)
        return vgg_layer_fail(state->node, CLVGG_STATUS_UNSUPPORTED,
                              "ONNX's LRN over %lld channels, an even number, isn't this one",
                              (long long)lrn->size);
    vgg_text node = begin(state);
    vgg_onnx_put_int(&node, "size", lrn->size);
    vgg_onnx_put_float(&node, "alpha", lrn->alpha);
    vgg_onnx_put_float(&node, "beta", lrn->beta);
    vgg_onnx_put_float(&node, "bias", lrn->k);
    finish(state, &node, "LRN");
    return CLVGG_STATUS_OK;
}

/* An initialiser of one value for each channel, as an input of the node. */
static clvgg_status put_constant(onnx_state *state, vgg_text *node, const char *suffix, float value)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_shape shape = {1, {state->in->dims[0]}};
    const size_t count = (size_t)shape.dims[0];
    vgg_text name = {0}, tensor = {0};
    float *values = NULL;
    VGG_NEW(values, count);
    for (size_t i = 0; i < count; i++)
        values[i] = value;
    vgg_text_printf(&name, "%s.%s", state->node->name, suffix);
    VGG_TRY(vgg_text_check(&name, "a constant"));
    vgg_onnx_put_string(node, ONNX_NODE_INPUT, name.bytes);
    vgg_onnx_put_tensor_head(&tensor, name.bytes, CLVGG_DTYPE_F32, &shape, count * sizeof *values);
    vgg_text_append(&tensor, (const char *)values, count * sizeof *values);
    vgg_onnx_put_message(&state->out->constants, ONNX_GRAPH_INITIALIZER, &tensor);
cleanup:
    vgg_free(values);
    vgg_text_free(&name);
    return status;
}

static clvgg_status put_batch_norm(onnx_state *state)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text node = begin(state);
    if (vgg_node_has_parameter(state->node, VGG_WEIGHT)) {
        put_parameter(state, &node);
        put_parameter(state, &node);
    } else {
        VGG_TRY(put_constant(state, &node, "weight", 1));
        VGG_TRY(put_constant(state, &node, "bias", 0));
    }
    put_parameter(state, &node);
    put_parameter(state, &node);
    vgg_onnx_put_float(&node, "epsilon", state->node->attributes.batch_norm.epsilon);
    finish(state, &node, "BatchNormalization");
cleanup:
    vgg_text_free(&node);
    return status;
}

static clvgg_status (*const writers[VGG_LAYER_TYPE_COUNT])(onnx_state *state) = {
    [VGG_LAYER_CONV2D] = put_conv2d,           [VGG_LAYER_MAX_POOL] = put_max_pool,
    [VGG_LAYER_AVG_POOL] = put_avg_pool,       [VGG_LAYER_DENSE] = put_dense,
    [VGG_LAYER_FLATTEN] = put_flatten,         [VGG_LAYER_RELU] = put_relu,
    [VGG_LAYER_SIGMOID] = put_sigmoid,         [VGG_LAYER_TANH] = put_tanh,
    [VGG_LAYER_SOFTMAX] = put_softmax,         [VGG_LAYER_DROPOUT] = put_dropout,
    [VGG_LAYER_LOCAL_RESPONSE_NORM] = put_lrn, [VGG_LAYER_BATCH_NORM] = put_batch_norm,
};

static clvgg_status put_layer(onnx_state *state, int index)
{
    const vgg_graph *graph = state->output->graph;
    state->node = &graph->nodes[index];
    state->in = &graph->nodes[state->node->inputs[0]].output;
    state->input = state->values[state->node->inputs[0]];
    state->values[index] =
        index == state->out->output ? state->out->output_name : state->node->name;
    if (state->node->input_count != 1 || writers[state->node->type] == NULL)
        return vgg_layer_fail(
            state->node, CLVGG_STATUS_UNSUPPORTED,
            vgg_layer_of(state->node->type)->quantizes
                ? "a quantised model isn't written as ONNX: take the one that it was made from"
                : "ONNX has no such operator");
    return writers[state->node->type](state);
}

clvgg_status vgg_onnx_list_nodes(const vgg_weights_output *output, vgg_onnx_nodes *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_graph *graph = output->graph;
    onnx_state state = {.output = output, .out = out};
    const int logits = vgg_graph_find(graph, "logits");
    out->output = logits > 0 ? logits : graph->count - 1;
    out->output_name = logits > 0 ? "logits" : graph->nodes[out->output].name;
    VGG_NEW(state.values, (size_t)graph->count);
    state.values[0] = graph->nodes[0].name;
    for (int i = 1; i <= out->output; i++)
        VGG_TRY(put_layer(&state, i));
    out->output_name = state.values[out->output];
    VGG_TRY(vgg_text_check(&out->nodes, "the network's nodes"));
    VGG_TRY(vgg_text_check(&out->constants, "the network's constants"));
cleanup:
    vgg_free(state.values);
    return status;
}

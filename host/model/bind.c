/* model/bind.c — from a file's tensors to a network and back to their names; see bind.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/layer.h"
#include "model/bind_inside.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

/* PyTorch's default, which state dictionaries don't have in them. */
#define EPSILON 1e-5f

void vgg_binding_name(const vgg_binding *binding, vgg_bound_part part, int ordinal,
                      const char *parameter, char name[VGG_TENSOR_NAME_CAPACITY])
{
    const vgg_tensor_entry *bound = part == VGG_BOUND_CONVOLUTION ? binding->convolutions[ordinal]
                                    : part == VGG_BOUND_NORM      ? binding->norms[ordinal]
                                                                  : binding->dense[ordinal];
    char base[32];
    if (bound != NULL) {
        vgg_order_name(bound->name, parameter, name);
        return;
    }
    if (part == VGG_BOUND_DENSE)
        snprintf(base, sizeof base, "%s", binding->head[ordinal]);
    else
        vgg_scheme_name(binding, part == VGG_BOUND_NORM, ordinal, base);
    snprintf(name, VGG_TENSOR_NAME_CAPACITY, "%s%s.%s", binding->prefix, base, parameter);
}

clvgg_status vgg_binding_fail_missing(const vgg_weights *weights, const char *tensor)
{
    const char *dtype = vgg_weights_foreign_dtype(weights, tensor);
    VGG_CHECK(dtype == NULL || strcmp(dtype, "I8") != 0, CLVGG_STATUS_UNSUPPORTED,
              "tensor '%s' has type I8, which is read with a tensor '%s" VGG_SCALE_SUFFIX
              "' beside it, a float32 for each row",
              tensor, tensor);
    if (dtype != NULL)
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                        "tensor '%s' has type %.16s; F32, F16, BF16 and F64 are read", tensor,
                        dtype);
    return vgg_fail(CLVGG_STATUS_NOT_FOUND, "tensor '%s' is missing", tensor);
}

/* A weight whose first dimension, the layer's width, can be used. */
static clvgg_status find_weight(const vgg_binding *binding, const vgg_weights *weights,
                                vgg_bound_part part, int ordinal, const vgg_tensor_entry **out)
{
    char text[128];
    char name[VGG_TENSOR_NAME_CAPACITY];
    vgg_binding_name(binding, part, ordinal, "weight", name);
    *out = vgg_weights_find(weights, name);
    if (*out == NULL)
        return vgg_binding_fail_missing(weights, name);
    VGG_CHECK((*out)->shape.rank >= 2 && (*out)->count > 0, CLVGG_STATUS_SHAPE_MISMATCH,
              "tensor '%s' has shape %s, a layer's weight has at least two dimensions and values",
              (*out)->name, vgg_shape_text(&(*out)->shape, text, sizeof text));
    return CLVGG_STATUS_OK;
}

static clvgg_status find_last_convolution(const vgg_binding *binding, const vgg_weights *weights,
                                          const vgg_tensor_entry **out)
{
    return find_weight(binding, weights, VGG_BOUND_CONVOLUTION,
                       vgg_family_convolutions(binding->architecture) - 1, out);
}

/* ---- detection ---- */

static void note(vgg_binding *binding, const char *text, const char *name)
{
    vgg_text_printf(&binding->notes, "%s", binding->notes.length > 0 ? "\n" : "");
    vgg_text_printf(&binding->notes, text, name);
}

static clvgg_status detect_convolutions(const vgg_weights *weights, vgg_binding *out)
{
    const bool named = vgg_scheme_detect(weights, out);
    clvgg_status status = CLVGG_STATUS_UNSUPPORTED;
    if (named)
        status = vgg_scheme_architecture(weights, out);
    if (status == CLVGG_STATUS_OK)
        return status;
    vgg_binding by_order = {.norm.epsilon = EPSILON};
    if (vgg_order_convolutions(weights, &by_order)) {
        *out = by_order;
        return CLVGG_STATUS_OK;
    }
    vgg_text_free(&by_order.notes);
    if (named)
        return status;
    VGG_PASS(vgg_scheme_check_types(weights));
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "another network: has neither a tensor 'conv1_1.weight' nor "
                    "'features.0.weight', nor the convolutions of a VGG in order; others are read "
                    "from files that hold the layers too, as ONNX and .keras do");
}

/* Reads a tensor's first and last value: NaN both of them? */
static clvgg_status ends_are_nan(const vgg_weights *weights, const vgg_tensor_entry *entry,
                                 bool *nan)
{
    for (int end = 0; end < 2 && *nan; end++) {
        float raw, value; /* raw has room for any element type */
        VGG_PASS(vgg_weights_read(weights, entry, end > 0 ? entry->count - 1 : 0, 1, &raw));
        vgg_to_f32(entry->dtype, &raw, 1, &value);
        *nan = isnan(value);
    }
    return CLVGG_STATUS_OK;
}

/* Leaves dense layers out that hold nothing: torchvision's weights of features alone. */
static clvgg_status check_dense(const vgg_weights *weights, vgg_binding *binding)
{
    bool nan = binding->dense_count > 0;
    const vgg_tensor_entry *entry = NULL;
    for (int i = binding->dense_count - 1; i >= 0; i--) {
        VGG_PASS(find_weight(binding, weights, VGG_BOUND_DENSE, i, &entry));
        VGG_PASS(ends_are_nan(weights, entry, &nan));
    }
    binding->left_out = nan;
    if (nan)
        note(binding, "has no classifier: the values of its dense layers, '%s' the first, are NaN",
             entry->name);
    return CLVGG_STATUS_OK;
}

static clvgg_status detect_dense(const vgg_weights *weights, vgg_binding *binding)
{
    const vgg_tensor_entry *last;
    if (binding->scheme != NULL)
        vgg_scheme_head(weights, binding);
    if (binding->head != NULL) {
        binding->dense_count = 3;
    } else {
        VGG_PASS(find_last_convolution(binding, weights, &last));
        VGG_PASS(vgg_order_dense(weights, last->shape.dims[0], binding));
        if (binding->dense_count == 0)
            note(binding, "has no classifier: no dense layer follows its convolutions%s", "");
        else
            note(binding, "its dense layers are bound by shape: '%s' is the first",
                 binding->dense[0]->name);
    }
    return check_dense(weights, binding);
}

static bool normalises_a_convolution(const vgg_binding *binding, const char *tensor,
                                     const char *statistic)
{
    const int count = binding->batch_norm ? vgg_family_convolutions(binding->architecture) : 0;
    for (int n = 0; n < count; n++) {
        char name[VGG_TENSOR_NAME_CAPACITY];
        vgg_binding_name(binding, VGG_BOUND_NORM, n, statistic, name);
        if (strcmp(name, tensor) == 0)
            return true;
    }
    return false;
}

/* Refuses what normalises a layer that isn't a convolution: it would be ignored. */
static clvgg_status check_norms(const vgg_weights *weights, const vgg_binding *binding)
{
    for (size_t i = 0; i < vgg_weights_count(weights); i++) {
        const char *tensor = vgg_weights_entry(weights, i)->name;
        const char *end = strrchr(tensor, '.');
        if (end == NULL || strncmp(tensor, binding->prefix, strlen(binding->prefix)) != 0 ||
            (strcmp(end, ".running_mean") != 0 && strcmp(end, ".running_var") != 0))
            continue;
        VGG_CHECK(normalises_a_convolution(binding, tensor, end + 1), CLVGG_STATUS_UNSUPPORTED,
                  "another network: tensor '%s' normalises what isn't a convolution of a VGG",
                  tensor);
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_binding_detect(const vgg_weights *weights, vgg_binding *out)
{
    *out = (vgg_binding){.norm.epsilon = EPSILON};
    VGG_PASS(detect_convolutions(weights, out));
    if (out->prefix[0] != '\0')
        note(out, "'%s' before its tensors' names doesn't count", out->prefix);
    VGG_PASS(check_norms(weights, out));
    if (out->batch_norm)
        note(out, "the epsilon of its batch normalisations is taken to be PyTorch's, 1e-05%s", "");
    VGG_PASS(detect_dense(weights, out));
    return vgg_text_check(&out->notes, "notes on a file");
}

void vgg_binding_free(vgg_binding *binding)
{
    vgg_text_free(&binding->notes);
}

/* ---- what follows from it ---- */

clvgg_preprocess vgg_binding_preprocess(const vgg_binding *binding, const char **origin)
{
    vgg_convention convention = VGG_CONVENTION_TORCHVISION;
    *origin = "assumed: torchvision's";
    if (binding->scheme != NULL)
        convention = vgg_scheme_convention(binding->scheme, origin);
    if (binding->left_out && convention == VGG_CONVENTION_TORCHVISION) {
        convention = VGG_CONVENTION_FEATURES;
        *origin = "torchvision's for features alone, as the classifier is NaN";
    }
    return vgg_convention_preprocess(convention);
}

/* Dense layers that the network has. */
static int dense_count(const vgg_binding *binding)
{
    return binding->left_out ? 0 : binding->dense_count;
}

clvgg_status vgg_binding_input(const vgg_binding *binding, const vgg_weights *weights,
                               int64_t input[2])
{
    const vgg_tensor_entry *last, *fc6;
    input[0] = input[1] = 224;
    if (binding->dense_count == 0)
        return CLVGG_STATUS_OK;
    VGG_PASS(find_last_convolution(binding, weights, &last));
    VGG_PASS(find_weight(binding, weights, VGG_BOUND_DENSE, 0, &fc6));
    int64_t channels = last->shape.dims[0];
    int64_t features = (int64_t)fc6->count / fc6->shape.dims[0];
    if (fc6->shape.rank == 4 && fc6->shape.dims[1] == channels) {
        input[0] = 32 * fc6->shape.dims[2];
        input[1] = 32 * fc6->shape.dims[3];
        return CLVGG_STATUS_OK;
    }
    int64_t side = 1; /* of pool5 */
    while (side < 65536 && side * side < features / channels)
        side++;
    VGG_CHECK(features % channels == 0 && side * side == features / channels,
              CLVGG_STATUS_SHAPE_MISMATCH,
              "tensor '%s' takes %lld features, which no square input gives behind %lld "
              "channels: state the input's size",
              fc6->name, (long long)features, (long long)channels);
    input[0] = input[1] = 32 * side;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_binding_graph(const vgg_binding *binding, const vgg_weights *weights,
                               const int64_t input[2], vgg_graph **out)
{
    const vgg_tensor_entry *entry;
    const int dense = dense_count(binding);
    vgg_family_plan plan = {.architecture = binding->architecture,
                            .input = {0, input[0], input[1]},
                            .left_out = 3 - dense,
                            .batch_norm = binding->batch_norm,
                            .norm = binding->norm,
                            .bare = binding->bare};
    *out = NULL;
    for (int i = 0; i < vgg_family_convolutions(binding->architecture); i++) {
        VGG_PASS(find_weight(binding, weights, VGG_BOUND_CONVOLUTION, i, &entry));
        plan.channels[i] = entry->shape.dims[0];
        if (i == 0)
            plan.input[0] = entry->shape.dims[1];
    }
    for (int i = 0; i < dense; i++) {
        VGG_PASS(find_weight(binding, weights, VGG_BOUND_DENSE, i, &entry));
        plan.head[i == dense - 1 ? 2 : i] = entry->shape.dims[0];
    }
    return vgg_family_build(&plan, out);
}

/* Number of nodes of the same type before this one. */
static int ordinal_of(const vgg_graph *graph, int node)
{
    int ordinal = 0;
    for (int i = 0; i < node; i++)
        ordinal += graph->nodes[i].type == graph->nodes[node].type;
    return ordinal;
}

void vgg_binding_tensor_name(const vgg_binding *binding, const vgg_graph *graph, int node,
                             int position, char name[VGG_TENSOR_NAME_CAPACITY])
{
    const vgg_node *at = &graph->nodes[node];
    const char *parameter = vgg_layer_of(at->type)->parameters[position].name;
    const vgg_bound_part part = vgg_node_is_dense(at)         ? VGG_BOUND_DENSE
                                : vgg_node_is_convolution(at) ? VGG_BOUND_CONVOLUTION
                                                              : VGG_BOUND_NORM;
    if (binding->architecture == NULL)
        snprintf(name, VGG_TENSOR_NAME_CAPACITY, "%s.%s", at->name, parameter);
    else
        vgg_binding_name(binding, part, ordinal_of(graph, node), parameter, name);
}

bool vgg_binding_leaves_out(const vgg_binding *binding, const char *tensor)
{
    const char *end = strrchr(tensor, '.');
    if (end != NULL && strcmp(end, ".num_batches_tracked") == 0)
        return true; /* nothing but training asks for it */
    for (int i = 0; i < binding->dense_count && binding->left_out; i++) {
        char name[VGG_TENSOR_NAME_CAPACITY];
        for (int bias = 0; bias < 2; bias++) {
            vgg_binding_name(binding, VGG_BOUND_DENSE, i, bias ? "bias" : "weight", name);
            if (strcmp(name, tensor) == 0)
                return true;
        }
    }
    return false;
}

static int rank_without_ones(const clvgg_shape *shape)
{
    int rank = shape->rank;
    while (rank > 0 && shape->dims[rank - 1] == 1)
        rank--;
    return rank;
}

bool vgg_binding_shape_fits(const clvgg_shape *tensor, const clvgg_shape *parameter)
{
    uint64_t count = 0;
    if (parameter->rank == 2)
        return tensor->rank >= 2 && tensor->dims[0] == parameter->dims[0] &&
               vgg_shape_count(tensor, &count) && count == vgg_shape_elements(parameter);
    int rank = rank_without_ones(tensor);
    if (rank != rank_without_ones(parameter))
        return false;
    return memcmp(tensor->dims, parameter->dims, (size_t)rank * sizeof *tensor->dims) == 0;
}

/* model/bind.c — naming schemes; see bind.h. Another scheme is a row of `schemes`. */
#include "model/bind.h"

#include <stdio.h>
#include <string.h>

#include "graph/layer.h"
#include "graph/vgg_family.h"
#include "tensor/shape.h"

struct vgg_name_scheme {
    const char *first;       /* a tensor that every file of this scheme has */
    const char *marker;      /* another, which tells it from the schemes below it */
    const char *convolution; /* what the names of convolutions begin with */
    bool numbered;           /* convolutions count all layers, "features.5"; else "conv2_1" */
    const char *head[3];     /* fc6, fc7, fc8 */
    vgg_convention convention;
    const char *origin;
};

static const vgg_name_scheme schemes[] = {
    {.first = "conv1_1.weight",
     .marker = "conv1_1.weight",
     .convolution = "conv",
     .head = {"fc6", "fc7", "fc8"},
     .convention = VGG_CONVENTION_CAFFE,
     .origin = "assumed: Caffe's, from tensor names"},
    {.first = "features.0.weight",
     .marker = "pre_logits.fc1.weight",
     .convolution = "features.",
     .numbered = true,
     .head = {"pre_logits.fc1", "pre_logits.fc2", "head.fc"},
     .convention = VGG_CONVENTION_TORCHVISION,
     .origin = "torchvision's, from timm's tensor names"},
    {.first = "features.0.weight",
     .marker = "features.0.weight",
     .convolution = "features.",
     .numbered = true,
     .head = {"classifier.0", "classifier.3", "classifier.6"},
     .convention = VGG_CONVENTION_TORCHVISION,
     .origin = "torchvision's, from tensor names"},
};

static const char *const architectures[] = {"vgg11", "vgg13", "vgg16", "vgg19"};

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* `name` behind any of the prefixes that training programs leave. */
static const char *behind_prefixes(const char *name)
{
    static const char *const prefixes[] = {"module.", "model.", "state_dict."};
    static const size_t count = sizeof prefixes / sizeof *prefixes;
    for (size_t i = 0; i < count;) {
        bool found = starts_with(name, prefixes[i]);
        name += found ? strlen(prefixes[i]) : 0;
        i = found ? 0 : i + 1;
    }
    return name;
}

static const vgg_tensor_entry *find(const vgg_binding *binding, const vgg_weights *weights,
                                    const char *base, const char *suffix)
{
    char name[VGG_TENSOR_NAME_CAPACITY];
    snprintf(name, sizeof name, "%s%s%s", binding->prefix, base, suffix);
    return vgg_weights_find(weights, name);
}

/* Name, without suffix, of convolution `ordinal`, counted from 0 over all blocks. A numbered scheme
 * counts a ReLU behind each convolution and a pooling behind each block. */
static void convolution_name(const vgg_name_scheme *scheme, const char *architecture, int ordinal,
                             char name[32])
{
    const int *blocks = vgg_architecture_blocks(architecture);
    int block = 0, position = ordinal;
    while (position >= blocks[block])
        position -= blocks[block++];
    if (scheme->numbered)
        snprintf(name, 32, "%s%d", scheme->convolution, 2 * ordinal + block);
    else
        snprintf(name, 32, "%s%d_%d", scheme->convolution, block + 1, position + 1);
}

/* Convolutions of an architecture that the file has. */
static int count_present(const vgg_binding *binding, const vgg_weights *weights,
                         const char *architecture)
{
    int present = 0;
    for (int i = 0; i < vgg_family_convolutions(architecture); i++) {
        char name[32];
        convolution_name(binding->scheme, architecture, i, name);
        present += find(binding, weights, name, ".weight") != NULL;
    }
    return present;
}

static int count_convolutions(const vgg_binding *binding, const vgg_weights *weights)
{
    int count = 0;
    for (size_t i = 0; i < vgg_weights_count(weights); i++) {
        const vgg_tensor_entry *entry = vgg_weights_entry(weights, i);
        count += starts_with(entry->name, binding->prefix) &&
                 starts_with(entry->name + strlen(binding->prefix), binding->scheme->convolution) &&
                 ends_with(entry->name, ".weight");
    }
    return count;
}

/* The smallest architecture that holds every convolution of the file. */
static clvgg_status detect_architecture(const vgg_weights *weights, vgg_binding *binding)
{
    clvgg_status status = CLVGG_STATUS_OK;
    int count = count_convolutions(binding, weights);
    for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++) {
        if (count_present(binding, weights, architectures[i]) == count) {
            binding->architecture = architectures[i];
            return status;
        }
    }
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "another network: its %d convolutions '%s%s…' are not those of VGG-11, 13, 16 "
                    "or 19",
                    count, binding->prefix, binding->scheme->convolution);
}

static bool detect_scheme(const vgg_weights *weights, const char *tensor, vgg_binding *out)
{
    const char *base = behind_prefixes(tensor);
    size_t prefix_length = (size_t)(base - tensor);
    if (prefix_length >= sizeof out->prefix)
        return false;
    memcpy(out->prefix, tensor, prefix_length);
    out->prefix[prefix_length] = '\0';
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        out->scheme = &schemes[i];
        if (strcmp(base, schemes[i].first) == 0 &&
            find(out, weights, schemes[i].marker, "") != NULL)
            return true;
    }
    return false;
}

clvgg_status vgg_binding_detect(const vgg_weights *weights, vgg_binding *out)
{
    size_t count = vgg_weights_count(weights), i = 0;
    *out = (vgg_binding){0};
    while (i < count && !detect_scheme(weights, vgg_weights_entry(weights, i)->name, out))
        i++;
    for (size_t s = 0; i == count && s < sizeof schemes / sizeof *schemes; s++)
        if (vgg_weights_foreign_dtype(weights, schemes[s].first) != NULL)
            return vgg_binding_fail_missing(weights, schemes[s].first);
    VGG_CHECK(i < count, CLVGG_STATUS_UNSUPPORTED,
              "another network: has neither a tensor 'conv1_1.weight' nor 'features.0.weight'");
    for (i = 0; i < count; i++) {
        const char *name = vgg_weights_entry(weights, i)->name;
        VGG_CHECK(!ends_with(name, ".running_mean") && !ends_with(name, ".running_var"),
                  CLVGG_STATUS_UNSUPPORTED,
                  "batch-norm variant: tensor '%s' is none of a plain VGG's", name);
    }
    return detect_architecture(weights, out);
}

clvgg_preprocess vgg_binding_preprocess(const vgg_binding *binding, const char **origin)
{
    if (binding->scheme == NULL) {
        *origin = "assumed: torchvision's";
        return vgg_convention_preprocess(VGG_CONVENTION_TORCHVISION);
    }
    *origin = binding->scheme->origin;
    return vgg_convention_preprocess(binding->scheme->convention);
}

clvgg_status vgg_binding_fail_missing(const vgg_weights *weights, const char *tensor)
{
    const char *dtype = vgg_weights_foreign_dtype(weights, tensor);
    if (dtype != NULL)
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                        "tensor '%s' has type %.16s; F32, F16, BF16 and F64 are read", tensor,
                        dtype);
    return vgg_fail(CLVGG_STATUS_NOT_FOUND, "tensor '%s' is missing", tensor);
}

/* A weight whose first dimension, the layer's width, can be used. */
static clvgg_status find_weight(const vgg_binding *binding, const vgg_weights *weights,
                                const char *base, const vgg_tensor_entry **out)
{
    char text[128];
    char name[VGG_TENSOR_NAME_CAPACITY];
    snprintf(name, sizeof name, "%s%s.weight", binding->prefix, base);
    *out = vgg_weights_find(weights, name);
    if (*out == NULL)
        return vgg_binding_fail_missing(weights, name);
    VGG_CHECK((*out)->shape.rank >= 2 && (*out)->count > 0, CLVGG_STATUS_SHAPE_MISMATCH,
              "tensor '%s' has shape %s, a layer's weight has at least two dimensions and values",
              (*out)->name, vgg_shape_text(&(*out)->shape, text, sizeof text));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_binding_input(const vgg_binding *binding, const vgg_weights *weights,
                               int64_t input[2])
{
    const vgg_tensor_entry *last, *fc6;
    char name[32];
    convolution_name(binding->scheme, binding->architecture,
                     vgg_family_convolutions(binding->architecture) - 1, name);
    VGG_PASS(find_weight(binding, weights, name, &last));
    VGG_PASS(find_weight(binding, weights, binding->scheme->head[0], &fc6));
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
    vgg_family_plan plan = {.architecture = binding->architecture,
                            .input = {0, input[0], input[1]}};
    *out = NULL;
    for (int i = 0; i < vgg_family_convolutions(binding->architecture); i++) {
        char name[32];
        convolution_name(binding->scheme, binding->architecture, i, name);
        VGG_PASS(find_weight(binding, weights, name, &entry));
        plan.channels[i] = entry->shape.dims[0];
        if (i == 0)
            plan.input[0] = entry->shape.dims[1];
    }
    for (int i = 0; i < 3; i++) {
        VGG_PASS(find_weight(binding, weights, binding->scheme->head[i], &entry));
        plan.head[i] = entry->shape.dims[0];
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
    char convolution[32];
    const char *base = graph->nodes[node].name;
    if (binding->scheme != NULL && vgg_node_is_dense(&graph->nodes[node])) {
        base = binding->scheme->head[ordinal_of(graph, node)];
    } else if (binding->scheme != NULL) {
        convolution_name(binding->scheme, binding->architecture, ordinal_of(graph, node),
                         convolution);
        base = convolution;
    }
    snprintf(name, VGG_TENSOR_NAME_CAPACITY, "%s%s.%s", binding->prefix, base,
             vgg_layer_of(graph->nodes[node].type)->parameters[position].name);
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

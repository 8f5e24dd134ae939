/* graph/layer_batch_norm.c — batch normalisation with the statistics that training left: an affine
 * function of each channel, or of each feature.
 *
 * y = (x − mean) / √(variance + epsilon) · weight + bias: Ioffe and Szegedy (2015), algorithm 2.
 */
#include <math.h>
#include <stddef.h>

#include "graph/layer.h"

static clvgg_status infer(const vgg_node *node, const clvgg_shape *input, clvgg_shape *output)
{
    const float epsilon = node->attributes.batch_norm.epsilon;
    if (!(epsilon >= 0.0f && isfinite(epsilon)))
        return vgg_layer_fail(node, CLVGG_STATUS_INVALID_ARGUMENT,
                              "epsilon is %g, it must be 0 or more", (double)epsilon);
    *output = *input;
    return CLVGG_STATUS_OK;
}

static void describe(const vgg_node *node, char *text, size_t capacity)
{
    vgg_describe(text, capacity, "epsilon %g", (double)node->attributes.batch_norm.epsilon);
}

static const vgg_field fields[] = {
    {"epsilon", VGG_FIELD_FLOAT, 1, offsetof(vgg_attributes, batch_norm.epsilon), true, 0},
    {"affine", VGG_FIELD_BOOL, 1, offsetof(vgg_attributes, batch_norm.affine), false, true},
};

static clvgg_shape channels(const vgg_node *node, const clvgg_shape *input)
{
    (void)node;
    return (clvgg_shape){1, {input->dims[0]}};
}

static bool is_affine(const vgg_node *node)
{
    return node->attributes.batch_norm.affine;
}

static const vgg_layer_parameter parameters[] = {
    [VGG_WEIGHT] = {"weight", channels, is_affine},
    [VGG_BIAS] = {"bias", channels, is_affine},
    [VGG_MEAN] = {"running_mean", channels, NULL},
    [VGG_VARIANCE] = {"running_var", channels, NULL},
};

const vgg_layer vgg_layer_batch_norm = {
    .name = "batch_norm",
    .color = "#e5d8bd",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .infer = infer,
    .describe = describe,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
};

/* graph/layer_batch_norm.c — batch normalisation with the statistics that training left: an affine
 * function of each channel, or of each feature.
 *
 * y = (x − mean) / √(variance + epsilon) · weight + bias: Ioffe and Szegedy (2015), algorithm 2.
 *
 * Walks back take the layer as the linear function that it is, in every mode: the signal is scaled
 * as the layer scales. So a walk through a convolution and its normalisation is the walk through
 * the convolution that both are together. Zeiler & Fergus (2013) had no such layer; their
 * rectification stays where it is.
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
    [VGG_VARIANCE] = {"running_var", channels, NULL, .variance = true},
};

static vgg_scale_and_shift scale_and_shift(const vgg_node *node, const double *values)
{
    const double deviation =
        sqrt(values[VGG_VARIANCE] + (double)node->attributes.batch_norm.epsilon);
    const double scale = (is_affine(node) ? values[VGG_WEIGHT] : 1) / deviation;
    return (vgg_scale_and_shift){scale, values[VGG_BIAS] - values[VGG_MEAN] * scale};
}

static double element_of(const vgg_element *e)
{
    double values[VGG_VARIANCE + 1] = {0};
    for (int p = 0; p <= VGG_VARIANCE; p++)
        if (e->rows[p] != NULL)
            values[p] = (double)*e->rows[p];
    const vgg_scale_and_shift affine = scale_and_shift(e->node, values);
    return vgg_element_input(e) * affine.scale + affine.shift;
}

static clvgg_status step_back(vgg_walk *walk, int at)
{
    const vgg_attributes attributes = vgg_walk_node(walk, at)->attributes;
    return vgg_walk_add_transposed(walk, at, VGG_LAYER_BATCH_NORM_GRAD, &attributes);
}

const vgg_layer vgg_layer_batch_norm = {
    .name = "batch_norm",
    .color = "#e5d8bd",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .infer = infer,
    .describe = describe,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .scale_and_shift = scale_and_shift,
    .element = element_of,
    .step_back = step_back,
};

static bool never(const vgg_node *node)
{
    (void)node;
    return false;
}

static const vgg_layer_parameter scale_parameters[] = {
    [VGG_WEIGHT] = {"weight", channels, is_affine},
    [VGG_BIAS] = {"bias", channels, never},
    [VGG_MEAN] = {"running_mean", channels, never},
    [VGG_VARIANCE] = {"running_var", channels, NULL, .variance = true},
};

/* The signal times the scale of the layer that it goes back through. */
const vgg_layer vgg_layer_batch_norm_grad = {
    .name = "batch_norm_grad",
    .color = "#e5d8bd",
    .infer = infer,
    .describe = describe,
    .parameters = scale_parameters,
    .parameter_count = sizeof scale_parameters / sizeof *scale_parameters,
    .scale_and_shift = scale_and_shift,
    .element = element_of,
    .internal = true,
};

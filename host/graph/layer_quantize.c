/* graph/layer_quantize.c — values held to the steps of a scale: y = scale · q, q = x / scale
 * rounded to the nearest integer, ties to even, no less than `low` and no more than `high`; NaN
 * stays NaN.
 *
 * Where it stands before a convolution or dense layer, that layer's sums are of integers times a
 * scale, which is what int8 kernels compute. ONNX writes it as QuantizeLinear with a
 * DequantizeLinear behind: of 8 bits, low is −zero point or −128 − zero point, high 255 above it.
 */
#include <math.h>
#include <stddef.h>

#include "graph/layer.h"

static clvgg_status infer(const vgg_node *node, const clvgg_shape *input, clvgg_shape *output)
{
    const vgg_quantize_attributes *q = &node->attributes.quantize;
    if (!(q->scale > 0.0f) || !isfinite(1.0f / q->scale) || !isfinite(q->scale * 256))
        return vgg_layer_fail(node, CLVGG_STATUS_INVALID_ARGUMENT,
                              "scale is %g, must be a normal number above 0", (double)q->scale);
    if (q->low < -VGG_MOST_LEVEL || q->low > 0 || q->high < 0 || q->high > VGG_MOST_LEVEL ||
        q->high - q->low < 1 || q->high - q->low > VGG_MOST_LEVEL)
        return vgg_layer_fail(node, CLVGG_STATUS_INVALID_ARGUMENT,
                              "levels go from %lld to %lld, need 2 to %d of them, 0 among them",
                              (long long)q->low, (long long)q->high, VGG_MOST_LEVEL + 1);
    *output = *input;
    return CLVGG_STATUS_OK;
}

static void describe(const vgg_node *node, char *text, size_t capacity)
{
    const vgg_quantize_attributes *q = &node->attributes.quantize;
    vgg_describe(text, capacity, "scale %g levels %lld to %lld", (double)q->scale,
                 (long long)q->low, (long long)q->high);
}

/* One product in float32, as kernels have it: a level is the same on every device. */
double vgg_quantized(const vgg_quantize_attributes *q, float x)
{
    const double level = (double)rintf(x * (1.0f / q->scale));
    return (double)q->scale * (level < (double)q->low    ? (double)q->low
                               : level > (double)q->high ? (double)q->high
                                                         : level);
}

static double element_of(const vgg_element *e)
{
    return vgg_quantized(&e->node->attributes.quantize, (float)vgg_element_input(e));
}

static const vgg_field fields[] = {
    {"scale", VGG_FIELD_FLOAT, 1, offsetof(vgg_attributes, quantize.scale), true, 0},
    {"low", VGG_FIELD_INTEGER, 1, offsetof(vgg_attributes, quantize.low), true, 0},
    {"high", VGG_FIELD_INTEGER, 1, offsetof(vgg_attributes, quantize.high), true, 0},
};

const vgg_layer vgg_layer_quantize = {
    .name = "quantize",
    .color = "#cab2d6",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .infer = infer,
    .describe = describe,
    .element = element_of,
    .keeps_sign = true,
    .quantizes = true,
    .step_back = vgg_walk_pass, /* as if nothing had been rounded or cut: its slope is 0 nearly everywhere */
};

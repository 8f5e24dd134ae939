/* graph/layer_lrn.c — local response normalisation across channels, and its gradient for walks
 * back.
 *
 * y[c] = x[c] / (k + alpha / size · Σ x[j]²)^beta, j = c − size/2 … c + (size − 1)/2: Krizhevsky et
 * al. (2012), section 3.3, as PyTorch's LocalResponseNorm has it (the paper's alpha isn't divided
 * by size).
 */
#include <math.h>
#include <stddef.h>

#include "graph/layer.h"
#include "tensor/shape.h"

static clvgg_status infer(const vgg_node *node, const clvgg_shape *input, clvgg_shape *output)
{
    const vgg_lrn_attributes *lrn = &node->attributes.lrn;
    VGG_PASS(vgg_layer_check_image(node, input));
    VGG_PASS(vgg_layer_check_range(node, "size", &lrn->size, 1, 1));
    if (!(lrn->alpha >= 0.0f && isfinite(lrn->alpha)) ||
        !(lrn->beta >= 0.0f && isfinite(lrn->beta)) || !(lrn->k > 0.0f && isfinite(lrn->k)))
        return vgg_layer_fail(
            node, CLVGG_STATUS_INVALID_ARGUMENT,
            "alpha is %g, beta %g, k %g: alpha and beta must be 0 or more, k above 0",
            (double)lrn->alpha, (double)lrn->beta, (double)lrn->k);
    *output = *input;
    return CLVGG_STATUS_OK;
}

static void describe(const vgg_node *node, char *text, size_t capacity)
{
    const vgg_lrn_attributes *lrn = &node->attributes.lrn;
    vgg_describe(text, capacity, "size %lld alpha %g beta %g k %g", (long long)lrn->size,
                 (double)lrn->alpha, (double)lrn->beta, (double)lrn->k);
}

/* k + alpha / size · Σ around channel c at the element's position of `values`. */
static double sum_around(const vgg_element *e, const float *values, int64_t c)
{
    const vgg_lrn_attributes *lrn = &e->node->attributes.lrn;
    const int64_t pixels = e->input->dims[1] * e->input->dims[2];
    const float *x = values + e->at[1] * e->input->dims[2] + e->at[2];
    double sum = 0;
    for (int64_t j = c - lrn->size / 2; j <= c + (lrn->size - 1) / 2; j++)
        if (j >= 0 && j < e->input->dims[0])
            sum += (double)x[j * pixels] * (double)x[j * pixels];
    return (double)lrn->k + (double)lrn->alpha / (double)lrn->size * sum;
}

static double element_of(const vgg_element *e)
{
    return vgg_element_input(e) /
           pow(sum_around(e, e->x, e->at[0]), (double)e->node->attributes.lrn.beta);
}

/* Σ over the channels j whose window has channel c of dy[j] · d y[j] / d x[c]. */
static double gradient_element(const vgg_element *e)
{
    const vgg_lrn_attributes *lrn = &e->node->attributes.lrn;
    const int64_t pixels = e->input->dims[1] * e->input->dims[2], c = e->at[0];
    const int64_t at = e->at[1] * e->input->dims[2] + e->at[2];
    const float *x = (const float *)e->second + at, *dy = e->x + at;
    const double beta = (double)lrn->beta, scale = (double)lrn->alpha / (double)lrn->size;
    double sum = (double)dy[c * pixels] * pow(sum_around(e, e->second, c), -beta);
    for (int64_t j = c - (lrn->size - 1) / 2; j <= c + lrn->size / 2; j++)
        if (j >= 0 && j < e->input->dims[0])
            sum -= (double)dy[j * pixels] * 2 * scale * beta * (double)x[j * pixels] *
                   (double)x[c * pixels] * pow(sum_around(e, e->second, j), -beta - 1);
    return sum;
}

static const vgg_field fields[] = {
    {"size", VGG_FIELD_INTEGER, 1, offsetof(vgg_attributes, lrn.size), true, 0},
    {"alpha", VGG_FIELD_FLOAT, 1, offsetof(vgg_attributes, lrn.alpha), true, 0},
    {"beta", VGG_FIELD_FLOAT, 1, offsetof(vgg_attributes, lrn.beta), true, 0},
    {"k", VGG_FIELD_FLOAT, 1, offsetof(vgg_attributes, lrn.k), true, 0},
};

/* Zeiler & Fergus leave the signal as it is. */
static clvgg_status step_back(vgg_walk *walk, int at)
{
    const vgg_node *node = vgg_walk_node(walk, at);
    const vgg_attributes attributes = node->attributes;
    if (walk->mode == CLVGG_PROJECTION_DECONV)
        return CLVGG_STATUS_OK;
    return vgg_walk_add(walk, "through", at, VGG_LAYER_LRN_GRAD, &attributes, node->inputs[0]);
}

const vgg_layer vgg_layer_local_response_norm = {
    .name = "local_response_norm",
    .color = "#fdcdac",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .infer = infer,
    .describe = describe,
    .element = element_of,
    .keeps_sign = true,
    .step_back = step_back,
};

/* The signal's normalisation is that of the second input, the forward layer's. */
const vgg_layer vgg_layer_lrn_grad = {
    .name = "lrn_grad",
    .color = "#fdcdac",
    .infer = infer,
    .further_inputs = 1,
    .takes_further = vgg_shape_equal,
    .describe = describe,
    .element = gradient_element,
    .internal = true,
};

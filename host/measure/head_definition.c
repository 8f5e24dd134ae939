/* measure/head_definition.c — no kernel, no packing, no float32 sums, no thought of speed but for
 * the order of values.
 */
#include "measure/head_definition.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"

clvgg_status vgg_head_definition_open(vgg_head_definition *d)
{
    const size_t count = (size_t)d->count;
    int64_t longest = d->options->layers[0].inputs;
    VGG_NEW_PASS(d->inputs[0], count * (size_t)longest);
    for (int l = 0; l < d->options->layer_count; l++) {
        const int64_t outputs = d->options->layers[l].outputs;
        const size_t values = count * (size_t)outputs;
        longest = outputs > longest ? outputs : longest;
        VGG_NEW_PASS(d->inputs[l + 1], values);
        VGG_NEW_PASS(d->activated[l], values);
        VGG_NEW_PASS(d->deltas[l], values);
    }
    VGG_NEW_PASS(d->losses, count);
    VGG_NEW_PASS(d->row, (size_t)longest);
    VGG_NEW_PASS(d->bias, (size_t)longest);
    return CLVGG_STATUS_OK;
}

void vgg_head_definition_close(vgg_head_definition *d)
{
    for (int l = 0; l < VGG_HEAD_MOST_LAYERS; l++) {
        vgg_free(d->inputs[l]);
        vgg_free(d->activated[l]);
        vgg_free(d->deltas[l]);
    }
    vgg_free(d->inputs[VGG_HEAD_MOST_LAYERS]);
    vgg_free(d->losses);
    vgg_free(d->row);
    vgg_free(d->bias);
}

/* ---- dropout and activations ---- */

void vgg_head_definition_philox(const uint32_t counter[4], const uint32_t key[2],
                                uint32_t random[4])
{
    uint32_t k[2] = {key[0], key[1]};
    memcpy(random, counter, 4 * sizeof *random);
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xD2511F53u * random[0], b = (uint64_t)0xCD9E8D57u * random[2];
        const uint32_t next[4] = {(uint32_t)(b >> 32) ^ random[1] ^ k[0], (uint32_t)b,
                                  (uint32_t)(a >> 32) ^ random[3] ^ k[1], (uint32_t)a};
        memcpy(random, next, sizeof next);
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
    }
}

/* What an output of a layer is multiplied by in a step. */
static double mask(const vgg_head_definition *d, int layer, uint64_t step, int image,
                   int64_t output)
{
    const vgg_head_options *options = d->options;
    const double rate = (double)options->layers[layer].dropout;
    const uint64_t element =
        (uint64_t)image * (uint64_t)options->layers[layer].outputs + (uint64_t)output;
    const uint32_t counter[4] = {(uint32_t)(element / 4), (uint32_t)step, (uint32_t)(step >> 32),
                                 (uint32_t)layer};
    const uint32_t key[2] = {(uint32_t)options->seed, (uint32_t)(options->seed >> 32)};
    uint32_t random[4];
    if (step == 0 || layer + 1 == options->layer_count || !(rate > 0))
        return 1;
    vgg_head_definition_philox(counter, key, random);
    return random[element % 4] < (uint32_t)(rate * 4294967296.0) ? 0 : 1 / (1 - rate);
}

static const vgg_activation *activation_of(clvgg_activation activation)
{
    vgg_layer_type type = VGG_LAYER_RELU;
    vgg_layer_type_of_activation(activation, &type);
    return vgg_layer_of(type)->activation;
}

/* ---- forward ---- */

static clvgg_status compute_layer(vgg_head_definition *d, int l, uint64_t step)
{
    const vgg_head_layer *layer = &d->options->layers[l];
    const bool last = l + 1 == d->options->layer_count;
    const int count = d->count;
    VGG_PASS(d->read(d->user, l, -1, d->bias));
    for (int64_t o = 0; o < layer->outputs; o++) {
        double *sum = d->activated[l] + o * count;
        VGG_PASS(d->read(d->user, l, o, d->row));
        for (int n = 0; n < count; n++)
            sum[n] = d->bias[o];
        for (int64_t i = 0; i < layer->inputs; i++) {
            const double weight = d->row[i], *x = d->inputs[l] + i * count;
            for (int n = 0; n < count; n++)
                sum[n] += weight * x[n];
        }
        for (int n = 0; n < count; n++) {
            sum[n] = last ? sum[n] : activation_of(layer->activation)->value(sum[n]);
            d->inputs[l + 1][o * count + n] = sum[n] * mask(d, l, step, n, o);
        }
    }
    return CLVGG_STATUS_OK;
}

/* Losses, and the gradient of their mean. */
static void cross_entropy(vgg_head_definition *d, const int32_t *labels)
{
    const int last = d->options->layer_count - 1, count = d->count;
    const int64_t classes = d->options->layers[last].outputs;
    const double smoothing = (double)d->options->label_smoothing;
    for (int n = 0; n < count; n++) {
        const double *x = d->inputs[last + 1] + n;
        double peak = x[0], sum = 0;
        for (int64_t k = 1; k < classes; k++)
            peak = x[k * count] > peak ? x[k * count] : peak;
        for (int64_t k = 0; k < classes; k++)
            sum += exp(x[k * count] - peak);
        d->losses[n] = 0;
        for (int64_t k = 0; k < classes; k++) {
            const double target = (k == labels[n]) * (1 - smoothing) + smoothing / (double)classes;
            const double below = x[k * count] - peak;
            d->losses[n] += target * (log(sum) - below);
            d->deltas[last][k * count + n] = (exp(below) / sum - target) / count;
        }
    }
}

clvgg_status vgg_head_definition_forward(vgg_head_definition *d, const float *features,
                                         const int32_t *labels, uint64_t step)
{
    const int64_t inputs = d->options->layers[0].inputs;
    for (int n = 0; n < d->count; n++)
        for (int64_t i = 0; i < inputs; i++)
            d->inputs[0][i * d->count + n] = features[n * inputs + i];
    for (int l = 0; l < d->options->layer_count; l++)
        VGG_PASS(compute_layer(d, l, step));
    cross_entropy(d, labels);
    return CLVGG_STATUS_OK;
}

/* ---- backward ---- */

clvgg_status vgg_head_definition_backward(vgg_head_definition *d, uint64_t step)
{
    const int count = d->count;
    for (int l = d->options->layer_count - 1; l > 0; l--) {
        const vgg_head_layer *layer = &d->options->layers[l];
        double *before = d->deltas[l - 1];
        memset(before, 0, (size_t)(layer->inputs * count) * sizeof *before);
        for (int64_t o = 0; o < layer->outputs; o++) {
            const double *delta = d->deltas[l] + o * count;
            VGG_PASS(d->read(d->user, l, o, d->row));
            for (int64_t i = 0; i < layer->inputs; i++) {
                const double weight = d->row[i];
                for (int n = 0; n < count; n++)
                    before[i * count + n] += weight * delta[n];
            }
        }
        for (int64_t i = 0; i < layer->inputs * count; i++)
            before[i] *= activation_of(layer[-1].activation)->derivative(d->activated[l - 1][i]) *
                         mask(d, l - 1, step, (int)(i % count), i / count);
    }
    return CLVGG_STATUS_OK;
}

double vgg_head_definition_gradient(const vgg_head_definition *d, int layer, int64_t output,
                                    int64_t input)
{
    const double *delta = d->deltas[layer] + output * d->count;
    double sum = 0;
    for (int n = 0; n < d->count; n++)
        sum += delta[n] * (input < 0 ? 1 : d->inputs[layer][input * d->count + n]);
    return sum;
}

/* ---- the optimiser ---- */

void vgg_head_definition_update(const vgg_head_options *options, const vgg_head_step *s,
                                double gradient, double *value, double moments[2])
{
    const double t = (double)s->step, beta1 = s->momentum;
    double g = gradient;
    if (options->optimizer == CLVGG_OPTIMIZER_ADAMW)
        *value -= s->lr * s->weight_decay * *value;
    else
        g += s->weight_decay * *value;
    if (options->optimizer == CLVGG_OPTIMIZER_SGD) {
        moments[0] = s->momentum * moments[0] + g;
        *value -= s->lr * (options->nesterov ? g + s->momentum * moments[0] : moments[0]);
        return;
    }
    moments[0] = beta1 * moments[0] + (1 - beta1) * g;
    moments[1] = s->beta2 * moments[1] + (1 - s->beta2) * g * g;
    const double mean = moments[0] / (1 - pow(beta1, t));
    *value -= s->lr * mean / (sqrt(moments[1] / (1 - pow(s->beta2, t))) + s->epsilon);
}

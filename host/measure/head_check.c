/* measure/head_check.c — the definition of a step: no kernel, no packing, no float32 sums. Images lie
 * innermost, so that a compiler makes vectors of the loops over them.
 */
#include "measure/head_check.h"

#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "train/head_parts.h"

enum { SAMPLED = 6 }; /* outputs of a layer whose weights are compared */

/* Values are [feature][image]. */
typedef struct check {
    const vgg_head_options *options;
    vgg_head_source source;
    void *user;
    int count;
    double *inputs[VGG_HEAD_MOST_LAYERS + 1]; /* what a layer reads; the last: logits */
    double *activated[VGG_HEAD_MOST_LAYERS];  /* before dropout */
    double *deltas[VGG_HEAD_MOST_LAYERS];     /* the loss's gradient behind a layer's products */
    double *losses;
    float *row, *biases, *got; /* as long as what is longest */
    double *expected;
    double worst;
} check;

/* Philox4x32-10, as cl/dropout.cl has it. */
static uint32_t random_word(const uint32_t counter[4], uint64_t seed, int word)
{
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
        const uint32_t first = (uint32_t)(b >> 32) ^ c[1] ^ key[0];
        const uint32_t third = (uint32_t)(a >> 32) ^ c[3] ^ key[1];
        c[0] = first;
        c[1] = (uint32_t)b;
        c[2] = third;
        c[3] = (uint32_t)a;
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return c[word];
}

static double mask(const check *c, int layer, uint64_t step, int image, int64_t output)
{
    const vgg_head_layer *l = &c->options->layers[layer];
    const uint64_t element = (uint64_t)image * (uint64_t)l->outputs + (uint64_t)output;
    const uint32_t counter[4] = {(uint32_t)(element / 4), (uint32_t)step, (uint32_t)(step >> 32),
                                 (uint32_t)layer};
    if (layer + 1 == c->options->layer_count || !(l->dropout > 0))
        return 1;
    const uint32_t word = random_word(counter, c->options->seed, (int)(element % 4));
    return word < (uint32_t)((double)l->dropout * 4294967296.0) ? 0 : 1 / (1 - (double)l->dropout);
}

static double activate(clvgg_activation activation, double x)
{
    return activation == CLVGG_ACTIVATION_RELU   ? (x < 0 ? 0 : x)
           : activation == CLVGG_ACTIVATION_TANH ? tanh(x)
                                                 : 1 / (1 + exp(-x));
}

static double slope(clvgg_activation activation, double y)
{
    return activation == CLVGG_ACTIVATION_RELU   ? y > 0
           : activation == CLVGG_ACTIVATION_TANH ? 1 - y * y
                                                 : y * (1 - y);
}

static clvgg_status read_row(const check *c, int layer, int64_t output)
{
    const uint64_t inputs = (uint64_t)c->options->layers[layer].inputs;
    return c->source(c->user, layer, false, (uint64_t)output * inputs, inputs, c->row);
}

static clvgg_status forward(check *c, uint64_t step)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int count = c->count;
    for (int l = 0; l < c->options->layer_count; l++) {
        const vgg_head_layer *layer = &c->options->layers[l];
        const bool last = l + 1 == c->options->layer_count;
        VGG_TRY(c->source(c->user, l, true, 0, (uint64_t)layer->outputs, c->biases));
        for (int64_t o = 0; o < layer->outputs; o++) {
            double *sum = c->activated[l] + o * count;
            VGG_TRY(read_row(c, l, o));
            for (int n = 0; n < count; n++)
                sum[n] = c->biases[o];
            for (int64_t i = 0; i < layer->inputs; i++) {
                const double weight = c->row[i], *x = c->inputs[l] + i * count;
                for (int n = 0; n < count; n++)
                    sum[n] += weight * x[n];
            }
            for (int n = 0; n < count; n++) {
                sum[n] = last ? sum[n] : activate(layer->activation, sum[n]);
                c->inputs[l + 1][o * count + n] = sum[n] * mask(c, l, step, n, o);
            }
        }
    }
cleanup:
    return status;
}

/* Losses, and the gradient of their mean. */
static void cross_entropy(check *c, const int32_t *labels)
{
    const int last = c->options->layer_count - 1, count = c->count;
    const int64_t classes = c->options->layers[last].outputs;
    const double smoothing = (double)c->options->label_smoothing;
    for (int n = 0; n < count; n++) {
        const double *x = c->inputs[last + 1] + n;
        double peak = x[0], sum = 0;
        for (int64_t k = 1; k < classes; k++)
            peak = x[k * count] > peak ? x[k * count] : peak;
        for (int64_t k = 0; k < classes; k++)
            sum += exp(x[k * count] - peak);
        c->losses[n] = 0;
        for (int64_t k = 0; k < classes; k++) {
            const double target = (k == labels[n]) * (1 - smoothing) + smoothing / (double)classes;
            const double below = x[k * count] - peak;
            c->losses[n] += target * (log(sum) - below);
            c->deltas[last][k * count + n] = (exp(below) / sum - target) / count;
        }
    }
}

static clvgg_status backward(check *c, uint64_t step)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int count = c->count;
    for (int l = c->options->layer_count - 1; l > 0; l--) {
        const vgg_head_layer *layer = &c->options->layers[l];
        double *before = c->deltas[l - 1];
        for (int64_t i = 0; i < layer->inputs * count; i++)
            before[i] = 0;
        for (int64_t o = 0; o < layer->outputs; o++) {
            const double *delta = c->deltas[l] + o * count;
            VGG_TRY(read_row(c, l, o));
            for (int64_t i = 0; i < layer->inputs; i++) {
                const double weight = c->row[i];
                for (int n = 0; n < count; n++)
                    before[i * count + n] += weight * delta[n];
            }
        }
        for (int64_t i = 0; i < layer->inputs * count; i++)
            before[i] *= slope(layer[-1].activation, c->activated[l - 1][i]) *
                         mask(c, l - 1, step, (int)(i % count), i / count);
    }
cleanup:
    return status;
}

/* ---- what the optimiser makes of it ---- */

/* The value that one parameter without state becomes, and its state. */
static void first_update(const check *c, const vgg_head_step *s, double g, double *value,
                         double moments[2])
{
    const vgg_head_options *o = c->options;
    if (o->optimizer == CLVGG_OPTIMIZER_ADAMW)
        *value -= s->lr * s->weight_decay * *value;
    else
        g += s->weight_decay * *value;
    if (o->optimizer == CLVGG_OPTIMIZER_SGD) {
        moments[0] = g;
        *value -= s->lr * (o->nesterov ? g + s->momentum * g : g);
    } else {
        moments[0] = (1 - s->momentum) * g;
        moments[1] = (1 - s->beta2) * g * g;
        *value -= s->lr * g / (fabs(g) + s->epsilon);
    }
}

/* The i-th sampled output of a layer: the first, the last, and some between. */
static int64_t sampled(const vgg_head_layer *layer, int i)
{
    return (layer->outputs - 1) * i / (SAMPLED - 1);
}

/* Gradient of a weight, or, with input −1, of a bias. */
static double gradient(const check *c, int layer, int64_t output, int64_t input)
{
    const double *delta = c->deltas[layer] + output * c->count;
    double sum = 0;
    for (int n = 0; n < c->count; n++)
        sum += delta[n] * (input < 0 ? 1 : c->inputs[layer][input * c->count + n]);
    return sum;
}

/* A learning rate by which the first layer's weights move by a tenth. */
static clvgg_status choose_rate(check *c, vgg_head_step *step)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_head_layer *layer = &c->options->layers[0];
    double weights = 0, gradients = 0;
    VGG_TRY(read_row(c, 0, 0));
    for (int i = 0; i < SAMPLED; i++)
        for (int64_t in = 0; in < layer->inputs; in++) {
            gradients += pow(gradient(c, 0, sampled(layer, i), in), 2) / SAMPLED;
            weights += pow(c->row[in], 2) / SAMPLED;
        }
    const double size = sqrt(weights / (double)layer->inputs);
    step->lr = 0.1 * size;
    if (c->options->optimizer == CLVGG_OPTIMIZER_SGD && gradients > 0)
        step->lr = 0.1 * sqrt(weights / gradients);
cleanup:
    return status;
}

/* ‖got − expected‖ / ‖expected‖; a NaN stays the worst. */
static void note_error(check *c, int64_t count)
{
    double off = 0, size = 0;
    for (int64_t i = 0; i < count; i++) {
        off += pow((double)c->got[i] - c->expected[i], 2);
        size += pow(c->expected[i], 2);
    }
    const double error = off == 0 ? 0 : sqrt(off / size);
    if (!(error <= c->worst))
        c->worst = error;
}

/* Compares one part of a run of a layer's parameters; c->row or c->biases holds their values before
 * the step. */
static clvgg_status compare(check *c, vgg_head *head, const vgg_head_step *step, int layer,
                            int64_t output, vgg_head_part part)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const bool bias = output < 0;
    const vgg_head_layer *l = &c->options->layers[layer];
    const int64_t count = bias ? l->outputs : l->inputs;
    for (int64_t i = 0; i < count; i++) {
        double value = bias ? c->biases[i] : c->row[i], moments[2] = {0};
        first_update(c, step, bias ? gradient(c, layer, i, -1) : gradient(c, layer, output, i),
                     &value, moments);
        c->expected[i] = part == VGG_HEAD_VALUE ? value : moments[part - VGG_HEAD_MOMENT1];
    }
    VGG_TRY(vgg_head_read(head, layer, bias, part, bias ? 0 : (uint64_t)(output * count),
                          (uint64_t)count, c->got));
    note_error(c, count);
cleanup:
    return status;
}

static clvgg_status compare_all(check *c, vgg_head *head, const vgg_head_step *step)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const bool adam = c->options->optimizer != CLVGG_OPTIMIZER_SGD;
    const vgg_head_part last = adam ? VGG_HEAD_MOMENT2 : VGG_HEAD_MOMENT1;
    for (int l = 0; l < c->options->layer_count; l++) {
        const vgg_head_layer *layer = &c->options->layers[l];
        VGG_TRY(c->source(c->user, l, true, 0, (uint64_t)layer->outputs, c->biases));
        for (vgg_head_part part = VGG_HEAD_VALUE; part <= last; part++)
            VGG_TRY(compare(c, head, step, l, -1, part));
        for (int i = 0; i < SAMPLED; i++) {
            VGG_TRY(read_row(c, l, sampled(layer, i)));
            for (vgg_head_part part = VGG_HEAD_VALUE; part <= last; part++)
                VGG_TRY(compare(c, head, step, l, sampled(layer, i), part));
        }
    }
cleanup:
    return status;
}

/* Compares the layers' outputs on the device and goes on from them: whether a ReLU let a value next
 * to 0 through is chance, and decides the gradient. */
static clvgg_status take_activations(check *c, vgg_head *head)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int count = c->count;
    for (int l = 0; l + 1 < c->options->layer_count; l++) {
        const int64_t outputs = c->options->layers[l].outputs, values = outputs * count;
        VGG_CL(clEnqueueReadBuffer(head->queue, head->layers[l].buffers[HEAD_ACTIVATED], CL_TRUE, 0,
                                   (size_t)values * sizeof *c->got, c->got, 0, NULL, NULL));
        for (int64_t i = 0; i < values; i++)
            c->expected[i] = c->activated[l][i % outputs * count + i / outputs];
        note_error(c, values);
        for (int64_t i = 0; i < values; i++)
            c->activated[l][i % outputs * count + i / outputs] = c->got[i];
    }
cleanup:
    return status;
}

/* ---- the whole ---- */

static clvgg_status allocate(check *c)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t count = (size_t)c->count;
    int64_t longest = c->options->layers[0].inputs;
    VGG_NEW(c->inputs[0], count * (size_t)longest);
    for (int l = 0; l < c->options->layer_count; l++) {
        const int64_t outputs = c->options->layers[l].outputs;
        const size_t values = count * (size_t)outputs;
        longest = outputs * c->count > longest ? outputs * c->count : longest;
        VGG_NEW(c->inputs[l + 1], values);
        VGG_NEW(c->activated[l], values);
        VGG_NEW(c->deltas[l], values);
    }
    VGG_NEW(c->losses, count);
    longest = c->count > longest ? c->count : longest;
    VGG_NEW(c->row, (size_t)longest);
    VGG_NEW(c->biases, (size_t)longest);
    VGG_NEW(c->got, (size_t)longest);
    VGG_NEW(c->expected, (size_t)longest);
cleanup:
    return status;
}

static void release(check *c)
{
    for (int l = 0; l < VGG_HEAD_MOST_LAYERS; l++) {
        vgg_free(c->inputs[l]);
        vgg_free(c->activated[l]);
        vgg_free(c->deltas[l]);
    }
    vgg_free(c->inputs[VGG_HEAD_MOST_LAYERS]);
    vgg_free(c->losses);
    vgg_free(c->row);
    vgg_free(c->biases);
    vgg_free(c->got);
    vgg_free(c->expected);
}

clvgg_status vgg_head_check(vgg_head *head, const vgg_head_options *options, vgg_head_source source,
                            void *user, int count, const float *features, const int32_t *labels,
                            const vgg_head_step *step, double *error, double *first_ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int64_t inputs = options->layers[0].inputs;
    vgg_head_step first = *step;
    check c = {.options = options, .source = source, .user = user, .count = count};
    VGG_TRY(allocate(&c));
    for (int n = 0; n < count; n++)
        for (int64_t i = 0; i < inputs; i++)
            c.inputs[0][i * count + n] = features[n * inputs + i];
    first.step = 1;
    first.clip_norm = 0;
    VGG_TRY(forward(&c, first.step));
    cross_entropy(&c, labels);
    VGG_TRY(backward(&c, first.step));
    VGG_TRY(choose_rate(&c, &first));
    const double start = vgg_clock_ms();
    VGG_TRY(vgg_head_train(head, count, features, labels, &first, c.got, NULL));
    *first_ms = vgg_clock_ms() - start;
    for (int n = 0; n < count; n++)
        c.expected[n] = c.losses[n];
    note_error(&c, count);
    VGG_TRY(take_activations(&c, head));
    VGG_TRY(backward(&c, first.step));
    VGG_TRY(compare_all(&c, head, &first));
    *error = c.worst;
cleanup:
    release(&c);
    return status;
}

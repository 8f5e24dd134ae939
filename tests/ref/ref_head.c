/* ref/ref_head.c — definitions, with no thought of speed. */
#include "ref/ref_head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t ref_head_count(const ref_head *head, int layer, bool bias)
{
    const vgg_head_layer *l = &head->options->layers[layer];
    return (size_t)(bias ? l->outputs : l->outputs * l->inputs);
}

size_t ref_head_offset(const ref_head *head, int layer, bool bias)
{
    size_t offset = bias ? ref_head_count(head, layer, false) : 0;
    for (int i = 0; i < layer; i++)
        offset += ref_head_count(head, i, false) + ref_head_count(head, i, true);
    return offset;
}

ref_head ref_head_make(const vgg_head_options *options)
{
    ref_head head = {.options = options};
    head.parameter_count = ref_head_offset(&head, options->layer_count, false);
    head.values = calloc(head.parameter_count, sizeof(double));
    head.gradients = calloc(head.parameter_count, sizeof(double));
    for (int i = 0; i < 2; i++)
        head.moments[i] = calloc(head.parameter_count, sizeof(double));
    return head;
}

void ref_head_free(ref_head *head)
{
    free(head->values);
    free(head->gradients);
    free(head->moments[0]);
    free(head->moments[1]);
}

void ref_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t random[4])
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

double ref_dropout(uint64_t seed, uint64_t step, int layer, float rate, uint64_t element)
{
    const uint32_t counter[4] = {(uint32_t)(element / 4), (uint32_t)step, (uint32_t)(step >> 32),
                                 (uint32_t)layer};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t random[4];
    ref_philox(counter, key, random);
    const double unit = random[element % 4] / 4294967296.0;
    return unit < floor((double)rate * 4294967296.0) / 4294967296.0 ? 0 : 1 / (1 - (double)rate);
}

static double activate(clvgg_activation activation, double x)
{
    return activation == CLVGG_ACTIVATION_RELU   ? (x < 0 ? 0 : x)
           : activation == CLVGG_ACTIVATION_TANH ? tanh(x)
                                                 : 1 / (1 + exp(-x));
}

/* Derivative of an activation, from its value. */
static double derivative(clvgg_activation activation, double y)
{
    return activation == CLVGG_ACTIVATION_RELU   ? y > 0
           : activation == CLVGG_ACTIVATION_TANH ? 1 - y * y
                                                 : y * (1 - y);
}

/* Values of the layers for one image: values[0] is the image, values[l + 1] what layer l hands on.
 */
typedef struct pass {
    double *values[VGG_HEAD_MOST_LAYERS + 1];
    double *activated[VGG_HEAD_MOST_LAYERS]; /* before dropout */
    double *masks[VGG_HEAD_MOST_LAYERS];
} pass;

static pass pass_make(const vgg_head_options *o)
{
    pass p;
    p.values[0] = malloc((size_t)o->layers[0].inputs * sizeof(double));
    for (int l = 0; l < o->layer_count; l++) {
        const size_t bytes = (size_t)o->layers[l].outputs * sizeof(double);
        p.values[l + 1] = malloc(bytes);
        p.activated[l] = malloc(bytes);
        p.masks[l] = malloc(bytes);
    }
    return p;
}

static void pass_free(const vgg_head_options *o, pass *p)
{
    free(p->values[0]);
    for (int l = 0; l < o->layer_count; l++) {
        free(p->values[l + 1]);
        free(p->activated[l]);
        free(p->masks[l]);
    }
}

static void forward(const ref_head *head, const double *values, pass *p, const float *image,
                    uint64_t step, int n)
{
    const vgg_head_options *o = head->options;
    for (int64_t i = 0; i < o->layers[0].inputs; i++)
        p->values[0][i] = image[i];
    for (int l = 0; l < o->layer_count; l++) {
        const vgg_head_layer *layer = &o->layers[l];
        const bool last = l + 1 == o->layer_count;
        const double *w = values + ref_head_offset(head, l, false);
        const double *b = values + ref_head_offset(head, l, true);
        for (int64_t k = 0; k < layer->outputs; k++) {
            double z = b[k];
            for (int64_t i = 0; i < layer->inputs; i++)
                z += w[k * layer->inputs + i] * p->values[l][i];
            p->activated[l][k] = last ? z : activate(layer->activation, z);
            p->masks[l][k] = last || step == 0 || layer->dropout == 0
                                 ? 1
                                 : ref_dropout(o->seed, step, l, layer->dropout,
                                               (uint64_t)(n * layer->outputs + k));
            p->values[l + 1][k] = p->activated[l][k] * p->masks[l][k];
        }
    }
}

/* The loss of one image; delta [classes] (may be NULL) its gradient. */
static double cross_entropy(const double *x, int64_t classes, int32_t label, double smoothing,
                            double *delta)
{
    double peak = x[0], sum = 0, loss = 0;
    for (int64_t c = 1; c < classes; c++)
        peak = x[c] > peak ? x[c] : peak;
    for (int64_t c = 0; c < classes; c++)
        sum += exp(x[c] - peak);
    for (int64_t c = 0; c < classes; c++) {
        const double target = (c == label) * (1 - smoothing) + smoothing / (double)classes;
        loss += target * (log(sum) + peak - x[c]);
        if (delta != NULL)
            delta[c] = exp(x[c] - peak) / sum - target;
    }
    return loss;
}

double ref_head_loss(const ref_head *head, const double *values, int count, const float *features,
                     const int32_t *labels, uint64_t step, double *logits, double *losses)
{
    const vgg_head_options *o = head->options;
    const int64_t inputs = o->layers[0].inputs, classes = o->layers[o->layer_count - 1].outputs;
    pass p = pass_make(o);
    double total = 0;
    for (int n = 0; n < count; n++) {
        forward(head, values, &p, features + n * inputs, step, n);
        const double *x = p.values[o->layer_count];
        const double loss = cross_entropy(x, classes, labels[n], (double)o->label_smoothing, NULL);
        total += loss;
        if (losses != NULL)
            losses[n] = loss;
        if (logits != NULL)
            memcpy(logits + n * classes, x, (size_t)classes * sizeof *x);
    }
    pass_free(o, &p);
    return total / count;
}

/* Adds one image's share to the gradients. */
static void backward(ref_head *head, const pass *p, const double *last_delta, int count)
{
    const vgg_head_options *o = head->options;
    const int last = o->layer_count - 1;
    double *delta = malloc((size_t)o->layers[last].outputs * sizeof *delta);
    for (int64_t k = 0; k < o->layers[last].outputs; k++)
        delta[k] = last_delta[k] / count;
    for (int l = last; l >= 0; l--) {
        const vgg_head_layer *layer = &o->layers[l];
        const double *w = head->values + ref_head_offset(head, l, false);
        double *dw = head->gradients + ref_head_offset(head, l, false);
        double *db = head->gradients + ref_head_offset(head, l, true);
        double *before = calloc((size_t)layer->inputs, sizeof *before);
        for (int64_t k = 0; k < layer->outputs; k++) {
            db[k] += delta[k];
            for (int64_t i = 0; i < layer->inputs; i++) {
                dw[k * layer->inputs + i] += delta[k] * p->values[l][i];
                before[i] += delta[k] * w[k * layer->inputs + i];
            }
        }
        for (int64_t i = 0; l > 0 && i < layer->inputs; i++)
            before[i] *=
                p->masks[l - 1][i] * derivative(layer[-1].activation, p->activated[l - 1][i]);
        free(delta);
        delta = before;
    }
    free(delta);
}

void ref_head_gradients(ref_head *head, int count, const float *features, const int32_t *labels,
                        uint64_t step)
{
    const vgg_head_options *o = head->options;
    const int64_t inputs = o->layers[0].inputs, classes = o->layers[o->layer_count - 1].outputs;
    pass p = pass_make(o);
    double *delta = malloc((size_t)classes * sizeof *delta);
    memset(head->gradients, 0, head->parameter_count * sizeof *head->gradients);
    for (int n = 0; n < count; n++) {
        forward(head, head->values, &p, features + n * inputs, step, n);
        cross_entropy(p.values[o->layer_count], classes, labels[n], (double)o->label_smoothing,
                      delta);
        backward(head, &p, delta, count);
    }
    free(delta);
    pass_free(o, &p);
}

double ref_head_norm(const ref_head *head)
{
    double sum = 0;
    for (size_t i = 0; i < head->parameter_count; i++)
        sum += head->gradients[i] * head->gradients[i];
    return sqrt(sum);
}

static void sgd(const vgg_head_step *s, bool nesterov, double g, double *w, double *m)
{
    g += s->weight_decay * *w;
    *m = s->momentum * *m + g;
    *w -= s->lr * (nesterov ? g + s->momentum * *m : *m);
}

static void adam(const vgg_head_step *s, bool decoupled, double g, double *w, double *m, double *v)
{
    const double t = (double)s->step, beta1 = s->momentum;
    if (decoupled)
        *w -= s->lr * s->weight_decay * *w;
    else
        g += s->weight_decay * *w;
    *m = beta1 * *m + (1 - beta1) * g;
    *v = s->beta2 * *v + (1 - s->beta2) * g * g;
    const double mean = *m / (1 - pow(beta1, t)), square = *v / (1 - pow(s->beta2, t));
    *w -= s->lr * mean / (sqrt(square) + s->epsilon);
}

void ref_head_update(ref_head *head, const vgg_head_step *step)
{
    const vgg_head_options *o = head->options;
    double scale = 1;
    if (step->clip_norm > 0)
        scale = fmin(1, step->clip_norm / (ref_head_norm(head) + 1e-6));
    for (size_t i = 0; i < head->parameter_count; i++) {
        const double g = scale * head->gradients[i];
        double *w = &head->values[i], *m = &head->moments[0][i];
        if (o->optimizer == CLVGG_OPTIMIZER_SGD)
            sgd(step, o->nesterov, g, w, m);
        else
            adam(step, o->optimizer == CLVGG_OPTIMIZER_ADAMW, g, w, m, &head->moments[1][i]);
    }
}

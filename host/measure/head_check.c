/* measure/head_check.c — a step on the device and by definition, compared part by part. */
#include "measure/head_check.h"

#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "measure/head_definition.h"
#include "train/head_parts.h"

enum { SAMPLED = 6 }; /* outputs of a layer whose weights are compared */

typedef struct check {
    const vgg_head_example *example;
    vgg_head_definition definition;
    float *got; /* from the head or its source; as long as what is longest */
    double *expected;
    double worst;
} check;

/* Values as the head got them. */
static clvgg_status read_row(void *user, int layer, int64_t output, double *row)
{
    const check *c = user;
    const vgg_head_example *e = c->example;
    const vgg_head_layer *l = &e->options->layers[layer];
    const bool bias = output < 0;
    const uint64_t count = (uint64_t)(bias ? l->outputs : l->inputs);
    VGG_PASS(e->source(e->user, layer, bias, bias ? 0 : (uint64_t)output * count, count, c->got));
    for (uint64_t i = 0; i < count; i++)
        row[i] = c->got[i];
    return CLVGG_STATUS_OK;
}

/* The i-th sampled output of a layer: the first, the last, and some between. */
static int64_t sampled(const vgg_head_layer *layer, int i)
{
    return (layer->outputs - 1) * i / (SAMPLED - 1);
}

/* A learning rate by which the first layer's weights move by a tenth. */
static clvgg_status choose_rate(check *c, vgg_head_step *step)
{
    const vgg_head_options *options = c->example->options;
    const vgg_head_layer *layer = &options->layers[0];
    double weights = 0, gradients = 0;
    VGG_PASS(read_row(c, 0, 0, c->definition.row));
    for (int i = 0; i < SAMPLED; i++)
        for (int64_t in = 0; in < layer->inputs; in++) {
            const double g = vgg_head_definition_gradient(&c->definition, 0, sampled(layer, i), in);
            gradients += g * g / SAMPLED;
            weights += pow(c->definition.row[in], 2) / SAMPLED;
        }
    const double size = sqrt(weights / (double)layer->inputs);
    step->lr = 0.1 * size;
    if (options->optimizer == CLVGG_OPTIMIZER_SGD && gradients > 0)
        step->lr = 0.1 * sqrt(weights / gradients);
    return CLVGG_STATUS_OK;
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

/* Compares one part of an output's weights, or with output −1 of a layer's biases. */
static clvgg_status compare(check *c, const vgg_head_step *step, int layer, int64_t output,
                            vgg_head_part part)
{
    const vgg_head_options *options = c->example->options;
    const bool bias = output < 0;
    const int64_t count = bias ? options->layers[layer].outputs : options->layers[layer].inputs;
    VGG_PASS(read_row(c, layer, output, c->definition.row));
    for (int64_t i = 0; i < count; i++) {
        double value = c->definition.row[i], moments[2] = {0};
        const double g =
            vgg_head_definition_gradient(&c->definition, layer, bias ? i : output, bias ? -1 : i);
        vgg_head_definition_update(options, step, g, &value, moments);
        c->expected[i] = part == VGG_HEAD_VALUE ? value : moments[part - VGG_HEAD_MOMENT1];
    }
    VGG_PASS(vgg_head_read(c->example->head, layer, bias, part,
                           bias ? 0 : (uint64_t)(output * count), (uint64_t)count, c->got));
    note_error(c, count);
    return CLVGG_STATUS_OK;
}

static clvgg_status compare_all(check *c, const vgg_head_step *step)
{
    const vgg_head_options *options = c->example->options;
    const vgg_head_part last =
        options->optimizer != CLVGG_OPTIMIZER_SGD ? VGG_HEAD_MOMENT2 : VGG_HEAD_MOMENT1;
    for (int l = 0; l < options->layer_count; l++)
        for (vgg_head_part part = VGG_HEAD_VALUE; part <= last; part++) {
            VGG_PASS(compare(c, step, l, -1, part));
            for (int i = 0; i < SAMPLED; i++)
                VGG_PASS(compare(c, step, l, sampled(&options->layers[l], i), part));
        }
    return CLVGG_STATUS_OK;
}

/* Compares the layers' outputs on the device and goes on from them: whether a ReLU let a value next
 * to 0 through is chance, and decides the gradient. */
static clvgg_status take_activations(check *c)
{
    const vgg_head *head = c->example->head;
    const int count = c->example->count;
    for (int l = 0; l + 1 < c->example->options->layer_count; l++) {
        const int64_t outputs = c->example->options->layers[l].outputs, values = outputs * count;
        double *activated = c->definition.activated[l];
        VGG_CL_PASS(clEnqueueReadBuffer(head->queue, head->layers[l].buffers[HEAD_ACTIVATED],
                                        CL_TRUE, 0, (size_t)values * sizeof *c->got, c->got, 0,
                                        NULL, NULL));
        for (int64_t i = 0; i < values; i++)
            c->expected[i] = activated[i % outputs * count + i / outputs];
        note_error(c, values);
        for (int64_t i = 0; i < values; i++)
            activated[i % outputs * count + i / outputs] = c->got[i];
    }
    return CLVGG_STATUS_OK;
}

/* Room for what is longest: a row, a layer's outputs of all images, the losses. */
static clvgg_status allocate(check *c)
{
    const vgg_head_options *options = c->example->options;
    int64_t longest = options->layers[0].inputs;
    for (int l = 0; l < options->layer_count; l++) {
        const int64_t values = options->layers[l].outputs * c->example->count;
        longest = values > longest ? values : longest;
    }
    VGG_NEW_PASS(c->got, (size_t)longest);
    VGG_NEW_PASS(c->expected, (size_t)longest);
    return vgg_head_definition_open(&c->definition);
}

clvgg_status vgg_head_check(const vgg_head_example *e, const vgg_head_step *step, double *error,
                            double *first_ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_head_step first = *step;
    check c = {
        .example = e,
        .definition = {.options = e->options, .count = e->count, .read = read_row, .user = &c}};
    VGG_TRY(allocate(&c));
    first.step = 1;
    first.clip_norm = 0;
    VGG_TRY(vgg_head_definition_forward(&c.definition, e->features, e->labels, first.step));
    VGG_TRY(vgg_head_definition_backward(&c.definition, first.step));
    VGG_TRY(choose_rate(&c, &first));
    const double start = vgg_clock_ms();
    VGG_TRY(vgg_head_train(e->head, e->count, e->features, e->labels, &first, c.got, NULL));
    *first_ms = vgg_clock_ms() - start;
    for (int n = 0; n < e->count; n++)
        c.expected[n] = c.definition.losses[n];
    note_error(&c, e->count);
    VGG_TRY(take_activations(&c));
    VGG_TRY(vgg_head_definition_backward(&c.definition, first.step));
    VGG_TRY(compare_all(&c, &first));
    *error = c.worst;
cleanup:
    vgg_head_definition_close(&c.definition);
    vgg_free(c.got);
    vgg_free(c.expected);
    return status;
}

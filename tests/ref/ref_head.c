/* ref/ref_head.c — many steps of a head, each as measure/head_definition.h defines it. What that says
 * is checked by test_head.c: gradients by central differences, the generator by known answers; and
 * the rules of optimisers by test_dense_grad.c.
 */
#include "ref/ref_head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure/head_definition.h"
#include "support/networks.h"

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

/* Parameters that a definition reads. */
typedef struct parameters {
    const ref_head *head;
    const double *values;
} parameters;

static clvgg_status read_row(void *user, int layer, int64_t output, double *row)
{
    const parameters *p = user;
    const bool bias = output < 0;
    const size_t count = (size_t)(bias ? p->head->options->layers[layer].outputs
                                       : p->head->options->layers[layer].inputs);
    const double *from = p->values + ref_head_offset(p->head, layer, bias);
    memcpy(row, from + (bias ? 0 : (size_t)output * count), count * sizeof *row);
    return CLVGG_STATUS_OK;
}

double ref_head_loss(const ref_head *head, const double *values, int count, const float *features,
                     const int32_t *labels, uint64_t step, double *logits, double *losses)
{
    const int last = head->options->layer_count - 1;
    const int64_t classes = head->options->layers[last].outputs;
    parameters p = {head, values};
    vgg_head_definition d = {
        .options = head->options, .count = count, .read = read_row, .user = &p};
    double total = 0;
    must(vgg_head_definition_open(&d));
    must(vgg_head_definition_forward(&d, features, labels, step));
    for (int n = 0; n < count; n++) {
        total += d.losses[n];
        if (losses != NULL)
            losses[n] = d.losses[n];
        for (int64_t k = 0; logits != NULL && k < classes; k++)
            logits[n * classes + k] = d.inputs[last + 1][k * count + n];
    }
    vgg_head_definition_close(&d);
    return total / count;
}

void ref_head_gradients(ref_head *head, int count, const float *features, const int32_t *labels,
                        uint64_t step)
{
    parameters p = {head, head->values};
    vgg_head_definition d = {
        .options = head->options, .count = count, .read = read_row, .user = &p};
    must(vgg_head_definition_open(&d));
    must(vgg_head_definition_forward(&d, features, labels, step));
    must(vgg_head_definition_backward(&d, step));
    for (int l = 0; l < head->options->layer_count; l++) {
        const vgg_head_layer *layer = &head->options->layers[l];
        double *dw = head->gradients + ref_head_offset(head, l, false);
        double *db = head->gradients + ref_head_offset(head, l, true);
        for (int64_t o = 0; o < layer->outputs; o++) {
            db[o] = vgg_head_definition_gradient(&d, l, o, -1);
            for (int64_t i = 0; i < layer->inputs; i++)
                dw[o * layer->inputs + i] = vgg_head_definition_gradient(&d, l, o, i);
        }
    }
    vgg_head_definition_close(&d);
}

double ref_head_norm(const ref_head *head)
{
    double sum = 0;
    for (size_t i = 0; i < head->parameter_count; i++)
        sum += head->gradients[i] * head->gradients[i];
    return sqrt(sum);
}

void ref_head_update(ref_head *head, const vgg_head_step *step)
{
    double scale = 1;
    if (step->clip_norm > 0)
        scale = fmin(1, step->clip_norm / (ref_head_norm(head) + 1e-6));
    for (size_t i = 0; i < head->parameter_count; i++) {
        double moments[2] = {head->moments[0][i], head->moments[1][i]};
        vgg_head_definition_update(head->options, step, scale * head->gradients[i],
                                   &head->values[i], moments);
        head->moments[0][i] = moments[0];
        head->moments[1][i] = moments[1];
    }
}

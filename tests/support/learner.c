/* support/learner.c — a head of three layers, its reference, its batch. */
#include "support/learner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/networks.h"
#include "support/op_run.h"

void learner_options(learner *l, clvgg_activation activation, float dropout,
                     clvgg_optimizer optimizer)
{
    memset(l, 0, sizeof *l);
    l->layers[0] = (vgg_head_layer){"fc6", INPUTS, 70, activation, dropout};
    l->layers[1] = (vgg_head_layer){"fc7", 70, 33, activation, dropout};
    l->layers[2] = (vgg_head_layer){"fc8", 33, CLASSES, activation, dropout};
    l->options = (vgg_head_options){.layers = l->layers,
                                    .layer_count = LAYERS,
                                    .max_batch = BATCH,
                                    .optimizer = optimizer,
                                    .label_smoothing = 0.1f,
                                    .seed = 0x123456789ABCDEF};
}

clvgg_status learner_source(void *user, int layer, bool bias, uint64_t first, uint64_t count,
                            float *values)
{
    const ref_head *ref = user;
    const double *from = ref->values + ref_head_offset(ref, layer, bias) + first;
    for (uint64_t i = 0; i < count; i++)
        values[i] = (float)from[i];
    return CLVGG_STATUS_OK;
}

void learner_fill(learner *l)
{
    l->ref = ref_head_make(&l->options);
    for (int layer = 0; layer < l->options.layer_count; layer++)
        for (int bias = 0; bias < 2; bias++) {
            const size_t count = ref_head_count(&l->ref, layer, bias);
            float *values = malloc(count * sizeof *values);
            fill_normal(values, count, 1.0 / sqrt((double)l->layers[layer].inputs),
                        (uint32_t)(7 * layer + bias));
            for (size_t i = 0; i < count; i++)
                l->ref.values[ref_head_offset(&l->ref, layer, bias) + i] = (double)values[i];
            free(values);
        }
    fill_normal(l->features, BATCH * INPUTS, 1, 77);
    for (int i = 0; i < BATCH; i++)
        l->labels[i] = i * 3 % CLASSES;
}

clvgg_status learner_create(learner *l, test_device *device)
{
    return vgg_head_create(device->device, &l->options, learner_source, &l->ref, &l->head);
}

void learner_make(learner *l, test_device *device, clvgg_activation activation, float dropout,
                  clvgg_optimizer optimizer)
{
    learner_options(l, activation, dropout, optimizer);
    learner_fill(l);
    must(learner_create(l, device));
}

void learner_free(learner *l)
{
    vgg_head_free(l->head);
    ref_head_free(&l->ref);
}

vgg_head_step learner_step(uint64_t step)
{
    return (vgg_head_step){
        .step = step, .lr = 0.05, .momentum = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
}

float *learner_read(const learner *l, int layer, bool bias, vgg_head_part part)
{
    const size_t count = ref_head_count(&l->ref, layer, bias);
    float *values = malloc(count * sizeof *values);
    must(vgg_head_read(l->head, layer, bias, part, 0, count, values));
    return values;
}

double learner_train(learner *l, const vgg_head_step *step)
{
    float losses[BATCH];
    double sum = 0;
    must(vgg_head_train(l->head, BATCH, l->features, l->labels, step, losses, NULL));
    for (int i = 0; i < BATCH; i++)
        sum += (double)losses[i];
    return sum / BATCH;
}

/* support/learner.h — a small head that learns and its double-precision reference, alike at first.
 */
#ifndef TEST_SUPPORT_LEARNER_H
#define TEST_SUPPORT_LEARNER_H

#include "ref/ref_head.h"
#include "support/device.h"

enum { LAYERS = 3, INPUTS = 37, CLASSES = 5, BATCH = 17 };

/* A net, the device's and the reference, and a batch for it. */
typedef struct learner {
    vgg_head_layer layers[LAYERS];
    vgg_head_options options;
    vgg_head *head;
    ref_head ref;
    float features[BATCH * INPUTS];
    int32_t labels[BATCH];
} learner;

/* Sets a learner up in two steps, so that options can be changed between them; learner_create()
 * makes the head. */
void learner_options(learner *l, clvgg_activation activation, float dropout,
                     clvgg_optimizer optimizer);
void learner_fill(learner *l);
clvgg_status learner_create(learner *l, test_device *device);
/* All of it, which must succeed. */
void learner_make(learner *l, test_device *device, clvgg_activation activation, float dropout,
                  clvgg_optimizer optimizer);
void learner_free(learner *l);

/* Values of the reference, for vgg_head_create() and vgg_head_write(); user: the ref_head. */
clvgg_status learner_source(void *user, int layer, bool bias, uint64_t first, uint64_t count,
                            float *values);
/* Usual hyperparameters. */
vgg_head_step learner_step(uint64_t step);
/* One step on the whole batch; the mean loss. */
double learner_train(learner *l, const vgg_head_step *step);
/* A layer's parameter, or what is beside it; to be freed. */
float *learner_read(const learner *l, int layer, bool bias, vgg_head_part part);

#endif

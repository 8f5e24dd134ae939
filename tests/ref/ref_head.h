/* ref/ref_head.h — a head that learns for many steps, in double precision: what it is at any step,
 * and what the next one makes of it.
 */
#ifndef TEST_REF_REF_HEAD_H
#define TEST_REF_REF_HEAD_H

#include "train/head.h"

/* Weights canonical [out][in], a layer after the other, each with its bias behind it. */
typedef struct ref_head {
    const vgg_head_options *options;
    size_t parameter_count;
    double *values;     /* [parameter_count] */
    double *gradients;  /* of the mean loss: of the latest ref_head_gradients() */
    double *moments[2]; /* zeros at first */
} ref_head;

/* `options` must stay. Values are zeros. */
ref_head ref_head_make(const vgg_head_options *options);
void ref_head_free(ref_head *head);
/* Offset of a layer's weight or bias among the parameters, and its length. */
size_t ref_head_offset(const ref_head *head, int layer, bool bias);
size_t ref_head_count(const ref_head *head, int layer, bool bias);

/* The mean loss at `values` with the dropout of this step (0: none); logits (may be NULL)
 * [count][classes], losses (may be NULL) [count]. */
double ref_head_loss(const ref_head *head, const double *values, int count, const float *features,
                     const int32_t *labels, uint64_t step, double *logits, double *losses);
/* Its gradient at head->values, by backpropagation. */
void ref_head_gradients(ref_head *head, int count, const float *features, const int32_t *labels,
                        uint64_t step);
/* Norm of all gradients together. */
double ref_head_norm(const ref_head *head);
/* One step of the optimiser along head->gradients, clipped if asked. */
void ref_head_update(ref_head *head, const vgg_head_step *step);

#endif

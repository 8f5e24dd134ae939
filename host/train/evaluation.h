/* train/evaluation.h — predictions counted: confusion, log loss, area under the ROC curve.
 *
 * `clvgg eval` prints these figures, and fine-tuning measures them after each epoch. Sums are in
 * double and in the order of the images, counts are integers: the same predictions give the same
 * figures.
 */
#ifndef VGG_TRAIN_EVALUATION_H
#define VGG_TRAIN_EVALUATION_H

#include "base/status.h"
#include "clvgg/evaluate.h"

/* Creates an evaluation. With two classes it keeps a score of 8 bytes an image, in an array that
 * doubles. */
clvgg_status vgg_evaluation_create(const clvgg_runtime *runtime, size_t class_count,
                                   clvgg_evaluation **out);
void vgg_evaluation_free(clvgg_evaluation *evaluation);
/* Counts an image, in the scope that the evaluation was made in, whichever thread calls. */
clvgg_status vgg_evaluation_add(clvgg_evaluation *evaluation, size_t truth,
                                const float *probabilities);
/* Sorts the scores, so that the next call is as fast as this one. */
void vgg_evaluation_summarize(clvgg_evaluation *evaluation, clvgg_evaluation_summary *summary);
uint64_t vgg_evaluation_confusion(const clvgg_evaluation *evaluation, size_t truth,
                                  size_t predicted);
double vgg_evaluation_precision(const clvgg_evaluation *evaluation, size_t class_index);
double vgg_evaluation_recall(const clvgg_evaluation *evaluation, size_t class_index);

#endif

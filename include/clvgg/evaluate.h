/* clvgg/evaluate.h — how good predictions are: accuracy, confusion, AUC, log loss.
 *
 * An evaluation takes predictions one after another, in memory that doesn't grow with their number
 * but for 16 bytes each where there are two classes. It belongs to one thread at a time and must not
 * outlive its runtime.
 */
#ifndef CLVGG_EVALUATE_H
#define CLVGG_EVALUATE_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clvgg_evaluation clvgg_evaluation;

enum { CLVGG_EVALUATION_MOST_CLASSES = 16384 }; /* a count of 8 bytes for each pair of them */

/* Creates an evaluation of `class_count` (1 or more) classes. Errors: INVALID_ARGUMENT,
 * OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_evaluation_create(clvgg_runtime *runtime, size_t class_count,
                                               clvgg_evaluation **out);
CLVGG_API void clvgg_evaluation_free(clvgg_evaluation *evaluation);
/* Counts one image of class `truth` with float32 [class_count] probabilities. Ties go to the lowest
 * index. On failure nothing is counted. Errors: INVALID_ARGUMENT, NON_FINITE (a probability that is
 * no number, or infinite), OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_evaluation_add(clvgg_evaluation *evaluation, size_t truth,
                                            const float *probabilities);

typedef struct clvgg_evaluation_summary {
    size_t struct_size;
    uint64_t images;
    double accuracy; /* share of images whose most probable class is theirs */
    double loss;     /* mean −ln p(truth), nats; p no less than 1e-15 */
    double auc;      /* area under the ROC curve of class 1 against class 0, ties count half; NaN
                        unless there are two classes with an image each */
} clvgg_evaluation_summary;
/* Set summary->struct_size first. Without images accuracy and loss are NaN. Errors:
 * INVALID_ARGUMENT. */
CLVGG_API clvgg_status clvgg_evaluation_summarize(clvgg_evaluation *evaluation,
                                                  clvgg_evaluation_summary *summary);
/* Images of class `truth` that were taken for `predicted`; 0 for classes that don't exist. */
CLVGG_API uint64_t clvgg_evaluation_confusion(const clvgg_evaluation *evaluation, size_t truth,
                                              size_t predicted);
/* Precision of a class: the share of the images taken for it that are of it. Recall: the share of
 * its images that are taken for it. NaN where there are no such images. */
CLVGG_API double clvgg_evaluation_precision(const clvgg_evaluation *evaluation, size_t class_index);
CLVGG_API double clvgg_evaluation_recall(const clvgg_evaluation *evaluation, size_t class_index);

#ifdef __cplusplus
}
#endif
#endif

/* train/evaluation.c — see evaluation.h. */
#include "train/evaluation.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/runtime.h"

static const double least_probability = 1e-15;

typedef struct score {
    float value; /* probability of class 1 */
    bool positive;
} score;

struct clvgg_evaluation {
    const vgg_scope *scope; /* the runtime's */
    size_t class_count;
    uint64_t *confusion; /* [truth][predicted] */
    uint64_t images, correct;
    double loss; /* sum over images */
    score *scores;
    size_t score_count, score_capacity;
};

clvgg_status vgg_evaluation_create(const clvgg_runtime *runtime, size_t class_count,
                                   clvgg_evaluation **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_evaluation *evaluation = NULL;
    VGG_NEW(evaluation, 1);
    evaluation->scope = &runtime->scope;
    evaluation->class_count = class_count;
    VGG_NEW(evaluation->confusion, class_count * class_count);
    VGG_GIVE(out, evaluation);
cleanup:
    vgg_evaluation_free(evaluation);
    return status;
}

void vgg_evaluation_free(clvgg_evaluation *evaluation)
{
    if (evaluation == NULL)
        return;
    vgg_free(evaluation->scores);
    vgg_free(evaluation->confusion);
    vgg_free(evaluation);
}

static clvgg_status reserve_score(clvgg_evaluation *evaluation)
{
    enum { FIRST_CAPACITY = 256 };
    if (evaluation->score_count < evaluation->score_capacity)
        return CLVGG_STATUS_OK;
    size_t capacity =
        evaluation->score_capacity > 0 ? 2 * evaluation->score_capacity : FIRST_CAPACITY;
    const vgg_scope *previous = vgg_scope_enter(evaluation->scope);
    score *grown = vgg_realloc(evaluation->scores, capacity, sizeof *grown);
    vgg_scope_leave(previous);
    if (grown == NULL)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    evaluation->scores = grown;
    evaluation->score_capacity = capacity;
    return CLVGG_STATUS_OK;
}

/* All that can fail comes before any counting, so that an image is counted whole or not at all. */
clvgg_status vgg_evaluation_add(clvgg_evaluation *evaluation, size_t truth,
                                const float *probabilities)
{
    const size_t class_count = evaluation->class_count;
    size_t best = 0;
    VGG_CHECK(truth < class_count, CLVGG_STATUS_INVALID_ARGUMENT,
              "class %zu of an image: there are %zu", truth, class_count);
    for (size_t i = 0; i < class_count; i++) {
        VGG_CHECK(isfinite(probabilities[i]), CLVGG_STATUS_NON_FINITE,
                  "the probability of class %zu is not a number", i);
        if (probabilities[i] > probabilities[best])
            best = i;
    }
    if (class_count == 2) {
        VGG_PASS(reserve_score(evaluation));
        evaluation->scores[evaluation->score_count++] = (score){probabilities[1], truth == 1};
    }
    evaluation->images++;
    evaluation->correct += best == truth;
    evaluation->confusion[truth * class_count + best]++;
    evaluation->loss -= log(fmax((double)probabilities[truth], least_probability));
    return CLVGG_STATUS_OK;
}

static int by_value(const void *left, const void *right)
{
    const float a = ((const score *)left)->value, b = ((const score *)right)->value;
    return (a > b) - (a < b);
}

/* Mann and Whitney (1947): the share of pairs of a positive and a negative in which the positive's
 * score is the higher one. Counted in halves, so that ties stay integers. */
static double area_under_curve(clvgg_evaluation *evaluation)
{
    score *scores = evaluation->scores;
    const size_t count = evaluation->score_count;
    uint64_t half_wins = 0, negatives_below = 0, positives = 0;
    if (count == 0)
        return (double)NAN;
    qsort(scores, count, sizeof *scores, by_value);
    for (size_t first = 0, end; first < count; first = end) {
        uint64_t tied_positives = 0;
        for (end = first; end < count && scores[end].value == scores[first].value; end++)
            tied_positives += scores[end].positive;
        const uint64_t tied_negatives = end - first - tied_positives;
        half_wins += tied_positives * (2 * negatives_below + tied_negatives);
        negatives_below += tied_negatives;
        positives += tied_positives;
    }
    if (positives == 0 || negatives_below == 0)
        return (double)NAN;
    return (double)half_wins / (2 * (double)positives * (double)negatives_below);
}

void vgg_evaluation_summarize(clvgg_evaluation *evaluation, clvgg_evaluation_summary *summary)
{
    const double images = (double)evaluation->images; /* 0 gives 0 / 0, NaN */
    summary->images = evaluation->images;
    summary->accuracy = (double)evaluation->correct / images;
    summary->loss = evaluation->loss / images;
    summary->auc = area_under_curve(evaluation);
}

uint64_t vgg_evaluation_confusion(const clvgg_evaluation *evaluation, size_t truth,
                                  size_t predicted)
{
    if (truth >= evaluation->class_count || predicted >= evaluation->class_count)
        return 0;
    return evaluation->confusion[truth * evaluation->class_count + predicted];
}

double vgg_evaluation_precision(const clvgg_evaluation *evaluation, size_t class_index)
{
    uint64_t taken = 0;
    for (size_t truth = 0; truth < evaluation->class_count; truth++)
        taken += vgg_evaluation_confusion(evaluation, truth, class_index);
    return (double)vgg_evaluation_confusion(evaluation, class_index, class_index) / (double)taken;
}

double vgg_evaluation_recall(const clvgg_evaluation *evaluation, size_t class_index)
{
    uint64_t present = 0;
    for (size_t predicted = 0; predicted < evaluation->class_count; predicted++)
        present += vgg_evaluation_confusion(evaluation, class_index, predicted);
    return (double)vgg_evaluation_confusion(evaluation, class_index, class_index) / (double)present;
}

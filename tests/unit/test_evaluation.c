/* unit/test_evaluation.c — figures of predictions, against their definitions as plain loops in
 * double precision; exactly, as everything is counted in integers or summed in the same order. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/random.h"
#include "clvgg/evaluate.h"
#include "support/failing_allocator.h"
#include "train/evaluation.h"

static clvgg_runtime *runtime;

static int setup(void **state)
{
    (void)state;
    return clvgg_runtime_create(NULL, &runtime);
}

static int teardown(void **state)
{
    (void)state;
    clvgg_runtime_free(runtime);
    return 0;
}

static uint32_t next_random(uint32_t *seed)
{
    return vgg_random_next(seed) >> 8;
}

/* `count` images of `classes` classes: probabilities in steps of 1/16 that needn't sum to 1, so
 * that there are ties between classes and between images. */
typedef struct predictions {
    size_t count, classes;
    size_t *truths;
    float *values; /* [count][classes] */
} predictions;

static predictions make_predictions(size_t count, size_t classes, uint32_t seed)
{
    predictions p = {count, classes, calloc(count, sizeof *p.truths),
                     calloc(count * classes, sizeof *p.values)};
    assert_true(p.truths != NULL && p.values != NULL);
    for (size_t i = 0; i < count; i++)
        p.truths[i] = next_random(&seed) % classes;
    for (size_t i = 0; i < count * classes; i++)
        p.values[i] = (float)(next_random(&seed) % 17) / 16;
    return p;
}

static void free_predictions(predictions *p)
{
    free(p->truths);
    free(p->values);
}

static clvgg_evaluation *evaluate(const predictions *p)
{
    clvgg_evaluation *evaluation;
    assert_int_equal(clvgg_evaluation_create(runtime, p->classes, &evaluation), CLVGG_STATUS_OK);
    for (size_t i = 0; i < p->count; i++)
        assert_int_equal(clvgg_evaluation_add(evaluation, p->truths[i], p->values + i * p->classes),
                         CLVGG_STATUS_OK);
    return evaluation;
}

static size_t predicted(const predictions *p, size_t image)
{
    const float *values = p->values + image * p->classes;
    size_t best = 0;
    for (size_t c = 1; c < p->classes; c++)
        best = values[c] > values[best] ? c : best;
    return best;
}

/* Number of images that are of class `truth` (any: classes) and were taken for `taken` (any:
 * classes). */
static uint64_t count_images(const predictions *p, size_t truth, size_t taken)
{
    uint64_t count = 0;
    for (size_t i = 0; i < p->count; i++)
        count += (truth == p->classes || p->truths[i] == truth) &&
                 (taken == p->classes || predicted(p, i) == taken);
    return count;
}

/* Every pair of a positive and a negative. */
static double reference_auc(const predictions *p)
{
    double wins = 0, pairs = 0;
    for (size_t i = 0; i < p->count; i++)
        for (size_t j = 0; j < p->count; j++)
            if (p->truths[i] == 1 && p->truths[j] == 0) {
                const float positive = p->values[2 * i + 1], negative = p->values[2 * j + 1];
                wins += positive > negative ? 1 : positive == negative ? 0.5 : 0;
                pairs++;
            }
    return wins / pairs;
}

static double reference_loss(const predictions *p)
{
    double sum = 0;
    for (size_t i = 0; i < p->count; i++) {
        double value = (double)p->values[i * p->classes + p->truths[i]];
        sum += -log(value < 1e-15 ? 1e-15 : value);
    }
    return sum / (double)p->count;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void check(const predictions *p)
{
    clvgg_evaluation *evaluation = evaluate(p);
    clvgg_evaluation_summary summary = {.struct_size = sizeof summary};
    assert_int_equal(clvgg_evaluation_summarize(evaluation, &summary), CLVGG_STATUS_OK);
    uint64_t correct = 0;
    const size_t any = p->classes;
    for (size_t t = 0; t < p->classes; t++) {
        const double hits = (double)count_images(p, t, t);
        correct += count_images(p, t, t);
        for (size_t c = 0; c < p->classes; c++)
            assert_int_equal(clvgg_evaluation_confusion(evaluation, t, c), count_images(p, t, c));
        assert_true(same(clvgg_evaluation_precision(evaluation, t),
                         hits / (double)count_images(p, any, t)));
        assert_true(
            same(clvgg_evaluation_recall(evaluation, t), hits / (double)count_images(p, t, any)));
    }
    assert_int_equal(summary.images, p->count);
    assert_true(same(summary.accuracy, (double)correct / (double)p->count));
    assert_true(same(summary.loss, reference_loss(p)));
    assert_true(same(summary.auc, p->classes == 2 ? reference_auc(p) : (double)NAN));
    clvgg_evaluation_free(evaluation);
}

static void figures_follow_their_definitions(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 3, 17, 400, 1500};
    static const size_t classes[] = {1, 2, 3, 10};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (size_t j = 0; j < sizeof classes / sizeof *classes; j++) {
            predictions p = make_predictions(counts[i], classes[j], (uint32_t)(7 * i + j));
            check(&p);
            free_predictions(&p);
        }
}

/* Figures of cases small enough to count by hand. */
static void figures_of_four_images(void **state)
{
    (void)state;
    static size_t truths[] = {0, 0, 1, 1};
    static float values[] = {0.75f, 0.25f, 0.5f, 0.5f, 0.5f, 0.5f, 0, 1};
    const predictions p = {4, 2, truths, values};
    clvgg_evaluation *evaluation = evaluate(&p);
    clvgg_evaluation_summary summary = {.struct_size = sizeof summary};
    for (int again = 0; again < 2; again++) { /* summarising changes nothing */
        assert_int_equal(clvgg_evaluation_summarize(evaluation, &summary), CLVGG_STATUS_OK);
        assert_true(summary.accuracy == 0.75); /* a tie goes to class 0 */
        assert_true(summary.auc == 3.5 / 4);   /* one tie of four pairs */
    }
    assert_true(fabs(summary.loss - (log(4.0 / 3) + 2 * log(2.0)) / 4) < 1e-15);
    assert_int_equal(clvgg_evaluation_confusion(evaluation, 1, 0), 1);
    assert_true(clvgg_evaluation_precision(evaluation, 0) == 2.0 / 3);
    assert_true(clvgg_evaluation_recall(evaluation, 1) == 0.5);
    clvgg_evaluation_free(evaluation);
}

static void nothing_yet_is_no_number(void **state)
{
    (void)state;
    clvgg_evaluation *evaluation;
    clvgg_evaluation_summary summary = {.struct_size = sizeof summary};
    assert_int_equal(clvgg_evaluation_create(runtime, 2, &evaluation), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_evaluation_summarize(evaluation, &summary), CLVGG_STATUS_OK);
    assert_int_equal(summary.images, 0);
    assert_true(isnan(summary.accuracy) && isnan(summary.loss) && isnan(summary.auc));
    assert_true(isnan(clvgg_evaluation_recall(evaluation, 0)));
    assert_int_equal(clvgg_evaluation_add(evaluation, 1, (float[]){0.5f, 0.5f}), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_evaluation_summarize(evaluation, &summary), CLVGG_STATUS_OK);
    assert_true(isnan(summary.auc)); /* no image of class 0 */
    assert_true(summary.accuracy == 0);
    clvgg_evaluation_free(evaluation);
}

static void a_certain_mistake_costs_a_finite_loss(void **state)
{
    (void)state;
    clvgg_evaluation *evaluation;
    clvgg_evaluation_summary summary = {.struct_size = sizeof summary};
    assert_int_equal(clvgg_evaluation_create(runtime, 3, &evaluation), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_evaluation_add(evaluation, 2, (float[]){1, 0, 0}), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_evaluation_summarize(evaluation, &summary), CLVGG_STATUS_OK);
    assert_true(summary.loss == -log(1e-15));
    clvgg_evaluation_free(evaluation);
}

/* Refused images aren't counted. */
static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    clvgg_evaluation *evaluation, *other;
    clvgg_evaluation_summary summary = {.struct_size = sizeof summary};
    assert_int_equal(clvgg_evaluation_create(runtime, 2, &evaluation), CLVGG_STATUS_OK);
    static const float wrong[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (size_t at = 0; at < 2; at++) {
            float values[] = {0.5f, 0.5f};
            values[at] = wrong[i];
            assert_int_equal(clvgg_evaluation_add(evaluation, 0, values), CLVGG_STATUS_NON_FINITE);
        }
    assert_string_equal(clvgg_status_message(), "the probability of class 1 is not a number");
    const float fine[] = {1, 0};
    assert_int_equal(clvgg_evaluation_add(evaluation, 2, fine), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_evaluation_add(evaluation, 0, NULL), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_evaluation_add(NULL, 0, fine), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_evaluation_summarize(evaluation, &summary), CLVGG_STATUS_OK);
    assert_int_equal(summary.images, 0);
    assert_int_equal(clvgg_evaluation_confusion(evaluation, 0, 2), 0);
    assert_true(isnan(clvgg_evaluation_precision(evaluation, 2)));
    summary.struct_size = 1;
    assert_int_equal(clvgg_evaluation_summarize(evaluation, &summary),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_evaluation_free(evaluation);
    clvgg_evaluation_free(NULL);
    static const size_t counts[] = {0, CLVGG_EVALUATION_MOST_CLASSES + 1, SIZE_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        assert_int_equal(clvgg_evaluation_create(runtime, counts[i], &other),
                         CLVGG_STATUS_INVALID_ARGUMENT);
}

static clvgg_status add_many(void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_evaluation *evaluation = NULL;
    (void)user;
    clvgg_runtime in_scope = {.scope = *vgg_scope_current()};
    VGG_TRY(vgg_evaluation_create(&in_scope, 2, &evaluation));
    for (size_t i = 0; i < 1000; i++)
        VGG_TRY(vgg_evaluation_add(evaluation, i % 2, (float[]){0.25f, 0.75f}));
cleanup:
    vgg_evaluation_free(evaluation);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    assert_int_equal(failing_allocator_sweep(add_many, NULL), 5); /* 256, 512, 1024 scores */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_follow_their_definitions),
        cmocka_unit_test(figures_of_four_images),
        cmocka_unit_test(nothing_yet_is_no_number),
        cmocka_unit_test(a_certain_mistake_costs_a_finite_loss),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* test_bench_verdict.c — the statistics behind `clvgg compare`, against tables and values by hand.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/bench_verdict.h"

/* Critical values of Mann & Whitney's U, two-sided, as printed in textbooks: the rank is one more.
 */
static void ranks_are_those_of_tables(void **state)
{
    static const struct {
        size_t m, n;
        double error;
        int critical; /* -1: none */
    } rows[] = {
        {3, 3, 0.05, -1},   {4, 4, 0.05, 0},   {4, 6, 0.05, 2},     {5, 5, 0.05, 2},
        {6, 6, 0.05, 5},    {8, 8, 0.05, 13},  {8, 8, 0.01, 7},     {10, 10, 0.05, 23},
        {10, 10, 0.01, 16}, {12, 7, 0.05, 18}, {20, 20, 0.05, 127}, {20, 20, 0.01, 105},
        {1, 24, 0.05, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const size_t rank = vgg_verdict_rank(rows[i].m, rows[i].n, rows[i].error);
        if ((int)rank != rows[i].critical + 1)
            fail_msg("%zu and %zu at %g: %zu", rows[i].m, rows[i].n, rows[i].error, rank);
    }
    /* 8 and 8: 2 of C(16, 8) = 12870 orders are the two extremes. */
    assert_int_equal(vgg_verdict_rank(8, 8, 2.01 / 12870), 1);
    assert_int_equal(vgg_verdict_rank(8, 8, 1.99 / 12870), 0);
    assert_int_equal(vgg_verdict_rank(24, 24, 1e-12), 5); /* 24 of C(48, 24) = 3.2e13 */
}

static void a_twentieth_lies_at_or_below_the_value(void **state)
{
    double many[41], one = 3;
    (void)state;
    for (int i = 0; i < 41; i++)
        many[i] = 41 - i;
    assert_true(vgg_verdict_value(many, 41) == 3);
    assert_true(vgg_verdict_value(many, 40) == 2);
    assert_true(vgg_verdict_value(many, 20) == 1);
    assert_true(vgg_verdict_value(&one, 1) == 3);
}

enum { MOST_RUNS = 60, MOST_SAMPLES = 32 };

/* Runs of one sample each, or one run. */
typedef struct side {
    double values[MOST_RUNS];
    vgg_bench_samples samples[MOST_RUNS];
    const vgg_bench_samples *runs[MOST_RUNS];
    vgg_verdict_side side;
} side;

static vgg_verdict_side *of_runs(side *s, size_t count, const double *values)
{
    memcpy(s->values, values, count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        s->samples[i] = (vgg_bench_samples){&s->values[i], 1};
        s->runs[i] = &s->samples[i];
    }
    s->side = (vgg_verdict_side){s->runs, count, 0};
    return &s->side;
}

static vgg_verdict_side *of_one_run(side *s, size_t count, const double *values)
{
    memcpy(s->values, values, count * sizeof *values);
    s->samples[0] = (vgg_bench_samples){s->values, count};
    s->runs[0] = &s->samples[0];
    s->side = (vgg_verdict_side){s->runs, 1, 0};
    return &s->side;
}

#define VALUES(...)                                                                                \
    sizeof((double[]){__VA_ARGS__}) / sizeof(double), (double[])                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static vgg_verdict judge(const vgg_verdict_side *first, const vgg_verdict_side *second,
                         double error)
{
    vgg_verdict verdict;
    assert_int_equal(vgg_verdict_of(first, second, error, &verdict), CLVGG_STATUS_OK);
    return verdict;
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected)))
        fail_msg("%.17g, not %.17g", value, expected);
}

/* The nine ratios of 20, 22, 24 to 10, 11, 12 are 20/12, 20/11, 22/12, 2, 2, 2, 24/11, 2.2, 2.4;
 * 2 of 20 orders are the extremes. */
static void the_estimate_is_the_median_of_ratios(void **state)
{
    side first, second;
    (void)state;
    of_runs(&first, VALUES(11, 10, 12));
    of_runs(&second, VALUES(20, 24, 22));
    vgg_verdict verdict = judge(&first.side, &second.side, 0.1);
    assert_int_equal(verdict.kind, VGG_VERDICT_SLOWER);
    assert_near(verdict.ratio, 2);
    assert_near(verdict.low, 20.0 / 12);
    assert_near(verdict.high, 2.4);
    verdict = judge(&second.side, &first.side, 0.1);
    assert_int_equal(verdict.kind, VGG_VERDICT_FASTER);
    assert_near(verdict.ratio, 0.5);
    assert_near(verdict.low, 1 / 2.4);
    assert_near(verdict.high, 0.6);
    double ms = 0;
    assert_int_equal(vgg_verdict_time(&second.side, &ms), CLVGG_STATUS_OK);
    assert_near(ms, 22);
    /* An even number: between 2/1.25 and 2/1, the second and third of 1.6, 1.6, 2, 2. */
    of_runs(&first, VALUES(1, 1.25));
    of_runs(&second, VALUES(2, 2));
    assert_near(judge(&first.side, &second.side, 0.5).ratio, sqrt(1.6 * 2));
}

static void what_overlaps_or_is_little_is_the_same(void **state)
{
    side first, second;
    (void)state;
    of_runs(&first, VALUES(10, 11, 12));
    of_runs(&second, VALUES(11.5, 13, 14)); /* 11.5 / 12 is below 1 */
    assert_int_equal(judge(&first.side, &second.side, 0.1).kind, VGG_VERDICT_SAME);
    of_runs(&second, VALUES(12.1, 13, 14));
    assert_int_equal(judge(&first.side, &second.side, 0.1).kind, VGG_VERDICT_SLOWER);
    of_runs(&first, VALUES(100, 100, 100));
    of_runs(&second, VALUES(101.9, 101.9, 101.9));
    assert_int_equal(judge(&first.side, &second.side, 0.1).kind, VGG_VERDICT_SAME);
    assert_int_equal(judge(&second.side, &first.side, 0.1).kind, VGG_VERDICT_SAME);
    of_runs(&second, VALUES(102.1, 102.1, 102.1));
    assert_int_equal(judge(&first.side, &second.side, 0.1).kind, VGG_VERDICT_SLOWER);
}

/* Nine samples of a run are nine parts. Only 2 of C(18, 9) = 48620 orders are the extremes. */
static void few_runs_are_compared_in_parts(void **state)
{
    side first, second;
    (void)state;
    of_one_run(&first, VALUES(10, 11, 12, 10, 11, 12, 10, 11, 12));
    of_one_run(&second,
               VALUES(13, 14, 15, 13, 14, 15, 13, 14, 15)); /* medians: 10 % and 8 % more */
    vgg_verdict verdict = judge(&first.side, &second.side, 2.01 / 48620);
    assert_int_equal(verdict.kind, VGG_VERDICT_SLOWER);
    assert_near(verdict.ratio, 14.0 / 11);
    assert_near(verdict.low, 13.0 / 12);
    assert_near(verdict.high, 1.5);
    assert_near(verdict.least, 11.0 / 10 - 1); /* a median to a value */
    assert_int_equal(judge(&first.side, &second.side, 1.9 / 48620).kind, VGG_VERDICT_UNKNOWN);
    /* 4 % might be the difference between two runs of anything. */
    of_one_run(&first, VALUES(100, 100, 100, 100, 100, 100, 100, 100, 100));
    of_one_run(&second, VALUES(104, 104, 104, 104, 104, 104, 104, 104, 104));
    assert_int_equal(judge(&first.side, &second.side, 0.01).kind, VGG_VERDICT_SAME);
    of_one_run(&second, VALUES(106, 106, 106, 106, 106, 106, 106, 106, 106));
    assert_int_equal(judge(&first.side, &second.side, 0.01).kind, VGG_VERDICT_SLOWER);
}

/* A median 30 % above the least says that other work took that much: the 27 % between the sides may
 * be its doing too. */
static void what_a_busy_machine_adds_is_noise(void **state)
{
    side first, second;
    (void)state;
    of_one_run(&first, VALUES(10, 11, 11, 11, 11, 11, 11, 11, 11));
    of_one_run(&second, VALUES(12, 14, 14, 14, 14, 14, 14, 14, 14)); /* a median of 17 % more */
    assert_int_equal(judge(&first.side, &second.side, 0.01).kind, VGG_VERDICT_SLOWER);
    assert_int_equal(judge(&second.side, &first.side, 0.01).kind, VGG_VERDICT_FASTER);
    second.side.busy = 0.3; /* above the 27 % between them */
    assert_int_equal(judge(&first.side, &second.side, 0.01).kind, VGG_VERDICT_SAME);
    assert_int_equal(judge(&second.side, &first.side, 0.01).kind, VGG_VERDICT_SAME);
    /* A step of 0.01 ms that waits for others a quarter of a slice looks a hundred times as slow.
     */
    of_one_run(&first, VALUES(.01, .01, .01, .01, .01, .01, .01, .01, .01));
    of_one_run(&second, VALUES(1, 1, 1, 1, 1, 1, 1, 1, 1));
    assert_int_equal(judge(&first.side, &second.side, 0.01).kind, VGG_VERDICT_SLOWER);
    first.side.busy = 0.3;
    assert_int_equal(judge(&first.side, &second.side, 0.01).kind, VGG_VERDICT_SAME);
    of_one_run(&first, VALUES(10, 11, 11, 11, 13, 13, 13, 13, 13));
    of_one_run(&second, VALUES(13.5, 14, 14, 14, 14, 14, 14, 14, 14));
    assert_int_equal(judge(&first.side, &second.side, 0.01).kind, VGG_VERDICT_SAME);
    assert_int_equal(judge(&second.side, &first.side, 0.01).kind, VGG_VERDICT_SAME);
}

/* Two runs of a side differ by as much as the sides. */
static void runs_that_differ_among_themselves_are_noise(void **state)
{
    static double fast[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, slow[9] = {2, 2, 2, 2, 2, 2, 2, 2, 2};
    const vgg_bench_samples fast_run = {fast, 9}, slow_run = {slow, 9};
    const vgg_bench_samples *const mixed[] = {&fast_run, &slow_run}, *const slows[] = {&slow_run};
    const vgg_bench_samples *const fasts[] = {&fast_run};
    (void)state;
    const vgg_verdict_side first = {mixed, 2, 0}, second = {slows, 1, 0}, third = {fasts, 1, 0};
    assert_int_equal(judge(&first, &second, 0.01).kind, VGG_VERDICT_SAME);
    assert_int_equal(judge(&third, &second, 0.01).kind, VGG_VERDICT_SLOWER);
}

/* One of two hundred thousand comparisons asks for more parts than nine: 14 of 28 samples. */
static void many_comparisons_take_more_parts(void **state)
{
    double fast[MOST_SAMPLES], slow[MOST_SAMPLES];
    side first, second;
    (void)state;
    for (int i = 0; i < MOST_SAMPLES; i++)
        slow[i] = 1.2 * (fast[i] = 10 + i % 2 * 0.1);
    of_one_run(&first, 28, fast);
    of_one_run(&second, 28, slow);
    vgg_verdict verdict = judge(&first.side, &second.side, 2.01 / 40116600); /* C(28, 14) */
    assert_int_equal(verdict.kind, VGG_VERDICT_SLOWER);
    assert_near(verdict.ratio, 1.2);
    of_one_run(&second, 13, slow); /* 13 to 24: C(37, 13) is 3562467300 */
    assert_int_equal(judge(&first.side, &second.side, 2.01 / 3562467300).kind, VGG_VERDICT_SLOWER);
    assert_int_equal(judge(&first.side, &second.side, 1e-12).kind, VGG_VERDICT_UNKNOWN);
    /* Parts of twenty runs, which differ too little by themselves, are the runs. */
    of_runs(&first, 20, fast);
    of_one_run(&second, 24, slow);
    assert_int_equal(judge(&first.side, &second.side, 1e-9).kind, VGG_VERDICT_SLOWER);
}

/* Times that other work adds to, in no order: 1, and seldom up to some more. */
static double noisy(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    const double u = (double)(*seed >> 11) / 9007199254740992.0;
    return 1 + 0.1 * -log(1 - u);
}

/* A low quantile of few samples lies above one of many, of one distribution too: nothing may come
 * of that, neither of one run's parts nor of rounds. */
static void unequal_counts_are_no_difference(void **state)
{
    enum { PAIRS = 50, ROUNDS = 12, FEW = 9, MANY = 1000 };
    static double few[ROUNDS][FEW], many[ROUNDS][MANY];
    static const size_t run_counts[] = {1, ROUNDS};
    vgg_bench_samples samples[2][ROUNDS];
    const vgg_bench_samples *runs[2][ROUNDS];
    uint64_t seed = 1;
    (void)state;
    for (int c = 0; c < 2; c++) {
        double logarithms = 0;
        int outside = 0;
        for (int pair = 0; pair < PAIRS; pair++) {
            for (size_t r = 0; r < run_counts[c]; r++) {
                for (int i = 0; i < FEW; i++)
                    few[r][i] = noisy(&seed);
                for (int i = 0; i < MANY; i++)
                    many[r][i] = noisy(&seed);
                samples[0][r] = (vgg_bench_samples){few[r], FEW};
                samples[1][r] = (vgg_bench_samples){many[r], MANY};
                runs[0][r] = &samples[0][r];
                runs[1][r] = &samples[1][r];
            }
            const vgg_verdict verdict = judge(&(vgg_verdict_side){runs[0], run_counts[c], 0},
                                              &(vgg_verdict_side){runs[1], run_counts[c], 0}, 0.05);
            logarithms += log(verdict.ratio);
            outside += verdict.low > 1 || verdict.high < 1;
        }
        if (outside > PAIRS / 10 || fabs(logarithms / PAIRS) > 0.01)
            fail_msg("%zu runs: %d of %d intervals without 1, ratio %g", run_counts[c], outside,
                     PAIRS, exp(logarithms / PAIRS));
    }
}

static void without_samples_nothing_is_known(void **state)
{
    static double few[8] = {1, 1, 1, 1, 1, 1, 1, 1}, zeros[9];
    const vgg_bench_samples none = {NULL, 0}, eight = {few, 8}, nothing = {zeros, 9};
    const vgg_bench_samples *const runs[] = {&none, &eight, &nothing};
    (void)state;
    for (int i = 0; i < 3; i++) {
        const vgg_verdict_side one = {&runs[i], 1, 0};
        const vgg_verdict verdict = judge(&one, &one, 0.05);
        assert_int_equal(verdict.kind, VGG_VERDICT_UNKNOWN);
        assert_true(isnan(verdict.ratio) && isnan(verdict.low) && isnan(verdict.high));
    }
    double ms = 0;
    assert_int_equal(vgg_verdict_time(&(vgg_verdict_side){&runs[0], 1, 0}, &ms), CLVGG_STATUS_OK);
    assert_true(isnan(ms));
}

/* Sixty runs become 24 values, neighbours together: a fast sample in each hides the slow ones. */
static void many_runs_are_taken_together(void **state)
{
    side first, second;
    double values[MOST_RUNS];
    (void)state;
    for (int i = 0; i < MOST_RUNS; i++)
        values[i] = i % 2 == 0 ? 1 : 100;
    of_runs(&first, MOST_RUNS, values);
    for (int i = 0; i < MOST_RUNS; i++)
        values[i] = i % 2 == 0 ? 1.1 : 1;
    of_runs(&second, MOST_RUNS, values);
    assert_near(judge(&first.side, &second.side, 0.01).ratio, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_those_of_tables),
        cmocka_unit_test(a_twentieth_lies_at_or_below_the_value),
        cmocka_unit_test(the_estimate_is_the_median_of_ratios),
        cmocka_unit_test(what_overlaps_or_is_little_is_the_same),
        cmocka_unit_test(few_runs_are_compared_in_parts),
        cmocka_unit_test(what_a_busy_machine_adds_is_noise),
        cmocka_unit_test(runs_that_differ_among_themselves_are_noise),
        cmocka_unit_test(many_comparisons_take_more_parts),
        cmocka_unit_test(unequal_counts_are_no_difference),
        cmocka_unit_test(without_samples_nothing_is_known),
        cmocka_unit_test(many_runs_are_taken_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/test_statistics.c — order statistics against values worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/statistics.h"

/* Sums of binomial coefficients over 2^n: of 9, (1 + 9)/512 = 0.0195 and (1 + 9 + 36)/512 = 0.09,
 * so that rank 2 leaves 2.5 % at most on a side; of 6, 1/64 = 0.0156; of 5, 1/32 = 0.031. Those of
 * 20, 50 and 100 are in tables of the sign test; that of 10000 is 5000 − 98, 1.96 · √10000 / 2. */
static void ranks_of_the_interval(void **state)
{
    (void)state;
    static const struct {
        size_t count, rank;
    } rows[] = {{1, 0},  {5, 0},  {6, 1},   {7, 1},   {8, 1},    {9, 2},       {10, 2},
                {15, 4}, {20, 6}, {50, 18}, {75, 29}, {100, 40}, {10000, 4902}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(vgg_interval_rank(rows[i].count, VGG_CONFIDENCE), rows[i].rank);
    assert_int_equal(vgg_interval_rank(VGG_INTERVAL_LEAST, VGG_CONFIDENCE), 1);
    assert_int_equal(vgg_interval_rank(VGG_INTERVAL_LEAST - 1, VGG_CONFIDENCE), 0);
    assert_int_equal(vgg_interval_rank(6, 0.98), 0); /* 1/64 is more than 1 % */
    assert_int_equal(vgg_interval_rank(9, 0.98), 1); /* 1/512; with the next 10/512 */
}

static void figures_of_nine(void **state)
{
    (void)state;
    double values[] = {5, 3, 9, 1, 7, 8, 2, 6, 40};
    const vgg_statistics s = vgg_statistics_of(values, 9);
    assert_true(s.least == 1 && s.median == 6 && s.p90 == 40);
    assert_true(s.low == 2 && s.high == 9); /* the second and the eighth of 1 2 3 5 6 7 8 9 40 */
}

static void figures_of_ten_and_of_few(void **state)
{
    (void)state;
    double ten[] = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
    vgg_statistics s = vgg_statistics_of(ten, 10);
    assert_true(s.least == 1 && s.median == 6 && s.p90 == 9 && s.low == 2 && s.high == 9);
    double five[] = {5, 4, 3, 2, 1};
    s = vgg_statistics_of(five, 5);
    assert_true(s.median == 3 && s.p90 == 5 && isnan(s.low) && isnan(s.high));
    s = vgg_statistics_of(&(double){4}, 1);
    assert_true(s.least == 4 && s.median == 4 && s.p90 == 4 && isnan(s.low));
}

/* Halves of 4 5 6 | 100 | 6 9 8: medians 5 and 8. */
static void drift_of_halves(void **state)
{
    (void)state;
    double odd[] = {4, 5, 6, 100, 6, 9, 8};
    assert_true(fabs(vgg_drift_of(odd, 7) - 0.6) < 1e-15);
    double falls[] = {10, 10, 5, 5};
    assert_true(vgg_drift_of(falls, 4) == -0.5);
    assert_true(vgg_drift_of(&(double){3}, 1) == 0);
    double two[] = {2, 3};
    assert_true(vgg_drift_of(two, 2) == 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_of_the_interval),
        cmocka_unit_test(figures_of_nine),
        cmocka_unit_test(figures_of_ten_and_of_few),
        cmocka_unit_test(drift_of_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

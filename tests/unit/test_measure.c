/* unit/test_measure.c — how often passes are repeated, and that every time is kept. The passes do
 * nothing; a column that they write stands for a time.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/measure.h"

static void more_passes_where_they_are_few_short_or_unsteady(void **state)
{
    (void)state;
    static const struct {
        size_t done;
        double spent_ms, min_ms, max_ms;
        bool precise, more;
    } cases[] = {
        {0, 0, 0, 0, false, true},
        {8, 10, 0, 0, true, true},
        {9, 10, 0, 0, true, false},
        {9, 10, 20, 20, true, true},
        {9, 20, 20, 20, true, false},
        {9, 20, 20, 100, false, true},
        {9, 20, 20, 100, true, false},
        {9, 100, 20, 100, false, false},
        {9, 50, 0, 100, false, true},
        {0, 1e6, 0, 0, false, true},
        {1, 59e3, 1e3, 1e3, false, true},
        {1, 60e3, 1e3, 1e3, false, false},
        {9, 61e3, 100e3, 100e3, false, true},
        {9, 1e9, 1e3, 1e6, false, false},
        {VGG_MEASURE_MOST, 1, 1e3, 1e3, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const vgg_measure_limits limits = {cases[i].min_ms, cases[i].max_ms};
        if (vgg_measure_more(cases[i].done, cases[i].spent_ms, &limits, cases[i].precise) !=
            cases[i].more)
            fail_msg("case %zu", i);
    }
    assert_true(vgg_measure_is_warm_up(1, 5e3) && !vgg_measure_is_warm_up(2, 0));
    assert_false(vgg_measure_is_warm_up(0, 6e3));
}

static void precise_is_a_percent_on_each_side(void **state)
{
    (void)state;
    const double precise[9] = {99, 100, 100, 100, 100, 100, 100, 100, 101};
    const double wide[9] = {99, 100, 100, 100, 100, 100, 100, 100, 101.1};
    const double too_short[9] = {0}; /* for a tick */
    assert_true(vgg_measure_is_precise(precise, 9) && !vgg_measure_is_precise(wide, 9));
    assert_false(vgg_measure_is_precise(precise + 1, 6)); /* whose range isn't wide enough */
    assert_true(vgg_measure_is_precise(too_short, 9));
}

typedef struct fake {
    int passes, prepared, unsteady; /* of the passes, so many alternate between 1 and 2 */
} fake;

static clvgg_status prepare(void *user)
{
    ((fake *)user)->prepared++;
    return CLVGG_STATUS_OK;
}

/* Columns: the number of the pass, and the value that is judged. */
static clvgg_status make(void *user, double *columns)
{
    fake *f = user;
    const int timed = f->passes++ - VGG_MEASURE_WARM_UPS;
    columns[0] = timed;
    columns[1] = timed < f->unsteady && timed % 2 == 1 ? 2 : 1;
    return CLVGG_STATUS_OK;
}

static size_t count_passes(fake *f, double max_ms, vgg_timings *timings)
{
    const vgg_measured_pass pass = {make, f, 2, .judged = 2, prepare, f};
    const vgg_measure_limits limits = {0, max_ms};
    assert_int_equal(vgg_measure(&pass, &limits, timings), CLVGG_STATUS_OK);
    return timings->count;
}

/* Nine alternate: five of 1, four of 2, so that the least is 1 and the largest 2. It is looked at
 * again with 11, 13, 15, 17 and 20, where the interval ends at the fifth largest: the first that is
 * 1. */
static void repeats_until_the_median_is_known(void **state)
{
    (void)state;
    vgg_timings timings = {0};
    fake unsteady = {.unsteady = 9};
    assert_int_equal(count_passes(&unsteady, 60e3, &timings), 20);
    assert_int_equal(unsteady.prepared, 20 + VGG_MEASURE_WARM_UPS);
    for (size_t i = 0; i < timings.count; i++) {
        assert_true(vgg_timings_column(&timings, 0)[i] >= 0);
        assert_true(vgg_timings_column(&timings, 1)[i] == (double)i);
        assert_true(vgg_timings_column(&timings, 2)[i] == (i < 9 && i % 2 == 1 ? 2 : 1));
    }
    assert_null(vgg_timings_column(&timings, 3));
    assert_int_equal(count_passes(&(fake){.unsteady = 0}, 60e3, &timings), VGG_MEASURE_LEAST);
    assert_int_equal(count_passes(&(fake){.unsteady = 9}, 0, &timings), VGG_MEASURE_LEAST);
    assert_int_equal(count_passes(&(fake){.unsteady = 1 << 30}, 600e3, &timings), VGG_MEASURE_MOST);
    vgg_timings_free(&timings);
}

static clvgg_status fail_fifth(void *user, double *columns)
{
    (void)columns;
    return ++*(int *)user == 5 ? CLVGG_STATUS_OPENCL : CLVGG_STATUS_OK;
}

static void a_failed_pass_ends_it(void **state)
{
    (void)state;
    int passes = 0;
    vgg_timings timings = {0};
    const vgg_measured_pass pass = {.make = fail_fifth, .user = &passes};
    assert_int_equal(vgg_measure(&pass, &(vgg_measure_limits){0}, &timings), CLVGG_STATUS_OPENCL);
    assert_int_equal(passes, 5);
    assert_int_equal(timings.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_passes_where_they_are_few_short_or_unsteady),
        cmocka_unit_test(precise_is_a_percent_on_each_side),
        cmocka_unit_test(repeats_until_the_median_is_known),
        cmocka_unit_test(a_failed_pass_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

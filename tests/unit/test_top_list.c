/* unit/test_top_list.c — lists of the strongest: order, ties, room, against sorting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "vis/top_list.h"

static uint32_t next_random(uint32_t *state)
{
    return vgg_random_next(state) >> 16;
}

/* Descending; equal ones as they were offered. */
static int by_value(const void *left, const void *right)
{
    const vgg_top_entry *a = left, *b = right;
    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return a->image < b->image ? -1 : a->image > b->image;
}

static void lists_hold_what_sorting_puts_first(void **state)
{
    (void)state;
    enum { OFFERED = 300, LISTS = 3 };
    static vgg_top_entry offered[LISTS][OFFERED];
    static const int capacities[] = {1, 2, 9, 100, 400};
    for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++)
        for (uint32_t values = 2; values <= 2000; values *= 10) { /* few values: many ties */
            vgg_top_lists lists;
            uint32_t seed = values;
            assert_int_equal(vgg_top_lists_create(LISTS, capacities[c], &lists), CLVGG_STATUS_OK);
            for (int i = 0; i < OFFERED; i++)
                for (int list = 0; list < LISTS; list++) {
                    offered[list][i] = (vgg_top_entry){
                        (uint64_t)i, (float)(next_random(&seed) % values) - 1.0f, 3 * i + list};
                    vgg_top_lists_offer(&lists, (size_t)list, &offered[list][i]);
                }
            for (int list = 0; list < LISTS; list++) {
                int count = -1;
                const vgg_top_entry *found = vgg_top_lists_at(&lists, (size_t)list, &count);
                qsort(offered[list], OFFERED, sizeof **offered, by_value);
                assert_int_equal(count, capacities[c] < OFFERED ? capacities[c] : OFFERED);
                for (int i = 0; i < count; i++) {
                    assert_true(found[i].value == offered[list][i].value);
                    assert_int_equal(found[i].image, offered[list][i].image);
                    assert_int_equal(found[i].position, offered[list][i].position);
                }
            }
            vgg_top_lists_free(&lists);
        }
}

static void a_list_begins_empty(void **state)
{
    (void)state;
    vgg_top_lists lists;
    int count = -1;
    assert_int_equal(vgg_top_lists_create(2, 9, &lists), CLVGG_STATUS_OK);
    vgg_top_lists_offer(&lists, 0, &(vgg_top_entry){7, -3.0f, 1});
    vgg_top_lists_at(&lists, 1, &count);
    assert_int_equal(count, 0);
    assert_true(vgg_top_lists_at(&lists, 0, &count)->value == -3.0f);
    assert_int_equal(count, 1);
    vgg_top_lists_free(&lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_hold_what_sorting_puts_first),
        cmocka_unit_test(a_list_begins_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

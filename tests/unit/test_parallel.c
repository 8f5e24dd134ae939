/* Work on several threads: each index once, the caller's scope, and which failure is told. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/parallel.h"
#include "base/runtime.h"

enum { THREADS = 4, COUNT = 40 };

typedef struct counted {
    const vgg_scope *scope;
    atomic_int calls[COUNT], strangers;
    size_t fails[2];   /* these two do */
    size_t waits;      /* one of them, or COUNT */
    atomic_bool ended; /* the other has */
} counted;

static void count_index(void *user, int worker, size_t index)
{
    counted *c = user;
    atomic_fetch_add(&c->calls[index], 1);
    if (vgg_scope_current() != c->scope || worker < 0 || worker >= THREADS)
        atomic_fetch_add(&c->strangers, 1);
}

static void each_index_once_in_the_callers_scope(void **state)
{
    (void)state;
    const vgg_scope scope = {.log_level = CLVGG_LOG_WARNING};
    for (int threads = 1; threads <= THREADS; threads++) {
        counted c = {.scope = &scope};
        const vgg_scope *previous = vgg_scope_enter(&scope);
        vgg_parallel(threads, COUNT, count_index, &c);
        vgg_scope_leave(previous);
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(c.calls[i], 1);
        assert_int_equal(c.strangers, 0);
    }
}

/* Two indices fail: one waits for the other's end, which waits, where there are threads, for its
 * beginning. */
static clvgg_status fail_in_order(void *user, size_t index)
{
    counted *c = user;
    atomic_fetch_add(&c->calls[index], 1);
    if (index == c->waits)
        while (!atomic_load(&c->ended))
            sched_yield();
    if (index != c->fails[0] && index != c->fails[1])
        return CLVGG_STATUS_OK;
    while (c->waits < COUNT && atomic_load(&c->calls[c->waits]) == 0)
        sched_yield();
    const clvgg_status status = vgg_fail(
        index == c->fails[0] ? CLVGG_STATUS_NOT_FOUND : CLVGG_STATUS_IO, "index %zu", index);
    atomic_store(&c->ended, true);
    return status;
}

static void the_lowest_failure_is_told(void **state)
{
    (void)state;
    for (size_t first = 0; first < 12; first++)
        for (int threads = 1; threads <= THREADS; threads++) {
            const size_t fails[2] = {first, first + 1};
            char expected[32];
            counted c = {.fails = {fails[0], fails[1]},
                         .waits = threads > 1 ? fails[first % 2] : COUNT};
            snprintf(expected, sizeof expected, "index %zu", first);
            assert_int_equal(vgg_parallel_try(threads, COUNT, fail_in_order, &c),
                             CLVGG_STATUS_NOT_FOUND);
            assert_string_equal(vgg_message(), expected);
            for (size_t i = 0; i < COUNT; i++)
                assert_true(c.calls[i] == 1 || (i > first && c.calls[i] == 0));
            assert_true(threads > 1 || c.calls[first + 1] == 0); /* it can't matter any more */
        }
}

static void without_a_failure_all_is_done(void **state)
{
    (void)state;
    counted c = {.fails = {COUNT, COUNT}, .waits = COUNT};
    assert_int_equal(vgg_parallel_try(THREADS, COUNT, fail_in_order, &c), CLVGG_STATUS_OK);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(c.calls[i], 1);
    assert_int_equal(vgg_parallel_try(THREADS, 0, fail_in_order, &c), CLVGG_STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_index_once_in_the_callers_scope),
        cmocka_unit_test(the_lowest_failure_is_told),
        cmocka_unit_test(without_a_failure_all_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/unit/test_shape.c — sizes that overflow are noticed; text is cut, never overrun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tensor/shape.h"

static void counts_are_checked(void **state)
{
    (void)state;
    const int64_t huge = (int64_t)1 << 32;
    const struct {
        clvgg_shape shape;
        bool valid;
        uint64_t count;
    } cases[] = {
        {{0, {0}}, true, 1},
        {{1, {7}}, true, 7},
        {{4, {64, 3, 3, 3}}, true, 1728},
        {{2, {0, 5}}, true, 0},
        {{1, {INT64_MAX}}, true, INT64_MAX},
        {{2, {INT64_MAX, 2}}, false, 0},
        {{2, {huge, huge}}, false, 0},
        {{3, {huge, huge, 0}}, false, 0},
        {{3, {0, huge, huge}}, false, 0},
        {{2, {-1, -1}}, false, 0},
        {{1, {-1}}, false, 0},
        {{2, {0, -1}}, false, 0},
        {{-1, {0}}, false, 0},
        {{CLVGG_MAX_RANK + 1, {0}}, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t count = 99;
        assert_int_equal(vgg_shape_count(&cases[i].shape, &count), cases[i].valid);
        assert_int_equal(count, cases[i].count);
    }
}

static void equality_looks_at_rank_and_used_dimensions(void **state)
{
    (void)state;
    clvgg_shape a = {2, {2, 3, 9}}, b = {2, {2, 3, 8}}, c = {3, {2, 3, 9}}, d = {2, {3, 2}};
    assert_true(vgg_shape_equal(&a, &b));
    assert_false(vgg_shape_equal(&a, &c));
    assert_false(vgg_shape_equal(&a, &d));
}

static void text_fits_its_buffer(void **state)
{
    (void)state;
    clvgg_shape shape = {4, {64, 3, 3, 3}}, scalar = {0, {0}};
    char text[128];
    assert_string_equal(vgg_shape_text(&shape, text, sizeof text), "[64, 3, 3, 3]");
    assert_string_equal(vgg_shape_text(&scalar, text, sizeof text), "[]");
    for (size_t capacity = 1; capacity <= 14; capacity++) {
        memset(text, '#', sizeof text);
        vgg_shape_text(&shape, text, capacity);
        assert_int_equal(strlen(text), capacity - 1);
        assert_memory_equal(text, "[64, 3, 3, 3]", capacity - 1);
        assert_int_equal(text[capacity], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_checked),
        cmocka_unit_test(equality_looks_at_rank_and_used_dimensions),
        cmocka_unit_test(text_fits_its_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

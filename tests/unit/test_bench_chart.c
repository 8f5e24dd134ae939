/* unit/test_bench_chart.c — charts of benchmarks: labels don't cover each other, marks differ,
 * numbers are short. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "report/bench_chart.h"
#include "report/bench_page_part.h"
#include "support/text.h"

/* Of 64 results each has a colour and a shape of its own. */
static void marks_differ(void **state)
{
    (void)state;
    bool seen[VGG_BENCH_COLOURS][VGG_BENCH_COLOURS] = {{false}};
    for (size_t i = 0; i < 64; i++) {
        assert_false(seen[vgg_bench_colour(i)][vgg_bench_shape(i)]);
        seen[vgg_bench_colour(i)][vgg_bench_shape(i)] = true;
    }
}

/* Any number of points, wherever they lie: nothing that was placed overlaps, but points. */
static void labels_have_room(void **state)
{
    (void)state;
    static vgg_chart chart;
    for (int spread = 0; spread < 3; spread++) {
        vgg_text html = {0};
        vgg_chart_range x = {0}, y = {0};
        memset(&chart, 0, sizeof chart);
        chart.html = &html;
        double points[400][2];
        for (int i = 0; i < 400; i++) {
            points[i][0] = spread == 0 ? 50 : 1 + (double)(i * 7919 % 1000);
            points[i][1] = spread < 2 ? 100 : 3 + (double)(i * 104729 % 5000);
            vgg_chart_widen(&x, points[i][0]);
            vgg_chart_widen(&y, points[i][1]);
        }
        chart.x = vgg_chart_axis(&x);
        chart.y = vgg_chart_axis(&y);
        assert_true(chart.x.high / chart.x.low >= 10 && chart.y.high / chart.y.low >= 10);
        assert_true(chart.x.tick_count >= 2 && chart.y.tick_count >= 2);
        vgg_chart_begin(&chart, "l", "x", "y");
        for (int i = 0; i < 400; i++)
            vgg_chart_reserve(&chart, points[i][0], points[i][1]);
        const size_t reserved = chart.box_count;
        assert_int_equal(reserved, VGG_CHART_POINTS);
        for (int i = 0; i < 400; i++) {
            char words[16];
            snprintf(words, sizeof words, "c%d", i);
            vgg_chart_label(&chart, points[i][0], points[i][1], "", words);
        }
        assert_true(chart.box_count > reserved);
        for (size_t i = reserved; i < chart.box_count; i++)
            for (size_t j = 0; j < i; j++) {
                const vgg_chart_box *a = &chart.boxes[i], *b = &chart.boxes[j];
                assert_false(a->left < b->right && a->right > b->left && a->top < b->bottom &&
                             a->bottom > b->top);
            }
        vgg_chart_end(&chart);
        vgg_text_free(&html);
    }
    vgg_chart_range none = {0};
    vgg_chart_widen(&none, 0);
    vgg_chart_widen(&none, 1e300);
    assert_true(none.greatest == 0);
    const vgg_axis axis = vgg_chart_axis(&none);
    assert_true(axis.low < axis.high && axis.low > 0);
}

/* Roofs have their labels, also where one is close to another. */
static void roofs_are_named(void **state)
{
    (void)state;
    static vgg_chart chart;
    vgg_text html = {0};
    chart.html = &html;
    chart.x = vgg_chart_axis(&(vgg_chart_range){0.5, 150});
    chart.y = vgg_chart_axis(&(vgg_chart_range){4, 525});
    vgg_chart_flat(&chart, 525, 525 / 77.5, false, "float32 525 GFLOP/s");
    vgg_chart_slope(&chart, 77.5, 525, false, "memory 77.5 GB/s");
    vgg_chart_slope(&chart, 99.5, 525, true, "cache 99.5 GB/s");
    assert_contains(html.bytes, ">float32 525 GFLOP/s</text>");
    assert_contains(html.bytes, ">memory 77.5 GB/s</text>");
    assert_contains(html.bytes, ">cache 99.5 GB/s</text>");
    assert_contains(html.bytes, "<line class=\"roof dashed\" ");
    vgg_text_free(&html);
}

/* Also numbers that no measurement gives take little room. */
static void numbers_are_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        int digits;
        const char *words;
    } numbers[] = {{12.3456, 3, "12.346"},
                   {0.0042, 2, "0.0042"},
                   {0, 3, "0"},
                   {9, 0, "9"},
                   {1234567, 0, "1,234,567"},
                   {1e308, 2, "1e+308"},
                   {5e-324, 3, "4.94e-324"},
                   {(double)NAN, 2, "\xE2\x80\x93"}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        vgg_text html = {0};
        vgg_bench_put_number(&html, numbers[i].value, numbers[i].digits);
        assert_string_equal(html.bytes, numbers[i].words);
        vgg_text_free(&html);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_differ),
        cmocka_unit_test(labels_have_room),
        cmocka_unit_test(roofs_are_named),
        cmocka_unit_test(numbers_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/test_bench_page.c — the page of benchmarks: its values are those of the files, names are
 * never markup, what isn't known isn't invented. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "report/bench_page_part.h"
#include "report/memory.h"
#include "support/failing_allocator.h"
#include "support/scratch.h"
#include "support/text.h"

/* A result with a name in every place that a file or a driver fills. */
static const char pattern[] =
    "{\"schema\": \"clvgg-bench/1\", \"program\": {\"name\": \"%s\", \"version\": \"0.9\"},"
    " \"device\": {\"name\": \"%s\", \"type\": \"cpu\", \"platform\": \"%s\"},"
    " \"model\": \"vgg16\", \"peak\": {\"fma_gflops\": 576.4, \"read_gbps\": 51.25},"
    " \"roof\": {\"fma_f32_gflops\": 580, \"matrix_bf16_gflops\": 3000, \"cache_read_gbps\": 310,"
    " \"launch_ms\": 0.0021}, \"environment\": {\"%s\": \"%s\"},"
    " \"results\": [{\"batch\": 16, \"error_l2\": 3e-7, \"wrong\": false, \"repetitions\": 9,"
    " \"median_ms\": 1216, \"min_ms\": 1200.5, \"interval_ms\": [1210.25, 1230.75],"
    " \"layers\": [{\"name\": \"%s\", \"variant\": \"%s\", \"choice\": \"%s\", \"tuned\": true,"
    " \"ms\": 12.3456, \"gflops\": 900, \"executed_gflops\": 450.25, \"intensity\": 145.5,"
    " \"roof_share\": 0.781},"
    " {\"name\": \"fc6\", \"variant\": \"dense\", \"ms\": null}]},"
    " {\"batch\": 1, \"error_l2\": 0.31, \"wrong\": true, \"median_ms\": 77.77}]}";

#define NASTY "</td><script>alert(1)</script> <!-- ' & <b>"
#define ESCAPED "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt; &lt;!-- &#39; &amp; &lt;b&gt;"

static void write_result(const char *file, const char *name)
{
    char text[4096];
    snprintf(text, sizeof text, pattern, name, name, name, name, name, name, name, name);
    test_scratch_write(file, text, strlen(text));
}

static void add(vgg_bench_files *files, const char *file)
{
    if (vgg_bench_files_add(files, test_scratch_path(file)) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
}

/* What stands between the tags of the page, elements balanced. */
static void assert_balanced(const char *html)
{
    static const char *const single[] = {"meta", "link", "br", "use", "line", "path", "circle"};
    char open[64][16];
    size_t depth = 0;
    for (const char *at = html; (at = strchr(at, '<')) != NULL; at++) {
        char name[16] = "";
        const bool closes = at[1] == '/';
        for (size_t i = 0; i + 1 < sizeof name && isalnum((unsigned char)at[1 + closes + i]); i++)
            name[i] = at[1 + closes + i];
        bool skipped = at[1] == '!';
        for (size_t i = 0; i < sizeof single / sizeof *single; i++)
            skipped = skipped || strcmp(name, single[i]) == 0;
        if (skipped)
            continue;
        if (closes) {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
            continue;
        }
        assert_in_range(depth, 0, 63);
        strcpy(open[depth++], name);
        if (strcmp(name, "script") == 0 || strcmp(name, "style") == 0)
            at = strchr(strstr(at, closes ? ">" : "</"), '<') - 1;
    }
    assert_int_equal(depth, 0);
}

static char *make_page(const char *const *names, size_t count)
{
    vgg_bench_files files = {0};
    vgg_text html = {0};
    for (size_t i = 0; i < count; i++)
        add(&files, names[i]);
    if (vgg_bench_page_put(&files, &html) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    vgg_bench_files_free(&files);
    assert_balanced(html.bytes);
    char *page = strdup(html.bytes);
    assert_non_null(page);
    vgg_text_free(&html);
    return page;
}

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("'%s' is in the page", part);
}

static void values_are_the_files(void **state)
{
    (void)state;
    write_result("a.json", "one");
    char *page = make_page((const char *const[]){"a.json"}, 1);
    static const char *const parts[] = {
        "<title>Benchmarks: 1 result</title>", "one 0.9 \xC2\xB7 vgg16",
        /* a pass */
        "<span class=\"value\">1216.00 ms</span>", "style=\"width:98.80%\"",
        "<span class=\"whisker\" style=\"left:98.33%;width:1.67%\">",
        "<td class=\"n\">1216.00</td><td class=\"n\">1210.25</td><td class=\"n\">1230.75</td>"
        "<td class=\"n\">1200.50</td><td class=\"n\">9</td><td class=\"n\">13.2</td>"
        "<td class=\"n\">3.0e-07</td>",
        /* a wrong one */
        "<span class=\"bad\">wrong, 0.31 off</span>", "<td class=\"n bad\">wrong</td>",
        /* a layer: bar, tables */
        "<span class=\"value\">12.346</span>", "<td class=\"n\" data-run=\"0\">12.346</td>",
        "<td class=\"n\">145.5</td><td class=\"n\">450.2</td><td class=\"n\">78.1</td>",
        "<title>A one, one: 450.2 GFLOP/s at 145.5 FLOP a byte</title>",
        "<code>one</code> <span class=\"tuned\">tuned</span><span class=\"choice\">one</span>",
        "<td class=\"n\" data-run=\"0\">\xE2\x80\x93</td>", /* shorter than a tick */
        /* roofs */
        ">float32 580 GFLOP/s</text>", ">bfloat16 3,000 GFLOP/s</text>", ">memory 51.2 GB/s</text>",
        ">cache 310 GB/s</text>", "<td data-run=\"0\">576.4</td>", "<td data-run=\"0\">0.0021</td>",
        "<td data-run=\"0\">one = one</td>", "<td data-run=\"0\">a.json</td>"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_contains(page, parts[i]);
    assert_lacks(page, "77.77"); /* of the wrong result */
    assert_lacks(page, "half FMA");
    assert_lacks(page, test_scratch_path("")); /* where the file lay */
    assert_lacks(page, "http");
    free(page);
}

static void names_are_no_markup(void **state)
{
    (void)state;
    write_result("nasty.json", NASTY);
    write_result("plain.json", "plain");
    char *page = make_page((const char *const[]){"nasty.json", "plain.json"}, 2);
    assert_lacks(page, "<script>alert");
    assert_lacks(page, "<!-- '");
    assert_lacks(page, "<b>\"");
    static const char *const parts[] = {"<span>" ESCAPED " 0.9</span>",
                                        "<h4>" ESCAPED "</h4>",
                                        "<code>" ESCAPED "</code>",
                                        "<th scope=\"row\">" ESCAPED "</th>",
                                        "<span class=\"choice\">" ESCAPED "</span>",
                                        ESCAPED " = " ESCAPED,
                                        "aria-label=\"Roofline of " ESCAPED ", batch 16"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_contains(page, parts[i]);
    free(page);
}

/* What all share is said once; then what tells results apart, programs first, files at last. */
static void labels_tell_apart(void **state)
{
    (void)state;
    static const char *const lines[] = {"\"program\": {\"name\": \"clvgg\", \"commit\": "
                                        "\"aaaaaaaaaaaaaaaa\"}, \"storage\": \"f32\"",
                                        "\"program\": {\"name\": \"clvgg\", \"commit\": "
                                        "\"bbbbbbbbbbbbbbbb\"}, \"storage\": \"f32\"",
                                        "\"program\": {\"name\": \"clvgg\", \"commit\": "
                                        "\"bbbbbbbbbbbbbbbb\"}, \"storage\": \"f16\"",
                                        "\"program\": {\"name\": \"Other\", \"version\": \"2.0\"}",
                                        "\"program\": {\"name\": \"clvgg\", \"commit\": "
                                        "\"bbbbbbbbbbbbbbbb\"}, \"storage\": \"f32\""};
    static const char *const labels[] = {
        "clvgg \xC2\xB7 f32 \xC2\xB7 commit aaaaaaaaa",
        "clvgg \xC2\xB7 f32 \xC2\xB7 commit bbbbbbbbb \xC2\xB7 1.json",
        "clvgg \xC2\xB7 f16 \xC2\xB7 commit bbbbbbbbb", "Other 2.0",
        "clvgg \xC2\xB7 f32 \xC2\xB7 commit bbbbbbbbb \xC2\xB7 4.json"};
    vgg_bench_files files = {0};
    for (int i = 0; i < 5; i++) {
        char name[24], text[512];
        snprintf(name, sizeof name, "%d.json", i);
        snprintf(text, sizeof text,
                 "{\"schema\": \"clvgg-bench/1\", %s, \"device\": {\"name\": \"d\", \"platform\": "
                 "\"\"}, \"model\": "
                 "\"m\", \"peak\": {\"fma_gflops\": 1, \"read_gbps\": 1}, \"results\": []}",
                 lines[i]);
        test_scratch_write(name, text, strlen(text));
        add(&files, name);
    }
    vgg_bench_page page = {.runs = files.items, .run_count = files.count};
    assert_int_equal(vgg_bench_page_name(&page), CLVGG_STATUS_OK);
    assert_string_equal(page.common.bytes, "m \xC2\xB7 d");
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(page.labels[i].bytes, labels[i]);
        vgg_text_free(&page.labels[i]);
    }
    vgg_memory_free(page.labels);
    vgg_text_free(&page.common);
    vgg_bench_files_free(&files);
    static const struct {
        size_t run;
        const char *key;
    } keys[] = {{0, "A"}, {25, "Z"}, {26, "AA"}, {701, "ZZ"}, {702, "AAA"}, {999, "ALL"}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_string_equal(VGG_BENCH_KEY(keys[i].run), keys[i].key);
}

static void files_that_say_little(void **state)
{
    (void)state;
    static const char text[] =
        "{\"schema\": 1, \"device\": {\"name\": \"d\", \"platform\": \"p\"}, \"model\": \"m\","
        " \"peak\": {\"fma_gflops\": null, \"read_gbps\": null}, \"results\": [{\"batch\": 1,"
        " \"median_ms\": 5, \"min_ms\": 4, \"layers\": [{\"name\": \"l\", \"variant\": \"v\","
        " \"ms\": 2}]}]}";
    test_scratch_write("old.json", text, strlen(text));
    char *page = make_page((const char *const[]){"old.json"}, 1);
    assert_contains(page, "5.00 ms");
    assert_contains(page, "No result says how many bytes its layers move");
    assert_lacks(page, "class=\"whisker\"");
    assert_lacks(page, "nan");
    assert_lacks(page, "inf");
    free(page);
}

static void limits_are_said(void **state)
{
    (void)state;
    vgg_bench_file_result results[VGG_BENCH_PAGE_BATCHES + 1] = {{0}};
    for (int i = 0; i <= VGG_BENCH_PAGE_BATCHES; i++)
        results[i].batch = VGG_BENCH_PAGE_BATCHES + 1 - i;
    vgg_bench_file file = {.path = "p",
                           .program = "clvgg",
                           .device = "d",
                           .model = "m",
                           .storage = "f32",
                           .results = results,
                           .result_count = VGG_BENCH_PAGE_BATCHES + 1};
    const vgg_bench_files files = {&file, 1, 1};
    vgg_text html = {0};
    assert_int_equal(vgg_bench_page_put(&files, &html), CLVGG_STATUS_UNSUPPORTED);
    assert_string_equal(vgg_message(), "the results have more than 64 different batches");
    file.result_count--;
    assert_int_equal(vgg_bench_page_put(&files, &html), CLVGG_STATUS_OK);
    assert_true(strstr(html.bytes, "<h3>Batch 2<") < strstr(html.bytes, "<h3>Batch 65<"));
    vgg_text_free(&html);
}

static clvgg_status make_and_drop(void *files)
{
    vgg_text html = {0};
    const clvgg_status status = vgg_bench_page_put(files, &html);
    vgg_text_free(&html);
    return status;
}

static void memory_fails(void **state)
{
    (void)state;
    vgg_bench_files files = {0};
    write_result("a.json", "one");
    write_result("b.json", "two");
    add(&files, "a.json");
    add(&files, "b.json");
    assert_true(failing_allocator_sweep(make_and_drop, &files) > 10);
    vgg_bench_files_free(&files);
}

static int set_up(void **state)
{
    (void)state;
    return test_scratch_make() == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    test_scratch_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_the_files), cmocka_unit_test(names_are_no_markup),
        cmocka_unit_test(labels_tell_apart),    cmocka_unit_test(files_that_say_little),
        cmocka_unit_test(limits_are_said),      cmocka_unit_test(memory_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

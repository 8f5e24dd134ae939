/* test_cli_compare.c — `clvgg compare` on results that are written here: verdicts, rounds, JSON,
 * CSV, Markdown, older and damaged files. */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/bench_result.h"
#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define COMPARE(program, ...)                                                                      \
    test_program_run(program, (const char *[]){PROGRAM, "compare", __VA_ARGS__, NULL})
#define AT(name) test_scratch_path(name)

#define OLD(results)                                                                               \
    "{\"schema\": 1, \"device\": {\"name\": \"one\\u001b[1m\", \"platform\": \"p\"}, "             \
    "\"model\": \"vgg16\", \"peak\": {\"fma_gflops\": 300, \"read_gbps\": 15}, \"results\": "      \
    "[" results "]}\n"

static const char old_file[] = OLD("{\"batch\": 1, \"median_ms\": 10, \"min_ms\": 8, \"layers\": ["
                                   "{\"name\": \"conv1_1\", \"variant\": \"a\", \"ms\": 2}, "
                                   "{\"name\": \"pool1\", \"variant\": \"pool\", \"ms\": 0}]}, "
                                   "{\"batch\": 16, \"median_ms\": 100, \"min_ms\": 90}");
static const char second_old_file[] =
    OLD("{\"batch\": 1, \"median_ms\": 5, \"min_ms\": 6, \"layers\": ["
        "{\"name\": \"conv1_1\", \"variant\": \"b\", \"ms\": 3}, "
        "{\"name\": \"fc6\", \"variant\": \"c\", \"ms\": 1.25}]}, "
        "{\"batch\": 4, \"wrong\": true, \"error_l2\": null}");

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("'%s' is in:\n%s", part, text);
}

/* One layer is a tenth slower, and the passes by less: words, marks and numbers say so. */
static void verdicts_are_in_words(void **state)
{
    (void)state;
    test_bench_result_put("a.json",
                          &(test_bench_result){.batch = 1, .pass = 10, .conv1 = 2, .conv2 = 4});
    test_bench_result_put("b.json",
                          &(test_bench_result){.batch = 1, .pass = 12, .conv1 = 2, .conv2 = 5});
    test_program ran = {0};
    COMPARE(&ran, AT("a.json"), AT("b.json"));
    assert_int_equal(ran.exit_code, 0);
    assert_string_equal(ran.err, "");
    assert_contains(ran.out, "a.json: vgg16 on one (p), clvgg 1.0 0123456789ab, peak 300 GFLOP/s");
    assert_contains(ran.out, "\nbatch 1, B against A: slower by 20.0 % (");
    assert_contains(ran.out, "\n  conv2_1 is slower by 25.0 % (");
    assert_contains(ran.out, "\n  1 other layer: no difference beyond noise\n");
    assert_contains(ran.out, "\nbatch 1, ms       A       B   B/A          variant\n"
                             "a pass       10.000  12.000  1.20  slower\n"
                             "conv1_1       2.000   2.000  1.00  =       direct\n"
                             "conv2_1       4.000   5.000  1.25  slower  fast|wide\n");
    test_program_free(&ran);
    COMPARE(&ran, AT("b.json"), AT("a.json"));
    assert_contains(ran.out, "\nbatch 1, B against A: faster by 16.7 % (");
    assert_contains(ran.out, "\n  conv2_1 is faster by 20.0 % (");
    test_program_free(&ran);
    COMPARE(&ran, AT("a.json"), AT("a.json"));
    assert_contains(ran.out, "\nbatch 1, B against A: no difference beyond noise: +0.0 % (");
    assert_contains(ran.out, "\n  2 layers: no difference beyond noise\n");
    test_program_free(&ran);
}

/* A step that does more has the name of one that does less. */
static void steps_of_other_layers_arent_compared(void **state)
{
    (void)state;
    test_bench_result_put("a.json",
                          &(test_bench_result){.batch = 1, .pass = 10, .conv1 = 2, .conv2 = 4});
    test_bench_result_put(
        "b.json",
        &(test_bench_result){
            .batch = 1, .pass = 10, .conv1 = 2, .conv2 = 8, .layers = "conv2_1+relu2_1+pool2"});
    test_program ran = {0};
    COMPARE(&ran, AT("a.json"), AT("b.json"));
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "\nconv2_1       4.000  other layers");
    assert_lacks(ran.out, "slower");
    test_program_free(&ran);
}

/* Eight rounds a side, which differ by 6 % among themselves: the one of 2.5 % more isn't told
 * from noise, the one of 10 % is. */
static void rounds_are_one_side(void **state)
{
    static const double noise[] = {1, 1.06, 1.02, 1.04, 1, 1.06, 1.04, 1.02};
    char name[32];
    (void)state;
    test_scratch_folder("before");
    test_scratch_folder("after");
    test_scratch_folder("both");
    for (int i = 0; i < 8; i++) {
        const double a = 10 * noise[i], b = 10 * noise[(i + 3) % 8];
        snprintf(name, sizeof name, "before/%d.json", i);
        test_bench_result_put(name, &(test_bench_result){NULL, 1, a, a / 5, a / 2, NULL});
        snprintf(name, sizeof name, "both/a%d.json", i);
        test_bench_result_put(name, &(test_bench_result){NULL, 1, a, a / 5, a / 2, NULL});
        snprintf(name, sizeof name, "after/%d.json", i);
        test_bench_result_put(name,
                              &(test_bench_result){NULL, 1, b * 1.025, b / 5, b / 2 * 1.1, NULL});
        snprintf(name, sizeof name, "both/b%d.json", i);
        test_bench_result_put(name, &(test_bench_result){"\"options\": {\"gemm\": \"own\"}", 1, b,
                                                         b / 5, b / 2 * 1.1, NULL});
    }
    test_program ran = {0};
    COMPARE(&ran, AT("before"), AT("after"));
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "/before: 8 rounds of vgg16 on one (p)");
    assert_contains(ran.out, "\nbatch 1, B against A: no difference beyond noise: +2.5 % (");
    assert_contains(ran.out, "\n  conv2_1 is slower by 10.0 % (");
    assert_contains(ran.out, "\n  1 other layer: no difference beyond noise\n");
    test_program_free(&ran);
    COMPARE(&ran, AT("both")); /* two settings in one folder */
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "A  ");
    assert_contains(ran.out, "/both: 8 rounds of ");
    assert_contains(ran.out, "\n  conv2_1 is slower by 10.0 % (");
    assert_lacks(ran.out, "\nC  ");
    test_program_free(&ran);
    COMPARE(&ran, "--group", AT("both/a0.json"), AT("both/b0.json"), AT("both/a1.json"),
            AT("both/b1.json"));
    assert_contains(ran.out, "b0.json: 2 rounds of ");
    assert_lacks(ran.out, "\nC  ");
    test_program_free(&ran);
    COMPARE(&ran, AT("both/a0.json"), AT("both/b0.json"), AT("both/a1.json"), AT("both/b1.json"),
            AT("both/a2.json"), AT("both/b2.json"), AT("both/a3.json"));
    assert_contains(ran.out, "\nG  "); /* by name each is a side, in two tables */
    assert_contains(ran.out, "\nbatch 1, F against A: ");
    assert_contains(ran.out, "D/A");
    assert_contains(ran.out, "G/A");
    test_program_free(&ran);
    COMPARE(&ran, AT("before"));
    assert_int_equal(ran.exit_code, 2);
    assert_contains(ran.err, "all of these are rounds of one");
    test_program_free(&ran);
}

static void programs_read_json(void **state)
{
    (void)state;
    test_bench_result_put("a.json",
                          &(test_bench_result){.batch = 1, .pass = 10, .conv1 = 2, .conv2 = 4});
    test_bench_result_put("b.json",
                          &(test_bench_result){.batch = 1, .pass = 12, .conv1 = 2, .conv2 = 5});
    test_program ran = {0};
    COMPARE(&ran, "--json", AT("a.json"), AT("b.json"));
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *side = cJSON_GetArrayItem(member(json, "sides"), 1);
    assert_string_equal(string(side, "label"), "B");
    assert_string_equal(string(side, "path"), AT("b.json"));
    assert_int_equal(cJSON_GetArraySize(member(side, "files")), 1);
    assert_string_equal(string(side, "version"), "1.0");
    const cJSON *rows = member(json, "rows"), *row = cJSON_GetArrayItem(rows, 2);
    assert_int_equal(cJSON_GetArraySize(rows), 3);
    assert_true(cJSON_IsNull(member(cJSON_GetArrayItem(rows, 0), "layer")));
    assert_int_equal(integer(row, "batch"), 1);
    assert_string_equal(string(row, "layer"), "conv2_1");
    const cJSON *first = cJSON_GetArrayItem(member(row, "cells"), 0);
    const cJSON *cell = cJSON_GetArrayItem(member(row, "cells"), 1);
    assert_null(cJSON_GetObjectItem(first, "verdict"));
    assert_string_equal(string(cell, "state"), "timed");
    assert_string_equal(string(cell, "verdict"), "slower");
    assert_string_equal(string(cell, "variant"), "fast|wide");
    assert_true(number(cell, "ms") == 5);
    assert_true(fabs(number(cell, "low_ms") - 5) < 1e-9); /* the first of 20 */
    assert_true(fabs(number(cell, "ratio") - 1.25) < 1e-3);
    const cJSON *interval = member(cell, "interval");
    assert_true(cJSON_GetArrayItem(interval, 0)->valuedouble > 1.2);
    assert_true(cJSON_GetArrayItem(interval, 1)->valuedouble < 1.3);
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void tables_are_csv_and_markdown(void **state)
{
    (void)state;
    test_bench_result_put("a.json",
                          &(test_bench_result){.batch = 1, .pass = 10, .conv1 = 2, .conv2 = 4});
    test_bench_result_put("b, c.json",
                          &(test_bench_result){.batch = 1, .pass = 12, .conv1 = 2, .conv2 = 5});
    test_program ran = {0};
    COMPARE(&ran, "--csv", AT("a.json"), AT("b, c.json"));
    assert_int_equal(ran.exit_code, 0);
    int lines = 0, fields = 0;
    for (const char *at = ran.out; *at != '\0'; at++) {
        lines += *at == '\n';
        fields += *at == ',' && at[1] != ' '; /* not the name's */
    }
    assert_int_equal(lines, 1 + 3 * 2);
    assert_int_equal(fields, 12 * lines);
    assert_contains(ran.out, "batch,layer,side,path,rounds,state,ms,low_ms,ratio,low,high,verdict,"
                             "variant\n1,,A,");
    assert_contains(ran.out, "b, c.json\",1,timed,5,5,1.25,");
    assert_contains(ran.out, ",slower,fast|wide\n");
    test_program_free(&ran);
    COMPARE(&ran, "--markdown", AT("a.json"), AT("b, c.json"));
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "- **A** ");
    assert_contains(ran.out, "\n- batch 1, B against A: slower by 20.0 % (");
    assert_contains(ran.out, "\n  - conv2_1 is slower by 25.0 % (");
    assert_contains(ran.out, "\n| batch 1, ms | A | B | B/A |  | variant |\n"
                             "|---|---:|---:|---:|---|---|\n"
                             "| a pass | 10.000 | 12.000 | 1.20 | slower |  |\n");
    assert_contains(ran.out, "| slower | fast\\|wide |\n");
    test_program_free(&ran);
    COMPARE(&ran, "--csv", "--json", AT("a.json"), AT("a.json"));
    assert_int_equal(ran.exit_code, 2);
    test_program_free(&ran);
}

/* Without samples there are ratios of medians, and no verdict. */
static void older_files_are_read(void **state)
{
    (void)state;
    test_scratch_write("a.json", old_file, strlen(old_file));
    test_scratch_write("b.json", second_old_file, strlen(second_old_file));
    test_program ran = {0};
    COMPARE(&ran, AT("a.json"), AT("b.json"), AT("a.json"));
    assert_int_equal(ran.exit_code, 0);
    assert_string_equal(ran.err, "");
    assert_contains(ran.out, "a.json: vgg16 on one\\x1b[1m (p), peak 300 GFLOP/s, 15.0 GB/s\n");
    assert_contains(ran.out, "\nbatch 1, B against A: -50.0 %, which may be noise: there are too "
                             "few samples to tell\n");
    static const char tables[] = "\n"
                                 "batch 1, ms       A      B   B/A          C   C/A     variant\n"
                                 "a pass       10.000  5.000  0.50  ?  10.000  1.00  ?\n"
                                 "conv1_1       2.000  3.000  1.50  ?   2.000  1.00  ?  a, b\n"
                                 "pool1             -      -                -           pool\n"
                                 "fc6               -  1.250                -           c\n"
                                 "\n"
                                 "batch 16, ms        A  B  B/A          C   C/A     variant\n"
                                 "a pass        100.000  -         100.000  1.00  ?\n"
                                 "\n"
                                 "batch 4, ms  A      B  B/A    C  C/A    variant\n"
                                 "a pass       -  wrong         -\n";
    assert_string_equal(strstr(ran.out, "\nbatch 1, ms"), tables);
    test_program_free(&ran);
}

/* Every truncation, and wrong types in every place, are errors that name the file. */
static void damaged_files_are_named(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "",
        "[]",
        "{}",
        "{\"schema\": \"1\"}",
        OLD("1"),
        OLD("{\"batch\": 0}"),
        OLD("{\"batch\": 1, \"median_ms\": 1}"),
        OLD("{\"batch\": 1, \"median_ms\": -1, \"min_ms\": 1}"),
        OLD("{\"batch\": 1, \"median_ms\": 1e999, \"min_ms\": 1}"),
        OLD("{\"batch\": 1, \"median_ms\": 1, \"min_ms\": 1, \"layers\": {}}"),
        OLD("{\"batch\": 1, \"median_ms\": 1, \"min_ms\": 1, \"layers\": [{\"name\": 1}]}"),
        OLD("") "x",
    };
    test_scratch_write("a.json", old_file, strlen(old_file));
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged + strlen(old_file) / 16; i++) {
        const size_t cut = i - sizeof damaged / sizeof *damaged;
        const bool whole = i < sizeof damaged / sizeof *damaged;
        test_scratch_write("bad.json", whole ? damaged[i] : old_file,
                           whole ? strlen(damaged[i]) : cut * 16);
        test_program ran = {0};
        COMPARE(&ran, AT("a.json"), AT("bad.json"));
        assert_int_equal(ran.exit_code, 1);
        assert_string_equal(ran.out, "");
        assert_contains(ran.err, "bad.json: not a result of clvgg bench: ");
        test_program_free(&ran);
    }
    test_scratch_write("new.json", "{\"schema\": 2}", 13);
    test_program ran = {0};
    COMPARE(&ran, AT("new.json"), AT("absent.json"));
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "new.json: schema 2, this version reads 1");
    assert_contains(ran.err, "absent.json: ");
    test_program_free(&ran);
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
        cmocka_unit_test(verdicts_are_in_words),
        cmocka_unit_test(steps_of_other_layers_arent_compared),
        cmocka_unit_test(rounds_are_one_side),
        cmocka_unit_test(programs_read_json),
        cmocka_unit_test(tables_are_csv_and_markdown),
        cmocka_unit_test(older_files_are_read),
        cmocka_unit_test(damaged_files_are_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

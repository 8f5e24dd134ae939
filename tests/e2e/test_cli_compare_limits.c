/* test_cli_compare_limits.c — `clvgg compare` on results that are written here: what other work on
 * the machine does to verdicts, which files aren't compared, and when --fail-above fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/bench_result.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define COMPARE(program, ...)                                                                      \
    test_program_run(program, (const char *[]){PROGRAM, "compare", __VA_ARGS__, NULL})
#define AT(name) test_scratch_path(name)

#define LOAD(cores, load)                                                                          \
    "\"system\": {\"cores\": " #cores "}, \"sensors\": {\"before\": {\"load_average\": 2.5}, "     \
    "\"after\": {\"load_average\": " #load "}}"

/* A load of 5 is two threads beside the benchmark's three, one for each of two cores: times may
 * double. The device's compute units, of which there are two, may be a part of more cores. */
static void busy_machines_are_noise(void **state)
{
    (void)state;
    test_bench_result_put("a.json",
                          &(test_bench_result){.batch = 1, .pass = 10, .conv1 = 2, .conv2 = 4});
    test_bench_result_put("b.json", &(test_bench_result){LOAD(2, 2.9), 1, 12, 2, 4, NULL});
    test_bench_result_put("c.json", &(test_bench_result){LOAD(2, 5), 1, 12, 2, 4, NULL});
    test_bench_result_put("d.json", &(test_bench_result){LOAD(2, 5), 1, 21, 2, 4, NULL});
    test_bench_result_put("e.json", &(test_bench_result){LOAD(8, 5), 1, 12, 2, 4, NULL});
    test_bench_result_put("f.json", &(test_bench_result){LOAD(0, 5), 1, 12, 2, 4, NULL});
    test_program ran = {0};
    COMPARE(&ran, AT("a.json"), AT("b.json"), AT("c.json"), AT("d.json"), AT("e.json"),
            AT("f.json"));
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "\nbatch 1, B against A: slower by 20.0 % (");
    assert_contains(ran.out, "\nbatch 1, C against A: no difference beyond noise: +20.0 % (");
    assert_contains(ran.out, "\nbatch 1, D against A: slower by 110.0 % (");
    assert_contains(ran.out, "\nbatch 1, E against A: slower by 20.0 % (");
    assert_contains(ran.out, "\nbatch 1, F against A: slower by 20.0 % (");
    assert_contains(ran.out, " GB/s; busy, load average 5.0\nD ");
    test_program_free(&ran);
}

static void other_work_is_refused(void **state)
{
    static const struct {
        const char *first, *second, *message;
        int batch;
    } cases[] = {
        {"\"input\": [3, 224, 224]", "\"input\": [3, 64, 64]",
         "'input' is 3 x 224 x 224 there and 3 x 64 x 64 here", 1},
        {"\"flops\": 1000", "\"flops\": 2000", "'flops' is 1000 there and 2000 here", 1},
        {"\"weights\": {\"sha256\": \"aa\"}", "\"weights\": {\"sha256\": \"bb\"}",
         "'weights.sha256' is aa there and bb here", 1},
        {"\"random_weights\": true", "\"random_weights\": false",
         "'random_weights' is true there and false here", 1},
        {"\"weights\": {\"seed\": 1}", "\"weights\": {\"seed\": 2}",
         "'weights.seed' is 1 there and 2 here", 1},
        {"\"layer\": \"pool5\"", "\"clock\": \"device\"", "'layer' is pool5 there and logits here",
         1},
        {"\"classes\": 2", "\"classes\": 1000", "'classes' is 2 there and 1000 here", 1},
        {"\"mode\": \"finetune\"", "\"mode\": \"infer\"", "'mode' is finetune there and infer here",
         1},
        {"\"optimizer\": \"sgd\"", "\"optimizer\": \"adam\"",
         "'optimizer' is sgd there and adam here", 1},
        {"\"architecture\": \"vgg16\"", "\"clock\": \"host\"", "'batch' is 1 there and 4 here", 4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_program ran = {0};
        test_bench_result_put("a.json", &(test_bench_result){cases[i].first, 1, 10, 2, 4, NULL});
        test_bench_result_put(
            "b.json", &(test_bench_result){cases[i].second, cases[i].batch, 10, 2, 4, NULL});
        COMPARE(&ran, AT("a.json"), AT("b.json"));
        assert_int_equal(ran.exit_code, 1);
        assert_string_equal(ran.out, "");
        assert_contains(ran.err, "a.json and ");
        assert_contains(ran.err, "b.json aren't of the same work: ");
        assert_contains(ran.err, cases[i].message);
        test_program_free(&ran);
    }
    /* What is compared: storage, options, variables, device. */
    test_program ran = {0};
    test_bench_result_put("a.json",
                          &(test_bench_result){"\"storage\": \"bf16\"", 1, 10, 2, 4, NULL});
    test_bench_result_put(
        "b.json", &(test_bench_result){"\"options\": {\"gemm\": \"own\"}", 1, 10, 2, 4, NULL});
    COMPARE(&ran, AT("a.json"), AT("b.json"));
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "a.json: vgg16 as bf16 on one (p)");
    test_program_free(&ran);
    /* What one file doesn't say isn't compared. */
    static const char *const known[] = {"true", "false"};
    for (size_t i = 0; i < 2; i++) {
        char members[64];
        snprintf(members, sizeof members, "\"random_weights\": %s", known[i]);
        test_bench_result_put("b.json", &(test_bench_result){members, 1, 10, 2, 4, NULL});
        COMPARE(&ran, AT("a.json"), AT("b.json"));
        assert_string_equal(ran.err, "");
        assert_int_equal(ran.exit_code, 0);
        test_program_free(&ran);
    }
}

/* Exit codes: by the passes alone, beyond noise, above the limit, above. */
static void limits_fail(void **state)
{
    static const struct {
        double pass, conv2;
        const char *limit;
        int exit_code;
    } cases[] = {
        {11, 4, "5%", 1}, {11, 4, "9.9%", 1}, {11, 4, "10.1%", 0}, {10.3, 4, "1%", 0},
        {10, 9, "5%", 0}, {8, 4, "0%", 0},    {10.6, 4, "5%", 1},  {30, 4, "100%", 1},
    };
    (void)state;
    test_bench_result_put("a.json",
                          &(test_bench_result){.batch = 1, .pass = 10, .conv1 = 2, .conv2 = 4});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_program ran = {0};
        test_bench_result_put(
            "b.json", &(test_bench_result){NULL, 1, cases[i].pass, 2, cases[i].conv2, NULL});
        COMPARE(&ran, "--fail-above", cases[i].limit, AT("a.json"), AT("b.json"));
        if (ran.exit_code != cases[i].exit_code)
            fail_msg("%g at %s: exit code %d\n%s", cases[i].pass, cases[i].limit, ran.exit_code,
                     ran.err);
        assert_contains(ran.out, "B against A: ");
        if (ran.exit_code != 0)
            assert_contains(ran.err, "a.json by ");
        test_program_free(&ran);
    }
    test_program ran = {0};
    COMPARE(&ran, "--fail-above", "5", AT("a.json"), AT("a.json"));
    assert_int_equal(ran.exit_code, 2);
    assert_contains(ran.err, "--fail-above: needs a share from 0% to 1000%, such as 5%, got '5'");
    test_program_free(&ran);
}

#define RESULTS(results)                                                                           \
    "{\"schema\": 1, \"device\": {\"name\": \"one\", \"platform\": \"p\"}, \"model\": \"vgg16\", " \
    "\"peak\": {\"fma_gflops\": 300, \"read_gbps\": 15}, \"results\": [" results "]}\n"
#define TEN "10, 10, 10, 10, 10, 10, 10, 10, 10"
#define SAMPLED(batch)                                                                             \
    "{\"batch\": " #batch ", \"median_ms\": 10, \"min_ms\": 10, \"samples_ms\": [" TEN "]}"
#define WRONG(batch) "{\"batch\": " #batch ", \"wrong\": true}"

/* What couldn't be judged isn't passed over. */
static void limits_fail_where_nothing_is_told(void **state)
{
    static const char few[] =
        RESULTS("{\"batch\": 1, \"median_ms\": 10, \"min_ms\": 10, \"samples_ms\": [10, 10]}");
    static const char one[] = RESULTS(SAMPLED(1)), two[] = RESULTS(SAMPLED(1) ", " SAMPLED(4));
    static const char wrong[] = RESULTS(WRONG(1));
    static const char early[] = RESULTS(SAMPLED(1) "], \"error\": \"interrupted\", \"x\": [");
    static const char busy[] = RESULTS(SAMPLED(1) "], " LOAD(2, 5) ", \"x\": [");
    static const char spread[] = RESULTS("{\"batch\": 1, \"median_ms\": 13, \"min_ms\": 10, "
                                         "\"samples_ms\": [10, 13, 13, 13, 13, 13, 13, 13, 13]}");
    static const struct {
        const char *first, *second, *message; /* NULL: the gate holds */
    } cases[] = {
        {one, one, NULL},
        {few, one, "b.json has too few samples to judge by"},
        {two, one, "b.json has no such batch, "},
        {one, two, NULL},
        {wrong, one, "a.json is wrong"},
        {one, wrong, "b.json is wrong"},
        {one, early, "b.json ended early: interrupted"},
        {early, one, "a.json ended early: interrupted"},
        {one, busy, "isn't told, and 10 % are allowed"},
        {busy, one, "batch 1: the machine was too busy to judge "},
        {one, spread, "by: less than 30.0 % isn't told, and 10 % are allowed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_program ran = {0};
        test_scratch_write("a.json", cases[i].first, strlen(cases[i].first));
        test_scratch_write("b.json", cases[i].second, strlen(cases[i].second));
        COMPARE(&ran, "--fail-above=10%", AT("a.json"), AT("b.json"));
        if (ran.exit_code != (cases[i].message != NULL))
            fail_msg("case %zu: exit code %d: %s", i, ran.exit_code, ran.err);
        if (cases[i].message != NULL)
            assert_contains(ran.err, cases[i].message);
        test_program_free(&ran);
        COMPARE(&ran, "--fail-above=150%", AT("a.json"), AT("b.json"));
        assert_int_equal(ran.exit_code, cases[i].message != NULL &&
                                            strstr(cases[i].message, "told") == NULL &&
                                            strstr(cases[i].message, "busy") == NULL);
        test_program_free(&ran);
    }
}

/* However many layers share a chance of being wrong, the passes have their own. */
static void layers_leave_passes_their_error(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        const double ms = side == 0 ? 10 : 12;
        FILE *file = fopen(AT(side == 0 ? "a.json" : "b.json"), "wb");
        assert_non_null(file);
        fprintf(file,
                "{\"schema\": 1, \"device\": {\"name\": \"one\", \"platform\": \"p\"}, \"model\": "
                "\"m\", \"peak\": {\"fma_gflops\": 1, \"read_gbps\": 1}, \"results\": [{\"batch\": "
                "1, \"median_ms\": %g, \"min_ms\": %g, \"samples_ms\": [%g",
                ms, ms, ms);
        for (int i = 1; i < 9; i++)
            fprintf(file, ", %g", ms);
        fputs("], \"layers\": [", file);
        for (int i = 0; i < 300; i++)
            fprintf(file, "%s{\"name\": \"l%d\", \"variant\": \"v\", \"ms\": 1}", i > 0 ? ", " : "",
                    i);
        fputs("]}]}\n", file);
        assert_int_equal(fclose(file), 0);
    }
    test_program ran = {0};
    COMPARE(&ran, "--fail-above=50%", AT("a.json"), AT("b.json"));
    assert_string_equal(ran.err, "");
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "\nbatch 1, B against A: slower by 20.0 % (");
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
        cmocka_unit_test(busy_machines_are_noise),
        cmocka_unit_test(other_work_is_refused),
        cmocka_unit_test(limits_fail),
        cmocka_unit_test(limits_fail_where_nothing_is_told),
        cmocka_unit_test(layers_leave_passes_their_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

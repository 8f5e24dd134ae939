/* test_cli_bench_page.c — `clvgg report`: a page of what `clvgg bench` wrote here, and of files and
 * folders that can't be shown. */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/changed_kernels.h"
#include "support/files.h"
#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define REPORT(program, ...)                                                                       \
    test_program_run(program, (const char *[]){PROGRAM, "report", __VA_ARGS__, NULL})

static const char small[] = "{\"schema\": 1, \"device\": {\"name\": \"d\", \"platform\": \"p\"}, "
                            "\"model\": \"/somewhere/m\","
                            " \"peak\": {\"fma_gflops\": 300, \"read_gbps\": 15},"
                            " \"results\": [{\"batch\": 1, \"median_ms\": 5.25, \"min_ms\": 4}]}";

static cJSON *read_json(const char *path)
{
    size_t size;
    char *text = file_read(path, &size);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    free(text);
    return json;
}

/* Every time, rate and kernel that the benchmark states is on the page, as it states it. */
static void test_page_of_a_benchmark(void **state)
{
    (void)state;
    size_t size;
    char words[128];
    test_program ran = {0};
    char *out = strdup(test_scratch_path("bench.json")),
         *page = strdup(test_scratch_path("p.html"));
    assert_non_null(out);
    assert_non_null(page);
    test_program_run(&ran,
                     (const char *[]){PROGRAM, "bench", "--model",
                                      test_scratch_path("net.safetensors"), "--batch", "1,3",
                                      "--min-time", "0.01", "--per-layer", "--out", out, NULL});
    assert_int_equal(ran.exit_code, 0);
    test_program_free(&ran);
    REPORT(&ran, out, "--out", page);
    assert_string_equal(ran.err, "");
    assert_string_equal(ran.out, "");
    assert_int_equal(ran.exit_code, 0);
    test_program_free(&ran);
    char *html = file_read(page, &size);
    cJSON *json = read_json(out);
    const cJSON *result = NULL, *layer = NULL;
    assert_contains(html, string(member(json, "device"), "name"));
    assert_contains(html, "aria-label=\"Roofline of ");
    cJSON_ArrayForEach(result, member(json, "results"))
    {
        snprintf(words, sizeof words, "<h3>Batch %d</h3>", integer(result, "batch"));
        assert_contains(html, words);
        snprintf(words, sizeof words, "<span class=\"value\">%.2f", number(result, "median_ms"));
        if (number(result, "median_ms") >= 0.1) /* less has more digits */
            assert_contains(html, words);
        cJSON_ArrayForEach(layer, member(result, "layers"))
        {
            snprintf(words, sizeof words, "<th scope=\"row\">%s</th>", string(layer, "name"));
            assert_contains(html, words);
            snprintf(words, sizeof words, "<code>%s</code>", string(layer, "variant"));
            assert_contains(html, words);
            snprintf(words, sizeof words, "data-run=\"0\">%.3f</td>", number(layer, "ms"));
            if (number(layer, "ms") >= 0.01)
                assert_contains(html, words);
        }
    }
    cJSON_Delete(json);
    free(html);
    free(out);
    free(page);
}

static void test_folder(void **state)
{
    (void)state;
    size_t size;
    test_program ran = {0};
    test_scratch_folder("results");
    test_scratch_write("results/b.json", small, strlen(small));
    test_scratch_write("results/a.json", small, strlen(small));
    test_scratch_write("results/other.json", "{\"name\": 1}", 11);
    test_scratch_write("results/notes.txt", "no", 2);
    REPORT(&ran, test_scratch_path("results"), "-o", test_scratch_path("folder.html"));
    assert_int_equal(ran.exit_code, 0);
    test_program_free(&ran);
    char *html = file_read(test_scratch_path("folder.html"), &size);
    assert_contains(html, "<title>Benchmarks: 2 results</title>");
    assert_contains(html, "<span>a.json</span>");
    assert_contains(html, "5.25 ms");
    assert_null(strstr(html, "somewhere")); /* the model's file */
    free(html);
    test_scratch_folder("results/more"); /* of one name: where they lie isn't told */
    test_scratch_write("results/more/a.json", small, strlen(small));
    REPORT(&ran, test_scratch_path("results/a.json"), test_scratch_path("results/more/a.json"),
           "-o", test_scratch_path("folder.html"));
    assert_int_equal(ran.exit_code, 0);
    test_program_free(&ran);
    html = file_read(test_scratch_path("folder.html"), &size);
    assert_contains(html, "file 1</span>");
    assert_contains(html, "file 2</span>");
    assert_null(strstr(html, "more"));
    free(html);
}

/* Nor does the result itself, of a benchmark that a kernel's file ended which isn't there. */
static void test_error_names_no_folder(void **state)
{
    (void)state;
    char setting[300];
    test_program ran = {.environment = (const char *const[]){setting, NULL}};
    changed_kernels_write("winograd_batched.cl", "winograd", "winograd");
    assert_int_equal(unlink(test_scratch_path("winograd_batched.cl")), 0);
    test_scratch_folder("Secret Files");
    assert_int_equal(symlink("..", test_scratch_path("Secret Files/kernels")), 0);
    snprintf(setting, sizeof setting, "CLVGG_KERNEL_DIR=%s",
             test_scratch_path("Secret Files/kernels"));
    test_program_run(&ran, (const char *[]){PROGRAM, "bench", "--json", "--model",
                                            test_scratch_path("net.safetensors"), "--layer",
                                            "conv1_1", "--variant", "*=winograd_f4_batched",
                                            "--min-time", "0.001", "--no-cold", NULL});
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "Secret Files/kernels/winograd_batched.cl: can't be opened");
    cJSON *json = test_program_json(&ran);
    assert_string_equal(string(json, "error"),
                        "kernels/winograd_batched.cl: can't be opened: No such file or directory");
    cJSON_Delete(json);
    test_program_free(&ran);
}

/* What ended a result, and what it was run with, may name folders and users: the page doesn't. */
static void test_page_names_nobody(void **state)
{
    (void)state;
    static const char ended[] =
        "{\"schema\": 1, \"device\": {\"name\": \"d\", \"platform\": null}, \"model\": \"m\","
        " \"peak\": {\"fma_gflops\": null, \"read_gbps\": null},"
        " \"options\": {\"affinity\": \"/home/jd oe/vault/out.txt\"},"
        " \"environment\": {\"POCL_DEBUG\": \"/srv/vault/log\"},"
        " \"results\": [{\"batch\": 1, \"median_ms\": 5.25, \"min_ms\": 4}],"
        " \"error\": \"/srv/vault/a.cl:3: bad word of jdoe in /home/jd oe/vault/b.h\"}";
    size_t size;
    test_program ran = {.environment = (const char *const[]){"HOME=/home/jd oe", "USER=jdoe",
                                                             "LOGNAME=jdoe", NULL}};
    test_scratch_write("ended.json", ended, strlen(ended));
    REPORT(&ran, test_scratch_path("ended.json"), "-o", test_scratch_path("ended.html"));
    assert_int_equal(ran.exit_code, 0);
    test_program_free(&ran);
    char *html = file_read(test_scratch_path("ended.html"), &size);
    assert_contains(html, ".../a.cl:3: bad word of (user) in ~/.../b.h");
    assert_contains(html, "affinity = ~/.../out.txt");
    assert_contains(html, "POCL_DEBUG = .../log");
    assert_null(strstr(html, "jdoe"));
    assert_null(strstr(html, "jd oe"));
    assert_null(strstr(html, "vault"));
    free(html);
}

/* Nothing is written then. */
static void test_bad_files(void **state)
{
    (void)state;
    test_scratch_folder("empty");
    test_scratch_write("bad.json", "{\"schema\": 1}", 13);
    test_scratch_write("text.json", "hello", 5);
    test_scratch_write("nothing.json", "{\"devices\": []}", 15);
    test_scratch_write("new.json", "{\"schema\": \"clvgg-bench/9\"}", 27);
    test_scratch_write("good.json", small, strlen(small));
    static const struct {
        const char *name, *words;
    } bad[] = {{"bad.json", "bad.json: not a result of clvgg bench: '"},
               {"nothing.json", "nothing.json: not a result of clvgg bench: 'devices' must be"},
               {"text.json", "text.json: not a result of clvgg bench: not a JSON object"},
               {"new.json", "new.json: schema clvgg-bench/9, this version reads clvgg-bench/1"},
               {"empty", "empty: holds no result of clvgg bench (*.json)"},
               {"gone.json", "gone.json: "}};
    test_program ran = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        REPORT(&ran, test_scratch_path("good.json"), test_scratch_path(bad[i].name),
               test_scratch_path("text.json"), "--out", test_scratch_path("none.html"));
        assert_int_equal(ran.exit_code, 1);
        assert_contains(ran.err, bad[i].words);
        assert_contains(ran.err, "text.json"); /* all bad ones are named */
        assert_false(file_exists(test_scratch_path("none.html")));
        test_program_free(&ran);
    }
    REPORT(&ran, test_scratch_path("good.json"), "--out", test_scratch_path("no/where.html"));
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "where.html: ");
    test_program_free(&ran);
    REPORT(&ran, test_scratch_path("good.json"), "--out", test_scratch_path("good.json"));
    assert_int_equal(ran.exit_code, 2);
    assert_contains(ran.err, "--out would replace ");
    test_program_free(&ran);
    size_t size;
    char *kept = file_read(test_scratch_path("good.json"), &size);
    assert_string_equal(kept, small);
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_of_a_benchmark), cmocka_unit_test(test_folder),
        cmocka_unit_test(test_page_names_nobody),   cmocka_unit_test(test_error_names_no_folder),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, test_scratch_setup, test_scratch_teardown);
}

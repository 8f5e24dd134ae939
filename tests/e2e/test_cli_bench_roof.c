/* test_cli_bench_roof.c — `clvgg bench --roof`: every figure has its member and its row. No figure
 * is judged.
 */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define BENCH(program, ...)                                                                        \
    test_program_run(program,                                                                      \
                     (const char *[]){PROGRAM, "bench", "--min-time", "0.01", "--layer",           \
                                      "relu1_1", "--model", test_scratch_path("net.safetensors"),  \
                                      __VA_ARGS__, NULL})

/* Each is a number, or among what is unreadable, with a reason. */
static void check_sensors(const cJSON *sensors)
{
    static const char *const names[] = {"clock_mhz", "power_w", "temperature_c", "load_average"};
    static const char *const when[] = {"before", "after"};
    for (int i = 0; i < 2; i++) {
        const cJSON *read = cJSON_GetObjectItem(sensors, when[i]);
        int missing = 0;
        for (size_t j = 0; j < sizeof names / sizeof *names; j++)
            missing += !cJSON_IsNumber(cJSON_GetObjectItem(read, names[j]));
        const cJSON *reasons = cJSON_GetObjectItem(read, "unreadable"), *reason;
        assert_int_equal(cJSON_GetArraySize(reasons), missing);
        cJSON_ArrayForEach(reason, reasons)
        {
            assert_true(cJSON_IsNull(cJSON_GetObjectItem(read, string(reason, "what"))));
            assert_true(strlen(string(reason, "why")) > 3);
        }
    }
}

static void test_json(void **state)
{
    (void)state;
    static const char *const always[] = {
        "fma_f32_gflops",       "read_gbps", "write_gbps",          "copy_gbps",
        "near_cache_read_gbps", "launch_ms", "transfer_latency_ms", "upload_gbps",
        "download_gbps"};
    static const char *const sometimes[] = {"fma_f16_gflops", "matrix_bf16_gflops",
                                            "dot_int8_gops",  "cache_read_gbps",
                                            "cache_bytes",    "local_gbps"};
    test_program ran = {0};
    BENCH(&ran, "--roof", "--json");
    if (ran.exit_code != 0)
        fail_msg("%s", ran.err);
    cJSON *json = test_program_json(&ran);
    const cJSON *roof = cJSON_GetObjectItem(json, "roof"),
                *peak = cJSON_GetObjectItem(json, "peak");
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (!(number(roof, always[i]) > 0))
            fail_msg("%s isn't above 0", always[i]);
    for (size_t i = 0; i < sizeof sometimes / sizeof *sometimes; i++) {
        const cJSON *member = cJSON_GetObjectItem(roof, sometimes[i]);
        if (!cJSON_IsNull(member) && !(cJSON_IsNumber(member) && member->valuedouble > 0))
            fail_msg("%s is neither null nor above 0", sometimes[i]);
    }
    assert_int_equal(cJSON_GetArraySize(roof), 15);
    assert_true(number(roof, "fma_f32_gflops") == number(peak, "fma_gflops"));
    assert_true(number(roof, "read_gbps") == number(peak, "read_gbps"));
    check_sensors(cJSON_GetObjectItem(json, "sensors"));
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void test_text(void **state)
{
    (void)state;
    test_program_skip_when_small("test_text");
    test_program with = {0}, without = {0};
    BENCH(&with, "--roof");
    assert_int_equal(with.exit_code, 0);
    assert_contains(with.out, "\nmultiplying and adding, float32 ");
    assert_contains(with.out, "\nfrom the device ");
    assert_contains(with.out, "median ms");
    assert_contains(with.out, "\nload average ");
    BENCH(&without, "--json");
    assert_int_equal(without.exit_code, 0);
    assert_null(strstr(without.out, "\"roof\""));
    test_program_free(&with);
    test_program_free(&without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, test_scratch_setup, test_scratch_teardown);
}

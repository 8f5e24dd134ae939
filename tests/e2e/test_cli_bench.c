/* test_cli_bench.c — `clvgg bench` on a small network, `clvgg compare` on what it wrote. No time is
 * judged.
 */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/bench_checks.h"
#include "support/changed_kernels.h"
#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define BENCH(program, ...)                                                                        \
    test_program_run(program,                                                                      \
                     (const char *[]){PROGRAM, "bench", "--min-time", "0.01", "--model",           \
                                      test_scratch_path("net.safetensors"), __VA_ARGS__, NULL})
#define COMPARE(program, ...)                                                                      \
    test_program_run(program, (const char *[]){PROGRAM, "compare", __VA_ARGS__, NULL})

/* Times add up and figures follow from each other. */
static void check_result(const cJSON *json, const cJSON *result, int batch)
{
    const double fma = number(cJSON_GetObjectItem(json, "peak"), "fma_gflops");
    assert_int_equal((int)number(result, "batch"), batch);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(result, "wrong")));
    assert_true(number(result, "error_l2") >= 0 && number(result, "error_l2") < 1e-5);
    assert_true(number(result, "repetitions") >= 9);
    const double median = number(result, "median_ms");
    assert_true(number(result, "min_ms") > 0 && number(result, "min_ms") <= median);
    assert_true(number(result, "first_ms") > 0 && number(result, "kernel_ms") > 0);
    assert_true(number(result, "upload_ms") > 0 && number(result, "download_ms") > 0);
    assert_true(fabs(number(result, "gflops") - number(json, "flops") * batch / median / 1e6) <
                1e-6 * number(result, "gflops"));
    assert_int_equal(strlen(string(result, "fingerprint")), 16);
    bench_check_samples(result);
    bool found = false;
    const cJSON *layer = NULL;
    cJSON_ArrayForEach(layer, cJSON_GetObjectItem(result, "layers"))
    {
        if (cJSON_IsNull(cJSON_GetObjectItem(layer, "ms")))
            continue; /* shorter than a tick */
        const double gflops = number(layer, "gflops");
        assert_true(number(layer, "ms") > 0 && number(layer, "executed_gflops") >= 0);
        assert_true(fabs(number(layer, "fma_share") * fma - gflops) <= 1e-6 * gflops);
        assert_true(number(layer, "read_share") >= 0);
        assert_null(strchr(string(layer, "name"), '+'));
        assert_memory_equal(string(layer, "layers"), string(layer, "name"),
                            strlen(string(layer, "name")));
        assert_true(strlen(string(layer, "variant")) > 3);
        if (strcmp(string(layer, "layers"), "conv1_1+relu1_1+pool1") == 0) { /* 64 of 3x3x3 */
            assert_true(number(layer, "flops") == 2.0 * batch * 32 * 32 * 64 * 27);
            assert_true(number(layer, "bytes") ==
                        number(layer, "weight_bytes") + 4.0 * batch * (3 * 32 * 32 + 64 * 16 * 16));
        }
        found = found || strcmp(string(layer, "name"), "conv3_2") == 0;
    }
    assert_true(found);
}

static void test_json(void **state)
{
    (void)state;
    test_program_skip_when_small("test_json");
    test_program ran = {0};
    BENCH(&ran, "--json", "--per-layer", "--batch", "3,1", "--out", test_scratch_path("out.json"));
    if (ran.exit_code != 0)
        fail_msg("%s", ran.err);
    assert_string_equal(ran.err, "");
    cJSON *json = test_program_json(&ran);
    bench_check_head(json);
    assert_int_equal(cJSON_GetArraySize(member(json, "input")), 3);
    assert_int_equal(cJSON_GetArrayItem(member(json, "input"), 1)->valueint, 32);
    assert_true(strlen(string(cJSON_GetObjectItem(json, "device"), "name")) > 0);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(json, "tuned")));
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(json, "random_weights")));
    assert_string_equal(string(json, "architecture"), "vgg11");
    assert_true(number(cJSON_GetObjectItem(json, "peak"), "read_gbps") > 0);
    assert_true(number(json, "peak_bytes") > 1e6);
    const cJSON *results = cJSON_GetObjectItem(json, "results");
    assert_int_equal(cJSON_GetArraySize(results), 2);
    check_result(json, cJSON_GetArrayItem(results, 0), 3);
    check_result(json, cJSON_GetArrayItem(results, 1), 1);
    cJSON_Delete(json);

    test_program compared = {0};
    FILE *file = fopen(test_scratch_path("out.json"), "rb");
    assert_non_null(file);
    char *saved = calloc(1 << 20, 1);
    assert_in_range(fread(saved, 1, (1 << 20) - 1, file), 1, (1 << 20) - 2);
    fclose(file);
    assert_string_equal(saved, ran.out);
    free(saved);
    COMPARE(&compared, test_scratch_path("out.json"), test_scratch_path("out.json"));
    assert_int_equal(compared.exit_code, 0);
    assert_contains(compared.out, "\nbatch 3, ms ");
    assert_contains(compared.out, "\nbatch 1, ms ");
    assert_contains(compared.out, "\nconv3_2 ");
    test_program_free(&compared);
    test_program_free(&ran);
}

static void test_text(void **state)
{
    (void)state;
    test_program_skip_when_small("test_text");
    test_program ran = {0};
    BENCH(&ran, "--batch", "2");
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "(vgg11), input 3 x 32 x 32");
    assert_contains(ran.out, " GB/s reading\n");
    assert_contains(ran.out, "median ms ");
    assert_contains(ran.out, " p90 ms ");
    assert_contains(ran.out, " ± ");
    assert_contains(ran.out, "first ms  cold ms  upload ms  download ms ");
    assert_contains(ran.out, " drift ");
    assert_contains(ran.out, "\n    2  ");
    assert_null(strstr(ran.out, "conv1_1"));
    test_program_free(&ran);
    test_program detailed = {0};
    BENCH(&detailed, "--per-layer", "--variant", "conv2_1=conv_direct");
    assert_int_equal(detailed.exit_code, 0);
    assert_contains(detailed.out, "'s clock, ");
    assert_contains(strstr(detailed.out, "conv2_1"), "conv_direct ");
    test_program_free(&detailed);
}

/* Bench ends on slow devices too, such as a network of one layer on llvmpipe, which has no clock,
 * and says whose clock it used. Unknown figures are null, never 0. */
static void test_whose_clock(void **state)
{
    (void)state;
    test_program ran = {0};
    BENCH(&ran, "--layer", "relu1_1", "--per-layer", "--json");
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const char *platform = string(cJSON_GetObjectItem(json, "device"), "platform");
    if (strcmp(platform, "rusticl") == 0)
        assert_string_equal(string(json, "clock"), "host");
    else
        assert_string_equal(string(json, "clock"), "device");
    const cJSON *peak = cJSON_GetObjectItem(json, "peak");
    assert_true(number(peak, "fma_gflops") > 0 && number(peak, "read_gbps") > 0);
    const cJSON *result = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), 0), *layer;
    static const char *const measured[] = {"ms", "gflops", "executed_gflops", "fma_share"};
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(result, "layers")) > 0);
    cJSON_ArrayForEach(layer, cJSON_GetObjectItem(result, "layers")) for (size_t i = 0; i < 4; i++)
    {
        const cJSON *value = cJSON_GetObjectItem(layer, measured[i]);
        if (!cJSON_IsNull(value) && i == 0)
            assert_true(cJSON_IsNumber(value) && value->valuedouble > 0);
        assert_int_equal(cJSON_IsNull(value), cJSON_IsNull(cJSON_GetObjectItem(layer, "ms")));
    }
    cJSON_Delete(json);
    test_program_free(&ran);
}

/* Rounded weights: more than float32's error, within the storage's own limit. */
static void test_storage(void **state)
{
    (void)state;
    test_program_skip_when_small("test_storage");
    test_program ran = {0};
    BENCH(&ran, "--max-time", "0.009");
    assert_int_equal(ran.exit_code, 2);
    assert_contains(ran.err, "--max-time 0.009 is less than --min-time 0.01");
    test_program_free(&ran);
    BENCH(&ran, "--json", "--storage", "bf16", "--no-cold", "--max-time", "0.02");
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    assert_string_equal(string(json, "storage"), "bf16");
    const cJSON *result = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), 0);
    assert_string_equal(string(result, "storage"), "bf16");
    assert_true(cJSON_IsNull(member(result, "cold_ms")));
    assert_true(cJSON_IsFalse(member(member(json, "options"), "cold")));
    assert_true(number(member(json, "options"), "max_time_s") == 0.02);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(result, "wrong")));
    assert_true(number(result, "error_l2") > 1e-4 && number(result, "error_l2") <= 1.5e-2);
    cJSON_Delete(json);
    test_program_free(&ran);
}

/* Up to a layer: no step behind it, its FLOPs alone. */
static void test_layer(void **state)
{
    (void)state;
    test_program_skip_when_small("test_layer");
    test_program ran = {0};
    BENCH(&ran, "--json", "--per-layer", "--layer", "pool2");
    if (ran.exit_code != 0)
        fail_msg("%s", ran.err);
    cJSON *json = test_program_json(&ran);
    assert_string_equal(string(json, "layer"), "pool2");
    const cJSON *result = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), 0);
    assert_true(number(result, "error_l2") >= 0 && number(result, "error_l2") < 1e-5);
    double flops = 0;
    const cJSON *layer = NULL;
    cJSON_ArrayForEach(layer, cJSON_GetObjectItem(result, "layers"))
    {
        assert_true(string(layer, "layers")[4] < '3'); /* conv1_1, pool1, conv2_1, pool2 */
        flops += number(layer, "gflops") * number(layer, "ms") * 1e6;
    }
    assert_true(fabs(flops - number(json, "flops")) < 1e-6 * flops);
    cJSON_Delete(json);
    test_program_free(&ran);
    /* Larger than what photographs of the usual size are resized to. */
    test_program_run(&ran,
                     (const char *[]){PROGRAM, "bench", "--model", "vgg11", "--layer", "pool1",
                                      "--input-size", "288", "--min-time", "0.01", NULL});
    assert_contains(ran.out, "input 3 x 288 x 288, up to pool1, ");
    test_program_free(&ran);
    BENCH(&ran, "--layer", "pool1");
    assert_contains(ran.out, "input 3 x 32 x 32, up to pool1, ");
    test_program_free(&ran);
}

static void test_failures(void **state)
{
    (void)state;
    test_program_skip_when_small("test_failures");
    const struct {
        const char *option, *value, *message;
        int exit_code;
    } cases[] = {
        {"--out", test_scratch_path("net.safetensors/out.json"), "net.safetensors/out.json", 1},
        {"--variant", "conv1_1=conv_drect", "there is no 'conv_drect'", 2},
        {"--layer", "pool9", "the model has no layer 'pool9'", 2},
        {"--device", "999", "999", 1},
        {"--model", test_scratch_path("absent"), "absent: ", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_program ran = {0};
        BENCH(&ran, cases[i].option, cases[i].value);
        assert_int_equal(ran.exit_code, cases[i].exit_code);
        assert_contains(ran.err, cases[i].message);
        test_program_free(&ran);
    }
}

/* The definition of convolution is off: the reference then contradicts every session. */
static void test_wrong_results_are_not_timed(void **state)
{
    (void)state;
    test_program_skip_when_small("test_wrong_results_are_not_timed");
    const char *setting =
        changed_kernels_write("conv_direct.cl", "sum += bias[bias_offset + k];", "sum -= bias[bias_offset + k];");
    test_program ran = {.environment = (const char *[]){setting, NULL}};
    BENCH(&ran, "--per-layer", "--json", "--out", test_scratch_path("wrong.json"));
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "batch 1: the logits are wrong, ");
    cJSON *json = test_program_json(&ran);
    const cJSON *result = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), 0);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(result, "wrong")));
    assert_true(number(result, "error_l2") > 1e-4);
    assert_null(cJSON_GetObjectItem(result, "median_ms"));
    assert_null(cJSON_GetObjectItem(result, "layers"));
    cJSON_Delete(json);
    test_program_free(&ran);

    test_program compared = {0};
    COMPARE(&compared, test_scratch_path("wrong.json"), test_scratch_path("wrong.json"));
    assert_int_equal(compared.exit_code, 0);
    assert_contains(compared.out, "\na pass       wrong  wrong\n");
    test_program_free(&compared);
}

/* A signal stops behind the batch in progress; neither the file nor what it grew from is left. */
static void test_signal_ends_in_order(void **state)
{
    (void)state;
    test_program_skip_when_small("test_signal_ends_in_order");
    static const char script[] =
        "program=$1 net=$2; cd \"$3\" || exit 9\n"
        "\"$program\" bench --json --model \"$net\" --batch 1,2,3,4,5,6,7,8,9,10,11,12 --min-time "
        "2 "
        "--out stopped.json & run=$!\n"
        "until ls .stopped.json.*.tmp; do kill -0 $run || exit 8; sleep 0.01; done > ls\n"
        "sleep 1\n" /* signals are watched for right after the file was made */
        "kill -TERM $run; wait $run; status=$?\n"
        "ls -A | grep -q stopped && exit 7; exit $status";
    test_program ran = {0};
    test_program_run(&ran, (const char *[]){"/bin/sh", "-c", script, "sh", PROGRAM,
                                            test_scratch_path("net.safetensors"),
                                            test_scratch_path("."), NULL});
    assert_int_equal(ran.exit_code, 128 + SIGTERM);
    assert_contains(ran.err, "clvgg bench: interrupted after ");
    cJSON *json = test_program_json(&ran);
    assert_string_equal(string(json, "error"), "interrupted");
    cJSON_Delete(json);
    test_program_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_storage),
        cmocka_unit_test(test_whose_clock),
        cmocka_unit_test(test_layer),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_wrong_results_are_not_timed),
        cmocka_unit_test(test_signal_ends_in_order),
    };
    return cmocka_run_group_tests(tests, test_scratch_setup, test_scratch_teardown);
}

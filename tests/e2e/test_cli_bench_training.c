/* test_cli_bench_training.c — `clvgg bench --mode finetune`: figures that follow from each other,
 * and steps that are wrong. No time is judged.
 */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/bench_checks.h"
#include "support/changed_kernels.h"
#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

enum { FEATURES = 512 }; /* of the small network */
#define BENCH(program, ...)                                                                        \
    test_program_run(program,                                                                      \
                     (const char *[]){PROGRAM, "bench", "--mode", "finetune", "--min-time",        \
                                      "0.01", "--model", test_scratch_path("net.safetensors"),     \
                                      "--head", "70,33", __VA_ARGS__, NULL})

/* Each part of a step, once, in its order. */
static void check_parts(const cJSON *result)
{
    static const char *const parts[] = {"fc6 forward", "fc7 forward",       "fc8 forward",
                                        "fc8 loss",    "fc8 data gradient", "fc7 data gradient",
                                        "fc8 update",  "fc7 update",        "fc6 update"};
    const cJSON *layers = cJSON_GetObjectItem(result, "layers");
    double sum = 0;
    assert_int_equal(cJSON_GetArraySize(layers), sizeof parts / sizeof *parts);
    for (int i = 0; i < cJSON_GetArraySize(layers); i++) {
        const cJSON *layer = cJSON_GetArrayItem(layers, i);
        assert_string_equal(cJSON_GetObjectItem(layer, "name")->valuestring, parts[i]);
        if (cJSON_IsNull(cJSON_GetObjectItem(layer, "ms")))
            continue;                                           /* shorter than a tick */
        assert_true((number(layer, "gflops") > 0) == (i != 3)); /* the loss isn't counted */
        sum += number(layer, "ms");
    }
    assert_true(sum > 0 && number(result, "kernel_ms") > 0);
}

static void steps_are_checked_and_timed(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    static const char *const optimizers[] = {"sgd", "adam", "adamw"};
    for (int o = 0; o < 3; o++) {
        test_program ran = {0};
        BENCH(&ran, "--json", "--per-layer", "--classes", "5", "--batch", "3,17", "--optimizer",
              optimizers[o]);
        if (ran.exit_code != 0)
            fail_msg("%s", ran.err);
        cJSON *json = test_program_json(&ran);
        bench_check_head(json);
        assert_string_equal(cJSON_GetObjectItem(json, "mode")->valuestring, "finetune");
        assert_string_equal(cJSON_GetObjectItem(json, "model")->valuestring, "512-70-33-5");
        assert_string_equal(cJSON_GetObjectItem(json, "optimizer")->valuestring, optimizers[o]);
        assert_int_equal((int)number(json, "features"), FEATURES);
        assert_int_equal((int)number(json, "flops"), 4 * FEATURES * 70 + 6 * (70 * 33 + 33 * 5));
        const cJSON *results = cJSON_GetObjectItem(json, "results");
        assert_int_equal(cJSON_GetArraySize(results), 2);
        for (int i = 0; i < 2; i++) {
            const cJSON *result = cJSON_GetArrayItem(results, i);
            assert_int_equal((int)number(result, "batch"), i == 0 ? 3 : 17);
            assert_true(number(result, "error_l2") < 2e-5);
            assert_true(number(result, "repetitions") >= 9);
            assert_true(number(result, "min_ms") > 0 &&
                        number(result, "min_ms") <= number(result, "median_ms"));
            assert_true(number(result, "device_bytes") > 4.0 * FEATURES * 70 * (o > 0 ? 3 : 2));
            assert_true(number(result, "upload_ms") > 0 && number(result, "download_ms") > 0);
            check_parts(result);
            bench_check_samples(result);
        }
        cJSON_Delete(json);
        test_program_free(&ran);
    }
}

static void a_table_is_for_people(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program ran = {0};
    BENCH(&ran, "--batch", "2", "--per-layer", "--head", "none");
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, " 512-2, training with SGD, ");
    assert_contains(ran.out, "\nfc8 update ");
    assert_contains(ran.out, "\n    2  ");
    test_program_free(&ran);
}

/* A wrong step may be wrong in the forward pass, the gradient or the optimiser. */
static void wrong_steps_are_not_timed(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    static const char *const changes[][3] = {
        {"cross_entropy.cl", "log(sum) +", "log(sum) -"},
        {"dropout.cl", "d *= factor[i];", "d += factor[i];"},
        {"update_direct.cl", "g *= hyper.s0", "g -= hyper.s0"},
    };
    for (size_t c = 0; c < sizeof changes / sizeof *changes; c++) {
        const char *setting = changed_kernels_write(changes[c][0], changes[c][1], changes[c][2]);
        test_program ran = {.environment = (const char *[]){setting, NULL}};
        BENCH(&ran, "--json", "--batch", "4");
        if (ran.exit_code != 1)
            fail_msg("%s: exit code %d: %s", changes[c][0], ran.exit_code, ran.err);
        assert_contains(ran.err, "batch 4: the step's losses and weights are wrong, ");
        cJSON *json = test_program_json(&ran);
        const cJSON *result = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), 0);
        assert_true(cJSON_IsTrue(cJSON_GetObjectItem(result, "wrong")));
        assert_null(cJSON_GetObjectItem(result, "median_ms"));
        cJSON_Delete(json);
        test_program_free(&ran);
    }
}

static void options_of_the_other_mode_are_refused(void **state)
{
    (void)state;
    static const char *const lines[][3] = {{"--head", "4,4", "--head is for --mode finetune"},
                                           {"--classes", "3", "--classes is for --mode finetune"},
                                           {"--optimizer", "sgd", "--optimizer is for --mode"}};
    for (size_t i = 0; i < 3; i++) {
        test_program ran = {0};
        test_program_run(&ran, (const char *[]){PROGRAM, "bench", lines[i][0], lines[i][1], NULL});
        assert_int_equal(ran.exit_code, 2);
        assert_contains(ran.err, lines[i][2]);
        test_program_free(&ran);
    }
    static const char *const others[][3] = {{"--layer", "pool5", "--layer is for --mode infer"},
                                            {"--storage", "f16", "--storage is for --mode infer"},
                                            {"--gemm", "own", "--gemm is for --mode infer"},
                                            {"--variant", "a=b", "--variant is for --mode infer"},
                                            {"--head", "7", "--head takes two widths"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        test_program ran = {0};
        BENCH(&ran, others[i][0], others[i][1]);
        assert_int_equal(ran.exit_code, 2);
        assert_contains(ran.err, others[i][2]);
        test_program_free(&ran);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_checked_and_timed),
        cmocka_unit_test(a_table_is_for_people),
        cmocka_unit_test(wrong_steps_are_not_timed),
        cmocka_unit_test(options_of_the_other_mode_are_refused),
    };
    return cmocka_run_group_tests(tests, test_scratch_setup, test_scratch_teardown);
}

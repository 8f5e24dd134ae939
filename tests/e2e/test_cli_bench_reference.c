/* test_cli_bench_reference.c — what `clvgg bench` compares logits with, and whose weights it has.
 */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/changed_kernels.h"
#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define VGG11_WEIGHTS "264829af763abf2aca6b1972cb733045acc579f7b1df13113beea6b8abe9e39f"
#define BENCH(program, ...)                                                                        \
    test_program_run(program, (const char *[]){PROGRAM, "bench", "--min-time", "0.01", "--model",  \
                                               __VA_ARGS__, NULL})

static const cJSON *result_of(const cJSON *json)
{
    return cJSON_GetArrayItem(member(json, "results"), 0);
}

static void standard_networks_have_stored_logits(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program ran = {0};
    BENCH(&ran, "vgg11", "--json", "--batch", "2");
    if (ran.exit_code != 0)
        fail_msg("%s", ran.err);
    cJSON *json = test_program_json(&ran);
    assert_true(cJSON_IsTrue(member(json, "random_weights")));
    assert_int_equal(integer(member(json, "weights"), "seed"), 1);
    assert_string_equal(string(member(json, "weights"), "sha256"), VGG11_WEIGHTS);
    assert_string_equal(string(result_of(json), "reference"), "float64");
    assert_true(number(result_of(json), "error_l2") > 0);
    assert_true(number(result_of(json), "error_l2") < 2e-5);
    cJSON_Delete(json);
    test_program_free(&ran);
}

/* A kernel that the definition has too, and that is wrong at the image's edge: what is computed by
 * it can't contradict it. */
static void a_wrong_definition_is_found(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    const char *setting = changed_kernels_write("conv_direct.cl", "iy >= 0", "iy >= 1");
    test_program ran = {.environment = (const char *[]){setting, NULL}};
    BENCH(&ran, "vgg11", "--json", "--variant", "conv1_1=conv_direct");
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "batch 1: the logits are wrong, ");
    cJSON *json = test_program_json(&ran);
    assert_true(cJSON_IsTrue(member(result_of(json), "wrong")));
    assert_null(cJSON_GetObjectItem(result_of(json), "median_ms"));
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void others_have_their_definition(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program ran = {0};
    BENCH(&ran, "vgg11", "--json", "--input-size", "32x64");
    if (ran.exit_code != 0)
        fail_msg("%s", ran.err);
    cJSON *json = test_program_json(&ran);
    assert_string_equal(string(json, "model"), "vgg11");
    assert_true(cJSON_IsTrue(member(json, "random_weights")));
    assert_int_equal(integer(member(json, "weights"), "seed"), 1);
    assert_int_equal(strlen(string(member(json, "weights"), "sha256")), 64);
    assert_true(strcmp(string(member(json, "weights"), "sha256"), VGG11_WEIGHTS) != 0);
    assert_string_equal(string(result_of(json), "reference"), "definition");
    assert_true(number(result_of(json), "error_l2") < 1e-5);
    assert_null(cJSON_GetObjectItem(result_of(json), "layers"));
    cJSON_Delete(json);
    test_program_free(&ran);
    BENCH(&ran, test_scratch_path("net.safetensors"), "--json", "--layer", "pool1");
    json = test_program_json(&ran);
    assert_true(cJSON_IsNull(member(member(json, "weights"), "seed")));
    assert_true(cJSON_IsNull(member(member(json, "weights"), "sha256")));
    assert_string_equal(string(result_of(json), "reference"), "definition");
    cJSON_Delete(json);
    test_program_free(&ran);
}

/* Layers before the logits have no stored values, but the network has its hash. */
static void text_says_whose_weights(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program ran = {0};
    BENCH(&ran, "vgg11", "--layer", "pool1");
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "\nweights of seed 1, SHA-256 " VGG11_WEIGHTS "\n");
    test_program_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standard_networks_have_stored_logits),
        cmocka_unit_test(a_wrong_definition_is_found),
        cmocka_unit_test(others_have_their_definition),
        cmocka_unit_test(text_says_whose_weights),
    };
    return cmocka_run_group_tests(tests, test_scratch_setup, test_scratch_teardown);
}

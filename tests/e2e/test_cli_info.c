/* test_cli_info.c — `clvgg info` on a small network: facts, layers, graph, memory plan. */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

/* Weights by kind: the file's float16, and as float32 all that the plan takes. */
static void check_weights(const cJSON *plan)
{
    const cJSON *row = NULL, *rows = cJSON_GetObjectItem(plan, "weights");
    int model_bytes = 0, device_bytes = 0;
    cJSON_ArrayForEach(row, rows)
    {
        const int tile = integer(row, "winograd_tile"),
                  taken = tile > 0 ? (tile + 2) * (tile + 2) : 9;
        model_bytes += integer(row, "model_bytes");
        device_bytes += integer(row, "device_bytes");
        assert_string_equal(string(row, "storage"), "f32");
        assert_true(integer(row, "device_bytes") >= 2 * integer(row, "model_bytes") / 9 * taken);
        assert_true((strstr(string(row, "reason"), "transformed for F(") != NULL) == (tile > 0));
        assert_true(strcmp(string(row, "kind"), "bias") == 0 ||
                    strstr(string(row, "reason"), "4 bytes a value, 2 in the model") != NULL);
        assert_in_range(integer(row, "layers"), 1, 16);
    }
    assert_int_equal(model_bytes, 2 * TEST_NET_PARAMETERS);
    assert_int_equal(device_bytes, integer(plan, "weight_bytes"));
    assert_string_equal(string(cJSON_GetArrayItem(rows, cJSON_GetArraySize(rows) - 1), "kind"),
                        "bias");
}

static void test_json(void **state)
{
    (void)state;
    test_program ran = {0};
    test_program_run(&ran, (const char *[]){PROGRAM, "info", "--json", "--batch", "2",
                                            test_scratch_path("net.safetensors"), NULL});
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    assert_int_equal(integer(json, "schema"), 1);
    assert_string_equal(string(json, "architecture"), "vgg11");
    assert_int_equal(integer(json, "parameters"), TEST_NET_PARAMETERS);
    const cJSON *classes = cJSON_GetObjectItem(json, "classes");
    assert_int_equal(cJSON_GetArraySize(classes), TEST_NET_CLASSES);
    for (int i = 0; i < TEST_NET_CLASSES; i++)
        assert_string_equal(cJSON_GetArrayItem(classes, i)->valuestring, test_net_labels[i]);
    int parameters = 0;
    const cJSON *layer = NULL, *first = NULL;
    cJSON_ArrayForEach(layer, cJSON_GetObjectItem(json, "layers"))
    {
        parameters += integer(layer, "parameters");
        if (strcmp(string(layer, "name"), "conv1_1") == 0)
            first = layer;
    }
    assert_int_equal(parameters, TEST_NET_PARAMETERS);
    assert_non_null(first);
    assert_string_equal(string(first, "type"), "conv2d");
    assert_int_equal(integer(first, "flops"), 2 * 64 * 3 * 9 * TEST_NET_SIDE * TEST_NET_SIDE);
    const cJSON *plan = cJSON_GetObjectItem(json, "plan");
    assert_int_equal(integer(plan, "batch"), 2);
    assert_in_range(integer(plan, "arena_bytes"), 1, integer(plan, "unshared_bytes"));
    assert_true(integer(plan, "arena_bound_bytes") <= integer(plan, "arena_bytes"));
    assert_int_equal(strlen(string(plan, "fingerprint")), 16);
    check_weights(plan);
    assert_in_range(cJSON_GetArraySize(cJSON_GetObjectItem(json, "steps")), 8, 60);
    assert_true(cJSON_IsObject(cJSON_GetObjectItem(json, "device")));
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void test_text(void **state)
{
    (void)state;
    test_program ran = {0};
    test_program_run(&ran, (const char *[]){PROGRAM, "info", test_scratch_path("net.safetensors"),
                                            "--device", "none", NULL});
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "9,224,692");
    assert_contains(ran.out, "esc\\x1b[31m");
    assert_contains(ran.out, "64 x 32 x 32");
    assert_null(strstr(ran.out, "activations"));
    test_program_free(&ran);
}

/* The model by option, and a large batch: a plan takes no memory on the device. */
static void test_large_plan(void **state)
{
    (void)state;
    test_program ran = {0};
    test_program_run(&ran,
                     (const char *[]){PROGRAM, "info", "-m", test_scratch_path("net.safetensors"),
                                      "-b", "512", "--json", NULL});
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    assert_string_equal(string(json, "architecture"), "vgg11");
    assert_int_equal(integer(cJSON_GetObjectItem(json, "plan"), "batch"), 512);
    cJSON_Delete(json);
    test_program_free(&ran);
}

/* Bytes of weights in a plan with `storage`. */
static int stored_bytes(const char *storage)
{
    test_program ran = {0};
    test_program_run(&ran, (const char *[]){PROGRAM, "info", test_scratch_path("net.safetensors"),
                                            "--storage", storage, "--json", NULL});
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *plan = cJSON_GetObjectItem(json, "plan");
    const int bytes = integer(plan, "weight_bytes");
    assert_string_equal(string(plan, "storage"), storage);
    cJSON_Delete(json);
    test_program_free(&ran);
    return bytes;
}

static void test_storage(void **state)
{
    (void)state;
    const int whole = stored_bytes("f32");
    assert_in_range(stored_bytes("f16"), whole / 4, whole * 3 / 4);
    assert_in_range(stored_bytes("bf16"), whole / 4, whole * 3 / 4);
    test_program ran = {0};
    test_program_run(&ran, (const char *[]){PROGRAM, "info", test_scratch_path("net.safetensors"),
                                            "--storage=bf16", NULL});
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "MiB as bf16, activations");
    assert_contains(ran.out, "in the model  on the device");
    test_program_free(&ran);
    test_program_run(&ran, (const char *[]){PROGRAM, "info", "--storage", "f64", NULL});
    assert_int_equal(ran.exit_code, 2);
    assert_contains(ran.err, "--storage: needs one of f32|f16|bf16|int8, got 'f64'");
    test_program_free(&ran);
}

static void test_dot(void **state)
{
    (void)state;
    test_program ran = {0};
    test_program_run(&ran, (const char *[]){PROGRAM, "info", "--dot",
                                            test_scratch_path("net.safetensors"), NULL});
    assert_int_equal(ran.exit_code, 0);
    assert_memory_equal(ran.out, "digraph", 7);
    assert_contains(ran.out, "conv1_1");
    test_program_free(&ran);
}

static void test_failures(void **state)
{
    (void)state;
    test_scratch_write("text", "not a model", 11);
    static const char *const names[] = {"text", "absent"};
    for (size_t i = 0; i < 2; i++) {
        test_program ran = {0};
        test_program_run(&ran,
                         (const char *[]){PROGRAM, "info", test_scratch_path(names[i]), NULL});
        assert_int_equal(ran.exit_code, 1);
        assert_string_equal(ran.out, "");
        assert_contains(ran.err, test_scratch_path(names[i]));
        test_program_free(&ran);
    }
    test_program ran = {0};
    test_program_run(&ran, (const char *[]){PROGRAM, "info", "--device", "999",
                                            test_scratch_path("net.safetensors"), NULL});
    assert_int_equal(ran.exit_code, 1);
    assert_string_equal(ran.out, "");
    test_program_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),       cmocka_unit_test(test_text),
        cmocka_unit_test(test_large_plan), cmocka_unit_test(test_storage),
        cmocka_unit_test(test_dot),        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, test_scratch_setup, test_scratch_teardown);
}

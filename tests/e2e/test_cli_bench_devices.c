/* test_cli_bench_devices.c — `clvgg bench --device all`: one object a device, one after the other.
 */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/bench_checks.h"
#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define BENCH(program, ...)                                                                        \
    test_program_run(program,                                                                      \
                     (const char *[]){PROGRAM, "bench", "--device", "all", "--min-time", "0.01",   \
                                      "--layer", "relu1_1", "--model",                             \
                                      test_scratch_path("net.safetensors"), __VA_ARGS__, NULL})

/* The devices that `clvgg devices` says can be used, by index. */
static int usable_devices(int indices[8])
{
    test_program ran = {0};
    int count = 0;
    test_program_run(&ran, (const char *[]){PROGRAM, "devices", "--json", NULL});
    cJSON *json = test_program_json(&ran);
    const cJSON *device;
    cJSON_ArrayForEach(device, member(json, "devices"))
    {
        if (cJSON_IsTrue(member(device, "usable")) && count < 8)
            indices[count++] = integer(device, "index");
    }
    cJSON_Delete(json);
    test_program_free(&ran);
    return count;
}

static void each_device_has_an_object(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    int indices[8];
    const int count = usable_devices(indices);
    test_program ran = {0};
    BENCH(&ran, "--json", "--batch", "2,1");
    if (ran.exit_code != 0)
        fail_msg("%s", ran.err);
    cJSON *json = test_program_json(&ran);
    const cJSON *devices = member(json, "devices");
    assert_true(count > 0);
    assert_int_equal(cJSON_GetArraySize(devices), count);
    for (int i = 0; i < count; i++) {
        const cJSON *one = cJSON_GetArrayItem(devices, i);
        bench_check_head(one);
        assert_int_equal(integer(member(one, "device"), "index"), indices[i]);
        assert_int_equal(cJSON_GetArraySize(member(one, "results")), 2);
        for (int r = 0; r < 2; r++)
            bench_check_samples(cJSON_GetArrayItem(member(one, "results"), r));
    }
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void text_has_a_part_for_each(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    int indices[8], found = 0;
    test_program ran = {0};
    BENCH(&ran, "--no-cold");
    assert_int_equal(ran.exit_code, 0);
    for (const char *at = ran.out; (at = strstr(at, "device  ")) != NULL; at++)
        found++;
    assert_int_equal(found, usable_devices(indices));
    test_program_free(&ran);
}

static void a_file_is_of_one_device(void **state)
{
    (void)state;
    test_program ran = {0};
    BENCH(&ran, "--out", test_scratch_path("all.json"));
    assert_int_equal(ran.exit_code, 2);
    assert_contains(ran.err, "--out is for one device");
    assert_null(fopen(test_scratch_path("all.json"), "rb"));
    test_program_free(&ran);
    test_program_run(&ran, (const char *[]){PROGRAM, "bench", "--device", "all", "--submit",
                                            test_scratch_path("all.json"), NULL});
    assert_int_equal(ran.exit_code, 2);
    test_program_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_device_has_an_object),
        cmocka_unit_test(text_has_a_part_for_each),
        cmocka_unit_test(a_file_is_of_one_device),
    };
    return cmocka_run_group_tests(tests, test_scratch_setup, test_scratch_teardown);
}

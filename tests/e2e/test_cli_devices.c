/* test_cli_devices.c — `clvgg devices`: the JSON object, the list for people, help without devices.
 */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "clvgg/device.h"
#include "support/files.h"
#include "support/program.h"
#include "support/text.h"

static void assert_member(const cJSON *object, const char *name, cJSON_bool (*is)(const cJSON *))
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!is(member))
        fail_msg("member %s is missing or of another type", name);
}

static void check_device(const cJSON *device, const clvgg_device_info *info)
{
    static const char *const strings[] = {"type",     "name",           "vendor",
                                          "platform", "driver_version", "opencl_version",
                                          "uuid",     "pci_address",    "unusable_reason"};
    static const char *const numbers[] = {"index",
                                          "platform_index",
                                          "device_index",
                                          "compute_units",
                                          "clock_mhz",
                                          "global_memory_bytes",
                                          "max_allocation_bytes",
                                          "local_memory_bytes",
                                          "max_work_group_size",
                                          "native_float_width"};
    static const char *const flags[] = {"half", "double", "host_unified_memory", "usable"};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        assert_member(device, strings[i], cJSON_IsString);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_member(device, numbers[i], cJSON_IsNumber);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        assert_member(device, flags[i], cJSON_IsBool);
    assert_member(device, "sub_group_sizes", cJSON_IsArray);
    assert_string_equal(cJSON_GetObjectItem(device, "name")->valuestring, info->name);
    assert_int_equal(cJSON_GetObjectItem(device, "index")->valueint, info->index);
    assert_true(cJSON_GetObjectItem(device, "local_memory_bytes")->valuedouble ==
                (double)info->local_memory_bytes); /* global: PoCL's is what is free just then */
}

static void test_json_matches_the_library(void **state)
{
    (void)state;
    clvgg_runtime *runtime = NULL;
    size_t count = 0;
    assert_int_equal(clvgg_runtime_create(NULL, &runtime), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_device_count(runtime, &count), CLVGG_STATUS_OK);
    test_program ran = {0};
    test_program_run(&ran, (const char *[]){PROGRAM, "devices", "--json", NULL});
    assert_int_equal(ran.exit_code, count > 0 ? 0 : 1);
    cJSON *json = test_program_json(&ran);
    assert_int_equal(cJSON_GetObjectItem(json, "schema")->valueint, 1);
    const cJSON *devices = cJSON_GetObjectItem(json, "devices");
    assert_int_equal(cJSON_GetArraySize(devices), count);
    for (size_t i = 0; i < count; i++) {
        clvgg_device_info info = {.struct_size = sizeof info};
        assert_int_equal(clvgg_device_query(runtime, i, &info), CLVGG_STATUS_OK);
        check_device(cJSON_GetArrayItem(devices, (int)i), &info);
    }
    cJSON_Delete(json);
    test_program_free(&ran);
    clvgg_runtime_free(runtime);
}

static void test_list_names_the_default(void **state)
{
    (void)state;
    test_program ran = {.environment = (const char *[]){"CLVGG_DEVICE=0", NULL}};
    test_program_run(&ran, (const char *[]){PROGRAM, "devices", NULL});
    assert_int_equal(ran.exit_code, 0);
    const char *first_line_end = strchr(ran.out, '\n');
    const char *marked = strstr(ran.out, "(default)");
    assert_non_null(marked);
    assert_true(marked < first_line_end);
    assert_contains(ran.out, "    compute    ");
    assert_contains(ran.out, "    memory     ");
    test_program_free(&ran);
}

static void test_no_device_is_explained(void **state)
{
    (void)state;
    char folder[] = "/tmp/clvgg-no-icd-XXXXXX", setting[64];
    assert_non_null(mkdtemp(folder));
    snprintf(setting, sizeof setting, "OCL_ICD_VENDORS=%s/", folder);
    const char *const environment[] = {setting, "CLVGG_DEVICE", NULL};
    test_program listed = {.environment = environment};
    test_program_run(&listed, (const char *[]){PROGRAM, "devices", "--json", NULL});
    assert_int_equal(listed.exit_code, 1);
    cJSON *json = test_program_json(&listed);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "devices")), 0);
    assert_contains(listed.err, folder);
    cJSON_Delete(json);
    test_program_free(&listed);
    test_program ran = {.environment = environment};
    test_program_run(&ran,
                     (const char *[]){PROGRAM, "run", "--json", TEST_DATA "/chelsea.png", NULL});
    assert_int_equal(ran.exit_code, 1);
    assert_string_equal(ran.out, "");
    assert_contains(ran.err, "'clvgg devices'");
    test_program_free(&ran);
    assert_int_equal(rmdir(folder), 0);
}

/* Without a home the program gives PoCL, where it is installed, a folder; where it has none to
 * give, it says so. */
static void test_pocl_needs_a_folder(void **state)
{
    (void)state;
    const char *vendor = "/etc/OpenCL/vendors/pocl.icd";
    if (access(vendor, R_OK) != 0) {
        print_message("SKIPPED: PoCL isn't installed\n");
        skip();
    }
    char folder[] = "/tmp/clvgg-home-XXXXXX", vendors[64], temporary[64], made[80];
    assert_non_null(mkdtemp(folder));
    snprintf(vendors, sizeof vendors, "OCL_ICD_VENDORS=%s", vendor);
    snprintf(temporary, sizeof temporary, "TMPDIR=%s", folder);
    snprintf(made, sizeof made, "%s/clvgg-pocl-%lu", folder, (unsigned long)geteuid());
    /* Another driver's libraries, where the suite runs on one, are not PoCL's. */
    const char *const homeless[] = {
        vendors,          temporary,      "HOME=/dev/null",  "XDG_CACHE_HOME",
        "POCL_CACHE_DIR", "CLVGG_DEVICE", "LD_LIBRARY_PATH", NULL};
    const char *const nowhere[] = {vendors, "POCL_CACHE_DIR=/dev/null/x", "CLVGG_DEVICE",
                                   "LD_LIBRARY_PATH", NULL};
    test_program ran = {.environment = homeless};
    test_program_run(&ran, (const char *[]){PROGRAM, "devices", NULL});
    if (ran.exit_code != 0)
        fail_msg("%s", ran.err);
    assert_contains(ran.out, "Portable Computing Language");
    test_program_free(&ran);
    struct stat info;
    assert_int_equal(lstat(made, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    remove_tree(folder);
    ran = (test_program){.environment = nowhere};
    test_program_run(&ran, (const char *[]){PROGRAM, "devices", NULL});
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "can't write /dev/null/x: set POCL_CACHE_DIR");
    test_program_free(&ran);
    ran = (test_program){.environment = nowhere};
    test_program_run(&ran, (const char *[]){PROGRAM, "bench", "--model", "vgg11", NULL});
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "no OpenCL device on this machine; PoCL, if it is installed");
    test_program_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_matches_the_library),
        cmocka_unit_test(test_list_names_the_default),
        cmocka_unit_test(test_no_device_is_explained),
        cmocka_unit_test(test_pocl_needs_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_cli_report.c — `clvgg devices --report`, and `devices` beside drivers that crash, have no
 * library, no compiler, or a loader of their own. The driver is e2e/driver/driver.c.
 */
#define _DEFAULT_SOURCE /* gethostname */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/files.h"
#include "support/program.h"
#include "support/text.h"

static char vendors[4200]; /* OCL_ICD_VENDORS=… */

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("'%s' is in:\n%s", part, text);
}

static void write_driver(const char *name, const char *library)
{
    char path[64], line[4200];
    snprintf(path, sizeof path, "icd/%s", name);
    snprintf(line, sizeof line, "%s\n", library);
    file_write_deep(temp_path(path), line, strlen(line));
}

/* AddressSanitizer would end the process in its own way, with an exit code. */
#define NO_SANITIZER "ASAN_OPTIONS=handle_segv=0:handle_abort=0:intercept_tls_get_addr=0"

/* The fake driver alone, in a folder of drivers. */
static int only_the_fake(void **state)
{
    (void)state;
    if (access(temp_path("icd"), F_OK) == 0)
        remove_tree(temp_path("icd"));
    write_driver("fake.icd", FAKE_DRIVER);
    snprintf(vendors, sizeof vendors, "OCL_ICD_VENDORS=%s/", temp_path("icd"));
    return 0;
}

static test_program run(const char *const *environment, const char *const *arguments)
{
    test_program ran = {.environment = environment};
    test_program_run(&ran, arguments);
    return ran;
}

#define DEVICES ((const char *[]){PROGRAM, "devices", NULL})
#define REPORT ((const char *[]){PROGRAM, "devices", "--report", NULL})

/* Reports of this machine's devices: each is tested and right, and JSON agrees with the text. */
static void test_report_of_this_machine(void **state)
{
    (void)state;
    test_program_skip_when_small("test_report_of_this_machine");
    test_program ran = run(NULL, REPORT);
    if (ran.exit_code != 0)
        fail_msg("exit code %d\n%s%s", ran.exit_code, ran.err, ran.out);
    static const char *const parts[] = {"```\nclvgg\n",
                                        "    version             0.1.0\n",
                                        "\nsystem\n",
                                        "    kernel ",
                                        "\nOpenCL loader\n",
                                        "    loader ",
                                        "    file ",
                                        "\ndriver ",
                                        "    library ",
                                        "\ndevice 0\n",
                                        "    driver ",
                                        "    OpenCL C ",
                                        "    checked: clock ",
                                        "    checked: sub-groups",
                                        "    checked: matrix unit",
                                        "    self-test           right: ",
                                        "    peak ",
                                        "\ncache\n",
                                        "    state               turned off\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_contains(ran.out, parts[i]);
    assert_lacks(ran.out, "PROBLEM");
    assert_string_equal(ran.out + strlen(ran.out) - 5, "\n```\n");
    test_program_free(&ran);
    ran = run(NULL, (const char *[]){PROGRAM, "devices", "--report", "--json", NULL});
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *sections = cJSON_GetObjectItem(json, "sections"), *fact = NULL;
    const cJSON *first = cJSON_GetArrayItem(sections, 0);
    assert_string_equal(cJSON_GetObjectItem(first, "title")->valuestring, "clvgg");
    fact = cJSON_GetArrayItem(cJSON_GetObjectItem(first, "facts"), 0);
    assert_string_equal(cJSON_GetObjectItem(fact, "name")->valuestring, "version");
    assert_string_equal(cJSON_GetObjectItem(fact, "value")->valuestring, "0.1.0");
    cJSON_Delete(json);
    test_program_free(&ran);
}

/* Names and paths from wherever they may come: the environment, drivers' files and what drivers and
 * the dynamic linker say. */
static void test_report_names_nobody(void **state)
{
    (void)state;
    char host[256] = "", device[512], home[4200], cache[4200];
    gethostname(host, sizeof host - 1);
    snprintf(device, sizeof device,
             "Jdoe's /home/jdoe/keep/me.txt of jdoe on %s (/srv/keep-out/x.so)", host);
    write_driver("gone.icd", "/srv/keep-out/Secret Files/libgone.so");
    snprintf(home, sizeof home, "FAKE_DEVICE=%s", device);
    snprintf(cache, sizeof cache, "CLVGG_CACHE=%s/Secret Files/cache.sqlite", temp_path("home"));
    const char *const environment[] = {vendors,
                                       "HOME=/home/jdoe",
                                       "USER=jdoe",
                                       "LOGNAME=jdoe",
                                       home,
                                       cache,
                                       "LD_LIBRARY_PATH=/home/jdoe/Secret Files/lib:/usr/lib",
                                       "CLVGG_DEVICE",
                                       "XDG_CACHE_HOME",
                                       NULL};
    test_program ran = run(environment, REPORT);
    assert_contains(ran.out, "Jdoe's ~/.../me.txt of (user) on ");
    assert_contains(ran.out, "(.../x.so)");
    assert_contains(ran.out, "LD_LIBRARY_PATH     ~/.../lib:/usr/lib\n");
    assert_contains(ran.out, "library             .../libgone.so\n");
    assert_contains(ran.out, "can't be loaded     cannot open shared object file");
    static const char *const secrets[] = {"jdoe", "keep", "Secret", "/tmp"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        assert_lacks(ran.out, secrets[i]);
        assert_lacks(ran.err, secrets[i]);
    }
    if (host[0] != '\0' && strcmp(host, "localhost") != 0)
        assert_lacks(ran.out, host);
    test_program_free(&ran);
}

/* How the driver crashes, and what the program says about it. */
static const struct {
    const char *setting, *words;
} crashes[] = {
    {"FAKE_DRIVER=crash", "crashed: Segmentation fault"},
    {"FAKE_DRIVER=abort", "crashed: Aborted"},
    {"FAKE_DRIVER=late", "crashed: Segmentation fault"},
    {"FAKE_DRIVER=exit", "ended the process, with exit code 3"},
};

static void test_a_driver_that_crashes_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
        const char *const environment[] = {vendors, crashes[i].setting, NO_SANITIZER, NULL};
        char said[4300];
        write_driver("gone.icd", "libgone.so.1");
        snprintf(said, sizeof said,
                 "the driver %s/fake.icd (" FAKE_DRIVER "), asked for its devices, %s.",
                 temp_path("icd"), crashes[i].words);
        test_program ran = run(environment, DEVICES);
        assert_int_equal(ran.exit_code, 1);
        assert_string_equal(ran.out, "");
        assert_contains(ran.err, said);
        assert_lacks(ran.err, "gone.icd");
        test_program_free(&ran);
        ran = run(environment, (const char *[]){PROGRAM, "bench", NULL});
        assert_true(ran.exit_code > 1);
#ifndef __SANITIZE_ADDRESS__
        if (ran.exit_code > 128) /* by a signal */
            assert_contains(ran.err, "'clvgg devices' says");
#endif
        test_program_free(&ran);
        ran = run(environment, REPORT);
        assert_int_equal(ran.exit_code, 1);
        assert_contains(ran.out, "fake.icd\n");
        assert_contains(ran.out, crashes[i].words);
        assert_contains(ran.out, "\ncache\n");
        test_program_free(&ran);
    }
}

static void test_a_library_that_is_missing(void **state)
{
    (void)state;
    const char *const environment[] = {vendors, NULL};
    if (access(temp_path("icd"), F_OK) == 0)
        remove_tree(temp_path("icd"));
    write_driver("gone.icd", "libgone.so.1");
    test_program ran = run(environment, DEVICES);
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err,
                    "gone.icd: libgone.so.1 (libgone.so.1: cannot open shared object file");
    assert_contains(ran.err, "Install a driver");
    test_program_free(&ran);
    ran = run(environment, REPORT);
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "no OpenCL device");
    assert_contains(ran.out, "    can't be loaded     cannot open shared object file");
    test_program_free(&ran);
}

static void test_a_driver_without_compiler(void **state)
{
    (void)state;
    const char *const environment[] = {vendors, "CLVGG_DEVICE", NULL};
    test_program ran = run(environment, DEVICES);
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "    unusable   its driver has no OpenCL C compiler\n");
    test_program_free(&ran);
    ran = run(environment, REPORT);
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.out, "    compiler            no\n");
    assert_contains(ran.out, "    usable              its driver has no OpenCL C compiler\n");
    assert_contains(ran.err, "0 of 1 device works");
    test_program_free(&ran);
    ran = run(environment,
              (const char *[]){PROGRAM, "run", "-d", "0", TEST_DATA "/chelsea.png", NULL});
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "its driver has no OpenCL C compiler");
    test_program_free(&ran);
}

/* A copy of a loader, which is another one to the dynamic linker. */
static void test_two_loaders(void **state)
{
    (void)state;
    const char *const environment[] = {vendors, "CLVGG_DEVICE", NULL};
    test_program ran = run(environment, REPORT);
    assert_lacks(ran.out, "two OpenCL loaders");
    test_program_free(&ran);
    size_t bytes = 0;
    char setting[4200];
    char *loader = file_read(OPENCL_LIBRARY, &bytes);
    file_write(temp_path("libOpenCL.so.1"), loader, bytes);
    free(loader);
    snprintf(setting, sizeof setting, "FAKE_LOADER=%s", temp_path("libOpenCL.so.1"));
    const char *const both[] = {vendors, setting, "CLVGG_DEVICE", NULL};
    ran = run(both, REPORT);
    assert_contains(ran.out, "    a second one        ");
    assert_contains(ran.out, "two OpenCL loaders are in one process");
    test_program_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_of_this_machine),
        cmocka_unit_test_setup(test_report_names_nobody, only_the_fake),
        cmocka_unit_test_setup(test_a_driver_that_crashes_is_named, only_the_fake),
        cmocka_unit_test_setup(test_a_library_that_is_missing, only_the_fake),
        cmocka_unit_test_setup(test_a_driver_without_compiler, only_the_fake),
        cmocka_unit_test_setup(test_two_loaders, only_the_fake),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

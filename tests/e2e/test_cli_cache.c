#define _GNU_SOURCE /* F_OFD_SETLK */
/* test_cli_cache.c — the program's cache: where it is, that it helps, that nothing needs it. */
#include <cjson/cJSON.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/files.h"
#include "support/program.h"
#include "support/scratch.h"

static char image[300], net[300], xdg[300], file[320], environment_xdg[320];

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_image("a.png", 1);
    snprintf(image, sizeof image, "%s", test_scratch_path("a.png"));
    snprintf(net, sizeof net, "%s", test_scratch_path("net.safetensors"));
    snprintf(xdg, sizeof xdg, "%s", test_scratch_path("xdg"));
    snprintf(file, sizeof file, "%s/clvgg/cache.sqlite", xdg);
    snprintf(environment_xdg, sizeof environment_xdg, "XDG_CACHE_HOME=%s", xdg);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    remove(file);
    return 0;
}

#define RUN(program, ...) test_program_run(program, (const char *[]){PROGRAM, __VA_ARGS__, NULL})

/* The image's result as text; fails unless the program succeeds and says `expected` as its first
 * line on standard error. */
static char *classify(const char *const *environment, const char *option, const char *expected)
{
    test_program ran = {.environment = environment};
    RUN(&ran, "run", "--json", "--model", net, image, option);
    if (ran.exit_code != 0 || strncmp(ran.err, expected, strlen(expected)) != 0)
        fail_msg("not '%s', exit code %d:\n%s", expected, ran.exit_code, ran.err);
    cJSON *json = test_program_json(&ran);
    char *images = cJSON_Print(cJSON_GetObjectItem(json, "images"));
    assert_non_null(images);
    cJSON_Delete(json);
    test_program_free(&ran);
    return images;
}

static void assert_same(char *result, const char *expected)
{
    assert_string_equal(result, expected);
    free(result);
}

/* Number of entries that `cache list --json` lists; *bytes is their sum. */
static int count_entries(const char *const *environment, double *bytes)
{
    test_program ran = {.environment = environment};
    RUN(&ran, "cache", "list", "--json");
    assert_int_equal(ran.exit_code, 0);
    assert_string_equal(ran.err, "");
    cJSON *json = test_program_json(&ran);
    assert_int_equal(cJSON_GetObjectItem(json, "schema")->valueint, 1);
    assert_string_equal(cJSON_GetObjectItem(json, "path")->valuestring, file);
    const cJSON *entries = cJSON_GetObjectItem(json, "entries"), *entry = NULL;
    double sum = 0;
    cJSON_ArrayForEach(entry, entries)
    {
        static const char *const texts[] = {"kind", "name", "options", "device", "last_use"};
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            assert_true(cJSON_IsString(cJSON_GetObjectItem(entry, texts[i])));
        assert_string_equal(cJSON_GetObjectItem(entry, "kind")->valuestring, "program");
        assert_int_equal(strlen(cJSON_GetObjectItem(entry, "last_use")->valuestring), 10);
        sum += cJSON_GetObjectItem(entry, "bytes")->valuedouble;
    }
    *bytes = cJSON_GetObjectItem(json, "bytes")->valuedouble;
    assert_true(*bytes == sum);
    const int count = cJSON_GetArraySize(entries);
    cJSON_Delete(json);
    test_program_free(&ran);
    return count;
}

static void is_kept_listed_and_cleared(void **state)
{
    (void)state;
    const char *const environment[] = {environment_xdg, "CLVGG_CACHE", NULL};
    double bytes = 0, again = 0;
    assert_int_equal(count_entries(environment, &bytes), 0);
    assert_false(file_exists(xdg)); /* listing makes nothing */
    char *first = classify(environment, "--quiet", "");
    assert_int_equal(file_mode(file), 0600);
    const int count = count_entries(environment, &bytes);
    assert_true(count > 0 && bytes > 0);
    assert_same(classify(environment, "--quiet", ""), first);
    assert_int_equal(count_entries(environment, &again), count);
    assert_true(again == bytes);

    test_program ran = {.environment = environment};
    RUN(&ran, "cache", "list");
    assert_int_equal(ran.exit_code, 0);
    assert_int_equal(strncmp(ran.out, file, strlen(file)), 0);
    assert_non_null(strstr(ran.out, ".cl"));
    test_program_free(&ran);
    ran = (test_program){.environment = environment};
    RUN(&ran, "cache", "clear");
    assert_int_equal(ran.exit_code, 0);
    char removed[400];
    snprintf(removed, sizeof removed, "%s: %d %s removed, ", file, count,
             count == 1 ? "entry" : "entries");
    assert_non_null(strstr(ran.out, removed));
    assert_string_equal(ran.err, "");
    test_program_free(&ran);
    assert_int_equal(count_entries(environment, &bytes), 0);
    assert_same(classify(environment, "--quiet", ""), first);
    free(first);
}

/* Features lie beside the cache: listed and cleared with it, but what is in use or isn't theirs. */
static void features_are_listed_and_cleared(void **state)
{
    (void)state;
    enum { DIGITS = 64 };
    const char *const environment[] = {environment_xdg, "CLVGG_CACHE", NULL};
    char folder[340], idle[450], busy[450], other[450], name[2][DIGITS + 1] = {"", ""};
    snprintf(folder, sizeof folder, "%s/clvgg/features", xdg);
    memset(name[0], 'a', DIGITS);
    memset(name[1], 'b', DIGITS);
    snprintf(idle, sizeof idle, "%s/%s.features", folder, name[0]);
    snprintf(busy, sizeof busy, "%s/%s.features", folder, name[1]);
    snprintf(other, sizeof other, "%s/notes.txt", folder);
    file_write_deep(idle, "1234", 4);
    file_write_deep(busy, "123456", 6);
    file_write_deep(other, "mine", 4);
    assert_int_equal(chmod(folder, 0700), 0);
    test_program ran = {.environment = environment};
    RUN(&ran, "cache", "list");
    assert_int_equal(ran.exit_code, 0);
    assert_non_null(strstr(ran.out, "/features: 2 entries, 10 B\n"));
    assert_non_null(strstr(ran.out, "features  aaaaaaaaaaaa "));
    assert_null(strstr(ran.out, "notes"));
    test_program_free(&ran);
    const int held = open(busy, O_RDWR);
    struct flock use = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};
    assert_int_equal(fcntl(held, F_OFD_SETLK, &use), 0);
    ran = (test_program){.environment = environment};
    RUN(&ran, "cache", "clear");
    assert_int_equal(ran.exit_code, 0);
    assert_non_null(strstr(ran.out, "/features: 1 entry removed, 4 B\n"));
    assert_non_null(strstr(ran.out, "/features: 1 entry in use, kept, 6 B\n"));
    test_program_free(&ran);
    close(held);
    assert_false(file_exists(idle));
    assert_true(file_exists(busy));
    assert_true(file_exists(other));
    remove_tree(folder);
}

static void noise_over_the_file_changes_nothing(void **state)
{
    (void)state;
    const char *const environment[] = {environment_xdg, "CLVGG_CACHE", NULL};
    double bytes = 0;
    char *first = classify(environment, "--quiet", "");
    const int count = count_entries(environment, &bytes);
    size_t size = 0;
    char *noise = file_read(file, &size);
    for (size_t i = 0; i < size; i++)
        noise[i] = (char)(i * 2654435761u >> 13);
    file_write(file, noise, size);
    free(noise);
    assert_same(classify(environment, "--quiet", ""), first);
    assert_int_equal(count_entries(environment, &bytes), count);
    free(first);
}

static void can_be_turned_off(void **state)
{
    (void)state;
    const char *const on[] = {environment_xdg, "CLVGG_CACHE", NULL};
    const char *const off[] = {environment_xdg, "CLVGG_CACHE=off", NULL};
    free(classify(on, "--no-cache", "device: "));
    free(classify(off, "--quiet", ""));
    assert_false(file_exists(file));
    char own[340], chosen[400];
    snprintf(own, sizeof own, "%s/own/file", xdg);
    snprintf(chosen, sizeof chosen, "CLVGG_CACHE=%s", own);
    const char *const elsewhere[] = {environment_xdg, chosen, NULL};
    free(classify(elsewhere, "--quiet", ""));
    assert_false(file_exists(file));
    assert_true(file_exists(own));
    test_program ran = {.environment = off};
    RUN(&ran, "cache", "clear");
    assert_int_equal(ran.exit_code, 1);
    assert_non_null(strstr(ran.err, "CLVGG_CACHE turns the cache off"));
    test_program_free(&ran);
}

static void a_home_that_cant_be_written_is_one_note(void **state)
{
    (void)state;
    const char *const nowhere[] = {"XDG_CACHE_HOME", "HOME", "CLVGG_CACHE", NULL};
    char pocl[340]; /* PoCL needs a place for its own */
    const char *usual = getenv("POCL_CACHE_DIR");
    snprintf(pocl, sizeof pocl, "POCL_CACHE_DIR=%s%s", usual != NULL ? usual : xdg,
             usual != NULL ? "" : ".pocl");
    const char *const relative[] = {"XDG_CACHE_HOME=x", "HOME=/proc", "CLVGG_CACHE", pocl, NULL};
    const char *const unwritable[] = {"XDG_CACHE_HOME", "HOME=/proc", "CLVGG_CACHE", pocl, NULL};
    free(classify(nowhere, "--top=1", "no cache: neither HOME nor XDG_CACHE_HOME says where\n"));
    free(classify(nowhere, "--quiet", ""));
    const char *const *const both[] = {relative, unwritable};
    for (size_t i = 0; i < 2; i++) {
        test_program ran = {.environment = both[i]};
        RUN(&ran, "run", "--model", net, image);
        assert_int_equal(ran.exit_code, 0);
        const char *note =
            strstr(ran.err, "warning: no cache in /proc/.cache/clvgg/cache.sqlite: ");
        assert_non_null(note);
        assert_null(strstr(note + strlen("warning: no cache"), "no cache"));
        test_program_free(&ran);
    }
}

/* Two processes start on an empty cache at once, from a shell. */
static void two_processes_start_at_once(void **state)
{
    (void)state;
    const char *const environment[] = {environment_xdg, "CLVGG_CACHE", NULL};
    char script[2000];
    double bytes = 0;
    snprintf(script, sizeof script,
             "for i in 1 2; do '%s' run --quiet --json --model '%s' '%s' > '%s'.$i & done; "
             "wait && '%s' run --quiet --json --model '%s' '%s'",
             PROGRAM, net, image, image, PROGRAM, net, image);
    test_program ran = {.environment = environment};
    test_program_run(&ran, (const char *[]){"/bin/sh", "-c", script, NULL});
    assert_int_equal(ran.exit_code, 0);
    assert_string_equal(ran.err, "");
    cJSON *last = test_program_json(&ran);
    char *expected = cJSON_Print(cJSON_GetObjectItem(last, "images"));
    cJSON_Delete(last);
    test_program_free(&ran);
    assert_true(count_entries(environment, &bytes) > 0);
    for (int i = 1; i <= 2; i++) {
        char output[320];
        size_t size = 0;
        snprintf(output, sizeof output, "%s.%d", image, i);
        ran.out = file_read(output, &size);
        cJSON *json = test_program_json(&ran);
        assert_same(cJSON_Print(cJSON_GetObjectItem(json, "images")), expected);
        cJSON_Delete(json);
        free(ran.out);
        remove(output);
    }
    free(expected);
}

#define TEST(test) cmocka_unit_test_setup(test, remove_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_kept_listed_and_cleared),  TEST(noise_over_the_file_changes_nothing),
        TEST(can_be_turned_off),           TEST(a_home_that_cant_be_written_is_one_note),
        TEST(two_processes_start_at_once), TEST(features_are_listed_and_cleared),
    };
    return cmocka_run_group_tests(tests, set_up, test_scratch_teardown);
}

/* test_cli_tune.c — `clvgg tune` on a small network: it goes on where it was stopped, however that
 * was; what it finds is used, and carried by files.
 */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"

static char net[300], image[300], cache[320], environment_cache[340];

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_image("a.png", 1);
    snprintf(net, sizeof net, "%s", test_scratch_path("net.safetensors"));
    snprintf(image, sizeof image, "%s", test_scratch_path("a.png"));
    snprintf(cache, sizeof cache, "%s", test_scratch_path("cache.sqlite"));
    snprintf(environment_cache, sizeof environment_cache, "CLVGG_CACHE=%s", cache);
    return 0;
}

static int no_cache_yet(void **state)
{
    (void)state;
    remove(cache);
    return 0;
}

static const char *const *environment(void)
{
    static const char *values[2];
    values[0] = environment_cache;
    return values;
}

#define RUN(program, ...)                                                                          \
    do {                                                                                           \
        (program)->environment = environment();                                                    \
        test_program_run(program, (const char *[]){PROGRAM, __VA_ARGS__, NULL});                   \
    } while (0)

/* Tunes and returns the JSON object, which says that nothing went wrong. */
static cJSON *tune(const char *budget, const char *option)
{
    test_program ran = {0};
    RUN(&ran, "tune", "--json", "--model", net, "--budget", budget, option);
    if (ran.exit_code != 0)
        fail_msg("exit code %d: %s", ran.exit_code, ran.err);
    cJSON *json = test_program_json(&ran);
    assert_int_equal(integer(json, "wrong"), 0);
    assert_int_equal(integer(json, "failed"), 0);
    test_program_free(&ran);
    return json;
}

static int chain_count(const cJSON *json)
{
    return cJSON_GetArraySize(cJSON_GetObjectItem(json, "chains"));
}

/* Goes on until nothing is left: a busy machine may need several runs. Returns how many chains were
 * known at first. */
static int tune_all(void)
{
    int known = -1, left = 1;
    for (int i = 0; i < 200 && left > 0; i++) {
        cJSON *json = tune("2s", NULL);
        known = known < 0 ? integer(json, "known") : known;
        left = integer(json, "left");
        cJSON_Delete(json);
    }
    assert_int_equal(left, 0);
    return known;
}

/* Every chain is known by now. */
static void assert_all_known(void)
{
    cJSON *json = tune("60s", NULL);
    assert_int_equal(integer(json, "tuned"), 0);
    assert_int_equal(integer(json, "left"), 0);
    assert_int_equal(integer(json, "candidates"), 0);
    assert_int_equal(integer(json, "known"), chain_count(json));
    assert_true(integer(json, "known") >= 8);
    cJSON_Delete(json);
}

/* Runs bench; the results must be right. Says whether any step was tuned. */
static bool bench_is_tuned(const char *option)
{
    test_program ran = {0};
    RUN(&ran, "bench", "--json", "--per-layer", "--min-time", "0.01", "--model", net, option);
    if (ran.exit_code != 0)
        fail_msg("exit code %d: %s", ran.exit_code, ran.err);
    cJSON *json = test_program_json(&ran);
    const bool tuned = cJSON_IsTrue(cJSON_GetObjectItem(json, "tuned"));
    const cJSON *result = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), 0), *layer;
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(result, "wrong")));
    int tuned_layers = 0;
    cJSON_ArrayForEach(layer, cJSON_GetObjectItem(result, "layers")) tuned_layers +=
        cJSON_IsTrue(cJSON_GetObjectItem(layer, "tuned"));
    assert_int_equal(tuned_layers > 0, tuned);
    cJSON_Delete(json);
    test_program_free(&ran);
    return tuned;
}

/* One label for one image, as the program says it. */
static void assert_classifies(void)
{
    test_program ran = {0};
    RUN(&ran, "run", "--json", "--model", net, image);
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "images"), 0);
    assert_non_null(cJSON_GetObjectItem(first, "top"));
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void a_second_run_goes_on(void **state)
{
    (void)state;
    assert_false(bench_is_tuned(NULL));
    cJSON *first = tune("3s", NULL);
    assert_true(integer(first, "tuned") >= 1);
    assert_int_equal(integer(first, "known"), 0);
    assert_int_equal(tune_all(), integer(first, "tuned"));
    assert_all_known();
    assert_true(bench_is_tuned(NULL));
    assert_false(bench_is_tuned("--no-cache"));
    assert_classifies();
    cJSON *again = tune("1s", "--redo");
    assert_int_equal(integer(again, "known"), 0);
    assert_true(integer(again, "tuned") >= 1);
    cJSON_Delete(again);
    cJSON_Delete(first);
}

static pid_t start_tuning(const char *budget, const char *out)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("CLVGG_CACHE", cache, 1);
        if (freopen(out, "w", stdout) == NULL)
            _exit(127);
        execl(PROGRAM, PROGRAM, "tune", "--json", "--model", net, "--budget", budget, (char *)NULL);
        _exit(127);
    }
    return child;
}

static int count_kept(void)
{
    test_program ran = {0};
    int count = 0;
    RUN(&ran, "cache", "list");
    for (const char *at = ran.out; (at = strstr(at, "tuning")) != NULL; at++)
        count++;
    test_program_free(&ran);
    return count;
}

/* Waits until so many chains are kept. */
static void wait_for_results(int count)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    for (int i = 0; i < 5000; i++) {
        if (count_kept() >= count)
            return;
        nanosleep(&pause, NULL);
    }
    fail_msg("not kept: %d results", count);
}

static void killed_and_interrupted_runs_go_on(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = start_tuning("15s", "/dev/null");
    wait_for_results(1);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    /* The search once more, stopped by SIGINT. */
    char out[300], text[1 << 16] = "";
    snprintf(out, sizeof out, "%s", test_scratch_path("out.json"));
    const int kept = count_kept();
    child = start_tuning("20s", out);
    wait_for_results(kept + 1);
    kill(child, SIGINT);
    assert_int_equal(waitpid(child, &status, 0), child);
    FILE *file = fopen(out, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    if (WIFSIGNALED(status)) { /* a machine that stood still long enough lets it end before */
        assert_int_equal(WTERMSIG(status), SIGINT);
        assert_string_equal(cJSON_GetObjectItem(json, "error")->valuestring, "interrupted");
    } else {
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_null(cJSON_GetObjectItem(json, "error"));
    }
    cJSON_Delete(json);
    assert_true(tune_all() > kept); /* a kill loses the chain in work alone */
    assert_all_known();
    assert_classifies();
}

static void two_at_once_end_right(void **state)
{
    (void)state;
    int status[2] = {-1, -1};
    const pid_t children[2] = {start_tuning("4s", "/dev/null"), start_tuning("4s", "/dev/null")};
    for (int i = 0; i < 2; i++)
        assert_int_equal(waitpid(children[i], &status[i], 0), children[i]);
    assert_true(WIFEXITED(status[0]) && WEXITSTATUS(status[0]) == 0);
    assert_true(WIFEXITED(status[1]) && WEXITSTATUS(status[1]) == 0);
    assert_true(tune_all() >= 1);
    assert_all_known();
}

static void noise_in_the_cache_is_no_result(void **state)
{
    (void)state;
    unsigned char noise[20000];
    unsigned seed = 1;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (unsigned char)(vgg_random_next(&seed) >> 24);
    cJSON_Delete(tune("1s", NULL));
    test_scratch_write("cache.sqlite", noise, sizeof noise);
    assert_classifies();
    tune_all();
    assert_true(bench_is_tuned(NULL));
}

static char *read_file(const char *name)
{
    char *text = calloc(1 << 18, 1);
    FILE *file = fopen(test_scratch_path(name), "r");
    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 18) - 1, file) > 0);
    fclose(file);
    return text;
}

static void results_travel_in_files(void **state)
{
    (void)state;
    char one[300], two[300], bad[300];
    snprintf(one, sizeof one, "%s", test_scratch_path("one.json"));
    snprintf(two, sizeof two, "%s", test_scratch_path("two.json"));
    snprintf(bad, sizeof bad, "%s", test_scratch_path("bad.json"));
    cJSON_Delete(tune("2s", NULL));
    test_program ran = {0};
    RUN(&ran, "tune", "--export", one);
    assert_int_equal(ran.exit_code, 0);
    assert_non_null(strstr(ran.err, " written")); /* how many depends on the time */
    test_program_free(&ran);
    remove(cache);
    /* A bad last entry: nothing at all is taken. */
    char *text = read_file("one.json"), *last = strstr(text, "\"variant\": \"");
    for (char *next; (next = strstr(last + 1, "\"variant\": \"")) != NULL;)
        last = next;
    last[12] = 'X';
    test_scratch_write("bad.json", text, strlen(text));
    RUN(&ran, "tune", "--import", bad);
    assert_int_equal(ran.exit_code, 1);
    assert_non_null(strstr(ran.err, "bad.json: entry "));
    assert_non_null(strstr(ran.err, "there is no variant 'X"));
    test_program_free(&ran);
    assert_false(bench_is_tuned(NULL));
    free(text);
    RUN(&ran, "tune", "--import", one);
    assert_int_equal(ran.exit_code, 0);
    assert_null(strstr(ran.err, "other kernels"));
    test_program_free(&ran);
    assert_true(bench_is_tuned(NULL));
    RUN(&ran, "tune", "--export", two);
    assert_int_equal(ran.exit_code, 0);
    test_program_free(&ran);
    char *again = read_file("two.json");
    text = read_file("one.json");
    assert_string_equal(text, again);
    free(text);
    free(again);
    RUN(&ran, "cache", "list");
    assert_non_null(strstr(ran.out, "tuning"));
    assert_non_null(strstr(ran.out, "conv2d "));
    test_program_free(&ran);
    RUN(&ran, "tune", "--import", test_scratch_path("missing.json"));
    assert_int_equal(ran.exit_code, 1);
    test_program_free(&ran);
}

/* Makes the hash of a file's first `most` results one that no kernels have; returns how many. */
static int outdate(const char *from, const char *to, int most)
{
    static const char before[] = ".cl\": \"";
    char *text = read_file(from), *at = text;
    int count = 0;
    for (; count < most && (at = strstr(at, "\"kernels\": {")) != NULL; count++) {
        at = strstr(at, before) + strlen(before);
        memset(at, '0', 64);
    }
    test_scratch_write(to, text, strlen(text));
    free(text);
    return count;
}

/* Results of other kernels are left, and said to be; a file with nothing else is an error. */
static void results_of_other_kernels_are_left(void **state)
{
    (void)state;
    char all[300], some[300], none[300], expected[80];
    snprintf(all, sizeof all, "%s", test_scratch_path("all.json"));
    snprintf(some, sizeof some, "%s", test_scratch_path("some.json"));
    snprintf(none, sizeof none, "%s", test_scratch_path("none.json"));
    tune_all();
    test_program ran = {0};
    RUN(&ran, "tune", "--export", all);
    assert_int_equal(ran.exit_code, 0);
    test_program_free(&ran);
    assert_int_equal(outdate("all.json", "some.json", 2), 2);
    const int count = outdate("all.json", "none.json", 1000);
    assert_true(count >= 8);
    remove(cache);
    RUN(&ran, "tune", "--import", none);
    assert_int_equal(ran.exit_code, 1);
    snprintf(expected, sizeof expected, "all of its %d results were measured with other", count);
    assert_non_null(strstr(ran.err, expected));
    test_program_free(&ran);
    assert_false(bench_is_tuned(NULL));
    RUN(&ran, "tune", "--import", some);
    assert_int_equal(ran.exit_code, 0);
    snprintf(expected, sizeof expected, ": %d tuning results kept", count - 2);
    assert_non_null(strstr(ran.err, expected));
    assert_non_null(strstr(ran.err, ": 2 left, measured with other kernels"));
    test_program_free(&ran);
    assert_true(bench_is_tuned(NULL));
    cJSON *json = tune("2s", NULL);
    assert_int_equal(integer(json, "known"), count - 2);
    cJSON_Delete(json);
}

static void it_needs_a_cache(void **state)
{
    (void)state;
    static const char *const off[] = {"CLVGG_CACHE=off", NULL};
    test_program ran = {.environment = off};
    test_program_run(&ran, (const char *[]){PROGRAM, "tune", "--model", net, NULL});
    assert_int_equal(ran.exit_code, 1);
    assert_non_null(strstr(ran.err, "needs a cache to keep results in"));
    test_program_free(&ran);
}

int main(void)
{
    if (getenv("CLVGG_TEST_SMALL") != NULL) { /* emulators take minutes a candidate */
        fprintf(stderr, "SKIPPED: test_cli_tune: only small tests were asked for\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_second_run_goes_on, no_cache_yet),
        cmocka_unit_test_setup(killed_and_interrupted_runs_go_on, no_cache_yet),
        cmocka_unit_test_setup(two_at_once_end_right, no_cache_yet),
        cmocka_unit_test_setup(noise_in_the_cache_is_no_result, no_cache_yet),
        cmocka_unit_test_setup(results_travel_in_files, no_cache_yet),
        cmocka_unit_test_setup(results_of_other_kernels_are_left, no_cache_yet),
        cmocka_unit_test_setup(it_needs_a_cache, no_cache_yet),
    };
    return cmocka_run_group_tests(tests, set_up, test_scratch_teardown);
}

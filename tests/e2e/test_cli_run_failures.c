/* test_cli_run_failures.c — `clvgg run` when things go wrong: one clear line, the right exit code,
 * nothing half-written. */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define CHELSEA TEST_DATA "/chelsea.png"
#define RUN(program, ...)                                                                          \
    test_program_run(program, (const char *[]){PROGRAM, "run", __VA_ARGS__, NULL})
#define NET "--model", test_scratch_path("net.safetensors")

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_write("text", "not a model", 11);
    test_scratch_write("labels", "one\ntwo\n", 8);
    assert_int_equal(mkdir(test_scratch_path("empty"), 0700), 0);
    assert_int_equal(mkdir(test_scratch_path("images"), 0700), 0);
    for (unsigned i = 0; i < 16; i++) {
        char name[32];
        snprintf(name, sizeof name, "images/%02u.png", i);
        test_scratch_image(name, i);
    }
    return 0;
}

/* Checks that a run stopped before its first answer leaves standard output empty. */
static void assert_fails(const test_program *ran, int exit_code, const char *message)
{
    assert_int_equal(ran->exit_code, exit_code);
    assert_string_equal(ran->out, "");
    assert_contains(ran->err, message);
}

static void test_no_start(void **state)
{
    (void)state;
    test_program ran = {0};
    RUN(&ran, "--json", "--model", test_scratch_path("absent"), CHELSEA);
    assert_fails(&ran, 1, test_scratch_path("absent"));
    test_program_free(&ran);
    RUN(&ran, "--json", "--model", test_scratch_path("text"), CHELSEA);
    assert_fails(&ran, 1, test_scratch_path("text"));
    test_program_free(&ran);
    RUN(&ran, "--json", NET, "--device", "999", CHELSEA);
    assert_fails(&ran, 1, "999");
    test_program_free(&ran);
    RUN(&ran, "--json", NET, "--variant", "conv1_1=nonsense", CHELSEA);
    assert_fails(&ran, 2, "nonsense");
    test_program_free(&ran);
    RUN(&ran, "--json", NET, "--labels", test_scratch_path("labels"), CHELSEA);
    assert_int_not_equal(ran.exit_code, 0);
    assert_string_equal(ran.out, "");
    test_program_free(&ran);
}

static void test_output_is_whole_or_absent(void **state)
{
    (void)state;
    test_program ran = {0};
    RUN(&ran, NET, "--output", test_scratch_path("y.npy"), "--layer", "nonsense", CHELSEA);
    assert_fails(&ran, 2, "nonsense");
    assert_int_not_equal(access(test_scratch_path("y.npy"), F_OK), 0);
    test_program_free(&ran);
    RUN(&ran, NET, "--output", test_scratch_path("no/such/y.npy"), CHELSEA);
    assert_fails(&ran, 1, "no/such/y.npy");
    test_program_free(&ran);
    RUN(&ran, NET, "--output", test_scratch_path("./net.safetensors"), CHELSEA);
    assert_fails(&ran, 2, "--output would replace '");
    test_program_free(&ran);
    RUN(&ran, NET, "--output", test_scratch_path("text"), CHELSEA, test_scratch_path("text"));
    assert_fails(&ran, 2, "--output would replace '");
    test_program_free(&ran);
    test_program full = {.stdout_kind = TEST_STDOUT_FULL};
    RUN(&full, NET, "--output", test_scratch_path("y.npy"), CHELSEA, CHELSEA);
    assert_int_equal(full.exit_code, 1);
    assert_contains(full.err, "standard output: No space left on device\n");
    assert_int_not_equal(access(test_scratch_path("y.npy"), F_OK), 0);
    test_program_free(&full);
}

static void test_array_of_another_shape(void **state)
{
    (void)state;
    static const float values[2 * 3 * 4 * 5];
    test_scratch_write_npy("x.npy", &(clvgg_shape){4, {2, 3, 4, 5}}, values);
    test_program ran = {0};
    RUN(&ran, NET, "--input", test_scratch_path("x.npy"));
    assert_fails(&ran, 1, "needs shape (n, 3, 32, 32) with n at least 1, has (2, 3, 4, 5)");
    test_program_free(&ran);
    RUN(&ran, NET, "--input", test_scratch_path("text"));
    assert_fails(&ran, 1, test_scratch_path("text"));
    test_program_free(&ran);
}

static void test_only_bad_images(void **state)
{
    (void)state;
    test_program ran = {0};
    RUN(&ran, NET, "--quiet", test_scratch_path("empty"), test_scratch_path("text"),
        test_scratch_path("new\nline"));
    assert_int_equal(ran.exit_code, 1);
    assert_string_equal(ran.out, "");
    assert_contains(ran.err, test_scratch_path("empty"));
    assert_contains(ran.err, test_scratch_path("text"));
    assert_contains(ran.err, "new\\x0aline");
    size_t lines = 0;
    for (const char *at = ran.err; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 3);
    test_program_free(&ran);
}

static void test_closed_pipe_ends_quietly(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program ran = {.stdout_kind = TEST_STDOUT_BROKEN_PIPE};
    RUN(&ran, NET, "--quiet", "--batch", "1", CHELSEA, CHELSEA, CHELSEA);
    assert_int_equal(ran.exit_code, 0);
    assert_string_equal(ran.err, "");
    test_program_free(&ran);
    test_program closed = {.stdout_kind = TEST_STDOUT_CLOSED};
    RUN(&closed, NET, "--quiet", CHELSEA);
    assert_int_equal(closed.exit_code, 1);
    assert_contains(closed.err, "standard output: Bad file descriptor\n");
    test_program_free(&closed);
}

/* A batch that doesn't fit is halved until it does, and the answers stay the same. */
static void test_short_memory_halves_the_batch(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program one = {0}, halved = {0};
    RUN(&one, NET, "--csv", "--batch", "1", test_scratch_path("images"));
    RUN(&halved, NET, "--csv", "--batch", "16", "--mem-limit", "1M", test_scratch_path("images"));
    assert_int_equal(one.exit_code, 0);
    assert_int_equal(halved.exit_code, 0);
    assert_contains(halved.err, "trying batches of 8");
    assert_contains(halved.out, "/15.png,");
    assert_string_equal(halved.out, one.out);
    test_program_free(&one);
    test_program_free(&halved);
}

/* Stopped in the middle: what was printed is whole, the array is absent, nothing else stays. */
static void test_signal_ends_in_order(void **state)
{
    (void)state;
    static const char script[] =
        "program=$1 net=$2 image=$3 folder=$4; set --; cd \"$folder\" || exit 9\n"
        "while [ $# -lt 4000 ]; do set -- \"$@\" \"$image\"; done\n"
        "\"$program\" run --json --model \"$net\" --output stopped.npy \"$@\" & run=$!\n"
        "until ls .stopped.npy.*.tmp; do kill -0 $run || exit 8; sleep 0.01; done > ls\n"
        "kill -TERM $run; wait $run; status=$?\n"
        "ls -A | grep -q stopped && exit 7; exit $status";
    test_program ran = {0};
    test_program_run(&ran, (const char *[]){"/bin/sh", "-c", script, "sh", PROGRAM,
                                            test_scratch_path("net.safetensors"), CHELSEA,
                                            test_scratch_path("."), NULL});
    assert_int_equal(ran.exit_code, 128 + SIGTERM);
    assert_contains(ran.err, "clvgg run: interrupted after ");
    cJSON *json = test_program_json(&ran);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "error")), "interrupted");
    cJSON_Delete(json);
    test_program_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_start),
        cmocka_unit_test(test_output_is_whole_or_absent),
        cmocka_unit_test(test_array_of_another_shape),
        cmocka_unit_test(test_only_bad_images),
        cmocka_unit_test(test_closed_pipe_ends_quietly),
        cmocka_unit_test(test_signal_ends_in_order),
        cmocka_unit_test(test_short_memory_halves_the_batch),
    };
    return cmocka_run_group_tests(tests, set_up, test_scratch_teardown);
}

/* support/program.h — runs a program as a user would, and keeps what it said.
 *
 *     test_program ran;
 *     test_program_run(&ran, (const char *[]){PROGRAM, "devices", "--json", NULL});
 *     assert_int_equal(ran.exit_code, 0);
 *     cJSON *json = test_program_json(&ran);
 *     …
 *     test_program_free(&ran);
 */
#ifndef TEST_SUPPORT_PROGRAM_H
#define TEST_SUPPORT_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/* The kind of file that standard output is. */
typedef enum test_stdout {
    TEST_STDOUT_KEPT,
    TEST_STDOUT_CLOSED,      /* as by `>&-` */
    TEST_STDOUT_FULL,        /* a full disk */
    TEST_STDOUT_BROKEN_PIPE, /* nobody reads */
    TEST_STDOUT_TERMINAL     /* of 100 columns, standard error too; kept in `out` */
} test_stdout;

typedef struct test_program {
    /* Set before, or left zero. */
    test_stdout stdout_kind;
    /* "NAME=value" sets, "NAME" unsets; ends with NULL. There is no cache unless CLVGG_CACHE is
     * among them, and kernels aren't checked at their first use unless CLVGG_VERIFY is. */
    const char *const *environment;
    /* Filled in. */
    int exit_code;   /* 128 + the signal's number when a signal ended it */
    char *out, *err; /* NUL-terminated */
} test_program;

/* Runs arguments[0] with the arguments, which end with NULL, and waits. Fails the test when the
 * program can't be started. `program` must be zeroed but for what is asked for. */
void test_program_run(test_program *program, const char *const *arguments);
/* Standard output as JSON; fails the test when it is anything else. To be freed by cJSON_Delete. */
struct cJSON *test_program_json(const test_program *program);
void test_program_free(test_program *program);
/* Skips the running test, and says so, where CLVGG_TEST_SMALL asks for little: on devices that are
 * emulated and slow. For tests whose answer doesn't depend on the device. */
void test_program_skip_when_small(const char *test);

#endif

/* support/program.c — fork, exec, and files that keep the output, since they can't fill up. */
#define _DEFAULT_SOURCE   /* struct winsize */
#define _XOPEN_SOURCE 700 /* posix_openpt */
#include "support/program.h"
#include "support/skip.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { EXIT_NOT_STARTED = 127 };

static char *read_whole(FILE *file)
{
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    assert_true(size >= 0);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    rewind(file);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    text[size] = '\0';
    fclose(file);
    return text;
}

/* The controlling end of a new terminal. */
static int open_terminal(void)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    struct winsize size = {.ws_row = 40, .ws_col = 100};
    if (terminal < 0) { /* a chroot without /dev/pts */
        fprintf(stderr, "SKIPPED: no terminal can be made: %s\n", strerror(errno));
        skip();
    }
    assert_int_equal(grantpt(terminal), 0);
    assert_int_equal(unlockpt(terminal), 0);
    assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
    return terminal;
}

/* Copies what the program shows until it has closed the terminal, which reads as an error. */
static void copy_terminal(int terminal, FILE *to)
{
    char bytes[4096];
    ssize_t length;
    while ((length = read(terminal, bytes, sizeof bytes)) > 0)
        assert_int_equal(fwrite(bytes, 1, (size_t)length, to), length);
    close(terminal);
}

static void redirect_stdout(test_stdout kind, int kept, int terminal)
{
    int pipe_ends[2];
    switch (kind) {
    case TEST_STDOUT_KEPT:
        dup2(kept, STDOUT_FILENO);
        break;
    case TEST_STDOUT_CLOSED:
        close(STDOUT_FILENO);
        break;
    case TEST_STDOUT_FULL:
        dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
        break;
    case TEST_STDOUT_BROKEN_PIPE:
        if (pipe(pipe_ends) == 0) {
            dup2(pipe_ends[1], STDOUT_FILENO);
            close(pipe_ends[0]);
            close(pipe_ends[1]);
        }
        break;
    case TEST_STDOUT_TERMINAL:
        dup2(open(ptsname(terminal), O_RDWR | O_NOCTTY), STDOUT_FILENO);
        dup2(STDOUT_FILENO, STDERR_FILENO);
        close(terminal);
        break;
    }
}

static void change_environment(const char *const *changes)
{
    for (; changes != NULL && *changes != NULL; changes++) {
        const char *equals = strchr(*changes, '=');
        char name[128] = "";
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*changes, "="), *changes);
        if (equals != NULL)
            setenv(name, equals + 1, 1);
        else
            unsetenv(name);
    }
}

void test_program_run(test_program *program, const char *const *arguments)
{
    FILE *out = tmpfile(), *err = tmpfile();
    assert_non_null(out);
    assert_non_null(err);
    int terminal = program->stdout_kind == TEST_STDOUT_TERMINAL ? open_terminal() : -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("CLVGG_CACHE", "off", 1);
        setenv("CLVGG_VERIFY", "off", 1);
        change_environment(program->environment);
        dup2(fileno(err), STDERR_FILENO);
        redirect_stdout(program->stdout_kind, fileno(out), terminal);
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(EXIT_NOT_STARTED);
    }
    if (terminal >= 0)
        copy_terminal(terminal, out);
    int state = 0;
    while (waitpid(child, &state, 0) < 0)
        assert_int_equal(errno, EINTR);
    program->exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    program->out = read_whole(out);
    program->err = read_whole(err);
    assert_int_not_equal(program->exit_code, EXIT_NOT_STARTED);
}

cJSON *test_program_json(const test_program *program)
{
    cJSON *json = cJSON_ParseWithOpts(program->out, NULL, 1);
    if (json == NULL)
        fail_msg("not JSON: %s\nstandard error: %s", program->out, program->err);
    return json;
}

void test_program_skip_when_small(const char *test)
{
    test_skip_when("CLVGG_TEST_SMALL", test);
}

void test_program_free(test_program *program)
{
    free(program->out);
    free(program->err);
    program->out = program->err = NULL;
}

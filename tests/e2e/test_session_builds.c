/* e2e/test_session_builds.c — the programs of a session: each built once whatever the threads, and
 * which of several that can't be built is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/session.h"
#include "base/text.h"
#include "ocl/program.h"
#include "support/cl_faults.h"
#include "support/files.h"
#include "support/networks.h"

enum { THREADS = 4 };

typedef struct bench {
    clvgg_runtime *runtime;
    clvgg_device *device;
    clvgg_model *model;
} bench;

/* A device that nothing was built for, with kernels from the tests' folder if `own_kernels`. */
static bench open_bench(int threads, bool own_kernels)
{
    bench b = {0};
    clvgg_runtime_options options;
    clvgg_runtime_options_defaults(&options);
    options.threads = threads;
    options.kernel_dir = own_kernels ? temp_path("cl") : NULL;
    must(clvgg_runtime_create(&options, &b.runtime));
    must(clvgg_device_open(b.runtime, getenv("CLVGG_DEVICE"), NULL, &b.device));
    b.model = network_make(b.runtime, NETWORK_ODD);
    return b;
}

static void close_bench(bench *b)
{
    clvgg_model_free(b->model);
    clvgg_device_free(b->device);
    clvgg_runtime_free(b->runtime);
}

/* Whether a program before the p-th of step s is the same. */
static bool was_before(const vgg_plan *plan, int s, int p)
{
    const vgg_op_program *wanted = &plan->steps[s].stage->op.programs[p];
    for (int i = 0; i <= s; i++)
        for (int j = 0; j < (i < s ? plan->steps[i].stage->op.program_count : p); j++)
            if (strcmp(plan->steps[i].stage->op.programs[j].file, wanted->file) == 0 &&
                strcmp(plan->steps[i].stage->op.programs[j].options, wanted->options) == 0)
                return true;
    return false;
}

static size_t count_programs(const vgg_plan *plan)
{
    size_t count = 0;
    for (int s = 0; s < plan->step_count; s++)
        for (int p = 0; p < plan->steps[s].stage->op.program_count; p++)
            count += !was_before(plan, s, p);
    return count;
}

static void each_program_is_built_once(void **state)
{
    (void)state;
    size_t counts[2];
    for (int i = 0; i < 2; i++) {
        bench b = open_bench(i > 0 ? THREADS : 1, false);
        clvgg_session_stats first, second;
        /* A session may ask the device something by a program of its own. */
        clvgg_session *plan = session_make(b.device, b.model, &(session_request){.plan_only = 1});
        const size_t programs = count_programs(plan->runner->plan);
        clvgg_session_free(plan);
        const size_t before = cl_faults_calls("clBuildProgram");
        clvgg_session *session = session_make(b.device, b.model, &(session_request){0});
        counts[i] = cl_faults_calls("clBuildProgram") - before;
        assert_true(programs > 3);
        assert_true(counts[i] > programs && counts[i] <= programs + 3); /* and what packs weights */
        clvgg_session *again = session_make(b.device, b.model, &(session_request){0});
        clvgg_session_get_stats(session, &first);
        clvgg_session_get_stats(again, &second);
        assert_true(first.compile_ms > 0.0 && second.compile_ms == 0.0);
        assert_int_equal(cl_faults_calls("clBuildProgram"), before + counts[i]);
        clvgg_session_free(again);
        clvgg_session_free(session);
        close_bench(&b);
    }
    assert_int_equal(counts[0], counts[1]);
}

static void write_kernel(const char *file, const char *text)
{
    char name[256];
    snprintf(name, sizeof name, "cl/%s", file);
    file_write_deep(temp_path(name), text, strlen(text));
}

/* The embedded kernels, none of which compiles but those of file `whole` (may be NULL). It takes
 * longest to say so of file `slow`. */
static void write_kernels(const char *whole, const char *slow)
{
    vgg_text wordy = {0};
    for (int i = 0; i < 2000; i++)
        vgg_text_printf(&wordy, "#warning a line of no importance, number %d\n", i);
    vgg_text_puts(&wordy, "no_such_type x;\n");
    for (const vgg_kernel_source *source = vgg_kernel_sources; source->file != NULL; source++) {
        if (whole != NULL && strcmp(source->file, whole) == 0)
            write_kernel(source->file, source->text);
        else
            write_kernel(source->file,
                         strcmp(source->file, slow) == 0 ? wordy.bytes : "no_such_type x;\n");
    }
    vgg_text_free(&wordy);
}

/* The first program of the plan that isn't of file `but` (may be NULL). */
static const vgg_op_program *first_program(const vgg_plan *plan, const char *but)
{
    for (int s = 0; s < plan->step_count; s++)
        for (int p = 0; p < plan->steps[s].stage->op.program_count; p++)
            if (but == NULL || strcmp(plan->steps[s].stage->op.programs[p].file, but) != 0)
                return &plan->steps[s].stage->op.programs[p];
    fail();
    return NULL;
}

static void the_first_that_fails_is_named(void **state)
{
    (void)state;
    bench b = open_bench(THREADS, true);
    clvgg_session *plan = session_make(b.device, b.model, &(session_request){.plan_only = 1});
    const size_t live = cl_faults_live();
    const char *whole = NULL;
    for (int i = 0; i < 2; i++) {
        const vgg_op_program *expected = first_program(plan->runner->plan, whole);
        write_kernels(whole, expected->file);
        for (int repeat = 0; repeat < 4; repeat++) {
            char words[600];
            clvgg_session *session = NULL;
            snprintf(words, sizeof words, "(kernel %s, options '%s')", expected->kernel_name,
                     expected->options);
            assert_int_equal(session_try(b.device, b.model, &(session_request){0}, &session),
                             CLVGG_STATUS_BUILD_FAILED);
            assert_null(session);
            const char *message = clvgg_status_message();
            if (strncmp(message, expected->file, strlen(expected->file)) != 0 ||
                strstr(message, words) == NULL || strstr(message, "no_such_type") == NULL)
                fail_msg("not of %s %s: %.1000s", expected->file, words, message);
            if (i == 0)
                assert_int_equal(cl_faults_live(), live);
        }
        whole = expected->file;
    }
    clvgg_session_free(plan);
    close_bench(&b);
    assert_int_equal(cl_faults_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_program_is_built_once),
        cmocka_unit_test(the_first_that_fails_is_named),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

/* e2e/test_cli_finetune_resume.c — `clvgg finetune` killed, interrupted and resumed, and what it
 * says to a user who wants to resume. */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/finetune_program.h"
#include "support/scratch.h"

static pid_t start(const char *output, const char *resume)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const char *arguments[40] = {PROGRAM,
                                     "finetune",
                                     "--model",
                                     net,
                                     "--data",
                                     train_dir,
                                     "--val",
                                     val_dir,
                                     "--output",
                                     output,
                                     "--epochs",
                                     "3",
                                     "--batch",
                                     "5",
                                     "--head",
                                     "16,12",
                                     "--cache",
                                     features,
                                     "--lr",
                                     "0.01",
                                     "--mem-limit",
                                     "64M",
                                     "--checkpoint-every",
                                     "0.001",
                                     "--quiet"};
        size_t count = 0;
        while (arguments[count] != NULL)
            count++;
        if (resume != NULL) {
            arguments[count++] = "--resume";
            arguments[count++] = resume;
        }
        setenv("CLVGG_CACHE", "off", 1);
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(127);
        execv(PROGRAM, (char *const *)arguments);
        _exit(127);
    }
    return child;
}

/* Milliseconds that one whole run takes here and now, so that moments to kill lie within it. */
static double time_run(const char *output)
{
    struct timespec before, after;
    int status;
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_true(waitpid(start(output, NULL), &status, 0) > 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return (double)(after.tv_sec - before.tv_sec) * 1e3 +
           (double)(after.tv_nsec - before.tv_nsec) * 1e-6;
}

/* Killed at any moment, then gone on with until it is done. */
static void killed_runs_come_to_the_same_end(void **state)
{
    (void)state;
    char output[300], checkpoint[300];
    const double whole_ms = time_run(test_scratch_path("timed.safetensors"));
    snprintf(output, sizeof output, "%s", test_scratch_path("killed.safetensors"));
    snprintf(checkpoint, sizeof checkpoint, "%s", test_scratch_path("killed.run/last.ckpt"));
    int status = 0;
    /* A file as a kill leaves it while a checkpoint is being written. */
    char unfinished[300];
    snprintf(unfinished, sizeof unfinished, "%s",
             test_scratch_path("killed.run/.last.ckpt.clvgg0.tmp"));
    test_scratch_folder("killed.run");
    test_scratch_write("killed.run/.last.ckpt.clvgg0.tmp", "half", 4);
    for (int i = 0; i < 6; i++) {
        const double ms = whole_ms * (0.5 + 0.12 * i);
        const struct timespec pause = {.tv_sec = (time_t)(ms / 1e3),
                                       .tv_nsec = (long)(ms * 1e6) % 1000000000};
        const pid_t child = start(output, exists(checkpoint) ? checkpoint : NULL);
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    const pid_t last = start(output, exists(checkpoint) ? checkpoint : NULL);
    assert_int_equal(waitpid(last, &status, 0), last);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_same_file(reference(), output);
    assert_false(exists(unfinished));
}

/* Ctrl-C: the step in work is finished, what was reached is saved. */
static void an_interrupt_saves(void **state)
{
    (void)state;
    char output[300], checkpoint[300];
    snprintf(output, sizeof output, "%s", test_scratch_path("stopped.safetensors"));
    snprintf(checkpoint, sizeof checkpoint, "%s", test_scratch_path("stopped.run/last.ckpt"));
    int status = 0;
    const struct timespec pause = {.tv_nsec = 2000000};
    const pid_t child = start(output, NULL);
    for (int i = 0; i < 60000 && !exists(checkpoint) && waitpid(child, &status, WNOHANG) == 0; i++)
        nanosleep(&pause, NULL);
    if (kill(child, SIGINT) == 0 && waitpid(child, &status, 0) == child)
        assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGINT : WEXITSTATUS(status) == 0);
    assert_true(exists(checkpoint));
    const pid_t last = start(output, checkpoint);
    assert_int_equal(waitpid(last, &status, 0), last);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_same_file(reference(), output);
}

/* Stopped before there is anything to go on from: the same command does. */
static void an_interrupt_keeps_features(void **state)
{
    (void)state;
    char command[3000], folder[300];
    test_program ran = {0};
    snprintf(folder, sizeof folder, "%s", test_scratch_path("slow.features"));
    snprintf(command, sizeof command,
             "%s finetune --model %s --data %s --val %s --output %s --head 16,12 --cache %s "
             "--augment flip,crop --views 400 & run=$!\n"
             "until ls %s/*.features > /dev/null 2>&1; do\n"
             "    kill -0 $run || exit 8; sleep 0.01; done\n"
             "kill -INT $run; wait $run",
             PROGRAM, net, train_dir, val_dir, test_scratch_path("slow.safetensors"), folder,
             folder);
    test_program_run(&ran, (const char *[]){"/bin/bash", "-m", "-c", command, NULL});
    assert_fails(&ran, 130, "the same command goes on: features that were computed are kept");
    assert_false(exists(test_scratch_path("slow.run/last.ckpt")));
}

static void a_run_without_a_checkpoint_begins(void **state)
{
    (void)state;
    char output[300];
    test_program ran = {0};
    snprintf(output, sizeof output, "%s", test_scratch_path("early.safetensors"));
    FINETUNE(&ran, output, "--resume", test_scratch_path("early.run/last.ckpt"));
    assert_fails(&ran, 0, "early.run/last.ckpt: there is no checkpoint yet: the run begins");
    assert_same_file(reference(), output);
    FINETUNE(&ran, output, "--resume", test_scratch_path("early.run/last.ckpt"));
    assert_fails(&ran, 0, "from epoch 4 on"); /* it has ended: the same again */
    assert_same_file(reference(), output);
    /* Another's, which isn't there, is a mistake. */
    FINETUNE(&ran, output, "--resume", test_scratch_path("late.run/last.ckpt"));
    assert_fails(&ran, 1, "late.run/last.ckpt");
}

/* The message says how more epochs are to be had, and that works. */
static void a_finished_run_is_trained_further(void **state)
{
    (void)state;
    char output[300], checkpoint[300];
    test_program ran = {0};
    snprintf(output, sizeof output, "%s", test_scratch_path("further.safetensors"));
    snprintf(checkpoint, sizeof checkpoint, "%s", test_scratch_path("reference.run/last.ckpt"));
    (void)reference();
    FINETUNE(&ran, output, "--resume", checkpoint, "--run-dir", test_scratch_path("reference.run"),
             "--epochs", "5");
    assert_non_null(strstr(ran.err, "was made with epochs=3, this run has epochs=5"));
    assert_fails(&ran, 1, "--model FILE --train fc6, and another --output");
    FINETUNE(&ran, output, "--model", reference(), "--train", "fc6", "--json");
    cJSON *json = test_program_json(&ran);
    const cJSON *layer;
    assert_int_equal(cJSON_GetArraySize(member(json, "layers")), 3);
    cJSON_ArrayForEach(layer, member(json, "layers"))
        assert_true(cJSON_IsTrue(member(layer, "kept")));
    assert_true(number(cJSON_GetArrayItem(member(json, "epochs"), 0), "val_accuracy") == 1.0);
    cJSON_Delete(json);
    assert_fails(&ran, 0, "");
    test_program_run(&ran, (const char *[]){PROGRAM, "info", "--json", "--model", output, NULL});
    json = test_program_json(&ran);
    const char *source = member(member(json, "provenance"), "head.source")->valuestring;
    assert_non_null(strstr(source, "fc6 to fc8 trained by clvgg "));
    assert_non_null(strstr(source, " on 24 photographs of blue, red; weights of fc6 to fc8 from "
                                   "the base: fc6 to fc8 trained by clvgg "));
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void checkpoints_of_other_runs_are_refused(void **state)
{
    (void)state;
    char checkpoint[300], damaged[300];
    test_program ran = {0};
    (void)reference();
    snprintf(checkpoint, sizeof checkpoint, "%s", test_scratch_path("reference.run/last.ckpt"));
    FINETUNE(&ran, test_scratch_path("none.safetensors"), "--resume", checkpoint, "--seed", "2");
    assert_fails(&ran, 1, "was made with seed=1, this run has seed=2");
    FINETUNE(&ran, test_scratch_path("none.safetensors"), "--resume", net);
    assert_fails(&ran, 1, "it is no checkpoint");
    size_t size;
    char *bytes = read_file(checkpoint, &size);
    bytes[size / 2] ^= 1;
    test_scratch_write("damaged.ckpt", bytes, size);
    snprintf(damaged, sizeof damaged, "%s", test_scratch_path("damaged.ckpt"));
    FINETUNE(&ran, test_scratch_path("none.safetensors"), "--resume", damaged);
    assert_fails(&ran, 1, "damaged.ckpt");
    free(bytes);
}

int main(void)
{
    if (getenv("CLVGG_TEST_SMALL") != NULL) {
        fprintf(stderr, "SKIPPED: test_cli_finetune_resume: only small tests were asked for\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_runs_come_to_the_same_end),
        cmocka_unit_test(an_interrupt_saves),
        cmocka_unit_test(an_interrupt_keeps_features),
        cmocka_unit_test(a_run_without_a_checkpoint_begins),
        cmocka_unit_test(a_finished_run_is_trained_further),
        cmocka_unit_test(checkpoints_of_other_runs_are_refused),
    };
    return cmocka_run_group_tests(tests, finetune_setup, finetune_teardown);
}

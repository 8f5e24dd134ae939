/* e2e/test_finetune.c — clvgg/finetune.h as a program uses it: what is reported and when, stopping
 * at any place and going on to the same bits, checkpoints of others, and every allocation and
 * OpenCL call failing once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/finetune.h"
#include "support/cl_faults.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/networks.h"
#include "support/small_model.h"
#include "support/training.h"

enum { TRAIN = 14, VAL = 6, EPOCHS = TRAINING_EPOCHS, STEPS = 3, MOST_EVENTS = 64 };

static struct {
    failing_allocator allocator;
    clvgg_runtime *runtime;
    clvgg_device *device;
    clvgg_model *base;
    clvgg_dataset *train, *val;
    char cache[256], reference[256];
} fixture;

/* Counts and keeps the events reported; `stop_at` is the event that is once answered by a wish to
 * stop. */
typedef struct witness {
    int count, stop_at, good_paths;
    clvgg_finetune_event events[MOST_EVENTS];
    clvgg_finetune_epoch figures[MOST_EVENTS];
} witness;

static int note(void *user, const clvgg_finetune_event *event)
{
    witness *seen = user;
    assert_int_equal(event->struct_size, sizeof *event);
    if (seen->count < MOST_EVENTS) {
        seen->events[seen->count] = *event;
        seen->events[seen->count].path = NULL; /* valid during this call alone */
        if (event->type == CLVGG_FINETUNE_EPOCH)
            seen->figures[seen->count] = *event->epoch_figures;
        if (event->type == CLVGG_FINETUNE_SAVED)
            seen->good_paths += strstr(event->path, "/last.ckpt") != NULL;
    }
    return seen->count++ == seen->stop_at;
}

static clvgg_finetune_options defaults(void)
{
    return training_options(fixture.cache);
}

static clvgg_status create(const clvgg_finetune_options *options, clvgg_finetune **out)
{
    return clvgg_finetune_create(fixture.device, fixture.base, fixture.train, fixture.val, options,
                                 out);
}

static clvgg_status whole(const clvgg_finetune_options *options, const char *path)
{
    return training_whole(fixture.device, fixture.base, fixture.train, fixture.val, options, path);
}

/* ---- events ---- */

static void events_come_in_order(void **state)
{
    (void)state;
    clvgg_finetune_options options = defaults();
    witness seen = {.stop_at = -1};
    char letters[MOST_EVENTS + 1] = "";
    const char *run_dir = temp_path("events.run"), *cache = temp_path("events.features");
    options.run_dir = run_dir;
    options.cache_dir = cache;
    options.progress = note;
    options.user = &seen;
    must(whole(&options, temp_path("events.safetensors")));
    assert_in_range(seen.count, 1, MOST_EVENTS);
    int count = 0;
    for (int i = 0; i < seen.count; i++) {
        const clvgg_finetune_event *event = &seen.events[i];
        assert_int_equal(event->epochs, EPOCHS);
        assert_int_equal(event->steps, EPOCHS * STEPS);
        assert_true(i == 0 || event->seconds >= seen.events[i - 1].seconds);
        const bool repeated = i > 0 && event->type == CLVGG_FINETUNE_FEATURES;
        if (repeated)
            assert_true(event->done >= seen.events[i - 1].done);
        else
            letters[count++] = "FSEL"[event->type];
        if (event->type == CLVGG_FINETUNE_FEATURES)
            assert_int_equal(event->total, TRAIN + VAL);
    }
    /* Features; saved and evaluated before the first step; then steps, saved, evaluated. */
    assert_string_equal(letters, "FLESSSLESSSLE");
    assert_int_equal(seen.good_paths, 3);
}

static uint64_t fingerprint_of(const clvgg_finetune_options *options)
{
    clvgg_finetune *finetune = NULL;
    clvgg_finetune_plan plan = {.struct_size = sizeof plan};
    must(create(options, &finetune));
    clvgg_finetune_get_plan(finetune, &plan);
    clvgg_finetune_free(finetune);
    return plan.fingerprint;
}

/* The frozen layers run as the options say, and what they give is told from other features. */
static void frozen_layers_take_the_execution(void **state)
{
    (void)state;
    clvgg_finetune *finetune = NULL;
    clvgg_finetune_options options = defaults();
    options.cache_dir = temp_path("execution.features");
    const uint64_t usual = fingerprint_of(&options);
    assert_int_equal(fingerprint_of(&options), usual);
    options.execution.storage = CLVGG_STORAGE_F16;
    assert_true(fingerprint_of(&options) != usual);
    options.execution.storage = CLVGG_STORAGE_F32;
    options.execution.memory_limit_bytes = 1;
    assert_int_equal(create(&options, &finetune), CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
    assert_non_null(strstr(clvgg_status_message(), "a batch of 1 needs"));
    options.execution.memory_limit_bytes = 0;
    static const char *const unknown[] = {"conv9_9=conv_direct"};
    options.execution.variants = unknown;
    options.execution.variant_count = 1;
    assert_int_equal(create(&options, &finetune), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(clvgg_status_message(), "there is no layer 'conv9_9'"));
}

static void steps_and_epochs_are_counted(void **state)
{
    (void)state;
    clvgg_finetune_options options = defaults();
    witness seen = {.stop_at = -1};
    uint64_t step = 0;
    int epoch = 0;
    options.progress = note;
    options.user = &seen;
    must(whole(&options, temp_path("counted.safetensors")));
    for (int i = 0; i < seen.count; i++) {
        const clvgg_finetune_event *event = &seen.events[i];
        assert_int_not_equal(event->type, CLVGG_FINETUNE_SAVED); /* without a folder */
        if (event->type == CLVGG_FINETUNE_STEP) {
            assert_int_equal(event->step, ++step);
            const uint64_t done = ((step - 1) % STEPS + 1) * TRAINING_BATCH;
            assert_int_equal(event->done, done < TRAIN ? done : TRAIN);
            assert_int_equal(event->total, TRAIN);
            assert_true(event->loss > 0 && event->lr >= 0);
        } else if (event->type == CLVGG_FINETUNE_EPOCH) {
            assert_int_equal(seen.figures[i].epoch, epoch++);
            assert_int_equal(seen.figures[i].step, step);
        }
    }
    assert_int_equal(step, EPOCHS * STEPS);
    assert_int_equal(epoch, EPOCHS + 1);
    training_same_file(temp_path("counted.safetensors"), fixture.reference);
}

/* ---- stopping ---- */

/* Stopped at an event, which may be any, then gone on with, from the checkpoint if there is one. */
static void stop_and_go_on(int stop_at, const char *run_dir, const char *output)
{
    char last[400];
    clvgg_finetune_options options = defaults();
    witness seen = {.stop_at = stop_at};
    options.run_dir = run_dir;
    options.progress = note;
    options.user = &seen;
    assert_int_equal(whole(&options, output), CLVGG_STATUS_CANCELLED);
    assert_false(file_exists(output));
    snprintf(last, sizeof last, "%s/last.ckpt", run_dir);
    if (file_exists(last))
        options.resume = last;
    options.progress = NULL;
    must(whole(&options, output));
    training_same_file(output, fixture.reference);
}

static void stopping_anywhere_changes_nothing(void **state)
{
    (void)state;
    char run_dir[300], output[400];
    clvgg_finetune_options options = defaults();
    witness seen = {.stop_at = -1};
    options.run_dir = temp_path("uncut.run");
    options.progress = note;
    options.user = &seen;
    must(whole(&options, temp_path("uncut.safetensors")));
    training_same_file(temp_path("uncut.safetensors"), fixture.reference);
    assert_in_range(seen.count, EPOCHS * STEPS + 2 * (EPOCHS + 1), MOST_EVENTS);
    for (int i = 0; i < seen.count; i++) {
        char name[32];
        snprintf(name, sizeof name, "stop%d.run", i);
        snprintf(run_dir, sizeof run_dir, "%s", temp_path(name));
        snprintf(output, sizeof output, "%s/out.safetensors", run_dir);
        stop_and_go_on(i, run_dir, output);
    }
}

static void features_that_are_missing_can_be_stopped(void **state)
{
    (void)state;
    clvgg_finetune_options options = defaults();
    witness seen = {.stop_at = 0};
    const char *cache = temp_path("stopped.features");
    options.cache_dir = cache;
    options.progress = note;
    options.user = &seen;
    clvgg_finetune *finetune;
    must(create(&options, &finetune));
    assert_int_equal(clvgg_finetune_run(finetune), CLVGG_STATUS_CANCELLED);
    assert_int_equal(seen.events[0].type, CLVGG_FINETUNE_FEATURES);
    /* Nothing has been trained so far, so the same object can go on. */
    assert_int_equal(clvgg_finetune_save(finetune, temp_path("no"), CLVGG_DTYPE_F32),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    must(clvgg_finetune_run(finetune));
    must(clvgg_finetune_save(finetune, temp_path("second.safetensors"), CLVGG_DTYPE_F32));
    training_same_file(temp_path("second.safetensors"), fixture.reference);
    assert_int_equal(clvgg_finetune_run(finetune), CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_finetune_free(finetune);
}

/* ---- checkpoints of others ---- */

static void assert_not_resumed(const clvgg_finetune_options *options, clvgg_status expected,
                               const char *words)
{
    clvgg_finetune *finetune;
    assert_int_equal(create(options, &finetune), expected);
    assert_null(finetune);
    if (strstr(clvgg_status_message(), words) == NULL)
        fail_msg("no '%s' in: %s", words, clvgg_status_message());
}

/* Without the best epoch, or with another run's, there is nothing to end with. */
static void the_best_epoch_must_be_this_runs(void **state)
{
    (void)state;
    char last[400], best[400], run_dir[300];
    size_t size;
    clvgg_finetune_options options = defaults();
    snprintf(run_dir, sizeof run_dir, "%s", temp_path("other.run"));
    snprintf(last, sizeof last, "%s", temp_path("mine.run/last.ckpt"));
    snprintf(best, sizeof best, "%s/best.ckpt", run_dir);
    options.run_dir = temp_path("mine.run");
    must(whole(&options, temp_path("mine.safetensors")));
    options.seed = 2;
    options.run_dir = run_dir;
    must(whole(&options, temp_path("other.safetensors")));
    options.seed = 1;
    options.resume = last;
    assert_not_resumed(&options, CLVGG_STATUS_UNSUPPORTED, "was made with seed=2");
    remove(best);
    assert_not_resumed(&options, CLVGG_STATUS_NOT_FOUND, "needs the best epoch so far too");
    char *bytes = file_read(temp_path("mine.run/best.ckpt"), &size);
    file_write(best, bytes, size);
    free(bytes);
    must(whole(&options, temp_path("mine.again")));
    training_same_file(temp_path("mine.again"), fixture.reference);
    options.run_dir = NULL;
    assert_not_resumed(&options, CLVGG_STATUS_INVALID_ARGUMENT, "needs the folder");
}

/* ---- failures ---- */

/* Trains anew with features at hand, from a checkpoint if `resume`. */
static clvgg_status live_and_die(bool resume)
{
    clvgg_finetune_options options = defaults();
    const char *last = temp_path("sweep.run/last.ckpt");
    options.run_dir = temp_path("sweep.run");
    options.resume = resume ? last : NULL;
    return whole(&options, temp_path("sweep.safetensors"));
}

/* After which failure the sweep tries the next: all would take minutes. */
static long stride(void)
{
    return getenv("CLVGG_TEST_SMALL") != NULL ? 211 : 23;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    const long held = fixture.allocator.held;
    const size_t live = cl_faults_live();
    long failures = 0;
    must(live_and_die(false));
    for (bool failed = true; failed; failures += stride()) {
        fixture.allocator.before_failure = failures;
        const bool resume = failures % 2 != 0;
        const clvgg_status status = live_and_die(resume);
        failed = fixture.allocator.before_failure == 0 && status != CLVGG_STATUS_OK;
        fixture.allocator.before_failure = -1;
        if (failed)
            assert_int_equal(status, CLVGG_STATUS_OUT_OF_MEMORY);
        else
            must(status);
        assert_int_equal(fixture.allocator.held, held);
        assert_int_equal(cl_faults_live(), live);
        must(live_and_die(resume)); /* what was there is whole */
        training_same_file(temp_path("sweep.safetensors"), fixture.reference);
    }
    print_message("allocations failed up to the %ldth\n", failures);
    assert_true(failures > 100);
}

static void calls_may_fail(void **state)
{
    (void)state;
    const cl_int errors[] = {CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY, CL_INVALID_VALUE};
    const clvgg_status statuses[] = {CLVGG_STATUS_OUT_OF_DEVICE_MEMORY, CLVGG_STATUS_OUT_OF_MEMORY,
                                     CLVGG_STATUS_OPENCL};
    const long held = fixture.allocator.held;
    const size_t live = cl_faults_live();
    long failures = 0;
    must(live_and_die(false));
    for (bool failed = true; failed; failures += stride()) {
        cl_faults_fail_at((size_t)failures, errors[failures % 3]);
        const bool resume = failures % 2 != 0;
        const clvgg_status status = live_and_die(resume);
        failed = cl_faults_stop();
        if (status != CLVGG_STATUS_OK) {
            assert_true(failed);
            assert_int_equal(status, statuses[failures % 3]);
            assert_non_null(strstr(clvgg_status_message(), cl_faults_failed_function()));
        }
        if (cl_faults_live() != live || fixture.allocator.held != held) {
            cl_faults_print_live();
            fail_msg("call %ld, %s: leaks", failures, cl_faults_failed_function());
        }
        must(live_and_die(resume));
        training_same_file(temp_path("sweep.safetensors"), fixture.reference);
    }
    print_message("calls failed up to the %ldth\n", failures);
    assert_true(failures > 100);
}

/* ---- fixture ---- */

static int set_up(void **state)
{
    if (temp_folder_setup(state) != 0)
        return -1;
    clvgg_runtime_options options;
    clvgg_runtime_options_defaults(&options);
    fixture.allocator.before_failure = -1;
    options.allocate = failing_allocate;
    options.release = failing_release;
    options.allocator_user = &fixture.allocator;
    options.threads = 1;
    must(clvgg_runtime_create(&options, &fixture.runtime));
    must(clvgg_device_open(fixture.runtime, getenv("CLVGG_DEVICE"), NULL, &fixture.device));
    fixture.base = small_model_make(fixture.runtime, 3);
    training_pictures(fixture.runtime, temp_path("train"), TRAIN, 1);
    training_pictures(fixture.runtime, temp_path("val"), VAL, 1000);
    must(clvgg_dataset_open(fixture.runtime, temp_path("train"), &fixture.train));
    must(clvgg_dataset_open(fixture.runtime, temp_path("val"), &fixture.val));
    snprintf(fixture.cache, sizeof fixture.cache, "%s", temp_path("features"));
    snprintf(fixture.reference, sizeof fixture.reference, "%s", temp_path("reference"));
    const clvgg_finetune_options run = defaults();
    must(whole(&run, fixture.reference));
    return 0;
}

static int tear_down(void **state)
{
    clvgg_dataset_free(fixture.train);
    clvgg_dataset_free(fixture.val);
    clvgg_model_free(fixture.base);
    clvgg_device_free(fixture.device);
    clvgg_runtime_free(fixture.runtime);
    if (cl_faults_live() != 0)
        cl_faults_print_live();
    return temp_folder_teardown(state) == 0 && cl_faults_live() == 0 && fixture.allocator.held == 0
               ? 0
               : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order),
        cmocka_unit_test(frozen_layers_take_the_execution),
        cmocka_unit_test(steps_and_epochs_are_counted),
        cmocka_unit_test(stopping_anywhere_changes_nothing),
        cmocka_unit_test(features_that_are_missing_can_be_stopped),
        cmocka_unit_test(the_best_epoch_must_be_this_runs),
        cmocka_unit_test(allocations_may_fail),
        cmocka_unit_test(calls_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

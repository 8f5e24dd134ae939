/* e2e/test_finetune_keep.c — keeping the last epoch: the model is what training came to, whatever
 * validation says of it, stopped anywhere or not.
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
#include "support/files.h"
#include "support/networks.h"
#include "support/small_model.h"
#include "support/training.h"

enum { TRAIN = 14, VAL = 6, EPOCHS = TRAINING_EPOCHS };

static struct {
    clvgg_runtime *runtime;
    clvgg_device *device;
    clvgg_model *base;
    clvgg_dataset *train, *val;
    clvgg_dataset
        *swapped; /* val with the names of its classes exchanged: training makes it worse */
    char cache[256], reference[256]; /* reference: the last epoch, judged by swapped */
} fixture;

/* Options of a training whose loss falls from epoch to epoch. */
static clvgg_finetune_options options_of(clvgg_keep keep)
{
    clvgg_finetune_options options = training_options(fixture.cache);
    options.dropout = 0;
    options.lr = 0.003;
    options.keep = keep;
    return options;
}

static clvgg_status whole(const clvgg_dataset *val, const clvgg_finetune_options *options,
                          const char *path)
{
    return training_whole(fixture.device, fixture.base, fixture.train, val, options, path);
}

/* Tensors, which the header's JSON doesn't belong to: it tells how the model came to be. */
static bool same_tensors(const char *one, const char *other)
{
    const char *paths[2] = {one, other};
    char *bytes[2];
    size_t sizes[2];
    uint64_t headers[2];
    for (int i = 0; i < 2; i++) {
        bytes[i] = file_read(paths[i], &sizes[i]);
        memcpy(&headers[i], bytes[i], sizeof headers[i]);
        headers[i] += sizeof headers[i];
        assert_true(headers[i] < sizes[i]);
        sizes[i] -= (size_t)headers[i];
    }
    assert_int_equal(sizes[0], sizes[1]);
    const bool same = memcmp(bytes[0] + headers[0], bytes[1] + headers[1], sizes[0]) == 0;
    free(bytes[0]);
    free(bytes[1]);
    return same;
}

/* Trains and saves; returns which epoch was the best. */
static int train(const clvgg_dataset *val, clvgg_keep keep, const char *path)
{
    const clvgg_finetune_options options = options_of(keep);
    clvgg_finetune *finetune;
    clvgg_finetune_epoch epoch = {.struct_size = sizeof epoch}, kept = epoch;
    uint64_t right = 0, all = 0;
    int best = -1;
    must(clvgg_finetune_create(fixture.device, fixture.base, fixture.train, val, &options,
                               &finetune));
    must(clvgg_finetune_run(finetune));
    must(clvgg_finetune_save(finetune, path, CLVGG_DTYPE_F32));
    assert_int_equal(clvgg_finetune_epoch_count(finetune), EPOCHS + 1);
    for (size_t i = 0; i <= EPOCHS; i++) {
        clvgg_finetune_epoch_at(finetune, i, &epoch);
        best = epoch.best ? epoch.epoch : best;
        kept = epoch.best || keep == CLVGG_KEEP_LAST ? epoch : kept;
    }
    for (size_t c = 0; c < 4; c++) {
        const uint64_t count = clvgg_finetune_confusion(finetune, c / 2, c % 2);
        right += c / 2 == c % 2 ? count : 0;
        all += count;
    }
    assert_true(kept.val_accuracy == (double)right / (double)all);
    clvgg_finetune_free(finetune);
    return best;
}

/* `val` makes the last epoch the best, so keeping the best gives the last one's weights. */
static void it_is_the_last_whatever_validation_says(void **state)
{
    (void)state;
    const struct {
        const clvgg_dataset *val;
        clvgg_keep keep;
        bool best_is_last, same;
    } runs[] = {{fixture.val, CLVGG_KEEP_BEST, true, true},
                {fixture.val, CLVGG_KEEP_LAST, true, true},
                {fixture.swapped, CLVGG_KEEP_BEST, false, false},
                {fixture.swapped, CLVGG_KEEP_LAST, false, true}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        const int best = train(runs[i].val, runs[i].keep, temp_path("judged"));
        assert_true((best == EPOCHS) == runs[i].best_is_last);
        if (i == 0)
            assert_int_equal(rename(temp_path("judged"), temp_path("last")), 0);
        else
            assert_true(same_tensors(temp_path("last"), temp_path("judged")) == runs[i].same);
    }
    training_same_file(temp_path("judged"), fixture.reference);
}

/* ---- stopping ---- */

typedef struct witness {
    int count, stop_at;
} witness;

static int note(void *user, const clvgg_finetune_event *event)
{
    (void)event;
    witness *seen = user;
    return seen->count++ == seen->stop_at;
}

static void stopping_anywhere_changes_nothing(void **state)
{
    (void)state;
    char name[32], run_dir[300], output[400], last[400], best[400];
    witness seen = {.stop_at = -1};
    clvgg_finetune_options options = options_of(CLVGG_KEEP_LAST);
    options.progress = note;
    options.user = &seen;
    options.run_dir = temp_path("uncut.run");
    must(whole(fixture.swapped, &options, temp_path("uncut.safetensors")));
    training_same_file(temp_path("uncut.safetensors"), fixture.reference);
    const int events = seen.count;
    assert_true(events > 3 * EPOCHS);
    for (int i = 0; i < events; i++) {
        snprintf(name, sizeof name, "stop%d.run", i);
        snprintf(run_dir, sizeof run_dir, "%s", temp_path(name));
        snprintf(output, sizeof output, "%s/out.safetensors", run_dir);
        snprintf(last, sizeof last, "%s/last.ckpt", run_dir);
        snprintf(best, sizeof best, "%s/best.ckpt", run_dir);
        seen = (witness){.stop_at = i};
        options.run_dir = run_dir;
        options.resume = NULL;
        assert_int_equal(whole(fixture.swapped, &options, output), CLVGG_STATUS_CANCELLED);
        assert_false(file_exists(output));
        options.resume = file_exists(last) ? last : NULL;
        must(whole(fixture.swapped, &options, output));
        training_same_file(output, fixture.reference);
        assert_false(file_exists(best)); /* nothing is chosen, so nothing is put aside */
    }
    /* The last checkpoint needs no folder to go on in. */
    options.run_dir = NULL;
    must(whole(fixture.swapped, &options, output));
    training_same_file(output, fixture.reference);
}

static void an_epoch_in_the_middle_is_not_the_last(void **state)
{
    (void)state;
    witness seen = {.stop_at = 6};
    clvgg_finetune_options options = options_of(CLVGG_KEEP_LAST);
    clvgg_finetune *finetune;
    options.progress = note;
    options.user = &seen;
    must(clvgg_finetune_create(fixture.device, fixture.base, fixture.train, fixture.val, &options,
                               &finetune));
    assert_int_equal(clvgg_finetune_run(finetune), CLVGG_STATUS_CANCELLED);
    assert_true(clvgg_finetune_epoch_count(finetune) > 1);
    assert_int_equal(clvgg_finetune_save(finetune, temp_path("early"), CLVGG_DTYPE_F32),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_false(file_exists(temp_path("early")));
    clvgg_finetune_free(finetune);
}

/* ---- what can't be ---- */

static void what_is_kept_stays(void **state)
{
    (void)state;
    char last[300];
    clvgg_finetune *finetune;
    clvgg_finetune_options options = options_of(CLVGG_KEEP_LAST);
    snprintf(last, sizeof last, "%s", temp_path("kept.run/last.ckpt"));
    options.run_dir = temp_path("kept.run");
    must(whole(fixture.val, &options, temp_path("kept.safetensors")));
    options.keep = CLVGG_KEEP_BEST;
    options.resume = last;
    assert_int_equal(clvgg_finetune_create(fixture.device, fixture.base, fixture.train, fixture.val,
                                           &options, &finetune),
                     CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(
        strstr(clvgg_status_message(), "was made with keep=last, this run has keep=best"));
}

static void patience_needs_the_best(void **state)
{
    (void)state;
    clvgg_finetune *finetune;
    clvgg_finetune_options options = options_of(CLVGG_KEEP_LAST);
    options.patience = 1;
    assert_int_equal(clvgg_finetune_create(fixture.device, fixture.base, fixture.train, fixture.val,
                                           &options, &finetune),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    options.keep = CLVGG_KEEP_BEST;
    must(clvgg_finetune_create(fixture.device, fixture.base, fixture.train, fixture.val, &options,
                               &finetune));
    clvgg_finetune_free(finetune);
}

/* ---- fixture ---- */

static void exchange_classes(const char *folder)
{
    char green[300], red[300], between[300];
    snprintf(green, sizeof green, "%s/green", folder);
    snprintf(red, sizeof red, "%s/red", folder);
    snprintf(between, sizeof between, "%s.between", folder);
    assert_int_equal(rename(green, between), 0);
    assert_int_equal(rename(red, green), 0);
    assert_int_equal(rename(between, red), 0);
}

static int set_up(void **state)
{
    if (temp_folder_setup(state) != 0)
        return -1;
    must(clvgg_runtime_create(NULL, &fixture.runtime));
    must(clvgg_device_open(fixture.runtime, getenv("CLVGG_DEVICE"), NULL, &fixture.device));
    fixture.base = small_model_make(fixture.runtime, 3);
    training_pictures(fixture.runtime, temp_path("train"), TRAIN, 1);
    training_pictures(fixture.runtime, temp_path("val"), VAL, 1000);
    training_pictures(fixture.runtime, temp_path("swapped"), VAL, 1000);
    exchange_classes(temp_path("swapped"));
    must(clvgg_dataset_open(fixture.runtime, temp_path("train"), &fixture.train));
    must(clvgg_dataset_open(fixture.runtime, temp_path("val"), &fixture.val));
    must(clvgg_dataset_open(fixture.runtime, temp_path("swapped"), &fixture.swapped));
    snprintf(fixture.cache, sizeof fixture.cache, "%s", temp_path("features"));
    snprintf(fixture.reference, sizeof fixture.reference, "%s", temp_path("reference"));
    const clvgg_finetune_options options = options_of(CLVGG_KEEP_LAST);
    must(whole(fixture.swapped, &options, fixture.reference));
    return 0;
}

static int tear_down(void **state)
{
    clvgg_dataset_free(fixture.train);
    clvgg_dataset_free(fixture.val);
    clvgg_dataset_free(fixture.swapped);
    clvgg_model_free(fixture.base);
    clvgg_device_free(fixture.device);
    clvgg_runtime_free(fixture.runtime);
    return temp_folder_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_last_whatever_validation_says),
        cmocka_unit_test(stopping_anywhere_changes_nothing),
        cmocka_unit_test(an_epoch_in_the_middle_is_not_the_last),
        cmocka_unit_test(what_is_kept_stays),
        cmocka_unit_test(patience_needs_the_best),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

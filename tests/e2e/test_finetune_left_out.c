/* e2e/test_finetune_left_out.c — photographs that can't be read: they are named, counted and left
 * out, what is trained is what it would be without them, and too many, or too few that are left,
 * end it before the first epoch.
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

enum { TRAIN = 14, VAL = 6, MOST_EVENTS = 64 };

static struct {
    clvgg_runtime *runtime;
    clvgg_device *device;
    clvgg_model *base;
    clvgg_dataset *train, *val, *cut_train, *cut_val; /* the same, and some that are cut */
    char reference[256];                              /* trained on `train` and `val` */
} fixture;

/* Counts the events reported; `stop_at` is the event that is once answered by a wish to stop. */
typedef struct witness {
    int count, stop_at, left_out, epochs, checks;
} witness;

static int note(void *user, const clvgg_finetune_event *event)
{
    witness *seen = user;
    seen->epochs += event->type == CLVGG_FINETUNE_EPOCH;
    seen->checks += event->type == CLVGG_FINETUNE_CHECK;
    if (event->type == CLVGG_FINETUNE_LEFT_OUT) {
        seen->left_out++;
        assert_int_equal(seen->epochs, 0);
        assert_non_null(strstr(event->path, "cut"));
        assert_non_null(strstr(event->reason, "PNG"));
        assert_null(strstr(event->reason, event->path));
    }
    return seen->count++ == seen->stop_at;
}

static void copy_picture(const char *from, const char *to, bool cut)
{
    size_t size;
    char *bytes = file_read(from, &size);
    file_write_deep(to, bytes, cut ? size * 2 / 3 : size);
    free(bytes);
}

static clvgg_finetune_options options_of(const char *cache, witness *seen)
{
    clvgg_finetune_options options = training_options(cache);
    *seen = (witness){.stop_at = -1};
    options.max_bad_images = 3;
    options.progress = note;
    options.user = seen;
    return options;
}

static clvgg_status whole(const clvgg_finetune_options *options, const char *path)
{
    return training_whole(fixture.device, fixture.base, fixture.cut_train, fixture.cut_val, options,
                          path);
}

/* The values of two models whose descriptions differ. */
static void same_values(const char *one, const char *other)
{
    size_t sizes[2], starts[2];
    char *bytes[2] = {file_read(one, &sizes[0]), file_read(other, &sizes[1])};
    for (int i = 0; i < 2; i++) {
        uint64_t header;
        memcpy(&header, bytes[i], sizeof header);
        starts[i] = 8 + (size_t)header;
        assert_in_range(starts[i], 8, sizes[i]);
    }
    assert_int_equal(sizes[0] - starts[0], sizes[1] - starts[1]);
    assert_memory_equal(bytes[0] + starts[0], bytes[1] + starts[1], sizes[0] - starts[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* Three cut pictures, two of them copies, one to validate on: as though they weren't there. */
static void they_are_as_though_they_were_not_there(void **state)
{
    (void)state;
    witness seen;
    const char *cache = temp_path("absent.features"), *model = temp_path("absent");
    clvgg_finetune_options options = options_of(cache, &seen);
    must(whole(&options, model));
    assert_int_equal(seen.left_out, 3);
    same_values(model, fixture.reference);
    /* All that can be had is on disk now; whether it was changes nothing. */
    options = options_of(cache, &seen);
    must(whole(&options, temp_path("again")));
    assert_int_equal(seen.left_out, 3);
    training_same_file(temp_path("again"), model);
    options = options_of(NULL, &seen);
    must(whole(&options, temp_path("uncached")));
    assert_int_equal(seen.left_out, 3);
    assert_true(seen.checks > 0);
    training_same_file(temp_path("uncached"), model);
}

/* However many views a photograph has, it is one. */
static void views_are_left_out_together(void **state)
{
    (void)state;
    witness seen;
    clvgg_finetune_options options = options_of(temp_path("views.features"), &seen);
    options.augment = CLVGG_AUGMENT_FLIP | CLVGG_AUGMENT_CROP;
    options.views = 3;
    must(whole(&options, temp_path("views")));
    assert_int_equal(seen.left_out, 3);
    must(training_whole(fixture.device, fixture.base, fixture.train, fixture.val, &options,
                        temp_path("views.whole")));
    same_values(temp_path("views"), temp_path("views.whole"));
}

static void stopping_anywhere_changes_nothing(void **state)
{
    (void)state;
    char run_dir[300], output[400], last[400], cache[300];
    witness seen;
    int count = 1;
    for (int i = -1; i < count; i++) {
        snprintf(run_dir, sizeof run_dir, "%s%d", temp_path("stop.run"), i);
        snprintf(cache, sizeof cache, "%s%d", temp_path("stop.features"), i);
        snprintf(output, sizeof output, "%s.safetensors", run_dir);
        snprintf(last, sizeof last, "%s/last.ckpt", run_dir);
        clvgg_finetune_options options = options_of(cache, &seen);
        options.run_dir = run_dir;
        seen.stop_at = i;
        const clvgg_status status = whole(&options, output);
        assert_int_equal(status, i < 0 ? CLVGG_STATUS_OK : CLVGG_STATUS_CANCELLED);
        if (i < 0) {
            count = seen.count;
            assert_in_range(count, 10, MOST_EVENTS);
            continue;
        }
        options.resume = file_exists(last) ? last : NULL;
        seen = (witness){.stop_at = -1};
        must(whole(&options, output));
        training_same_file(output, temp_path("stop.run-1.safetensors"));
    }
}

/* A photograph that went away and came back: going on would come to another end. */
static void a_checkpoint_remembers_them(void **state)
{
    (void)state;
    char last[300], moved[300], there[300];
    witness seen;
    snprintf(last, sizeof last, "%s", temp_path("other.run/last.ckpt"));
    snprintf(moved, sizeof moved, "%s", temp_path("moved"));
    clvgg_finetune_options options = options_of(temp_path("other.features"), &seen);
    options.run_dir = temp_path("other.run");
    options.progress = NULL;
    options.max_bad_images = 4;
    snprintf(there, sizeof there, "%s", temp_path("cut_train/red/01.png"));
    assert_int_equal(rename(there, moved), 0);
    must(whole(&options, temp_path("other")));
    assert_int_equal(rename(moved, there), 0);
    options.resume = last;
    assert_int_equal(whole(&options, temp_path("other.again")), CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "was made with left out=4 photographs, this run "
                                                   "has left out=3 photographs"));
}

static void too_many_end_it_before_the_first_epoch(void **state)
{
    (void)state;
    witness seen;
    clvgg_finetune_options options = options_of(temp_path("many.features"), &seen);
    options.max_bad_images = 1;
    assert_int_equal(whole(&options, temp_path("many")), CLVGG_STATUS_BAD_FILE);
    assert_non_null(strstr(clvgg_status_message(), "of 23 photographs can't be read so far"));
    assert_int_equal(seen.epochs, 0);
    options = options_of(NULL, &seen);
    options.max_bad_images = -1; /* of 23, 1 % is less than one, but one is allowed */
    assert_int_equal(whole(&options, temp_path("many")), CLVGG_STATUS_BAD_FILE);
    assert_non_null(
        strstr(clvgg_status_message(), "3 of 23 photographs can't be read, and 1 may be left out"));
    assert_int_equal(seen.left_out, 3);
    options = options_of(NULL, &seen);
    options.max_bad_images = -1;
    options.max_bad_share = 0.14; /* 3.22 of 23 */
    must(whole(&options, temp_path("many")));
}

static void a_check_names_them_all(void **state)
{
    (void)state;
    witness seen;
    clvgg_finetune *finetune = NULL;
    clvgg_finetune_plan plan = {.struct_size = sizeof plan};
    clvgg_finetune_options options = options_of(temp_path("check.features"), &seen);
    must(clvgg_finetune_create(fixture.device, fixture.base, fixture.cut_train, fixture.cut_val,
                               &options, &finetune));
    clvgg_finetune_get_plan(finetune, &plan);
    assert_int_equal(plan.train_images, TRAIN + 2);
    must(clvgg_finetune_check(finetune));
    assert_int_equal(clvgg_finetune_left_out_count(finetune), 3);
    for (size_t i = 0; i < 3; i++) {
        const char *path, *reason;
        clvgg_finetune_left_out(finetune, i, &path, &reason);
        assert_non_null(strstr(path, "cut"));
        assert_non_null(strstr(reason, "PNG"));
    }
    clvgg_finetune_get_plan(finetune, &plan);
    assert_int_equal(plan.train_images, TRAIN);
    assert_int_equal(plan.val_images, VAL);
    assert_int_equal(plan.cached_images, 0); /* nothing was computed */
    must(clvgg_finetune_run(finetune));
    must(clvgg_finetune_save(finetune, temp_path("check"), CLVGG_DTYPE_F32));
    assert_int_equal(seen.left_out, 3);
    same_values(temp_path("check"), fixture.reference);
    clvgg_finetune_free(finetune);
}

/* ---- parts that are empty ---- */

static void assert_refused(const clvgg_dataset *train, const clvgg_dataset *val, bool run,
                           const char *words)
{
    witness seen;
    clvgg_finetune *finetune = NULL;
    clvgg_finetune_options options = options_of(temp_path("refused.features"), &seen);
    clvgg_status status =
        clvgg_finetune_create(fixture.device, fixture.base, train, val, &options, &finetune);
    if (run) {
        must(status);
        status = clvgg_finetune_run(finetune);
    }
    clvgg_finetune_free(finetune);
    assert_int_equal(status, CLVGG_STATUS_BAD_FILE);
    if (strstr(clvgg_status_message(), words) == NULL)
        fail_msg("no '%s' in: %s", words, clvgg_status_message());
    assert_int_equal(seen.epochs, 0);
}

static void empty_parts_are_refused(void **state)
{
    (void)state;
    clvgg_dataset *few = NULL, *train = NULL, *val = NULL;
    training_pictures(fixture.runtime, temp_path("few"), 2, 7);
    must(clvgg_dataset_open(fixture.runtime, temp_path("few"), &few));
    must(clvgg_dataset_split(few, 0.1, 1, &train, &val)); /* one of each class: none to validate */
    assert_refused(train, val, false, "no validation photograph");
    clvgg_dataset_free(train);
    clvgg_dataset_free(val);
    clvgg_dataset_free(few);

    copy_picture(temp_path("train/red/01.png"), temp_path("cut-red/red/cut.png"), true);
    copy_picture(temp_path("train/green/00.png"), temp_path("cut-red/green/00.png"), false);
    must(clvgg_dataset_open(fixture.runtime, temp_path("cut-red"), &few));
    assert_refused(few, fixture.val, true, "no training photograph of 'red'");
    copy_picture(temp_path("train/red/01.png"), temp_path("cut-all/red/cut.png"), true);
    copy_picture(temp_path("train/red/01.png"), temp_path("cut-all/green/cut.png"), true);
    must(clvgg_dataset_open(fixture.runtime, temp_path("cut-all"), &val));
    assert_refused(fixture.train, val, true, "no validation photograph");
    clvgg_dataset_free(few);
    clvgg_dataset_free(val);
}

/* ---- fixture ---- */

static int set_up(void **state)
{
    if (temp_folder_setup(state) != 0)
        return -1;
    must(clvgg_runtime_create(NULL, &fixture.runtime));
    must(clvgg_device_open(fixture.runtime, getenv("CLVGG_DEVICE"), NULL, &fixture.device));
    fixture.base = small_model_make(fixture.runtime, 3);
    training_pictures(fixture.runtime, temp_path("train"), TRAIN, 1);
    training_pictures(fixture.runtime, temp_path("val"), VAL, 1000);
    training_pictures(fixture.runtime, temp_path("cut_train"), TRAIN, 1);
    training_pictures(fixture.runtime, temp_path("cut_val"), VAL, 1000);
    copy_picture(temp_path("train/red/03.png"), temp_path("cut_train/red/02-cut.png"), true);
    copy_picture(temp_path("train/red/03.png"), temp_path("cut_train/green/cut.png"), true);
    copy_picture(temp_path("val/red/01.png"), temp_path("cut_val/red/cut.png"), true);
    must(clvgg_dataset_open(fixture.runtime, temp_path("train"), &fixture.train));
    must(clvgg_dataset_open(fixture.runtime, temp_path("val"), &fixture.val));
    must(clvgg_dataset_open(fixture.runtime, temp_path("cut_train"), &fixture.cut_train));
    must(clvgg_dataset_open(fixture.runtime, temp_path("cut_val"), &fixture.cut_val));
    snprintf(fixture.reference, sizeof fixture.reference, "%s", temp_path("reference"));
    const clvgg_finetune_options options = training_options(temp_path("features"));
    must(training_whole(fixture.device, fixture.base, fixture.train, fixture.val, &options,
                        fixture.reference));
    return 0;
}

static int tear_down(void **state)
{
    clvgg_dataset_free(fixture.train);
    clvgg_dataset_free(fixture.val);
    clvgg_dataset_free(fixture.cut_train);
    clvgg_dataset_free(fixture.cut_val);
    clvgg_model_free(fixture.base);
    clvgg_device_free(fixture.device);
    clvgg_runtime_free(fixture.runtime);
    return temp_folder_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_as_though_they_were_not_there),
        cmocka_unit_test(views_are_left_out_together),
        cmocka_unit_test(stopping_anywhere_changes_nothing),
        cmocka_unit_test(a_checkpoint_remembers_them),
        cmocka_unit_test(too_many_end_it_before_the_first_epoch),
        cmocka_unit_test(a_check_names_them_all),
        cmocka_unit_test(empty_parts_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

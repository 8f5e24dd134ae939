/* e2e/test_cli_finetune.c — `clvgg finetune` on a small network and coloured noise: it learns, says
 * what it does, keeps its word on seeds, photographs that can't be read and full disks.
 */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/finetune_program.h"
#include "support/scratch.h"

/* ---- what it does ---- */

static void it_learns_and_says_how(void **state)
{
    (void)state;
    const char *output = test_scratch_path("learned.safetensors");
    cJSON *json = finetune_json(output, NULL, NULL);
    const cJSON *epochs = member(json, "epochs");
    assert_int_equal(cJSON_GetArraySize(epochs), EPOCHS + 1);
    assert_true(cJSON_IsNull(member(cJSON_GetArrayItem(epochs, 0), "train_loss")));
    assert_true(number(json, "val_accuracy") == 1.0); /* colours are easy */
    assert_true(number(json, "val_loss") < number(cJSON_GetArrayItem(epochs, 0), "val_loss"));
    assert_int_equal(number(json, "train_images"), TRAIN_IMAGES);
    assert_int_equal(number(json, "steps_an_epoch"), 5);
    assert_int_equal(number(json, "trained_parameters"), 512 * 16 + 16 + 16 * 12 + 12 + 12 * 2 + 2);
    const cJSON *confusion = member(json, "confusion");
    assert_int_equal(cJSON_GetArrayItem(cJSON_GetArrayItem(confusion, 0), 0)->valueint,
                     VAL_IMAGES / 2);
    assert_int_equal(cJSON_GetArrayItem(cJSON_GetArrayItem(confusion, 0), 1)->valueint, 0);
    cJSON_Delete(json);
    size_t size;
    char *csv = read_file(test_scratch_path("learned.run/metrics.csv"), &size);
    int lines = 0;
    for (const char *c = csv; *c != '\0'; c++)
        lines += *c == '\n';
    assert_int_equal(lines, EPOCHS + 2);
    free(csv);
    free(read_file(test_scratch_path("learned.run/metrics.json"), &size));
}

/* The new model is one like any other: its labels, its answers. */
static void the_model_classifies(void **state)
{
    (void)state;
    test_program ran = {0};
    test_program_run(
        &ran, (const char *[]){PROGRAM, "run", "--json", "--model", reference(), val_dir, NULL});
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *image;
    int right = 0;
    cJSON_ArrayForEach(image, member(json, "images"))
    {
        const char *label =
            member(cJSON_GetArrayItem(member(image, "top"), 0), "label")->valuestring;
        right += strstr(member(image, "file")->valuestring, label) != NULL;
    }
    assert_int_equal(right, VAL_IMAGES);
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void assert_layers(const char *const *options, const char *expected)
{
    test_program ran = {0};
    const char *arguments[24] = {PROGRAM,  "finetune", "--dry-run", "--json", "--model", net,
                                 "--data", train_dir,  "--val",     val_dir,  "--cache", "off"};
    size_t count = 12;
    for (; *options != NULL; options++)
        arguments[count++] = *options;
    test_program_run(&ran, arguments);
    if (ran.exit_code != 0)
        fail_msg("exit code %d: %s", ran.exit_code, ran.err);
    cJSON *json = test_program_json(&ran);
    const cJSON *layer;
    char text[8] = "", *at = text;
    cJSON_ArrayForEach(layer, member(json, "layers"))
    {
        const bool kept = cJSON_IsTrue(member(layer, "kept"));
        const bool frozen = cJSON_IsTrue(member(layer, "frozen"));
        *at++ = kept ? (frozen ? 'K' : 'k') : (frozen ? 'R' : 'r');
    }
    assert_string_equal(text, expected);
    assert_true(number(json, "seconds") > 0);
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void a_dry_run_says_what_is_kept(void **state)
{
    (void)state;
    assert_layers((const char *[]){NULL}, "rrr"); /* other classes than the base's */
    assert_layers((const char *[]){"--train", "fc8", NULL}, "KKr");
    assert_layers((const char *[]){"--train", "fc7", NULL}, "Kkr");
    assert_layers((const char *[]){"--head", "none", NULL}, "r");
    assert_layers((const char *[]){"--head", "9,8", "--train", "fc8", "--head-init", "fresh", NULL},
                  "RRr");
}

/* ---- the same bits ---- */

static void same_seed_same_bits(void **state)
{
    (void)state;
    const char *again = test_scratch_path("again.safetensors");
    cJSON *json = finetune_json(again, NULL, NULL);
    assert_int_equal(number(json, "cached_images"), number(json, "feature_images"));
    cJSON_Delete(json);
    assert_same_file(reference(), again);
    /* Whether features are kept or computed in each epoch changes nothing. */
    const char *uncached = test_scratch_path("uncached.safetensors");
    json = finetune_json(uncached, "--cache", "off");
    assert_int_equal(number(json, "cached_images"), 0);
    cJSON_Delete(json);
    assert_same_file(reference(), uncached);
}

/* ---- which epoch is kept ---- */

/* Validation photographs under each other's names: the more is learned, the worse they are. */
static void the_last_epoch_is_kept_on_request(void **state)
{
    (void)state;
    char swapped[300], output[300];
    test_program ran = {0};
    test_scratch_folder("swapped");
    snprintf(swapped, sizeof swapped, "%s", test_scratch_path("swapped"));
    snprintf(output, sizeof output, "%s", test_scratch_path("last.safetensors"));
    assert_int_equal(symlink("../val/red", test_scratch_path("swapped/blue")), 0);
    assert_int_equal(symlink("../val/blue", test_scratch_path("swapped/red")), 0);
    FINETUNE(&ran, output, "--val", swapped, "--keep", "last", "--dropout", "0", "--lr", "0.003",
             "--json");
    assert_non_null(strstr(ran.err, "3 epochs of 5 steps, the last of which is kept"));
    cJSON *json = test_program_json(&ran);
    assert_true(number(json, "best_epoch") < EPOCHS);
    assert_int_equal(number(json, "kept_epoch"), EPOCHS);
    assert_true(number(json, "val_loss") ==
                number(cJSON_GetArrayItem(member(json, "epochs"), EPOCHS), "val_loss"));
    assert_true(number(json, "val_accuracy") == 0.0);
    const cJSON *confusion = member(json, "confusion");
    assert_int_equal(cJSON_GetArrayItem(cJSON_GetArrayItem(confusion, 0), 1)->valueint,
                     VAL_IMAGES / 2);
    cJSON_Delete(json);
    assert_fails(&ran, 0, "");
    FINETUNE(&ran, output, "--val", swapped, "--keep", "last", "--dropout", "0", "--lr", "0.003",
             "--quiet");
    assert_non_null(strstr(ran.out, "last.safetensors: epoch 3, 0.00 % of the validation"));
    assert_fails(&ran, 0, "");
    FINETUNE(&ran, output, "--keep", "last", "--patience", "2");
    assert_fails(&ran, 2, "--patience goes with --keep best");
}

/* ---- photographs that can't be read ---- */

static void assert_left_out(const cJSON *json)
{
    const cJSON *left_out = member(json, "left_out");
    assert_int_equal(cJSON_GetArraySize(left_out), 2);
    for (int i = 0; i < 2; i++) {
        const cJSON *file = cJSON_GetArrayItem(left_out, i);
        assert_non_null(strstr(member(file, "file")->valuestring,
                               strstr(member(file, "file")->valuestring, "red/") != NULL
                                   ? "cut/red/cut.png"
                                   : "cut/blue/broken.png"));
        assert_non_null(strstr(member(file, "reason")->valuestring, "PNG"));
    }
}

static void what_can_not_be_read_is_left_out(void **state)
{
    (void)state;
    char output[300];
    size_t size;
    test_program ran = {0};
    snprintf(output, sizeof output, "%s", test_scratch_path("left.safetensors"));
    FINETUNE(&ran, output, "--data", cut_dir, "--max-bad", "5%");
    assert_fails(&ran, 1, "of 34 photographs can't be read so far, and 1 may be left out");
    assert_false(exists(test_scratch_path("left.run/last.ckpt")));
    FINETUNE(&ran, output, "--data", cut_dir, "--max-bad", "6%", "--json"); /* 2.04 */
    assert_non_null(strstr(ran.err, "\nleft out: "));
    assert_non_null(strstr(ran.err, "left out: 2 of 34 photographs, which can't be read\n"
                                    "training: 24 photographs, 2 classes: blue 12, red 12\n"));
    cJSON *json = test_program_json(&ran);
    assert_left_out(json);
    assert_int_equal(number(json, "train_images"), TRAIN_IMAGES);
    assert_int_equal(number(cJSON_GetArrayItem(member(json, "classes"), 0), "train"),
                     TRAIN_IMAGES / 2);
    cJSON_Delete(json);
    assert_fails(&ran, 0, "");
    char *text = read_file(test_scratch_path("left.run/metrics.json"), &size);
    json = cJSON_Parse(text);
    assert_left_out(json);
    cJSON_Delete(json);
    free(text);
}

static void a_dry_run_reads_photographs(void **state)
{
    (void)state;
    test_program ran = {0};
    const char *output = test_scratch_path("dry.safetensors");
    FINETUNE(&ran, output, "--dry-run", "--data", cut_dir, "--max-bad", "1", "--cache", "off");
    assert_non_null(strstr(ran.err, "cut/red/cut.png: "));
    assert_fails(&ran, 1, "2 of 34 photographs can't be read, and 1 may be left out");
    FINETUNE(&ran, output, "--dry-run", "--data", cut_dir, "--max-bad", "2", "--json");
    cJSON *json = test_program_json(&ran);
    assert_left_out(json);
    assert_int_equal(number(json, "train_images"), TRAIN_IMAGES);
    cJSON_Delete(json);
    assert_fails(&ran, 0, "");
}

static void one_photograph_a_class_is_too_few(void **state)
{
    (void)state;
    test_program ran = {0};
    const char *arguments[] = {PROGRAM, "finetune", "--model", net,         "--data",
                               one_dir, "-o",       "unused",  "--dry-run", NULL};
    test_program_run(&ran, arguments);
    assert_fails(&ran, 1, "there is no validation photograph");
    arguments[8] = "--quiet";
    test_program_run(&ran, arguments);
    assert_fails(&ran, 1, "there is no validation photograph");
    assert_false(exists("unused.run"));
}

/* ---- what can't be done ---- */

static void contradictions_are_usage_errors(void **state)
{
    (void)state;
    const char *output = test_scratch_path("none.safetensors");
    test_program ran = {0};
    FINETUNE(&ran, output, "--train", "fc8");
    assert_fails(&ran, 2, "fc6 can't be kept");
    FINETUNE(&ran, output, "--head", "none", "--train", "fc6");
    assert_fails(&ran, 2, "fc6 can't train");
    FINETUNE(&ran, output, "--val-split", "0.2");
    assert_fails(&ran, 2, "--val and --val-split exclude each other");
    FINETUNE(&ran, output, "--head", "12");
    assert_fails(&ran, 2, "--head: needs two widths");
    FINETUNE(&ran, output, "--augment", "flip,turn");
    assert_fails(&ran, 2, "--augment: needs words among flip,crop,color");
    FINETUNE(&ran, output, "--dropout", "1.5");
    assert_fails(&ran, 2, "--dropout: needs a number from 0 to 0.99");
    FINETUNE(&ran, output, "--views", "3");
    assert_fails(&ran, 2, "--views needs --augment");
    assert_false(exists(output));
}

/* The message comes before anything is computed. */
static void an_output_that_can_not_be_is_said_first(void **state)
{
    (void)state;
    test_program ran = {0};
    FINETUNE(&ran, test_scratch_path("nowhere/new.safetensors"), "--run-dir",
             test_scratch_path("unused.run"));
    assert_fails(&ran, 1, "new.safetensors: can't be written: No such file");
    FINETUNE(&ran, train_dir, "--run-dir", test_scratch_path("unused.run"));
    assert_fails(&ran, 1, "train: can't be written: Is a directory");
    FINETUNE(&ran, net, "--run-dir", test_scratch_path("unused.run"));
    assert_fails(&ran, 2, "which is to be read");
    FINETUNE(&ran, test_scratch_path("dry.safetensors"), "--dry-run");
    assert_int_equal(ran.exit_code, 0);
    test_program_free(&ran);
    assert_false(exists(test_scratch_path("dry.run")));
    assert_false(exists(test_scratch_path("unused.run")));
}

static void broken_data_is_named(void **state)
{
    (void)state;
    test_program ran = {0};
    test_program_run(&ran, (const char *[]){PROGRAM, "finetune", "--model", net, "--data",
                                            test_scratch_path("nowhere"), "--output",
                                            test_scratch_path("none.safetensors"), NULL});
    assert_fails(&ran, 1, "nowhere");
    FINETUNE(&ran, test_scratch_path("wild.safetensors"), "--lr", "1e6", "--optimizer", "sgd",
             "--warmup", "0", "--lr-schedule", "constant");
    assert_fails(&ran, 1, "learning rate 1e+06");
    FINETUNE(&ran, test_scratch_path("none.safetensors"), "--resume",
             test_scratch_path("nowhere.ckpt"));
    assert_fails(&ran, 1, "nowhere.ckpt");
}

/* Files can't grow beyond a limit, as on a full disk; what was there before stays. */
static void a_full_disk_is_said(void **state)
{
    (void)state;
    char command[3000], before[300], output[300];
    test_program ran = {0};
    snprintf(output, sizeof output, "%s", test_scratch_path("full.safetensors"));
    cJSON_Delete(finetune_json(output, NULL, NULL));
    snprintf(before, sizeof before, "%s", test_scratch_path("before.safetensors"));
    size_t size;
    char *bytes = read_file(output, &size);
    test_scratch_write("before.safetensors", bytes, size);
    free(bytes);
    /* 4096 blocks of 512 bytes are enough for compilers, not for a checkpoint of this head. */
    snprintf(command, sizeof command,
             "trap '' XFSZ; ulimit -f 4096; exec %s finetune --quiet --model %s --data %s --val %s "
             "--output %s --head 2048,64 --cache %s",
             PROGRAM, net, train_dir, val_dir, output, features);
    test_program_run(&ran, (const char *[]){"/bin/sh", "-c", command, NULL});
    assert_fails(&ran, 1, "full.run/");
    assert_same_file(before, output);
    /* Nor for so many features. */
    snprintf(command, sizeof command,
             "trap '' XFSZ; ulimit -f 4096; exec %s finetune --quiet --model %s --data %s --val %s "
             "--output %s --head 16,12 --augment flip,crop --views 120 --cache %s/new",
             PROGRAM, net, train_dir, val_dir, output, test_scratch_path("full.run"));
    test_program_run(&ran, (const char *[]){"/bin/sh", "-c", command, NULL});
    assert_fails(&ran, 1, "new/");
    assert_same_file(before, output);
}

int main(void)
{
    if (getenv("CLVGG_TEST_SMALL") != NULL) {
        fprintf(stderr, "SKIPPED: test_cli_finetune: only small tests were asked for\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns_and_says_how),
        cmocka_unit_test(the_model_classifies),
        cmocka_unit_test(a_dry_run_says_what_is_kept),
        cmocka_unit_test(same_seed_same_bits),
        cmocka_unit_test(the_last_epoch_is_kept_on_request),
        cmocka_unit_test(what_can_not_be_read_is_left_out),
        cmocka_unit_test(a_dry_run_reads_photographs),
        cmocka_unit_test(one_photograph_a_class_is_too_few),
        cmocka_unit_test(contradictions_are_usage_errors),
        cmocka_unit_test(an_output_that_can_not_be_is_said_first),
        cmocka_unit_test(broken_data_is_named),
        cmocka_unit_test(a_full_disk_is_said),
    };
    return cmocka_run_group_tests(tests, finetune_setup, finetune_teardown);
}

/* e2e/test_cli_finetune.c — `clvgg finetune` on a small network and coloured noise: it learns, says
 * what it does, keeps its word on seeds, kills, interruptions and full disks.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "clvgg/image.h"
#include "support/program.h"
#include "support/scratch.h"

enum { TRAIN_IMAGES = 24, VAL_IMAGES = 8, SIDE = 40, EPOCHS = 3 };

static char net[300], train_dir[300], val_dir[300], features[300], cut_dir[300], one_dir[300];

/* Red or blue noise, no two pictures the same. */
static void write_picture(clvgg_runtime *runtime, const char *path, bool red, unsigned seed)
{
    static uint8_t rgb[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof rgb; i++) {
        seed = seed * 1664525u + 1013904223u;
        const bool strong = (i % 3 == 0) == red && i % 3 != 1;
        rgb[i] = (uint8_t)((seed >> 25) + (strong ? 128 : 0));
    }
    assert_int_equal(clvgg_image_write_png(runtime, path, SIDE, SIDE, rgb), CLVGG_STATUS_OK);
}

static void write_pictures(clvgg_runtime *runtime, const char *folder, int count, unsigned seed)
{
    static const char *const names[] = {"blue", "red"};
    char path[400];
    assert_true(mkdir(folder, 0777) == 0);
    for (int c = 0; c < 2; c++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[c]);
        assert_true(mkdir(path, 0777) == 0);
        for (int i = 0; i < count / 2; i++) {
            snprintf(path, sizeof path, "%s/%s/%03d.png", folder, names[c], i);
            write_picture(runtime, path, c == 1, seed++);
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    clvgg_runtime *runtime;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    snprintf(net, sizeof net, "%s", test_scratch_path("net.safetensors"));
    snprintf(train_dir, sizeof train_dir, "%s", test_scratch_path("train"));
    snprintf(val_dir, sizeof val_dir, "%s", test_scratch_path("val"));
    snprintf(features, sizeof features, "%s", test_scratch_path("features"));
    if (clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK)
        return 1;
    write_pictures(runtime, train_dir, TRAIN_IMAGES, 1);
    write_pictures(runtime, val_dir, VAL_IMAGES, 1000);
    snprintf(cut_dir, sizeof cut_dir, "%s", test_scratch_path("cut"));
    write_pictures(runtime, cut_dir, TRAIN_IMAGES, 1);
    test_scratch_broken_image("cut/blue/broken.png");
    test_scratch_write("cut/red/cut.png", "\x89PNG\r\n\x1a\n", 8);
    snprintf(one_dir, sizeof one_dir, "%s", test_scratch_path("one"));
    write_pictures(runtime, one_dir, 2, 5);
    clvgg_runtime_free(runtime);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_scratch_remove();
    return 0;
}

/* `clvgg finetune` with the data above, three epochs, a small head, and what a test adds. */
#define FINETUNE(program, output, ...)                                                             \
    test_program_run(program, (const char *[]){PROGRAM,       "finetune", "--model",   net,        \
                                               "--data",      train_dir,  "--val",     val_dir,    \
                                               "--output",    output,     "--epochs",  "3",        \
                                               "--batch",     "5",        "--head",    "16,12",    \
                                               "--cache",     features,   "--lr",      "0.01",     \
                                               "--mem-limit", "64M",      __VA_ARGS__, NULL})

static const cJSON *member(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    if (item == NULL)
        fail_msg("no member %s", name);
    return item;
}

static double number(const cJSON *json, const char *name)
{
    return member(json, name)->valuedouble;
}

static cJSON *finetune_json(const char *output, const char *option, const char *value)
{
    test_program ran = {0};
    FINETUNE(&ran, output, "--json", option, value);
    if (ran.exit_code != 0)
        fail_msg("exit code %d: %s", ran.exit_code, ran.err);
    cJSON *json = test_program_json(&ran);
    test_program_free(&ran);
    return json;
}

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("no file %s", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

static void assert_same_file(const char *one, const char *other)
{
    size_t sizes[2];
    char *bytes[2] = {read_file(one, &sizes[0]), read_file(other, &sizes[1])};
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* The model that all runs with the same options must come to. */
static const char *reference(void)
{
    static char path[300];
    if (path[0] == '\0') {
        snprintf(path, sizeof path, "%s", test_scratch_path("reference.safetensors"));
        cJSON_Delete(finetune_json(path, NULL, NULL));
    }
    return path;
}

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

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
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
    /* As a kill leaves it while a checkpoint is being written. */
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

static void assert_fails(test_program *ran, int exit_code, const char *words)
{
    if (ran->exit_code != exit_code || strstr(ran->err, words) == NULL)
        fail_msg("exit code %d instead of %d, or no '%s' in: %s", ran->exit_code, exit_code, words,
                 ran->err);
    test_program_free(ran);
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
             "until ls %s/*.features > ls 2>&1; do kill -0 $run || exit 8; sleep 0.01; done\n"
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

/* What more epochs are to be had by is said, and true. */
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

/* Before anything is computed. */
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
        cmocka_unit_test(killed_runs_come_to_the_same_end),
        cmocka_unit_test(an_interrupt_saves),
        cmocka_unit_test(an_interrupt_keeps_features),
        cmocka_unit_test(a_run_without_a_checkpoint_begins),
        cmocka_unit_test(a_finished_run_is_trained_further),
        cmocka_unit_test(what_can_not_be_read_is_left_out),
        cmocka_unit_test(a_dry_run_reads_photographs),
        cmocka_unit_test(one_photograph_a_class_is_too_few),
        cmocka_unit_test(contradictions_are_usage_errors),
        cmocka_unit_test(an_output_that_can_not_be_is_said_first),
        cmocka_unit_test(broken_data_is_named),
        cmocka_unit_test(checkpoints_of_other_runs_are_refused),
        cmocka_unit_test(a_full_disk_is_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

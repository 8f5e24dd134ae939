/* test_cli_convert.c — `clvgg convert`: every format that it writes is read again where this build
 * reads it and gives the same answers; what goes wrong leaves nothing behind, and what was there.
 */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/files.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

static char net[300], picture[300];
static const char *folder;

#define RUN(program, ...) test_program_run(program, (const char *[]){PROGRAM, __VA_ARGS__, NULL})

static int set_up(void **state)
{
    (void)state;
    folder = test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_image("a.png", 1);
    snprintf(net, sizeof net, "%s", test_scratch_path("net.safetensors"));
    snprintf(picture, sizeof picture, "%s", test_scratch_path("a.png"));
    return 0;
}

/* The probabilities and labels that `clvgg run` prints of the picture; to be freed. */
static char *answer(const char *model)
{
    test_program ran = {0};
    RUN(&ran, "run", "--json", "--top", "0", "--model", model, picture);
    if (ran.exit_code != 0)
        fail_msg("%s: exit code %d\n%s", model, ran.exit_code, ran.err);
    cJSON *json = test_program_json(&ran);
    char *words = cJSON_Print(cJSON_GetObjectItem(json, "images"));
    cJSON_Delete(json);
    test_program_free(&ran);
    return words;
}

/* What this build reads of what it writes. */
static bool is_read(const char *name)
{
    test_program ran = {0};
    RUN(&ran, "info", "--formats", "--json");
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *item;
    bool read = false;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "reads"))
    {
        if (strcmp(cJSON_GetObjectItem(item, "name")->valuestring, name) == 0)
            read = cJSON_IsTrue(cJSON_GetObjectItem(item, "read"));
    }
    cJSON_Delete(json);
    test_program_free(&ran);
    return read;
}

/* Converts to JSON that says what was made; the caller deletes it. */
static cJSON *convert(const char *const *words)
{
    const char *arguments[16] = {PROGRAM, "convert", "--json"};
    test_program ran = {0};
    for (size_t i = 0; words[i] != NULL; i++)
        arguments[3 + i] = words[i];
    test_program_run(&ran, arguments);
    if (ran.exit_code != 0)
        fail_msg("exit code %d\n%s", ran.exit_code, ran.err);
    assert_string_equal(ran.err, "");
    cJSON *json = test_program_json(&ran);
    test_program_free(&ran);
    return json;
}
#define CONVERT(...) convert((const char *[]){__VA_ARGS__, NULL})

static double number(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(json, key);
    if (item == NULL)
        fail_msg("no member '%s'", key);
    return item->valuedouble;
}

static const struct {
    const char *to, *suffix, *reader;
} kinds[] = {
    {"safetensors", ".safetensors", "safetensors"},
    {"torchvision", ".torch.safetensors", "safetensors"},
    {"onnx", ".onnx", "an ONNX model"},
    {"npz", ".npz", "a NumPy archive (.npz)"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void each_format_gives_the_same_answers(void **state)
{
    (void)state;
    char *right = answer(net);
    for (size_t i = 0; i < KINDS; i++) {
        char name[64], out[320];
        snprintf(name, sizeof name, "out%s", kinds[i].suffix);
        snprintf(out, sizeof out, "%s", test_scratch_path(name));
        const bool read = is_read(kinds[i].reader);
        cJSON *json = CONVERT("--to", kinds[i].to, net, out);
        assert_string_equal(cJSON_GetObjectItem(json, "format")->valuestring, kinds[i].to);
        assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(json, "checked")), read);
        assert_int_equal(number(json, "tensors"), 22);
        struct stat info;
        assert_int_equal(stat(out, &info), 0);
        assert_int_equal(number(json, "bytes"), info.st_size);
        if (read)
            assert_true(number(json, "error") <= 1e-6);
        else
            printf("SKIPPED: %s isn't read by this build\n", kinds[i].reader);
        cJSON_Delete(json);
        if (!read)
            continue;
        char *again = answer(out); /* labels and preprocessing came along */
        assert_string_equal(again, right);
        free(again);
    }
    free(right);
}

static void the_suffix_chooses_the_format(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"s.onnx", "onnx"},
                                           {"s.npz", "npz"},
                                           {"s.safetensors", "safetensors"},
                                           {"s.bin", "safetensors"},
                                           {"onnx", "safetensors"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *json = CONVERT("--no-check", net, test_scratch_path(cases[i][0]));
        assert_string_equal(cJSON_GetObjectItem(json, "format")->valuestring, cases[i][1]);
        assert_true(cJSON_IsFalse(cJSON_GetObjectItem(json, "checked")));
        cJSON_Delete(json);
    }
}

/* Equal input gives equal bytes, whatever the day. */
static void equal_input_gives_equal_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        size_t first_bytes, second_bytes;
        cJSON_Delete(CONVERT("--no-check", "--to", kinds[i].to, net, test_scratch_path("first")));
        sleep(i == KINDS - 1 ? 2 : 0); /* zip archives have times of two seconds */
        cJSON_Delete(CONVERT("--no-check", "--to", kinds[i].to, net, test_scratch_path("second")));
        char *first = file_read(test_scratch_path("first"), &first_bytes);
        char *second = file_read(test_scratch_path("second"), &second_bytes);
        assert_int_equal(first_bytes, second_bytes);
        assert_memory_equal(first, second, first_bytes);
        free(first);
        free(second);
    }
}

static void half_precision(void **state)
{
    (void)state;
    static const struct {
        const char *dtype;
        double most;
    } cases[] = {{"f32", 1e-6}, {"f16", 1e-2}, {"bf16", 8e-2}};
    char out[320];
    struct stat whole, half;
    snprintf(out, sizeof out, "%s", test_scratch_path("half.safetensors"));
    for (size_t i = 0; i < 3; i++) {
        cJSON *json = CONVERT("--dtype", cases[i].dtype, net, out);
        assert_true(number(json, "error") <= cases[i].most);
        cJSON_Delete(json);
        assert_int_equal(stat(out, &half), 0);
        if (i == 0)
            whole = half;
        else
            assert_true(half.st_size < whole.st_size / 10 * 6);
    }
}

/* With and without --fold a network with batch norm gives what its own file gives. */
static void batch_norm_is_kept_or_folded(void **state)
{
    (void)state;
    static const char *const folds[] = {"--quiet", "--fold"};
    enum { KEPT = 54, FOLDED = 22 };
    for (size_t i = 0; i < KINDS; i++)
        for (size_t fold = 0; fold < 2; fold++) {
            cJSON *json = CONVERT("--to", kinds[i].to, "--preprocess", "torchvision", "--quiet",
                                  folds[fold], TEST_DATA "/formats/vgg11_bn/network.safetensors",
                                  test_scratch_path("norms"));
            assert_int_equal(number(json, "tensors"), fold ? FOLDED : KEPT);
            if (is_read(kinds[i].reader))
                assert_true(number(json, "error") <= (fold ? 1e-5 : 1e-6));
            cJSON_Delete(json);
        }
}

/* A member of what `clvgg info --json` says of a model. */
static void assert_says(const char *model, const char *words)
{
    test_program ran = {0};
    RUN(&ran, "info", "--device", "none", "--json", model);
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, words);
    test_program_free(&ran);
}

static void preprocessing_and_labels_are_stated(void **state)
{
    (void)state;
    char out[320], json[320], labels[320];
    snprintf(out, sizeof out, "%s", test_scratch_path("stated.safetensors"));
    snprintf(json, sizeof json, "%s", test_scratch_path("how.json"));
    snprintf(labels, sizeof labels, "%s", test_scratch_path("labels"));
    test_scratch_write("labels", "one\ntwo\nthree\nfour\n", 19);
    static const char how[] = "{\"channels\": \"BGR\", \"scale\": 2, \"mean\": [1, 2, 3], "
                              "\"std\": [4, 5, 6]}";
    test_scratch_write("how.json", how, sizeof how - 1);
    cJSON_Delete(CONVERT("--preprocess", "caffe", "--labels", labels, net, out));
    assert_says(out, "103.939");
    assert_says(out, "\"three\"");
    cJSON_Delete(CONVERT("--preprocess", "torchvision", net, out));
    assert_says(out, "0.485");
    cJSON_Delete(CONVERT("--preprocess", json, "--scale", "8", net, out));
    assert_says(out, "\"BGR\"");
    assert_says(out, "\"scale\": 8");
    assert_says(out, "[4, 5, 6]");
}

/* Each phase is drawn as it begins, however short it is; a pipe gets nothing, as convert() asserts.
 */
static void a_terminal_sees_how_far_it_is(void **state)
{
    (void)state;
    static const char *const phases[] = {"  writing 0 B of 1", "  checking 0 B of ", "  storing 1"};
    for (int quiet = 0; quiet < 2; quiet++) {
        test_program ran = {.stdout_kind = TEST_STDOUT_TERMINAL,
                            .environment = (const char *[]){"LC_ALL=C", NULL}};
        RUN(&ran, "convert", net, test_scratch_path("seen.safetensors"), quiet ? "--quiet" : NULL);
        assert_int_equal(ran.exit_code, 0);
        for (size_t i = 0; i < 3 && !quiet; i++)
            assert_contains(ran.out, phases[i]);
        assert_int_equal(strstr(ran.out, "\r\033[K") != NULL, !quiet); /* it is wiped */
        assert_contains(ran.out, "\nchecked: read again");
        test_program_free(&ran);
    }
}

/* ---- failures ---- */

static void refuses(const char *const *words, int exit_code, const char *message)
{
    const char *arguments[16] = {PROGRAM, "convert"};
    test_program ran = {0};
    for (size_t i = 0; words[i] != NULL; i++)
        arguments[2 + i] = words[i];
    test_program_run(&ran, arguments);
    if (ran.exit_code != exit_code || strstr(ran.err, message) == NULL)
        fail_msg("exit code %d, not %d with '%s':\n%s", ran.exit_code, exit_code, message, ran.err);
    assert_string_equal(ran.out, "");
    test_program_free(&ran);
}
#define REFUSES(exit_code, message, ...)                                                           \
    refuses((const char *[]){__VA_ARGS__, NULL}, exit_code, message)

static void wrong_arguments(void **state)
{
    (void)state;
    char out[320], missing[320];
    snprintf(out, sizeof out, "%s", test_scratch_path("none.safetensors"));
    snprintf(missing, sizeof missing, "%s", test_scratch_path("missing/none.onnx"));
    test_scratch_write("bad.json", "{\"channels\": \"BGR\"}", 19);
    REFUSES(2, "OUT would replace", net, net);
    REFUSES(1, "nowhere", test_scratch_path("nowhere"), out);
    REFUSES(1, "isn't a weight file", picture, out);
    REFUSES(1, "can't be written: No such file or directory", net, missing);
    REFUSES(1, "is a folder", net, folder);
    REFUSES(1, "can't be opened", "--preprocess", "tourchvision", net, out);
    REFUSES(1, "needs 'channels', 'mean' and 'std'", "--preprocess", test_scratch_path("bad.json"),
            net, out);
    REFUSES(1, "bfloat16, which NumPy doesn't have", "--dtype", "bf16", "--to", "npz", net, out);
    REFUSES(1, "/dev/full: writing failed at byte 0: No space left", "--to", "npz", net,
            "/dev/full");
    assert_false(file_exists(out));
}

/* `clvgg info` of the model says where its preprocessing comes from, with a warning where that is
 * assumed. */
static void comes_from(const char *model, const char *origin, bool warns)
{
    test_program ran = {0};
    RUN(&ran, "info", "--json", "--device", "none", model);
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *preprocess = cJSON_GetObjectItem(json, "preprocess");
    assert_string_equal(cJSON_GetObjectItem(preprocess, "origin")->valuestring, origin);
    assert_int_equal(strstr(ran.err, "doesn't say how images are prepared") != NULL, warns);
    cJSON_Delete(json);
    test_program_free(&ran);
}

/* What was assumed of IN is no more certain in OUT, nor in what is made of OUT; what options say
 * is, even where they say the same. */
static void assumptions_stay_assumptions(void **state)
{
    (void)state;
    static const char words[] = "assumed: Caffe's, from tensor names";
    char in[600], out[320], again[320];
    snprintf(in, sizeof in, "%s/formats/vgg16/network.safetensors", TEST_DATA);
    comes_from(in, words, true);
    for (size_t i = 0; i < KINDS; i++) {
        if (!is_read(kinds[i].reader))
            continue;
        char name[64];
        snprintf(name, sizeof name, "assumed%s", kinds[i].suffix);
        snprintf(out, sizeof out, "%s", test_scratch_path(name));
        snprintf(again, sizeof again, "%s", test_scratch_path("again.safetensors"));
        cJSON_Delete(CONVERT("--quiet", "--to", kinds[i].to, in, out));
        comes_from(out, words, true);
        cJSON_Delete(CONVERT("--quiet", "--to", "safetensors", out, again));
        comes_from(again, words, true);
        cJSON_Delete(CONVERT("--quiet", "--to", kinds[i].to, "--preprocess", "caffe", in, out));
        comes_from(out, "stated in the file", false);
        cJSON_Delete(CONVERT("--quiet", "--to", kinds[i].to, "--std", "1,1,1", again, out));
        comes_from(out, "stated in the file", false);
    }
}

/* A model and one of the files that it is read from, which OUT may not name. */
static const struct {
    const char *in, *part;
} parts[] = {
    {"network.safetensors", "network.safetensors"},
    {"torch_dynamo.onnx", "torch_dynamo.onnx.data"},
    {"network.ncnn.param", "network.ncnn.bin"},
    {"network.ncnn.bin", "network.ncnn.param"},
    {"keras_parts.weights.json", "keras_parts_00002.weights.h5"},
    {"arrays", "arrays/fc8_b.npy"},
    {"arrays", "arrays/notes"}, /* which nobody reads, but it is in the folder */
    {"folder", "folder/model.safetensors"},
    {"keras_folder", "keras_folder/config.json"},
    {"bins", "bins/pytorch_model.bin.index.json"},
    {"shards", "shards/model-00002-of-00003.safetensors"},
    {"shards/model.safetensors.index.json", "shards/model-00003-of-00003.safetensors"},
};

static void is_kept(const char *in, const char *out)
{
    size_t before_bytes, bytes;
    char *before = file_read(out, &before_bytes);
    test_program ran = {0};
    RUN(&ran, "convert", in, out);
    if (strstr(ran.err, "was built without") != NULL)
        printf("SKIPPED: %s", ran.err);
    else if (ran.exit_code != 2 || strstr(ran.err, "OUT would replace") == NULL)
        fail_msg("%s to %s: exit code %d\n%s", in, out, ran.exit_code, ran.err);
    char *after = file_read(out, &bytes);
    assert_int_equal(bytes, before_bytes);
    assert_memory_equal(after, before, bytes);
    free(before);
    free(after);
    test_program_free(&ran);
}

static void a_part_of_in_is_not_replaced(void **state)
{
    (void)state;
    char command[1024], in[320], out[320], link_name[320], labels[320];
    snprintf(command, sizeof command, "cp -r %s/formats/vgg16/. %s", TEST_DATA,
             test_scratch_path("."));
    assert_int_equal(system(command), 0);
    test_scratch_write("arrays/notes", "whose", 5);
    snprintf(link_name, sizeof link_name, "%s", test_scratch_path("link"));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(in, sizeof in, "%s", test_scratch_path(parts[i].in));
        snprintf(out, sizeof out, "%s", test_scratch_path(parts[i].part));
        is_kept(in, out);
        assert_int_equal(symlink(out, link_name), 0);
        is_kept(in, link_name);
        assert_int_equal(unlink(link_name), 0);
        assert_int_equal(link(out, link_name), 0);
        is_kept(in, link_name);
        assert_int_equal(unlink(link_name), 0);
    }
    snprintf(labels, sizeof labels, "%s", test_scratch_path("names"));
    test_scratch_write("names", "a\nb\nc\nd\n", 8);
    REFUSES(2, "OUT would replace", "--labels", labels, net, labels);
    /* A new file beside them is no part, nor is an old one that has nothing to do with them. */
    snprintf(in, sizeof in, "%s", test_scratch_path("arrays"));
    snprintf(out, sizeof out, "%s", test_scratch_path("arrays/new"));
    cJSON_Delete(CONVERT("--no-check", "--quiet", in, out));
    cJSON_Delete(CONVERT("--no-check", "--quiet", in, labels));
}

/* What a limit of a file's size does is what a full disk does: writing fails midway. */
static void a_full_disk_leaves_what_was_there(void **state)
{
    (void)state;
    const struct rlimit small = {1 << 20, 1 << 20};
    struct rlimit before;
    for (size_t i = 0; i < KINDS; i++) {
        char out[320];
        snprintf(out, sizeof out, "%s", test_scratch_path("old"));
        file_write(out, "old", 3);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){small.rlim_cur, before.rlim_max}),
                         0);
        REFUSES(1, "writing failed at byte", "--no-cache", "--to", kinds[i].to, net, out);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        size_t bytes;
        char *content = file_read(out, &bytes);
        assert_string_equal(content, "old");
        free(content);
    }
    char command[512];
    snprintf(command, sizeof command, "ls -A %s | grep -c '\\.tmp$'", folder);
    assert_int_not_equal(system(command), 0); /* none is left */
}

static void a_pipe_takes_it(void **state)
{
    (void)state;
    char command[1024];
    snprintf(
        command, sizeof command,
        "CLVGG_CACHE=off %s convert --to npz %s /dev/stdout 2>&1 | grep -q \"is a pipe; a NumPy\"",
        PROGRAM, net);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command,
             "CLVGG_CACHE=off %s convert --to onnx %s /dev/stdout 2>&1 | "
             "grep -q \"a pipe can't be read again\"",
             PROGRAM, net);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_gives_the_same_answers),
        cmocka_unit_test(the_suffix_chooses_the_format),
        cmocka_unit_test(equal_input_gives_equal_bytes),
        cmocka_unit_test(half_precision),
        cmocka_unit_test(batch_norm_is_kept_or_folded),
        cmocka_unit_test(preprocessing_and_labels_are_stated),
        cmocka_unit_test(a_terminal_sees_how_far_it_is),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(assumptions_stay_assumptions),
        cmocka_unit_test(a_part_of_in_is_not_replaced),
        cmocka_unit_test(a_full_disk_leaves_what_was_there),
        cmocka_unit_test(a_pipe_takes_it),
    };
    return cmocka_run_group_tests(tests, set_up, test_scratch_teardown);
}

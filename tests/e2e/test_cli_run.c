/* test_cli_run.c — `clvgg run` on photographs and arrays: what it answers, in every format. */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define CHELSEA TEST_DATA "/chelsea.png"
#define RUN(program, ...)                                                                          \
    test_program_run(program, (const char *[]){PROGRAM, "run", __VA_ARGS__, NULL})
#define NET "--model", test_scratch_path("net.safetensors")

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_write("text.png", "not an image", 12);
    test_scratch_image("b.png", 1);
    test_scratch_copy("a\033[1m\n.png", CHELSEA);
    return 0;
}

/* Every class once, descending, with its label, probabilities that sum to 1 and follow from the
 * logits. */
static void check_all_classes(const cJSON *top)
{
    assert_int_equal(cJSON_GetArraySize(top), TEST_NET_CLASSES);
    double sum = 0, previous = 1, scale = 0;
    unsigned seen = 0;
    const cJSON *entry = NULL;
    cJSON_ArrayForEach(entry, top)
    {
        scale += exp(number(entry, "logit"));
    }
    cJSON_ArrayForEach(entry, top)
    {
        int index = (int)number(entry, "index");
        double probability = number(entry, "probability");
        assert_in_range(index, 0, TEST_NET_CLASSES - 1);
        assert_string_equal(string(entry, "label"), test_net_labels[index]);
        assert_true(probability <= previous);
        assert_true(fabs(probability - exp(number(entry, "logit")) / scale) < 1e-5);
        seen |= 1u << index;
        sum += probability;
        previous = probability;
    }
    assert_int_equal(seen, (1u << TEST_NET_CLASSES) - 1);
    assert_true(fabs(sum - 1) < 1e-5);
}

static void test_json(void **state)
{
    (void)state;
    test_program ran = {0}, listed = {0};
    const char *text = test_scratch_path("text.png"), *absent = test_scratch_path("absent");
    RUN(&ran, NET, "--json", "--top=0", CHELSEA, absent, text, CHELSEA, "--device", "0");
    assert_int_equal(ran.exit_code, 1);
    cJSON *json = test_program_json(&ran);
    assert_true(number(json, "schema") == 1);
    assert_string_equal(string(json, "model"), test_scratch_path("net.safetensors"));
    assert_int_equal(strlen(string(json, "fingerprint")), 16);
    const cJSON *images = cJSON_GetObjectItem(json, "images");
    assert_int_equal(cJSON_GetArraySize(images), 4);
    const char *const files[] = {CHELSEA, absent, text, CHELSEA};
    for (int i = 0; i < 4; i++) {
        const cJSON *image = cJSON_GetArrayItem(images, i);
        assert_string_equal(string(image, "file"), files[i]);
        if (i == 0 || i == 3)
            check_all_classes(cJSON_GetObjectItem(image, "top"));
        else
            assert_contains(ran.err, string(image, "error"));
    }
    static const char *const timings[] = {"load_ms",    "plan_ms",       "compile_ms",
                                          "weights_ms", "total_ms",      "forward_ms_per_image",
                                          "images",     "decode_wait_ms"};
    for (size_t i = 0; i < sizeof timings / sizeof *timings; i++)
        assert_true(number(cJSON_GetObjectItem(json, "timing"), timings[i]) >= 0);
    assert_true(number(cJSON_GetObjectItem(json, "timing"), "images") == 2);
    assert_true(number(cJSON_GetObjectItem(json, "memory"), "weight_bytes") > TEST_NET_PARAMETERS);
    /* The device is what `devices --json` prints; PoCL's memory is what is free at that moment. */
    test_program_run(&listed, (const char *[]){PROGRAM, "devices", "--json", NULL});
    cJSON *devices = test_program_json(&listed);
    cJSON *const same[] = {cJSON_GetObjectItem(json, "device"),
                           cJSON_GetArrayItem(cJSON_GetObjectItem(devices, "devices"), 0)};
    static const char *const memory[] = {"global_memory_bytes", "max_allocation_bytes"};
    for (int i = 0; i < 4; i++) {
        assert_true(number(same[i / 2], memory[i % 2]) > 0);
        cJSON_DeleteItemFromObject(same[i / 2], memory[i % 2]);
    }
    assert_true(cJSON_Compare(same[0], same[1], 1));
    cJSON_Delete(devices);
    cJSON_Delete(json);
    test_program_free(&listed);
    test_program_free(&ran);
}

/* Text goes to people: nothing in a file's name or a label may steer their terminal. */
static void test_text(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program ran = {0};
    RUN(&ran, NET, "--quiet", "--top", "4", test_scratch_path("a\033[1m\n.png"));
    assert_int_equal(ran.exit_code, 0);
    assert_string_equal(ran.err, "");
    assert_null(strchr(ran.out, '\033'));
    assert_contains(ran.out, "/a\\x1b[1m\\x0a.png\n");
    assert_contains(ran.out, "  esc\\x1b[31m ");
    assert_contains(ran.out, "  \xC3\xA9tang ");
    test_program_free(&ran);
    RUN(&ran, NET, "--top", "1", "--", CHELSEA);
    assert_int_equal(ran.exit_code, 0);
    assert_memory_equal(ran.out, CHELSEA ": ", strlen(CHELSEA ": "));
    assert_contains(ran.err, "device: ");
    assert_contains(ran.err, " compute unit");
    assert_contains(ran.err, "model: ");
    assert_contains(ran.err, "preprocessing: short side");
    test_program_free(&ran);
}

/* Colours, bars and progress are for terminals; NO_COLOR takes the colours away. */
static void test_terminal(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    const char *image = test_scratch_path("b.png");
    const char *arguments[24] = {PROGRAM, "run", NET, "--batch", "2"};
    for (size_t i = 6; i < 23; i++)
        arguments[i] = image;
    test_program ran = {.stdout_kind = TEST_STDOUT_TERMINAL,
                        .environment = (const char *[]){"NO_COLOR", "LC_ALL=C", NULL}};
    test_program_run(&ran, arguments);
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "\033[1m");
    assert_contains(ran.out, "2 of 17");
    assert_contains(ran.out, "\033[K");
    test_program_free(&ran);
    test_program plain = {.stdout_kind = TEST_STDOUT_TERMINAL,
                          .environment = (const char *[]){"NO_COLOR=1", "LC_ALL=C.UTF-8", NULL}};
    RUN(&plain, NET, image);
    assert_int_equal(plain.exit_code, 0);
    assert_null(strchr(plain.out, '\033'));
    assert_contains(plain.out, "\u2501");
    assert_null(strstr(plain.out, " images/s"));
    test_program_free(&plain);
}

static void test_csv(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program ran = {0};
    RUN(&ran, NET, "--csv", "-k0", CHELSEA, test_scratch_path("absent"));
    assert_int_equal(ran.exit_code, 1);
    const char *header = "file,row,rank,index,label,probability,logit,error\n";
    assert_memory_equal(ran.out, header, strlen(header));
    size_t lines = 0;
    for (const char *at = ran.out; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 1 + TEST_NET_CLASSES + 1);
    assert_contains(ran.out, ",1,\"a \"\"dog\"\", big\",0.");
    assert_contains(ran.out, "/absent,,,,,,,");
    test_program_free(&ran);
    /* A program gets a file's name as it is, a terminal isn't steered by it. */
    RUN(&ran, NET, "--quiet", "--csv", test_scratch_path("a\033[1m\n.png"));
    assert_contains(ran.out, "/a\033[1m .png\",,1,");
    test_program_free(&ran);
    test_program terminal = {.stdout_kind = TEST_STDOUT_TERMINAL};
    RUN(&terminal, NET, "--quiet", "--csv", test_scratch_path("a\033[1m\n.png"));
    assert_contains(terminal.out, "/a\\x1b[1m\\x0a.png,,1,");
    test_program_free(&terminal);
}

/* Folders are walked bytewise sorted; a batch's size doesn't change a bit of the answers. */
static void test_folder_and_batches(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    static const char *const batches[] = {"1", "3"};
    char *answers[2];
    for (size_t i = 0; i < 2; i++) {
        test_program ran = {0};
        /* One variant: a plan chooses by its batch, and variants round differently. */
        RUN(&ran, NET, "--csv", "--batch", batches[i], "--variant", "*=conv_direct",
            test_scratch_path(""));
        assert_int_equal(ran.exit_code, 1); /* text.png */
        const char *first = strstr(ran.out, "\033[1m"), *second = strstr(ran.out, "b.png");
        const char *third = strstr(ran.out, "text.png");
        assert_true(first != NULL && second != NULL && third != NULL);
        assert_true(first < second && second < third);
        answers[i] = strdup(ran.out);
        test_program_free(&ran);
    }
    assert_string_equal(answers[0], answers[1]);
    free(answers[0]);
    free(answers[1]);
}

static void test_arrays(void **state)
{
    (void)state;
    enum { ROWS = 3, ROW = 3 * TEST_NET_SIDE * TEST_NET_SIDE };
    float *values = calloc(ROWS * ROW, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < ROWS * ROW; i++)
        values[i] = (float)((i * 7919) % 101) / 50 - 1;
    values[ROW + 5] = NAN;
    test_scratch_write_npy("x.npy", &(clvgg_shape){4, {ROWS, 3, TEST_NET_SIDE, TEST_NET_SIDE}},
                           values);
    free(values);
    test_program ran = {0};
    RUN(&ran, NET, "--json", "--input", test_scratch_path("x.npy"), "--output",
        test_scratch_path("y.npy"), "--batch", "2");
    assert_int_equal(ran.exit_code, 1); /* NaN in, NaN out */
    cJSON *json = test_program_json(&ran);
    clvgg_shape shape;
    float *logits = test_scratch_read_npy("y.npy", &shape);
    assert_int_equal(shape.rank, 2);
    assert_int_equal(shape.dims[0], ROWS);
    assert_int_equal(shape.dims[1], TEST_NET_CLASSES);
    for (int row = 0; row < ROWS; row++) {
        const cJSON *image = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "images"), row);
        assert_true(number(image, "row") == row);
        assert_true(number(image, "output_row") == row);
        if (row == 1) {
            assert_contains(string(image, "error"), "not finite");
            continue;
        }
        const cJSON *best = cJSON_GetArrayItem(cJSON_GetObjectItem(image, "top"), 0);
        float logit = logits[row * TEST_NET_CLASSES + (int)number(best, "index")];
        assert_true((float)number(best, "logit") == logit); /* nine digits hold a float */
    }
    free(logits);
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void test_layer_output(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program ran = {0};
    RUN(&ran, NET, "--quiet", "--output", test_scratch_path("pool.npy"), "--layer", "pool2",
        CHELSEA, test_scratch_path("absent"), CHELSEA);
    assert_int_equal(ran.exit_code, 1);
    clvgg_shape shape;
    float *values = test_scratch_read_npy("pool.npy", &shape);
    const int64_t expected[] = {2, 128, TEST_NET_SIDE / 4, TEST_NET_SIDE / 4};
    assert_int_equal(shape.rank, 4);
    assert_memory_equal(shape.dims, expected, sizeof expected);
    size_t count = 128 * TEST_NET_SIDE * TEST_NET_SIDE / 16, positive = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(values[i] >= 0 && values[i] == values[count + i]);
        positive += values[i] > 0;
    }
    assert_in_range(positive, count / 4, count);
    free(values);
    test_program_free(&ran);
}

static void test_preprocessing_options(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program ran = {0};
    RUN(&ran, NET, "--json", "--resize-mode", "squash", "--channels", "BGR", "--scale", "0.5",
        "--mean", "1,-2,3.5", "--std", "2,2,4", CHELSEA);
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *preprocess = cJSON_GetObjectItem(json, "preprocess");
    assert_string_equal(string(preprocess, "resize_mode"), "squash");
    assert_string_equal(string(preprocess, "channels"), "BGR");
    assert_true(number(preprocess, "scale") == 0.5);
    assert_true(cJSON_GetArrayItem(cJSON_GetObjectItem(preprocess, "mean"), 1)->valuedouble == -2);
    assert_true(cJSON_GetArrayItem(cJSON_GetObjectItem(preprocess, "std"), 2)->valuedouble == 4);
    assert_string_equal(string(preprocess, "origin"), "changed by options");
    cJSON_Delete(json);
    test_program_free(&ran);
}

/* The whole of it: the shipped photograph through the shipped model, without an option. */
static void test_default_model_sees_a_cat(void **state)
{
    (void)state;
    if (access(PROJECT_ROOT "/models/vgg16-catdog.safetensors", R_OK) != 0) {
        fprintf(stderr, "SKIPPED: models/vgg16-catdog.safetensors is absent\n");
        skip();
    }
    test_program_skip_when_small(__func__);
    test_program ran = {.environment = (const char *[]){"CLVGG_MODEL", NULL}};
    RUN(&ran, CHELSEA);
    assert_int_equal(ran.exit_code, 0);
    const char *expected = CHELSEA "\n  cat  ";
    assert_memory_equal(ran.out, expected, strlen(expected));
    test_program_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_folder_and_batches),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_layer_output),
        cmocka_unit_test(test_preprocessing_options),
        cmocka_unit_test(test_default_model_sees_a_cat),
    };
    return cmocka_run_group_tests(tests, set_up, test_scratch_teardown);
}

/* e2e/test_cli_channels.c — networks of one, two and four channels under every verb: one is grey,
 * others take arrays and refuse photographs in words. */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/session.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/small_model.h"
#include "support/text.h"

#define CLVGG(program, ...) test_program_run(program, (const char *[]){PROGRAM, __VA_ARGS__, NULL})
#define OUT "--out", test_scratch_path("out")

enum { SIDE = 32, MOST_CHANNELS = 4 };
static clvgg_runtime *runtime;
static char photographs[300], picture[300];

/* The network of so many channels; the path is good for a while. */
static const char *net(int channels)
{
    char name[32];
    snprintf(name, sizeof name, "net%d.safetensors", channels);
    return test_scratch_path(name);
}

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_picture("picture.png", 5);
    test_scratch_pictures("photographs", "cat", "dog");
    snprintf(picture, sizeof picture, "%s", test_scratch_path("picture.png"));
    snprintf(photographs, sizeof photographs, "%s", test_scratch_path("photographs"));
    if (clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK)
        return 1;
    for (int channels = 1; channels <= MOST_CHANNELS; channels++) {
        clvgg_model *model = small_model_of_channels(runtime, 3, channels);
        assert_int_equal(clvgg_model_save(model, net(channels), CLVGG_DTYPE_F32), CLVGG_STATUS_OK);
        clvgg_model_free(model);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clvgg_runtime_free(runtime);
    test_scratch_remove();
    return 0;
}

static void assert_fails(test_program *ran, int exit_code, const char *words)
{
    assert_int_equal(ran->exit_code, exit_code);
    assert_contains(ran->err, words);
    test_program_free(ran);
}

static void assert_works(test_program *ran)
{
    if (ran->exit_code != 0)
        fail_msg("exit code %d: %s", ran->exit_code, ran->err);
    test_program_free(ran);
}

/* Probability of the most probable class, and which. */
static double best(const test_program *ran, int *index)
{
    cJSON *json = test_program_json(ran);
    const cJSON *image = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "images"), 0);
    const cJSON *top = cJSON_GetArrayItem(cJSON_GetObjectItem(image, "top"), 0);
    assert_non_null(top);
    const double probability = cJSON_GetObjectItem(top, "probability")->valuedouble;
    *index = cJSON_GetObjectItem(top, "index")->valueint;
    cJSON_Delete(json);
    return probability;
}

/* A photograph gives what its prepared array gives, in `run` and in the library's one call. */
static void grey_photographs_are_classified(void **state)
{
    (void)state;
    test_program ran = {0};
    clvgg_model *model;
    clvgg_image *image;
    clvgg_preprocess preprocess;
    float prepared[SIDE * SIDE], probability;
    int photographed, given;
    size_t class_index;
    assert_int_equal(clvgg_model_load(runtime, net(1), NULL, &model), CLVGG_STATUS_OK);
    clvgg_model_preprocess(model, &preprocess);
    clvgg_model_free(model);
    assert_int_equal(clvgg_image_read(runtime, picture, &image), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_image_prepare(image, &preprocess, prepared), CLVGG_STATUS_OK);
    clvgg_image_free(image);
    test_scratch_write_npy("grey.npy", &(clvgg_shape){4, {1, 1, SIDE, SIDE}}, prepared);

    CLVGG(&ran, "run", "--json", "--model", net(1), picture);
    const double expected = best(&ran, &photographed);
    test_program_free(&ran);
    CLVGG(&ran, "run", "--json", "--model", net(1), "--input", test_scratch_path("grey.npy"));
    assert_true(best(&ran, &given) == expected && given == photographed);
    test_program_free(&ran);
    assert_int_equal(clvgg_classify_file(runtime, net(1), picture, &class_index, &probability),
                     CLVGG_STATUS_OK);
    assert_int_equal(class_index, photographed);
    assert_true(fabs((double)probability - expected) < 1e-6);
}

static void options_count_channels(void **state)
{
    (void)state;
    test_program ran = {0};
    CLVGG(&ran, "run", "--model", net(1), "--mean", "0.5", "--std", "0.25", picture);
    assert_non_null(strstr(ran.err, "grey x 0.00392157, mean 0.5, std 0.25 (changed by options)"));
    assert_works(&ran);
    CLVGG(&ran, "run", "--model", net(1), "--mean", "0.5,0.5,0.5", picture);
    assert_fails(&ran, 2, "--mean has 3 values, ");
    CLVGG(&ran, "run", "--model", net(3), "--std", "0.5", picture);
    assert_fails(&ran, 2, "net3.safetensors has 3 channels");
    CLVGG(&ran, "run", "--model", net(1), "--channels", "BGR", picture);
    assert_fails(&ran, 2, "--channels orders three, ");
}

static void grey_is_seen_by_every_verb(void **state)
{
    (void)state;
    test_program_skip_when_small("grey_is_seen_by_every_verb");
    test_program ran = {0};
    CLVGG(&ran, "info", "--json", "--model", net(1));
    assert_non_null(strstr(ran.out, "\"channels\": \"grey\""));
    assert_works(&ran);
    CLVGG(&ran, "bench", "--model", net(1), "--min-time", "0.01");
    assert_works(&ran);
    CLVGG(&ran, "finetune", "--model", net(1), "--data", photographs, "--output",
          test_scratch_path("tuned.safetensors"), "--epochs", "2", "--augment", "flip,crop,color",
          "--cache", test_scratch_path("features"));
    assert_works(&ran);
    CLVGG(&ran, "eval", "--model", test_scratch_path("tuned.safetensors"), "--data", photographs);
    assert_works(&ran);
#ifdef CLVGG_HAVE_CAIRO
    static const char *const subverbs[] = {"activations", "project", "gradcam", "occlusion",
                                           "invariance"};
    for (size_t i = 0; i < sizeof subverbs / sizeof *subverbs; i++) {
        CLVGG(&ran, "visualize", subverbs[i], "--model", net(1), OUT, picture);
        assert_works(&ran);
    }
    CLVGG(&ran, "visualize", "filters", "--model", net(1), OUT);
    assert_works(&ran);
    CLVGG(&ran, "visualize", "top", "--model", net(1), OUT, "--images", photographs);
    assert_works(&ran);
    CLVGG(&ran, "visualize", "all", "--model", net(1), OUT, "--images", photographs);
    assert_works(&ran);
    clvgg_image *image;
    assert_int_equal(
        clvgg_image_read(runtime, test_scratch_path("out/top/conv2_1/map-0-1-deconv.png"), &image),
        CLVGG_STATUS_OK);
    const uint8_t *pixels = clvgg_image_pixels(image);
    for (int i = 0; i < clvgg_image_width(image) * clvgg_image_height(image); i++)
        assert_true(pixels[3 * i] == pixels[3 * i + 1] && pixels[3 * i] == pixels[3 * i + 2]);
    clvgg_image_free(image);
#endif
}

static void others_take_arrays(void **state)
{
    (void)state;
    static float values[2 * MOST_CHANNELS * SIDE * SIDE];
    test_program ran = {0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        values[i] = (float)(i % 17) / 8 - 1;
    for (int channels = 2; channels <= 4; channels += 2) {
        const clvgg_shape shape = {4, {2, channels, SIDE, SIDE}};
        char words[64];
        test_scratch_write_npy("array.npy", &shape, values);
        CLVGG(&ran, "run", "--model", net(channels), "--input", test_scratch_path("array.npy"),
              "--output", test_scratch_path("logits.npy"));
        assert_works(&ran);
        CLVGG(&ran, "run", "--model", net(6 - channels), "--input", test_scratch_path("array.npy"));
        snprintf(words, sizeof words, "needs shape (n, %d, 32, 32) with n at least 1, has (2, %d,",
                 6 - channels, channels);
        assert_fails(&ran, 1, words);
        CLVGG(&ran, "info", "--model", net(channels));
        snprintf(words, sizeof words, "%d channels of 32x32", channels);
        assert_non_null(strstr(ran.out, words));
        assert_works(&ran);
    }
}

static void others_refuse_photographs(void **state)
{
    (void)state;
    test_program ran = {0};
    size_t class_index;
    float probability;
    for (int channels = 2; channels <= 4; channels += 2) {
        char words[64];
        snprintf(words, sizeof words, "takes %d channels; a photograph gives 3, or 1 in grey",
                 channels);
        CLVGG(&ran, "run", "--model", net(channels), picture);
        assert_fails(&ran, 1, words);
        CLVGG(&ran, "finetune", "--model", net(channels), "--data", photographs, "--output",
              test_scratch_path("no.safetensors"));
        assert_fails(&ran, 1, words);
        CLVGG(&ran, "eval", "--model", net(channels), "--data", photographs);
        assert_fails(&ran, 1, words);
        assert_int_equal(
            clvgg_classify_file(runtime, net(channels), picture, &class_index, &probability),
            CLVGG_STATUS_UNSUPPORTED);
        assert_non_null(strstr(clvgg_status_message(), words));
#ifdef CLVGG_HAVE_CAIRO
        static const char *const subverbs[] = {"activations", "project",    "gradcam",
                                               "occlusion",   "invariance", NULL};
        for (int i = 0; subverbs[i] != NULL; i++) {
            CLVGG(&ran, "visualize", subverbs[i], "--model", net(channels), OUT, picture);
            assert_fails(&ran, 1, words);
        }
        CLVGG(&ran, "visualize", "top", "--model", net(channels), OUT, "--images", photographs);
        assert_fails(&ran, 1, words);
        CLVGG(&ran, "visualize", "all", "--model", net(channels), OUT, "--images", photographs);
        assert_fails(&ran, 1, words);
        CLVGG(&ran, "visualize", "filters", "--model", net(channels), OUT);
        assert_fails(&ran, 1, "three make colours, one is grey");
#endif
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_photographs_are_classified), cmocka_unit_test(options_count_channels),
        cmocka_unit_test(grey_is_seen_by_every_verb),      cmocka_unit_test(others_take_arrays),
        cmocka_unit_test(others_refuse_photographs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* test_cli_visualize_maps.c — `clvgg visualize occlusion`, `invariance` and `gradcam`: the numbers
 * of their figures beside `clvgg run` on pictures made by hand, and command lines that make no
 * sense. */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "clvgg/image.h"
#include "support/json.h"
#include "support/networks.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define CLVGG(program, ...) test_program_run(program, (const char *[]){PROGRAM, __VA_ARGS__, NULL})
#define NET "--model", test_scratch_path("net.safetensors")
#define OUT "--out", test_scratch_path("out")
/* Pixels as they are, so that the mean colour is a byte. */
#define PLAIN                                                                                      \
    "--resize-mode", "squash", "--scale", "1", "--mean", "127,127,127", "--std", "60,60,60"

enum { SIDE = TEST_NET_SIDE };
static clvgg_runtime *runtime;
static uint8_t pixels[SIDE][SIDE][3];

static double element(const cJSON *object, const char *name, int row, int column)
{
    const cJSON *rows = cJSON_GetObjectItem(object, name);
    const cJSON *cell = cJSON_GetArrayItem(cJSON_GetArrayItem(rows, row), column);
    if (!cJSON_IsNumber(cell))
        fail_msg("%s has no number at %d, %d", name, row, column);
    return cell->valuedouble;
}

static void assert_picture(const char *path)
{
    clvgg_image *image = NULL;
    if (clvgg_image_read(runtime, path, &image) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    assert_in_range(clvgg_image_width(image), 400, 20000);
    clvgg_image_free(image);
}

#ifdef CLVGG_HAVE_CAIRO

/* Writes the picture with a square of the mean colour on it, and returns a class' probability. */
static double run_occluded(int top, int left, int size, int class_index)
{
    uint8_t occluded[SIDE][SIDE][3];
    test_program ran = {0};
    memcpy(occluded, pixels, sizeof occluded);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            if (y >= top && y < top + size && x >= left && x < left + size)
                memset(occluded[y][x], 127, 3);
    assert_int_equal(clvgg_image_write_png(runtime, test_scratch_path("occluded.png"), SIDE, SIDE,
                                           occluded[0][0]),
                     CLVGG_STATUS_OK);
    CLVGG(&ran, "run", "--json", "--top", "0", NET, PLAIN, test_scratch_path("occluded.png"));
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *entry, *image = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "images"), 0);
    double probability = -1;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(image, "top"))
    {
        if (number(entry, "index") == class_index)
            probability = number(entry, "probability");
    }
    cJSON_Delete(json);
    test_program_free(&ran);
    return probability;
}

static void occlusion_is_what_run_says(void **state)
{
    (void)state;
    test_program_skip_when_small("occlusion_is_what_run_says");
    test_program ran = {0};
    CLVGG(&ran, "visualize", "occlusion", NET, OUT, PLAIN, "--json", "--size", "8", "--stride",
          "12", "--class", "2", "--layer", "conv2_1", "--map", "5",
          test_scratch_path("picture.png"));
    assert_string_equal(ran.err, "");
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *image = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "occlusion"), 0);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(image, "layer")), "relu2_1");
    assert_true(number(image, "map") == 5 && number(image, "size") == 8);
    assert_true(number(image, "top") == -2 && number(image, "left") == -2);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(image, "probability")), 3);
    const cJSON *whole = cJSON_GetObjectItem(image, "unoccluded");
    assert_true(fabs(number(whole, "probability") - run_occluded(0, 0, 0, 2)) < 1e-6);
    assert_true(fabs(element(image, "probability", 0, 0) - run_occluded(0, 0, 8, 2)) < 1e-6);
    assert_true(fabs(element(image, "probability", 1, 2) - run_occluded(12, 24, 8, 2)) < 1e-6);
    assert_true(element(image, "probability", 1, 2) != number(whole, "probability"));
    assert_true(element(image, "predicted", 2, 2) < TEST_NET_CLASSES);
    const cJSON *least = cJSON_GetObjectItem(image, "least");
    for (int i = 0; i < 9; i++)
        assert_true(
            element(image, "log_odds", i / 3, i % 3) >=
            element(image, "log_odds", (int)number(least, "row"), (int)number(least, "column")));
    assert_picture(test_scratch_path("out/occlusion/picture.png"));
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void gradcam_is_drawn(void **state)
{
    (void)state;
    test_program ran = {0};
    CLVGG(&ran, "visualize", "gradcam", NET, OUT, PLAIN, "--json", "--layer", "conv3_2", "--class",
          test_net_labels[1], test_scratch_path("picture.png"));
    assert_string_equal(ran.err, "");
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *image = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "gradcam"), 0);
    assert_true(fabs(number(image, "probability") - run_occluded(0, 0, 0, 1)) < 1e-6);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(image, "layer")), "relu3_2");
    double most = 0;
    for (int i = 0; i < 64; i++)
        most = fmax(most, element(image, "map", i / 8, i % 8));
    const cJSON *peak = cJSON_GetObjectItem(image, "peak");
    assert_true(number(peak, "value") > 0 && number(peak, "value") <= most);
    assert_picture(test_scratch_path("out/gradcam/picture.png"));
    cJSON_Delete(json);
    test_program_free(&ran);
}

/* Nine photographs: two figures; one that can't be read is passed over. */
static void invariance_is_drawn_in_parts(void **state)
{
    (void)state;
    test_program_skip_when_small("invariance_is_drawn_in_parts");
    test_program ran = {0};
    const char *p = test_scratch_path("picture.png"), *broken = test_scratch_path("broken.png");
    CLVGG(&ran, "visualize", "invariance", NET, OUT, "--json", "--points", "5", "--rotation", "90",
          "--layers", "pool1,conv3_1,fc7", p, p, broken, p, p, p, p, p, p);
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "broken.png");
    cJSON *json = test_program_json(&ran);
    const cJSON *lines = cJSON_GetObjectItem(json, "invariance");
    assert_int_equal(cJSON_GetArraySize(lines), 9);
    assert_non_null(cJSON_GetObjectItem(cJSON_GetArrayItem(lines, 2), "error"));
    const cJSON *line = cJSON_GetArrayItem(lines, 8);
    const cJSON *turns = cJSON_GetObjectItem(line, "rotation");
    const cJSON *shifts = cJSON_GetObjectItem(line, "translation");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(turns, "distances")), 3);
    for (int layer = 0; layer < 3; layer++) {
        assert_true(element(turns, "distances", layer, 0) == 0);
        assert_true(element(turns, "distances", layer, 4) > 0);
        assert_true(element(shifts, "distances", layer, 2) == 0); /* in the middle */
    }
    const cJSON *amounts = cJSON_GetObjectItem(shifts, "amounts");
    assert_true(cJSON_GetArrayItem(amounts, 0)->valuedouble == -9); /* 60 of 224 */
    assert_picture(test_scratch_path("out/invariance-1.png"));
    assert_picture(test_scratch_path("out/invariance-2.png"));
    cJSON_Delete(json);
    test_program_free(&ran);
}

/* Equal names don't meet, an unreadable photograph doesn't stop the others. */
static void many_photographs(void **state)
{
    (void)state;
    test_program_skip_when_small("many_photographs");
    test_program ran = {0};
    CLVGG(&ran, "visualize", "gradcam", NET, "--out", test_scratch_path("many"),
          test_scratch_path("picture.png"), test_scratch_path("broken.png"),
          test_scratch_path("other/picture.png"), test_scratch_path("nothing.png"));
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "broken.png");
    assert_contains(ran.err, "nothing.png");
    assert_picture(test_scratch_path("many/gradcam/picture.png"));
    assert_picture(test_scratch_path("many/gradcam/picture-2.png"));
    test_program_free(&ran);
}

/* A network with a 7x7 stride 2 and a 5x5 convolution, overlapping poolings and normalisation,
 * saved and read again. */
static void networks_like_zeiler_and_fergus(void **state)
{
    (void)state;
    test_program_skip_when_small("networks_like_zeiler_and_fergus");
    static const char *const verbs[] = {"filters", "occlusion", "gradcam", "invariance"};
    char zf[256], picture[256];
    snprintf(zf, sizeof zf, "%s", test_scratch_path("zf.safetensors"));
    snprintf(picture, sizeof picture, "%s", test_scratch_path("picture.png"));
    clvgg_model *model = network_make(runtime, NETWORK_ZF);
    must(clvgg_model_save(model, zf, CLVGG_DTYPE_F32));
    clvgg_model_free(model);
    test_program info = {0};
    CLVGG(&info, "info", "--device", "none", zf);
    assert_int_equal(info.exit_code, 0);
    assert_contains(info.out, "size 5 alpha 0.5 beta 0.75 k 2");
    assert_contains(info.out, "7x7 stride 2 pad 1");
    test_program_free(&info);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        test_program ran = {0};
        CLVGG(&ran, "visualize", verbs[i], "--model", zf, "--out", test_scratch_path("zf"),
              "--quiet", i > 0 ? picture : NULL);
        assert_string_equal(ran.err, "");
        assert_int_equal(ran.exit_code, 0);
        test_program_free(&ran);
    }
    assert_picture(test_scratch_path("zf/filters.png"));
    assert_picture(test_scratch_path("zf/gradcam/picture.png"));
}

static void nonsense_is_said(void **state)
{
    (void)state;
    char picture[256], net[256], one[256];
    snprintf(picture, sizeof picture, "%s", test_scratch_path("picture.png"));
    snprintf(net, sizeof net, "%s", test_scratch_path("net.safetensors"));
    snprintf(one, sizeof one, "%s", test_scratch_path("one.safetensors"));
    const struct {
        const char *arguments[4];
        int exit_code;
        const char *says;
    } cases[] = {
        {{"occlusion", "--class", "5", picture}, 2, "Its classes: 0 'cat', 1 'a \"dog\", big'"},
        {{"gradcam", "--class", "tiger", picture}, 2, "no class 'tiger'"},
        {{"occlusion", "--layer", "conv7", picture}, 2, "there are conv1_1"},
        {{"occlusion", "--map", "512", picture},
         2,
         "no map 512; the last convolution has maps 0 to 511"},
        {{"occlusion", "--size", "33", picture}, 2, "a square of 33 pixels is larger"},
        {{"gradcam", "--layer", "fc6", picture}, 2, "'relu6' has no maps"},
        {{"invariance", "--layers", "conv1_1,conv9", picture}, 2, "'conv9'"},
        {{"invariance", "--scale-to", "0.5", picture}, 2, "--scale-to"},
        {{"invariance", "--quiet"}, 2, "needs a photograph"},
        {{"occlusion", "--quiet"}, 2, "needs a photograph"},
        {{"gradcam", "--quiet"}, 2, "needs a photograph"},
        {{"gradcam", "--out", net, picture}, 1, "net.safetensors"},
        {{"gradcam", "--model", one, picture}, 1, "one class"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_program ran = {0};
        const char *const *a = cases[i].arguments;
        char model[300];
        snprintf(model, sizeof model, "CLVGG_MODEL=%s", net);
        ran.environment = (const char *[]){model, NULL};
        CLVGG(&ran, "visualize", a[0], a[1], a[2], a[3]);
        if (ran.exit_code != cases[i].exit_code)
            fail_msg("case %zu: exit code %d: %s", i, ran.exit_code, ran.err);
        assert_contains(ran.err, cases[i].says);
        test_program_free(&ran);
    }
}

static void help_has_examples(void **state)
{
    (void)state;
    static const char *const verbs[] = {"occlusion", "invariance", "gradcam"};
    for (size_t i = 0; i < 3; i++) {
        test_program ran = {0};
        char example[64];
        CLVGG(&ran, "visualize", verbs[i], "--help");
        assert_int_equal(ran.exit_code, 0);
        snprintf(example, sizeof example, "\n  clvgg visualize %s cat.jpg", verbs[i]);
        assert_contains(ran.out, example);
        test_program_free(&ran);
    }
}

#endif

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_nameless_net("one.safetensors", 1);
    test_scratch_broken_image("broken.png");
    test_scratch_folder("other");
    test_scratch_picture("other/picture.png", 5);
    unsigned seed = 4;
    uint8_t *bytes = &pixels[0][0][0];
    for (size_t i = 0; i < sizeof pixels; i++) {
        vgg_random_next(&seed);
        bytes[i] = (uint8_t)(i / 700 * 4 + (seed >> 26));
    }
    return clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK ||
           clvgg_image_write_png(runtime, test_scratch_path("picture.png"), SIDE, SIDE,
                                 pixels[0][0]) != CLVGG_STATUS_OK;
}

static int tear_down(void **state)
{
    (void)state;
    clvgg_runtime_free(runtime);
    test_scratch_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef CLVGG_HAVE_CAIRO
        cmocka_unit_test(occlusion_is_what_run_says),
        cmocka_unit_test(gradcam_is_drawn),
        cmocka_unit_test(invariance_is_drawn_in_parts),
        cmocka_unit_test(many_photographs),
        cmocka_unit_test(networks_like_zeiler_and_fergus),
        cmocka_unit_test(nonsense_is_said),
        cmocka_unit_test(help_has_examples),
#endif
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

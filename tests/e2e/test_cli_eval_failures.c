/* test_cli_eval_failures.c — `clvgg eval` when data and model don't fit, when there is nothing to
 * evaluate, and its picture of what the model gets wrong. */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/image.h"
#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define EVAL(program, ...)                                                                         \
    test_program_run(program, (const char *[]){PROGRAM, "eval", __VA_ARGS__, NULL})
#define NET "--model", test_scratch_path("net.safetensors")
#define DATA(name) "--data", test_scratch_path(name)

static int set_up(void **state)
{
    (void)state;
    static const char map[] = "x\t1\nx\t0\na\t3\n";
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_write("map.tsv", map, sizeof map - 1);
    test_scratch_pictures("data", "cat", "\xC3\xA9tang");
    test_scratch_broken_image("data/cat/broken.png");
    test_scratch_pictures("groups", "a", "x");
    test_scratch_folder("flat");
    test_scratch_picture("flat/cat.0.png", 1);
    test_scratch_picture("flat/\xC3\xA9tang.0.png", 2);
    return 0;
}

static void assert_fails(test_program *ran, int exit_code, const char *message)
{
    assert_int_equal(ran->exit_code, exit_code);
    assert_string_equal(ran->out, "");
    assert_contains(ran->err, message);
    test_program_free(ran);
}

static void test_classes_that_differ(void **state)
{
    (void)state;
    test_program ran = {0};
    EVAL(&ran, NET, DATA("groups"), "--json");
    assert_contains(ran.err, "the data has 'a', 'x'\n");
    assert_contains(ran.err, "the model has 'cat', 'a \"dog\", big', 'esc\\x1b[31m', ");
    assert_contains(ran.err, "group the model's classes by --map");
    assert_fails(&ran, 1, "class 'a' of ");
    EVAL(&ran, NET, DATA("data"), "--map", test_scratch_path("map.tsv"));
    assert_contains(ran.err, "the map has 'x', 'a'\n"); /* as many, but they have names */
    assert_fails(&ran, 1, "class 'cat' of ");
}

static void test_nothing_to_evaluate(void **state)
{
    (void)state;
    test_program ran = {0};
    test_scratch_folder("empty");
    EVAL(&ran, NET, DATA("empty"));
    assert_fails(&ran, 1, "/empty");
    EVAL(&ran, NET, DATA("absent"));
    assert_fails(&ran, 1, "/absent");
    test_scratch_folder("parts");
    test_scratch_folder("parts/train");
    test_scratch_folder("parts/val");
    test_scratch_picture("parts/train/cat.0.png", 1);
    test_scratch_picture("parts/val/cat.0.png", 2);
    EVAL(&ran, NET, DATA("parts")); /* in words that eval has: no option of finetune's */
    assert_null(strstr(ran.err, "--val"));
    assert_fails(&ran, 1, "/parts/val");
    test_scratch_folder("bad");
    test_scratch_folder("bad/cat");
    test_scratch_broken_image("bad/cat/broken.png");
    EVAL(&ran, NET, DATA("bad"), "--json");
    assert_int_equal(ran.exit_code, 1);
    cJSON *json = test_program_json(&ran);
    assert_true(number(json, "images") == 0);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "accuracy")));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "errors")), 1);
    cJSON_Delete(json);
    test_program_free(&ran);
    EVAL(&ran, NET, DATA("bad"), "--max-bad", "100%"); /* nothing was evaluated */
    assert_fails(&ran, 1, "/bad/cat/broken.png: ");
    EVAL(&ran, NET, DATA("bad"), "--max-bad", "101%");
    assert_fails(&ran, 2, "--max-bad: needs a number, or a share such as 10%, got '101%'");
}

#ifdef CLVGG_HAVE_CAIRO
static clvgg_image *read_image(clvgg_runtime *runtime, const char *path)
{
    clvgg_image *image;
    if (clvgg_image_read(runtime, path, &image) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    return image;
}

/* The first cell, at (24, 64), shows the most confident mistake: its 40 x 40 pixels on 144 x 144.
 */
static void test_mistakes_are_drawn(void **state)
{
    (void)state;
    test_program ran = {0};
    clvgg_runtime *runtime;
    EVAL(&ran, NET, DATA("data"), "--json", "--max-bad", "0", "--mistakes",
         test_scratch_path("wrong.png"));
    assert_int_equal(ran.exit_code, 1); /* broken.png: the sheet is drawn all the same */
    assert_contains(ran.err, " images can't be read, more than --max-bad allows");
    assert_int_equal(clvgg_runtime_create(NULL, &runtime), CLVGG_STATUS_OK);
    cJSON *json = test_program_json(&ran);
    const cJSON *mistake = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "mistakes"), 0);
    clvgg_image *image =
        read_image(runtime, cJSON_GetStringValue(cJSON_GetObjectItem(mistake, "file")));
    clvgg_image *sheet = read_image(runtime, test_scratch_path("wrong.png"));
    const int width = clvgg_image_width(sheet);
    double difference = 0;
    for (int i = 0; i < TEST_PICTURE_SIDE * TEST_PICTURE_SIDE * 3; i++) {
        const int x = 24 + (i / 3 % TEST_PICTURE_SIDE * 36 + 18) / 10,
                  y = 64 + (i / (3 * TEST_PICTURE_SIDE) * 36 + 18) / 10;
        difference += fabs((double)clvgg_image_pixels(image)[i] -
                           (double)clvgg_image_pixels(sheet)[3 * (y * width + x) + i % 3]);
    }
    difference /= TEST_PICTURE_SIDE * TEST_PICTURE_SIDE * 3;
    if (!(difference < 20))
        fail_msg("differs by %.1f", difference);
    clvgg_image_free(image);
    clvgg_image_free(sheet);
    clvgg_runtime_free(runtime);
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void test_mistakes_replace_nothing(void **state)
{
    (void)state;
    test_program ran = {0};
    EVAL(&ran, NET, DATA("flat"), "--mistakes", test_scratch_path("wrong.jpg"));
    assert_fails(&ran, 2, "/wrong.jpg: a picture's name ends in .png, .svg or .pdf");
    EVAL(&ran, NET, DATA("flat"), "--mistakes", test_scratch_path("flat/cat.0.png"));
    assert_fails(&ran, 2, "--mistakes would replace '");
    EVAL(&ran, NET, DATA("flat"), "--quiet", "--mistakes", test_scratch_path("no/such.png"));
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "no/such.png");
    test_program_free(&ran);
}
#else
static void test_mistakes_need_cairo(void **state)
{
    (void)state;
    test_program ran = {0};
    EVAL(&ran, NET, DATA("flat"), "--mistakes", test_scratch_path("wrong.png"));
    assert_fails(&ran, 1, "built without Cairo");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_that_differ),
        cmocka_unit_test(test_nothing_to_evaluate),
#ifdef CLVGG_HAVE_CAIRO
        cmocka_unit_test(test_mistakes_are_drawn),
        cmocka_unit_test(test_mistakes_replace_nothing),
#else
        cmocka_unit_test(test_mistakes_need_cairo),
#endif
    };
    return cmocka_run_group_tests(tests, set_up, test_scratch_teardown);
}

/* test_cli_map.c — `clvgg run --map`: classes summed into groups, exactly, in every format. */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define CHELSEA TEST_DATA "/chelsea.png"
#define IMAGENET_MAP PROJECT_ROOT "/models/imagenet-cat-dog.tsv"
#define RUN(program, ...)                                                                          \
    test_program_run(program, (const char *[]){PROGRAM, "run", __VA_ARGS__, NULL})
#define NET "--model", test_scratch_path("net.safetensors")
#define MAP "--map", test_scratch_path("map.tsv")

static int set_up(void **state)
{
    (void)state;
    static const char map[] = "# all but class 0\nb\t3\nb\ta \"dog\", big\nesc\033[31m\t2-2\n";
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_nameless_net("thousand.safetensors", 1000);
    test_scratch_write("map.tsv", map, sizeof map - 1);
    test_scratch_write("whole.tsv", "x\t0-3\n", 6);
    test_scratch_write("text.png", "not an image", 12);
    return 0;
}

static cJSON *run_json(const char *model, const char *map)
{
    test_program ran = {0};
    const char *with_map[] = {
        PROGRAM, "run", "--json", "--top", "0", "--model", model, CHELSEA, map ? "--map" : NULL,
        map,     NULL};
    test_program_run(&ran, with_map);
    if (ran.exit_code != 0)
        fail_msg("%s", ran.err);
    cJSON *json = test_program_json(&ran);
    test_program_free(&ran);
    return json;
}

static const cJSON *only_image(const cJSON *json)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(json, "images"), 0);
}

/* Probabilities by index, float32 as the network gave them: nine digits hold a float. */
static void read_probabilities(const cJSON *image, float *values)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(image, "top"))
    {
        values[(size_t)number(entry, "index")] = (float)number(entry, "probability");
    }
}

static float sum(const float *values, size_t first, size_t last)
{
    double total = 0;
    for (size_t i = first; i <= last; i++)
        total += (double)values[i];
    return (float)total;
}

static void test_sums_are_exact(void **state)
{
    (void)state;
    static float classes[1000];
    float groups[2];
    char model[256];
    snprintf(model, sizeof model, "%s", test_scratch_path("thousand.safetensors"));
    cJSON *plain = run_json(model, NULL), *mapped = run_json(model, IMAGENET_MAP);
    read_probabilities(only_image(plain), classes);
    read_probabilities(only_image(mapped), groups);
    assert_true(groups[0] == sum(classes, 281, 285));
    assert_true(groups[1] == sum(classes, 151, 268));
    double other = 0;
    for (size_t i = 0; i < 1000; i++)
        other += i >= 151 && (i <= 268 || (i >= 281 && i <= 285)) ? 0 : (double)classes[i];
    assert_true((float)number(only_image(mapped), "other") == (float)other);
    assert_true(other > 0.1 && groups[0] > 0 && groups[1] > 0);
    const cJSON *top = cJSON_GetObjectItem(only_image(mapped), "top");
    const cJSON *first = cJSON_GetArrayItem(top, 0), *second = cJSON_GetArrayItem(top, 1);
    assert_int_equal(cJSON_GetArraySize(top), 2);
    assert_true(number(first, "probability") >= number(second, "probability"));
    const char *expected = number(first, "index") == 0 ? "cat" : "dog";
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(first, "label")), expected);
    assert_null(cJSON_GetObjectItem(first, "logit"));
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(mapped, "map")), IMAGENET_MAP);
    assert_null(cJSON_GetObjectItem(plain, "map"));
    assert_null(cJSON_GetObjectItem(only_image(plain), "other"));
    cJSON_Delete(plain);
    cJSON_Delete(mapped);
}

/* The file that is shipped is found by its name, as the default model is. */
static void test_shipped_map_by_name(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program ran = {0};
    RUN(&ran, "--model", test_scratch_path("thousand.safetensors"), "--map", "imagenet-cat-dog.tsv",
        CHELSEA);
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.err, "labels from imagenet-1k.txt, 2 groups from imagenet-cat-dog.tsv)");
    assert_contains(ran.out, "\n  other  ");
    test_program_free(&ran);
}

static void test_formats(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program text = {0}, one = {0}, csv = {0};
    RUN(&text, NET, MAP, "--quiet", CHELSEA);
    assert_int_equal(text.exit_code, 0);
    assert_string_equal(text.err, "");
    assert_contains(text.out, "\n  b     ");
    assert_contains(text.out, "\n  esc\\x1b[31m ");
    assert_contains(text.out, "\n  other    ");
    RUN(&one, NET, MAP, "--quiet", "--top", "1", CHELSEA);
    assert_contains(one.out, " %, other ");
    RUN(&csv, NET, MAP, "--csv", CHELSEA, test_scratch_path("text.png"));
    assert_int_equal(csv.exit_code, 1);
    assert_contains(csv.out, CHELSEA ",,1,");
    assert_contains(csv.out, CHELSEA ",,2,");
    assert_contains(csv.out, CHELSEA ",,,,other,0.");
    size_t lines = 0;
    for (const char *at = csv.out; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
        if (lines > 1 && lines < 5)
            assert_int_equal(at[-1], ','); /* no logit, no error */
    }
    assert_int_equal(lines, 1 + 3 + 1);
    test_program_free(&text);
    test_program_free(&one);
    test_program_free(&csv);
}

/* Groups that hold every class leave nothing. */
static void test_nothing_outside(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    char model[256];
    snprintf(model, sizeof model, "%s", test_scratch_path("net.safetensors"));
    cJSON *json = run_json(model, test_scratch_path("whole.tsv"));
    assert_null(cJSON_GetObjectItem(only_image(json), "other"));
    const cJSON *group = cJSON_GetArrayItem(cJSON_GetObjectItem(only_image(json), "top"), 0);
    assert_true(fabs(number(group, "probability") - 1) < 1e-6);
    cJSON_Delete(json);
}

static void test_wrong_maps(void **state)
{
    (void)state;
    test_program ran = {0};
    static const char map[] = "a\t0\na\tunknown \033[2J\n";
    test_scratch_write("wrong.tsv", map, sizeof map - 1);
    RUN(&ran, NET, "--json", "--map", test_scratch_path("wrong.tsv"), CHELSEA);
    assert_int_equal(ran.exit_code, 1);
    assert_string_equal(ran.out, "");
    assert_contains(ran.err, "/wrong.tsv: line 2: the model has no class 'unknown \\x1b[2J'\n");
    test_program_free(&ran);
    RUN(&ran, NET, "--map", "imagenet-cat-dog.tsv", CHELSEA); /* found, and of another model */
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "line 3: class 281-285: the model's go from 0 to 3\n");
    test_program_free(&ran);
    RUN(&ran, NET, "--map", "no-such-map.tsv", CHELSEA);
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "no-such-map.tsv");
    test_program_free(&ran);
    RUN(&ran, NET, MAP, "--output", test_scratch_path("./map.tsv"), CHELSEA);
    assert_int_equal(ran.exit_code, 2);
    assert_contains(ran.err, "--output would replace '");
    test_program_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_are_exact), cmocka_unit_test(test_shipped_map_by_name),
        cmocka_unit_test(test_formats),        cmocka_unit_test(test_nothing_outside),
        cmocka_unit_test(test_wrong_maps),
    };
    return cmocka_run_group_tests(tests, set_up, test_scratch_teardown);
}

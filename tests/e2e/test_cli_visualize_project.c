/* test_cli_visualize_project.c — `clvgg visualize project`: the units that it finds are those of
 * what `clvgg run` writes of the layer; figures; command lines that make no sense. */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define PROJECT(program, ...)                                                                      \
    test_program_run(program, (const char *[]){PROGRAM, "visualize", "project", "--model",         \
                                               test_scratch_path("net.safetensors"), "--out",      \
                                               test_scratch_path("out"), __VA_ARGS__, NULL})

static clvgg_shape shape; /* {4, {1, maps, height, width}} */
static float *values;     /* of relu3_2 on the photograph */

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_picture("photo.png", 3);
    test_scratch_broken_image("broken.png");
    test_program ran = {0};
    test_program_run(&ran, (const char *[]){PROGRAM, "run", "--model",
                                            test_scratch_path("net.safetensors"), "--layer",
                                            "relu3_2", "--output", test_scratch_path("values.npy"),
                                            "--quiet", test_scratch_path("photo.png"), NULL});
    assert_int_equal(ran.exit_code, 0);
    test_program_free(&ran);
    values = test_scratch_read_npy("values.npy", &shape);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(values);
    test_scratch_remove();
    return 0;
}

/* The JSON of the only photograph, whose figure must be there. */
static cJSON *projected(const test_program *ran)
{
    if (ran->exit_code != 0)
        fail_msg("exit code %d: %s", ran->exit_code, ran->err);
    cJSON *json = test_program_json(ran);
    cJSON *list = cJSON_DetachItemFromObject(json, "projections");
    assert_int_equal(cJSON_GetArraySize(list), 1);
    cJSON *entry = cJSON_DetachItemFromArray(list, 0);
    assert_int_equal(access(cJSON_GetObjectItem(entry, "figure")->valuestring, R_OK), 0);
    cJSON_Delete(list);
    cJSON_Delete(json);
    return entry;
}

/* Position of the largest value of maps [first, end). */
static int64_t peak_of(int64_t first, int64_t end)
{
    const int64_t pixels = shape.dims[2] * shape.dims[3];
    int64_t best = first * pixels;
    for (int64_t i = best; i < end * pixels; i++)
        if (values[i] > values[best])
            best = i;
    return best;
}

static void assert_unit(const cJSON *entry, int64_t at)
{
    const int64_t width = shape.dims[3], pixels = shape.dims[2] * width;
    assert_int_equal(number(entry, "map"), at / pixels);
    assert_int_equal(number(entry, "y"), at % pixels / width);
    assert_int_equal(number(entry, "x"), at % width);
    assert_true(fabs(number(entry, "value") - (double)values[at]) <=
                1e-5 * (double)values[peak_of(0, shape.dims[1])]);
}

static void units_are_those_of_the_layer(void **state)
{
    (void)state;
    test_program_skip_when_small("units_are_those_of_the_layer");
    const int64_t strongest = peak_of(0, shape.dims[1]);
    test_program whole = {0}, map = {0}, unit = {0};
    PROJECT(&whole, "--layer", "conv3_2", "--json", test_scratch_path("photo.png"));
    cJSON *entry = projected(&whole);
    assert_unit(entry, strongest);
    const cJSON *box = cJSON_GetObjectItem(entry, "box");
    assert_int_equal(cJSON_GetArraySize(box), 4);
    assert_true(cJSON_GetArrayItem(box, 0)->valueint < cJSON_GetArrayItem(box, 2)->valueint);
    cJSON_Delete(entry);
    PROJECT(&map, "--layer", "conv3_2", "--map", "5", "--mode", "guided", "--json",
            test_scratch_path("photo.png"));
    entry = projected(&map);
    assert_unit(entry, peak_of(5, 6));
    cJSON_Delete(entry);
    PROJECT(&unit, "--layer", "relu3_2", "--map", "7", "--unit", "1,0", "--mode", "gradient",
            "--json", test_scratch_path("photo.png"));
    entry = projected(&unit);
    assert_unit(entry, (7 * shape.dims[2] + 1) * shape.dims[3]);
    cJSON_Delete(entry);
    test_program_free(&whole);
    test_program_free(&map);
    test_program_free(&unit);
}

static void several_units_at_once(void **state)
{
    (void)state;
    test_program_skip_when_small("several_units_at_once");
    static const char *const asked[][3] = {{"all", "all", "conv2_1"},
                                           {"all", "1,2", "conv2_1"},
                                           {"3", "all", "fc6"},
                                           {"1", "peak", "logits"}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        test_program ran = {0};
        PROJECT(&ran, "--map", asked[i][0], "--unit", asked[i][1], "--layer", asked[i][2], "--json",
                test_scratch_path("photo.png"));
        cJSON *entry = projected(&ran);
        assert_true((cJSON_GetObjectItem(entry, "map") == NULL) == (i < 2));
        assert_true((cJSON_GetObjectItem(entry, "y") == NULL) == (i == 0 || i == 2));
        cJSON_Delete(entry);
        test_program_free(&ran);
    }
}

static void mistakes_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *option, *value, *message;
    } cases[] = {
        {"--layer", "conv9_9", "no layer 'conv9_9'"},
        {"--map", "100000", "has maps 0 to "},
        {"--unit", "100,0", "with units 0,0 to "},
        {"--unit", "7", "--unit a position such as 3,9"},
        {"--map", "some", "--map needs a number or all"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_program ran = {0};
        PROJECT(&ran, cases[i].option, cases[i].value, test_scratch_path("photo.png"));
        assert_int_equal(ran.exit_code, 2);
        assert_contains(ran.err, cases[i].message);
        test_program_free(&ran);
    }
    test_program none = {0};
    PROJECT(&none, "--layer", "conv1_1");
    assert_int_equal(none.exit_code, 2);
    assert_contains(none.err, "needs a photograph");
    test_program_free(&none);
}

static void a_bad_photograph_does_not_stop_the_others(void **state)
{
    (void)state;
    test_program_skip_when_small("a_bad_photograph_does_not_stop_the_others");
    test_program ran = {0};
    PROJECT(&ran, "--layer", "conv1_1", test_scratch_path("broken.png"),
            test_scratch_path("photo.png"));
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "broken.png");
    assert_contains(ran.out, "project/conv1_1/photo.png");
    test_program_free(&ran);
}

int main(void)
{
#ifndef CLVGG_HAVE_CAIRO
    print_message("built without Cairo: no figures to look at\n");
    return 0;
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_those_of_the_layer),
        cmocka_unit_test(several_units_at_once),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(a_bad_photograph_does_not_stop_the_others),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

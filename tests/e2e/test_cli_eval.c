/* test_cli_eval.c — `clvgg eval` on small data sets: its figures follow from what `clvgg run` says
 * about the same images. */
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

#define EVAL(program, ...)                                                                         \
    test_program_run(program, (const char *[]){PROGRAM, "eval", __VA_ARGS__, NULL})
#define NET "--model", test_scratch_path("net.safetensors")
#define DATA(name) "--data", test_scratch_path(name)

enum { IMAGES = TEST_PICTURES, MOST_CLASSES = 4 };

static int set_up(void **state)
{
    (void)state;
    static const char map[] = "x\t1\nx\t0\na\t3\n", narrow[] = "x\t2\na\t1\nx\t0\n";
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_nameless_net("nameless.safetensors", 2);
    test_scratch_write("map.tsv", map, sizeof map - 1);
    test_scratch_write("narrow.tsv", narrow, sizeof narrow - 1);
    test_scratch_pictures("data", "cat", "\xC3\xA9tang");
    test_scratch_broken_image("data/cat/broken.png");
    test_scratch_write("data/cat/notes.txt", "notes", 5);
    test_scratch_pictures("groups", "a", "x");
    test_scratch_folder("flat");
    test_scratch_picture("flat/cat.0.png", 1);
    test_scratch_picture("flat/\xC3\xA9tang.0.png", 2);
    return 0;
}

/* Answers of run: probabilities and truth of each image that could be read. */
typedef struct answers {
    size_t count, classes;
    struct {
        char file[256];
        size_t truth, best;
        double p[MOST_CLASSES], other;
    } images[IMAGES];
} answers;

/* `truths[0]` is the class of folder `first`, `truths[1]` that of all others. */
static void run_images(const char *data, const char *map, const char *first, const size_t truths[2],
                       answers *a)
{
    test_program ran = {0};
    char data_path[256], part[64];
    snprintf(data_path, sizeof data_path, "%s", test_scratch_path(data));
    snprintf(part, sizeof part, "/%s/", first);
    test_program_run(&ran, (const char *[]){PROGRAM, "run", "--json", "--top", "0", NET, data_path,
                                            map != NULL ? "--map" : NULL, map, NULL});
    cJSON *json = test_program_json(&ran);
    const cJSON *image, *entry;
    *a = (answers){0};
    cJSON_ArrayForEach(image, cJSON_GetObjectItem(json, "images"))
    {
        if (cJSON_HasObjectItem(image, "error"))
            continue;
        const char *file = string(image, "file");
        snprintf(a->images[a->count].file, sizeof a->images[0].file, "%s", file);
        a->images[a->count].truth = truths[strstr(file, part) == NULL];
        a->images[a->count].other = map != NULL ? number(image, "other") : 0;
        a->classes = 0;
        cJSON_ArrayForEach(entry, cJSON_GetObjectItem(image, "top"))
        {
            const size_t index = (size_t)number(entry, "index");
            a->images[a->count].p[index] = number(entry, "probability");
            if (a->classes++ == 0)
                a->images[a->count].best = index;
        }
        a->count++;
    }
    assert_int_equal(a->count, IMAGES);
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void check_number(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-8 * (1 + fabs(expected))))
        fail_msg("%.9g, not %.9g", value, expected);
}

/* null where there is nothing to divide by. */
static void check_share(const cJSON *value, double part, double whole)
{
    if (whole == 0)
        assert_true(cJSON_IsNull(value));
    else
        check_number(value->valuedouble, part / whole);
}

static void check_figures(const cJSON *json, const answers *a)
{
    double loss = 0, correct = 0, counts[MOST_CLASSES][MOST_CLASSES] = {{0}};
    for (size_t i = 0; i < a->count; i++) {
        loss -= log(a->images[i].p[a->images[i].truth]);
        correct += a->images[i].best == a->images[i].truth;
        counts[a->images[i].truth][a->images[i].best]++;
    }
    assert_true(number(json, "images") == (double)a->count);
    check_number(number(json, "accuracy"), correct / (double)a->count);
    check_number(number(json, "loss"), loss / (double)a->count);
    assert_true(correct > 0 && correct < (double)a->count);
    const cJSON *rows = cJSON_GetObjectItem(json, "confusion");
    assert_int_equal(cJSON_GetArraySize(rows), a->classes);
    for (size_t t = 0; t < a->classes; t++) {
        double present = 0, taken = 0;
        const cJSON *row = cJSON_GetArrayItem(rows, (int)t);
        assert_int_equal(cJSON_GetArraySize(row), a->classes);
        for (size_t c = 0; c < a->classes; c++) {
            assert_true(cJSON_GetArrayItem(row, (int)c)->valuedouble == counts[t][c]);
            present += counts[t][c];
            taken += counts[c][t];
        }
        check_share(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "recall"), (int)t), counts[t][t],
                    present);
        check_share(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "precision"), (int)t),
                    counts[t][t], taken);
    }
}

/* All of them, as there are few: each as run says, the most confident first. */
static void check_mistakes(const cJSON *json, const answers *a)
{
    const cJSON *mistake, *classes = cJSON_GetObjectItem(json, "classes");
    double previous = 1;
    size_t wrong = 0, listed = 0;
    for (size_t i = 0; i < a->count; i++)
        wrong += a->images[i].best != a->images[i].truth;
    cJSON_ArrayForEach(mistake, cJSON_GetObjectItem(json, "mistakes"))
    {
        size_t i = 0;
        while (i < a->count && strcmp(a->images[i].file, string(mistake, "file")) != 0)
            i++;
        assert_in_range(i, 0, a->count - 1);
        const size_t best = a->images[i].best, truth = a->images[i].truth;
        assert_string_equal(string(mistake, "predicted"),
                            cJSON_GetArrayItem(classes, (int)best)->valuestring);
        assert_string_equal(string(mistake, "truth"),
                            cJSON_GetArrayItem(classes, (int)truth)->valuestring);
        assert_true(number(mistake, "probability") == a->images[i].p[best]);
        assert_true(number(mistake, "probability") <= previous && best != truth);
        previous = number(mistake, "probability");
        listed++;
    }
    assert_int_equal(listed, wrong);
}

static void test_figures(void **state)
{
    (void)state;
    static answers a;
    test_program ran = {0};
    run_images("data", NULL, "cat", (size_t[]){0, 3}, &a);
    EVAL(&ran, NET, DATA("data"), "--json");
    assert_int_equal(ran.exit_code, 0); /* broken.png is one, which is always allowed */
    cJSON *json = test_program_json(&ran);
    assert_true(number(json, "schema") == 1);
    check_figures(json, &a);
    check_mistakes(json, &a);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "auc"))); /* four classes */
    const cJSON *classes = cJSON_GetObjectItem(json, "classes");
    assert_int_equal(cJSON_GetArraySize(classes), TEST_NET_CLASSES);
    for (int i = 0; i < TEST_NET_CLASSES; i++)
        assert_string_equal(cJSON_GetArrayItem(classes, i)->valuestring, test_net_labels[i]);
    const cJSON *errors = cJSON_GetObjectItem(json, "errors");
    assert_int_equal(cJSON_GetArraySize(errors), 1);
    assert_contains(string(cJSON_GetArrayItem(errors, 0), "file"), "/data/cat/broken.png");
    assert_contains(ran.err, string(cJSON_GetArrayItem(errors, 0), "error"));
    const cJSON *skipped = cJSON_GetObjectItem(json, "skipped");
    assert_int_equal(cJSON_GetArraySize(skipped), 1);
    assert_contains(string(cJSON_GetArrayItem(skipped, 0), "file"), "/data/cat/notes.txt");
    assert_true(string(cJSON_GetArrayItem(skipped, 0), "reason")[0] != '\0');
    assert_contains(ran.err, "data: ");
    assert_contains(ran.err, "/data/cat/notes.txt: ");
    assert_null(cJSON_GetObjectItem(json, "other"));
    assert_string_equal(string(cJSON_GetObjectItem(json, "preprocess"), "channels"), "RGB");
    assert_true(number(cJSON_GetObjectItem(json, "device"), "index") >= 0);
    cJSON_Delete(json);
    test_program_free(&ran);
}

static double reference_auc(const answers *a)
{
    double wins = 0, pairs = 0;
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < a->count; j++)
            if (a->images[i].truth == 1 && a->images[j].truth == 0) {
                const double difference = a->images[i].p[1] - a->images[j].p[1];
                wins += difference > 0 ? 1 : difference == 0 ? 0.5 : 0;
                pairs++;
            }
    return wins / pairs;
}

/* Folders are matched with groups, whose order is the map's: x, a. Returns the number of images
 * with more outside the groups than in any. */
static size_t check_groups(const char *map)
{
    static answers a;
    test_program ran = {0};
    run_images("groups", map, "x", (size_t[]){0, 1}, &a);
    EVAL(&ran, NET, DATA("groups"), "--json", "--quiet", "--map", map);
    assert_int_equal(ran.exit_code, 0);
    assert_string_equal(ran.err, "");
    cJSON *json = test_program_json(&ran);
    assert_int_equal(a.classes, 2);
    assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "classes"), 1)->valuestring,
                        "a");
    check_figures(json, &a);
    check_mistakes(json, &a);
    check_number(number(json, "auc"), reference_auc(&a));
    assert_true(number(json, "auc") > 0 && number(json, "auc") < 1);
    double other = 0;
    size_t above = 0;
    for (size_t i = 0; i < a.count; i++) {
        other += a.images[i].other;
        above += a.images[i].other > a.images[i].p[a.images[i].best];
    }
    check_number(number(cJSON_GetObjectItem(json, "other"), "mean"), other / (double)a.count);
    assert_true(number(cJSON_GetObjectItem(json, "other"), "images") == (double)above);
    cJSON_Delete(json);
    test_program_free(&ran);
    return above;
}

static void test_groups(void **state)
{
    (void)state;
    char maps[2][256];
    snprintf(maps[0], sizeof maps[0], "%s", test_scratch_path("map.tsv"));
    snprintf(maps[1], sizeof maps[1], "%s", test_scratch_path("narrow.tsv"));
    assert_int_equal(check_groups(maps[0]), 0);
    assert_in_range(check_groups(maps[1]), 1, IMAGES - 1);
}

static void test_text(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program ran = {.stdout_kind = TEST_STDOUT_TERMINAL,
                        .environment = (const char *[]){"NO_COLOR=1", "LC_ALL=C", NULL}};
    EVAL(&ran, NET, DATA("groups"), "--map", test_scratch_path("map.tsv"), "--batch", "2");
    assert_int_equal(ran.exit_code, 0);
    static const char *const parts[] = {"(24 images in 2 classes)",
                                        "2 of 24",
                                        "\033[K",
                                        "accuracy  ",
                                        " of 24 images)",
                                        "log loss  ",
                                        "AUC  ",
                                        "(a against x)",
                                        "other  ",
                                        "precision",
                                        "recall",
                                        "truth \\ taken for",
                                        "most confident mistakes"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_contains(ran.out, parts[i]);
    test_program_free(&ran);
    /* Names out of files and folders don't steer a terminal. */
    test_program escaped = {0};
    EVAL(&escaped, NET, DATA("flat"), "--quiet");
    assert_int_equal(escaped.exit_code, 0);
    assert_null(strchr(escaped.out, '\033'));
    assert_contains(escaped.out, "esc\\x1b[31m");
    test_program_free(&escaped);
}

/* With many classes the text has the pairs confused most instead of a matrix. */
static void test_many_classes(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_program ran = {0};
    test_scratch_nameless_net("thousand.safetensors", 1000);
    test_scratch_pictures("imagenet", "n02123045 tabby", "n02085620 Chihuahua");
    EVAL(&ran, "--model", test_scratch_path("thousand.safetensors"), DATA("imagenet"), "--quiet");
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "\nn02085620 Chihuahua ");
    assert_contains(ran.out, "truth                taken for");
    assert_null(strstr(ran.out, "truth \\ taken for"));
    test_program_free(&ran);
}

static void test_classes_by_order(void **state)
{
    (void)state;
    test_program ran = {0};
    EVAL(&ran, "--model", test_scratch_path("nameless.safetensors"), DATA("flat"), "--json");
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.err, "taken for the model's in order, which has no names for them");
    cJSON *json = test_program_json(&ran);
    assert_true(number(json, "images") == 2);
    const cJSON *rows = cJSON_GetObjectItem(json, "confusion");
    for (int t = 0; t < 2; t++) {
        const cJSON *row = cJSON_GetArrayItem(rows, t);
        assert_true(
            cJSON_GetArrayItem(row, 0)->valuedouble + cJSON_GetArrayItem(row, 1)->valuedouble == 1);
    }
    cJSON_Delete(json);
    test_program_free(&ran);
}

int main(void)
{
    if (getenv("CLVGG_TEST_SMALL") != NULL) { /* what is counted doesn't depend on the device */
        fprintf(stderr, "SKIPPED: test_cli_eval: only small tests were asked for\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_many_classes),
        cmocka_unit_test(test_classes_by_order),
    };
    return cmocka_run_group_tests(tests, set_up, test_scratch_teardown);
}

/* test_cli_visualize_top.c — `clvgg visualize top`: its lists equal brute force over what `clvgg
 * run` writes of the same layers; which maps are shown; photographs that can't be read; folders
 * that can't be written. */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "clvgg/image.h"
#include "support/files.h"
#include "support/json.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define TOP(program, ...)                                                                          \
    test_program_run(program,                                                                      \
                     (const char *[]){PROGRAM, "visualize", "top", "--model",                      \
                                      test_scratch_path("net.safetensors"), __VA_ARGS__, NULL})
#define OUT(name) "--out", test_scratch_path(name)
#define PHOTOS "--images", test_scratch_path("photos")

enum { PHOTO_COUNT = 11, MOST = 9 };

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_folder("photos");
    for (unsigned i = 0; i < PHOTO_COUNT; i++) {
        char name[32];
        snprintf(name, sizeof name, "photos/%02u <b>.png", i);
        if (i % 2 == 0)
            test_scratch_picture(name, i + 1);
        else
            test_scratch_image(name, i + 1);
    }
    test_scratch_folder("broken");
    test_scratch_broken_image("broken/a.png");
    test_scratch_picture("broken/b.png", 5);
    return 0;
}

static void succeed(const test_program *ran)
{
    if (ran->exit_code != 0)
        fail_msg("exit code %d: %s", ran->exit_code, ran->err);
}

static cJSON *read_manifest(const char *name)
{
    size_t bytes;
    char *text = file_read(test_scratch_path(name), &bytes);
    cJSON *manifest = cJSON_ParseWithLength(text, bytes);
    assert_true(cJSON_IsArray(manifest));
    free(text);
    return manifest;
}

/* ---- brute force ---- */

typedef struct peak {
    int image, y, x;
    float value;
} peak;

static int by_value(const void *left, const void *right)
{
    const peak *a = left, *b = right;
    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return a->image < b->image ? -1 : a->image > b->image;
}

/* The photographs' peaks of a map that fired, the strongest first. */
static int peaks_of(const float *values, const clvgg_shape *shape, int64_t map,
                    peak peaks[PHOTO_COUNT])
{
    const int64_t maps = shape->dims[1], height = shape->dims[2], width = shape->dims[3];
    int count = 0;
    for (int image = 0; image < PHOTO_COUNT; image++) {
        peak best = {image, 0, 0, 0.0f};
        for (int64_t p = 0; p < height * width; p++) {
            const float value = values[(image * maps + map) * height * width + p];
            if (value > best.value)
                best = (peak){image, (int)(p / width), (int)(p % width), value};
        }
        if (best.value > 0.0f)
            peaks[count++] = best;
    }
    qsort(peaks, (size_t)count, sizeof *peaks, by_value);
    return count;
}

/* Entries of a map in the manifest, in its order; *dead tells whether it is said never to fire. */
static int entries_of(const cJSON *manifest, const char *layer, int map, const cJSON *entries[MOST],
                      bool *dead)
{
    int count = 0;
    const cJSON *entry;
    *dead = false;
    cJSON_ArrayForEach(entry, manifest)
    {
        if (strcmp(cJSON_GetObjectItem(entry, "layer")->valuestring, layer) != 0 ||
            integer(entry, "map") != map)
            continue;
        if (cJSON_IsTrue(cJSON_GetObjectItem(entry, "dead")))
            *dead = true;
        else
            entries[count++] = entry;
        assert_in_range(count, 0, MOST);
    }
    return count;
}

/* Values may differ by rounding, which is small beside the layer's greatest value: what is computed
 * together isn't the same in both programs. */
static void compare_map(const cJSON *manifest, const char *layer, int map, const peak *peaks,
                        int peak_count, double tolerance)
{
    const cJSON *entries[MOST + 1];
    bool dead;
    const int count = entries_of(manifest, layer, map, entries, &dead);
    assert_int_equal(count, peak_count < MOST ? peak_count : MOST);
    assert_true(dead == (peak_count == 0));
    for (int i = 0; i < count; i++) {
        char file[32];
        snprintf(file, sizeof file, "/photos/%02d <b>.png", peaks[i].image);
        assert_int_equal(integer(entries[i], "rank"), i + 1);
        assert_contains(cJSON_GetObjectItem(entries[i], "file")->valuestring, file);
        assert_int_equal(integer(entries[i], "y"), peaks[i].y);
        assert_int_equal(integer(entries[i], "x"), peaks[i].x);
        const double value = cJSON_GetObjectItem(entries[i], "value")->valuedouble;
        if (!(fabs(value - (double)peaks[i].value) <= tolerance))
            fail_msg("%s, map %d: %g expected, got %g", layer, map, (double)peaks[i].value, value);
        int box[4];
        for (int b = 0; b < 4; b++)
            box[b] = cJSON_GetArrayItem(cJSON_GetObjectItem(entries[i], "box"), b)->valueint;
        assert_true(box[0] >= 0 && box[0] < box[2] && box[2] <= TEST_NET_SIDE);
        assert_true(box[1] >= 0 && box[1] < box[3] && box[3] <= TEST_NET_SIDE);
        if (strcmp(layer, "conv1_1") == 0) { /* 3 x 3 around the unit */
            assert_int_equal(box[0], peaks[i].x > 0 ? peaks[i].x - 1 : 0);
            assert_int_equal(box[3],
                             peaks[i].y + 2 < TEST_NET_SIDE ? peaks[i].y + 2 : TEST_NET_SIDE);
        }
    }
}

static void lists_equal_brute_force(void **state)
{
    (void)state;
    test_program_skip_when_small("lists_equal_brute_force");
    static const char *const layers[][2] = {{"conv1_1", "relu1_1"}, {"conv4_2", "relu4_2"}};
    test_program ran = {0};
    TOP(&ran, PHOTOS, OUT("lists"), "--layer", "conv1_1,conv4_2", "--maps", "all", "--quiet");
    succeed(&ran);
    assert_string_equal(ran.out, "");
    test_program_free(&ran);
    cJSON *manifest = read_manifest("lists/manifest.json");
    int fired = 0, silent = 0;
    for (size_t l = 0; l < 2; l++) {
        test_program values_run = {0};
        clvgg_shape shape;
        peak peaks[PHOTO_COUNT];
        test_program_run(&values_run,
                         (const char *[]){PROGRAM, "run", "--model",
                                          test_scratch_path("net.safetensors"), "--layer",
                                          layers[l][1], "--output", test_scratch_path("values.npy"),
                                          "--quiet", test_scratch_path("photos"), NULL});
        succeed(&values_run);
        float *values = test_scratch_read_npy("values.npy", &shape);
        assert_int_equal(shape.dims[0], PHOTO_COUNT);
        float greatest = 0.0f;
        for (int64_t i = 0; i < PHOTO_COUNT * shape.dims[1] * shape.dims[2] * shape.dims[3]; i++)
            greatest = fmaxf(greatest, values[i]);
        for (int64_t map = 0; map < shape.dims[1]; map++) {
            const int count = peaks_of(values, &shape, map, peaks);
            compare_map(manifest, layers[l][0], (int)map, peaks, count, 1e-5 * (double)greatest);
            fired += count > 0;
            silent += count == 0;
        }
        free(values);
        test_program_free(&values_run);
    }
    assert_true(fired > 100);
    print_message("%d maps fired, %d never did\n", fired, silent);
    cJSON_Delete(manifest);
}

/* Distinct maps of a layer in the manifest's order; returns how many. */
static int maps_shown(const char *name, const char *layer, int maps[64])
{
    cJSON *manifest = read_manifest(name);
    const cJSON *entry;
    int count = 0;
    cJSON_ArrayForEach(entry, manifest)
    {
        const int map = integer(entry, "map");
        if (strcmp(cJSON_GetObjectItem(entry, "layer")->valuestring, layer) == 0 &&
            cJSON_GetObjectItem(entry, "dead") == NULL && (count == 0 || maps[count - 1] != map))
            maps[count++] = map;
    }
    cJSON_Delete(manifest);
    return count;
}

static void maps_are_chosen_as_asked(void **state)
{
    (void)state;
    test_program_skip_when_small("maps_are_chosen_as_asked");
    int maps[64], again[64], other[64];
    test_program ran = {0};
    TOP(&ran, PHOTOS, OUT("a"), "--layer", "conv1_1", "--maps", "strongest 5", "--count", "2",
        "--pictures", "--json");
    succeed(&ran);
    cJSON *json = test_program_json(&ran);
    assert_int_equal(integer(json, "images"), PHOTO_COUNT);
    assert_int_equal(integer(json, "failed"), 0);
    cJSON_Delete(json);
    test_program_free(&ran);
    assert_int_equal(maps_shown("a/manifest.json", "conv1_1", maps), 5);
    cJSON *manifest = read_manifest("a/manifest.json");
    const cJSON *entry;
    double before = INFINITY;
    cJSON_ArrayForEach(entry, manifest) if (cJSON_GetObjectItem(entry, "rank") != NULL &&
                                            integer(entry, "rank") == 1)
    {
        assert_true(cJSON_GetObjectItem(entry, "value")->valuedouble <= before);
        before = cJSON_GetObjectItem(entry, "value")->valuedouble;
    }
    assert_true(isfinite(before));
    cJSON_Delete(manifest);
    char picture[80];
    snprintf(picture, sizeof picture, "a/top/conv1_1/map-%d-2-deconv.png", maps[0]);
    assert_int_equal(access(test_scratch_path(picture), R_OK), 0);
    assert_int_equal(access(test_scratch_path("a/top/conv1_1.png"), R_OK), 0);

    test_program both = {0}; /* what can be read first */
    TOP(&both, PHOTOS, OUT("both"), "--layer", "conv1_1,conv4_2", "--maps", "0", "--count", "1",
        "--mode", "both");
    succeed(&both);
    static const char *const figures[] = {"top/conv1_1.png\n", "top/conv1_1-guided.png\n",
                                          "top/conv4_2.png\n", "top/conv4_2-deconv.png\n"};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        assert_contains(both.out, figures[i]);
    test_program_free(&both);

    for (int i = 0; i < 3; i++) {
        test_program random = {0};
        TOP(&random, PHOTOS, OUT("b"), "--layer", "conv4_2", "--maps", "random 6", "--seed",
            i < 2 ? "3" : "4", "--quiet");
        succeed(&random);
        test_program_free(&random);
        maps_shown("b/manifest.json", "conv4_2", i == 0 ? maps : i == 1 ? again : other);
    }
    assert_memory_equal(maps, again, 3 * sizeof *maps);
    assert_memory_not_equal(maps, other, 3 * sizeof *maps);

    test_program listed = {0};
    TOP(&listed, PHOTOS, OUT("c"), "--layer", "conv1_1", "--maps", "7,2-4,3", "--count", "1",
        "--quiet");
    succeed(&listed);
    test_program_free(&listed);
    const int count = maps_shown("c/manifest.json", "conv1_1", maps);
    assert_in_range(count, 1, 4); /* those that fired */
    for (int i = 0, at = 0; i < count; i++) {
        static const int wanted[] = {7, 2, 3, 4};
        while (at < 4 && wanted[at] != maps[i])
            at++;
        assert_in_range(at, 0, 3);
    }
}

/* More maps than a page holds. */
static void pages_follow_each_other(void **state)
{
    (void)state;
    test_program_skip_when_small("pages_follow_each_other");
    test_program ran = {0};
    TOP(&ran, PHOTOS, OUT("pages"), "--layer", "conv1_1", "--maps", "0-16", "--count", "1",
        "--format", "svg");
    succeed(&ran);
    assert_contains(ran.out, "top/conv1_1.svg\n");
    assert_contains(ran.out, "top/conv1_1-2.svg\n");
    test_program_free(&ran);
}

static void bad_photographs_do_not_stop_the_others(void **state)
{
    (void)state;
    test_program_skip_when_small("bad_photographs_do_not_stop_the_others");
    test_program ran = {0};
    TOP(&ran, "--images", test_scratch_path("broken"), "--images", test_scratch_path("absent"),
        OUT("some"), "--layer", "conv1_1", "--json", "--max-bad", "2");
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.err, "broken/a.png");
    assert_contains(ran.err, "absent");
    assert_contains(ran.err, "1 photograph: fewer than the 9 asked for");
    cJSON *json = test_program_json(&ran);
    assert_int_equal(integer(json, "images"), 1);
    assert_int_equal(integer(json, "failed"), 2);
    cJSON_Delete(json);
    test_program_free(&ran);
    assert_int_equal(access(test_scratch_path("some/top/conv1_1.png"), R_OK), 0);

    /* More than one of three, before anything is drawn. */
    test_program many = {0};
    TOP(&many, "--images", test_scratch_path("broken"), "--images", test_scratch_path("absent"),
        OUT("many"), "--layer", "conv1_1", "--max-bad", "40%");
    assert_int_equal(many.exit_code, 1);
    assert_contains(many.err, "2 of 3 photographs can't be read, more than --max-bad allows");
    assert_int_equal(access(test_scratch_path("many/manifest.json"), F_OK), -1);
    test_program_free(&many);

    test_program none = {0};
    TOP(&none, test_scratch_path("broken/a.png"), OUT("none"), "--layer", "conv1_1");
    assert_int_equal(none.exit_code, 1);
    assert_contains(none.err, "none of the photographs can be read");
    assert_int_equal(access(test_scratch_path("none/manifest.json"), F_OK), -1);
    test_program_free(&none);
}

static void mistakes_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *option, *value, *message;
    } cases[] = {
        {"--layer", "conv9_9", "no layer 'conv9_9'"},
        {"--maps", "0,5-", "--maps: needs numbers"},
        {"--maps", "5-3", "--maps: needs numbers"},
        {"--maps", "strongest x", "--maps: needs numbers"},
        {"--maps", "0-99999999999", "--maps: needs numbers"},
        {"--maps", "1,70", "layer 'conv1_1' has maps 0 to"},
        {"--count", "0", "--count"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_program ran = {0};
        const bool layer = strcmp(cases[i].option, "--layer") == 0;
        TOP(&ran, PHOTOS, OUT("wrong"), cases[i].option, cases[i].value,
            layer ? "--quiet" : "--layer", layer ? "--quiet" : "conv1_1");
        assert_int_equal(ran.exit_code, 2);
        assert_contains(ran.err, cases[i].message);
        test_program_free(&ran);
    }
    test_program none = {0};
    TOP(&none, OUT("wrong"));
    assert_int_equal(none.exit_code, 2);
    assert_contains(none.err, "needs photographs");
    test_program_free(&none);
}

static void folders_that_cannot_be_written_are_named(void **state)
{
    (void)state;
    test_program_skip_when_small("folders_that_cannot_be_written_are_named");
    test_scratch_folder("taken");
    test_scratch_write("taken/top", "x", 1); /* a file where a folder must be */
    test_program ran = {0};
    TOP(&ran, PHOTOS, OUT("taken"), "--layer", "conv1_1", "--count", "1");
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "taken/top");
    assert_int_equal(access(test_scratch_path("taken/manifest.json"), R_OK), 0);
    test_program_free(&ran);
}

int main(void)
{
#ifndef CLVGG_HAVE_CAIRO
    print_message("built without Cairo: no figures to look at\n");
    return 0;
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_equal_brute_force),
        cmocka_unit_test(maps_are_chosen_as_asked),
        cmocka_unit_test(pages_follow_each_other),
        cmocka_unit_test(bad_photographs_do_not_stop_the_others),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(folders_that_cannot_be_written_are_named),
    };
    return cmocka_run_group_tests(tests, set_up, test_scratch_teardown);
}

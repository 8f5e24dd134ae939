/* test_cli_visualize.c — `clvgg visualize`: figures of a small network, and command lines that make
 * no sense. */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "clvgg/image.h"
#include "support/files.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

#define VISUALIZE(program, ...)                                                                    \
    test_program_run(program, (const char *[]){PROGRAM, "visualize", __VA_ARGS__, NULL})
#define NET "--model", test_scratch_path("net.safetensors")
#define OUT(name) "--out", test_scratch_path(name)

static clvgg_runtime *runtime;

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_folder("photos");
    test_scratch_folder("others");
    for (unsigned i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "photos/%u <b>.png", i);
        test_scratch_picture(name, i + 1);
    }
    test_scratch_picture("others/0 <b>.png", 9);
    test_scratch_broken_image("others/broken.png");
    return clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK;
}

static int tear_down(void **state)
{
    (void)state;
    clvgg_runtime_free(runtime);
    test_scratch_remove();
    return 0;
}

/* A figure that can be read, of at least this many pixels across. */
static void assert_picture(const char *path, int width)
{
    clvgg_image *image = NULL;
    if (clvgg_image_read(runtime, path, &image) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    assert_in_range(clvgg_image_width(image), width, 20000);
    clvgg_image_free(image);
}

static void assert_files(const cJSON *json, size_t count)
{
    const cJSON *file, *files = cJSON_GetObjectItem(json, "files");
    assert_int_equal(cJSON_GetArraySize(files), count);
    cJSON_ArrayForEach(file, files) assert_picture(file->valuestring, 200);
}

#ifdef CLVGG_HAVE_CAIRO

static void filters_are_drawn(void **state)
{
    (void)state;
    test_program ran = {0};
    VISUALIZE(&ran, "filters", NET, OUT("made/along/the way"), "--json");
    assert_string_equal(ran.err, "");
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    assert_files(json, 1);
    assert_picture(test_scratch_path("made/along/the way/filters.png"), 400);
    cJSON_Delete(json);
    test_program_free(&ran);
    static const char *const begins[][2] = {{"svg", "<?xml"}, {"pdf", "%PDF"}};
    for (size_t i = 0; i < 2; i++) {
        char path[32];
        size_t bytes;
        test_program vector = {0};
        VISUALIZE(&vector, "filters", NET, OUT("out"), "--format", begins[i][0]);
        assert_int_equal(vector.exit_code, 0);
        snprintf(path, sizeof path, "out/filters.%s", begins[i][0]);
        assert_contains(vector.out, path);
        char *content = file_read(test_scratch_path(path), &bytes);
        assert_memory_equal(content, begins[i][1], strlen(begins[i][1]));
        free(content);
        test_program_free(&vector);
    }
}

/* Every convolution of every photograph; equal names in two folders don't meet. */
static void activations_are_drawn(void **state)
{
    (void)state;
    test_program_skip_when_small("activations_are_drawn");
    test_program ran = {0};
    VISUALIZE(&ran, "activations", NET, OUT("out"), "--json", "--images",
              test_scratch_path("photos"), test_scratch_path("others"));
    assert_int_equal(ran.exit_code, 1); /* broken.png */
    assert_contains(ran.err, "broken.png");
    cJSON *json = test_program_json(&ran);
    assert_files(json, 4 * 8);
    assert_true(file_exists(test_scratch_path("out/activations/0__b_/conv1_1.png")));
    assert_true(file_exists(test_scratch_path("out/activations/0__b_-2/conv1_1.png")));
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void activations_of_named_layers(void **state)
{
    (void)state;
    static const char *const choices[][2] = {
        {"strongest", "map"}, {"first", "layer"}, {"all", "map"}};
    for (size_t i = 0; i < 3; i++) {
        test_program ran = {0};
        VISUALIZE(&ran, "activations", NET, OUT("named"), "--layer", "conv2_1", "--layer=pool1",
                  "--count=5", "--maps", choices[i][0], "--intensity", choices[i][1],
                  test_scratch_path("photos/1 <b>.png"));
        assert_string_equal(ran.err, "");
        assert_int_equal(ran.exit_code, 0);
        assert_picture(test_scratch_path("named/activations/1__b_/conv2_1.png"), 400);
        assert_picture(test_scratch_path("named/activations/1__b_/pool1.png"), 400);
        test_program_free(&ran);
    }
}

static void bad_names_are_said(void **state)
{
    (void)state;
    test_program ran = {0};
    VISUALIZE(&ran, "activations", NET, OUT("bad"), "--layer", "conv9_1",
              test_scratch_path("photos"));
    assert_int_equal(ran.exit_code, 2);
    assert_contains(ran.err,
                    "the model has no layer 'conv9_1': did you mean 'conv1_1'? Its layers:");
    assert_contains(ran.err, "relu5_2 pool5 flatten");
    test_program_free(&ran);
    test_program dense = {0};
    VISUALIZE(&dense, "activations", NET, OUT("bad"), "--layer", "fc6",
              test_scratch_path("photos"));
    assert_int_equal(dense.exit_code, 2);
    assert_contains(dense.err, "layer 'fc6' has no maps: it gives single values");
    test_program_free(&dense);
}

/* Finished figures stay; the message names the file that couldn't be written. */
static void folders_that_cannot_be_written(void **state)
{
    (void)state;
    test_program ran = {0};
    test_scratch_write("file", "x", 1);
    VISUALIZE(&ran, "filters", NET, OUT("file/under"));
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "file/under can't be made: Not a directory");
    test_program_free(&ran);
    test_scratch_folder("blocked");
    test_scratch_folder("blocked/activations");
    test_scratch_write("blocked/activations/1__b_", "x", 1);
    test_program blocked = {0};
    VISUALIZE(&blocked, "activations", NET, OUT("blocked"), "--layer=conv1_1",
              test_scratch_path("photos"));
    assert_int_equal(blocked.exit_code, 1);
    assert_contains(blocked.err,
                    "blocked/activations/1__b_/conv1_1.png: can't be written: Not a dir");
    assert_true(file_exists(test_scratch_path("blocked/activations/0__b_/conv1_1.png")));
    test_program_free(&blocked);
}

/* Files named by the page's data that aren't there. */
static void assert_whole_page(const char *folder, const char *html)
{
    static const char *const keys[] = {"\"projections\": [\"", "\"patch\": \"", "\"sheet\": \"",
                                       "\"figure\": \"", "\"figures\": [\"top"};
    size_t checked = 0;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        for (const char *at = html; (at = strstr(at, keys[k])) != NULL; checked++) {
            char path[300];
            at += strlen(keys[k]) - (k == 4 ? strlen("top") : 0);
            snprintf(path, sizeof path, "%s/%.*s", folder, (int)strcspn(at, "\""), at);
            assert_picture(test_scratch_path(path), 1);
        }
    assert_in_range(checked, 20, 1000);
}

/* A report's page of that name. */
static const cJSON *find_page(const cJSON *report, const char *name)
{
    const cJSON *page;
    cJSON_ArrayForEach(page, cJSON_GetObjectItem(report, "pages"))
    {
        if (strcmp(cJSON_GetObjectItem(page, "name")->valuestring, name) == 0)
            return page;
    }
    fail_msg("there is no page '%s'", name);
    return NULL;
}

/* The figures of that page, at least one. */
static const cJSON *figures_of(const cJSON *report, const char *name)
{
    const cJSON *figures = cJSON_GetObjectItem(find_page(report, name), "figures");
    assert_true(cJSON_GetArraySize(figures) > 0);
    return figures;
}

static const cJSON *member(const cJSON *json, const char *outer, const char *inner)
{
    return cJSON_GetObjectItem(cJSON_GetObjectItem(json, outer), inner);
}

/* Bars of one figure that show one thing agree, and no panel has one colour. */
static void assert_bars(const char *html)
{
    static const char begin[] = "id=\"report\">";
    const char *data = strstr(html, begin) + sizeof begin - 1;
    cJSON *report = cJSON_ParseWithLength(data, (size_t)(strstr(data, "</script>") - data));
    assert_non_null(report);
    const cJSON *figure, *cell;
    cJSON_ArrayForEach(figure, figures_of(report, "Grad-CAM"))
    {
        const cJSON *cells = member(figure, "about", "cells");
        const bool flat = cJSON_GetArraySize(cells) == 1;
        const char *note = member(figure, "about", "note")->valuestring;
        assert_true(flat == (strstr(note, "no place speaks for") != NULL));
        if (!flat)
            assert_string_equal(member(cJSON_GetArrayItem(cells, 1), "bar", "high")->valuestring,
                                member(cJSON_GetArrayItem(cells, 2), "bar", "high")->valuestring);
    }
    cJSON_ArrayForEach(figure, figures_of(report, "Occlusion"))
    {
        bool classes = false, probability = false;
        const char *note = member(figure, "about", "note")->valuestring;
        cJSON_ArrayForEach(cell, member(figure, "about", "cells"))
        {
            const cJSON *legend = cJSON_GetObjectItem(cell, "legend");
            const char *title = cJSON_GetObjectItem(cell, "title")->valuestring;
            classes = classes || legend != NULL;
            probability = probability || strcmp(title, "probability") == 0;
            assert_true(legend == NULL || cJSON_GetArraySize(legend) > 1);
        }
        assert_true(classes == (strstr(note, "stays the most probable class") == NULL));
        assert_true(probability == (strstr(note, "never falls below") == NULL));
    }
    cJSON_Delete(report);
}

/* Every kind of figure, and a page that names files which are there. */
static void everything_is_drawn(void **state)
{
    (void)state;
    test_program_skip_when_small("everything_is_drawn");
    test_program ran = {0};
    size_t bytes;
    VISUALIZE(&ran, "all", NET, OUT("all"), "--json", "--layer", "conv2_1,conv5_2", "--maps",
              "strongest 4", "--count", "2", "--samples", "2", "--images",
              test_scratch_path("photos"), "--images", test_scratch_path("others"));
    assert_contains(ran.err, "broken.png");
    cJSON *json = test_program_json(&ran);
    assert_int_equal(cJSON_GetObjectItem(json, "images")->valueint, 4);
    assert_int_equal(cJSON_GetObjectItem(json, "unreadable")->valueint, 1);
    cJSON_Delete(json);
    static const char *const figures[] = {"all/filters.png", "all/top/conv2_1.png",
                                          "all/top/conv5_2.png", "all/top/conv5_2-deconv.png"};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        assert_picture(test_scratch_path(figures[i]), 200);
    assert_true(file_exists(test_scratch_path("all/manifest.json")));
    char *html = file_read(test_scratch_path("all/index.html"), &bytes);
    assert_contains(html, "What net learned");
    assert_contains(html, "4 photographs, 1 more left out");
    assert_contains(html, "\"modes\": [\"deconv\", \"guided\"]"); /* of conv2_1 */
    assert_contains(html, "\"modes\": [\"guided\", \"deconv\"]");
    assert_contains(html, "-guided.png\"");
    assert_contains(html, "\"name\": \"Grad-CAM\"");
    assert_contains(html, "\"name\": \"Occlusion\"");
    assert_null(strstr(html, "<b>.png")); /* names of photographs are escaped */
    assert_bars(html);
    assert_whole_page("all", html);
    free(html);
    test_program_free(&ran);
}

static void everything_is_one_file(void **state)
{
    (void)state;
    test_program_skip_when_small("everything_is_one_file");
    test_program ran = {0};
    size_t bytes;
    VISUALIZE(&ran, "all", NET, OUT("one"), "--layer", "conv2_1", "--maps", "0,1", "--samples", "0",
              "--count", "3", "--single-file", test_scratch_path("photos"));
    assert_string_equal(ran.err, "");
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "one/index.html\n");
    char *html = file_read(test_scratch_path("one/index.html"), &bytes);
    assert_contains(html, "\"projections\": [\"data:image/jpeg;base64,");
    assert_null(strstr(html, "filters.png\""));
    free(html);
    test_program_free(&ran);
}

/* A file that may not grow stands for a full disk: it is named, and no part of it stays. */
static void a_full_disk_is_said(void **state)
{
    (void)state;
    test_program ran = {0};
    test_program_run(&ran,
                     (const char *[]){"/bin/bash", "-c", "ulimit -f 4; exec \"$0\" \"$@\"", PROGRAM,
                                      "visualize", "filters", NET, OUT("full"), NULL});
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "full/filters.png: writing failed at byte");
    assert_string_equal(ran.out, "");
    assert_int_equal(rmdir(test_scratch_path("full")), 0); /* it is empty */
    test_program_free(&ran);
}

#else

static void pictures_need_cairo(void **state)
{
    (void)state;
    test_program ran = {0};
    VISUALIZE(&ran, "filters", NET, OUT("out"));
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "figure.png: this program is built without Cairo");
    test_program_free(&ran);
}

#endif

static void wrong_command_lines(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[5], *message;
    } wrong[] = {
        {{NULL}, "needs to be told what: one of all, top, "},
        {{"filtres"}, "unknown 'filtres': did you mean 'filters'?"},
        {{"x"}, "unknown 'x': needs one of all, top, "},
        {{"filters", "x.png"}, "takes no image: filters are the model's own"},
        {{"filters", "--fromat=svg"}, "did you mean --format?"},
        {{"filters", "--format=gif"}, "--format: needs one of png|svg|pdf, got 'gif'"},
        {{"all"}, "needs photographs: --images DIR"},
        {{"all", "--maps=5-", "x"}, "--maps: needs numbers and ranges such as 0,5,10-20"},
        {{"all", "--format=pdf", "x"}, "--format pdf: a page can't show it; png or svg"},
        {{"all", "--single-file", "--format=svg", "x"}, "makes its pictures from PNG files"},
        {{"activations"}, "needs at least one image or folder"},
        {{"activations", "--maps=some", "x"}, "--maps: needs one of strongest|first|all"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *const *a = wrong[i].arguments;
        test_program ran = {0};
        VISUALIZE(&ran, a[0], a[1], a[2], a[3]);
        assert_int_equal(ran.exit_code, 2);
        assert_string_equal(ran.out, "");
        assert_contains(ran.err, wrong[i].message);
        assert_contains(ran.err, "--help'.");
        test_program_free(&ran);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef CLVGG_HAVE_CAIRO
        cmocka_unit_test(filters_are_drawn),
        cmocka_unit_test(activations_are_drawn),
        cmocka_unit_test(activations_of_named_layers),
        cmocka_unit_test(bad_names_are_said),
        cmocka_unit_test(folders_that_cannot_be_written),
        cmocka_unit_test(a_full_disk_is_said),
        cmocka_unit_test(everything_is_drawn),
        cmocka_unit_test(everything_is_one_file),
#else
        cmocka_unit_test(pictures_need_cairo),
#endif
        cmocka_unit_test(wrong_command_lines),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* test_cli_keeps_model.c — no verb replaces a file that its model is read from, whatever the file
 * is called and whichever of several it is. `convert` and `finetune --output` have tests of their
 * own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/files.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/text.h"

static char shards[300], part[300], photographs[300], picture[300], where[300];
static char *before;
static size_t before_bytes;

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_pictures("photographs", "cat", "dog");
    test_scratch_picture("picture.png", 5);
    test_scratch_folder("shards");
    test_scratch_folder("out");
    static const char *const files[] = {
        "model.safetensors.index.json", "model-00001-of-00003.safetensors",
        "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char from[600], to[100];
        snprintf(from, sizeof from, "%s/formats/vgg16/shards/%s", TEST_DATA, files[i]);
        snprintf(to, sizeof to, "shards/%s", files[i]);
        test_scratch_copy(to, from);
    }
    snprintf(shards, sizeof shards, "%s", test_scratch_path("shards/model.safetensors.index.json"));
    snprintf(part, sizeof part, "%s", test_scratch_path("shards/model-00002-of-00003.safetensors"));
    snprintf(photographs, sizeof photographs, "%s", test_scratch_path("photographs"));
    snprintf(picture, sizeof picture, "%s", test_scratch_path("picture.png"));
    snprintf(where, sizeof where, "%s", test_scratch_path("out"));
    before = file_read(part, &before_bytes);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(before);
    test_scratch_remove();
    return 0;
}

/* Runs it while the part has another name too, at which the program would write. */
static void keeps(const char *name, const char *const *arguments)
{
    char link_name[300];
    size_t bytes;
    test_program ran = {0};
    snprintf(link_name, sizeof link_name, "%s", test_scratch_path(name));
    assert_int_equal(link(part, link_name), 0);
    test_program_run(&ran, arguments);
    assert_int_equal(unlink(link_name), 0);
    if (strstr(ran.err, "built without ") != NULL) {
        printf("SKIPPED: %s", ran.err);
    } else {
        assert_contains(ran.err, " would replace '");
        assert_contains(ran.err, "', which is to be read");
        assert_int_equal(ran.exit_code, 2);
    }
    char *after = file_read(part, &bytes);
    assert_int_equal(bytes, before_bytes);
    assert_memory_equal(after, before, bytes);
    free(after);
    test_program_free(&ran);
}
#define KEEPS(name, ...) keeps(name, (const char *[]){PROGRAM, __VA_ARGS__, NULL})

static void every_verb_keeps_a_part(void **state)
{
    (void)state;
    char file[300];
    snprintf(file, sizeof file, "%s", test_scratch_path("out/file.png"));
    KEEPS("out/file.png", "run", "-m", shards, "--output", file, picture);
    KEEPS("out/file.png", "eval", "-m", shards, "--data", photographs, "--mistakes", file);
    KEEPS("out/file.png", "bench", "-m", shards, "--out", file);
    KEEPS("out/filters.png", "visualize", "filters", "-m", shards, "--out", where);
    KEEPS("out/manifest.json", "visualize", "top", "-m", shards, "--layer", "conv1_1", "--images",
          photographs, "--out", where);
    KEEPS("out/index.html", "visualize", "all", "-m", shards, "--images", photographs, "--out",
          where);
    assert_false(file_exists(test_scratch_path("out/manifest.json"))); /* said before the work */
    KEEPS("out/last.ckpt", "finetune", "-m", shards, "--data", photographs, "--output",
          test_scratch_path("new.safetensors"), "--run-dir", where);
}

/* The model that no option names: CLVGG_MODEL's. */
static void a_model_of_the_environment_is_kept(void **state)
{
    (void)state;
    char variable[320];
    size_t bytes;
    snprintf(variable, sizeof variable, "CLVGG_MODEL=%s", shards);
    test_program ran = {.environment = (const char *const[]){variable, NULL}};
    test_program_run(&ran,
                     (const char *const[]){PROGRAM, "run", "--output", shards, picture, NULL});
    assert_contains(ran.err, "--output would replace '");
    assert_int_equal(ran.exit_code, 2);
    char *index = file_read(shards, &bytes);
    assert_non_null(strstr(index, "weight_map"));
    free(index);
    test_program_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_keeps_a_part),
        cmocka_unit_test(a_model_of_the_environment_is_kept),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

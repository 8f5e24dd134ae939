/* test_cli_photographs.c — where photographs come from: folders with other files, pipes; and what
 * is said of damaged ones. */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/files.h"
#include "support/program.h"
#include "support/scratch.h"

#define IMAGES TEST_DATA "/images/"
#define NET test_scratch_path("net.safetensors")
#define RUN(program, ...) test_program_run(program, (const char *[]){PROGRAM, __VA_ARGS__, NULL})

/* A photograph without its end marker. */
static void put_damaged(const char *name)
{
    size_t size = 0;
    char *bytes = file_read(IMAGES "jpeg-rgb.jpg", &size);
    file_write_deep(temp_path(name), bytes, size - 2);
    free(bytes);
}

static void put(const char *name, const char *source)
{
    size_t size = 0;
    char *bytes = file_read(source, &size);
    file_write_deep(temp_path(name), bytes, size);
    free(bytes);
}

static int set_up(void **state)
{
    test_scratch_make();
    test_scratch_net("net.safetensors");
    if (temp_folder_setup(state) != 0)
        return -1;
    put("mixed/a.jfif", IMAGES "jpeg-420.jpg");
    put_damaged("mixed/b/1.jpg");
    put_damaged("mixed/b/2.jpg");
    file_write(temp_path("mixed/c.heic"), "", 0);
    file_write(temp_path("mixed/b/d.HEIC"), "", 0);
    file_write(temp_path("mixed/notes.txt"), "", 0);
    return 0;
}

static int tear_down(void **state)
{
    test_scratch_remove();
    return temp_folder_teardown(state);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

static void assert_once(const char *text, const char *part)
{
    if (count_of(text, part) != 1)
        fail_msg("'%s' is not once in:\n%s", part, text);
}

static void folders_say_what_is_left_out_and_damaged(void **state)
{
    (void)state;
    static const char left_out[] =
        "left out: 3 files that are not named as images: 2 .heic, 1 .txt\n";
    static const char damaged[] = "warning: 2 photographs are damaged, but could be read; one is ";
    char mixed[512];
    strcpy(mixed, temp_path("mixed"));
    test_program ran = {0};
    RUN(&ran, "run", "--json", "--model", NET, mixed, mixed);
    assert_int_equal(ran.exit_code, 0);
    assert_once(ran.err, "left out: 6 files that are not named as images: 4 .heic, 2 .txt\n");
    assert_once(ran.err, damaged);
    cJSON *json = test_program_json(&ran);
    const cJSON *images = cJSON_GetObjectItem(json, "images");
    assert_int_equal(cJSON_GetArraySize(images), 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(cJSON_HasObjectItem(cJSON_GetArrayItem(images, i), "warnings"),
                         i % 3 != 0);
    cJSON_Delete(json);
    test_program_free(&ran);
    RUN(&ran, "visualize", "top", "--model", NET, "--out", temp_path("top"), "--count", "1",
        "--layer", "conv1_1", mixed);
    assert_once(ran.err, left_out);
    assert_once(ran.err, damaged);
    test_program_free(&ran);
    RUN(&ran, "run", "--quiet", "--model", NET, mixed);
    assert_string_equal(ran.err, "");
    test_program_free(&ran);
    RUN(&ran, "run", "--model", NET, temp_path("mixed/b/1.jpg"));
    assert_once(ran.err, "mixed/b/1.jpg is damaged, but could be read\n");
    test_program_free(&ran);
}

/* The classes of the photograph that the shell's command gives to `clvgg`. */
static void classifies(const char *command, const char *expected)
{
    test_program ran = {0};
    test_program_run(&ran, (const char *[]){"/bin/sh", "-c", command, PROGRAM, NET,
                                            IMAGES "jpeg-420.jpg", temp_path("fifo"), NULL});
    assert_int_equal(ran.exit_code, 0);
    const char *classes = strchr(ran.out, '\n');
    assert_non_null(classes);
    assert_string_equal(classes, expected);
    test_program_free(&ran);
}

static void pipes_are_photographs(void **state)
{
    (void)state;
    test_program ran = {0};
    RUN(&ran, "run", "--model", NET, IMAGES "jpeg-420.jpg");
    assert_int_equal(ran.exit_code, 0);
    const char *expected = strchr(ran.out, '\n');
    classifies("\"$0\" run --model \"$1\" - < \"$2\"", expected);
    classifies("cat \"$2\" | \"$0\" run --model \"$1\" -", expected);
    classifies("(sleep 0.2; cat \"$2\") | \"$0\" run --model \"$1\" /dev/stdin", expected);
    classifies("mkfifo \"$3\"; cat \"$2\" > \"$3\" & \"$0\" run --model \"$1\" \"$3\"", expected);
    test_program_free(&ran);
    test_program_run(&ran, (const char *[]){"/bin/sh", "-c", ": | \"$0\" run --model \"$1\" -",
                                            PROGRAM, NET, NULL});
    assert_int_equal(ran.exit_code, 1);
    assert_once(ran.err, "/dev/stdin: an empty file\n");
    test_program_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_say_what_is_left_out_and_damaged),
        cmocka_unit_test(pipes_are_photographs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

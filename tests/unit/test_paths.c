/* Lists of paths: folders reached by several ways, names passed over. */
#define _DEFAULT_SOURCE /* symlink */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/paths.h"
#include "support/files.h"

static void make_file(const char *name)
{
    file_write_deep(temp_path(name), "", 0);
}

static void make_link(const char *to, const char *name)
{
    assert_int_equal(symlink(to, temp_path(name)), 0);
}

/* The paths below `folder`, those of the temporary folder left off, against `expected`. */
static void has_below(const char *folder, bool every, const char *const *expected, size_t count)
{
    vgg_path_list list = {0};
    char root[512];
    strcpy(root, temp_path(folder));
    assert_int_equal(every ? vgg_path_list_add_all(&list, root) : vgg_path_list_add(&list, root),
                     CLVGG_STATUS_OK);
    for (size_t i = 0; i < list.count && i < count; i++)
        assert_string_equal(vgg_path_list_at(&list, i) + strlen(root) + 1, expected[i]);
    assert_int_equal(list.count, count);
    vgg_path_list_free(&list);
}

/* The links make 2^25 paths to 26 folders. */
static void many_links_to_a_folder_are_one(void **state)
{
    (void)state;
    enum { LEVELS = 25 };
    char name[64], to[64];
    for (int i = 0; i < LEVELS; i++) {
        snprintf(name, sizeof name, "ways/%02d/x.jpg", i);
        make_file(name);
        snprintf(to, sizeof to, "../%02d", i + 1);
        for (int k = 0; k < 2; k++) {
            snprintf(name, sizeof name, "ways/%02d/%c", i, "ab"[k]);
            make_link(to, name);
        }
    }
    make_file("ways/25/x.jpg");
    make_link("../ways", "ways/25/round");
    make_link("../ways/00", "entrance");
    vgg_path_list list = {0};
    assert_int_equal(vgg_path_list_add(&list, temp_path("ways")), CLVGG_STATUS_OK);
    assert_int_equal(list.count, LEVELS + 1);
    vgg_path_list_free(&list);
    assert_int_equal(vgg_path_list_add(&list, temp_path("ways/00")), CLVGG_STATUS_OK);
    assert_int_equal(list.count, LEVELS + 1);
    vgg_path_list_free(&list);
}

/* Links come before the folder in byte order, and are listed after it. */
static void folders_keep_their_own_path(void **state)
{
    (void)state;
    make_file("own/cat/2.jpg");
    make_file("own/dog/deep/1.jpg");
    make_file("outside/3.jpg");
    make_link("dog/deep", "own/a-link");
    make_link("../../outside", "own/cat/more");
    make_link("../../outside", "own/dog/more");
    static const char *const images[] = {"cat/2.jpg", "cat/more/3.jpg", "dog/deep/1.jpg"};
    static const char *const all[] = {"a-link", "cat/2.jpg", "cat/more/3.jpg", "dog/deep/1.jpg",
                                      "dog/more"};
    has_below("own", false, images, 3);
    has_below("own", true, all, 5);
}

static void other_names_are_counted_by_ending(void **state)
{
    (void)state;
    static const char *const names[] = {"a.jpg",        "b.JFIF",      "c.jpe",      "d.heic",
                                        "e.HEIC",       "deep/f.heic", "g.txt",      "README",
                                        "x.with space", ".DS_Store",   "h.\x1b[31m", ".i.png"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "names/%s", names[i]);
        make_file(path);
    }
    vgg_path_list list = {0};
    vgg_text words = {0};
    assert_int_equal(vgg_path_list_add(&list, temp_path("names")), CLVGG_STATUS_OK);
    assert_int_equal(list.count, 4);
    assert_int_equal(list.skipped.count, 7);
    vgg_path_skipped_words(&list.skipped, &words);
    assert_string_equal(words.bytes, "3 .heic, 1 .txt, 3 others");
    vgg_text_free(&words);
    for (char c = 'A'; c <= 'Z'; c++) {
        snprintf(path, sizeof path, "x.%c", c);
        vgg_path_skip(&list.skipped, path);
    }
    vgg_path_skipped_words(&list.skipped, &words);
    assert_string_equal(words.bytes, "3 .heic, 1 .txt, 1 .a, 1 .b, 1 .c, 1 .d, 1 .e, 1 .f, 1 .g, "
                                     "1 .h, 1 .i, 1 .j, 19 others");
    vgg_text_free(&words);
    vgg_path_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_links_to_a_folder_are_one),
        cmocka_unit_test(folders_keep_their_own_path),
        cmocka_unit_test(other_names_are_counted_by_ending),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

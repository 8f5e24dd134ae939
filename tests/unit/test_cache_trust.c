/* Whose cache is believed: links, permissions, owners, places that can't be written. */
#define _DEFAULT_SOURCE /* chown, symlink */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/cache.h"
#include "support/files.h"

static void ignore_record(void *user, const vgg_cache_record *record)
{
    (void)user, (void)record;
}

static void links_are_not_followed(void **state)
{
    (void)state;
    const char *path = cache_fresh_path(), *link = cache_fresh_path(),
               *folder_link = cache_fresh_path();
    cache_put_several(path, 1, 100);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(cache_count(link, 1, 100), 0);
    cache_put_several(link, 1, 100);
    assert_int_equal(cache_warnings, 2);
    char in_folder[700];
    snprintf(in_folder, sizeof in_folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    assert_int_equal(symlink(in_folder, folder_link), 0);
    snprintf(in_folder, sizeof in_folder, "%s%s", folder_link, strrchr(path, '/'));
    assert_int_equal(cache_count(in_folder, 1, 100), 0);
    assert_int_equal(cache_warnings, 3);
    /* A link further up is the user's own affair. */
    char below[800];
    snprintf(below, sizeof below, "%s/below/cache", folder_link);
    cache_put_several(below, 1, 100);
    assert_int_equal(cache_count(below, 1, 100), 1);
    remove(below);
    remove(temp_path("below"));
    remove(folder_link);
}

static void what_others_can_write_is_not_believed(void **state)
{
    (void)state;
    const char *path = cache_fresh_path(), *folder = cache_fresh_path();
    cache_put_several(path, 1, 100);
    chmod(path, 0622);
    assert_int_equal(cache_count(path, 1, 100), 0);
    assert_false(file_exists(path));
    assert_int_equal(cache_warnings, 0);
    cache_put_several(path, 1, 100);
    chmod(path, 0644); /* others can read: closed again, and believed */
    assert_int_equal(cache_count(path, 1, 100), 1);
    assert_int_equal(file_mode(path), 0600);

    char inside[700];
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(inside, sizeof inside, "%s/cache", folder);
    cache_put_several(inside, 1, 100);
    chmod(folder, 01777); /* a shared temporary folder */
    assert_int_equal(cache_count(inside, 1, 100), 0);
    assert_int_equal(cache_warnings, 1);
    remove(inside);
    cache_put_several(inside, 1, 100);
    assert_false(file_exists(inside));
    remove(folder);
}

static void what_others_own_is_not_believed(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        fprintf(stderr, "SKIPPED: files of other users: only root can make them\n");
        skip();
    }
    const char *path = cache_fresh_path(), *folder = cache_fresh_path();
    cache_put_several(path, 1, 100);
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_int_equal(cache_count(path, 1, 100), 0);
    assert_int_equal(cache_warnings, 1);
    assert_true(file_exists(path));
    char inside[700];
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(inside, sizeof inside, "%s/cache", folder);
    assert_int_equal(chown(folder, 12345, 12345), 0);
    cache_put_several(inside, 1, 100);
    assert_false(file_exists(inside));
    remove(folder);
}

static void a_file_that_cant_be_written_is_read(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    cache_put_several(path, 2, 100);
    cache_sql(path, "UPDATE entry SET used = used - 2");
    chmod(path, 0400);
    vgg_cache *cache = cache_make(path, VGG_CACHE_LIMIT_BYTES);
    assert_true(cache_has(cache, 0, 100));
    cache_put(cache, 3, 100);
    assert_false(cache_has(cache, 3, 100));
    assert_true(cache_has(cache, 1, 100));
    assert_int_equal(vgg_cache_clear(cache), CLVGG_STATUS_IO);
    vgg_cache_free(cache);
    assert_int_equal(cache_warnings, 0);
    assert_int_equal(file_mode(path), 0400);
}

static void a_place_that_cant_be_written_is_said_once(void **state)
{
    (void)state;
    const char *file = cache_fresh_path();
    char inside_a_file[700];
    file_write(file, "", 0);
    snprintf(inside_a_file, sizeof inside_a_file, "%s/clvgg/cache", file);
    const char *const places[] = {inside_a_file, "/proc/clvgg/cache", "/proc/cache"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *path = places[i];
        cache_warnings = 0;
        vgg_cache *cache = cache_make(path, VGG_CACHE_LIMIT_BYTES);
        for (int n = 0; n < 3; n++) {
            cache_put(cache, n, 100);
            assert_false(cache_has(cache, n, 100));
        }
        assert_int_equal(vgg_cache_visit(cache, ignore_record, NULL), CLVGG_STATUS_IO);
        assert_non_null(strstr(vgg_message(), path));
        vgg_cache_free(cache);
        assert_int_equal(cache_warnings, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(what_others_can_write_is_not_believed),
        cmocka_unit_test(what_others_own_is_not_believed),
        cmocka_unit_test(a_file_that_cant_be_written_is_read),
        cmocka_unit_test(a_place_that_cant_be_written_is_said_once),
    };
    return cmocka_run_group_tests(tests, cache_tests_begin, cache_tests_end);
}

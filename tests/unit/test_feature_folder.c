/* tests/unit/test_feature_folder.c — a folder of feature files is trusted only if it is this user's
 * alone, and keeps to its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/failing_allocator.h"
#include "support/feature_records.h"
#include "support/feature_set.h"
#include "support/files.h"

/* ---- trust ---- */

static void refuses_what_others_may_write(void **state)
{
    (void)state;
    const uint8_t digest[32] = {1};
    char path[600], other[600];
    vgg_feature_file *file = record_file(1);
    record_write_all(file, 0, 1);
    strcpy(path, record_file_path(file));
    vgg_feature_file_close(file);

    chmod(path, 0622); /* what it holds may be anyone's */
    file = record_file(1);
    assert_false(record_has(file, 0));
    assert_int_equal(file_mode(path), 0600);
    vgg_feature_file_close(file);

    strcpy(other, temp_path("other"));
    file_write(other, "precious", 8);
    unlink(path);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(vgg_feature_file_open(record_folder, 1 << 30, digest, RECORD_VALUES, &file),
                     CLVGG_STATUS_IO);
    assert_null(file);
    unlink(path);
    assert_int_equal(symlink(temp_path("elsewhere"), path), 0);
    assert_int_equal(vgg_feature_file_open(record_folder, 1 << 30, digest, RECORD_VALUES, &file),
                     CLVGG_STATUS_IO);
    assert_false(file_exists(temp_path("elsewhere")));
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(vgg_feature_file_open(record_folder, 1 << 30, digest, RECORD_VALUES, &file),
                     CLVGG_STATUS_IO);
    unlink(path);

    chmod(record_folder, 0770);
    assert_int_equal(vgg_feature_file_open(record_folder, 1 << 30, digest, RECORD_VALUES, &file),
                     CLVGG_STATUS_IO);
    message_has("other users can write to this folder");
    chmod(record_folder, 0700);
    assert_int_equal(vgg_feature_file_open(other, 1 << 30, digest, RECORD_VALUES, &file),
                     CLVGG_STATUS_IO);
    message_has("can't keep features here: Not a directory");
    assert_int_equal(vgg_feature_file_open("", 1 << 30, digest, RECORD_VALUES, &file),
                     CLVGG_STATUS_IO);
    unlink(other);
}

static void makes_folders_on_the_way(void **state)
{
    (void)state;
    const uint8_t digest[32] = {1};
    char deep[700], link[600];
    vgg_feature_file *file = NULL;
    snprintf(deep, sizeof deep, "%s/a//b/c", record_folder);
    assert_int_equal(vgg_feature_file_open(deep, 1 << 30, digest, RECORD_VALUES, &file),
                     CLVGG_STATUS_OK);
    assert_int_equal(file_mode(record_folder), 0700);
    assert_int_equal(file_mode(deep), 0700);
    vgg_feature_file_close(file);
    strcpy(link, temp_path("link")); /* the user's own: followed */
    assert_int_equal(symlink(deep, link), 0);
    assert_int_equal(vgg_feature_file_open(link, 1 << 30, digest, RECORD_VALUES, &file),
                     CLVGG_STATUS_OK);
    vgg_feature_file_close(file);
    unlink(link);
    for (int depth = 0; depth < 3; depth++) {
        feature_folder_remove(deep);
        *strrchr(deep, '/') = '\0';
    }
}

/* ---- the limit ---- */

/* Makes file `which` with a record, used `age` seconds ago, and returns its bytes. */
static uint64_t make_aged(uint8_t which, time_t age, char path[600])
{
    struct stat info;
    vgg_feature_file *file = record_file(which);
    record_write_all(file, 0, 1);
    strcpy(path, record_file_path(file));
    vgg_feature_file_close(file);
    assert_int_equal(stat(path, &info), 0);
    const struct timespec times[2] = {{.tv_sec = info.st_mtime - age},
                                      {.tv_sec = info.st_mtime - age}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    return (uint64_t)info.st_size;
}

static void the_least_recently_used_go_first(void **state)
{
    (void)state;
    char older[600], oldest[600], busy[600], stranger[700];
    uint64_t room = 0;
    const uint64_t bytes = make_aged(1, 100, older);
    make_aged(2, 200, oldest);
    make_aged(3, 300, busy);
    snprintf(stranger, sizeof stranger, "%s/notes.txt", record_folder);
    file_write(stranger, "mine", 4);
    vgg_feature_file *open_one = record_file(3);
    vgg_feature_file *file = record_file_limited(4, 5 * bytes);
    const uint64_t own = 64; /* a header */

    assert_int_equal(vgg_feature_folder_room(&file->folder, file->name, &room), CLVGG_STATUS_OK);
    assert_int_equal(room, 4 * bytes - own); /* the two that are idle would go */
    assert_int_equal(vgg_feature_folder_reserve(&file->folder, file->name, 2 * bytes - own),
                     CLVGG_STATUS_OK);
    assert_true(file_exists(older) && file_exists(oldest) && file_exists(busy));
    assert_int_equal(vgg_feature_folder_reserve(&file->folder, file->name, room + 1),
                     CLVGG_STATUS_IO);
    message_has("limit");
    assert_true(file_exists(older) && file_exists(oldest) && file_exists(busy));
    assert_int_equal(vgg_feature_folder_reserve(&file->folder, file->name, 2 * bytes),
                     CLVGG_STATUS_OK);
    assert_true(file_exists(older) && !file_exists(oldest) && file_exists(busy));
    assert_int_equal(vgg_feature_folder_reserve(&file->folder, file->name, room), CLVGG_STATUS_OK);
    assert_true(!file_exists(older) && file_exists(busy) && file_exists(stranger));
    assert_true(record_has(open_one, 0));
    vgg_feature_file_close(open_one);
    vgg_feature_file_close(file);
}

static void using_a_file_makes_it_recent(void **state)
{
    (void)state;
    char first[600], second[600];
    const uint64_t bytes = make_aged(1, 200, first);
    make_aged(2, 100, second);
    vgg_feature_file_close(record_file(1));
    vgg_feature_file *file = record_file_limited(4, bytes + 64);
    assert_int_equal(vgg_feature_folder_reserve(&file->folder, file->name, 0), CLVGG_STATUS_OK);
    assert_true(file_exists(first) && !file_exists(second));
    vgg_feature_file_close(file);
}

static void the_disk_is_asked_too(void **state)
{
    (void)state;
    char idle[600];
    make_aged(1, 100, idle);
    vgg_feature_file *file = record_file_limited(2, UINT64_MAX);
    assert_int_equal(vgg_feature_folder_reserve(&file->folder, file->name, (uint64_t)1 << 60),
                     CLVGG_STATUS_IO);
    message_has("features need 1099511627776.0 MiB more, the disk has");
    assert_true(file_exists(idle));
    vgg_feature_file_close(file);
}

/* ---- memory ---- */

static clvgg_status open_and_load(void *user)
{
    const uint8_t digest[32] = {1};
    vgg_feature_file *file = NULL;
    clvgg_status status =
        vgg_feature_file_open(record_folder, 1 << 30, digest, RECORD_VALUES, &file);
    if (status == CLVGG_STATUS_OK)
        status = vgg_feature_folder_reserve(&file->folder, file->name, 100);
    vgg_feature_file_close(file);
    (void)user;
    return status;
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    char path[600];
    make_aged(2, 100, path);
    make_aged(1, 100, path);
    assert_true(failing_allocator_sweep(open_and_load, NULL) >= 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, record_folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(refuses_what_others_may_write),
        TEST(makes_folders_on_the_way),
        TEST(the_least_recently_used_go_first),
        TEST(using_a_file_makes_it_recent),
        TEST(the_disk_is_asked_too),
        TEST(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, record_folder_setup, record_folder_teardown);
}

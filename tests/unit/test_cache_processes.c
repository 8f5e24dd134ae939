/* One cache file, several processes and threads. A file that stays locked is given up, which a busy
 * machine may bring about at any time: a test whose cache gave up tries again, as the next process
 * would. */
#define _DEFAULT_SOURCE /* usleep */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/random.h"
#include "support/cache.h"
#include "support/files.h"

/* A child that puts entries [first, first + count), one transaction each. */
static pid_t start_writer(const char *path, int first, int count)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    do {
        cache_locked_out = 0;
        vgg_cache *cache = cache_make(path, VGG_CACHE_LIMIT_BYTES);
        for (int i = first; i < first + count; i++)
            cache_put(cache, i, CACHE_VALUE_BYTES);
        vgg_cache_free(cache);
    } while (cache_locked_out > 0);
    _exit(0);
}

static void processes_write_at_once(void **state)
{
    (void)state;
    enum { PROCESSES = 4, EACH = 8 };
    const char *path = cache_fresh_path();
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        children[i] = start_writer(path, i * EACH, EACH);
    for (int i = 0; i < PROCESSES; i++) {
        int result = -1;
        assert_int_equal(waitpid(children[i], &result, 0), children[i]);
        assert_int_equal(result, 0);
    }
    assert_int_equal(cache_count(path, PROCESSES * EACH, CACHE_VALUE_BYTES), PROCESSES * EACH);
    assert_int_equal(cache_warnings, 0);
}

static void a_killed_writer_leaves_a_whole_file(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    uint32_t seed = 11;
    for (int round = 0; round < 25; round++) {
        const pid_t child = start_writer(path, 0, 100000);
        vgg_random_next(&seed);
        usleep(500 + (seed >> 8) % 20000);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        cache_assert_recovers(path);
        assert_int_equal(cache_sql(path, "SELECT count(*) FROM pragma_integrity_check "
                                         "WHERE integrity_check != 'ok'"),
                         0);
    }
}

/* ---- another process makes the file while this one opens it ---- */

static sqlite3_vfs watched; /* SQLite's own, but for opening */
static const sqlite3_vfs *real;
static sqlite3_io_methods methods; /* of the files that it opens, but for locking */
static const sqlite3_io_methods *real_methods;
static int locks_until_other; /* 0: no other process comes */
static const char *shared_path;

/* Lets another process in before a file is locked for reading, when it is time. */
static int lock_after_other(sqlite3_file *file, int level)
{
    if (level == SQLITE_LOCK_SHARED && locks_until_other > 0 && --locks_until_other == 0)
        cache_put_several(shared_path, CACHE_ENTRIES, CACHE_VALUE_BYTES);
    return real_methods->xLock(file, level);
}

static int open_watched(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                        int *out_flags)
{
    (void)vfs;
    const int error = real->xOpen((sqlite3_vfs *)(uintptr_t)real, name, file, flags, out_flags);
    if (error == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
        real_methods = file->pMethods;
        methods = *real_methods;
        methods.xLock = lock_after_other;
        file->pMethods = &methods;
    }
    return error;
}

static void a_file_that_another_makes_meanwhile_is_kept(void **state)
{
    (void)state;
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    real = usual;
    watched = *usual;
    watched.zName = "watched";
    watched.xOpen = open_watched;
    assert_int_equal(sqlite3_vfs_register(&watched, 1), SQLITE_OK);
    int at = 0;
    do { /* at the first lock, the second … until there are no more */
        shared_path = cache_fresh_path();
        locks_until_other = ++at;
        vgg_cache *cache = cache_make(shared_path, VGG_CACHE_LIMIT_BYTES);
        cache_put(cache, CACHE_ENTRIES, CACHE_VALUE_BYTES);
        vgg_cache_free(cache);
        const int other = locks_until_other == 0 ? CACHE_ENTRIES : 0;
        locks_until_other = 0;
        if (cache_count(shared_path, CACHE_ENTRIES + 1, CACHE_VALUE_BYTES) != other + 1)
            fail_msg("lost when another process came at lock %d", at);
        assert_int_equal(cache_warnings, 0);
        if (other == 0)
            break;
    } while (at < 100);
    assert_in_range(at, 3, 99);
    assert_int_equal(sqlite3_vfs_register(usual, 1), SQLITE_OK);
    assert_int_equal(sqlite3_vfs_unregister(&watched), SQLITE_OK);
}

/* The lock is held until after both: waiting for it would be for ever. */
static void a_locked_file_is_not_waited_for(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    cache_put_several(path, 3, 100);
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    cache_locked_out = 0;
    assert_int_equal(cache_count(path, 3, 100), 0);
    assert_int_equal(cache_locked_out, 1);
    cache_put_several(path, 3, 50);
    assert_int_equal(cache_locked_out, 2);
    sqlite3_close(other);
    assert_int_equal(cache_count(path, 3, 100), 3);
    assert_int_equal(cache_warnings, 0);
}

static void *put_and_find(void *user)
{
    vgg_cache *cache = user;
    const vgg_cache_key key = {"program", "a device", "shared", "", ""};
    for (int i = 0; i < 20; i++) {
        const vgg_cache_entry entry = {key, "value", 5};
        void *value = NULL;
        size_t bytes = 0;
        vgg_cache_put(cache, &entry, 1);
        if (!vgg_cache_get(cache, &key, &value, &bytes))
            return cache;
        vgg_free(value);
    }
    return NULL;
}

static void threads_share_a_cache(void **state)
{
    (void)state;
    pthread_t threads[4];
    vgg_cache *cache = cache_make(cache_fresh_path(), VGG_CACHE_LIMIT_BYTES);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_and_find, cache), 0);
    for (int i = 0; i < 4; i++) {
        void *failed = cache;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    vgg_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_write_at_once),
        cmocka_unit_test(a_killed_writer_leaves_a_whole_file),
        cmocka_unit_test(a_file_that_another_makes_meanwhile_is_kept),
        cmocka_unit_test(a_locked_file_is_not_waited_for),
        cmocka_unit_test(threads_share_a_cache),
    };
    return cmocka_run_group_tests(tests, cache_tests_begin, cache_tests_end);
}

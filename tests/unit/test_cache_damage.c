/* The cache's file after noise, truncation, killed writers, other versions; several processes. */
#define _DEFAULT_SOURCE /* usleep */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "support/cache.h"
#include "support/files.h"

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void survives_noise(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    size_t size = 0;
    cache_put_several(path, CACHE_ENTRIES, CACHE_VALUE_BYTES);
    char *whole = file_read(path, &size);
    char *damaged = malloc(size);
    uint32_t seed = 7;
    for (size_t round = 0; round < 160; round++) {
        /* Each eight bytes of the header, then anywhere; longer and longer. */
        const size_t at = round < 16 ? round * 8 : next_random(&seed) % size;
        const size_t wanted = round < 16 ? 8 : (size_t)1 << (round % 14);
        memcpy(damaged, whole, size);
        for (size_t i = at; i < size && i < at + wanted; i++)
            damaged[i] = (char)next_random(&seed);
        file_write(path, damaged, size);
        cache_assert_recovers(path);
    }
    for (size_t i = 0; i < size; i++)
        damaged[i] = (char)next_random(&seed);
    file_write(path, damaged, size);
    cache_assert_recovers(path);
    memset(damaged, 0, size);
    file_write(path, damaged, size);
    cache_assert_recovers(path);
    free(damaged);
    free(whole);
}

static void survives_truncation(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    size_t size = 0;
    cache_put_several(path, CACHE_ENTRIES, CACHE_VALUE_BYTES);
    char *whole = file_read(path, &size);
    const size_t lengths[] = {0,   1,    15,   16,   99,       100,     511,
                              512, 4095, 4096, 8192, size / 2, size - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        file_write(path, whole, lengths[i]);
        cache_assert_recovers(path);
    }
    file_write(path, "this is a letter\n", 17);
    cache_assert_recovers(path);
    free(whole);
}

/* Noise in the journal of a process that was killed. */
static void survives_a_damaged_journal(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    char journal[700], noise[5000];
    uint32_t seed = 3;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)next_random(&seed);
    cache_put_several(path, CACHE_ENTRIES, CACHE_VALUE_BYTES);
    snprintf(journal, sizeof journal, "%s-journal", path);
    file_write(journal, noise, sizeof noise);
    cache_assert_recovers(path);
    remove(journal);
}

static void a_changed_value_or_key_is_a_miss(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    cache_put_several(path, 3, 100);
    cache_sql(path, "UPDATE entry SET value = zeroblob(100) WHERE name = 'n0'");
    cache_sql(path, "UPDATE entry SET name = 'n7' WHERE name = 'n1'");
    assert_int_equal(cache_count(path, 8, 100), 1);
}

static void another_schema_is_emptied(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    cache_put_several(path, CACHE_ENTRIES, CACHE_VALUE_BYTES);
    cache_sql(path, "PRAGMA user_version = 99");
    assert_int_equal(cache_count(path, CACHE_ENTRIES, CACHE_VALUE_BYTES), 0);
    cache_assert_recovers(path);
    cache_sql(path, "DROP TABLE entry");
    cache_assert_recovers(path);
}

static void another_programs_database_is_left_alone(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    cache_sql(path, "CREATE TABLE letters(text)");
    cache_sql(path, "INSERT INTO letters VALUES('dear')");
    chmod(path, 0600);
    cache_put_several(path, 1, 100);
    assert_int_equal(cache_count(path, 1, 100), 0);
    assert_int_equal(cache_sql(path, "SELECT count(*) FROM letters"), 1);
    assert_int_equal(cache_warnings, 2); /* one a cache */
}

/* ---- several processes ---- */

/* A child that puts entries [first, first + count), one transaction each. */
static pid_t start_writer(const char *path, int first, int count)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    vgg_cache *cache = cache_make(path, VGG_CACHE_LIMIT_BYTES);
    for (int i = first; i < first + count; i++)
        cache_put(cache, i, CACHE_VALUE_BYTES);
    vgg_cache_free(cache);
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
        usleep(500 + next_random(&seed) % 20000);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        cache_assert_recovers(path);
        assert_int_equal(cache_sql(path, "SELECT count(*) FROM pragma_integrity_check "
                                         "WHERE integrity_check != 'ok'"),
                         0);
    }
}

static void a_locked_file_is_not_waited_for(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    cache_put_several(path, 3, 100);
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    const time_t start = time(NULL);
    assert_int_equal(cache_count(path, 3, 100), 0);
    assert_true(time(NULL) - start <= 1);
    cache_put_several(path, 3, 50);
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
        cmocka_unit_test(survives_noise),
        cmocka_unit_test(survives_truncation),
        cmocka_unit_test(survives_a_damaged_journal),
        cmocka_unit_test(a_changed_value_or_key_is_a_miss),
        cmocka_unit_test(another_schema_is_emptied),
        cmocka_unit_test(another_programs_database_is_left_alone),
        cmocka_unit_test(processes_write_at_once),
        cmocka_unit_test(a_killed_writer_leaves_a_whole_file),
        cmocka_unit_test(a_locked_file_is_not_waited_for),
        cmocka_unit_test(threads_share_a_cache),
    };
    return cmocka_run_group_tests(tests, cache_tests_begin, cache_tests_end);
}

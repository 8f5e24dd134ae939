/* support/cache.c — numbered entries, and SQL behind the cache's back. */
#include "support/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/runtime.h"
#include "support/files.h"

size_t cache_warnings, cache_locked_out;

static void count_line(void *user, clvgg_log_level level, const char *line)
{
    (void)user;
    if (level <= CLVGG_LOG_WARNING)
        cache_warnings++;
    if (strstr(line, "no cache in ") != NULL && strstr(line, "database is locked") != NULL)
        cache_locked_out++;
    if (getenv("CLVGG_TEST_VERBOSE") != NULL)
        fprintf(stderr, "%s\n", line);
}

static const vgg_scope scope = {.log = count_line, .log_level = CLVGG_LOG_DEBUG};

/* A path in the test's folder that no test had before. */
const char *cache_fresh_path(void)
{
    static unsigned number;
    static char name[32];
    snprintf(name, sizeof name, "cache-%u", number++);
    cache_warnings = 0;
    return temp_path(name);
}

vgg_cache *cache_make(const char *path, uint64_t limit_bytes)
{
    vgg_cache *cache = NULL;
    assert_int_equal(vgg_cache_create(path, limit_bytes, &cache), CLVGG_STATUS_OK);
    return cache;
}

/* Valid for the next 15 calls with other numbers. */
vgg_cache_key cache_key(int number)
{
    static char names[16][16];
    char *name = names[number % 16];
    snprintf(name, sizeof names[0], "n%d", number);
    return (vgg_cache_key){"program", "a device", name, "-DX=1", "stamp"};
}

/* Value `number`: `bytes` bytes that no other number has. */
static unsigned char *cache_value(int number, size_t bytes)
{
    unsigned char *value = malloc(bytes + 1);
    assert_non_null(value);
    for (size_t i = 0; i < bytes; i++)
        value[i] = (unsigned char)((size_t)number * 31 + i * 7 + i / 256);
    return value;
}

void cache_put(vgg_cache *cache, int number, size_t bytes)
{
    unsigned char *value = cache_value(number, bytes);
    const vgg_cache_entry entry = {cache_key(number), value, bytes};
    vgg_cache_put(cache, &entry, 1);
    free(value);
}

/* Whether the value is there; fails the test when it is another one. */
bool cache_has(vgg_cache *cache, int number, size_t bytes)
{
    void *found = NULL;
    size_t found_bytes = 0;
    const vgg_cache_key key = cache_key(number);
    if (!vgg_cache_get(cache, &key, &found, &found_bytes)) {
        assert_null(found);
        return false;
    }
    unsigned char *value = cache_value(number, bytes);
    assert_int_equal(found_bytes, bytes);
    assert_memory_equal(found, value, bytes);
    free(value);
    vgg_free(found);
    return true;
}

int cache_count(const char *path, int count, size_t bytes)
{
    int present = 0;
    vgg_cache *cache = cache_make(path, VGG_CACHE_LIMIT_BYTES);
    for (int i = 0; i < count; i++)
        present += cache_has(cache, i, bytes);
    vgg_cache_free(cache);
    return present;
}

/* All in one transaction, as a device's programs are kept. */
void cache_put_several(const char *path, int count, size_t bytes)
{
    vgg_cache_entry entries[16];
    assert_in_range(count, 1, 16);
    for (int i = 0; i < count; i++)
        entries[i] = (vgg_cache_entry){cache_key(i), cache_value(i, bytes), bytes};
    vgg_cache *cache = cache_make(path, VGG_CACHE_LIMIT_BYTES);
    vgg_cache_put(cache, entries, (size_t)count);
    vgg_cache_free(cache);
    for (int i = 0; i < count; i++)
        free((void *)(uintptr_t)entries[i].value);
}

/* Runs SQL behind the cache's back and returns the first number that it answers. */
long long cache_sql(const char *path, const char *text)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    long long answer = 0;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, text, -1, &statement, NULL), SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    sqlite3_close(database);
    return answer;
}

void cache_assert_recovers(const char *path)
{
    cache_warnings = 0;
    for (int i = 0; i < 3; i++) {
        if (cache_count(path, CACHE_ENTRIES, CACHE_VALUE_BYTES) == CACHE_ENTRIES)
            break;
        cache_put_several(path, CACHE_ENTRIES, CACHE_VALUE_BYTES);
    }
    assert_int_equal(cache_count(path, CACHE_ENTRIES, CACHE_VALUE_BYTES), CACHE_ENTRIES);
    assert_int_equal(cache_sql(path, "PRAGMA user_version"), 1);
    assert_int_equal(cache_warnings, 0);
}

static const vgg_scope *outside;

int cache_tests_begin(void **state)
{
    outside = vgg_scope_enter(&scope);
    return temp_folder_setup(state);
}

int cache_tests_end(void **state)
{
    vgg_scope_leave(outside);
    return temp_folder_teardown(state);
}

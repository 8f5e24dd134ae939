/* The cache's file after noise and truncation, of other versions and other programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/random.h"
#include "support/cache.h"
#include "support/files.h"

static uint32_t next_random(uint32_t *seed)
{
    return vgg_random_next(seed) >> 8;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_noise),
        cmocka_unit_test(survives_truncation),
        cmocka_unit_test(survives_a_damaged_journal),
        cmocka_unit_test(a_changed_value_or_key_is_a_miss),
        cmocka_unit_test(another_schema_is_emptied),
        cmocka_unit_test(another_programs_database_is_left_alone),
    };
    return cmocka_run_group_tests(tests, cache_tests_begin, cache_tests_end);
}

/* The cache: keeping and finding, the limit, listing, failing memory. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "support/cache.h"
#include "support/failing_allocator.h"
#include "support/files.h"

static void finds_what_was_kept(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    const size_t sizes[] = {0, 1, 5000, 3000000};
    vgg_cache *cache = cache_make(path, VGG_CACHE_LIMIT_BYTES);
    for (int i = 0; i < 4; i++)
        cache_put(cache, i, sizes[i]);
    for (int i = 0; i < 4; i++)
        assert_true(cache_has(cache, i, sizes[i]));
    vgg_cache_free(cache);
    cache = cache_make(path, VGG_CACHE_LIMIT_BYTES);
    for (int i = 0; i < 4; i++)
        assert_true(cache_has(cache, i, sizes[i]));
    cache_put(cache, 2, 77); /* over the old one */
    assert_true(cache_has(cache, 2, 77));
    const vgg_cache_key key = cache_key(2);
    vgg_cache_drop(cache, &key);
    assert_false(cache_has(cache, 2, 77));
    assert_true(cache_has(cache, 1, 1));
    vgg_cache_free(cache);
    assert_int_equal(file_mode(path), 0600);
    assert_int_equal(cache_warnings, 0);
}

static void every_part_of_the_key_counts(void **state)
{
    (void)state;
    vgg_cache *cache = cache_make(cache_fresh_path(), VGG_CACHE_LIMIT_BYTES);
    const vgg_cache_key key = {"tuning", "d", "n", "o", "s"};
    const vgg_cache_entry entry = {key, "{\"tile\": 4}", 11};
    vgg_cache_put(cache, &entry, 1);
    void *value = NULL;
    size_t bytes = 0;
    assert_true(vgg_cache_get(cache, &key, &value, &bytes));
    assert_string_equal(value, "{\"tile\": 4}"); /* a NUL behind it */
    vgg_free(value);
    const vgg_cache_key others[] = {{"program", "d", "n", "o", "s"},
                                    {"tuning", "D", "n", "o", "s"},
                                    {"tuning", "d", "n2", "o", "s"},
                                    {"tuning", "d", "n", "", "s"},
                                    {"tuning", "d", "n", "o", "s2"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(vgg_cache_get(cache, &others[i], &value, &bytes));
    vgg_cache_free(cache);
}

static void a_cache_that_is_none_holds_nothing(void **state)
{
    (void)state;
    cache_put(NULL, 1, 10);
    assert_false(cache_has(NULL, 1, 10));
    vgg_cache_free(NULL);
}

static void reading_makes_no_file(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    assert_int_equal(cache_count(path, 2, 10), 0);
    vgg_cache *cache = cache_make(path, VGG_CACHE_LIMIT_BYTES);
    assert_int_equal(vgg_cache_clear(cache), CLVGG_STATUS_OK);
    vgg_cache_free(cache);
    assert_false(file_exists(path));
}

static void makes_its_folders(void **state)
{
    (void)state;
    const char *above = cache_fresh_path();
    char folder[600], path[700];
    snprintf(folder, sizeof folder, "%s/clvgg", above);
    snprintf(path, sizeof path, "%s//cache.sqlite", folder);
    cache_put_several(path, 1, 10);
    assert_int_equal(cache_count(path, 1, 10), 1);
    assert_int_equal(file_mode(above), 0700);
    assert_int_equal(file_mode(folder), 0700);
    assert_int_equal(file_mode(path), 0600);
    assert_int_equal(remove(path) | remove(folder) | remove(above), 0);
}

typedef struct seen {
    int count;
    uint64_t bytes;
    char first[32];
} seen;

static void see(void *user, const vgg_cache_record *record)
{
    seen *all = user;
    if (all->count++ == 0)
        snprintf(all->first, sizeof all->first, "%s", record->key.name);
    all->bytes += record->bytes;
    assert_string_equal(record->key.kind, "program");
    assert_string_equal(record->key.device, "a device");
    assert_string_equal(record->key.options, "-DX=1");
    assert_true(record->used_day <= (int64_t)time(NULL) / 86400);
}

static void lists_and_clears(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    cache_put_several(path, 5, 1000);
    cache_sql(path, "UPDATE entry SET used = used - (name != 'n3') * 3");
    vgg_cache *cache = cache_make(path, VGG_CACHE_LIMIT_BYTES);
    seen all = {0};
    assert_int_equal(vgg_cache_visit(cache, see, &all), CLVGG_STATUS_OK);
    assert_int_equal(all.count, 5);
    assert_int_equal(all.bytes, 5000);
    assert_string_equal(all.first, "n3");
    assert_int_equal(vgg_cache_clear(cache), CLVGG_STATUS_OK);
    all = (seen){0};
    assert_int_equal(vgg_cache_visit(cache, see, &all), CLVGG_STATUS_OK);
    assert_int_equal(all.count, 0);
    cache_put(cache, 1, 10);
    assert_true(cache_has(cache, 1, 10));
    vgg_cache_free(cache);
}

/* ---- the limit ---- */

static void drops_what_went_unused_longest(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    cache_put_several(path, 6, 1000);
    cache_sql(path, "UPDATE entry SET used = used - 10 + id"); /* n0 oldest */
    vgg_cache *cache = cache_make(path, 4000);
    assert_true(cache_has(cache, 0, 1000)); /* used today */
    cache_put(cache, 6, 1000);
    vgg_cache_free(cache);
    cache = cache_make(path, 4000);
    const bool kept[] = {true, false, false, false, true, true, true};
    for (int i = 0; i < 7; i++)
        assert_int_equal(cache_has(cache, i, 1000), kept[i]);
    cache_put(cache, 7, 4001); /* more than there may be */
    assert_false(cache_has(cache, 7, 4001));
    assert_true(cache_has(cache, 6, 1000));
    vgg_cache_free(cache);
}

static void notes_a_use_once_a_day(void **state)
{
    (void)state;
    const char *path = cache_fresh_path();
    cache_put_several(path, 2, 100);
    cache_sql(path, "UPDATE entry SET used = used - 2");
    assert_int_equal(cache_count(path, 1, 100), 1);
    assert_int_equal(cache_sql(path, "SELECT max(used) - min(used) FROM entry"), 2);
    const long long before = cache_sql(path, "PRAGMA data_version");
    struct stat first, second;
    assert_int_equal(stat(path, &first), 0);
    assert_int_equal(cache_count(path, 1, 100), 1);
    assert_int_equal(stat(path, &second), 0);
    assert_memory_equal(&first.st_mtim, &second.st_mtim, sizeof first.st_mtim);
    assert_int_equal(cache_sql(path, "PRAGMA data_version"), before);
}

/* ---- failing memory ---- */

static clvgg_status use_cache(void *user)
{
    vgg_cache *cache = NULL;
    clvgg_status status = vgg_cache_create(user, VGG_CACHE_LIMIT_BYTES, &cache);
    if (status != CLVGG_STATUS_OK)
        return status;
    cache_put(cache, 1, 100);
    status = cache_has(cache, 1, 100) ? CLVGG_STATUS_OK : CLVGG_STATUS_OUT_OF_MEMORY;
    vgg_cache_free(cache);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_in_range(failing_allocator_sweep(use_cache, (void *)(uintptr_t)cache_fresh_path()), 4,
                    50);
}

/* Hashes the first `apart` bytes by themselves. */
static void hash_hex(const char *data, size_t bytes, size_t apart, char hex[VGG_SHA256_HEX])
{
    vgg_sha256 hash = vgg_sha256_begin();
    vgg_sha256_add(&hash, data, apart);
    vgg_sha256_add(&hash, data + apart, bytes - apart);
    vgg_sha256_end_hex(&hash, hex);
}

static void hashes_as_the_standard_says(void **state)
{
    (void)state;
    char hex[VGG_SHA256_HEX];
    hash_hex("", 0, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_hex("abc", 3, 0, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char *million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);
    hash_hex(million, 1000000, 0, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    /* Hashing in pieces, around the length of a block, gives the same. */
    for (size_t bytes = 50; bytes < 140; bytes++) {
        char whole[VGG_SHA256_HEX];
        hash_hex(million, bytes, 0, whole);
        hash_hex(million, bytes, bytes / 3, hex);
        assert_string_equal(hex, whole);
    }
    free(million);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_kept),
        cmocka_unit_test(every_part_of_the_key_counts),
        cmocka_unit_test(a_cache_that_is_none_holds_nothing),
        cmocka_unit_test(reading_makes_no_file),
        cmocka_unit_test(makes_its_folders),
        cmocka_unit_test(lists_and_clears),
        cmocka_unit_test(drops_what_went_unused_longest),
        cmocka_unit_test(notes_a_use_once_a_day),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(hashes_as_the_standard_says),
    };
    return cmocka_run_group_tests(tests, cache_tests_begin, cache_tests_end);
}

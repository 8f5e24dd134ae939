/* support/cache.h — caches in a test's folder, with entries that have numbers.
 *
 * Entry `number` has a key and a value of its own; a value is checked whenever it is found.
 */
#ifndef TEST_SUPPORT_CACHE_H
#define TEST_SUPPORT_CACHE_H

#include "cache/cache.h"

/* cmocka group fixtures: the folder, and a scope that counts warnings. */
int cache_tests_begin(void **state);
int cache_tests_end(void **state);

/* Warnings since the latest fresh path. CLVGG_TEST_VERBOSE=1 prints them. */
extern size_t cache_warnings;
/* How often a cache was given up because its file stayed locked. */
extern size_t cache_locked_out;
/* A path that no test had before; valid for the next seven calls of temp_path(). */
const char *cache_fresh_path(void);
vgg_cache *cache_make(const char *path, uint64_t limit_bytes);

/* Valid for the next 15 calls with other numbers. */
vgg_cache_key cache_key(int number);
void cache_put(vgg_cache *cache, int number, size_t bytes);
/* Says whether the value is there; fails the test when it is another one. */
bool cache_has(vgg_cache *cache, int number, size_t bytes);

/* Uses a cache object of its own for each call, as another process would. */
/* Puts entries 0 … count − 1 (at most 16), all in one transaction, as a device's programs. */
void cache_put_several(const char *path, int count, size_t bytes);
/* Number of them that are there. */
int cache_count(const char *path, int count, size_t bytes);

/* Runs SQL behind the cache's back and returns the first number that it answers. */
long long cache_sql(const char *path, const char *text);

/* Checks recovery from damage: a file gets its entries again within three runs, whatever is in it
 * now, without a warning or a wrong value on the way. */
enum { CACHE_ENTRIES = 12, CACHE_VALUE_BYTES = 9000 };
void cache_assert_recovers(const char *path);

#endif

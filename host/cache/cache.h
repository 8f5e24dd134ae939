/* cache/cache.h — what is worth keeping from one process to the next: program binaries, tuning
 * results. One SQLite file, shared by all processes of a user.
 *
 * A cache is never needed: whatever goes wrong (no SQLite, a locked, damaged or untrusted file, no
 * memory) is a miss or a value not kept, said in the log. Every entry carries a checksum over its
 * key and its value, so that damage which SQLite doesn't see is a miss too. NULL is a cache that
 * holds nothing. Files: cache.c (entries), cache_database.c (opening), cache_file.c (trust).
 */
#ifndef VGG_CACHE_CACHE_H
#define VGG_CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "clvgg/report.h"

typedef struct vgg_cache vgg_cache;

/* Values of all entries together; beyond it those that went unused longest are dropped. */
#define VGG_CACHE_LIMIT_BYTES ((uint64_t)256 << 20)

/* An entry is found by all five; none is NULL. */
typedef struct vgg_cache_key {
    const char *kind;    /* "program", "tuning", "check"; of packed weights "packed" */
    const char *device;  /* what identifies device and driver */
    const char *name;    /* "conv_direct.cl"; of a tuning result: the problem */
    const char *options; /* build options; whatever else the value depends on */
    const char *stamp;   /* version and hash of what the value was made from */
} vgg_cache_key;

typedef struct vgg_cache_entry {
    vgg_cache_key key;
    const void *value;
    size_t bytes;
} vgg_cache_entry;

/* Facts about an entry that don't need its value. */
typedef struct vgg_cache_record {
    vgg_cache_key key;
    uint64_t bytes;
    int64_t used_day; /* of the last use, in days since 1970 */
} vgg_cache_record;

/* A cache in the file `path`; touches the file only when it is used first. Thread-safe.
 * Errors: OUT_OF_MEMORY. */
clvgg_status vgg_cache_create(const char *path, uint64_t limit_bytes, vgg_cache **out);
/* Writes down what was used, and frees. Accepts NULL. */
void vgg_cache_free(vgg_cache *cache);

/* True with a copy of the value, to be freed by vgg_free(), and a NUL behind it that *bytes leaves
 * out. */
bool vgg_cache_get(vgg_cache *cache, const vgg_cache_key *key, void **value, size_t *bytes);
/* Keeps entries, in one transaction, over those of the same keys. */
void vgg_cache_put(vgg_cache *cache, const vgg_cache_entry *entries, size_t count);
/* The folder beside the file where packed weights are kept (packed_file.h); NULL: none, as where the
 * file turned out not to be used. */
const char *vgg_cache_packed_folder(vgg_cache *cache);
/* Forgets an entry that turned out to be of no use. */
void vgg_cache_drop(vgg_cache *cache, const vgg_cache_key *key);

/* Calls for `clvgg cache`, whose failures are statuses. A file that isn't there yet is an empty
 * cache. Errors: IO, UNSUPPORTED (built without SQLite). */
typedef void (*vgg_cache_visitor)(void *user, const vgg_cache_record *record);
/* Calls `visit` for each entry, the last used first, then for each packed weight. */
clvgg_status vgg_cache_visit(vgg_cache *cache, vgg_cache_visitor visit, void *user);
/* Packed weights too. */
clvgg_status vgg_cache_clear(vgg_cache *cache);
/* OK unless something has stopped its use in this process, which the message names. */
clvgg_status vgg_cache_status(vgg_cache *cache);
/* Does the work of clvgg_report_cache(). */
clvgg_status vgg_cache_report(vgg_cache *cache, clvgg_fact_fn visit, void *user);

#endif

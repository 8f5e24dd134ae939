/* cache/cache_none.c — the cache of a library that was built without SQLite: there is none. */
#ifndef CLVGG_HAVE_SQLITE3
#include "base/log.h"
#include "cache/cache.h"

clvgg_status vgg_cache_create(const char *path, uint64_t limit_bytes, vgg_cache **out)
{
    (void)limit_bytes;
    vgg_log(CLVGG_LOG_DEBUG, "no cache in %s: built without SQLite", path);
    *out = NULL;
    return CLVGG_STATUS_OK;
}

void vgg_cache_free(vgg_cache *cache)
{
    (void)cache;
}

bool vgg_cache_get(vgg_cache *cache, const vgg_cache_key *key, void **value, size_t *bytes)
{
    (void)cache, (void)key;
    *value = NULL;
    *bytes = 0;
    return false;
}

void vgg_cache_put(vgg_cache *cache, const vgg_cache_entry *entries, size_t count)
{
    (void)cache, (void)entries, (void)count;
}

const char *vgg_cache_packed_folder(vgg_cache *cache)
{
    (void)cache;
    return NULL;
}

void vgg_cache_drop(vgg_cache *cache, const vgg_cache_key *key)
{
    (void)cache, (void)key;
}

clvgg_status vgg_cache_visit(vgg_cache *cache, vgg_cache_visitor visit, void *user)
{
    (void)cache, (void)visit, (void)user;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "clvgg was built without SQLite: it has no cache");
}

clvgg_status vgg_cache_clear(vgg_cache *cache)
{
    return vgg_cache_visit(cache, NULL, NULL);
}

clvgg_status vgg_cache_status(vgg_cache *cache)
{
    return vgg_cache_visit(cache, NULL, NULL);
}

clvgg_status vgg_cache_report(vgg_cache *cache, clvgg_fact_fn visit, void *user)
{
    (void)cache;
    visit(user, "state", "clvgg was built without SQLite: it has no cache");
    return CLVGG_STATUS_OK;
}

#endif

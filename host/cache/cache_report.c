/* cache/cache_report.c — where the cache is and what may be done with it, in words. */
#ifdef CLVGG_HAVE_SQLITE3
#include <stdio.h>
#include <sys/stat.h>

#include "cache/cache_database.h"

#define TEXT(x) TEXT_OF(x)
#define TEXT_OF(x) #x

clvgg_status vgg_cache_report(vgg_cache *cache, clvgg_fact_fn visit, void *user)
{
    static const char *const states[] = {"not there yet", "can be written", "can be read alone"};
    char reason[VGG_CACHE_REASON] = "", bytes[32] = "0";
    struct stat info;
    if (cache == NULL) {
        visit(user, "state", "turned off");
        return CLVGG_STATUS_OK;
    }
    const vgg_cache_file state = vgg_cache_file_check(cache->path, reason);
    if (stat(cache->path, &info) == 0)
        snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)info.st_size);
    visit(user, "file", cache->path);
    visit(user, "state", state == VGG_CACHE_FILE_REFUSED ? reason : states[state]);
    visit(user, "bytes", bytes);
    visit(user, "schema", TEXT(VGG_CACHE_SCHEMA));
    return CLVGG_STATUS_OK;
}

#endif

/* cache/cache_database.h — inside a cache: its connection to SQLite. For host/cache alone. */
#ifndef VGG_CACHE_CACHE_DATABASE_H
#define VGG_CACHE_CACHE_DATABASE_H

#include <pthread.h>
#include <sqlite3.h>

#include "cache/cache.h"
#include "cache/cache_file.h"

/* Version of the tables and of how values are checked. A file with another number is emptied. */
#define VGG_CACHE_SCHEMA 1

struct vgg_cache {
    pthread_mutex_t lock; /* guards what follows `limit_bytes`; the connection has no lock itself */
    char *path;
    char *packed; /* the folder of packed weights */
    uint64_t limit_bytes;
    sqlite3 *database; /* NULL until it is used */
    bool read_only;
    bool was_reset;                /* once a process is enough */
    bool off;                      /* given up, because of … */
    char reason[VGG_CACHE_REASON]; /* … this */
    int64_t *used;                 /* entries whose day of last use is to be written */
    size_t used_count;
};

/* The lock is held in all of these. */

/* Milliseconds of waiting for a locked file: few before there is a result, more after. */
typedef enum vgg_cache_patience {
    VGG_CACHE_READING = 200,
    VGG_CACHE_WRITING = 2000
} vgg_cache_patience;

/* True with a connection to a file of this schema. `make`: a missing file is made. */
bool vgg_cache_open(vgg_cache *cache, bool make, vgg_cache_patience milliseconds);
void vgg_cache_close(vgg_cache *cache);
/* After a statement failed: empties a damaged file, gives a locked one up; says so at debug level.
 * No statement may be open. */
void vgg_cache_recover(vgg_cache *cache);

#endif

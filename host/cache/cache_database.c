/* cache/cache_database.c — opening the cache's file: trusted, of this schema, else made anew.
 *
 * A rollback journal rather than a write-ahead log: it also works in a home on a network, and a
 * file that can't be written can still be read. Damage is repaired by SQLite's own reset, a
 * transaction like any other, because removing a file that other processes have open would leave
 * their journals to be mistaken for the new file's.
 */
#ifdef CLVGG_HAVE_SQLITE3
#include "cache/cache_database.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"

#define TEXT(x) TEXT_OF(x)
#define TEXT_OF(x) #x
/* "cvgg": tells a cache of another schema from somebody's database. */
#define APPLICATION_ID 0x63766767

#define APPLICATION TEXT(APPLICATION_ID)
#define SCHEMA TEXT(VGG_CACHE_SCHEMA)

static const char *const create_tables =
    "BEGIN IMMEDIATE;"
    "PRAGMA application_id = " APPLICATION ";"
    "PRAGMA user_version = " SCHEMA ";"
    "CREATE TABLE IF NOT EXISTS entry("
    "  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, device TEXT NOT NULL, name TEXT NOT NULL,"
    "  options TEXT NOT NULL, stamp TEXT NOT NULL, used INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    "  checksum BLOB NOT NULL, value BLOB NOT NULL, UNIQUE(kind, device, name, options, stamp));"
    "COMMIT";

static bool run(sqlite3 *database, const char *sql)
{
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* The first value of the first row. */
static bool query_number(sqlite3 *database, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    bool found = sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW;
    if (found)
        *number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return found;
}

/* Ends the use of the cache in this process. `level` is a warning where the user can do something
 * about it. */
static void give_up(vgg_cache *cache, clvgg_log_level level, const char *reason)
{
    if (cache->reason != reason)
        snprintf(cache->reason, sizeof cache->reason, "%s", reason);
    vgg_log(level, "no cache in %s: %s", cache->path, cache->reason);
    cache->off = true;
    vgg_cache_close(cache);
}

static bool is_damage(int error)
{
    return error == SQLITE_CORRUPT || error == SQLITE_NOTADB || error == SQLITE_ERROR ||
           error == SQLITE_CONSTRAINT || error == SQLITE_MISMATCH || error == SQLITE_FORMAT;
}

/* Empties the file and makes its tables. */
static bool reset(vgg_cache *cache)
{
    sqlite3 *database = cache->database;
    if (cache->was_reset || cache->read_only)
        return false;
    cache->was_reset = true;
    vgg_log(CLVGG_LOG_DEBUG, "cache %s: damaged or of another version, emptied", cache->path);
    sqlite3_db_config(database, SQLITE_DBCONFIG_RESET_DATABASE, 1, NULL);
    const bool emptied = run(database, "VACUUM");
    sqlite3_db_config(database, SQLITE_DBCONFIG_RESET_DATABASE, 0, NULL);
    return emptied && run(database, create_tables);
}

void vgg_cache_recover(vgg_cache *cache)
{
    if (cache->database == NULL)
        return;
    const int error = sqlite3_errcode(cache->database);
    char reason[VGG_CACHE_REASON];
    snprintf(reason, sizeof reason, "%s", sqlite3_errmsg(cache->database));
    if (!sqlite3_get_autocommit(cache->database))
        run(cache->database, "ROLLBACK");
    if (!is_damage(error) || !reset(cache))
        give_up(cache, CLVGG_LOG_DEBUG, reason);
}

typedef struct file_kind {
    int64_t version, application, tables, others;
} file_kind;

/* Asks within one transaction: of a file that another process is making, half the answers would be
 * from before it, and look like another version's. */
static bool query_kind(sqlite3 *database, file_kind *kind)
{
    return run(database, "BEGIN") &&
           query_number(database, "PRAGMA user_version", &kind->version) &&
           query_number(database, "PRAGMA application_id", &kind->application) &&
           query_number(database, "SELECT count(*) FROM sqlite_schema", &kind->tables) &&
           query_number(database, "SELECT count(*) FROM sqlite_schema WHERE tbl_name != 'entry'",
                        &kind->others) &&
           run(database, "COMMIT");
}

/* Makes the tables of a new file; empties one of another schema; refuses what is no cache. */
static void settle_schema(vgg_cache *cache)
{
    file_kind kind;
    sqlite3 *database = cache->database;
    if (!query_kind(database, &kind))
        vgg_cache_recover(cache);
    else if (kind.application == APPLICATION_ID && kind.version == VGG_CACHE_SCHEMA)
        return;
    else if (kind.application != APPLICATION_ID && kind.others > 0)
        give_up(cache, CLVGG_LOG_WARNING, "it is another program's database");
    else if (cache->read_only)
        give_up(cache, CLVGG_LOG_DEBUG, "it is empty or of another version, and can't be written");
    else if (kind.tables > 0 ? !reset(cache) : !run(database, create_tables))
        vgg_cache_recover(cache);
}

static void connect(vgg_cache *cache, vgg_cache_patience milliseconds)
{
    char *path = vgg_cache_file_resolve(cache->path);
    const int access = cache->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    const int flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    if (path == NULL || sqlite3_open_v2(path, &cache->database, flags, NULL) != SQLITE_OK) {
        give_up(cache, CLVGG_LOG_WARNING,
                cache->database != NULL ? sqlite3_errmsg(cache->database) : "no memory");
    } else {
        sqlite3_busy_timeout(cache->database, (int)milliseconds);
        run(cache->database, "PRAGMA cell_size_check = ON; PRAGMA synchronous = NORMAL");
        settle_schema(cache);
    }
    vgg_free(path);
}

bool vgg_cache_open(vgg_cache *cache, bool make, vgg_cache_patience milliseconds)
{
    if (cache->off)
        return false;
    if (cache->database != NULL) {
        sqlite3_busy_timeout(cache->database, (int)milliseconds);
        return true;
    }
    vgg_cache_file found = vgg_cache_file_check(cache->path, cache->reason);
    if (found == VGG_CACHE_FILE_ABSENT && !make)
        return false;
    if (found == VGG_CACHE_FILE_REFUSED ||
        (found == VGG_CACHE_FILE_ABSENT && !vgg_cache_file_make(cache->path, cache->reason))) {
        give_up(cache, CLVGG_LOG_WARNING, cache->reason);
        return false;
    }
    cache->read_only = found == VGG_CACHE_FILE_READ_ONLY;
    connect(cache, milliseconds);
    return !cache->off;
}

void vgg_cache_close(vgg_cache *cache)
{
    sqlite3_close(cache->database);
    cache->database = NULL;
}

#endif

/* cache/cache.c — the entries of a cache: finding, keeping, dropping the oldest, listing.
 *
 * When an entry was used last is noted once a day, and written when something is written anyway or
 * at the end, so that reading stays reading.
 */
#ifdef CLVGG_HAVE_SQLITE3
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "cache/cache_database.h"
#include "cache/packed_folder.h"

#define WHERE_KEY " WHERE kind = ?1 AND device = ?2 AND name = ?3 AND options = ?4 AND stamp = ?5"

static clvgg_status name_packed_folder(vgg_cache *cache)
{
    vgg_text text = {0};
    char *folder = vgg_cache_file_folder(cache->path);
    VGG_PASS(VGG_MADE(folder));
    vgg_text_printf(&text, "%s/packed", folder);
    vgg_free(folder);
    return vgg_text_take(&text, "a folder's path", &cache->packed);
}

const char *vgg_cache_packed_folder(vgg_cache *cache)
{
    if (cache == NULL)
        return NULL;
    pthread_mutex_lock(&cache->lock);
    const char *folder = cache->off ? NULL : cache->packed;
    pthread_mutex_unlock(&cache->lock);
    return folder;
}

clvgg_status vgg_cache_create(const char *path, uint64_t limit_bytes, vgg_cache **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_cache *cache = NULL;
    *out = NULL;
    VGG_NEW(cache, 1);
    if (pthread_mutex_init(&cache->lock, NULL) != 0) {
        vgg_free(cache);
        return vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "no memory for a lock");
    }
    cache->limit_bytes = limit_bytes;
    VGG_DUP(cache->path, path);
    VGG_TRY(name_packed_folder(cache));
    VGG_GIVE(out, cache);
cleanup:
    vgg_cache_free(cache);
    return status;
}

static int64_t today(void)
{
    return (int64_t)time(NULL) / 86400;
}

/* ---- statements ---- */

/* NULL when it can't be prepared. Parameters 1 … 5 are the key, when there is one. */
static sqlite3_stmt *prepare(vgg_cache *cache, const char *sql, const vgg_cache_key *key)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(cache->database, sql, -1, &statement, NULL) != SQLITE_OK)
        return NULL;
    if (key != NULL) {
        const char *parts[] = {key->kind, key->device, key->name, key->options, key->stamp};
        for (int i = 0; i < 5; i++)
            sqlite3_bind_text(statement, i + 1, parts[i], -1, SQLITE_STATIC);
    }
    return statement;
}

/* Runs a statement that gives no rows, and ends it. */
static bool finish(sqlite3_stmt *statement)
{
    if (statement == NULL)
        return false;
    sqlite3_step(statement);
    return sqlite3_finalize(statement) == SQLITE_OK;
}

static bool execute(vgg_cache *cache, const char *sql)
{
    return finish(prepare(cache, sql, NULL));
}

/* Over the key as well: a damaged key must not lead to a value of another. */
static void checksum_of(const vgg_cache_key *key, const void *value, size_t bytes,
                        unsigned char digest[VGG_SHA256_BYTES])
{
    const char *parts[] = {key->kind, key->device, key->name, key->options, key->stamp};
    vgg_sha256 hash = vgg_sha256_begin();
    for (int i = 0; i < 5; i++)
        vgg_sha256_add(&hash, parts[i], strlen(parts[i]) + 1);
    vgg_sha256_add(&hash, value, bytes);
    vgg_sha256_end(&hash, digest);
}

/* ---- the day of last use ---- */

static void note_use(vgg_cache *cache, int64_t id)
{
    int64_t *used = vgg_realloc(cache->used, cache->used_count + 1, sizeof *used);
    if (used == NULL)
        return;
    cache->used = used;
    used[cache->used_count++] = id;
}

/* Inside a transaction. */
static bool write_uses(vgg_cache *cache)
{
    bool written = true;
    for (size_t i = 0; i < cache->used_count && written; i++) {
        sqlite3_stmt *statement =
            prepare(cache, "UPDATE entry SET used = ?1 WHERE id = ?2 AND used < ?1", NULL);
        sqlite3_bind_int64(statement, 1, today());
        sqlite3_bind_int64(statement, 2, cache->used[i]);
        written = finish(statement);
    }
    cache->used_count = 0;
    return written;
}

void vgg_cache_free(vgg_cache *cache)
{
    if (cache == NULL)
        return;
    if (cache->database != NULL && !cache->read_only && cache->used_count > 0) {
        sqlite3_busy_timeout(cache->database, VGG_CACHE_READING);
        if (!execute(cache, "BEGIN IMMEDIATE") || !write_uses(cache) || !execute(cache, "COMMIT"))
            vgg_cache_recover(cache);
    }
    vgg_cache_close(cache);
    pthread_mutex_destroy(&cache->lock);
    vgg_free(cache->used);
    vgg_free(cache->path);
    vgg_free(cache->packed);
    vgg_free(cache);
}

/* ---- finding ---- */

/* Copies the value of the row that `statement` stands on, unless it is damaged. */
static bool copy_value(sqlite3_stmt *statement, const vgg_cache_key *key, void **value,
                       size_t *bytes)
{
    unsigned char expected[VGG_SHA256_BYTES];
    const void *stored = sqlite3_column_blob(statement, 3);
    const size_t size = (size_t)sqlite3_column_bytes(statement, 3);
    const void *checksum = sqlite3_column_blob(statement, 2);
    checksum_of(key, stored, size, expected);
    if (sqlite3_column_bytes(statement, 2) != VGG_SHA256_BYTES || checksum == NULL ||
        memcmp(checksum, expected, VGG_SHA256_BYTES) != 0) {
        vgg_log(CLVGG_LOG_DEBUG, "cache: %s %s is damaged", key->kind, key->name);
        return false;
    }
    *value = vgg_calloc(size + 1, 1);
    if (*value == NULL)
        return false;
    if (size > 0)
        memcpy(*value, stored, size);
    *bytes = size;
    return true;
}

bool vgg_cache_get(vgg_cache *cache, const vgg_cache_key *key, void **value, size_t *bytes)
{
    bool found = false;
    *value = NULL;
    *bytes = 0;
    if (cache == NULL)
        return false;
    pthread_mutex_lock(&cache->lock);
    if (vgg_cache_open(cache, false, VGG_CACHE_READING)) {
        sqlite3_stmt *statement =
            prepare(cache, "SELECT id, used, checksum, value FROM entry" WHERE_KEY, key);
        if (statement != NULL && sqlite3_step(statement) == SQLITE_ROW) {
            found = copy_value(statement, key, value, bytes);
            if (found && sqlite3_column_int64(statement, 1) < today())
                note_use(cache, sqlite3_column_int64(statement, 0));
        }
        if (statement == NULL || sqlite3_finalize(statement) != SQLITE_OK)
            vgg_cache_recover(cache);
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

/* ---- keeping ---- */

static bool insert(vgg_cache *cache, const vgg_cache_entry *entry)
{
    unsigned char checksum[VGG_SHA256_BYTES];
    if (entry->bytes > cache->limit_bytes)
        return true;
    checksum_of(&entry->key, entry->value, entry->bytes, checksum);
    sqlite3_stmt *statement = prepare(
        cache,
        "INSERT OR REPLACE INTO entry(kind, device, name, options, stamp, used, bytes, checksum, "
        "value) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &entry->key);
    sqlite3_bind_int64(statement, 6, today());
    sqlite3_bind_int64(statement, 7, (sqlite3_int64)entry->bytes);
    sqlite3_bind_blob(statement, 8, checksum, sizeof checksum, SQLITE_STATIC);
    /* A NULL value would be stored as no value. */
    sqlite3_bind_blob64(statement, 9, entry->bytes > 0 ? entry->value : "", entry->bytes,
                        SQLITE_STATIC);
    return finish(statement);
}

/* Keeps what was used or made last, as much as the limit allows. */
static bool evict(vgg_cache *cache)
{
    sqlite3_stmt *statement = prepare(
        cache,
        "DELETE FROM entry WHERE id IN (SELECT id FROM (SELECT id, sum(bytes) OVER (ORDER BY used "
        "DESC, id DESC) AS total FROM entry) WHERE total > ?1)",
        NULL);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)cache->limit_bytes);
    return finish(statement);
}

static bool put_all(vgg_cache *cache, const vgg_cache_entry *entries, size_t count)
{
    bool kept = execute(cache, "BEGIN IMMEDIATE") && write_uses(cache);
    for (size_t i = 0; i < count && kept; i++)
        kept = insert(cache, &entries[i]);
    return kept && evict(cache) && execute(cache, "COMMIT");
}

void vgg_cache_put(vgg_cache *cache, const vgg_cache_entry *entries, size_t count)
{
    if (cache == NULL || count == 0)
        return;
    pthread_mutex_lock(&cache->lock);
    if (vgg_cache_open(cache, true, VGG_CACHE_WRITING) && !cache->read_only &&
        !put_all(cache, entries, count)) {
        vgg_cache_recover(cache);
        if (!cache->off && !put_all(cache, entries, count)) /* it was damaged, now it is empty */
            vgg_cache_recover(cache);
    }
    pthread_mutex_unlock(&cache->lock);
}

void vgg_cache_drop(vgg_cache *cache, const vgg_cache_key *key)
{
    if (cache == NULL)
        return;
    pthread_mutex_lock(&cache->lock);
    if (vgg_cache_open(cache, false, VGG_CACHE_WRITING) && !cache->read_only &&
        !finish(prepare(cache, "DELETE FROM entry" WHERE_KEY, key)))
        vgg_cache_recover(cache);
    pthread_mutex_unlock(&cache->lock);
}

/* ---- looking after it ---- */

static const char *column_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text != NULL ? (const char *)text : "";
}

static bool visit_all(vgg_cache *cache, vgg_cache_visitor visit, void *user)
{
    sqlite3_stmt *statement =
        prepare(cache,
                "SELECT kind, device, name, options, stamp, max(bytes, 0), min(max(used, 0), 1e8) "
                "FROM entry ORDER BY used DESC, kind, device, name, options, id",
                NULL);
    while (statement != NULL && sqlite3_step(statement) == SQLITE_ROW) {
        const vgg_cache_record record = {
            .key = {column_text(statement, 0), column_text(statement, 1), column_text(statement, 2),
                    column_text(statement, 3), column_text(statement, 4)},
            .bytes = (uint64_t)sqlite3_column_int64(statement, 5),
            .used_day = sqlite3_column_int64(statement, 6)};
        visit(user, &record);
    }
    return statement != NULL && sqlite3_finalize(statement) == SQLITE_OK;
}

/* Fails with the reason why the cache was given up, if it was. */
static clvgg_status fail_because_off(vgg_cache *cache)
{
    if (!cache->off)
        return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_IO, "%s: the cache can't be used: %s", cache->path, cache->reason);
}

clvgg_status vgg_cache_status(vgg_cache *cache)
{
    if (cache == NULL)
        return CLVGG_STATUS_OK;
    pthread_mutex_lock(&cache->lock);
    const clvgg_status status = fail_because_off(cache);
    pthread_mutex_unlock(&cache->lock);
    return status;
}

clvgg_status vgg_cache_visit(vgg_cache *cache, vgg_cache_visitor visit, void *user)
{
    if (cache == NULL)
        return CLVGG_STATUS_OK;
    pthread_mutex_lock(&cache->lock);
    if (vgg_cache_open(cache, false, VGG_CACHE_WRITING) && !visit_all(cache, visit, user))
        vgg_cache_recover(cache);
    clvgg_status status = fail_because_off(cache);
    pthread_mutex_unlock(&cache->lock);
    if (status == CLVGG_STATUS_OK)
        status = vgg_packed_folder_visit(cache->packed, false, visit, user);
    return status;
}

static void ignore_record(void *user, const vgg_cache_record *record)
{
    (void)user, (void)record;
}

clvgg_status vgg_cache_clear(vgg_cache *cache)
{
    if (cache == NULL)
        return CLVGG_STATUS_OK;
    clvgg_status status = CLVGG_STATUS_OK;
    pthread_mutex_lock(&cache->lock);
    if (vgg_cache_open(cache, false, VGG_CACHE_WRITING)) {
        if (cache->read_only)
            status = vgg_fail(CLVGG_STATUS_IO, "%s: can't be written", cache->path);
        else if (!execute(cache, "DELETE FROM entry"))
            vgg_cache_recover(cache);
        else
            execute(cache, "VACUUM"); /* the file shrinks, unless somebody reads it */
        cache->used_count = 0;
    }
    if (status == CLVGG_STATUS_OK)
        status = fail_because_off(cache);
    pthread_mutex_unlock(&cache->lock);
    if (status == CLVGG_STATUS_OK)
        status = vgg_packed_folder_visit(cache->packed, true, ignore_record, NULL);
    return status;
}

#endif

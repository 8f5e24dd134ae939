/* verify/trust.c — see trust.h. */
#include "verify/trust.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "cache/cache.h"
#include "ocl/program_binary.h"

static const char kind[] = "check";

/* The value of an entry: a standing's letter, the kernel files in one line, then its words. */
static const char letters[] = {[VGG_TRUST_UNKNOWN] = '?',
                               [VGG_TRUST_RIGHT] = 'r',
                               [VGG_TRUST_WRONG] = 'w',
                               [VGG_TRUST_UNBUILDABLE] = 'b'};

/* A subject with all that it is known by. */
typedef struct identity {
    const vgg_subject *subject;
    char device[640], stamp[VGG_PROGRAM_STAMP];
    uint64_t hash;
} identity;

/* A fact that is known in this process. */
typedef struct known {
    struct known *next;
    uint64_t hash;
    vgg_trust trust;
} known;

static void end_known(void *first)
{
    for (known *entry = first, *next; entry != NULL; entry = next) {
        next = entry->next;
        vgg_free(entry);
    }
}

static const vgg_kept_kind known_kind = {end_known};

/* What stands for the source of all these files. */
static clvgg_status stamp_of(const clvgg_runtime *runtime, const char *files,
                             char stamp[VGG_PROGRAM_STAMP])
{
    uint64_t sources = VGG_HASH_START;
    char file[64];
    for (int length = 0; sscanf(files, "%63s %n", file, &length) == 1; files += length) {
        VGG_PASS(vgg_program_stamp(runtime, file, stamp));
        sources = vgg_hash_text(sources, stamp);
    }
    snprintf(stamp, VGG_PROGRAM_STAMP, "%s %016llx", clvgg_version(), (unsigned long long)sources);
    return CLVGG_STATUS_OK;
}

static clvgg_status identify(const clvgg_device *device, const vgg_subject *subject, identity *id)
{
    id->subject = subject;
    vgg_device_words(&device->info, id->device, sizeof id->device);
    VGG_PASS(stamp_of(device->runtime, subject->files, id->stamp));
    id->hash =
        vgg_hash_text(vgg_hash_text(vgg_hash_text(VGG_HASH_START, id->stamp), subject->problem),
                      subject->candidate);
    return CLVGG_STATUS_OK;
}

static vgg_cache_key key_of(const identity *id)
{
    return (vgg_cache_key){kind, id->device, id->subject->problem, id->subject->candidate,
                           id->stamp};
}

/* Puts what is known in front of the device's list. */
static clvgg_status remember(clvgg_device *device, uint64_t hash, const vgg_trust *trust)
{
    known *entry = NULL;
    VGG_NEW_PASS(entry, 1);
    *entry = (known){.hash = hash, .trust = *trust};
    pthread_mutex_lock(&device->lock);
    void **first = vgg_device_kept(device, &known_kind);
    entry->next = *first;
    *first = entry;
    pthread_mutex_unlock(&device->lock);
    return CLVGG_STATUS_OK;
}

static bool recall(clvgg_device *device, uint64_t hash, vgg_trust *trust)
{
    pthread_mutex_lock(&device->lock);
    const known *entry = *vgg_device_kept(device, &known_kind);
    while (entry != NULL && entry->hash != hash)
        entry = entry->next;
    if (entry != NULL)
        *trust = entry->trust;
    pthread_mutex_unlock(&device->lock);
    return entry != NULL;
}

/* An entry that makes no sense is none. `files` receives its line of them. */
static bool read_entry(const char *value, size_t bytes, vgg_trust *trust, char files[256])
{
    const char *letter = bytes > 0 ? memchr(letters, value[0], sizeof letters) : NULL;
    const char *end = bytes > 0 ? memchr(value, '\n', bytes) : NULL;
    if (letter == NULL || end == NULL || end - value > 255)
        return false;
    trust->standing = (vgg_standing)(letter - letters);
    snprintf(files, 256, "%.*s", (int)(end - value - 1), value + 1);
    snprintf(trust->words, sizeof trust->words, "%s", end + 1);
    return true;
}

/* Says whether nothing at all can be known. */
static bool is_blank(clvgg_device *device)
{
    pthread_mutex_lock(&device->lock);
    const bool blank =
        device->runtime->cache == NULL && *vgg_device_kept(device, &known_kind) == NULL;
    pthread_mutex_unlock(&device->lock);
    return blank;
}

clvgg_status vgg_trust_find(clvgg_device *device, const vgg_subject *subject, vgg_trust *trust)
{
    identity id;
    void *value = NULL;
    size_t bytes = 0;
    char files[256];
    *trust = (vgg_trust){0};
    if (is_blank(device))
        return CLVGG_STATUS_OK;
    const clvgg_status status = identify(device, subject, &id);
    if (status == CLVGG_STATUS_NOT_FOUND) /* a kernel of the folder: building will say so */
        return CLVGG_STATUS_OK;
    VGG_PASS(status);
    if (recall(device, id.hash, trust))
        return CLVGG_STATUS_OK;
    const vgg_cache_key key = key_of(&id);
    if (!vgg_cache_get(device->runtime->cache, &key, &value, &bytes))
        return CLVGG_STATUS_OK;
    const bool sound = read_entry(value, bytes, trust, files);
    vgg_free(value);
    return sound ? remember(device, id.hash, trust) : CLVGG_STATUS_OK;
}

clvgg_status vgg_trust_keep(clvgg_device *device, const vgg_subject *subject,
                            const vgg_trust *trust, bool for_now)
{
    identity id;
    char value[2 + sizeof subject->files + VGG_TRUST_WORDS];
    VGG_PASS(identify(device, subject, &id));
    snprintf(value, sizeof value, "%c%s\n%s", letters[trust->standing], subject->files,
             trust->words);
    const vgg_cache_entry entry = {key_of(&id), value, strlen(value)};
    if (!for_now)
        vgg_cache_put(device->runtime->cache, &entry, 1);
    return remember(device, id.hash, trust);
}

/* ---- what a device is known for ---- */

/* Keys of entries, which can be looked up when the cache's list has been gone through. */
typedef struct key_list {
    const char *device;
    vgg_text texts; /* problem, candidate and stamp, a NUL behind each */
    size_t count;
} key_list;

static void note_key(void *user, const vgg_cache_record *record)
{
    key_list *keys = user;
    if (strcmp(record->key.kind, kind) != 0 || strcmp(record->key.device, keys->device) != 0)
        return;
    vgg_text_append(&keys->texts, record->key.name, strlen(record->key.name) + 1);
    vgg_text_append(&keys->texts, record->key.options, strlen(record->key.options) + 1);
    vgg_text_append(&keys->texts, record->key.stamp, strlen(record->key.stamp) + 1);
    keys->count++;
}

/* Visits an entry if it is of distrust, and of the kernels of now. */
static clvgg_status visit_entry(const clvgg_runtime *runtime, const vgg_cache_key *key,
                                vgg_distrust_visitor visit, void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    void *value = NULL;
    size_t bytes = 0;
    vgg_trust trust;
    char files[256], stamp[VGG_PROGRAM_STAMP], variant[64];
    if (!vgg_cache_get(runtime->cache, key, &value, &bytes))
        return CLVGG_STATUS_OK;
    if (read_entry(value, bytes, &trust, files) && !vgg_trust_allows(&trust)) {
        status = stamp_of(runtime, files, stamp);
        if (status == CLVGG_STATUS_NOT_FOUND) { /* a file of another clvgg's */
            status = CLVGG_STATUS_OK;
            goto cleanup;
        }
        VGG_TRY(status);
        snprintf(variant, sizeof variant, "%.*s", (int)strcspn(key->options, ","), key->options);
        if (strcmp(stamp, key->stamp) == 0)
            visit(user, key->name, variant, &trust);
    }
cleanup:
    vgg_free(value);
    return status;
}

clvgg_status vgg_trust_visit(const clvgg_runtime *runtime, const clvgg_device_info *info,
                             vgg_distrust_visitor visit, void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char words[640];
    key_list keys = {.device = words};
    vgg_device_words(info, words, sizeof words);
    if (runtime->cache == NULL ||
        vgg_cache_visit(runtime->cache, note_key, &keys) != CLVGG_STATUS_OK)
        goto cleanup;
    VGG_TRY(vgg_text_check(&keys.texts, "the list of checks"));
    const char *text = keys.texts.bytes;
    for (size_t i = 0; i < keys.count; i++) {
        vgg_cache_key key = {kind, words, text, NULL, NULL};
        key.options = key.name + strlen(key.name) + 1;
        key.stamp = key.options + strlen(key.options) + 1;
        text = key.stamp + strlen(key.stamp) + 1;
        VGG_TRY(visit_entry(runtime, &key, visit, user));
    }
cleanup:
    vgg_text_free(&keys.texts);
    return status;
}

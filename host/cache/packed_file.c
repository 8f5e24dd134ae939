/* cache/packed_file.c — head, key, checksums, values; written beside its name and renamed, without
 * waiting for the disk: what a crash makes of it shows in the checksums.
 */
#include "cache/packed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/checksum.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/sha256.h"
#include "base/temporary.h"
#include "base/text.h"
#include "cache/cache_file.h"
#include "cache/packed_folder.h"

enum { PIECE_BYTES = 256 << 10, PIECES_AT_ONCE = 8, PAGE_BYTES = 4096, MAX_KEY_BYTES = 16 << 10 };

/* Read as it lies: another byte order or version has another mark. */
static const uint64_t mark = 0x316b7067677663; /* "cvggpk1" */

typedef struct file_head {
    uint64_t mark, bytes, key_bytes, checksum; /* of head, key and checksums of pieces */
} file_head;

/* What stands before the values, made from a key. */
typedef struct front {
    file_head *head;
    size_t bytes; /* whole pages; values come next */
    char *key;
    uint64_t *sums; /* of the pieces */
    size_t sum_count;
} front;

static clvgg_status make_front(const vgg_cache_key *key, uint64_t bytes, front *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text text = {0};
    const char *parts[] = {key->kind, key->device, key->name, key->options, key->stamp};
    for (int i = 0; i < 5; i++)
        vgg_text_append(&text, parts[i], strlen(parts[i]) + 1);
    VGG_TRY(vgg_text_check(&text, "a key"));
    const size_t key_bytes = (text.length + 7) / 8 * 8;
    VGG_REQUIRE(key_bytes <= MAX_KEY_BYTES, CLVGG_STATUS_UNSUPPORTED, "a key of %zu bytes",
                key_bytes);
    out->sum_count = (size_t)((bytes + PIECE_BYTES - 1) / PIECE_BYTES);
    out->bytes =
        (sizeof *out->head + key_bytes + out->sum_count * sizeof *out->sums + PAGE_BYTES - 1) /
        PAGE_BYTES * PAGE_BYTES;
    unsigned char *all = NULL;
    VGG_NEW(all, out->bytes);
    out->head = (file_head *)(void *)all;
    out->key = (char *)all + sizeof *out->head;
    out->sums = (uint64_t *)(void *)(out->key + key_bytes);
    *out->head = (file_head){mark, bytes, key_bytes, 0};
    memcpy(out->key, text.bytes, text.length);
cleanup:
    vgg_text_free(&text);
    return status;
}

/* The checksum that the head should have. */
static uint64_t sum_front(const front *f)
{
    const file_head *head = f->head;
    const uint64_t seed = vgg_checksum(head, offsetof(file_head, checksum), 0);
    return vgg_checksum(f->key, (size_t)head->key_bytes + f->sum_count * sizeof *f->sums, seed);
}

static size_t piece_bytes(uint64_t bytes, size_t piece)
{
    const uint64_t left = bytes - (uint64_t)piece * PIECE_BYTES;
    return left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
}

static uint64_t sum_piece(const unsigned char *data, uint64_t bytes, size_t piece)
{
    return vgg_checksum(data + piece * PIECE_BYTES, piece_bytes(bytes, piece), piece);
}

/* "FOLDER/<SHA-256 of the key>.packed", or NULL. */
static char *path_of(const char *folder, const front *f)
{
    char digits[VGG_SHA256_HEX], *path = NULL;
    vgg_sha256 hash = vgg_sha256_begin();
    vgg_text text = {0};
    vgg_sha256_add(&hash, f->key, (size_t)f->head->key_bytes);
    vgg_sha256_end_hex(&hash, digits);
    vgg_text_printf(&text, "%s/%s%s", folder, digits, VGG_PACKED_ENDING);
    return vgg_text_take(&text, "a path", &path) == CLVGG_STATUS_OK ? path : NULL;
}

/* ---- reading ---- */

/* A file under way to where its values are wanted. */
typedef struct reading {
    const vgg_file *file;
    const front *wanted;
    unsigned char *data;
    atomic_bool wrong;
} reading;

static void read_pieces(void *user, int worker, size_t index)
{
    reading *r = user;
    (void)worker;
    const uint64_t bytes = r->wanted->head->bytes;
    const size_t first = index * PIECES_AT_ONCE;
    for (size_t i = first; i < first + PIECES_AT_ONCE && i < r->wanted->sum_count && !r->wrong; i++)
        if (vgg_file_read(r->file, r->wanted->bytes + (uint64_t)i * PIECE_BYTES,
                          r->data + i * PIECE_BYTES, piece_bytes(bytes, i)) != CLVGG_STATUS_OK ||
            sum_piece(r->data, bytes, i) != r->wanted->sums[i])
            r->wrong = true;
}

/* Takes the checksums of the pieces from a file whose head and key are the wanted ones. */
static bool read_front(const vgg_file *file, front *wanted)
{
    bool right = false;
    front found = *wanted;
    found.head = vgg_calloc(wanted->bytes, 1);
    if (found.head == NULL || vgg_file_size(file) != wanted->bytes + wanted->head->bytes)
        goto cleanup;
    if (vgg_file_read(file, 0, found.head, wanted->bytes) != CLVGG_STATUS_OK)
        goto cleanup;
    found.key = (char *)(found.head + 1);
    found.sums = (uint64_t *)(void *)(found.key + wanted->head->key_bytes);
    if (memcmp(found.head, wanted->head, offsetof(file_head, checksum)) != 0 ||
        memcmp(found.key, wanted->key, (size_t)wanted->head->key_bytes) != 0 ||
        found.head->checksum != sum_front(&found))
        goto cleanup;
    memcpy(wanted->sums, found.sums, wanted->sum_count * sizeof *found.sums);
    right = true;
cleanup:
    vgg_free(found.head);
    return right;
}

static int open_file(const char *path)
{
    char reason[VGG_CACHE_REASON];
    const vgg_cache_file kind = vgg_cache_file_check(path, reason);
    return kind == VGG_CACHE_FILE_WRITABLE || kind == VGG_CACHE_FILE_READ_ONLY
               ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
               : -1;
}

/* When it was used last is its time of change; a day is exact enough. */
static void note_use(int descriptor)
{
    struct stat info;
    if (fstat(descriptor, &info) == 0 && info.st_mtime / 86400 < time(NULL) / 86400)
        futimens(descriptor, NULL);
}

bool vgg_packed_read(const char *folder, const vgg_cache_key *key, int threads, void *data,
                     uint64_t bytes)
{
    bool found = false;
    front wanted = {0};
    char *path = NULL;
    vgg_file *file = NULL;
    if (folder == NULL || make_front(key, bytes, &wanted) != CLVGG_STATUS_OK)
        goto cleanup;
    path = path_of(folder, &wanted);
    const int descriptor = path != NULL ? open_file(path) : -1;
    if (descriptor < 0 || vgg_file_adopt(descriptor, path, &file) != CLVGG_STATUS_OK)
        goto cleanup;
    if (read_front(file, &wanted)) {
        reading r = {.file = file, .wanted = &wanted, .data = data};
        vgg_parallel(threads, (wanted.sum_count + PIECES_AT_ONCE - 1) / PIECES_AT_ONCE, read_pieces,
                     &r);
        found = !r.wrong;
    }
    if (found) {
        note_use(descriptor);
    } else {
        vgg_log(CLVGG_LOG_DEBUG, "%s: packed weights of %s are damaged", path, key->name);
        unlink(path);
    }
cleanup:
    vgg_file_close(file);
    vgg_free(path);
    vgg_free(wanted.head);
    return found;
}

bool vgg_packed_read_key(const char *path, vgg_cache_key *key, char **text)
{
    file_head head;
    vgg_file *file = NULL;
    bool read = false;
    *text = NULL;
    const int descriptor = open_file(path);
    if (descriptor < 0 || vgg_file_adopt(descriptor, path, &file) != CLVGG_STATUS_OK)
        return false;
    if (vgg_file_read(file, 0, &head, sizeof head) == CLVGG_STATUS_OK && head.mark == mark &&
        head.key_bytes <= MAX_KEY_BYTES &&
        (*text = vgg_calloc((size_t)head.key_bytes + 5, 1)) != NULL) {
        read = vgg_file_read(file, sizeof head, *text, (size_t)head.key_bytes) == CLVGG_STATUS_OK;
        const char *parts[5], *at = *text;
        for (int i = 0; i < 5; i++, at += strlen(at) + 1) /* five NULs are behind it */
            parts[i] = at;
        *key = (vgg_cache_key){parts[0], parts[1], parts[2], parts[3], parts[4]};
    }
    vgg_file_close(file);
    return read;
}

/* ---- writing ---- */

static bool write_all(int descriptor, const void *data, uint64_t bytes)
{
    const char *at = data;
    while (bytes > 0) {
        const size_t most = (size_t)1 << 30;
        const ssize_t done = write(descriptor, at, bytes < most ? (size_t)bytes : most);
        if (done < 0 && errno != EINTR)
            return false;
        at += done > 0 ? done : 0;
        bytes -= done > 0 ? (uint64_t)done : 0;
    }
    return true;
}

static void write_file(const char *path, const front *f, const void *data)
{
    const size_t capacity = strlen(path) + VGG_TEMPORARY_EXTRA;
    char *temporary = vgg_calloc(capacity, 1);
    const int descriptor = temporary != NULL ? vgg_temporary_create(path, temporary, capacity) : -1;
    if (descriptor >= 0) {
        const bool written = fchmod(descriptor, S_IRUSR | S_IWUSR) == 0 &&
                             write_all(descriptor, f->head, f->bytes) &&
                             write_all(descriptor, data, f->head->bytes) &&
                             rename(temporary, path) == 0;
        if (!written) {
            vgg_log(CLVGG_LOG_DEBUG, "%s: packed weights aren't kept: %s", path, strerror(errno));
            unlink(temporary);
        }
        close(descriptor);
    }
    vgg_free(temporary);
}

/* Says whether a file may be made at the path: there is none yet, or one of another size. */
static bool is_wanted(const char *path, uint64_t bytes)
{
    char reason[VGG_CACHE_REASON];
    struct stat info;
    const vgg_cache_file kind = vgg_cache_file_check(path, reason);
    return kind == VGG_CACHE_FILE_ABSENT ||
           (kind == VGG_CACHE_FILE_WRITABLE && stat(path, &info) == 0 &&
            (uint64_t)info.st_size != bytes);
}

void vgg_packed_write(const char *folder, uint64_t limit_bytes, const vgg_cache_key *key,
                      const void *data, uint64_t bytes)
{
    front f = {0};
    char *path = NULL;
    if (folder == NULL || make_front(key, bytes, &f) != CLVGG_STATUS_OK)
        goto cleanup;
    path = path_of(folder, &f);
    if (path == NULL || !vgg_packed_folder_make(folder) || !is_wanted(path, f.bytes + bytes) ||
        !vgg_packed_folder_make_room(folder, limit_bytes, f.bytes + bytes))
        goto cleanup;
    for (size_t i = 0; i < f.sum_count; i++)
        f.sums[i] = sum_piece(data, bytes, i);
    f.head->checksum = sum_front(&f);
    write_file(path, &f, data);
cleanup:
    vgg_free(path);
    vgg_free(f.head);
}

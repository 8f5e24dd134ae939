/* train/feature_folder.c — trust, locks and the limit of a folder of feature files.
 *
 * Everything goes through the folder's descriptor: what was checked is what is used. Locks are
 * those of open file descriptions (F_OFD_SETLK): two users in one process exclude each other as two
 * processes do, and closing another descriptor of the file drops none.
 */
#define _GNU_SOURCE /* F_OFD_SETLK */
#include "train/feature_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

enum { USE = 0, WRITE = 1 }; /* bytes that are locked */

static const char ending[] = ".features";

static double mib(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

/* ---- the folder ---- */

static clvgg_status fail_errno(const vgg_feature_folder *folder, const char *what)
{
    return vgg_fail(CLVGG_STATUS_IO, "%s: %s: %s", folder->path, what, strerror(errno));
}

/* Makes each folder on the way. Those that can't be made show when the last one is opened. */
static void make_folders(char *path)
{
    for (char *slash = path; (slash = strchr(slash + 1, '/')) != NULL;) {
        *slash = '\0';
        mkdir(path, S_IRWXU);
        *slash = '/';
    }
    mkdir(path, S_IRWXU);
}

static bool is_ours_alone(const struct stat *info)
{
    return (info->st_uid == geteuid() || info->st_uid == 0) &&
           (info->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

clvgg_status vgg_feature_folder_open(const char *path, uint64_t limit_bytes,
                                     vgg_feature_folder *folder)
{
    clvgg_status status = CLVGG_STATUS_OK;
    struct stat info;
    *folder = (vgg_feature_folder){.descriptor = -1, .limit_bytes = limit_bytes};
    VGG_REQUIRE(*path != '\0', CLVGG_STATUS_IO, "\"\": names no folder for features");
    VGG_DUP(folder->path, path);
    make_folders(folder->path);
    folder->descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->descriptor < 0 || fstat(folder->descriptor, &info) != 0) {
        status = fail_errno(folder, "can't keep features here");
        goto cleanup;
    }
    VGG_REQUIRE(is_ours_alone(&info), CLVGG_STATUS_IO,
                "%s: can't keep features here: other users can write to this folder", path);
cleanup:
    if (status != CLVGG_STATUS_OK)
        vgg_feature_folder_close(folder);
    return status;
}

void vgg_feature_folder_close(vgg_feature_folder *folder)
{
    if (folder->descriptor >= 0)
        close(folder->descriptor);
    vgg_free(folder->path);
    *folder = (vgg_feature_folder){.descriptor = -1};
}

/* ---- locks ---- */

/* F_RDLCK, F_WRLCK or F_UNLCK on a byte. False, with errno EAGAIN, where another is in the way. */
static bool lock_byte(int descriptor, off_t byte, short kind)
{
    struct flock lock = {.l_type = kind, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int result;
    do
        result = fcntl(descriptor, F_OFD_SETLK, &lock);
    while (result != 0 && errno == EINTR);
    if (result != 0 && errno == EACCES)
        errno = EAGAIN;
    return result == 0;
}

/* Asks without locking, which would get in the way of those who open the file. */
bool vgg_feature_is_alone(int descriptor)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = USE, .l_len = 1};
    return fcntl(descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

clvgg_status vgg_feature_lock(const vgg_feature_folder *folder, int descriptor, bool *locked)
{
    *locked = lock_byte(descriptor, WRITE, F_WRLCK);
    return *locked || errno == EAGAIN ? CLVGG_STATUS_OK
                                      : fail_errno(folder, "a feature file can't be locked");
}

void vgg_feature_unlock(int descriptor)
{
    lock_byte(descriptor, WRITE, F_UNLCK);
}

bool vgg_feature_take_alone(int descriptor)
{
    return lock_byte(descriptor, USE, F_WRLCK);
}

void vgg_feature_share(int descriptor)
{
    lock_byte(descriptor, USE, F_RDLCK);
}

/* ---- files ---- */

void vgg_feature_folder_name(const uint8_t digest[32], char name[VGG_FEATURE_NAME])
{
    for (int i = 0; i < 64; i++)
        name[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    memcpy(name + 64, ending, sizeof ending);
}

static bool is_feature_name(const char *name)
{
    return strlen(name) == VGG_FEATURE_NAME - 1 && strspn(name, "0123456789abcdef") == 64 &&
           strcmp(name + 64, ending) == 0;
}

/* True when the name leads to the file that the descriptor has open. */
static bool is_named(const vgg_feature_folder *folder, const char *name, int descriptor)
{
    struct stat there, here;
    return fstatat(folder->descriptor, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(descriptor, &here) == 0 && there.st_dev == here.st_dev &&
           there.st_ino == here.st_ino;
}

void vgg_feature_folder_drop(const vgg_feature_folder *folder, const char *name, int descriptor)
{
    if (is_named(folder, name, descriptor))
        unlinkat(folder->descriptor, name, 0);
}

static int open_file(const vgg_feature_folder *folder, const char *name, int more)
{
    int descriptor;
    do
        descriptor = openat(folder->descriptor, name,
                            O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | more,
                            S_IRUSR | S_IWUSR);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

clvgg_status vgg_feature_folder_take(const vgg_feature_folder *folder, const char *name, int *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    int descriptor = -1;
    struct stat info;
    /* Between opening and locking the file may have been removed by another, or be another's alone
     * for a moment. */
    for (int attempt = 0; attempt < 1000; attempt++) {
        descriptor = open_file(folder, name, O_CREAT);
        if (descriptor < 0 || fstat(descriptor, &info) != 0) {
            status = fail_errno(folder, "a feature file can't be opened");
            goto cleanup;
        }
        VGG_REQUIRE(S_ISREG(info.st_mode), CLVGG_STATUS_IO, "%s/%s: is no regular file",
                    folder->path, name);
        bool trusted = is_ours_alone(&info);
        bool locked = lock_byte(descriptor, USE, F_RDLCK);
        if (!locked && errno != EAGAIN) {
            status = fail_errno(folder, "a feature file can't be locked");
            goto cleanup;
        }
        if (locked && trusted && is_named(folder, name, descriptor))
            break;
        if (!trusted) /* others could have written to it */
            vgg_feature_folder_drop(folder, name, descriptor);
        close(descriptor);
        descriptor = -1;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    VGG_REQUIRE(descriptor >= 0, CLVGG_STATUS_IO, "%s/%s: another process doesn't let go of it",
                folder->path, name);
    futimens(descriptor, NULL); /* used now */
    *out = descriptor;
    descriptor = -1;
cleanup:
    if (descriptor >= 0)
        close(descriptor);
    return status;
}

/* ---- the limit ---- */

typedef struct listed_file {
    char name[VGG_FEATURE_NAME];
    uint64_t bytes;
    struct timespec used;
} listed_file;

typedef struct listing {
    listed_file *files; /* all but `name` */
    size_t count, capacity;
    uint64_t own_bytes, busy_bytes, idle_bytes; /* of `name`; of the others */
    uint64_t disk_bytes;                        /* free */
} listing;

static clvgg_status list_file(const vgg_feature_folder *folder, listing *list, const char *name)
{
    struct stat info;
    int descriptor = open_file(folder, name, 0);
    bool regular = descriptor >= 0 && fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
    bool idle = regular && vgg_feature_is_alone(descriptor);
    if (descriptor >= 0)
        close(descriptor);
    if (!regular)
        return CLVGG_STATUS_OK;
    VGG_GROW_PASS(list->files, list->count, list->capacity, 16);
    listed_file *file = &list->files[list->count++];
    *file = (listed_file){.bytes = (uint64_t)info.st_size, .used = info.st_mtim};
    memcpy(file->name, name, VGG_FEATURE_NAME);
    *(idle ? &list->idle_bytes : &list->busy_bytes) += file->bytes;
    return CLVGG_STATUS_OK;
}

static int compare_use(const void *a, const void *b)
{
    const struct timespec *x = &((const listed_file *)a)->used,
                          *y = &((const listed_file *)b)->used;
    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

/* The other files, least recently used first. list->files is the caller's to free. */
static clvgg_status list_files(const vgg_feature_folder *folder, const char *own, listing *list)
{
    clvgg_status status = CLVGG_STATUS_OK;
    struct statvfs disk;
    struct stat info;
    int descriptor = openat(folder->descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = descriptor >= 0 ? fdopendir(descriptor) : NULL;
    if (stream == NULL || fstatvfs(folder->descriptor, &disk) != 0) {
        status = fail_errno(folder, "can't be listed");
        if (stream == NULL && descriptor >= 0)
            close(descriptor);
        goto cleanup;
    }
    list->disk_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (fstatat(folder->descriptor, own, &info, AT_SYMLINK_NOFOLLOW) == 0)
        list->own_bytes = (uint64_t)info.st_size;
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
        if (is_feature_name(entry->d_name) && strcmp(entry->d_name, own) != 0)
            VGG_TRY(list_file(folder, list, entry->d_name));
    if (list->count > 0)
        qsort(list->files, list->count, sizeof *list->files, compare_use);
cleanup:
    if (stream != NULL)
        closedir(stream);
    return status;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Bytes that the folder's limit leaves (below: that the disk leaves) once all idle files are
 * removed. */
static uint64_t limit_room(const vgg_feature_folder *folder, const listing *list)
{
    return less(folder->limit_bytes, list->own_bytes + list->busy_bytes);
}

static uint64_t disk_room(const listing *list)
{
    return list->disk_bytes + list->idle_bytes;
}

clvgg_status vgg_feature_folder_room(const vgg_feature_folder *folder, const char *name,
                                     uint64_t *bytes)
{
    listing list = {0};
    clvgg_status status = list_files(folder, name, &list);
    if (status == CLVGG_STATUS_OK) {
        const uint64_t limit = limit_room(folder, &list), disk = disk_room(&list);
        *bytes = limit < disk ? limit : disk;
    }
    vgg_free(list.files);
    return status;
}

static bool remove_if_idle(const vgg_feature_folder *folder, const listed_file *file)
{
    int descriptor = open_file(folder, file->name, 0);
    const bool removed = descriptor >= 0 && vgg_feature_take_alone(descriptor) &&
                         is_named(folder, file->name, descriptor) &&
                         unlinkat(folder->descriptor, file->name, 0) == 0;
    if (descriptor >= 0)
        close(descriptor);
    return removed;
}

static clvgg_status require_room(const vgg_feature_folder *folder, const listing *list,
                                 uint64_t bytes)
{
    const uint64_t by_limit = limit_room(folder, list), by_disk = disk_room(list);
    VGG_CHECK(bytes <= by_limit, CLVGG_STATUS_IO,
              "%s: features need %.1f MiB more, the folder's limit of %.1f MiB leaves %.1f MiB",
              folder->path, mib(bytes), mib(folder->limit_bytes), mib(by_limit));
    VGG_CHECK(bytes <= by_disk, CLVGG_STATUS_IO,
              "%s: features need %.1f MiB more, the disk has %.1f MiB left", folder->path,
              mib(bytes), mib(by_disk));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_feature_folder_require(const vgg_feature_folder *folder, const char *name,
                                        uint64_t bytes)
{
    listing list = {0};
    clvgg_status status = list_files(folder, name, &list);
    if (status == CLVGG_STATUS_OK)
        status = require_room(folder, &list, bytes);
    vgg_free(list.files);
    return status;
}

clvgg_status vgg_feature_folder_reserve(const vgg_feature_folder *folder, const char *name,
                                        uint64_t bytes)
{
    clvgg_status status = CLVGG_STATUS_OK;
    listing list = {0};
    VGG_TRY(list_files(folder, name, &list));
    VGG_TRY(require_room(folder, &list, bytes));
    const uint64_t held = list.own_bytes + list.busy_bytes + list.idle_bytes;
    const uint64_t by_limit = less(held + bytes, folder->limit_bytes);
    const uint64_t by_disk = less(bytes, list.disk_bytes);
    const uint64_t wanted = by_limit > by_disk ? by_limit : by_disk;
    uint64_t freed = 0;
    for (size_t i = 0; i < list.count && freed < wanted; i++) {
        const listed_file *file = &list.files[i];
        if (!remove_if_idle(folder, file))
            continue;
        freed += file->bytes;
        vgg_log(CLVGG_LOG_INFO, "features: %s/%s removed, %.1f MiB, to make room", folder->path,
                file->name, mib(file->bytes));
    }
    VGG_REQUIRE(bytes == 0 || freed >= wanted, CLVGG_STATUS_IO,
                "%s: features need %.1f MiB more, but files that should make room are in use",
                folder->path, mib(bytes));
cleanup:
    vgg_free(list.files);
    return status;
}

clvgg_status vgg_feature_folder_visit(const char *path, bool remove, vgg_feature_visitor visit,
                                      void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_feature_folder folder = {.descriptor = -1};
    listing list = {0};
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return status;
    VGG_TRY(vgg_feature_folder_open(path, UINT64_MAX, &folder));
    VGG_TRY(list_files(&folder, "", &list));
    for (size_t i = list.count; i-- > 0;) {
        const listed_file *file = &list.files[i];
        if (!remove || remove_if_idle(&folder, file))
            visit(user, file->name, file->bytes, file->used.tv_sec);
    }
cleanup:
    vgg_free(list.files);
    vgg_feature_folder_close(&folder);
    return status;
}

/* base/temporary.c — temporary files are numbered, and locked while they are written. A kill leaves
 * a file that nobody locks, and the next writer of the same target removes it: they don't pile up.
 * Where locks don't work none is removed; names behind the numbered ones are drawn. */
#include "base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NUMBERED = 16 };

static bool is_locked_here(int descriptor, const char *path)
{
    struct stat ours, there;
    return fstat(descriptor, &ours) == 0 && lstat(path, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* The lock is held meanwhile, so that a writer that has just made a file of this name keeps it. */
bool vgg_temporary_remove_abandoned(const char *path)
{
    int descriptor = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0)
        return errno != ENOENT;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && is_locked_here(descriptor, path))
        unlink(path);
    close(descriptor);
    return true;
}

/* Makes a file that wasn't there and locks it. errno says why not. */
static int create_locked(const char *path)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOCTTY | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return -1;
    const bool locked = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    if (locked ? is_locked_here(descriptor, path) : errno != EWOULDBLOCK)
        return descriptor; /* or locks don't work here */
    close(descriptor);     /* another took it for abandoned, between the two calls */
    errno = EEXIST;
    return -1;
}

static void name_file(const char *target, uint32_t attempt, char *path, size_t capacity)
{
    const char *slash = strrchr(target, '/');
    const int folder = slash != NULL ? (int)(slash - target) + 1 : 0;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint32_t drawn = (uint32_t)now.tv_nsec * 2654435761u ^ (uint32_t)getpid() << 8 ^ attempt;
    snprintf(path, capacity, "%.*s.%.200s.clvgg%" PRIu32 ".tmp", folder, target, target + folder,
             attempt < NUMBERED ? attempt : drawn);
}

static void remove_all_abandoned(const char *target, char *path, size_t capacity)
{
    int absent = 0; /* in a row: of two writers that were killed the first may be gone */
    for (uint32_t i = 0; i < NUMBERED && absent < 2; i++) {
        name_file(target, i, path, capacity);
        absent = vgg_temporary_remove_abandoned(path) ? 0 : absent + 1;
    }
}

int vgg_temporary_create(const char *target, char *path, size_t capacity)
{
    int descriptor = -1;
    remove_all_abandoned(target, path, capacity);
    for (uint32_t attempt = 0; attempt < 100 && descriptor < 0; attempt++) {
        name_file(target, attempt, path, capacity);
        descriptor = create_locked(path);
        if (descriptor < 0 && errno != EINTR && errno != EEXIST)
            break;
    }
    return descriptor;
}

int vgg_temporary_create_nameless(const char **folder)
{
    static const char *const folders[] = {"/var/tmp", "/tmp"};
    char path[32];
    int descriptor = -1;
    for (size_t i = 0; i < 2 && descriptor < 0; i++) {
        *folder = folders[i];
        snprintf(path, sizeof path, "%s/clvgg-XXXXXX", folders[i]);
        descriptor = mkstemp(path);
    }
    if (descriptor >= 0) {
        unlink(path);
        fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    }
    return descriptor;
}

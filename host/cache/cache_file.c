/* cache/cache_file.c — looks at the cache's file and folder before anything in them is believed.
 *
 * A check by name is sound here because the folder, once checked, can be changed by its owner only.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "cache/cache_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"

/* Without the slashes at its end, behind which a symbolic link would be followed. */
char *vgg_cache_file_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return vgg_strdup(".");
    while (slash > path && slash[-1] == '/')
        slash--;
    return slash == path ? vgg_strdup("/") : vgg_strndup(path, (size_t)(slash - path));
}

static bool is_trusted_owner(const struct stat *info)
{
    return info->st_uid == geteuid() || info->st_uid == 0;
}

static bool others_may_write(const struct stat *info)
{
    return (info->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

/* Says what is wrong with a folder or file; NULL when nothing is. */
static const char *distrust(const struct stat *info, mode_t kind)
{
    if ((info->st_mode & S_IFMT) != kind)
        return S_ISLNK(info->st_mode) ? "is a symbolic link" : "is of the wrong kind";
    return is_trusted_owner(info) ? NULL : "belongs to another user";
}

static vgg_cache_file refuse(char reason[VGG_CACHE_REASON], const char *what, const char *why)
{
    snprintf(reason, VGG_CACHE_REASON, "%s %s", what, why);
    return VGG_CACHE_FILE_REFUSED;
}

static vgg_cache_file check_file(const char *path, char reason[VGG_CACHE_REASON])
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? VGG_CACHE_FILE_ABSENT : refuse(reason, "it:", strerror(errno));
    const char *wrong = distrust(&info, S_IFREG);
    if (wrong != NULL)
        return refuse(reason, "it", wrong);
    if (others_may_write(&info))
        return unlink(path) == 0 ? VGG_CACHE_FILE_ABSENT
                                 : refuse(reason, "it", "can be written by other users");
    const bool writable = (info.st_mode & S_IWUSR) != 0 && access(path, W_OK) == 0;
    if (writable && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        chmod(path, S_IRUSR | S_IWUSR);
    return writable ? VGG_CACHE_FILE_WRITABLE : VGG_CACHE_FILE_READ_ONLY;
}

vgg_cache_file vgg_cache_file_check(const char *path, char reason[VGG_CACHE_REASON])
{
    struct stat info;
    char *folder = vgg_cache_file_folder(path);
    if (folder == NULL)
        return refuse(reason, "no", "memory");
    vgg_cache_file found = VGG_CACHE_FILE_ABSENT;
    const char *wrong = NULL;
    if (lstat(folder, &info) != 0) {
        if (errno != ENOENT)
            found = refuse(reason, "its folder:", strerror(errno));
    } else if ((wrong = distrust(&info, S_IFDIR)) != NULL) {
        found = refuse(reason, "its folder", wrong);
    } else if (others_may_write(&info)) {
        found = refuse(reason, "its folder", "can be written by other users");
    } else {
        found = check_file(path, reason);
    }
    vgg_free(folder);
    return found;
}

/* True when the folder is there at the end. */
static bool make_folder(const char *folder)
{
    return mkdir(folder, S_IRWXU) == 0 || errno == EEXIST;
}

static bool make_folders(const char *path)
{
    char *folder = vgg_cache_file_folder(path);
    char *above = folder != NULL ? vgg_cache_file_folder(folder) : NULL;
    const bool made =
        above != NULL &&
        (make_folder(folder) || (errno == ENOENT && make_folder(above) && make_folder(folder)));
    const int error = errno; /* which freeing may change */
    vgg_free(above);
    vgg_free(folder);
    errno = error;
    return made;
}

bool vgg_cache_file_make(const char *path, char reason[VGG_CACHE_REASON])
{
    int descriptor = -1;
    if (make_folders(path) && vgg_cache_file_check(path, reason) == VGG_CACHE_FILE_REFUSED)
        return false;
    /* Never opens a file that is there: closing it would drop the locks that this process holds. */
    descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor >= 0)
        close(descriptor);
    else if (errno != EEXIST)
        refuse(reason, "it can't be made:", strerror(errno));
    return descriptor >= 0 || errno == EEXIST;
}

char *vgg_cache_file_resolve(const char *path)
{
    char *folder = vgg_cache_file_folder(path);
    char *resolved = folder != NULL ? realpath(folder, NULL) : NULL;
    const char *slash = strrchr(path, '/');
    vgg_text text = {0};
    if (resolved != NULL)
        vgg_text_printf(&text, "%s/%s", resolved, slash != NULL ? slash + 1 : path);
    free(resolved);
    vgg_free(folder);
    if (text.failed)
        vgg_text_free(&text);
    return text.bytes;
}

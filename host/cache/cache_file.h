/* cache/cache_file.h — whether a cache file may be trusted: what is in it will be executed. */
#ifndef VGG_CACHE_CACHE_FILE_H
#define VGG_CACHE_CACHE_FILE_H

#include <stdbool.h>

typedef enum vgg_cache_file {
    VGG_CACHE_FILE_ABSENT,
    VGG_CACHE_FILE_WRITABLE,
    VGG_CACHE_FILE_READ_ONLY,
    VGG_CACHE_FILE_REFUSED
} vgg_cache_file;

enum { VGG_CACHE_REASON = 200 };

/* Looks at the file and its folder. Both must belong to this user (or root), be writable by no
 * other user and be no symbolic links; folders above are not looked at. A file of this user that
 * others could write is removed, so ABSENT. REFUSED: `reason` says why. */
vgg_cache_file vgg_cache_file_check(const char *path, char reason[VGG_CACHE_REASON]);
/* Makes an empty file that only this user can read, and its folder and the one above where they are
 * missing. False with a reason. */
bool vgg_cache_file_make(const char *path, char reason[VGG_CACHE_REASON]);
/* The folder of a path: "a/b" of "a/b//c", "." of "c"; NULL without memory. Freed by vgg_free(). */
char *vgg_cache_file_folder(const char *path);
/* The path with every symbolic link above its folder resolved, for those who follow none at all;
 * NULL when that fails. Freed by vgg_free(). */
char *vgg_cache_file_resolve(const char *path);

#endif

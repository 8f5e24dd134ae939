/* cache/packed_folder.c — see packed_folder.h. The time of a file's last change is that of its last
 * use.
 */
#include "cache/packed_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/temporary.h"
#include "base/text.h"
#include "cache/packed_file.h"

typedef struct packed_file {
    char *path;
    uint64_t bytes;
    int64_t used; /* seconds since 1970 */
} packed_file;

typedef struct packed_list {
    packed_file *files;
    size_t count, capacity;
} packed_list;

static void free_list(packed_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        vgg_free(list->files[i].path);
    vgg_free(list->files);
    *list = (packed_list){0};
}

static bool ends_with(const char *name, const char *ending)
{
    const size_t length = strlen(name), wanted = strlen(ending);
    return length > wanted && strcmp(name + length - wanted, ending) == 0;
}

static clvgg_status add_file(packed_list *list, const char *folder, const char *name)
{
    clvgg_status status = CLVGG_STATUS_OK;
    struct stat info;
    vgg_text path = {0};
    vgg_text_printf(&path, "%s/%s", folder, name);
    VGG_TRY(vgg_text_check(&path, "a path"));
    if (name[0] == '.') { /* of a writer that may be alive */
        vgg_temporary_remove_abandoned(path.bytes);
    } else if (lstat(path.bytes, &info) == 0 && S_ISREG(info.st_mode)) {
        VGG_GROW_PASS(list->files, list->count, list->capacity, 16);
        list->files[list->count++] =
            (packed_file){path.bytes, (uint64_t)info.st_size, (int64_t)info.st_mtime};
        path = (vgg_text){0};
    }
cleanup:
    vgg_text_free(&path);
    return status;
}

static int compare_uses(const void *a, const void *b)
{
    const packed_file *left = a, *right = b;
    if (left->used != right->used)
        return left->used < right->used ? 1 : -1;
    return strcmp(left->path, right->path);
}

/* The files, the last used first. */
static clvgg_status list_files(const char *folder, packed_list *list)
{
    clvgg_status status = CLVGG_STATUS_OK;
    DIR *open = folder != NULL ? opendir(folder) : NULL;
    if (open == NULL)
        return folder == NULL || errno == ENOENT
                   ? CLVGG_STATUS_OK
                   : vgg_fail(CLVGG_STATUS_IO, "%s: can't be read: %s", folder, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(open)) != NULL;)
        if (ends_with(entry->d_name, VGG_PACKED_ENDING) ||
            (strstr(entry->d_name, VGG_PACKED_ENDING) != NULL && ends_with(entry->d_name, ".tmp")))
            VGG_TRY(add_file(list, folder, entry->d_name));
    if (list->count > 0)
        qsort(list->files, list->count, sizeof *list->files, compare_uses);
cleanup:
    closedir(open);
    return status;
}

bool vgg_packed_folder_make(const char *folder)
{
    return mkdir(folder, S_IRWXU) == 0 || errno == EEXIST;
}

bool vgg_packed_folder_make_room(const char *folder, uint64_t limit_bytes, uint64_t bytes)
{
    packed_list list = {0};
    struct statvfs disk;
    bool room = bytes <= limit_bytes && list_files(folder, &list) == CLVGG_STATUS_OK;
    uint64_t kept = bytes;
    for (size_t i = 0; room && i < list.count; i++) {
        if (list.files[i].bytes > limit_bytes - kept)
            unlink(list.files[i].path);
        else
            kept += list.files[i].bytes;
    }
    /* As much again is left to others. */
    room =
        room && statvfs(folder, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize / 2 >= bytes;
    free_list(&list);
    return room;
}

static void visit_file(const packed_file *file, vgg_cache_visitor visit, void *user)
{
    char *text = NULL;
    vgg_cache_record record = {.bytes = file->bytes, .used_day = file->used / 86400};
    if (!vgg_packed_read_key(file->path, &record.key, &text) ||
        strcmp(record.key.kind, VGG_PACKED_KIND) != 0)
        record.key = (vgg_cache_key){VGG_PACKED_KIND, "", strrchr(file->path, '/') + 1, "", ""};
    visit(user, &record);
    vgg_free(text);
}

clvgg_status vgg_packed_folder_visit(const char *folder, bool remove, vgg_cache_visitor visit,
                                     void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    packed_list list = {0};
    VGG_TRY(list_files(folder, &list));
    for (size_t i = 0; i < list.count; i++) {
        if (!remove) {
            visit_file(&list.files[i], visit, user);
            continue;
        }
        if (unlink(list.files[i].path) == 0) {
            const vgg_cache_record record = {
                {VGG_PACKED_KIND, "", strrchr(list.files[i].path, '/') + 1, "", ""},
                list.files[i].bytes,
                list.files[i].used / 86400};
            visit(user, &record);
        } else if (errno != ENOENT) {
            status = vgg_fail(CLVGG_STATUS_IO, "%s: can't be removed: %s", list.files[i].path,
                              strerror(errno));
        }
    }
cleanup:
    free_list(&list);
    return status;
}

/* pipeline/paths.c — walks folders for images. */
#include "pipeline/paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/alloc.h"

/* A folder being walked and those around it, to recognise a link that leads back. */
typedef struct ancestor {
    const struct ancestor *parent;
    dev_t device;
    ino_t inode;
} ancestor;

static bool has_image_name(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (length >= ending && strcasecmp(name + length - ending, endings[i]) == 0)
            return true;
    }
    return false;
}

static clvgg_status append(vgg_path_list *list, const char *path, int problem)
{
    clvgg_status status = CLVGG_STATUS_OK;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        vgg_path_entry *grown = vgg_realloc(list->entries, capacity, sizeof *grown);
        if (grown == NULL)
            return CLVGG_STATUS_OUT_OF_MEMORY;
        list->entries = grown;
        list->capacity = capacity;
    }
    size_t offset = list->text.length;
    vgg_text_append(&list->text, path, strlen(path) + 1);
    VGG_REQUIRE(!list->text.failed, CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for paths");
    list->entries[list->count++] = (vgg_path_entry){offset, problem};
cleanup:
    return status;
}

static bool is_inside(const ancestor *folder, const struct stat *info)
{
    for (; folder != NULL; folder = folder->parent)
        if (folder->device == info->st_dev && folder->inode == info->st_ino)
            return true;
    return false;
}

static clvgg_status walk(vgg_path_list *list, const char *folder, const ancestor *parent,
                         bool every);

/* One entry of a folder that is being walked; `problem` is why nothing is known of it, or 0. */
static clvgg_status visit(vgg_path_list *list, const char *path, const char *name,
                          const struct stat *info, int problem, const ancestor *here, bool every)
{
    bool is_folder = problem == 0 && S_ISDIR(info->st_mode);
    bool is_file = problem == 0 && S_ISREG(info->st_mode);
    if (every && name[0] == '.')
        return append(list, path, VGG_PATH_HIDDEN);
    if (is_folder && !is_inside(here, info))
        return walk(list, path, here, every);
    if (is_folder)
        return every ? append(list, path, VGG_PATH_LOOP) : CLVGG_STATUS_OK;
    if (every)
        return append(list, path, is_file || problem != 0 ? problem : VGG_PATH_SPECIAL);
    return has_image_name(name) && (is_file || problem != 0) ? append(list, path, 0)
                                                             : CLVGG_STATUS_OK;
}

static clvgg_status append_folder(vgg_path_list *list, const char *folder, int problem, bool slash)
{
    vgg_text path = {0};
    vgg_text_printf(&path, "%s%s", folder, slash ? "/" : "");
    clvgg_status status =
        path.failed ? CLVGG_STATUS_OUT_OF_MEMORY : append(list, path.bytes, problem);
    vgg_text_free(&path);
    return status;
}

/* Depth is bounded by the longest path the system opens; a frame is a few hundred bytes. `every`:
 * as vgg_path_list_add_all() has it. */
static clvgg_status walk(vgg_path_list *list, const char *folder, const ancestor *parent,
                         bool every)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text path = {0};
    struct stat info;
    bool ends_in_slash = folder[strlen(folder) - 1] == '/';
    bool slash = every && !ends_in_slash;
    size_t before = list->count;
    DIR *handle = opendir(folder);
    if (handle == NULL || fstat(dirfd(handle), &info) != 0) {
        VGG_TRY(append_folder(list, folder, errno, slash));
        goto cleanup;
    }
    ancestor here = {parent, info.st_dev, info.st_ino};
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(handle);
        if (entry == NULL)
            break;
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        path.length = 0;
        vgg_text_printf(&path, "%s%s%s", folder, ends_in_slash ? "" : "/", name);
        VGG_REQUIRE(!path.failed, CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for paths");
        int problem = fstatat(dirfd(handle), name, &info, 0) == 0 ? 0 : errno;
        VGG_TRY(visit(list, path.bytes, name, &info, problem, &here, every));
    }
    if (errno != 0)
        VGG_TRY(append_folder(list, folder, errno, slash));
    else if (every && list->count == before)
        VGG_TRY(append_folder(list, folder, VGG_PATH_NO_IMAGES, slash));
cleanup:
    if (handle != NULL)
        closedir(handle);
    vgg_text_free(&path);
    return status;
}

/* Sorting needs the text, and qsort() passes no context: whole pointers are sorted instead. */
typedef struct sortable {
    const char *path;
    vgg_path_entry entry;
} sortable;

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const sortable *)a)->path, ((const sortable *)b)->path);
}

static clvgg_status sort_from(vgg_path_list *list, size_t first)
{
    clvgg_status status = CLVGG_STATUS_OK;
    sortable *items = NULL;
    size_t count = list->count - first;
    VGG_NEW(items, count);
    for (size_t i = 0; i < count; i++)
        items[i] = (sortable){vgg_path_list_at(list, first + i), list->entries[first + i]};
    qsort(items, count, sizeof *items, compare_paths);
    for (size_t i = 0; i < count; i++)
        list->entries[first + i] = items[i].entry;
cleanup:
    vgg_free(items);
    return status;
}

clvgg_status vgg_path_list_add(vgg_path_list *list, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return append(list, path, 0);
    size_t first = list->count;
    clvgg_status status = walk(list, path, NULL, false);
    if (status == CLVGG_STATUS_OK && list->count == first)
        status = append(list, path, VGG_PATH_NO_IMAGES);
    return status == CLVGG_STATUS_OK ? sort_from(list, first) : status;
}

clvgg_status vgg_path_list_add_all(vgg_path_list *list, const char *folder)
{
    size_t first = list->count;
    clvgg_status status = walk(list, folder, NULL, true);
    return status == CLVGG_STATUS_OK ? sort_from(list, first) : status;
}

const char *vgg_path_list_at(const vgg_path_list *list, size_t index)
{
    return list->text.bytes + list->entries[index].offset;
}

clvgg_status vgg_path_list_fail(const vgg_path_list *list, size_t index)
{
    const char *path = vgg_path_list_at(list, index);
    int problem = list->entries[index].problem;
    if (problem == VGG_PATH_NO_IMAGES)
        return vgg_fail(CLVGG_STATUS_NOT_FOUND, "%s: no .png, .jpg or .jpeg file in this folder",
                        path);
    char reason[128];
    if (strerror_r(problem, reason, sizeof reason) != 0)
        reason[0] = '\0';
    return vgg_fail(CLVGG_STATUS_IO, "%s: can't read the folder: %s", path, reason);
}

void vgg_path_list_free(vgg_path_list *list)
{
    vgg_free(list->entries);
    vgg_text_free(&list->text);
    *list = (vgg_path_list){0};
}

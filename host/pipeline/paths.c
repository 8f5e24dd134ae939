/* pipeline/paths.c — lists of paths, in order. */
#include "pipeline/paths.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "pipeline/paths_walk.h"

clvgg_status vgg_path_list_append(vgg_path_list *list, const char *path, int problem)
{
    VGG_GROW_PASS(list->entries, list->count, list->capacity, 64);
    size_t offset = list->text.length;
    vgg_text_append(&list->text, path, strlen(path) + 1);
    VGG_CHECK(!list->text.failed, CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for paths");
    list->entries[list->count++] = (vgg_path_entry){offset, problem};
    return CLVGG_STATUS_OK;
}

void vgg_path_list_drop_last(vgg_path_list *list)
{
    list->text.length = list->entries[--list->count].offset;
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

clvgg_status vgg_path_list_sort(vgg_path_list *list, size_t first)
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
        return vgg_path_list_append(list, path, 0);
    size_t first = list->count;
    clvgg_status status = vgg_paths_walk(list, path, false);
    if (status == CLVGG_STATUS_OK && list->count == first)
        status = vgg_path_list_append(list, path, VGG_PATH_NO_IMAGES);
    return status == CLVGG_STATUS_OK ? vgg_path_list_sort(list, first) : status;
}

clvgg_status vgg_path_list_add_all(vgg_path_list *list, const char *folder)
{
    size_t first = list->count;
    clvgg_status status = vgg_paths_walk(list, folder, true);
    return status == CLVGG_STATUS_OK ? vgg_path_list_sort(list, first) : status;
}

void vgg_path_list_thin(vgg_path_list *list, size_t most)
{
    if (list->count <= most)
        return;
    for (size_t i = 0; i < most; i++)
        list->entries[i] = list->entries[(size_t)((double)i * (double)list->count / (double)most)];
    list->count = most;
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
        return vgg_fail(CLVGG_STATUS_NOT_FOUND, "%s: no image file in this folder", path);
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

/* pipeline/paths_walk.c — see paths_walk.h.
 *
 * A folder is known by its device and inode. All that are below the first one without links come
 * first, links to others then in bytewise order: a folder that links lead to as well keeps the path
 * it has without them, whatever the order in which the system lists names. None is open while
 * another is read.
 */
#include "pipeline/paths_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "image/image.h"

typedef struct folder_id {
    dev_t device;
    ino_t inode;
    bool used;
} folder_id;

typedef struct walk {
    vgg_path_list *list;
    bool every;
    vgg_path_list folders, links; /* to be read; links lead to folders */
    folder_id *seen;              /* [seen_capacity], by hash, or the next free place behind */
    size_t seen_count, seen_capacity;
} walk;

static folder_id *find_place(folder_id *seen, size_t capacity, dev_t device, ino_t inode)
{
    uint64_t hash = vgg_hash_number(vgg_hash_number(VGG_HASH_START, inode), device);
    size_t at = (hash ^ hash >> 32) & (capacity - 1);
    while (seen[at].used && (seen[at].device != device || seen[at].inode != inode))
        at = (at + 1) & (capacity - 1);
    return &seen[at];
}

static clvgg_status make_room(walk *w)
{
    const size_t capacity = w->seen_capacity > 0 ? 2 * w->seen_capacity : 64;
    folder_id *larger = NULL;
    VGG_NEW_PASS(larger, capacity);
    for (size_t i = 0; i < w->seen_capacity; i++)
        if (w->seen[i].used)
            *find_place(larger, capacity, w->seen[i].device, w->seen[i].inode) = w->seen[i];
    vgg_free(w->seen);
    w->seen = larger;
    w->seen_capacity = capacity;
    return CLVGG_STATUS_OK;
}

/* Notes a folder; *is_new is false for one that was noted before. */
static clvgg_status note(walk *w, const struct stat *info, bool *is_new)
{
    if (2 * w->seen_count >= w->seen_capacity && make_room(w) != CLVGG_STATUS_OK)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    folder_id *place = find_place(w->seen, w->seen_capacity, info->st_dev, info->st_ino);
    *is_new = !place->used;
    w->seen_count += *is_new;
    *place = (folder_id){info->st_dev, info->st_ino, true};
    return CLVGG_STATUS_OK;
}

/* An entry of an open folder, with its whole path. */
static clvgg_status visit(walk *w, int folder, const char *name, const char *path)
{
    struct stat info, link;
    const int problem = fstatat(folder, name, &info, 0) == 0 ? 0 : errno;
    const bool is_file = problem == 0 && S_ISREG(info.st_mode), hidden = name[0] == '.';
    if (w->every && hidden)
        return vgg_path_list_append(w->list, path, VGG_PATH_HIDDEN);
    if (problem == 0 && S_ISDIR(info.st_mode)) {
        const bool is_link =
            fstatat(folder, name, &link, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(link.st_mode);
        return vgg_path_list_append(is_link ? &w->links : &w->folders, path, 0);
    }
    if (w->every)
        return vgg_path_list_append(w->list, path,
                                    is_file || problem != 0 ? problem : VGG_PATH_SPECIAL);
    if (vgg_image_is_named(name) && (is_file || problem != 0))
        return vgg_path_list_append(w->list, path, 0);
    if (!hidden)
        vgg_path_skip(&w->list->skipped, name);
    return CLVGG_STATUS_OK;
}

static clvgg_status append_folder(const walk *w, const char *folder, int problem)
{
    vgg_text path = {0};
    const bool slash = w->every && folder[strlen(folder) - 1] != '/';
    vgg_text_printf(&path, "%s%s", folder, slash ? "/" : "");
    clvgg_status status = path.failed ? CLVGG_STATUS_OUT_OF_MEMORY
                                      : vgg_path_list_append(w->list, path.bytes, problem);
    vgg_text_free(&path);
    return status;
}

static clvgg_status read_entries(walk *w, const char *folder, DIR *handle)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text path = {0};
    bool is_empty = true;
    const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(handle);
        if (entry == NULL)
            break;
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        is_empty = false;
        path.length = 0;
        vgg_text_printf(&path, "%s%s%s", folder, slash, name);
        VGG_REQUIRE(!path.failed, CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for paths");
        VGG_TRY(visit(w, dirfd(handle), name, path.bytes));
    }
    if (errno != 0)
        VGG_TRY(append_folder(w, folder, errno));
    else if (w->every && is_empty)
        VGG_TRY(append_folder(w, folder, VGG_PATH_NO_IMAGES));
cleanup:
    vgg_text_free(&path);
    return status;
}

static clvgg_status read_folder(walk *w, const char *folder)
{
    clvgg_status status = CLVGG_STATUS_OK;
    struct stat info;
    bool is_new = false;
    DIR *handle = opendir(folder);
    if (handle == NULL || fstat(dirfd(handle), &info) != 0) {
        VGG_TRY(append_folder(w, folder, errno));
        goto cleanup;
    }
    VGG_TRY(note(w, &info, &is_new));
    if (is_new)
        VGG_TRY(read_entries(w, folder, handle));
    else if (w->every)
        VGG_TRY(vgg_path_list_append(w->list, folder, VGG_PATH_AGAIN));
cleanup:
    if (handle != NULL)
        closedir(handle);
    return status;
}

/* Reads a folder and all below it that no link leads to. */
static clvgg_status read_tree(walk *w, const char *folder)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text path = {0};
    VGG_TRY(vgg_path_list_append(&w->folders, folder, 0));
    while (w->folders.count > 0) {
        path.length = 0;
        vgg_text_puts(&path, vgg_path_list_at(&w->folders, w->folders.count - 1));
        VGG_REQUIRE(!path.failed, CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for paths");
        vgg_path_list_drop_last(&w->folders);
        VGG_TRY(read_folder(w, path.bytes));
    }
cleanup:
    vgg_text_free(&path);
    return status;
}

clvgg_status vgg_paths_walk(vgg_path_list *list, const char *folder, bool every)
{
    clvgg_status status = CLVGG_STATUS_OK;
    walk w = {.list = list, .every = every};
    VGG_TRY(read_tree(&w, folder));
    while (w.links.count > 0) { /* those behind them lead further */
        vgg_path_list round = w.links;
        w.links = (vgg_path_list){0};
        status = vgg_path_list_sort(&round, 0);
        for (size_t i = 0; i < round.count && status == CLVGG_STATUS_OK; i++)
            status = read_tree(&w, vgg_path_list_at(&round, i));
        vgg_path_list_free(&round);
        VGG_TRY(status);
    }
cleanup:
    vgg_path_list_free(&w.folders);
    vgg_path_list_free(&w.links);
    vgg_free(w.seen);
    return status;
}

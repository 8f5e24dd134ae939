/* weights/parts.c — the files that a network is read from, known by what they are and not by their
 * names, so that nobody replaces one of them by what is made of it.
 */
#include <dirent.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "weights/format.h"

static clvgg_status add_part(vgg_weights *weights, vgg_file_id part)
{
    VGG_GROW_PASS(weights->parts, weights->part_count, weights->part_capacity, 4);
    weights->parts[weights->part_count++] = part;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_weights_add_part(vgg_weights *weights, const vgg_file *file)
{
    return add_part(weights, vgg_file_identity(file));
}

clvgg_status vgg_weights_open_part(vgg_weights *weights, const char *path, vgg_file **out)
{
    VGG_PASS(vgg_file_open(path, out));
    const clvgg_status status = vgg_weights_add_part(weights, *out);
    if (status != CLVGG_STATUS_OK) {
        vgg_file_close(*out);
        *out = NULL;
    }
    return status;
}

clvgg_status vgg_weights_take_parts(vgg_weights *weights, const vgg_weights *from)
{
    for (size_t i = 0; i < from->part_count; i++)
        VGG_PASS(add_part(weights, from->parts[i]));
    return CLVGG_STATUS_OK;
}

/* A file that was changed this shortly before it was opened may be changed once more within the
 * same tick of its file system's clock: on some that is two seconds. */
#define SETTLED_NANOSECONDS ((int64_t)2500000000)

void vgg_weights_sign(vgg_weights *weights)
{
    struct timespec now = {0};
    vgg_sha256 hash = vgg_sha256_begin();
    clock_gettime(CLOCK_REALTIME, &now);
    const int64_t settled = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - SETTLED_NANOSECONDS;
    if (weights->part_count == 0)
        return;
    for (size_t i = 0; i < weights->part_count; i++) {
        const vgg_file_id *part = &weights->parts[i];
        if (part->modified > settled || part->changed > settled)
            return;
        vgg_sha256_add(&hash, part, sizeof *part);
    }
    vgg_sha256_end_hex(&hash, weights->signature);
}

const char *vgg_weights_signature(const vgg_weights *weights)
{
    return weights->signature[0] != '\0' ? weights->signature : NULL;
}

static bool is_same(const struct stat *info, const vgg_file_id *id)
{
    return (uint64_t)info->st_dev == id->device && (uint64_t)info->st_ino == id->inode;
}

/* Any file in the folder counts: what it says of the network need not be weights. */
static bool folder_has(const char *path, const vgg_file_id *id)
{
    DIR *folder = opendir(path);
    bool found = false;
    struct stat info;
    if (folder == NULL)
        return false;
    for (const struct dirent *file; !found && (file = readdir(folder)) != NULL;)
        found = fstatat(dirfd(folder), file->d_name, &info, 0) == 0 && is_same(&info, id);
    closedir(folder);
    return found;
}

bool vgg_weights_reads(const vgg_weights *weights, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    for (size_t i = 0; i < weights->part_count; i++)
        if (is_same(&info, &weights->parts[i]))
            return true;
    const vgg_file_id id = {.device = (uint64_t)info.st_dev, .inode = (uint64_t)info.st_ino};
    return weights->folder != NULL && folder_has(weights->folder, &id);
}

/* base/file.c — files: exact positional reads, and writing that leaves the old file or the new one.
 *
 * Every failure names the file, and the offset where there is one. Reads use pread(), never a
 * mapping: a mapped file that shrinks kills the process, a short read is an error.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/temporary.h"

/* Linux moves at most this much a call; larger requests come back short anyway. */
#define LARGEST_TRANSFER ((size_t)1 << 30)

/* ---- reading ---- */

struct vgg_file {
    int descriptor;
    uint64_t size;
    vgg_file_id id;
    char *path;
};

static clvgg_status fail_errno(const char *path, const char *what)
{
    int code = errno;
    bool absent = code == ENOENT || code == ENOTDIR;
    return vgg_fail(absent ? CLVGG_STATUS_NOT_FOUND : CLVGG_STATUS_IO, "%s: %s: %s", path, what,
                    strerror(code));
}

static int64_t nanoseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

clvgg_status vgg_file_adopt(int descriptor, const char *name, vgg_file **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_file *file = NULL;
    struct stat info;
    *out = NULL;
    VGG_NEW(file, 1);
    file->descriptor = descriptor;
    descriptor = -1;
    VGG_DUP(file->path, name);
    if (fstat(file->descriptor, &info) != 0) {
        status = fail_errno(name, "can't be opened");
        goto cleanup;
    }
    VGG_REQUIRE(!S_ISDIR(info.st_mode), CLVGG_STATUS_BAD_FILE, "%s: is a folder, not a file", name);
    VGG_REQUIRE(S_ISREG(info.st_mode), CLVGG_STATUS_BAD_FILE,
                "%s: is a pipe or a device, not a regular file", name);
    file->size = (uint64_t)info.st_size;
    file->id = (vgg_file_id){(uint64_t)info.st_dev, (uint64_t)info.st_ino, file->size,
                             nanoseconds(&info.st_mtim), nanoseconds(&info.st_ctim)};
    VGG_GIVE(out, file);
cleanup:
    vgg_file_close(file);
    if (descriptor >= 0)
        close(descriptor);
    return status;
}

clvgg_status vgg_file_open(const char *path, vgg_file **out)
{
    int descriptor;
    *out = NULL;
    /* Without O_NONBLOCK a FIFO that nobody writes to would hang here. */
    do
        descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    while (descriptor < 0 && errno == EINTR);
    return descriptor < 0 ? fail_errno(path, "can't be opened")
                          : vgg_file_adopt(descriptor, path, out);
}

uint64_t vgg_file_size(const vgg_file *file)
{
    return file->size;
}

const char *vgg_file_path(const vgg_file *file)
{
    return file->path;
}

vgg_file_id vgg_file_identity(const vgg_file *file)
{
    return file->id;
}

clvgg_status vgg_file_read(const vgg_file *file, uint64_t offset, void *data, size_t bytes)
{
    if (offset > INT64_MAX || bytes > INT64_MAX - offset)
        return vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: offset %" PRIu64 " is beyond any file",
                        file->path, offset);
    size_t done = 0;
    while (done < bytes) {
        size_t wanted = bytes - done < LARGEST_TRANSFER ? bytes - done : LARGEST_TRANSFER;
        ssize_t got = pread(file->descriptor, (char *)data + done, wanted, (off_t)(offset + done));
        if (got > 0)
            done += (size_t)got;
        else if (got == 0)
            return vgg_fail(CLVGG_STATUS_BAD_FILE,
                            "%s: wanted %zu bytes at offset %" PRIu64 ", but the file ends at "
                            "%" PRIu64,
                            file->path, bytes, offset, offset + done);
        else if (errno != EINTR)
            return fail_errno(file->path, "can't be read");
    }
    return CLVGG_STATUS_OK;
}

void vgg_file_close(vgg_file *file)
{
    if (file == NULL)
        return;
    if (file->descriptor >= 0)
        close(file->descriptor);
    vgg_free(file->path);
    vgg_free(file);
}

bool vgg_file_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

clvgg_status vgg_file_read_all(const char *path, uint64_t limit_bytes, unsigned char **data,
                               size_t *size)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_file *file = NULL;
    unsigned char *content = NULL;
    *data = NULL;
    *size = 0;
    VGG_TRY(vgg_file_open(path, &file));
    VGG_REQUIRE(file->size <= limit_bytes && file->size < SIZE_MAX, CLVGG_STATUS_BAD_FILE,
                "%s: has %" PRIu64 " bytes, more than the %" PRIu64 " allowed here", path,
                file->size, limit_bytes);
    VGG_NEW(content, (size_t)file->size + 1);
    VGG_TRY(vgg_file_read(file, 0, content, (size_t)file->size));
    *data = content;
    *size = (size_t)file->size;
    content = NULL;
cleanup:
    vgg_free(content);
    vgg_file_close(file);
    return status;
}

clvgg_status vgg_file_read_text(const char *path, uint64_t limit_bytes, unsigned char **text,
                                size_t *size)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char *bytes = NULL;
    static const unsigned char mark[] = {0xEF, 0xBB, 0xBF};
    *text = NULL;
    VGG_TRY(vgg_file_read_all(path, limit_bytes, &bytes, size));
    VGG_REQUIRE(*size < 2 || bytes[0] + bytes[1] != 0xFE + 0xFF || bytes[0] < 0xFE,
                CLVGG_STATUS_BAD_FILE, "%s: is UTF-16 text: save it as UTF-8", path);
    if (*size >= sizeof mark && memcmp(bytes, mark, sizeof mark) == 0) {
        *size -= sizeof mark;
        memmove(bytes, bytes + sizeof mark, *size + 1);
    }
    VGG_GIVE(text, bytes);
cleanup:
    vgg_free(bytes);
    return status;
}

/* ---- writing ---- */

struct vgg_writer {
    int descriptor;
    char *path;      /* as the caller named it, for messages */
    char *target;    /* what is replaced: path with its symbolic links followed */
    char *temporary; /* beside the target; NULL when written directly or already renamed */
    uint64_t origin; /* file offset of the first byte written */
    uint64_t written;
    bool seekable;
    bool failed; /* a write failed: the content isn't whole, committing is refused */
};

/* Length of the folder part, slash included; 0 for a bare name. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

/* Follows symbolic links of the last path component, whether or not their end exists. */
static clvgg_status follow_links(const char *path, char **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char *target = NULL, *joined = NULL;
    char link[PATH_MAX];
    VGG_DUP(target, path);
    for (int depth = 0;; depth++) {
        ssize_t length = readlink(target, link, sizeof link - 1);
        if (length < 0)
            break; /* not a link: this is it; other errors come up when it is opened */
        VGG_REQUIRE(depth < 40, CLVGG_STATUS_IO, "%s: too many symbolic links", path);
        size_t folder = link[0] == '/' ? 0 : folder_length(target);
        VGG_NEW(joined, folder + (size_t)length + 1);
        memcpy(joined, target, folder);
        memcpy(joined + folder, link, (size_t)length);
        vgg_free(target);
        target = joined;
        joined = NULL;
    }
    VGG_GIVE(out, target);
cleanup:
    vgg_free(target);
    return status;
}

/* Creates a file of a new name in the target's folder. */
static clvgg_status create_temporary(vgg_writer *writer)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_REQUIRE(writer->target[folder_length(writer->target)] != '\0',
                CLVGG_STATUS_INVALID_ARGUMENT, "\"%s\": names no file", writer->path);
    const size_t capacity = strlen(writer->target) + VGG_TEMPORARY_EXTRA;
    VGG_NEW(writer->temporary, capacity);
    writer->descriptor = vgg_temporary_create(writer->target, writer->temporary, capacity);
    if (writer->descriptor < 0) {
        status = fail_errno(writer->path, "can't be written");
        vgg_free(writer->temporary);
        writer->temporary = NULL;
    }
cleanup:
    return status;
}

/* Devices, FIFOs and descriptors of the process have no "beside": they are written as they are. */
static clvgg_status open_directly(vgg_writer *writer)
{
    do
        writer->descriptor = open(writer->path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    while (writer->descriptor < 0 && errno == EINTR);
    if (writer->descriptor < 0)
        return fail_errno(writer->path, "can't be written");
    off_t end = lseek(writer->descriptor, 0, SEEK_END); /* behind what a redirection holds */
    writer->seekable = end >= 0;
    writer->origin = end > 0 ? (uint64_t)end : 0;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_writer_open(const char *path, vgg_writer **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_writer *writer = NULL;
    struct stat info;
    *out = NULL;
    VGG_NEW(writer, 1);
    writer->descriptor = -1;
    VGG_DUP(writer->path, path);
    bool exists = stat(path, &info) == 0;
    VGG_REQUIRE(!exists || !S_ISDIR(info.st_mode), CLVGG_STATUS_IO,
                "%s: is a folder, can't be written as a file", path);
    if (strncmp(path, "/dev/", 5) == 0 || (exists && !S_ISREG(info.st_mode))) {
        VGG_TRY(open_directly(writer));
    } else {
        /* Renaming would replace a write-protected file without asking. */
        VGG_REQUIRE(!exists || access(path, W_OK) == 0, CLVGG_STATUS_IO, "%s: can't be written: %s",
                    path, strerror(errno));
        VGG_TRY(follow_links(path, &writer->target));
        VGG_TRY(create_temporary(writer));
        writer->seekable = true;
        if (exists && fchmod(writer->descriptor, info.st_mode & 0777) != 0) {
            status = fail_errno(path, "can't take over its permissions");
            goto cleanup;
        }
    }
    VGG_GIVE(out, writer);
cleanup:
    vgg_writer_free(writer);
    return status;
}

bool vgg_writer_can_patch(const vgg_writer *writer)
{
    return writer->seekable;
}

/* Writes at the end (offset NULL) or over bytes already there. */
static clvgg_status write_exactly(vgg_writer *writer, const uint64_t *offset, const void *data,
                                  size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        const char *from = (const char *)data + done;
        size_t wanted = bytes - done < LARGEST_TRANSFER ? bytes - done : LARGEST_TRANSFER;
        ssize_t put = offset == NULL ? write(writer->descriptor, from, wanted)
                                     : pwrite(writer->descriptor, from, wanted,
                                              (off_t)(writer->origin + *offset + done));
        if (put >= 0) {
            done += (size_t)put;
        } else if (errno != EINTR) {
            writer->failed = true;
            char what[64];
            snprintf(what, sizeof what, "writing failed at byte %" PRIu64,
                     (offset == NULL ? writer->written : *offset) + done);
            return fail_errno(writer->path, what);
        }
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_writer_append(vgg_writer *writer, const void *data, size_t bytes)
{
    VGG_PASS(write_exactly(writer, NULL, data, bytes));
    writer->written += bytes;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_writer_patch(vgg_writer *writer, uint64_t offset, const void *data, size_t bytes)
{
    if (!writer->seekable)
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "%s: is a pipe, can't be rewritten",
                        writer->path);
    return write_exactly(writer, &offset, data, bytes);
}

const char *vgg_writer_temporary(const vgg_writer *writer)
{
    return writer->temporary;
}

uint64_t vgg_writer_bytes(const vgg_writer *writer)
{
    return writer->written;
}

/* Makes the rename itself durable. A folder that may be written but not read can't be synced. */
static clvgg_status sync_folder(const vgg_writer *writer)
{
    clvgg_status status = CLVGG_STATUS_OK;
    size_t length = folder_length(writer->target);
    char *folder = length > 0 ? vgg_strndup(writer->target, length) : vgg_strdup(".");
    if (folder == NULL)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    vgg_free(folder);
    if (descriptor < 0)
        return CLVGG_STATUS_OK;
    if (fsync(descriptor) != 0 && errno != EINVAL && errno != EROFS)
        status = fail_errno(writer->path, "its folder can't be synced");
    close(descriptor);
    return status;
}

clvgg_status vgg_writer_commit(vgg_writer *writer)
{
    if (writer->failed)
        return vgg_fail(CLVGG_STATUS_IO, "%s: not saved, because writing it failed before",
                        writer->path);
    writer->failed = true; /* until all of the below went well */
    if (writer->temporary != NULL && fsync(writer->descriptor) != 0)
        return fail_errno(writer->path, "can't be synced");
    /* Open, and so locked, until it has its own name. */
    if (writer->temporary != NULL && rename(writer->temporary, writer->target) != 0)
        return fail_errno(writer->path, "can't be replaced");
    const bool renamed = writer->temporary != NULL;
    vgg_free(writer->temporary);
    writer->temporary = NULL;
    int closed = close(writer->descriptor); /* of what is written directly, the only report */
    writer->descriptor = -1;
    if (closed != 0)
        return fail_errno(writer->path, "can't be closed");
    return renamed ? sync_folder(writer) : CLVGG_STATUS_OK;
}

void vgg_writer_free(vgg_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->temporary != NULL)
        unlink(writer->temporary); /* before its lock goes: it may be another's behind that */
    if (writer->descriptor >= 0)
        close(writer->descriptor);
    vgg_free(writer->temporary);
    vgg_free(writer->target);
    vgg_free(writer->path);
    vgg_free(writer);
}

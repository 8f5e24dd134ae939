/* base/file.h — reading exactly, writing atomically. */
#ifndef VGG_BASE_FILE_H
#define VGG_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A regular file open for reading. Reads are positional, so threads may share it. */
typedef struct vgg_file vgg_file;
/* Errors: NOT_FOUND, IO (with errno's text), BAD_FILE (a folder, a device). */
clvgg_status vgg_file_open(const char *path, vgg_file **out);
/* Takes the descriptor of a regular file, failing too; `name` stands for its path. Errors: those of
 * vgg_file_open(). */
clvgg_status vgg_file_adopt(int descriptor, const char *name, vgg_file **out);
uint64_t vgg_file_size(const vgg_file *file);
const char *vgg_file_path(const vgg_file *file);
/* What a file is, whatever names and links lead to it, and what tells that it was changed, as it was
 * when the file was opened: in nanoseconds since 1970 when its content and when anything of it was
 * changed last. */
typedef struct vgg_file_id {
    uint64_t device, inode;
    uint64_t bytes;
    int64_t modified, changed;
} vgg_file_id;
vgg_file_id vgg_file_identity(const vgg_file *file);
/* Exactly `bytes` at `offset`, over EINTR and short reads. A file that ends early (it shrank while
 * being read) is BAD_FILE, naming the file and offset. */
clvgg_status vgg_file_read(const vgg_file *file, uint64_t offset, void *data, size_t bytes);
void vgg_file_close(vgg_file *file);

/* Says whether a folder lies at the path, links followed. */
bool vgg_file_is_folder(const char *path);

/* Whole content, at most limit_bytes (BAD_FILE above), and a NUL behind it that *size leaves out.
 * *data is freed by vgg_free(). */
clvgg_status vgg_file_read_all(const char *path, uint64_t limit_bytes, unsigned char **data,
                               size_t *size);

/* Reads a whole text: a byte order mark of UTF-8 in front of it, which editors on Windows write, is
 * left out. UTF-16 is BAD_FILE. */
clvgg_status vgg_file_read_text(const char *path, uint64_t limit_bytes, unsigned char **text,
                                size_t *size);

/* A file that appears at `path` whole, at commit, or not at all: written beside it under a
 * temporary name, synced, renamed over. What a killed writer leaves is removed by the next writer of
 * the same path. A symbolic link at `path` is followed, special files such as /dev/stdout or a FIFO
 * are written directly. */
typedef struct vgg_writer vgg_writer;
clvgg_status vgg_writer_open(const char *path, vgg_writer **out);
clvgg_status vgg_writer_append(vgg_writer *writer, const void *data, size_t bytes);
/* False for a pipe, where what is written can't be changed any more. */
bool vgg_writer_can_patch(const vgg_writer *writer);
/* Overwrites bytes written before, e.g. a header that needed the final count. */
clvgg_status vgg_writer_patch(vgg_writer *writer, uint64_t offset, const void *data, size_t bytes);
/* Where what has been written can be read before the commit; NULL where it is written directly. */
const char *vgg_writer_temporary(const vgg_writer *writer);
uint64_t vgg_writer_bytes(const vgg_writer *writer);
clvgg_status vgg_writer_commit(vgg_writer *writer);
/* Frees; without a commit before, removes the temporary file. Accepts NULL. */
void vgg_writer_free(vgg_writer *writer);

#endif

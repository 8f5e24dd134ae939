/* weights/archive.h — zip archives: PyTorch's, Keras' and NumPy's files are some.
 *
 * libzip reads the directory and inflates; the bytes of members that are merely stored lie in the
 * file as they are and are read there.
 */
#ifndef VGG_WEIGHTS_ARCHIVE_H
#define VGG_WEIGHTS_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"

enum { VGG_LARGEST_MEMBER_COUNT = 131072 };

typedef struct vgg_archive vgg_archive;

typedef struct vgg_archive_member {
    const char *name; /* "archive/data/0" */
    uint64_t bytes;   /* unpacked */
    bool stored;      /* not deflated: */
    uint64_t offset;  /* of its first byte in the file */
} vgg_archive_member;

/* Says whether a file that begins so is a zip archive. */
bool vgg_archive_matches(const unsigned char *head, size_t bytes);
/* Lists the members; those that are stored lie in the file, and none in another. *out is NULL, and
 * nothing is wrong, in a build without libzip. The file must stay open. Errors: BAD_FILE, IO. */
clvgg_status vgg_archive_open(const vgg_file *file, vgg_archive **out);
void vgg_archive_close(vgg_archive *archive);
size_t vgg_archive_count(const vgg_archive *archive);
const vgg_archive_member *vgg_archive_member_at(const vgg_archive *archive, size_t index);
const vgg_file *vgg_archive_file(const vgg_archive *archive);
/* NULL: there is none of that name. */
const vgg_archive_member *vgg_archive_find(const vgg_archive *archive, const char *name);
/* Exactly `bytes` from `offset` of a member, unpacked. Thread-safe; what is deflated is read fast
 * in order alone. Errors: BAD_FILE (what doesn't lie in the member, or is damaged), IO. */
clvgg_status vgg_archive_read(const vgg_archive *archive, const vgg_archive_member *member,
                              uint64_t offset, void *data, size_t bytes);
/* A whole member, and a NUL behind it; freed by vgg_free(). BAD_FILE above limit_bytes. */
clvgg_status vgg_archive_read_all(const vgg_archive *archive, const vgg_archive_member *member,
                                  uint64_t limit_bytes, char **data);
/* A deflated member as a file without a name (base/temporary.h), for those who read it here and
 * there: deflated bytes can't be, but from the first on. Errors: BAD_FILE (also of a member that is
 * larger than VGG_LARGEST_UNPACKED), IO (no room for it, with what to do). */
clvgg_status vgg_archive_unpack(const vgg_archive *archive, const vgg_archive_member *member,
                                vgg_file **out);

/* Members are many times larger than the file only where somebody means harm: weights hardly
 * shrink. */
#define VGG_LARGEST_UNPACKED(file_bytes) ((UINT64_C(32) << 20) + 8 * (file_bytes))

#endif

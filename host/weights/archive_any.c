/* weights/archive_any.c — what is said of zip archives with libzip and without, and all that is
 * left of archive.h without.
 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/archive.h"

bool vgg_archive_matches(const unsigned char *head, size_t bytes)
{
    return bytes >= 4 && (memcmp(head, "PK\3\4", 4) == 0 || memcmp(head, "PK\5\6", 4) == 0);
}

clvgg_status vgg_archive_read_all(const vgg_archive *archive, const vgg_archive_member *member,
                                  uint64_t limit_bytes, char **data)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char *content = NULL;
    *data = NULL;
    VGG_REQUIRE(member->bytes <= limit_bytes && member->bytes < SIZE_MAX, CLVGG_STATUS_BAD_FILE,
                "member \"%s\" has %" PRIu64 " bytes, more than the %" PRIu64 " allowed here",
                member->name, member->bytes, limit_bytes);
    VGG_NEW(content, (size_t)member->bytes + 1);
    VGG_TRY(vgg_archive_read(archive, member, 0, content, (size_t)member->bytes));
    VGG_GIVE(data, content);
cleanup:
    vgg_free(content);
    return status;
}

#ifndef CLVGG_HAVE_ZIP

clvgg_status vgg_archive_open(const vgg_file *file, vgg_archive **out)
{
    (void)file;
    *out = NULL;
    return CLVGG_STATUS_OK;
}

void vgg_archive_close(vgg_archive *archive)
{
    (void)archive;
}

size_t vgg_archive_count(const vgg_archive *archive)
{
    (void)archive;
    return 0;
}

const vgg_file *vgg_archive_file(const vgg_archive *archive)
{
    (void)archive;
    return NULL;
}

const vgg_archive_member *vgg_archive_member_at(const vgg_archive *archive, size_t index)
{
    (void)archive;
    (void)index;
    return NULL;
}

const vgg_archive_member *vgg_archive_find(const vgg_archive *archive, const char *name)
{
    (void)archive;
    (void)name;
    return NULL;
}

clvgg_status vgg_archive_read(const vgg_archive *archive, const vgg_archive_member *member,
                              uint64_t offset, void *data, size_t bytes)
{
    (void)archive;
    (void)offset;
    (void)data;
    (void)bytes;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "member \"%s\" can't be read without libzip",
                    member->name);
}

#endif

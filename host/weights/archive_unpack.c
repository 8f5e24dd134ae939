/* weights/archive_unpack.c — a deflated member as a file. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/temporary.h"
#include "weights/archive.h"

enum { PIECE = 1 << 20 };

static bool write_all(int descriptor, const char *data, size_t bytes)
{
    while (bytes > 0) {
        const ssize_t put = write(descriptor, data, bytes);
        if (put < 0 && errno != EINTR)
            return false;
        data += put > 0 ? put : 0;
        bytes -= put > 0 ? (size_t)put : 0;
    }
    return true;
}

static clvgg_status fail_writing(const char *path, const vgg_archive_member *member,
                                 const char *folder)
{
    return vgg_fail(CLVGG_STATUS_IO,
                    "%s: member \"%s\" is deflated, and can't be unpacked into a file of %" PRIu64
                    " bytes in %s: %s. Unzip the file and pack "
                    "it by zip -0",
                    path, member->name, member->bytes, folder, strerror(errno));
}

static clvgg_status copy(const vgg_archive *archive, const vgg_archive_member *member,
                         int descriptor, const char *folder)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char *piece = NULL;
    VGG_NEW(piece, PIECE);
    for (uint64_t at = 0; at < member->bytes && status == CLVGG_STATUS_OK; at += PIECE) {
        const size_t some = member->bytes - at < PIECE ? (size_t)(member->bytes - at) : PIECE;
        VGG_TRY(vgg_archive_read(archive, member, at, piece, some));
        if (!write_all(descriptor, piece, some))
            status = fail_writing(vgg_file_path(vgg_archive_file(archive)), member, folder);
    }
cleanup:
    vgg_free(piece);
    return status;
}

clvgg_status vgg_archive_unpack(const vgg_archive *archive, const vgg_archive_member *member,
                                vgg_file **out)
{
    const vgg_file *packed = vgg_archive_file(archive);
    const uint64_t most = VGG_LARGEST_UNPACKED(vgg_file_size(packed));
    VGG_CHECK(member->bytes <= most, CLVGG_STATUS_BAD_FILE,
              "%s: member \"%s\" unpacks to %" PRIu64 " bytes, more than the %" PRIu64
              " that are allowed of a file of %" PRIu64,
              vgg_file_path(packed), member->name, member->bytes, most, vgg_file_size(packed));
    const char *folder = NULL;
    const int descriptor = vgg_temporary_create_nameless(&folder);
    if (descriptor < 0)
        return fail_writing(vgg_file_path(packed), member, folder);
    const clvgg_status status = copy(archive, member, descriptor, folder);
    if (status == CLVGG_STATUS_OK)
        return vgg_file_adopt(descriptor, vgg_file_path(packed), out);
    close(descriptor);
    return status;
}

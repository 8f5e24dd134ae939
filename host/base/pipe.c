/* base/pipe.c — see pipe.h. */
#include "base/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

bool vgg_pipe_is_at(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISFIFO(info.st_mode);
}

clvgg_status vgg_pipe_read_all(const char *path, uint64_t limit_bytes, unsigned char **data,
                               size_t *size)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char *content = NULL;
    size_t length = 0, capacity = 64 << 10;
    ssize_t got = 0;
    int descriptor = -1;
    *data = NULL;
    *size = 0;
    VGG_NEW(content, capacity);
    do
        descriptor = open(path, O_RDONLY | O_CLOEXEC);
    while (descriptor < 0 && errno == EINTR);
    while (descriptor >= 0) {
        got = read(descriptor, content + length, capacity - 1 - length);
        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        length += got > 0 ? (size_t)got : 0;
        VGG_REQUIRE(length <= limit_bytes, CLVGG_STATUS_BAD_FILE,
                    "%s: more than the %" PRIu64 " bytes allowed here", path, limit_bytes);
        if (length + 1 == capacity) {
            unsigned char *grown = vgg_realloc(content, capacity *= 2, 1);
            VGG_REQUIRE(grown != NULL, CLVGG_STATUS_OUT_OF_MEMORY, "%s: out of memory", path);
            content = grown;
        }
    }
    VGG_REQUIRE(descriptor >= 0 && got == 0, CLVGG_STATUS_IO, "%s: can't be read: %s", path,
                strerror(errno));
    content[length] = '\0';
    *data = content;
    *size = length;
    content = NULL;
cleanup:
    if (descriptor >= 0)
        close(descriptor);
    vgg_free(content);
    return status;
}

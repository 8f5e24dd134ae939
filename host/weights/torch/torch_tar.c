/* weights/torch/torch_tar.c — the files of a tar archive. */
#include <inttypes.h>
#include <string.h>

#include "weights/torch/torch.h"

enum { TAR_BLOCK = 512, MOST_FILES = 64 };

bool vgg_torch_is_tar(const unsigned char *head, size_t bytes)
{
    return bytes == TAR_BLOCK && memcmp(head + 257, "ustar", 5) == 0;
}

static clvgg_status read_size(const unsigned char *field, uint64_t *size)
{
    *size = 0;
    for (int i = 0; i < 12 && field[i] != '\0' && field[i] != ' '; i++) {
        VGG_CHECK(field[i] >= '0' && field[i] <= '7', CLVGG_STATUS_BAD_FILE,
                  "the size of a file in the tar archive isn't a number");
        *size = *size * 8 + (uint64_t)(field[i] - '0');
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_torch_find_in_tar(const vgg_file *file, const char *const *names, size_t count,
                                   vgg_pickle_source *found)
{
    const uint64_t end = vgg_file_size(file);
    unsigned char head[TAR_BLOCK];
    uint64_t size, at = 0;
    for (int i = 0; i < MOST_FILES && end - at >= TAR_BLOCK; i++) {
        VGG_PASS(vgg_file_read(file, at, head, sizeof head));
        if (head[0] == '\0')
            break;
        VGG_PASS(read_size(head + 124, &size));
        at += TAR_BLOCK;
        VGG_CHECK(size <= end - at, CLVGG_STATUS_BAD_FILE,
                  "a file in the tar archive has %" PRIu64 " bytes from byte %" PRIu64
                  " on, more than there are",
                  size, at);
        for (size_t j = 0; j < count; j++)
            if (strcmp((const char *)head, names[j]) == 0)
                found[j] = (vgg_pickle_source){vgg_strided_from_file, file, at, at + size};
        at += size;
        const uint64_t padding = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
        at += padding < end - at ? padding : end - at;
    }
    for (size_t j = 0; j < count; j++)
        VGG_CHECK(found[j].read != NULL, CLVGG_STATUS_UNSUPPORTED,
                  "is a tar archive without what torch.save() put there (storages, tensors, "
                  "pickle); unpack it and name the weights in it");
    return CLVGG_STATUS_OK;
}

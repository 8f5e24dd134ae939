/* weights/protobuf_values.c — reads the values that a skeleton was made without. */
#include <string.h>

#include "weights/protobuf_skeleton.h"

uint64_t vgg_protobuf_bytes(const vgg_protobuf_skeleton *skeleton, const uint32_t *places,
                            size_t count)
{
    uint64_t bytes = 0; /* no place overlaps another, so a file's size bounds the sum */
    for (size_t i = 0; i < count; i++)
        bytes += skeleton->places[places[i]].bytes;
    return bytes;
}

/* Bytes [offset, offset + bytes) of one place; what lies apart is gathered through a window. */
static clvgg_status read_place(const vgg_file *file, const vgg_protobuf_place *place,
                               uint64_t offset, unsigned char *to, size_t bytes)
{
    unsigned char window[4096];
    if (place->element == 0)
        return vgg_file_read(file, place->offset + offset, to, bytes);
    const size_t element = place->element, step = place->step;
    const size_t fit = (sizeof window - element) / step + 1;
    while (bytes > 0) {
        const size_t wanted = bytes / element, some = wanted < fit ? wanted : fit;
        if (some == 0)
            return vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: half a number was asked for",
                            vgg_file_path(file));
        VGG_PASS(vgg_file_read(file, place->offset + offset / element * step, window,
                               (some - 1) * step + element));
        for (size_t i = 0; i < some; i++)
            memcpy(to + i * element, window + i * step, element);
        to += some * element;
        offset += some * element;
        bytes -= some * element;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_protobuf_read(const vgg_file *file, const vgg_protobuf_skeleton *skeleton,
                               const uint32_t *places, size_t count, uint64_t offset, void *data,
                               size_t bytes)
{
    unsigned char *to = data;
    for (size_t i = 0; i < count && bytes > 0; i++) {
        const vgg_protobuf_place *place = &skeleton->places[places[i]];
        if (offset >= place->bytes) {
            offset -= place->bytes;
            continue;
        }
        const uint64_t left = place->bytes - offset;
        const size_t some = left < bytes ? (size_t)left : bytes;
        VGG_PASS(read_place(file, place, offset, to, some));
        to += some;
        bytes -= some;
        offset = 0;
    }
    return CLVGG_STATUS_OK;
}

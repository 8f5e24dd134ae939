/* weights/keras/hdf5_header.c — reads an object header of version 1: blocks of messages, each of
 * which may name another block.
 */
#include "weights/keras/hdf5_header.h"

#include <string.h>

#include "base/alloc.h"

enum { LARGEST_BLOCK = 1 << 20, MOST_BLOCKS = 256, MOST_MESSAGES = 65536 };
/* Of all that describes a file's objects: structures that refer to each other in circles, or very
 * often, end here. Each read counts some bytes more than it has. */
enum { MOST_FETCHED = 64 << 20, FETCH_COST = 32 };

uint64_t vgg_hdf5_take(hdf5_bytes *bytes, int count)
{
    const unsigned char *at = vgg_hdf5_skip(bytes, (uint64_t)count);
    uint64_t value = 0;
    for (int i = count; at != NULL && i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

const unsigned char *vgg_hdf5_skip(hdf5_bytes *bytes, uint64_t count)
{
    const unsigned char *at = bytes->at;
    if (bytes->failed || count > bytes->left) {
        bytes->failed = true;
        return NULL;
    }
    bytes->at += count;
    bytes->left -= (size_t)count;
    return at;
}

clvgg_status vgg_hdf5_fail(vgg_hdf5 *file, const char *what)
{
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: damaged HDF5: %s", file->name, what);
}

clvgg_status vgg_hdf5_fetch(vgg_hdf5 *file, uint64_t at, void *data, size_t bytes)
{
    const vgg_hdf5_source *source = &file->source;
    if (at > source->bytes || bytes > source->bytes - at)
        return vgg_hdf5_fail(file, "it refers to bytes behind its end");
    file->fetched += bytes + FETCH_COST;
    if (file->fetched > MOST_FETCHED)
        return vgg_hdf5_fail(file, "what describes its objects is too large, or goes in circles");
    return vgg_file_read(source->file, source->offset + at, data, bytes);
}

/* A header under way: blocks that are still to be read. */
typedef struct header {
    vgg_hdf5 *file;
    clvgg_status (*visit)(void *user, const hdf5_message *message);
    void *user;
    struct {
        uint64_t at, bytes;
    } blocks[MOST_BLOCKS];
    int block_count, message_count;
} header;

static clvgg_status add_block(header *to, uint64_t at, uint64_t bytes)
{
    if (to->block_count == MOST_BLOCKS || bytes > LARGEST_BLOCK)
        return vgg_hdf5_fail(to->file, "an object's header is too large");
    to->blocks[to->block_count].at = at;
    to->blocks[to->block_count++].bytes = bytes;
    return CLVGG_STATUS_OK;
}

/* One message; what is too short for one is padding. */
static clvgg_status read_message(header *of, hdf5_bytes *block, uint64_t end)
{
    hdf5_message message = {.type = (int)vgg_hdf5_take(block, 2)};
    const uint64_t bytes = vgg_hdf5_take(block, 2);
    message.shared = (vgg_hdf5_take(block, 1) & 2) != 0;
    vgg_hdf5_skip(block, 3);
    message.offset = end - block->left;
    message.data = (hdf5_bytes){.left = (size_t)bytes};
    message.data.at = vgg_hdf5_skip(block, bytes);
    if (block->failed || ++of->message_count > MOST_MESSAGES)
        return vgg_hdf5_fail(of->file, "an object's header holds more than its size");
    if (message.type != VGG_HDF5_CONTINUATION)
        return of->visit(of->user, &message);
    const uint64_t at = vgg_hdf5_take(&message.data, 8);
    const uint64_t more = vgg_hdf5_take(&message.data, 8);
    if (message.data.failed)
        return vgg_hdf5_fail(of->file, "an object's header is cut");
    return add_block(of, at, more);
}

static clvgg_status read_block(header *of, uint64_t at, uint64_t bytes)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char *data = NULL;
    VGG_NEW(data, (size_t)bytes + 1);
    VGG_TRY(vgg_hdf5_fetch(of->file, at, data, (size_t)bytes));
    hdf5_bytes block = {.at = data, .left = (size_t)bytes};
    while (block.left >= 8)
        VGG_TRY(read_message(of, &block, at + bytes));
cleanup:
    vgg_free(data);
    return status;
}

clvgg_status vgg_hdf5_visit_messages(vgg_hdf5 *file, uint64_t at,
                                     clvgg_status (*visit)(void *user, const hdf5_message *message),
                                     void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char front[16];
    header *of = NULL;
    VGG_TRY(vgg_hdf5_fetch(file, at, front, sizeof front));
    VGG_REQUIRE(memcmp(front, "OHDR", 4) != 0, CLVGG_STATUS_UNSUPPORTED, "%s: " VGG_HDF5_NEWER,
                file->name);
    if (front[0] != 1)
        VGG_TRY(vgg_hdf5_fail(file, "an object's header has no known version"));
    hdf5_bytes bytes = {.at = front + 8, .left = 8};
    VGG_NEW(of, 1);
    of->file = file;
    of->visit = visit;
    of->user = user;
    VGG_TRY(add_block(of, at + sizeof front, vgg_hdf5_take(&bytes, 4)));
    for (int i = 0; i < of->block_count; i++)
        VGG_TRY(read_block(of, of->blocks[i].at, of->blocks[i].bytes));
cleanup:
    vgg_free(of);
    return status;
}

/* weights/protobuf_unpack.c — protobuf-c with memory of ours, and a bound on it. */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include "weights/protobuf_unpack.h"

#include "base/alloc.h"

typedef struct budget {
    size_t left;
    bool is_spent, is_failed;
} budget;

static void *take(void *user, size_t bytes)
{
    budget *b = user;
    const size_t whole = bytes + 32; /* what a block takes beside its bytes */
    if (bytes > b->left || whole > b->left) {
        b->is_spent = true;
        return NULL;
    }
    b->left -= whole;
    void *memory = vgg_calloc(1, bytes);
    b->is_failed = b->is_failed || memory == NULL;
    return memory;
}

static void give_back(void *user, void *memory)
{
    (void)user;
    vgg_free(memory);
}

clvgg_status vgg_protobuf_unpack(const char *path, const vgg_protobuf_skeleton *skeleton,
                                 const ProtobufCMessageDescriptor *descriptor,
                                 ProtobufCMessage **out)
{
    budget b = {.left = VGG_PROTOBUF_LARGEST_MESSAGE};
    ProtobufCAllocator allocator = {take, give_back, &b};
    *out = protobuf_c_message_unpack(descriptor, &allocator, skeleton->length, skeleton->bytes);
    if (*out != NULL)
        return CLVGG_STATUS_OK;
    if (b.is_failed)
        return CLVGG_STATUS_OUT_OF_MEMORY; /* vgg_calloc() wrote the message */
    VGG_CHECK(!b.is_spent, CLVGG_STATUS_BAD_FILE, "%s: takes more than %d MiB beside its weights",
              path, VGG_PROTOBUF_LARGEST_MESSAGE >> 20);
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: isn't a well-formed protobuf message", path);
}

void vgg_protobuf_free(ProtobufCMessage *message)
{
    ProtobufCAllocator allocator = {take, give_back, NULL};
    if (message != NULL)
        protobuf_c_message_free_unpacked(message, &allocator);
}

#else

typedef int vgg_protobuf_is_absent; /* C wants something in every file */

#endif

/* weights/protobuf_skeleton.h — a small copy of a large protobuf file, without its arrays of
 * values.
 *
 * A library unpacks a message from memory, weights included. So the file's wire format is walked
 * with bounded reads first, and copied without the payload of the fields that hold weights: the
 * library unpacks the copy. Tables say what is done with which field of which message; what isn't
 * listed isn't copied, so that a stranger's file can't make the copy large by fields that nobody
 * reads.
 *
 * A field that is left out has a field of varints in the copy, numbered VGG_PROTOBUF_MARK above it:
 * indices into `places`, in the file's order. A .proto file declares it:
 *     repeated uint32 raw_data_place = 1000009;
 * Fields of such numbers in the file itself aren't copied, so an index is always one of ours.
 *
 * Wire format: https://protobuf.dev/programming-guides/encoding/
 */
#ifndef VGG_WEIGHTS_PROTOBUF_SKELETON_H
#define VGG_WEIGHTS_PROTOBUF_SKELETON_H

#include <stddef.h>
#include <stdint.h>

#include "base/file.h"

enum {
    VGG_PROTOBUF_MARK = 1000000,
    VGG_PROTOBUF_LARGEST_SKELETON = 8 << 20,
    VGG_PROTOBUF_MOST_MESSAGES = 1 << 18,
    VGG_PROTOBUF_MOST_PLACES = 1 << 18,
    VGG_PROTOBUF_DEEPEST = 32,
};

typedef struct vgg_protobuf_message vgg_protobuf_message;

typedef enum vgg_protobuf_use {
    VGG_PROTOBUF_KEEP, /* copied as it is */
    VGG_PROTOBUF_INTO, /* a message with a table of its own */
    VGG_PROTOBUF_ONCE, /* the same, which may be there once alone */
    VGG_PROTOBUF_LEAVE /* left out, and its place recorded */
} vgg_protobuf_use;

typedef struct vgg_protobuf_field {
    uint32_t number;
    vgg_protobuf_use use;
    const vgg_protobuf_message *message; /* for INTO and ONCE */
} vgg_protobuf_field;

struct vgg_protobuf_message {
    const char *name; /* "TensorProto", for messages */
    const vgg_protobuf_field *fields;
    size_t field_count;
};

/* Where the payload of one occurrence of a field lies: a string, bytes, packed numbers or a
 * message. Numbers that aren't packed but follow each other, each with its key, are one place. */
typedef struct vgg_protobuf_place {
    uint64_t offset;  /* of the first value */
    uint64_t bytes;   /* of the values alone */
    uint32_t element; /* bytes of a number that isn't packed; 0: the values lie side by side */
    uint32_t step;    /* from such a number to the next */
} vgg_protobuf_place;

typedef struct vgg_protobuf_skeleton {
    unsigned char *bytes;
    size_t length, capacity;
    vgg_protobuf_place *places;
    size_t place_count, place_capacity;
} vgg_protobuf_skeleton;

/* Makes the copy of a whole file. *out is zeroed before, and freed by the caller on failure too.
 * Errors: BAD_FILE (lengths beyond the enclosing message or the file, malformed keys and numbers,
 * more than the limits above), IO. Messages name the file and the offset. */
clvgg_status vgg_protobuf_skeleton_read(const vgg_file *file, const vgg_protobuf_message *root,
                                        vgg_protobuf_skeleton *out);
void vgg_protobuf_skeleton_free(vgg_protobuf_skeleton *skeleton);

/* The values of one field of one message: the places whose indices the copy gives, one after the
 * other. Bytes of all of them. */
uint64_t vgg_protobuf_bytes(const vgg_protobuf_skeleton *skeleton, const uint32_t *places,
                            size_t count);
/* Bytes [offset, offset + bytes) of these values, which lie in their range. A number must not be
 * split. Thread-safe. */
clvgg_status vgg_protobuf_read(const vgg_file *file, const vgg_protobuf_skeleton *skeleton,
                               const uint32_t *places, size_t count, uint64_t offset, void *data,
                               size_t bytes);

#endif

/* weights/protobuf_unpack.h — protobuf-c on the small copy of a file (protobuf_skeleton.h). */
#ifndef VGG_WEIGHTS_PROTOBUF_UNPACK_H
#define VGG_WEIGHTS_PROTOBUF_UNPACK_H

#include <protobuf-c/protobuf-c.h>

#include "weights/protobuf_skeleton.h"

/* Few bytes of a file can stand for many in memory, so what a message may take is bounded. */
enum { VGG_PROTOBUF_LARGEST_MESSAGE = 24 << 20 };

/* Unpacks the copy as a message of this kind. `path` is for messages. Errors: BAD_FILE (malformed,
 * or too large in memory), OUT_OF_MEMORY. */
clvgg_status vgg_protobuf_unpack(const char *path, const vgg_protobuf_skeleton *skeleton,
                                 const ProtobufCMessageDescriptor *descriptor,
                                 ProtobufCMessage **out);
/* Frees a message made so; NULL is fine. */
void vgg_protobuf_free(ProtobufCMessage *message);

#endif

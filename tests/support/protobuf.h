/* tests/support/protobuf.h — protobuf messages made byte by byte, good ones and others. */
#ifndef TEST_SUPPORT_PROTOBUF_H
#define TEST_SUPPORT_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

typedef struct pb {
    unsigned char *bytes;
    size_t length;
} pb;

pb pb_new(void);
void pb_free(pb *message);
void pb_int(pb *message, uint32_t field, int64_t value);
void pb_float(pb *message, uint32_t field, float value);
void pb_bytes(pb *message, uint32_t field, const void *bytes, size_t count);
void pb_text(pb *message, uint32_t field, const char *text);
/* Puts a message into another and frees it. */
void pb_put(pb *message, uint32_t field, pb inner);

#endif

/* tests/support/protobuf.c — see protobuf.h. */
#include "support/protobuf.h"

#include <stdlib.h>
#include <string.h>

pb pb_new(void)
{
    return (pb){.bytes = NULL};
}

void pb_free(pb *message)
{
    free(message->bytes);
    *message = pb_new();
}

static void append(pb *message, const void *bytes, size_t count)
{
    message->bytes = realloc(message->bytes, message->length + count + 1);
    if (message->bytes == NULL)
        abort();
    if (count > 0)
        memcpy(message->bytes + message->length, bytes, count);
    message->length += count;
}

static void append_varint(pb *message, uint64_t value)
{
    do {
        const unsigned char byte = (unsigned char)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        append(message, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

void pb_int(pb *message, uint32_t field, int64_t value)
{
    append_varint(message, (uint64_t)field << 3);
    append_varint(message, (uint64_t)value);
}

void pb_float(pb *message, uint32_t field, float value)
{
    append_varint(message, (uint64_t)field << 3 | 5);
    append(message, &value, sizeof value);
}

void pb_bytes(pb *message, uint32_t field, const void *bytes, size_t count)
{
    append_varint(message, (uint64_t)field << 3 | 2);
    append_varint(message, count);
    append(message, bytes, count);
}

void pb_text(pb *message, uint32_t field, const char *text)
{
    pb_bytes(message, field, text, strlen(text));
}

void pb_put(pb *message, uint32_t field, pb inner)
{
    pb_bytes(message, field, inner.bytes, inner.length);
    pb_free(&inner);
}

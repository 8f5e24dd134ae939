/* weights/onnx/onnx_wire.c — see onnx_wire.h. */
#include "weights/onnx/onnx_wire.h"

#include <string.h>

enum { VARINT = 0, LENGTH = 2, FIXED32 = 5 }; /* wire types */

void vgg_onnx_put_varint(vgg_text *text, uint64_t value)
{
    char bytes[10];
    size_t count = 0;
    do {
        const unsigned low = value & 0x7F;
        value >>= 7;
        bytes[count++] = (char)(low | (value > 0 ? 0x80 : 0));
    } while (value > 0);
    vgg_text_append(text, bytes, count);
}

static void put_tag(vgg_text *text, int field, int type)
{
    vgg_onnx_put_varint(text, (uint64_t)field << 3 | (uint64_t)type);
}

void vgg_onnx_put_integer(vgg_text *text, int field, int64_t value)
{
    put_tag(text, field, VARINT);
    vgg_onnx_put_varint(text, (uint64_t)value);
}

void vgg_onnx_put_length(vgg_text *text, int field, uint64_t length)
{
    put_tag(text, field, LENGTH);
    vgg_onnx_put_varint(text, length);
}

void vgg_onnx_put_string(vgg_text *text, int field, const char *value)
{
    vgg_onnx_put_length(text, field, strlen(value));
    vgg_text_puts(text, value);
}

void vgg_onnx_put_message(vgg_text *text, int field, vgg_text *message)
{
    vgg_onnx_put_length(text, field, message->length);
    vgg_text_join(text, message);
    vgg_text_free(message);
}

/* ---- attributes ---- */

enum { NAME = 1, FLOAT = 2, INT = 3, INTS = 8, TYPE = 20 };
enum { TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_INTS = 7 };

void vgg_onnx_put_int(vgg_text *node, const char *name, int64_t value)
{
    vgg_text attribute = {0};
    vgg_onnx_put_string(&attribute, NAME, name);
    vgg_onnx_put_integer(&attribute, INT, value);
    vgg_onnx_put_integer(&attribute, TYPE, TYPE_INT);
    vgg_onnx_put_message(node, ONNX_NODE_ATTRIBUTE, &attribute);
}

void vgg_onnx_put_ints(vgg_text *node, const char *name, const int64_t *values, int count)
{
    vgg_text attribute = {0};
    vgg_onnx_put_string(&attribute, NAME, name);
    for (int i = 0; i < count; i++)
        vgg_onnx_put_integer(&attribute, INTS, values[i]);
    vgg_onnx_put_integer(&attribute, TYPE, TYPE_INTS);
    vgg_onnx_put_message(node, ONNX_NODE_ATTRIBUTE, &attribute);
}

void vgg_onnx_put_float(vgg_text *node, const char *name, float value)
{
    vgg_text attribute = {0};
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const char bytes[] = {(char)(bits & 0xFF), (char)(bits >> 8 & 0xFF), (char)(bits >> 16 & 0xFF),
                          (char)(bits >> 24)};
    vgg_onnx_put_string(&attribute, NAME, name);
    put_tag(&attribute, FLOAT, FIXED32);
    vgg_text_append(&attribute, bytes, sizeof bytes);
    vgg_onnx_put_integer(&attribute, TYPE, TYPE_FLOAT);
    vgg_onnx_put_message(node, ONNX_NODE_ATTRIBUTE, &attribute);
}

/* ---- tensors and values ---- */

int vgg_onnx_type(clvgg_dtype dtype)
{
    static const int numbers[] = {
        [CLVGG_DTYPE_F32] = 1, [CLVGG_DTYPE_F16] = 10, [CLVGG_DTYPE_BF16] = 16};
    return numbers[dtype];
}

void vgg_onnx_put_value(vgg_text *graph, int field, const char *name, const clvgg_shape *shape)
{
    enum { VALUE_NAME = 1, VALUE_TYPE = 2, TENSOR_TYPE = 1, ELEMENT = 1, SHAPE = 2 };
    enum { DIMENSION = 1, EXTENT = 1, SYMBOL = 2 };
    vgg_text dimensions = {0}, tensor = {0}, type = {0}, value = {0};
    for (int i = -1; i < shape->rank; i++) {
        vgg_text dimension = {0};
        if (i < 0)
            vgg_onnx_put_string(&dimension, SYMBOL, "N");
        else
            vgg_onnx_put_integer(&dimension, EXTENT, shape->dims[i]);
        vgg_onnx_put_message(&dimensions, DIMENSION, &dimension);
    }
    vgg_onnx_put_integer(&tensor, ELEMENT, vgg_onnx_type(CLVGG_DTYPE_F32));
    vgg_onnx_put_message(&tensor, SHAPE, &dimensions);
    vgg_onnx_put_message(&type, TENSOR_TYPE, &tensor);
    vgg_onnx_put_string(&value, VALUE_NAME, name);
    vgg_onnx_put_message(&value, VALUE_TYPE, &type);
    vgg_onnx_put_message(graph, field, &value);
}

void vgg_onnx_put_tensor_head(vgg_text *tensor, const char *name, clvgg_dtype dtype,
                              const clvgg_shape *shape, uint64_t value_bytes)
{
    for (int i = 0; i < shape->rank; i++)
        vgg_onnx_put_integer(tensor, ONNX_TENSOR_DIMS, shape->dims[i]);
    vgg_onnx_put_integer(tensor, ONNX_TENSOR_TYPE, vgg_onnx_type(dtype));
    vgg_onnx_put_string(tensor, ONNX_TENSOR_NAME, name);
    vgg_onnx_put_length(tensor, ONNX_TENSOR_RAW, value_bytes);
}

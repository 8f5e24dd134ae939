/* tensor/shape.c — shapes: element counts that can't overflow, comparison, text. */
#include "tensor/shape.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

bool vgg_shape_count(const clvgg_shape *shape, uint64_t *count)
{
    *count = 0;
    if (shape->rank < 0 || shape->rank > CLVGG_MAX_RANK)
        return false;
    /* The product of the other dimensions must fit even when one is zero: strides use it. */
    uint64_t product = 1;
    bool empty = false;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            return false;
        uint64_t extent = (uint64_t)shape->dims[i];
        empty = empty || extent == 0;
        if (extent > 1 && product > (uint64_t)INT64_MAX / extent)
            return false;
        product *= extent > 1 ? extent : 1;
    }
    *count = empty ? 0 : product;
    return true;
}

uint64_t vgg_shape_elements(const clvgg_shape *shape)
{
    uint64_t count = 0;
    bool valid = vgg_shape_count(shape, &count);
    assert(valid);
    (void)valid;
    return count;
}

bool vgg_shape_equal(const clvgg_shape *a, const clvgg_shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}

const char *vgg_shape_text(const clvgg_shape *shape, char *text, size_t capacity)
{
    size_t used = 0;
    for (int i = 0; i < shape->rank && used < capacity; i++) {
        int length = snprintf(text + used, capacity - used, "%s%" PRId64, i == 0 ? "[" : ", ",
                              shape->dims[i]);
        used += length > 0 ? (size_t)length : 0;
    }
    if (used < capacity)
        snprintf(text + used, capacity - used, "%s", shape->rank == 0 ? "[]" : "]");
    return text;
}

/* tensor/shape.h — shapes with overflow-checked sizes. */
#ifndef VGG_TENSOR_SHAPE_H
#define VGG_TENSOR_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clvgg/tensor.h"

/* Product of the dimensions; false on overflow of int64 or a negative dimension. */
bool vgg_shape_count(const clvgg_shape *shape, uint64_t *count);
/* Number of elements of a shape known to be valid (inferred by the graph). */
uint64_t vgg_shape_elements(const clvgg_shape *shape);
bool vgg_shape_equal(const clvgg_shape *a, const clvgg_shape *b);
/* "[64, 3, 3, 3]"; returns `text`. 128 bytes hold any shape of sane sizes; longer is cut. */
const char *vgg_shape_text(const clvgg_shape *shape, char *text, size_t capacity);

#endif

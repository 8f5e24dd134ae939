/* tensor/dtype.h — element types: sizes, names, conversions to float32 and back. */
#ifndef VGG_TENSOR_DTYPE_H
#define VGG_TENSOR_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clvgg/tensor.h"

size_t vgg_dtype_bytes(clvgg_dtype dtype);
const char *vgg_dtype_name(clvgg_dtype dtype); /* "F32", "F16", "BF16": in files */
float vgg_dtype_largest(clvgg_dtype dtype);    /* finite value */
float vgg_f32_from_f16(uint16_t bits);
float vgg_f32_from_bf16(uint16_t bits);
uint16_t vgg_f16_from_f32(float value);  /* round to nearest even; overflow becomes infinity */
uint16_t vgg_bf16_from_f32(float value); /* round to nearest even; NaN stays NaN */
/* count elements of `dtype` at `data`, however aligned, to float32 / from float32. No overlap. */
void vgg_to_f32(clvgg_dtype dtype, const void *data, size_t count, float *out);
void vgg_from_f32(clvgg_dtype dtype, const float *values, size_t count, void *out);
/* Index of the first NaN or infinity, or count. Fast when there is none. */
size_t vgg_find_non_finite(clvgg_dtype dtype, const void *data, size_t count);
/* Index of the first value further from zero than `most` (finite), or count. As fast. */
size_t vgg_find_beyond(clvgg_dtype dtype, const void *data, size_t count, float most);

#endif

/* tensor/int8_row.h — a row of weights as int8 with one scale: w = scale · q, q an integer from
 * −127 to 127.
 *
 * The scale is the row's largest |w| / 127 with 16 significant bits, rounded up, so that scale · q
 * is exact in float32 and a row that was rounded once comes out the same again. cl/pack_int8.cl
 * computes the same bits.
 */
#ifndef VGG_TENSOR_INT8_ROW_H
#define VGG_TENSOR_INT8_ROW_H

#include <stddef.h>

/* At least 2^-100. The values must be finite. */
float vgg_int8_row_scale(const float *row, size_t count);
/* Replaces the values by scale · q; returns the scale. */
float vgg_int8_row_round(float *row, size_t count);

#endif
